"""Programs of Python from PyPI, each in a venv of its own below build/, made once.

Where pip cannot get them the test is skipped with a line "not run:", which ctest reports.
"""

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "build" / "pip"


def program(name, version):
    """The path of a program, of the package of its name."""
    home = FOLDER / f"{name}-{version}"
    home.mkdir(parents=True, exist_ok=True)
    found = home / "bin" / name
    with (home / "lock").open("w", encoding="utf-8") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        if found.exists():
            return found
        for command in (
            [sys.executable, "-m", "venv", str(home)],
            [str(home / "bin" / "pip"), "install", "-q", f"{name}=={version}"],
        ):
            done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode != 0:
                pytest.skip("not run: " + (done.stderr or done.stdout).strip()[-300:])
    return found
