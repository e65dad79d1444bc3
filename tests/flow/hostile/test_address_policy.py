"""The built address guard against a table made from Python's ipaddress and the lists below.

Every range at its edges and beside them, in every IPv6 form that carries an IPv4 address, and a
great many addresses besides. Ports, each of them, against a table of their own.
"""

import ipaddress
import random
import subprocess

import pytest

PORT = 443

# What Python's registry does not have, or takes for global.
NOT_PUBLIC_V4 = [
    ipaddress.ip_network(text)
    for text in (
        "168.63.129.16/32", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24",
        "192.175.48.0/24", "224.0.0.0/4",
    )
]  # fmt: skip
GLOBAL_V6 = ipaddress.ip_network("2000::/3")
NOT_PUBLIC_V6 = [
    ipaddress.ip_network(text)
    for text in (
        "2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3ffe::/16", "3fff::/20",
    )
]  # fmt: skip

# Ranges that no rule opens, and those that only a rule for the one address opens.
NEVER_V4 = [ipaddress.ip_network(t) for t in ("0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32")]
EXACT_V4 = [
    ipaddress.ip_network(text)
    for text in ("100.100.100.200/32", "168.63.129.16/32", "169.254.0.0/16", "192.0.0.192/32")
]
EXACT_V6 = [
    ipaddress.ip_network(text)
    for text in ("fd00:ec2::23/128", "fd00:ec2::254/128", "fd20:ce::254/128", "fe80::/10")
]
# Outside of 2000::/3 everything is shut for good but these.
OPENABLE_V6 = [
    ipaddress.ip_network(text)
    for text in (
        "::1/128", "64:ff9b::/96", "64:ff9b:1::/48", "fc00::/7", "fe80::/10", "fec0::/10",
    )
]  # fmt: skip
NEVER_V6 = [ipaddress.ip_network("2002::/16")]

NAT64 = ipaddress.ip_network("64:ff9b::/96")
LOCAL_NAT64 = ipaddress.ip_network("64:ff9b:1::/48")
# Ranges of the policy that Python's constants below do not name.
MORE_V6 = [
    ipaddress.ip_network(text)
    for text in (
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96", "100::/64", "100:0:0:1::/64", "200::/7",
        "4000::/3", "5f00::/16", "ff00::/8", "2001::/32", "2001:1::1/128", "2001:1::3/128",
        "2001:2::/48", "2001:3::/32", "2001:4:112::/48", "2001:10::/28", "2001:20::/28",
        "2001:30::/28", "2000::/3", "::/0", "::/128",
    )
]  # fmt: skip


def within(ip, networks):
    return any(ip in network for network in networks)


def is_public(ip):
    """Reachable without a rule."""
    if ip.version == 4:
        return ip.is_global and not within(ip, NOT_PUBLIC_V4)
    if ip.ipv4_mapped:
        return is_public(ip.ipv4_mapped)
    return (
        ip in GLOBAL_V6
        and not within(ip, NOT_PUBLIC_V6)
        and ip.is_global
        and all(is_public(inner) for inner in carried(ip))
    )


def carried(ip):
    """The IPv4 addresses that a gateway would send on to."""
    inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    interface = int(ip) >> 32 & 0xFFFFFFFF
    if ip in NAT64 or interface in (0x5EFE, 0x02005EFE):
        return [inner]
    if ip in LOCAL_NAT64:  # in other layouts it cannot be told: refused
        return [inner if interface == 0 else ipaddress.IPv4Address(0)]
    return []


def opens_to_wide_rules(ip):
    """Reachable with 0.0.0.0/0 and ::/0 allowed."""
    if ip.version == 4:
        return not within(ip, NEVER_V4 + EXACT_V4)
    if ip.ipv4_mapped:
        return opens_to_wide_rules(ip.ipv4_mapped)
    return (
        (ip in GLOBAL_V6 or within(ip, OPENABLE_V6))
        and not within(ip, NEVER_V6 + EXACT_V6)
        and all(opens_to_wide_rules(inner) for inner in carried(ip))
    )


def opens_to_exact_rule(ip):
    """Reachable with just this address allowed."""
    if ip.version == 4:
        return not within(ip, NEVER_V4)
    if ip.ipv4_mapped:
        return opens_to_exact_rule(ip.ipv4_mapped)
    return (
        (ip in GLOBAL_V6 or within(ip, OPENABLE_V6))
        and not within(ip, NEVER_V6)
        and all(is_public(inner) for inner in carried(ip))
    )


def exact_rule(ip):
    ip = (ip.version == 6 and ip.ipv4_mapped) or ip
    return f"{ip}/{ip.max_prefixlen}"


def edges(networks):
    """First and last address of each, and their neighbours."""
    for network in networks:
        kind = ipaddress.IPv4Address if network.version == 4 else ipaddress.IPv6Address
        first, last = int(network.network_address), int(network.broadcast_address)
        for number in (first - 1, first, first + 1, last - 1, last, last + 1):
            if 0 <= number < 1 << network.max_prefixlen:
                yield kind(number)


