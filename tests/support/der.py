"""Certificates put together by hand, for what openssl(1) would not make."""

RSA = "1.2.840.113549.1.1.1"
EC = "1.2.840.10045.2.1"
PRIME_FIELD = "1.2.840.10045.1.1"
DISTRIBUTION_POINTS = "2.5.29.31"
ALTERNATIVE_NAMES = "2.5.29.17"
ECDSA_SHA256 = "1.2.840.10045.4.3.2"
COMMON_NAME = "2.5.4.3"


def element(tag, *parts):
    data = b"".join(parts)
    size = len(data)
    if size < 128:
        return bytes([tag, size]) + data
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + data


def sequence(*parts):
    return element(0x30, *parts)


def integer(number):
    return element(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def bit_string(data):
    return element(0x03, b"\0", data)


def octets(data):
    return element(0x04, data)


def oid(text):
    first, second, *others = (int(number) for number in text.split("."))
    encoded = bytes([40 * first + second])
    for number in others:
        digits = [number & 127]
        while number := number >> 7:
            digits.append(0x80 | number & 127)
        encoded += bytes(reversed(digits))
    return element(0x06, encoded)


def name(*values):
    """Of common names only."""
    return sequence(
        *(element(0x31, sequence(oid(COMMON_NAME), element(0x0C, v.encode()))) for v in values)
    )


def rsa_key(modulus, exponent=65537):
    numbers = sequence(integer(modulus), integer(exponent))
    return sequence(sequence(oid(RSA), b"\x05\0"), bit_string(numbers))


def named_curve_key(curve, point):
    return sequence(sequence(oid(EC), oid(curve)), bit_string(point))


def extension(kind, value):
    return sequence(oid(kind), octets(value))


def to_be_signed(key, subject, issuer, extensions=()):
    return sequence(
        element(0xA0, integer(2)),
        integer(1),
        sequence(oid(ECDSA_SHA256)),
        issuer,
        sequence(element(0x17, b"200101000000Z"), element(0x17, b"400101000000Z")),
        subject,
        key,
        element(0xA3, sequence(*extensions)) if extensions else b"",
    )


def certificate(body, signature=b"none"):
    return sequence(body, sequence(oid(ECDSA_SHA256)), bit_string(signature))
