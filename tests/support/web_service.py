"""A real roomhook-web under test, and a client that sends bytes as they are."""

import json
import re
import signal
import socket
import subprocess
import threading

from child import end, spawn
from wait import wait_until
from worker_process import SANITIZER_REPORT, parse_logfmt

READY_S = 10.0


class Answer:
    """What came: status, headers (names in small letters), body."""

    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.1 (\d{3}) .*", lines[0])
        assert match, f"no answer: {raw[:200]!r}"
        self.status = int(match[1])
        pairs = [line.partition(": ") for line in lines[1:]]
        self.headers = {name.lower(): value for name, _, value in pairs}

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]["code"]


class WebService:
    """Starts on construction and waits until it listens; settings are flags as in Worker."""

    def __init__(self, binary, redis_url, queue="webhooks", listen="127.0.0.1:0", env=None,
                 **settings):
        argv = [str(binary), "--redis", redis_url, "--queue", queue, "--listen", listen]
        for name, value in settings.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                if one is not None and one is not False:
                    argv.append("--" + name.replace("_", "-"))
                    argv += [] if one is True else [str(one)]
        self._lines = []
        self._expected_exit = 0
        self.process = spawn(argv, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             env=env or {})
        self._reader = threading.Thread(target=self._read_log, daemon=True)
        self._reader.start()
        wait_until(lambda: self.logged("listening") or self.process.poll() is not None, READY_S,
                   lambda: f"the service to listen:\n{self.log()}")
        assert self.process.poll() is None, self.log()
        self.address = self.logged("listening")[0]["address"]

    def _read_log(self):
        for line in self.process.stderr:
            self._lines.append(line.decode(errors="replace").rstrip("\n"))

    def log(self):
        return "\n".join(self._lines)

    def logged(self, msg, **fields):
        wanted = {"msg": msg, **{name: str(value) for name, value in fields.items()}}
        parsed = [parse_logfmt(line) for line in list(self._lines)]
        return [line for line in parsed if wanted.items() <= line.items()]

    def wait_log(self, msg, **fields):
        return wait_until(lambda: self.logged(msg, **fields), 10,
                          lambda: f"a log line msg={msg} {fields}:\n{self.log()}")[0]

    @property
    def port(self):
        return int(self.address.rpartition(":")[2])

    def connect(self, timeout=20):
        if self.address.startswith("/"):
            one = socket.socket(socket.AF_UNIX)
            one.settimeout(timeout)
            one.connect(self.address)
            return one
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def send(self, raw, timeout=20):
        """Sends bytes as they are; what came until the service closed, or "" bytes."""
        with self.connect(timeout) as one:
            one.sendall(raw)
            return read_all(one)

    def ask(self, method, path, token=None, body=None, headers=(), host=None):
        """-> Answer"""
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host or '127.0.0.1'}", *headers]
        data = b""
        if token:
            lines.append(f"Authorization: Bearer {token}")
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
        return Answer(self.send("\r\n".join([*lines, "", ""]).encode() + data))

    def get(self, path, token=None, **options):
        return self.ask("GET", path, token, **options)

    def kill(self):
        """SIGKILL, as a crash."""
        self._expected_exit = -signal.SIGKILL
        end(self.process, signal.SIGKILL)

    def finish(self):
        code = end(self.process)
        self._reader.join(timeout=5)
        report = SANITIZER_REPORT.search(self.log())
        assert not report, self.log()
        assert code == self._expected_exit, f"ended with {code}:\n{self.log()}"


def read_all(one):
    parts = []
    while True:
        try:
            part = one.recv(65536)
        except ConnectionResetError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def is_closed(one, timeout):
    """Does the service close the connection in time?"""
    one.settimeout(timeout)
    try:
        while one.recv(65536):
            pass
    except socket.timeout:
        return False
    except ConnectionResetError:
        pass
    return True


def routes(service):
    """Each (method, path, operation) that the service describes; the path with a value for each
    parameter that it must have."""
    description = service.get("/openapi.json").json
    found = []
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            query = [f"{one['name']}=1h" for one in operation["parameters"]
                     if one["in"] == "query" and one["required"]]  # fmt: skip
            found.append((method.upper(), "?".join([path, *query]), operation))
    return found


__all__ = ["Answer", "WebService", "is_closed", "read_all", "routes"]
