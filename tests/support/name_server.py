"""A scripted name server, over UDP and TCP.

    with NameServer(network.world, NAME_SERVER) as names:
        names.set("good.example", Records(a=["93.184.216.34"]))
        names.set("rebinds.example", Records(a=["93.184.216.34"]), Records(a=["127.0.0.1"]))
        names.set("dead.example", Silence())

The n-th question for a name (and type) gets the n-th answer, the last one is repeated. Names that
are not set do not exist; "*.example" stands for all that end so. Answers that do not fit into a
datagram are cut and have to be asked for by TCP.
"""

import asyncio
import collections
import ipaddress
import struct
import threading
from dataclasses import dataclass

A, CNAME, AAAA = 1, 5, 28
SERVFAIL, NXDOMAIN = 2, 3
DATAGRAM_MAX = 512


@dataclass(frozen=True)
class Records:
    """Addresses, or a cname of which they are. truncated: over UDP only that it is asked by TCP."""

    a: tuple = ()
    aaaa: tuple = ()
    cname: str = ""
    ttl: int = 0
    delay: float = 0.0
    truncated: bool = False


@dataclass(frozen=True)
class Failure:
    code: int = SERVFAIL


@dataclass(frozen=True)
class Silence:
    """No answer at all."""


def _name(text):
    labels = text.rstrip(".").split(".")
    return b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"


def _record(owner, kind, ttl, data):
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def _records(question_type, answer):
    owner = b"\xc0\x0c"  # the name in the question
    records = []
    if answer.cname:
        records.append(_record(owner, CNAME, answer.ttl, _name(answer.cname)))
        owner = _name(answer.cname)
    addresses = answer.a if question_type == A else answer.aaaa if question_type == AAAA else ()
    for address in addresses:
        packed = ipaddress.ip_address(address).packed
        records.append(_record(owner, question_type, answer.ttl, packed))
    return records


def _message(query, code, records, truncated=False):
    flags = 0x8180 | code | (0x0200 if truncated else 0)
    question_end = query.index(b"\0", 12) + 5
    counts = struct.pack("!HHHH", 1, 0 if truncated else len(records), 0, 0)
    body = b"" if truncated else b"".join(records)
    return query[:2] + struct.pack("!H", flags) + counts + query[12:question_end] + body


def _question(query):
    """(name in lower case, type)"""
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode("latin-1"))
        at += 1 + query[at]
    return ".".join(labels).lower(), struct.unpack("!H", query[at + 1 : at + 3])[0]


class NameServer:
    def __init__(self, namespace, address):
        self._answers = {}
        self._asked = collections.Counter()
        self._by_tcp = collections.Counter()
        self._lock = threading.Lock()
        self._udp = namespace.udp(53, address)
        self._tcp = namespace.listen(53, address)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="name server", daemon=True)
        self._thread.start()

    def set(self, name, *answers):
        with self._lock:
            self._answers[name.lower()] = answers
            for key in [key for key in self._asked if key[0] == name.lower()]:
                del self._asked[key]

    def asked(self, name, kind=A):
        """How many questions there were for it, repeated ones included."""
        with self._lock:
            return self._asked[name.lower(), kind]

    def asked_by_tcp(self, name):
        with self._lock:
            return self._by_tcp[name.lower()]

    def close(self):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # on the loop's thread

    def _next(self, name, kind):
        with self._lock:
            answers = self._answers.get(name) or self._answers.get("*." + name.partition(".")[2])
            n = self._asked[name, kind]
            self._asked[name, kind] = n + 1
        return answers[min(n, len(answers) - 1)] if answers else Failure(NXDOMAIN)

    async def _answer(self, query, over_tcp):
        """The message to send, or None."""
        name, kind = _question(query)
        answer = self._next(name, kind)
        if over_tcp:
            with self._lock:
                self._by_tcp[name] += 1
        if isinstance(answer, Silence):
            return None
        if isinstance(answer, Failure):
            return _message(query, answer.code, [])
        if answer.delay:
            await asyncio.sleep(answer.delay)
        message = _message(query, 0, _records(kind, answer))
        if not over_tcp and (answer.truncated or len(message) > DATAGRAM_MAX):
            return _message(query, 0, [], truncated=True)
        return message

    async def _on_datagram(self, transport, query, peer):
        message = await self._answer(query, over_tcp=False)
        if message:
            transport.sendto(message, peer)

    async def _on_connection(self, reader, writer):
        try:
            while True:
                (size,) = struct.unpack("!H", await reader.readexactly(2))
                message = await self._answer(await reader.readexactly(size), over_tcp=True)
                if message:
                    writer.write(struct.pack("!H", len(message)) + message)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _run(self):
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stopping = asyncio.Event()
        server, tasks = self, set()

        class Datagrams(asyncio.DatagramProtocol):
            def connection_made(self, transport):
                self.transport = transport

            def datagram_received(self, data, peer):
                task = asyncio.ensure_future(server._on_datagram(self.transport, data, peer))
                tasks.add(task)
                task.add_done_callback(tasks.discard)

        transport, _ = await self._loop.create_datagram_endpoint(Datagrams, sock=self._udp)
        tcp = await asyncio.start_server(self._on_connection, sock=self._tcp)
        await self._stopping.wait()
        transport.close()
        tcp.close()
