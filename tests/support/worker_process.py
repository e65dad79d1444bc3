"""A real roomhook-worker under test, its settings given as flags, its log captured."""

import os
import re
import signal
import subprocess
import threading
import time

import redis

from child import end, spawn
from wait import wait_until
from webhook_queue import DEFAULT_QUEUE, heartbeats

READY_S = 10.0
LOOPBACK = ("127.0.0.0/8", "::1/128")
SANITIZER_REPORT = re.compile(
    r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|: runtime error: "
)
_FIELD = re.compile(r'([A-Za-z0-9_.-]+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))')


def parse_logfmt(line):
    """A log line as a dict of texts; {} when it is not logfmt."""
    fields = {}
    for name, quoted, plain in _FIELD.findall(line):
        fields[name] = re.sub(r"\\(.)", r"\1", quoted) if quoted else plain
    return fields if "msg" in fields else {}


class Worker:
    """Starts on construction and waits until the worker is ready unless wait_ready is False.

    Settings are keyword arguments with _ for -: max_in_flight=8 becomes --max-in-flight 8; a list
    repeats the flag; None leaves the flag out. allow_address defaults to loopback, connect_timeout
    to the timeout given (it may not be longer). wrapper is what to start the worker by; it must
    become the worker, as env(1) does.
    finish() ends it and checks what every test wants checked.
    """

    def __init__(
        self,
        binary,
        redis_url,
        queue=DEFAULT_QUEUE,
        wait_ready=True,
        env=None,
        wrapper=(),
        **settings,
    ):
        self.queue = queue
        self.redis_url = redis_url
        defaults = {"allow_address": LOOPBACK, "drain_timeout": "2s"}
        if "timeout" in settings:
            defaults["connect_timeout"] = settings["timeout"]
        settings = {**defaults, **settings}
        self.argv = [*wrapper, str(binary), "--redis", redis_url, "--queue", queue]
        for name, value in settings.items():
            values = value if isinstance(value, (list, tuple)) else [value]
            for one in values:
                if one is not None:
                    self.argv += ["--" + name.replace("_", "-"), str(one)]
        self.expected_exit = 0
        self._changed = threading.Condition()
        self._was_read = False
        self._lines = []
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROOMHOOK_")}
        environment.update(env or {})
        self.process = spawn(
            self.argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
        )
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        if wait_ready:
            try:
                self.wait_ready()
            except BaseException:
                self.process.kill()
                raise

    # the log

    def _read_log(self):
        for line in self.process.stderr:
            with self._changed:
                self._lines.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()

    def _read_to_the_end(self):
        """What a worker that ended had written; once, as others may hold the pipe open."""
        if not self._was_read and self.process.poll() is not None:
            self._was_read = True
            self._reader.join(5)

    def log(self):
        self._read_to_the_end()
        with self._changed:
            return "\n".join(self._lines)

    def logged(self, msg, **fields):
        """The log lines so far with this msg and these fields, as dicts."""
        self._read_to_the_end()
        with self._changed:
            parsed = [parse_logfmt(line) for line in self._lines]
        wanted = {"msg": msg, **{name: str(value) for name, value in fields.items()}}
        return [line for line in parsed if wanted.items() <= line.items()]

    def wait_log(self, msg, timeout=10, **fields):
        """Waits for a line with this msg and these fields and returns the first."""
        return wait_until(
            lambda: self.logged(msg, **fields),
            timeout,
            lambda: f"a log line msg={msg} {fields}; the log is\n{self.log()}",
        )[0]

    # the process

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_running(self):
        return self.process.poll() is None

    def wait_ready(self, timeout=READY_S):
        """Until its heartbeat is in Redis or its log says ready."""
        with redis.Redis.from_url(self.redis_url, socket_timeout=2) as client:
            wait_until(
                lambda: self._is_ready(client), timeout, lambda: f"a ready worker:\n{self.log()}"
            )

    def _is_ready(self, client):
        assert self.is_running, f"the worker ended with {self.process.returncode}:\n{self.log()}"
        if self.logged("ready"):
            return True
        try:
            return bool(self.consumers(client))
        except redis.RedisError:
            return False

    def consumers(self, client):
        """The names of this process' consumers that have a heartbeat now."""
        return [name for name in heartbeats(client, self.queue) if f"-{self.pid}-" in name]

    def signal(self, sig):
        self.process.send_signal(sig)

    def terminate(self, timeout=20.0):
        """SIGTERM; returns the exit code. The log is whole then."""
        code = end(self.process, signal.SIGTERM, timeout)
        self._reader.join(5)
        return code

    def kill(self):
        """SIGKILL, as a crash."""
        if self.is_running:
            self.expected_exit = -signal.SIGKILL
        end(self.process, signal.SIGKILL)

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)

    def wait(self, timeout):
        """Waits for it to end by itself; returns the exit code. The log is whole then."""
        code = self.process.wait(timeout)
        self._reader.join(5)
        return code

    def cpu_seconds(self):
        """User and system time so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def finish(self):
        """Ends it; fails on a sanitizer report or an exit code other than expected_exit.

        An expected_exit of None allows any code.
        """
        try:
            code = self.terminate() if self.is_running else self.process.returncode
        finally:
            self._reader.join(5)
            self.process.stderr.close()
        log = self.log()
        assert not SANITIZER_REPORT.search(log), f"a sanitizer reports:\n{log}"
        if self.expected_exit is not None:
            assert code == self.expected_exit, f"the worker ended with {code}:\n{log}"


def wait_exit(process, timeout):
    """Waits for a process to end and returns how long that took, in seconds."""
    started = time.monotonic()
    process.wait(timeout)
    return time.monotonic() - started
