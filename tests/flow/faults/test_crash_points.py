"""Some points of scripts/crash-points: workers killed where they talk to the network."""

import re
import subprocess
import sys
from pathlib import Path

from child import spawn

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "crash-points"
RUN_S = 420  # it takes one minute, but three on a machine that has twenty other things to do
# A worker that meets the events first, and one that takes over from a crashed one. They wait more
# than they compute, so they run beside each other.
SAMPLES = (
    ("--crashed-before", "0", "--every", "10"),
    ("--crashed-before", "1", "--from", "8", "--every", "36", "--jobs", "14"),
)


def test_a_kill_at_a_point_loses_nothing(roomhook_bin):
    runs = [
        spawn(
            [sys.executable, SCRIPT, "--bin", roomhook_bin, *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for options in SAMPLES
    ]
    outputs = [run.communicate(timeout=RUN_S)[0] for run in runs]
    for run, output in zip(runs, outputs):
        assert run.returncode == 0, output
        summary = output.splitlines()[-1]
        # The calls by which the worker writes, reads and waits are still these.
        for call in ("writev", "sendto", "readv", "recvfrom", "epoll_wait"):
            assert re.search(rf"\b{call} [1-9]", summary), output
        assert "lost 0" in summary
