"""docs/threat-model.md names files and tests for each threat: they are there."""

import re
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[3]
PAGE = (TOP / "docs" / "threat-model.md").read_text(encoding="utf-8")
THREATS = [f"T{n}" for n in range(1, 26)]
DEFENCE = re.compile(r"(worker|producer|scripts)/[\w/@.-]+")
TEST = re.compile(r"((?:\w+/)*\w+\.(?:py|c))(?:::(\w+))?|scripts/[\w-]+")


def rows():
    """Of each row of the table its cells, without the bars."""
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in PAGE.splitlines()
        if re.match(r"\| T\d+ \|", line)
    ]


def named(cell, pattern):
    return [name for name in re.findall(r"`([^`]+)`", cell) if pattern.fullmatch(name)]


def has_test(name):
    """A script, a fuzz target with its corpus, or a test that is run by this name."""
    if name.startswith("scripts/"):
        return (TOP / name).is_file()
    file, test = TEST.fullmatch(name).groups()
    if file.startswith("fuzz_"):
        corpus = TOP / "tests" / "fuzz" / "corpus" / file.removeprefix("fuzz_").removesuffix(".c")
        return test is None and (TOP / "tests" / "fuzz" / file).is_file() and corpus.is_dir()
    folder, pattern = {
        ".py": ("flow", rf"^def {test}\("),
        ".c": ("unit", rf"(cmocka_unit_test(_\w+)?|TEST)\({test}\b"),
    }[Path(file).suffix]
    path = TOP / "tests" / folder / file
    return path.is_file() and re.search(pattern, path.read_text("utf-8"), re.MULTILINE) is not None


def test_every_threat_has_one_row():
    assert [row[0] for row in rows()] == THREATS
    assert {len(row) for row in rows()} == {4}


@pytest.mark.parametrize("threat", THREATS)
def test_what_a_row_names_is_there(threat):
    ((_, _, defence, tests),) = [row for row in rows() if row[0] == threat]
    files, shown = named(defence, DEFENCE), named(tests, TEST)
    assert [name for name in files if not (TOP / name).is_file()] == []
    assert [name for name in shown if not has_test(name)] == []
    assert re.sub(r"`[^`]+`", "", tests).strip() == "" and len(shown) == tests.count("`") // 2
    assert (files and shown) or "not defended" in defence


def test_what_is_not_defended_tells_of_threats_that_are_there():
    section = PAGE.partition("\n## What is not defended\n")[2]
    told = set(re.findall(r"\bT\d+\b", section))
    assert told and told <= set(THREATS)
