"""Programs of Node with packages from npm: express, and the libraries of Standard Webhooks and of
Svix.

They are installed once, below build/. Where npm cannot get them the test is skipped with a line
"not run:", which ctest and scripts/test report.
"""

import fcntl
import functools
import os
import subprocess
from pathlib import Path

import pytest

SUPPORT = Path(__file__).resolve().parent / "node"
FOLDER = SUPPORT.parents[2] / "build" / "npm" / "node"
ENVIRONMENT = {**os.environ, "NODE_PATH": str(FOLDER / "node_modules"), "NODE_ENV": "production"}


def install():
    status, why = _installed()
    if status == 1:
        pytest.skip("not run: " + why)
    assert status == 0, why


@functools.cache  # what cannot be got is not tried again for each test
def _installed():
    """The exit status of the script, and what it said."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "lock").open("w") as lock:  # tests run side by side
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [SUPPORT / "install", FOLDER], capture_output=True, text=True, timeout=120, check=False
        )
    return done.returncode, done.stderr.strip()


def node(script):
    """The command and the environment of one of tests/support/node."""
    return ["node", SUPPORT / script], ENVIRONMENT
