"""What a stranger's server may do to a sender: one behaviour a path.

    with NastyHosts(network.world, names, certificates, "https") as hosts:
        ... hosts.url("gzip-bomb") ...

Each says what the delivery must come to, as a Batch tells it: once a final status has arrived it
decides, whatever happens then; without one it is a failure to be retried. All of them play over
HTTP and over TLS, but those that are plain_only. What is below HTTP is in hostile_tls.py.
"""

import asyncio
import collections
import functools
import gzip
import socket
from dataclasses import dataclass
from typing import Callable

from name_server import Records
from network import GOOD_V4
from receiver import Receiver

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
NEVER_S = 3600.0
PACE_S = 0.002  # between pieces of what is not cut: not to be faster than the tests' machine

TIMEOUT_S = 3.0  # of an attempt of the worker
SEEN_S = 0.5  # until what was sent is read also on a busy machine: a reset discards the rest

NASTY = {}
FLOODED = collections.Counter()


@dataclass(frozen=True)
class Nasty:
    expected: str
    play: Callable
    before_body: bool  # plays without having read the request's body
    large: bool  # the request must not fit into the kernel's buffers
    plain_only: bool
    bomb: bool  # tries to make the worker take a lot


def nasty(expected, before_body=False, large=False, plain_only=False, bomb=False):
    def register(play):
        name = play.__name__.strip("_").replace("_", "-")
        assert name not in NASTY, name
        NASTY[name] = Nasty(expected, play, before_body, large, plain_only, bomb)
        return play

    return register


def bytes_then(name, expected, data, then="close", **options):
    """A behaviour that sends data and then closes, resets, or is silent."""

    async def play(connection):
        await connection.send(data)
        if then == "close":
            connection.close()
        elif then == "reset":
            await asyncio.sleep(SEEN_S if data else 0)
            connection.reset()
        else:
            await asyncio.sleep(NEVER_S)

    play.__name__ = name
    nasty(expected, **options)(play)


async def drip(connection, data, pause=0.1):
    for byte in data:
        await connection.send(bytes([byte]))
        await asyncio.sleep(pause)


async def flood(connection, piece, pace=0.0):
    """Sends without end; FLOODED tells how much went out."""
    while True:
        await connection.send(piece)
        FLOODED["bytes"] += len(piece)
        await asyncio.sleep(pace)


# --- silence and slowness


@nasty("retry timeout")
async def no_answer(connection):
    await asyncio.sleep(NEVER_S)


@nasty("retry timeout")
async def status_line_by_the_byte(connection):
    await drip(connection, b"HTTP/1.1 200 " + b"O" * 100)


@nasty("delivered")
async def headers_by_the_byte(connection):
    await connection.send(OK)
    await drip(connection, b"X-Slow: " + b"x" * 100)


bytes_then("headers_stall", "delivered", OK + b"Content-Type: text/pl", "hang")
bytes_then("status_line_stalls", "retry timeout", b"HTTP/1.1 200 O", "hang")
bytes_then("body_stalls", "delivered", OK + b"Content-Length: 100\r\n\r\nabc", "hang")
bytes_then("chunk_stalls", "delivered", CHUNKED + b"5\r\nab", "hang")
bytes_then("last_chunk_stalls", "delivered", CHUNKED + b"3\r\nabc\r\n0\r\n", "hang")


@nasty("delivered")
async def body_by_the_byte(connection):
    await connection.send(OK + b"Content-Length: 1000\r\n\r\n")
    await drip(connection, b"x" * 1000)


@nasty("retry 500")
async def body_of_500_by_the_byte(connection):
    await connection.send(b"HTTP/1.1 500 No\r\nContent-Length: 1000\r\n\r\n")
    await drip(connection, b"x" * 1000)


@nasty("retry timeout")
async def continue_without_end(connection):
    await flood(connection, b"HTTP/1.1 100 Continue\r\n\r\n", 0.05)


