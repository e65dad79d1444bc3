"""A scripted HTTP receiver on loopback that remembers every request.

    with Receiver() as receiver:
        receiver.script("/a", [Answer(503), Answer(200)])   # the last one is repeated
        ... let something POST to receiver.url("/a") ...
        first, second = receiver.wait_for(2, "/a")

Raw HTTP/1.1 with keep-alive on an asyncio loop in a thread of its own, so that it is fast enough
for load and can misbehave in every way a stranger's server does. Paths without a script get
Answer(200).
"""

import asyncio
import http
import itertools
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

from wait import wait_until

HEAD_MAX = 1 << 20
NEVER_S = 3600.0


@dataclass(frozen=True)
class Request:
    method: str
    path: str  # the request target as it came, with its query
    headers: tuple  # of (name, value), as they came, in order
    body: bytes  # b"" when the behaviour answered before reading it
    connection: int  # number of the connection, from 1
    arrived: float  # time.monotonic() when the head was complete
    arrived_wall: float  # time.time() at that moment
    to: str  # the address that the connection was made to
    tls: object  # the connection's ssl.SSLObject, None without TLS

    def header(self, name):
        """The only value of a header, None when it is absent; fails when it came twice."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} came {len(values)} times: {values}"
        return values[0] if values else None

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]


def _head(status, headers=()):
    try:
        phrase = http.HTTPStatus(status).phrase
    except ValueError:
        phrase = "Whatever"
    lines = [f"HTTP/1.1 {status} {phrase}"] + [f"{name}: {value}" for name, value in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(frozen=True)
class Answer:
    """A proper answer. Content-Length is added unless the headers frame the body themselves."""

    status: int = 200
    headers: tuple = ()
    body: bytes = b""
    delay: float = 0.0
    before_body = False  # a behaviour with before_body plays before the request's body is read

    async def play(self, connection):
        if self.delay:
            await asyncio.sleep(self.delay)
        headers = list(self.headers)
        has_no_body = self.status in (204, 304) or self.status < 200
        if not has_no_body and not any(
            name.lower() in ("content-length", "transfer-encoding") for name, _ in headers
        ):
            headers.append(("Content-Length", len(self.body)))
        await connection.send(_head(self.status, headers) + self.body)


@dataclass(frozen=True)
class Hang:
    """Takes the request and never answers."""

    before_body = False

    async def play(self, connection):
        await asyncio.sleep(NEVER_S)


@dataclass(frozen=True)
class Close:
    """Takes the request and closes (FIN) without an answer."""

    before_body = False

    async def play(self, connection):
        connection.close()


@dataclass(frozen=True)
class Reset:
    """Takes the request and resets the connection (RST) without an answer."""

    before_body = False

    async def play(self, connection):
        connection.reset()


@dataclass(frozen=True)
class Raw:
    """Sends these bytes as they are; then hangs, closes ("close") or resets ("reset")."""

    data: bytes
    then: str = "hang"
    before_body: bool = False

    async def play(self, connection):
        await connection.send(self.data)
        if self.then == "close":
            connection.close()
        elif self.then == "reset":
            connection.reset()
        else:
            await asyncio.sleep(NEVER_S)


def partial_headers():
    """Part of an answer's headers, then silence."""
    return Raw(b"HTTP/1.1 200 OK\r\nContent-Type: text/pl")


@dataclass(frozen=True)
class Trickle:
    """Sends data one byte each pause: never silent, never done in time."""

    data: bytes = b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 10000
    pause: float = 0.02
    before_body = False

    async def play(self, connection):
        for byte in self.data:
            await connection.send(bytes([byte]))
            await asyncio.sleep(self.pause)
        connection.close()


@dataclass(frozen=True)
class EarlyAnswer:
    """Answers before reading the body, waits a moment, then resets; the body stays unread."""

    status: int = 200
    wait: float = 0.2
    before_body = True

    async def play(self, connection):
        await connection.send(_head(self.status, [("Content-Length", 0)]))
        await asyncio.sleep(self.wait)
        connection.reset()


@dataclass(frozen=True)
class EndlessBody:
    """A chunked answer that never ends, as fast as the peer takes it."""

    status: int = 200
    chunk: int = 16384
    before_body = False

    async def play(self, connection):
        await connection.send(_head(self.status, [("Transfer-Encoding", "chunked")]))
        piece = b"%x\r\n" % self.chunk + b"x" * self.chunk + b"\r\n"
        while True:
            await connection.send(piece)


@dataclass(frozen=True)
class Informational:
    """count answers of status 1xx (None: without end, one each pause), then the final answer."""

    count: int | None
    status: int = 103
    pause: float = 0.0
    final: Answer = field(default_factory=Answer)
    before_body = False

    async def play(self, connection):
        for _ in itertools.count() if self.count is None else range(self.count):
            await connection.send(_head(self.status, [("Link", "</x>; rel=preload")]))
            await asyncio.sleep(self.pause)
        await self.final.play(connection)


class _Connection:
    def __init__(self, number, reader, writer):
        self.number = number
        self.reader = reader
        self.writer = writer
        self.is_open = True

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    def close(self):
        self.is_open = False
        self.writer.close()

    def reset(self):
        self.is_open = False
        sock = self.writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:  # the peer has not closed it before
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


