"""Figures of all parts, as a table for eyes, as Markdown and as JSON."""

import json
import os
import platform
import subprocess
import time

from measure import median, spread


class Target:
    """At most or at least a value."""

    def __init__(self, sign, value):
        self.sign = sign
        self.value = value

    def is_met(self, figure):
        return figure <= self.value if self.sign == "≤" else figure >= self.value

    def __str__(self):
        return f"{self.sign} {self.value:g}"


def at_most(value):
    return Target("≤", value)


def at_least(value):
    return Target("≥", value)


class Row:
    """One figure: its samples are those of the rounds."""

    def __init__(self, what, samples, unit, target):
        self.what = what
        self.samples = samples if isinstance(samples, list) else [samples]
        self.unit = unit
        self.target = target

    @property
    def value(self):
        return median(self.samples)

    def cells(self):
        verdict = ""
        if self.target is not None:
            verdict = f"{self.target}: " + ("met" if self.target.is_met(self.value) else "MISSED")
        noise = f"±{spread(self.samples) * 50:.0f} %" if len(self.samples) > 1 else ""
        return [self.what, f"{_short(self.value)} {self.unit}".strip(), noise, verdict]

    def document(self):
        found = {
            "what": self.what, "unit": self.unit, "median": self.value, "samples": self.samples,
        }  # fmt: skip
        if self.target is not None:
            found["target"] = str(self.target)
            found["met"] = self.target.is_met(self.value)
        return found


def _short(value):
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


class Report:
    """Rows by part, in the order they came, and what went wrong."""

    def __init__(self, rounds, quick):
        self._rounds = rounds
        self._quick = quick
        self._machine = machine()
        self._began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        self._parts = {}
        self._part = None

    def begin(self, part):
        self._part = part
        self._parts[part] = {"rows": [], "notes": []}

    def row(self, what, samples, unit="", target=None):
        self._parts[self._part]["rows"].append(Row(what, samples, unit, target))

    def note(self, text):
        self._parts[self._part]["notes"].append(text)

    def _table(self):
        """(part, cells or note) of everything"""
        for part, found in self._parts.items():
            for row in found["rows"]:
                yield part, row.cells()
            for note in found["notes"]:
                yield part, note

    def text(self):
        widths = [0, 0, 0, 0]
        for _, cells in self._table():
            if not isinstance(cells, str):
                widths = [max(w, len(cell)) for w, cell in zip(widths, cells)]
        lines = []
        last = None
        for part, cells in self._table():
            if part != last:
                lines.append(f"\n{part}")
                last = part
            if isinstance(cells, str):
                lines.append(f"  {cells}")
                continue
            what, value, noise, verdict = cells
            line = f"  {what:<{widths[0]}}  {value:>{widths[1]}}  {noise:>{widths[2]}}  {verdict}"
            lines.append(line.rstrip())
        return "\n".join(lines).strip("\n")

    def markdown(self):
        found = self._machine
        lines = [f"{self._began[:10]}, {found['processor']}, {found['cpus']} processors, Linux "
                 f"{found['kernel']}, load {found['load']:.1f} at the start; rounds: "
                 f"{self._rounds}."]  # fmt: skip
        last = None
        for part, cells in self._table():
            if part != last:
                lines += ["", f"### {part}", "", "| what | median | noise | target |",
                          "|---|---:|---:|---|"]  # fmt: skip
                last = part
            if isinstance(cells, str):
                lines += ["", cells]
            else:
                lines.append("| " + " | ".join(cells) + " |")
        return "\n".join(lines).strip("\n")

    def write(self, path, top):
        parts = {
            part: {"rows": [row.document() for row in found["rows"]], "notes": found["notes"]}
            for part, found in self._parts.items()
        }
        document = {
            "machine": self._machine, "commit": commit(top), "at": self._began,
            "rounds": self._rounds, "quick": self._quick, "parts": parts,
        }  # fmt: skip
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def machine():
    """What the figures were measured on."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "processor": model, "cpus": os.cpu_count(), "kernel": platform.release(),
        "load": os.getloadavg()[0],
    }  # fmt: skip


def commit(top):
    """Which sources were measured; those that did not come by git cannot tell."""
    argv = ["git", "-C", str(top), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True).stdout.strip()
    except (FileNotFoundError, subprocess.CalledProcessError):
        return "unknown"