@nasty("retry timeout")
async def early_hints_without_end(connection):
    await flood(connection, b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n", 0.05)


@nasty("retry timeout")
async def processing_without_end(connection):
    await flood(connection, b"HTTP/1.1 102 Processing\r\n\r\n", 0.05)


bytes_then("switching_protocols", "retry timeout", b"HTTP/1.1 101 Now\r\n\r\n", "hang")
bytes_then(
    "switching_to_websocket",
    "retry timeout",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    b"\x81\x05",
    "hang",
)
bytes_then(
    "switching_to_http2",
    "retry timeout",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
    b"\0\0\0\4\0\0\0\0\0",
    "hang",
)


# --- too much


@nasty("retry broken", bomb=True)
async def early_hints_flood(connection):
    await flood(connection, b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n" * 20)


@nasty("retry broken", bomb=True)
async def early_hints_of_15_kilobytes(connection):
    await flood(connection, b"HTTP/1.1 103 Early Hints\r\nLink: " + b"x" * 15000 + b"\r\n\r\n")


@nasty("retry broken", bomb=True)
async def early_hints_of_90_lines(connection):
    await flood(connection, b"HTTP/1.1 103 Early Hints\r\n" + b"A: b\r\n" * 90 + b"\r\n")


@nasty("delivered", bomb=True)
async def body_without_end(connection):
    await connection.send(CHUNKED)
    await flood(connection, b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


@nasty("retry 503", bomb=True)
async def body_of_503_without_end(connection):
    await connection.send(b"HTTP/1.1 503 No\r\n\r\n")
    await flood(connection, b"x" * 16384)


@nasty("delivered", bomb=True)
async def body_of_a_terabyte(connection):
    await connection.send(OK + b"Content-Length: 1099511627776\r\n\r\n")
    await flood(connection, b"x" * 16384)


@nasty("delivered", bomb=True)
async def chunks_of_one_byte(connection):
    await connection.send(CHUNKED)
    await flood(connection, b"1\r\nx\r\n" * 2000)


@nasty("delivered", bomb=True)
async def chunk_of_16_exabytes(connection):
    await connection.send(CHUNKED + b"7fffffffffffffff\r\n")
    await flood(connection, b"x" * 16384)


@nasty("delivered", bomb=True)
async def chunk_extension_without_end(connection):
    await connection.send(CHUNKED + b"3;x=")
    await flood(connection, b"x" * 16384, PACE_S)


@nasty("delivered", bomb=True)
async def trailers_without_end(connection):
    await connection.send(CHUNKED + b"3\r\nabc\r\n0\r\n")
    await flood(connection, b"X-Trailer: x\r\n" * 100)


@nasty("delivered", bomb=True)
async def trailer_of_200_kilobytes(connection):
    await connection.send(CHUNKED + b"0\r\nX-Trailer: " + b"x" * 200_000 + b"\r\n\r\n")


@nasty("delivered", bomb=True)
async def headers_without_end(connection):
    await connection.send(OK)
    await flood(connection, b"X-Header: x\r\n" * 100)


@nasty("delivered", bomb=True)
async def headers_of_ten_thousand_cookies(connection):
    cookies = b"".join(b"Set-Cookie: c%d=x; Max-Age=99999\r\n" % n for n in range(10000))
    await connection.send(OK + cookies + b"Content-Length: 0\r\n\r\n")


@nasty("delivered", bomb=True)
async def header_of_200_kilobytes(connection):
    await connection.send(OK + b"X-Header: " + b"x" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n")


@nasty("delivered", bomb=True)
async def header_of_99_kilobytes_that_stalls(connection):
    await connection.send(OK + b"X-Header: " + b"x" * 99_000)
    await asyncio.sleep(NEVER_S)


@nasty("delivered", bomb=True)
async def header_folded_without_end(connection):
    await connection.send(OK + b"X-Header: x\r\n")
    await flood(connection, b" and more of it\r\n" * 100)


@nasty("retry broken", bomb=True)
async def status_line_of_200_kilobytes(connection):
    await connection.send(b"HTTP/1.1 200 " + b"O" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n")


@nasty("retry broken", bomb=True)
async def blank_lines_without_end(connection):
    await flood(connection, b"\r\n" * 2000, PACE_S)


@functools.cache
def _zip_bomb():
    return gzip.compress(bytes(50 << 20), 9)  # 50 MiB of zeros in 50 KB


# A zstd frame that wants a window of 128 MiB, and holds blocks of 128 KiB in four bytes each.
_ZSTD_BOMB = b"\x28\xb5\x2f\xfd\x00\x88" + b"\x02\x00\x10\x00" * 4000


@nasty("delivered", bomb=True)
async def gzip_bomb(connection):
    body = _zip_bomb()
    head = OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    await connection.send(head + body)


@nasty("delivered", bomb=True)
async def gzip_bomb_by_transfer_encoding(connection):
    body = _zip_bomb()
    await connection.send(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n")
    await connection.send(b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")


@nasty("delivered", bomb=True)
async def zstd_bomb_by_transfer_encoding(connection):
    await connection.send(OK + b"Transfer-Encoding: zstd, chunked\r\n\r\n")
    await connection.send(b"%x\r\n" % len(_ZSTD_BOMB) + _ZSTD_BOMB + b"\r\n0\r\n\r\n")


bytes_then(
    "encodings_many",
    "delivered",
    OK + b"Content-Encoding: " + b"gzip, " * 1000 + b"gzip\r\nContent-Length: 3\r\n\r\nabc",
    bomb=True,
)


# --- not HTTP

bytes_then("garbage", "retry broken", bytes(range(256)) * 10)
bytes_then("zeros", "retry broken", bytes(5000))
bytes_then("http_0_9", "retry broken", b"hello, this is a document\r\nof the old kind\r\n")
bytes_then("ssh", "retry broken", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
bytes_then("smtp", "retry broken", b"220 mail.example ESMTP\r\n500 what?\r\n")
bytes_then("redis", "retry broken", b"-ERR unknown command 'POST'\r\n")
bytes_then("http2_settings", "retry broken", b"\0\0\0\4\0\0\0\0\0\0\0\0\4\1\0\0\0\0")
bytes_then("tls_alert", "retry broken", b"\x15\x03\x03\x00\x02\x02\x28")
bytes_then("version_and_no_more", "retry broken", b"HTTP/1.1\r\n\r\n")
bytes_then("status_of_letters", "retry broken", b"HTTP/1.1 abc OK\r\n\r\n")
bytes_then("status_of_two_digits", "retry broken", b"HTTP/1.1 20 OK\r\n\r\n")
bytes_then("status_of_four_digits", "retry broken", b"HTTP/1.1 2000 OK\r\n\r\n")
bytes_then("status_negative", "retry broken", b"HTTP/1.1 -200 OK\r\n\r\n")
bytes_then("icecast", "retry broken", b"ICY 200 OK\r\n\r\n")
bytes_then("blank_line_first", "retry broken", b"\r\n" + OK + b"\r\n")
bytes_then("nothing_but_blank_lines", "retry broken", b"\r\n\r\n\r\n")
bytes_then("version_9", "retry broken", b"HTTP/9.9 200 OK\r\n\r\n")
bytes_then("version_2_in_text", "retry broken", b"HTTP/2 200 OK\r\n\r\n")
bytes_then("version_3_in_text", "retry broken", b"HTTP/3 200 OK\r\n\r\n")

# --- HTTP of a kind

bytes_then("version_1_0", "delivered", b"HTTP/1.0 200 OK\r\n\r\nabc")
bytes_then("lower_case", "delivered", b"http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
bytes_then("no_reason", "delivered", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n")
bytes_then("bare_line_feeds", "delivered", b"HTTP/1.1 200 OK\nContent-Length: 3\n\nabc")
bytes_then("bare_carriage_returns", "retry broken", b"HTTP/1.1 200 OK\rContent-Length: 3\r\rabc")
bytes_then("status_0", "retry broken", b"HTTP/1.1 000 Nothing\r\n\r\n")
bytes_then("status_99", "retry broken", b"HTTP/1.1 099 Low\r\n\r\n")
bytes_then("status_199", "retry broken", b"HTTP/1.1 199 Last\r\n\r\n")
bytes_then("status_600", "retry 600", b"HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n")
bytes_then("status_999", "retry 999", b"HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n")
bytes_then("nul_in_the_status_line", "delivered", b"HTTP/1.1 200 \0K\r\nContent-Length: 0\r\n\r\n")
bytes_then("nul_in_a_header", "delivered", OK + b"X: a\0b\r\nContent-Length: 0\r\n\r\n")
bytes_then("header_without_colon", "delivered", OK + b"no colon\r\nContent-Length: 0\r\n\r\n")
bytes_then("header_without_name", "delivered", OK + b": x\r\nContent-Length: 0\r\n\r\n")
bytes_then("header_of_bytes", "delivered", OK + bytes(range(14, 256)) + b": x\r\n\r\n")
bytes_then("header_folded_first", "delivered", OK + b" folded\r\nContent-Length: 0\r\n\r\n")
bytes_then("length_negative", "delivered", OK + b"Content-Length: -1\r\n\r\nabc")
bytes_then("length_of_letters", "delivered", OK + b"Content-Length: abc\r\n\r\nabc")
bytes_then("length_of_30_digits", "delivered", OK + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n")
bytes_then(
    "lengths_that_differ", "delivered", OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"
)
bytes_then(
    "length_and_chunks",
    "delivered",
    OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
)
bytes_then("body_longer_than_told", "delivered", OK + b"Content-Length: 3\r\n\r\nabcdef" * 100)
bytes_then("body_shorter_than_told", "delivered", OK + b"Content-Length: 9\r\n\r\nabc")
bytes_then("body_cut_by_a_reset", "delivered", OK + b"Content-Length: 9\r\n\r\nabc", "reset")
bytes_then("headers_cut", "delivered", OK + b"Content-Le")
bytes_then("status_line_cut", "retry broken", b"HTTP/1.1 200 O")
bytes_then("body_of_204", "delivered", b"HTTP/1.1 204 None\r\nContent-Length: 3\r\n\r\nabc")
bytes_then("body_of_304", "retry 304", b"HTTP/1.1 304 Same\r\nContent-Length: 3\r\n\r\nabc")
bytes_then("chunks_of_letters", "delivered", CHUNKED + b"xyz\r\nabc\r\n")
bytes_then("chunk_size_negative", "delivered", CHUNKED + b"-1\r\nabc\r\n")
bytes_then("chunk_size_of_40_digits", "delivered", CHUNKED + b"f" * 40 + b"\r\nabc\r\n")
bytes_then("chunk_without_end_of_line", "delivered", CHUNKED + b"3\r\nabcdef\r\n")
bytes_then("encoding_of_transfer_unknown", "delivered", OK + b"Transfer-Encoding: x\r\n\r\nabc")
bytes_then("answer_twice", "delivered", (OK + b"Content-Length: 3\r\n\r\nabc") * 2)
bytes_then("upgrade_required", "retry 426", b"HTTP/1.1 426 No\r\nUpgrade: h2c\r\n\r\n")
bytes_then("expectation_failed", "retry 417", b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n")
for scheme in ("Basic", "Digest", "Negotiate", "NTLM", "Bearer"):
    bytes_then(
        f"asks_for_{scheme.lower()}",
        "retry 401",
        b"HTTP/1.1 401 Who\r\nWWW-Authenticate: %s realm=x, nonce=x\r\n\r\n" % scheme.encode(),
    )
bytes_then("asks_as_a_proxy", "retry 407", b"HTTP/1.1 407 Who\r\nProxy-Authenticate: NTLM\r\n\r\n")
bytes_then(
    "sends_elsewhere",
    "delivered",
    OK + b'Alt-Svc: h2="169.254.169.254:80"\r\nStrict-Transport-Security: max-age=9\r\n'
    b"Refresh: 0; url=http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
)

# --- Retry-After; that it is kept to, test_hostile_receivers.py looks at

RETRY_AFTER = {
    "negative": (b"-5", None),
    "zero": (b"0", None),
    "letters": (b"soon", None),
    "nothing": (b"", None),
    "past": (b"Fri, 04 Nov 2022 08:28:57 GMT", None),
    "broken_date": (b"Fri, 99 Nov 2099 99:99:99 GMT", None),
    "hex": (b"0x10", None),
    "seconds": (b"7200", 7200),
    "year_9999": (b"Fri, 31 Dec 9999 23:59:59 GMT", 86400),
    "century": (b"3153600000", 86400),
    "huge": (b"9" * 40, 86400),
    "overflow": (b"18446744073709551616", 86400),
}
for name, (value, _) in RETRY_AFTER.items():
    bytes_then(
        f"retry_after_{name}",
        "retry 503",
        b"HTTP/1.1 503 Later\r\nRetry-After: " + value + b"\r\nContent-Length: 0\r\n\r\n",
    )

# --- connections

bytes_then("end_before_the_answer", "retry broken", b"")
bytes_then("reset_before_the_answer", "retry broken", b"", "reset")


@nasty("retry broken", plain_only=True)
async def half_close(connection):
    connection.writer.write_eof()
    await asyncio.sleep(NEVER_S)


@nasty("retry 200", before_body=True, large=True)
async def early_200_then_reset(connection):
    await connection.send(OK + b"Content-Length: 0\r\n\r\n")
    await asyncio.sleep(SEEN_S)
    connection.reset()


@nasty("retry 200", before_body=True, large=True)
async def early_200_then_silence(connection):
    await connection.send(OK + b"Content-Length: 0\r\n\r\n")
    await asyncio.sleep(NEVER_S)


@nasty("dead rejected", before_body=True, large=True)
async def early_413_then_reset(connection):
    await connection.send(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(SEEN_S)
    connection.reset()


@nasty("retry 401", before_body=True, large=True)
async def early_401_then_silence(connection):
    await connection.send(b"HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n")
    await asyncio.sleep(NEVER_S)


@nasty("retry timeout", before_body=True, large=True)
async def body_not_read(connection):
    await asyncio.sleep(NEVER_S)


@nasty("retry broken", before_body=True, large=True)
async def reset_while_we_send(connection):
    await asyncio.sleep(0.2)
    connection.reset()


@nasty("retry timeout", before_body=True, large=True)
async def body_read_by_the_byte(connection):
    while await connection.reader.read(1):
        await asyncio.sleep(0.01)


# --- the hosts that behave so

DOMAIN = "nasty.example"
ADDRESSES = (GOOD_V4, "93.184.216.35")
LARGE = "x" * 900_000  # an event's text that does not fit into anybody's buffers


def _narrow(sock):
    """Connections take little at a time."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)


class NastyHosts:
    """Receivers that behave by the path, at *.nasty.example and all addresses; those for large
    requests, which read little, on a port of their own."""

    def __init__(self, namespace, names, certificates, scheme):
        self.scheme = scheme
        _zip_bomb()  # now, and not while others wait
        tls = None
        if scheme == "https":
            alternatives = ",".join([f"DNS:*.{DOMAIN}", *(f"IP:{ip}" for ip in ADDRESSES)])
            tls = certificates.server_context(certificates.server("nasty-hosts", alternatives))
        names.set(f"*.{DOMAIN}", Records(a=(GOOD_V4,)))
        sock = namespace.listen(443 if tls else 80)
        self.receiver = Receiver(sock=sock, tls=tls)
        sock = namespace.listen(8443, prepare=_narrow)
        self.narrow = Receiver(sock=sock, tls=tls, narrow=True)
        for name, behaviour in NASTY.items():
            self.receiver.script(f"/{name}", behaviour)
            self.narrow.script(f"/{name}", behaviour)

    def url(self, name, host=None):
        """Of a behaviour, at a host of its own if none is given."""
        host = host or f"{name}.{DOMAIN}"
        port = self.narrow.port if name in NASTY and NASTY[name].large else self.receiver.port
        return f"{self.scheme}://{host}:{port}/{name}"

    def requests(self, name):
        return self.receiver.requests(f"/{name}") + self.narrow.requests(f"/{name}")

    def stop(self):
        self.receiver.stop()
        self.narrow.stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