def _listening_socket(host, port, narrow):
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if narrow:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    sock.bind((host, port))
    sock.listen(4096)
    return sock


class Receiver:
    """Listens as soon as it is made; use it as a context manager or call stop().

    sock is a listening socket to use, instead of one on host and port. tls is a server-side
    ssl.SSLContext. narrow makes small socket buffers and segments, so that a body of some 100 KB
    does not fit into the kernel and the sender notices that nobody reads it.
    """

    def __init__(self, host="127.0.0.1", port=0, tls=None, narrow=False, sock=None):
        self._tls = tls
        self._lock = threading.RLock()
        self._requests = []
        self._by_path = {}
        self._scripts = {}
        self._played = {}
        self._connections = 0
        self._open = 0
        self._tasks = set()
        self._socket = sock or _listening_socket(host, port, narrow)
        self.host = host
        self.port = self._socket.getsockname()[1]
        self._limit = 2048 if narrow else HEAD_MAX
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)
        self._thread.start()

    # what tests call

    def url(self, path="/", host=None):
        host = host or (f"[{self.host}]" if ":" in self.host else self.host)
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def script(self, path, answers):
        """What requests for path get, in order, from now on; the last one is repeated.

        An answer is one of the classes above, an int (a status), or a callable that is given the
        Request and returns an answer.
        """
        answers = list(answers) if isinstance(answers, (list, tuple)) else [answers]
        assert answers
        with self._lock:
            self._scripts[path] = answers
            self._played[path] = 0

    def requests(self, path=None):
        """The requests so far, in the order their bodies were complete."""
        with self._lock:
            return list(self._matching(path))

    def wait_for(self, n, path=None, timeout=10):
        """Waits for n requests (of path) and returns all there are then, n or more."""
        def count():
            with self._lock:
                return len(self._matching(path))

        wait_until(
            lambda: count() >= n,
            timeout,
            lambda: f"{n} requests for {path or 'any path'}; there are {count()}, of all paths "
                    f"{len(self._requests)}",
        )  # fmt: skip
        with self._lock:
            return list(self._matching(path))

    @property
    def connections(self):
        """How many connections were ever accepted."""
        with self._lock:
            return self._connections

    @property
    def open_connections(self):
        with self._lock:
            return self._open

    def forget(self):
        """Forgets the requests so far; scripts go on where they are."""
        with self._lock:
            self._requests.clear()
            self._by_path.clear()

    def stop(self):
        """Resets what is open and stops listening."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join(10)
            assert not self._thread.is_alive(), "the receiver does not stop"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # what runs on the loop's thread

    def _matching(self, path):
        return self._requests if path is None else self._by_path.get(path, ())

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._stopping = asyncio.Event()
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        server = await asyncio.start_server(
            self._accept, sock=self._socket, ssl=self._tls, limit=self._limit, backlog=4096
        )
        await self._stopping.wait()
        server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        with self._lock:
            self._connections += 1
            self._open += 1
            connection = _Connection(self._connections, reader, writer)
        try:
            while connection.is_open:
                await self._exchange(connection)
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass  # the peer is gone
        except asyncio.CancelledError:
            pass  # the receiver stops
        finally:
            writer.transport.abort()
            self._tasks.discard(task)
            with self._lock:
                self._open -= 1

    async def _exchange(self, connection):
        head = await connection.reader.readuntil(b"\r\n\r\n")
        arrived, arrived_wall = time.monotonic(), time.time()
        first, *lines = head[:-4].decode("latin-1").split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = tuple(
            (name, value.strip()) for name, _, value in (line.partition(":") for line in lines)
        )
        behaviour = self._next(path)
        body = b""
        if not getattr(behaviour, "before_body", False):
            body = await self._read_body(connection.reader, headers)
        to = connection.writer.get_extra_info("sockname")[0].removeprefix("::ffff:")
        request = Request(
            method, path, headers, body, connection.number, arrived, arrived_wall, to,
            connection.writer.get_extra_info("ssl_object"),
        )  # fmt: skip
        with self._lock:
            self._requests.append(request)
            self._by_path.setdefault(path, []).append(request)
        if callable(behaviour):
            behaviour = _as_behaviour(behaviour(request))
        await behaviour.play(connection)

    async def _read_body(self, reader, headers):
        fields = {name.lower(): value for name, value in headers}
        if "content-length" in fields:
            return await reader.readexactly(int(fields["content-length"]))
        if fields.get("transfer-encoding", "").lower() != "chunked":
            return b""
        body = b""
        while True:
            size = int((await reader.readline()).split(b";")[0], 16)
            body += (await reader.readexactly(size + 2))[:-2]
            if size == 0:
                return body

    def _next(self, path):
        with self._lock:
            answers = self._scripts.get(path)
            if answers is None:
                return Answer()
            n = self._played[path]
            self._played[path] = n + 1
            return _as_behaviour(answers[min(n, len(answers) - 1)])


def _as_behaviour(answer):
    return Answer(answer) if isinstance(answer, int) else answer
