"""Counts the system calls of a worker."""

import signal
import subprocess
import tempfile
import threading

from child import end, spawn
from wait import wait_until


class SystemCalls:
    """Counts calls of some kinds, "epoll_wait,epoll_pwait", while it is open."""

    def __init__(self, worker, calls):
        self._argv = ["strace", "-f", "-p", str(worker.pid), "-e", f"trace={calls}", "-o"]
        self._file = tempfile.NamedTemporaryFile(prefix="roomhook-strace-")
        self._attached = threading.Event()
        self._process = None

    def _read(self):
        for line in self._process.stderr:
            if b"attached" in line:
                self._attached.set()

    def count(self):
        with open(self._file.name, encoding="utf-8", errors="replace") as file:
            return sum(1 for line in file if " = " in line)

    def __enter__(self):
        self._process = spawn(
            [*self._argv, self._file.name], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(self._attached.is_set, 10, "strace to watch the worker")
        return self

    def __exit__(self, *_):
        end(self._process, signal.SIGINT)
