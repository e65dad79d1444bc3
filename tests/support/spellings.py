"""The ways to write an address into a URL so that a check of its text does not see it."""

import ipaddress

# Never to be reached: what each row of the address policy is there for.
FORBIDDEN_V4 = (
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.0.0.1", "10.0.0.1", "172.16.0.1",
    "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.100.100.200", "168.63.129.16",
    "169.254.169.254", "169.254.170.2", "192.0.0.192", "192.0.2.1", "192.31.196.1",
    "192.52.193.1", "192.88.99.1", "192.175.48.1", "198.18.0.1", "198.19.255.255",
    "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
)  # fmt: skip
FORBIDDEN_V6 = (
    "::", "::1", "::2", "::7f00:1", "::a00:1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
    "::ffff:0:127.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "100::1",
    "100:0:0:1::1", "200::1", "2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2620:4f:8000::1", "3ffe::1", "3fff::1",
    "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fe80::1",
    "fe80::a9fe:a9fe", "fec0::1", "ff02::1", "2a00:1450::5efe:7f00:1", "2a00:1450::200:5efe:a00:1",
)  # fmt: skip


def ipv4_spellings(address):
    """Hosts that resolvers read as this IPv4 address."""
    number = int(ipaddress.IPv4Address(address))
    a, b, c, d = ipaddress.IPv4Address(address).packed
    return [
        address,
        str(number),
        hex(number),
        hex(number).upper().replace("0X", "0x"),
        "0X%x" % number,
        "0%o" % number,
        "0x%x.0x%x.0x%x.0x%x" % (a, b, c, d),
        "0%o.0%o.0%o.0%o" % (a, b, c, d),
        "%d.%d" % (a, number & 0xFFFFFF),
        "%d.%d.%d" % (a, b, number & 0xFFFF),
        "0x%x.%d" % (a, number & 0xFFFFFF),
        "0%o.0x%x.%d" % (a, b, number & 0xFFFF),
        "%d.0%o.0x%x.%d" % (a, b, c, d),
        "00000000%o.%d" % (a, number & 0xFFFFFF) if a else "00000000.%d" % (number & 0xFFFFFF),
    ]


def ipv6_spellings(address):
    """Bracketed hosts of an IPv6 address; those inside IPv4 too."""
    ip = ipaddress.IPv6Address(address)
    return [f"[{address}]", f"[{ip.exploded}]", f"[{ip.exploded.upper()}]"]


def carriers(address):
    """Bracketed IPv6 hosts that carry this IPv4 address."""
    number = int(ipaddress.IPv4Address(address))
    high, low = number >> 16, number & 0xFFFF
    return [
        f"[::ffff:{address}]",
        "[::ffff:%x:%x]" % (high, low),
        "[0:0:0:0:0:ffff:%x:%x]" % (high, low),
        f"[::{address}]",
        f"[::ffff:0:{address}]",
        f"[64:ff9b::{address}]",
        f"[64:ff9b:1::{address}]",
        "[2002:%x:%x::1]" % (high, low),
        "[2001:0:%x:%x::1]" % (high, low),
        "[2a00:1450:4001:800:0:5efe:%x:%x]" % (high, low),
        "[2a00:1450:4001:800:200:5efe:%x:%x]" % (high, low),
    ]


# Whole URLs on which parsers disagree, or that hide where they lead to. {host} is a name that is
# allowed, %(bad)s an address that is not.
CONFUSING_URLS = (
    "http://{host}\\@%(bad)s/",
    "http://{host}@%(bad)s/",
    "http://%(bad)s#@{host}/",
    "http://%(bad)s?@{host}/",
    "http://{host}:80@%(bad)s/",
    "http://{host}:80\\@%(bad)s:80/",
    "http://%(bad)s\\.{host}/",
    "http://{host}#@%(bad)s/",
    "http://%(bad)s%%23@{host}/",
    "http://{host} @%(bad)s/",
    "http:/%(bad)s/",
    "http:%(bad)s/",
    "http:///%(bad)s/",
    "//%(bad)s/",
    "%(bad)s/",
    "http:\\\\%(bad)s/",
    "http://%(bad)s\t/",
    "http://\t%(bad)s/",
    "http://%(bad)s\n.{host}/",
    "http://%(bad)s\u0000.{host}/",
    "http://%(bad)s%%00.{host}/",
    "http://%(bad)s./",
    "http://%(bad)s../",
    "http://.%(bad)s/",
    "http://[%(bad)s]/",
    "http://[::1%%25lo]/",
    "http://[fe80::1%%25w0]/",
    "http://[::1]@{host}:80@%(bad)s/",
    "http://[v1.%(bad)s]/",
    "http://[::%%31]/",
    "http://%(bad)s:80:80/",
    "http://{host}:@%(bad)s/",
    "http://%(bad)s:0/",
    "http://{host}:0/",
    "http://localhost/",
    "http://LOCALHOST/",
    "http://x.localhost/",
    "http://localhost./",
    "http://ip6-localhost/",
    "HTTP://%(bad)s/",
    "ftp://%(bad)s/",
    "gopher://%(bad)s:6379/_FLUSHALL",
    "dict://%(bad)s:11211/stats",
    "file:///etc/passwd",
    "file://%(bad)s/etc/passwd",
    "ldap://%(bad)s/",
    "smb://%(bad)s/x",
    "scp://%(bad)s/x",
    "telnet://%(bad)s/",
    "tftp://%(bad)s/x",
    "rtsp://%(bad)s/",
    "imap://%(bad)s/",
    "smtp://%(bad)s/",
    "mqtt://%(bad)s/x",
    "ws://%(bad)s/",
    "unix:///run/docker.sock",
    "http+unix://%%2Frun%%2Fdocker.sock/",
    "jar:http://%(bad)s!/",
    "url:http://%(bad)s/",
    "netdoc:///etc/passwd",
    "data:text/plain,x",
)  # fmt: skip


def percent_spellings(address):
    """Percent-coded hosts, whole and in part."""
    return [
        "".join("%%%02x" % ord(c) for c in address),
        address.replace("1", "%31"),
        address.replace(".", "%2e"),
        address[:-1] + "%%%02x" % ord(address[-1]),
        "%250x7f.1",
        "%30x7f.1",
    ]


def unicode_spellings(address):
    """Hosts of characters that a mapping to ASCII turns into this address."""
    return [
        address.translate({ord(str(n)): 0xFF10 + n for n in range(10)}),  # full-width digits
        address.translate({ord(str(n)): 0x2460 + n - 1 for n in range(1, 10)}),  # circled digits
        address.translate({ord(str(n)): 0x1D7CE + n for n in range(10)}),  # mathematical digits
        address.translate({ord(str(n)): 0x2080 + n for n in range(10)}),  # subscripts
        address.replace(".", "\u3002"),  # ideographic full stop
        address.replace(".", "\uff0e"),  # full-width full stop
        address.replace(".", "\uff61"),  # half-width full stop
        address[0] + "\u00ad" + address[1:],  # soft hyphen
        address[0] + "\u200b" + address[1:],  # zero-width space
        address[0] + "\u2060" + address[1:],  # word joiner
        "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",  # localhost in circles
        "\uff4c\uff4f\uff43\uff41\uff4c\uff48\uff4f\uff53\uff54",  # full-width
        "loca\u2113host",  # script small l
    ]
