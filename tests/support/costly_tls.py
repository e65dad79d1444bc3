"""Peers that try to make a handshake expensive, each in the way it works best, and ordinary ones.

    with NastyTls(network.world, names, certificates, costly(certificates)) as servers: ...

Most speak TLS by hand: what they send need not make sense, it only has to be computed.
"""

import base64
import functools
import random
import ssl
import subprocess

import der
from hostile_tls import DOMAIN, SERVER_HELLO, NastyServer, answer, good, record

P_224 = "1.3.132.0.33"
CA_NAME = der.name("Roomhook tests CA")
HELLO_REQUEST = bytes(4)
X25519_POINT = b"\x03\x00\x1d\x20" + bytes(31) + b"\x09"
RSA_PSS_SHA256 = b"\x08\x04"
FFDHE8192 = b"\x01\x04"
ASKS_FOR_ANOTHER_HELLO = bytes.fromhex(
    "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
)


def message(kind, data):
    return bytes([kind]) + len(data).to_bytes(3, "big") + data


def chain(*certificates):
    """The message of TLS 1.2."""
    entries = b"".join(len(one).to_bytes(3, "big") + one for one in certificates)
    return message(11, len(entries).to_bytes(3, "big") + entries)


def odd(bits):
    return random.getrandbits(bits) | 1 << (bits - 1) | 1


def any_key():
    return der.rsa_key(odd(2048))


