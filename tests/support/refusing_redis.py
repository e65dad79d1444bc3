"""A way to a real Redis on which commands can be refused, with any error reply, or answers lost.

    with RefusingRedis(server) as way:
        ... let something connect to way.url ...
        way.refuse("TRYAGAIN not now")                  # everything
        way.refuse("OOM ...", lambda words: words[0] == b"EVAL")
        way.allow()
        way.lose_answer_to(runs("acknowledge"))         # done by Redis, and the connection breaks
        way.lose_command(runs("acknowledge"))           # it breaks before that
    with way.hold(runs("settle_stream")) as held:   # the next one arrives when the block ends
        held.wait(5)

Commands of a connection go to the server one by one, so that answers keep their order.
"""

import contextlib
import socket
import threading

from lane_scripts import SHAS, TEXTS


def runs(script):
    """Whether a command runs this script of the worker, by its text or its hash."""
    text, sha = TEXTS[script].encode(), SHAS[script].encode()
    return lambda words, *_: words[0] in (b"EVAL", b"EVALSHA") and words[1] in (text, sha)


class RefusingRedis:
    def __init__(self, server):
        self._server = (server.host, server.port)
        self._refusal = None  # (reply, predicate of a command's words)
        self.refused = 0
        self._fatal = None  # predicate of a command and its answer
        self._never = None  # predicate of a command that does not arrive
        self.lost = 0
        self._held = None  # (predicate of a command's words, it came, it may go on)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def refuse(self, error, which=lambda words: True):
        self.answer(f"-{error}\r\n".encode(), which)

    def answer(self, reply, which):
        """In the server's place, with these bytes."""
        self.refused = 0
        self._refusal = (reply, which)

    def allow(self):
        self._refusal = None

    def lose_answer_to(self, which):
        """Once: the next such command is executed, then its connection ends without an answer."""
        self._fatal = which

    def lose_command(self, which):
        """Once: its connection ends before the next such command reaches Redis."""
        self._never = which

    @contextlib.contextmanager
    def hold(self, which):
        """The next such command waits, and its connection with it."""
        came, may_go_on = threading.Event(), threading.Event()
        self._held = (which, came, may_go_on)
        try:
            yield came
        finally:
            self._held = None
            may_go_on.set()

    def _accept(self):
        with contextlib.suppress(OSError):  # stopped
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near):
        with near, socket.create_connection(self._server) as far:
            self._sockets += [near, far]
            with contextlib.suppress(OSError), near.makefile("rb") as asked:
                answers = far.makefile("rb")
                while words := _read_command(asked):
                    near.sendall(self._answer(words, far, answers))

    def _answer(self, words, far, answers):
        reply, which = self._refusal or (b"", None)
        if which and which(words):
            self.refused += 1
            return reply
        if (held := self._held) and held[0](words):
            self._held = None
            held[1].set()
            held[2].wait()
        if self._never and self._never(words):
            self._never = None
            self.lost += 1
            raise ConnectionError("this command is lost")
        arguments = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        far.sendall(b"*%d\r\n" % len(words) + arguments)  # at once: no waiting for an ACK between
        answer = _read_reply(answers)
        if self._fatal and self._fatal(words, answer):
            self._fatal = None
            self.lost += 1
            raise ConnectionError("this answer is lost")
        return answer

    def stop(self):
        self._listener.close()
        for one in self._sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def _read_command(lines):
    """A command's words; None at the end of the connection."""
    head = lines.readline()
    if not head:
        return None
    words = []
    for _ in range(int(head[1:])):
        length = int(lines.readline()[1:])
        words.append(lines.read(length + 2)[:-2])
    return words


def _read_reply(lines):
    """The bytes of a whole reply."""
    head = lines.readline()
    if not head:
        raise ConnectionError("Redis closed the connection")
    kind, count = head[:1], head[1:]
    if kind == b"$" and int(count) >= 0:
        return head + lines.read(int(count) + 2)
    if kind == b"*":
        return head + b"".join(_read_reply(lines) for _ in range(int(count)))
    return head
