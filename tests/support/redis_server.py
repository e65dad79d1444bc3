"""A real redis-server of the test's own, on its own port and in its own folder."""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

import redis

from child import end, free_port, spawn
from wait import wait_until

READY_S = 10.0


class RedisServer:
    """Starts on construction; use it as a context manager or call stop().

    appendonly keeps the data over restart() and, with appendfsync="always", over kill(). Further
    settings are given as keyword arguments with _ for -, e.g. maxmemory="10mb".
    """

    def __init__(self, appendonly=False, appendfsync="always", port=None, **settings):
        self.host = "127.0.0.1"
        self.port = port or free_port()
        self.folder = tempfile.mkdtemp(prefix="roomhook-redis-")
        self._settings = {
            "bind": self.host,
            "port": str(self.port),
            "unixsocket": os.path.join(self.folder, "redis.sock"),
            "dir": self.folder,
            "save": "",
            "appendonly": "yes" if appendonly else "no",
            "appendfsync": appendfsync,
            "loglevel": "notice",
            "logfile": os.path.join(self.folder, "redis.log"),
            "daemonize": "no",
        }
        self._settings.update({name.replace("_", "-"): value for name, value in settings.items()})
        self._clients = []
        self.process = None
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    @property
    def url(self):
        return f"redis://{self.host}:{self.port}/0"

    @property
    def unix_url(self):
        """The same by a unix socket, which is reached from another network namespace too."""
        return f"unix://{self._settings['unixsocket']}?db=0"

    @property
    def pid(self):
        return self.process.pid

    def client(self, **options):
        """A redis.Redis that gives bytes; closed by stop()."""
        options.setdefault("socket_timeout", 10)
        client = redis.Redis(host=self.host, port=self.port, **options)
        self._clients.append(client)
        return client

    def start(self):
        config = Path(self.folder) / "redis.conf"  # for CONFIG REWRITE
        config.touch()
        argv = ["redis-server", str(config)]
        for name, value in self._settings.items():
            argv += [f"--{name}", value]
        self.process = spawn(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until(self._is_ready, READY_S, lambda: f"redis-server to be ready:\n{self.log()}")

    def _is_ready(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"redis-server ended with {self.process.returncode}:\n{self.log()}")
        with redis.Redis(host=self.host, port=self.port, socket_timeout=1) as probe:
            try:
                return probe.ping() and probe.info("server")["process_id"] == self.process.pid
            except (redis.ConnectionError, redis.TimeoutError):  # not yet listening, or loading
                return False

    def log(self):
        try:
            with open(self._settings["logfile"], encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return "(no log)"

    def shut_down(self):
        """Ends the server as an operator would; the folder stays for start()."""
        end(self.process)

    def kill(self):
        """SIGKILL, as a crash; the folder stays for start()."""
        end(self.process, signal.SIGKILL)

    def restart(self):
        self.shut_down()
        self.start()

    def pause(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def stop(self):
        for client in self._clients:
            client.close()
        self._clients.clear()
        if self.process.poll() is None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