def carrying(ip):
    """IPv6 addresses that have this IPv4 address inside, in one of the known ways or another."""
    number = int(ip)
    for prefix in (
        "::", "::ffff:0:0", "::ffff:0:0:0", "64:ff9b::", "64:ff9b:1::", "64:ff9b:1:1::",
        "64:ff9b:1:0:0:1::", "fe80::5efe:0:0", "2a00:1450::5efe:0:0", "2a00:1450::200:5efe:0:0",
        "2a00:1450::5eff:0:0", "2a00:1450::", "fd00::5efe:0:0",
    ):  # fmt: skip
        yield ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) | number)
    yield ipaddress.IPv6Address(0x2002 << 112 | number << 80 | 1)
    yield ipaddress.IPv6Address(0x20010000 << 96 | number << 64 | 1)


@pytest.fixture(scope="module")
def addresses():
    """Those that are asked for."""
    v4 = list(ipaddress._IPv4Constants._private_networks)
    v4 += [ipaddress.ip_network("100.64.0.0/10"), ipaddress.ip_network("0.0.0.0/0")]
    v4 += NOT_PUBLIC_V4 + NEVER_V4 + EXACT_V4
    v6 = list(ipaddress._IPv6Constants._private_networks)
    v6 += list(ipaddress._IPv6Constants._reserved_networks)
    v6 += [GLOBAL_V6, *NOT_PUBLIC_V6, *EXACT_V6, *OPENABLE_V6, *NEVER_V6, *MORE_V6]
    chance = random.Random(20221104)
    found = set(edges(v4))
    found |= {ipaddress.IPv4Address(chance.getrandbits(32)) for _ in range(1000)}
    found |= {inner for ip in list(found) for inner in carrying(ip)}
    found |= set(edges(v6))
    found |= {ipaddress.IPv6Address(chance.getrandbits(128)) for _ in range(3000)}
    found |= {ipaddress.IPv6Address(1 << 125 | chance.getrandbits(125)) for _ in range(3000)}
    for ip in list(edges(v6)):
        number = int(ip) ^ chance.getrandbits(128) >> chance.randrange(128)
        found.add(ipaddress.IPv6Address(number))
    return sorted(found, key=lambda ip: (ip.version, ip))


@pytest.fixture
def ask(roomhook_bin):
    """ask([(ip, port, rules), …]) -> for each whether the guard allows it"""
    driver = roomhook_bin.parent / "tests" / "guard_driver"

    def run(questions):
        lines = "".join(f"{ip} {port} {' '.join(rules)}\n" for ip, port, rules in questions)
        done = subprocess.run([driver], input=lines, capture_output=True, text=True, check=True)
        answers = done.stdout.split()
        assert len(answers) == len(questions)
        return [answer == "allowed" for answer in answers]

    return run


@pytest.mark.parametrize(
    "expected, rules_for",
    [
        (is_public, lambda ip: ()),
        (opens_to_wide_rules, lambda ip: ("0.0.0.0/0", "::/0")),
        (opens_to_exact_rule, lambda ip: (exact_rule(ip),)),
    ],
    ids=["without rules", "everything allowed", "just this one allowed"],
)
def test_the_guard_agrees(addresses, ask, expected, rules_for):
    assert len(addresses) > 20000
    answers = ask([(ip, PORT, rules_for(ip)) for ip in addresses])
    table = [expected(ip) for ip in addresses]
    wrong = [str(ip) for ip, got, want in zip(addresses, answers, table) if got != want]
    assert wrong == []
    assert 100 < sum(table) < len(table), "both kinds are among them"


# Where a POST could talk to something that is no web server. Below 1024 all of them, but two.
REFUSED_PORTS = {
    "of browsers' list of bad ports": (
        1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
        6669, 6679, 6697, 10080,
    ),
    "Docker, etcd, kubelet": (2375, 2376, 2379, 10250),
    "Redis, Sentinel, memcached": (6379, 6380, 26379, 11211),
    "databases": (3306, 5432, 27017),
    "Consul, Elasticsearch": (8500, 9200),
}  # fmt: skip


def port_is_open(port):
    refused = {one for ports in REFUSED_PORTS.values() for one in ports}
    return port in (80, 443) or (1024 <= port <= 65535 and port not in refused)


@pytest.mark.parametrize(
    "ip, rules, expected",
    [
        ("93.184.216.34", (), port_is_open),
        ("2606:2800:220:1:248:1893:25c8:1946", (), port_is_open),
        ("10.0.0.1", ("10.0.0.0/8",), port_is_open),
        ("10.0.0.1", ("10.0.0.0/8:20-30",), lambda port: 20 <= port <= 30),
        ("10.0.0.1", ("10.0.0.0/8:1-65535",), lambda port: port != 0),
        ("10.0.0.1", (), lambda port: False),
    ],
    ids=["public", "public IPv6", "rule", "rule with ports", "rule with all ports", "private"],
)
def test_the_guard_agrees_on_every_port(ask, ip, rules, expected):
    answers = ask([(ip, port, rules) for port in range(65536)])
    wrong = [port for port, got in enumerate(answers) if got != expected(port)]
    assert wrong == []
