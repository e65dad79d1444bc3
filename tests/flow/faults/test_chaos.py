"""A short run of scripts/chaos: real workers while everything around them breaks."""

import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
SEEDS = 4
LIMIT_S = 200


def test_some_seeds(roomhook_bin):
    """The first ones: kills, stops, cuts, freezes, restarts of Redis, a failover."""
    done = subprocess.run(
        [sys.executable, str(TOP / "scripts" / "chaos"), "--seeds", str(SEEDS), "--jobs", "2",
         "--bin", str(roomhook_bin)],
        capture_output=True, text=True, timeout=LIMIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count(" ok: ") == SEEDS, done.stdout
    assert f"{SEEDS} seeds, 0 failed" in done.stdout
    print(done.stdout)
