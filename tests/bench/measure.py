"""Reading what processes and Redis have used, and numbers of several rounds."""

import contextlib
import os
import shutil
import statistics
import subprocess
import threading
import time

from child import end, spawn

_CPUCLOCK_SCHED = 2  # with the process id, the clock of clock_getcpuclockid(3)
SAMPLE_S = 0.25


def cpu_us(pid):
    """User and system time of a process so far, threads that have ended included."""
    return time.clock_gettime_ns(~pid << 3 | _CPUCLOCK_SCHED) / 1000


def _status_kb(pid, name):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def rss_mb(pid):
    return _status_kb(pid, "VmRSS") / 1024


def rss_peak_mb(pid):
    return _status_kb(pid, "VmHWM") / 1024


def redis_cpu_us(client):
    """User and system time of a Redis server so far."""
    info = client.info("cpu")
    return (info["used_cpu_user"] + info["used_cpu_sys"]) * 1e6


class CpuMeter:
    """What some processes and a Redis server use between its start and used()."""

    def __init__(self, pids, client):
        self._pids = pids
        self._client = client
        self._redis = redis_cpu_us(client)
        self._processes = self._sum()

    def _sum(self):
        return sum(cpu_us(pid) for pid in self._pids)

    def used(self):
        """(µs of the processes, µs of Redis)"""
        return self._sum() - self._processes, redis_cpu_us(self._client) - self._redis


class MemoryWatch:
    """A process' memory over time, read on a thread. A context manager."""

    def __init__(self, pid):
        self._pid = pid
        self.samples = []  # (seconds since the start, MB)
        self._began = time.monotonic()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory watch", daemon=True)

    def _run(self):
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                self.samples.append((time.monotonic() - self._began, rss_mb(self._pid)))
            self._stopping.wait(SAMPLE_S)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopping.set()
        self._thread.join(5)

    def peak_mb(self):
        return max(mb for _, mb in self.samples)

    def growth_mb(self):
        """From a third of the time to the end: what grows on once all is warm."""
        return self.samples[-1][1] - self.samples[len(self.samples) // 3][1]


class SyscallCount:
    """Counts a process' system calls by perf, which slows it little. None where that is refused."""

    def __init__(self, pid, folder):
        self._file = os.path.join(folder, f"syscalls-{pid}")
        argv = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", self._file]
        self._perf = spawn([*argv, "-p", str(pid)], stderr=subprocess.DEVNULL)
        time.sleep(0.5)  # perf does not tell when it has attached

    @staticmethod
    def is_possible():
        if shutil.which("perf") is None:
            return False
        argv = ["perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "true"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        return done.returncode == 0 and "not " not in done.stderr

    def stop(self):
        end(self._perf, sig=2)
        with open(self._file, encoding="ascii") as file:
            lines = [line for line in file if "sys_enter" in line]
        return int(lines[0].split(",")[0])


def median(samples):
    return statistics.median(samples)


def spread(samples):
    """How far the samples lie apart, as a share of their median; 0 for a single one."""
    middle = median(samples)
    return (max(samples) - min(samples)) / abs(middle) if middle else 0.0
