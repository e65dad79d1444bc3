"""Runs programs that print one JSON document, some at a time, each in a folder of its own."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from child import spawn

SUPPORT = Path(__file__).resolve().parent
POLL_S = 0.05
ERROR_TEXT_MAX = 2000


class _Run:
    """What the program leaves in $TMPDIR lies in its folder too, and goes with it."""

    def __init__(self, program, arguments, parent, timeout):
        self.folder = Path(tempfile.mkdtemp(prefix="run-", dir=parent))
        self.arguments = arguments
        (self.folder / "tmp").mkdir()
        self._deadline = time.monotonic() + timeout
        self._output = open(self.folder / "output.json", "w+", encoding="utf-8")
        self._errors = open(self.folder / "errors.txt", "w+", encoding="utf-8")
        self._process = spawn(
            [sys.executable, str(SUPPORT / program), *arguments, "--folder", str(self.folder)],
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._errors,
            env={**os.environ, "TMPDIR": str(self.folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def is_done(self):
        if self._process.poll() is None and time.monotonic() > self._deadline:
            self.kill()
            self._errors.write("killed: it took too long\n")
        return self._process.poll() is not None

    def kill(self):
        """Its own children are killed with it by the kernel."""
        self._process.kill()
        self._process.wait()

    def close(self):
        """Returns what it printed; a document with "problems" when that is not JSON."""
        try:
            self._output.seek(0)
            return json.load(self._output)
        except ValueError:
            self._errors.seek(0)
            why = self._errors.read()[-ERROR_TEXT_MAX:]
            return {"problems": [f"no outcome, exit code {self._process.returncode}: {why}"]}
        finally:
            self._output.close()
            self._errors.close()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def run_all(program, argument_lists, jobs, timeout):
    """Yields (arguments, outcome, folder) as runs end; argument_lists may be a generator.

    program is a file of this folder. The folders of runs without problems are gone, and folder is
    None; the others are kept for whoever looks into them.
    """
    parent = Path(tempfile.mkdtemp(prefix="roomhook-runs-"))
    waiting = iter(argument_lists)
    running = []
    try:
        while True:
            while len(running) < jobs and (arguments := next(waiting, None)) is not None:
                running.append(_Run(program, list(map(str, arguments)), parent, timeout))
            if not running:
                return
            time.sleep(POLL_S)
            for run in [one for one in running if one.is_done()]:
                running.remove(run)
                outcome = run.close()
                if not outcome["problems"]:
                    run.remove()
                yield run.arguments, outcome, run.folder if outcome["problems"] else None
    finally:
        for run in running:
            run.kill()
            run.close()
            run.remove()
        if not any(parent.iterdir()):
            parent.rmdir()
