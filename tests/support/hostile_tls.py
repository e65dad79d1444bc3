"""What a stranger's server may do below HTTP: one address a behaviour, on port 443.

    with NastyTls(network.world, names, certificates) as servers:
        ... servers.url("expired") ...

Each says what the delivery must come to, as a Batch tells it.
"""

import asyncio
import os
import ssl
import struct
import threading
import warnings
from dataclasses import dataclass
from typing import Callable

from certificates import EXPIRED, NOT_YET
from hostile_http import SEEN_S
from name_server import Records

NEVER_S = 3600.0
DOMAIN = "nasty.example"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
# The first bytes of a TLS 1.2 server: its hello, which chooses ECDHE-RSA-AES128-GCM-SHA256
# and has nothing but the extension of secure renegotiation.
SERVER_HELLO = b"\x02\x00\x00\x2d\x03\x03" + bytes(range(32)) + (
    b"\x00\xc0\x2f\x00\x00\x05\xff\x01\x00\x01\x00"
)

TLS_NASTY = {}


@dataclass(frozen=True)
class NastyServer:
    expected: str
    play: Callable  # play(connection)
    certificate: Callable  # of the Certificates: (certificate, key); None: no TLS
    options: dict  # of the ssl.SSLContext; ciphers, and prepare(context)


def server(expected, certificate=None, **options):
    def register(play):
        name = play.__name__.replace("_", "-")
        assert name not in TLS_NASTY, name
        TLS_NASTY[name] = NastyServer(expected, play, certificate, options)
        return play

    return register


def good(certificates):
    return certificates.server("nasty", f"DNS:*.{DOMAIN}")


