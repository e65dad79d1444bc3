"""Small mistakes in C sources, found by what the text looks like. Each makes a check weaker.

No parser: it knows the layout that clang-format gives, and the tables by their names.
"""

import re
from dataclasses import dataclass

SHOWN_MAX = 70


@dataclass(frozen=True)
class Mutation:
    """source[start:end] becomes new."""

    file: str
    line: int
    start: int
    end: int
    new: str
    what: str

    def apply(self, source):
        return source[: self.start] + self.new + source[self.end :]


class Source:
    def __init__(self, file, text):
        self.file = file
        self.text = text
        self.code = _blank(text, r"/\*.*?\*/|^#[^\n]*(?:\\\n[^\n]*)*")  # without comments, macros
        self.bare = _blank(self.code, r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'', "_")  # nor texts

    def mutation(self, start, end, new, what):
        return Mutation(self.file, self.text.count("\n", 0, start) + 1, start, end, new, what)

    def shown(self, start, end):
        text = " ".join(self.text[start:end].split())
        return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


def _blank(text, pattern, filler=" "):
    """The same text, fillers instead of what matches; line breaks stay."""
    return re.sub(
        pattern, lambda m: re.sub(r"[^\n]", filler, m[0]), text, flags=re.DOTALL | re.MULTILINE
    )


# --- tables ---


def address_rows(source):
    """Each row removed, its prefix made longer, its class made weaker."""
    weaker = {"N": "A", "X": "A", "A": "ADDRESS_PUBLIC"}
    row = re.compile(r"\{(IPV[46](?:_FULL)?\([^)]*\)), (\d+), (\w+)\},")
    for found in row.finditer(source.code):
        address, length, kind = found[1], int(found[2]), found[3]
        longest = 32 if address.startswith("IPV4") else 128
        other = length + 1 if length < longest else length - 1
        yield source.mutation(*found.span(), "", f"row {address}/{length} removed")
        yield source.mutation(
            *found.span(2), str(other), f"row {address}/{length} has length {other}"
        )
        if kind in weaker:
            yield source.mutation(
                *found.span(3), weaker[kind], f"row {address}/{length} has class {weaker[kind]}"
            )


def list_entries(source, name):
    """Each entry of the array removed; texts that end in a star without it."""
    array = re.search(rf"\b{name}\[\] = \{{(.*?)\}};", source.code, re.DOTALL)
    for found in re.finditer(r'("[^"]*"|\d+),', array[1]):
        start, end = (array.start(1) + offset for offset in found.span())
        yield source.mutation(start, end, "", f"{name} without {found[1]}")
        if found[1].endswith('*"'):
            yield source.mutation(end - 3, end - 2, "", f"{name}: {found[1]} without its star")


def set_options(source):
    """Each statement that sets an option of libcurl removed."""
    call = re.compile(r"\bbad \|=\s+curl_easy_setopt\(\w[\w>-]*, (CURLOPT_\w+)[^;]*;")
    for found in call.finditer(source.code):
        yield source.mutation(*found.span(), "", f"{found[1]} not set")


# --- conditions ---


def conditions(source):
    """Each if never true, each part of an "or" gone, each part of an "and" gone."""
    for found in re.finditer(r"\bif \(", source.bare):
        start, end = found.end(), _closing(source.bare, found.end())
        yield source.mutation(start, end, "false", f"never if ({source.shown(start, end)})")
        yield from _parts(source, start, end)
    expression = re.compile(r"^\s+(?:return|(?:bool )?[\w.>-]+ =)\s+([^;]*);", re.MULTILINE)
    for found in expression.finditer(source.bare):
        yield from _parts(source, *found.span(1))


def _closing(text, start):
    """Where the bracket closes that was opened before start."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    raise ValueError("a bracket is not closed")


def _split(text, start, end, operator):
    """The ranges between operators that are in no brackets."""
    ranges, depth, at = [], 0, start
    begin = start
    while at < end:
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0 and text.startswith(operator, at):
            ranges.append((begin, at))
            at += len(operator)
            begin = at
        else:
            at += 1
    return [*ranges, (begin, end)]


def _trimmed(text, start, end):
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return start, end


def _parts(source, start, end):
    """Mutations inside of one expression, outer ones first."""
    text = source.bare
    start, end = _trimmed(text, start, end)
    for operator in ("?", ":"):
        pieces = _split(text, start, end, operator)
        if len(pieces) > 1:
            for piece in pieces:
                yield from _parts(source, *piece)
            return
    for operator, neutral in (("||", "false"), ("&&", "true")):
        pieces = _split(text, start, end, operator)
        if len(pieces) > 1:
            for piece in pieces:
                piece = _trimmed(text, *piece)
                yield source.mutation(*piece, neutral, f"{neutral} for {source.shown(*piece)}")
                yield from _parts(source, *piece)
            return
    negated = start + (text[start : start + 1] == "!")
    if text[negated : negated + 1] == "(" and _closing(text, negated + 1) == end - 1:
        yield from _parts(source, negated + 1, end - 1)
