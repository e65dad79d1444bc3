"""How much memory a worker takes, in KB."""

import contextlib
from dataclasses import dataclass

import pytest


@dataclass
class Growth:
    """What came on top: at the worst moment, in the end, and of address space."""

    peak_kb: int = 0
    kept_kb: int = 0
    reserved_kb: int = 0


class Memory:
    def __init__(self, worker):
        self._proc = f"/proc/{worker.pid}"
        with open(f"{self._proc}/maps", encoding="utf-8") as file:
            if "libasan" in file.read():
                pytest.skip("a sanitizer's memory tells nothing of the worker's own")

    def _read(self, name):
        with open(f"{self._proc}/status", encoding="ascii") as file:
            for line in file:
                if line.startswith(name + ":"):
                    return int(line.split()[1])
        raise AssertionError(f"no {name} in {self._proc}/status")

    def used_kb(self):
        return self._read("VmRSS")

    @contextlib.contextmanager
    def growth(self):
        """Gives a Growth that is filled in at the end."""
        with open(f"{self._proc}/clear_refs", "w", encoding="ascii") as file:
            file.write("5")  # the peak begins anew
        used, reserved = self.used_kb(), self._read("VmPeak")
        found = Growth()
        yield found
        found.peak_kb = self._read("VmHWM") - used
        found.kept_kb = self.used_kb() - used
        found.reserved_kb = self._read("VmPeak") - reserved