class Connection:
    """A connection, raw or with TLS on top of it, of which each byte is ours to choose."""

    def __init__(self, reader, writer, context):
        self.reader = reader
        self.writer = writer
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context and context.wrap_bio(self._in, self._out, server_side=True)

    async def send_raw(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def flush(self):
        await self.send_raw(self._out.read())

    async def _step(self, function, *arguments):
        while True:
            try:
                return function(*arguments)
            except ssl.SSLWantReadError:
                await self.flush()
                data = await self.reader.read(65536)
                if not data:
                    raise ConnectionError from None
                self._in.write(data)
            finally:
                await self.flush()

    async def handshake(self):
        await self._step(self._tls.do_handshake)

    async def read_request(self):
        await self.handshake()
        data = b""
        while b"\r\n\r\n" not in data:
            more = await self._step(self._tls.read, 65536)
            if not more:
                raise ConnectionError  # it said goodbye
            data += more
        return data

    def sealed(self, data):
        """The TLS records of data, not sent."""
        self._tls.write(data)
        return self._out.read()

    async def send(self, data):
        await self.send_raw(self.sealed(data))

    async def bye(self):
        """close_notify"""
        try:
            self._tls.unwrap()
        except ssl.SSLError:
            pass  # it wants the other side's, which we do not wait for
        await self.flush()

    def reset(self):
        sock = self.writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:  # the peer has not closed it before
            sock.setsockopt(1, 13, struct.pack("ii", 1, 0))  # SOL_SOCKET, SO_LINGER
        self.writer.transport.abort()


def record(kind, data):
    return bytes([kind]) + b"\x03\x03" + struct.pack("!H", len(data)) + data


# --- before and in the handshake


@server("retry timeout")
async def silence(connection):
    await asyncio.sleep(NEVER_S)


@server("retry timeout")
async def silence_after_the_hello(connection):
    await connection.reader.read(1)
    await asyncio.sleep(NEVER_S)


@server("retry timeout")
async def half_a_hello(connection):
    await connection.reader.read(1)
    await connection.send_raw(record(22, SERVER_HELLO)[:20])
    await asyncio.sleep(NEVER_S)


@server("retry timeout")
async def hello_and_no_more(connection):
    await connection.reader.read(1)
    await connection.send_raw(record(22, SERVER_HELLO))
    await asyncio.sleep(NEVER_S)


@server("retry timeout")
async def hello_by_the_byte(connection):
    await connection.reader.read(1)
    for byte in record(22, SERVER_HELLO):
        await connection.send_raw(bytes([byte]))
        await asyncio.sleep(0.1)


@server("retry tls")
async def end_after_the_hello(connection):
    await connection.reader.read(1)


@server("retry tls")
async def reset_after_the_hello(connection):
    await connection.reader.read(1)
    connection.reset()


@server("retry tls")
async def garbage(connection):
    await connection.send_raw(bytes(range(256)) * 100)


@server("retry tls")
async def plain_http(connection):
    await connection.send_raw(ANSWER)


@server("retry tls")
async def ssh(connection):
    await connection.send_raw(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")


@server("retry tls")
async def alert(connection):
    await connection.reader.read(1)
    await connection.send_raw(record(21, b"\x02\x28"))


@server("retry tls")
async def warnings_without_end(connection):
    await connection.reader.read(1)
    while True:
        await connection.send_raw(record(21, b"\x01\x5a") * 100)


@server("retry tls")
async def empty_records_without_end(connection):
    await connection.reader.read(1)
    while True:
        await connection.send_raw(record(22, b"") * 100)


@server("retry tls")
async def record_too_large(connection):
    await connection.reader.read(1)
    await connection.send_raw(b"\x16\x03\x03\xff\xff" + bytes(65535))


@server("retry tls")
async def certificate_of_16_megabytes(connection):
    await connection.reader.read(1)
    await connection.send_raw(record(22, SERVER_HELLO + b"\x0b\xff\xff\xff\xff\xff\xfc"))
    while True:
        await connection.send_raw(record(22, bytes(16384)))


# --- who it says it is


async def answer(connection):
    await connection.read_request()
    await connection.send(ANSWER)
    await connection.bye()


def identity(name, expected, certificate, **options):
    async def play(connection):
        await answer(connection)

    play.__name__ = name
    server(expected, certificate, **options)(play)


# The one that is as it should be.
identity("good", "delivered", good)
identity(
    "expired", "retry tls", lambda ours: ours.server("over", f"DNS:*.{DOMAIN}", validity=EXPIRED)
)
identity(
    "not_yet_valid",
    "retry tls",
    lambda ours: ours.server("not-yet", f"DNS:*.{DOMAIN}", validity=NOT_YET),
)
identity("for_another_name", "retry tls", lambda ours: ours.server("other", "DNS:other.example"))
identity("for_a_name_above", "retry tls", lambda ours: ours.server("above", f"DNS:{DOMAIN}"))
identity("for_all_names", "retry tls", lambda ours: ours.server("all", "DNS:*.example,DNS:*"))
identity(
    "for_an_address", "retry tls", lambda ours: ours.server("address", "IP:93.184.218.1,IP:::1")
)
identity("for_no_name", "retry tls", lambda ours: ours.server("no-name", ""))
identity(
    "for_a_name_with_a_nul",
    "retry tls",
    lambda ours: ours.server("nul", f"DNS:for-a-name-with-a-nul.{DOMAIN}\\00.other.example"),
)
identity("signed_by_itself", "retry tls", lambda ours: ours.self_signed("self", f"DNS:*.{DOMAIN}"))
identity("signed_by_a_stranger", "retry tls", lambda ours: ours.stranger().server(
    "stranger", f"DNS:*.{DOMAIN}"
))  # fmt: skip
identity(
    "signed_by_a_server",
    "retry tls",
    lambda ours: ours.server_signed_by(good(ours), "grandchild", f"DNS:*.{DOMAIN}"),
)
identity(
    "for_clients_only",
    "retry tls",
    lambda ours: ours.server("client", f"DNS:*.{DOMAIN}", usage="clientAuth"),
)
OLD = "ALL:@SECLEVEL=0"
identity(
    "weak_key",
    "retry tls",
    lambda ours: ours.server("weak", f"DNS:*.{DOMAIN}", key=("rsa:1024",)),
    ciphers=OLD,
)
identity(
    "sha1",
    "retry tls",
    lambda ours: ours.server("sha1", f"DNS:*.{DOMAIN}", digest="sha1"),
    ciphers=OLD,
)
identity("tls_1_0", "retry tls", good, maximum_version=ssl.TLSVersion.TLSv1, ciphers=OLD)
identity("tls_1_1", "retry tls", good, maximum_version=ssl.TLSVersion.TLSv1_1, ciphers=OLD)
identity("tls_1_2", "delivered", good, maximum_version=ssl.TLSVersion.TLSv1_2)
identity(
    "without_encryption",
    "retry tls",
    good,
    maximum_version=ssl.TLSVersion.TLSv1_2,
    ciphers="eNULL:aNULL:@SECLEVEL=0",
)
identity(
    "wants_a_certificate",
    "retry tls",
    good,
    maximum_version=ssl.TLSVersion.TLSv1_2,
    verify_mode=ssl.CERT_REQUIRED,
)


@server("retry broken", good, verify_mode=ssl.CERT_REQUIRED)
async def wants_a_certificate_of_tls_1_3(connection):
    await connection.handshake()


# --- after the handshake


@server("retry timeout", good)
async def silence_after_the_handshake(connection):
    await connection.handshake()
    await asyncio.sleep(NEVER_S)


@server("retry broken", good)
async def end_after_the_handshake(connection):
    await connection.handshake()


@server("retry broken", good)
async def close_notify_for_an_answer(connection):
    await connection.read_request()
    await connection.bye()


@server("delivered", good)
async def no_close_notify(connection):
    await connection.read_request()
    await connection.send(ANSWER)


@server("delivered", good)
async def no_close_notify_where_it_ends_the_body(connection):
    await connection.read_request()
    await connection.send(b"HTTP/1.1 200 OK\r\n\r\nabc")


@server("delivered", good)
async def close_notify_within_the_body(connection):
    await connection.read_request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    await connection.bye()


@server("delivered", good)
async def reset_within_the_body(connection):
    await connection.read_request()
    await connection.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    await asyncio.sleep(SEEN_S)
    connection.reset()


@server("retry broken", good)
async def record_of_junk(connection):
    await connection.read_request()
    await connection.send_raw(record(23, os.urandom(16384)))


@server("retry broken", good)
async def plain_text_within(connection):
    await connection.read_request()
    await connection.send_raw(ANSWER)


@server("delivered", good)
async def junk_behind_the_answer(connection):
    await connection.read_request()
    await connection.send(ANSWER)
    await connection.send_raw(record(23, os.urandom(1000)))


@server("retry timeout", good)
async def record_by_the_byte(connection):
    await connection.read_request()
    for byte in connection.sealed(ANSWER):
        await connection.send_raw(bytes([byte]))
        await asyncio.sleep(0.1)


@server("delivered", good)
async def records_of_one_byte_without_end(connection):
    await connection.read_request()
    await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await connection.send_raw(b"".join(connection.sealed(b"x") for _ in range(1000)))


@server("delivered", good)
async def body_without_end(connection):
    await connection.read_request()
    await connection.send(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        await connection.send(b"x" * 16384)


# Takes a while: not to be run with the others.
TICKETS = 5000
MANY_TICKETS = {"tickets": NastyServer("delivered", answer, good, {"num_tickets": TICKETS})}


class NastyTls:
    def __init__(self, namespace, names, certificates, behaviours=None):
        self._loop = asyncio.new_event_loop()
        self._servers = []
        for n, (name, nasty_server) in enumerate((behaviours or TLS_NASTY).items()):
            address = f"93.184.218.{n + 1}"
            names.set(f"{name}.{DOMAIN}", Records(a=(address,)))
            context = self._context(nasty_server, certificates)
            sock = namespace.listen(443, address)
            self._servers.append((sock, nasty_server.play, context))
        self._thread = threading.Thread(target=self._run, name="nasty tls", daemon=True)
        self._thread.start()

    @staticmethod
    def _context(nasty_server, certificates):
        if nasty_server.certificate is None:
            return None
        options = {"minimum_version": ssl.TLSVersion.TLSv1, **nasty_server.options}
        ciphers = options.pop("ciphers", None)
        prepare = options.pop("prepare", None)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        if ciphers:
            context.set_ciphers(ciphers)
        context.load_cert_chain(*nasty_server.certificate(certificates))
        context.load_verify_locations(certificates.ca)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that is what they are here for
            for name, value in options.items():
                setattr(context, name, value)
        if prepare:
            prepare(context)
        return context

    @staticmethod
    def url(name):
        return f"https://{name}.{DOMAIN}/"

    def close(self):
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # on the loop's thread

    def _run(self):
        self._loop.run_until_complete(self._serve())
        self._loop.close()

    async def _serve(self):
        self._stopping = asyncio.Event()
        tasks = set()

        def handler(play, context):
            async def handle(reader, writer):
                tasks.add(asyncio.current_task())
                try:
                    await play(Connection(reader, writer, context))
                except (ConnectionError, OSError, ssl.SSLError, asyncio.CancelledError):
                    pass  # the peer is gone or wants no more, or the tests end
                finally:
                    writer.close()
                    tasks.discard(asyncio.current_task())

            return handle

        listeners = [
            await asyncio.start_server(handler(play, context), sock=sock, backlog=100)
            for sock, play, context in self._servers
        ]
        await self._stopping.wait()
        for listener in listeners:
            listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