@functools.cache
def key_on_a_curve_of_its_own():
    """Points are given by x alone. The prime is 1 and many zeros: to find y takes the longest."""
    prime = (30165 << 646) + 1
    size = (prime.bit_length() + 7) // 8
    x = b = 0
    while pow(x**3 + x + b, (prime - 1) // 2, prime) != 1:
        x, b = random.randrange(prime), random.randrange(prime)
    point = b"\x02" + x.to_bytes(size, "big")
    curve = der.sequence(
        der.integer(1),
        der.sequence(der.oid(der.PRIME_FIELD), der.integer(prime)),
        der.sequence(der.octets(b"\x01".rjust(size, b"\0")), der.octets(b.to_bytes(size, "big"))),
        der.octets(point),
        der.integer(prime - 2),
        der.integer(1),
    )
    return der.sequence(der.sequence(der.oid(der.EC), curve), der.bit_string(point))


def own_curve():
    return der.certificate(der.to_be_signed(key_on_a_curve_of_its_own(), der.name("a"), CA_NAME))


def many_points(issuer_len, points):
    """Each point is relative to the issuer, whose name has so many parts."""
    part = der.sequence(der.oid(der.COMMON_NAME), der.element(0x0C, b"a"))
    relative = der.element(0xA0, der.element(0xA1, part))
    value = der.sequence(*[der.sequence(relative)] * points)
    issuer = der.name(*"a" * issuer_len)
    extensions = [der.extension(der.DISTRIBUTION_POINTS, value)]
    return der.certificate(der.to_be_signed(any_key(), der.name("a"), issuer, extensions))


def trusted(certificates, name, key):
    """Signed by the CA."""
    host = f"{name}.{DOMAIN}".encode()
    names = der.extension(der.ALTERNATIVE_NAMES, der.sequence(der.element(0x82, host)))
    body = der.to_be_signed(key, der.name("a"), CA_NAME, [names])
    key_file = certificates.ca.replace("ca.pem", "ca.key")
    signed = subprocess.run(
        ["openssl", "dgst", "-sha256", "-sign", key_file],
        input=body,
        capture_output=True,
        check=True,
    )
    return der.certificate(body, signed.stdout)


def sends(expected, *messages, piece=16384):
    """A server of TLS 1.2 by hand; piece is how much of the messages is in a record."""

    async def play(connection):
        await connection.reader.read(1)
        data = b"".join(messages)
        records = [record(22, data[at : at + piece]) for at in range(0, len(data), piece)]
        await connection.send_raw(record(22, SERVER_HELLO) + b"".join(records))
        while await connection.reader.read(65536):
            pass

    return NastyServer(expected, play, None, {})


def proves_with(certificates, name, modulus_bits, exponent):
    """A trusted certificate; whether the signature with its key is right has to be computed."""
    leaf = trusted(certificates, name, der.rsa_key(odd(modulus_bits), exponent))
    size = modulus_bits // 8
    signature = size.to_bytes(2, "big") + random.randbytes(size - 1).rjust(size, b"\0")
    exchange = message(12, X25519_POINT + RSA_PSS_SHA256 + signature)
    return sends("retry tls", chain(leaf), exchange, message(14, b""))


async def asks_for_requests_without_end(connection):
    await connection.reader.read(1)
    await connection.send_raw(record(22, SERVER_HELLO))
    while True:
        await connection.send_raw(record(22, HELLO_REQUEST * 4096) * 8)


async def ffdhe_of_tls_1_3(connection):
    """It asks for another hello, with a key for the largest of these groups."""

    def hello(session, chosen, share):
        extensions = b"\x00\x2b\x00\x02\x03\x04\x00\x33" + len(share).to_bytes(2, "big") + share
        data = b"\x03\x03" + chosen + session + b"\x13\x01\x00"
        return record(22, message(2, data + len(extensions).to_bytes(2, "big") + extensions))

    first = await connection.reader.read(65536)
    session = first[43 : 44 + first[43]]
    await connection.send_raw(hello(session, ASKS_FOR_ANOTHER_HELLO, FFDHE8192))
    if len(await connection.reader.read(65536)) < 1024:
        return
    share = FFDHE8192 + b"\x04\x00" + random.randbytes(1023).rjust(1024, b"\0")
    await connection.send_raw(hello(session, random.randbytes(32), share))
    await connection.reader.read(65536)


def pem(kind, data):
    text = base64.encodebytes(data).decode()
    return f"-----BEGIN {kind}-----\n{text}-----END {kind}-----\n"


def rsa_server(certificates, bits=2048):
    return certificates.server(f"rsa-{bits}", f"DNS:*.{DOMAIN}", key=(f"rsa:{bits}",))


def for_many_names(certificates):
    return certificates.server("many-names", "DNS:a," * 9000 + f"DNS:*.{DOMAIN}")


def followed_by(certificates, name, others):
    """A good certificate, and others in its chain."""
    certificate, key = good(certificates)
    path = f"{certificates.folder}/{name}.pem"
    with open(certificate, encoding="ascii") as file, open(path, "w", encoding="ascii") as out:
        out.write(file.read() + "".join(pem("CERTIFICATE", other) for other in others))
    return path, key


def dhe_only(certificates, bits):
    path = f"{certificates.folder}/dh-{bits}.pem"
    with open(path, "w", encoding="ascii") as file:
        file.write(pem("DH PARAMETERS", der.sequence(der.integer(odd(bits)), der.integer(2))))
    options = {
        "ciphers": "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
        "maximum_version": ssl.TLSVersion.TLSv1_2,
        "prepare": lambda context: context.load_dh_params(path),
    }
    return NastyServer("retry tls", answer, rsa_server, options)


def costly(certificates):
    """name -> (server, what is said about it)"""

    def with_others(name, others):
        options = {"ciphers": "ALL:@SECLEVEL=0"}  # or it would not load them itself
        return NastyServer(
            "retry tls", answer, lambda ours: followed_by(ours, name, others), options
        )

    def curve(name):
        key = der.named_curve_key(name, b"\x02" + bytes(27) + b"\x05")
        return der.certificate(der.to_be_signed(key, der.name("a"), CA_NAME))

    small = der.certificate(der.to_be_signed(der.rsa_key(odd(512), 3), der.name("a"), CA_NAME))
    return {
        "dhe-of-10000-bits": (dhe_only(certificates, 10000), "TLS 1.2 with ECDHE"),
        "ffdhe": (NastyServer("retry tls", ffdhe_of_tls_1_3, None, {}), ""),
        "own-curve": (sends("retry tls", chain(own_curve())), "none of RSA, P-256"),
        "own-curve-of-tls-1-3": (
            with_others("own-curve", [own_curve()] * 9),
            "none of RSA, P-256",
        ),
        "curves-of-old": (sends("retry tls", chain(*[curve(P_224)] * 160)), "none of RSA, P-256"),
        # Nearly all that is allowed, so that its last byte is read.
        "a-record-a-byte": (
            sends("retry tls", chain(many_points(2300, 1)), piece=1),
            "distribution point",
        ),
        "points": (sends("retry tls", chain(many_points(1000, 800))), "distribution point"),
        "points-in-a-small-one": (
            sends("retry tls", chain(*[many_points(80, 200)] * 6)),
            "distribution point",
        ),
        "large-chain": (sends("retry tls", chain(many_points(3500, 1))), "more than 32 KiB"),
        "long-chain": (sends("retry tls", chain(*[small] * 100)), "more than 10 certificates"),
        "long-chain-of-tls-1-3": (with_others("long", [small] * 100), "more than 10 certificates"),
        "rsa-of-16384-bits": (
            proves_with(certificates, "rsa-of-16384-bits", 16384, odd(64)),
            "RSA key of more than 8192 bits",
        ),
        "rsa-of-8192-bits": (
            proves_with(certificates, "rsa-of-8192-bits", 8192, odd(64)),
            "",
        ),
        "long-exponent": (
            proves_with(certificates, "long-exponent", 3072, odd(3072)),
            "an exponent of more than 64",
        ),
        "many-names": (NastyServer("delivered", answer, for_many_names, {}), ""),
        "no-certificate": (sends("retry tls", message(11, b"\x30\x80")), "cannot be read"),
        "hello-requests": (
            NastyServer("retry timeout", asks_for_requests_without_end, None, {}),
            "",
        ),
    }


def ordinary():
    """What the Internet is made of: name -> server."""

    def serve(certificate, **options):
        return NastyServer("delivered", answer, certificate, options)

    def of_version(name, certificate, **options):
        return {
            f"{name}-tls-1-2": serve(
                certificate, maximum_version=ssl.TLSVersion.TLSv1_2, **options
            ),
            f"{name}-tls-1-3": serve(
                certificate, minimum_version=ssl.TLSVersion.TLSv1_3, **options
            ),
        }

    def on(curve):
        return {"prepare": lambda context: context.set_ecdh_curve(curve)}

    found = {}
    for bits in (2048, 4096):
        found |= of_version(f"rsa-{bits}", functools.partial(rsa_server, bits=bits))
    found |= of_version("p-256", good)
    for curve in ("prime256v1", "secp384r1", "secp521r1"):
        found |= of_version(f"exchange-{curve}", good, **on(curve))
    for kind, key in {
        "p-384": ("ec", "-pkeyopt", "ec_paramgen_curve:secp384r1"),
        "ed25519": ("ed25519",),
    }.items():
        found |= of_version(
            kind, lambda ours, kind=kind, key=key: ours.server(kind, f"DNS:*.{DOMAIN}", key=key)
        )
    found |= of_version("chain-of-four", lambda ours: ours.below(3, f"DNS:*.{DOMAIN}"))
    for suite in ("ECDHE-ECDSA-AES256-SHA", "ECDHE-ECDSA-CHACHA20-POLY1305"):
        found[suite.lower()] = serve(
            good, maximum_version=ssl.TLSVersion.TLSv1_2, ciphers=f"{suite}:@SECLEVEL=0"
        )
    return found
