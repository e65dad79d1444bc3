"""No request reaches an address that is not allowed, whatever URLs, name servers and receivers say.

The worker is alone with us: every connection it begins is seen, on every port. The policy is the
one that is shipped, without a rule.
"""

import json

import pytest

from batch import Batch
from name_server import Failure, Records
from network import GOOD_V4, GOOD_V6, NAME_SERVER, WORKER_V4, WORKER_V6
from receiver import Answer, Receiver
from spellings import (
    CONFUSING_URLS,
    FORBIDDEN_V4,
    FORBIDDEN_V6,
    carriers,
    ipv4_spellings,
    ipv6_spellings,
    percent_spellings,
    unicode_spellings,
)
from forbidden_listeners import Traps
from wait import wait_until
from webhook_queue import key

PRIVATE = "10.0.0.1"
# In what order the resolver gives the addresses of a name depends on how much each shares with our
# own, 93.184.215.2: more than 10.0.0.1 …, and less.
PUBLIC_NEAR = GOOD_V4
PUBLIC_FAR = "200.1.1.1"
PUBLIC = {(PUBLIC_NEAR, 80), (PUBLIC_FAR, 80), (GOOD_V6, 80)}


@pytest.fixture
def world(network):
    """Answers 200 on port 80 of every address there is; on the worker's own machine are traps."""
    with Receiver(sock=network.world.listen(80)) as receiver:
        with Traps([(network.worker, 80), (network.worker, 443), (network.world, 443)]) as traps:
            before = network.attempts()
            receiver.attempts = lambda: set(network.attempts() - before)
            yield receiver
            assert traps.touched() == []


@pytest.fixture
def batch(redis):
    return Batch(redis)


def wrong(outcomes, allowed):
    """What did not end as one of allowed."""
    return {name: outcome for name, outcome in outcomes.items() if outcome not in allowed}


def check_untouched(world, batch, allowed=("dead blocked",), timeout=30):
    assert wrong(batch.run(timeout), allowed) == {}
    assert world.attempts() == set()
    # Open, closed or filtered, private or ours: nobody can tell by the answer.
    blocked = [letter for letter in batch.letters().values() if letter["reason"] == "blocked"]
    assert {letter["error"] for letter in blocked} <= {"the address is not allowed"}


# spellings


def test_every_forbidden_address_in_every_spelling(batch, world, start_far_worker):
    """Judged as the address that it is, and refused as such."""
    hosts = {PRIVATE: None}
    for address in FORBIDDEN_V4:
        hosts.update(dict.fromkeys(ipv4_spellings(address)))
    for address in ("127.0.0.1", "169.254.169.254", PRIVATE, "0.0.0.0"):
        hosts.update(dict.fromkeys(carriers(address)))
    for address in FORBIDDEN_V6:
        hosts.update(dict.fromkeys(ipv6_spellings(address)))
    for host in hosts:
        batch.add(host, f"http://{host}/")
    assert len(hosts) > 400
    start_far_worker()
    check_untouched(world, batch, ("dead blocked", "dead bad-url"))
    # libcurl from 8 on reads 0X as the beginning of a name: not as we do, so it is not used.
    refused_as_names = wrong(batch.outcomes(), ("dead blocked",))
    assert [host for host in refused_as_names if not host.startswith("0X")] == []


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_urls_that_hide_where_they_lead_to(batch, world, start_far_worker, names, locale):
    names.set("good.example", Records(a=(GOOD_V4,)))
    for address in ("127.0.0.1", "169.254.169.254"):
        for host in percent_spellings(address) + unicode_spellings(address):
            batch.add(f"{host} ({address})", f"http://{host}/")
    for text in CONFUSING_URLS:
        batch.add(text, text.format(host="good.example") % {"bad": "127.0.0.1"})
    start_far_worker(env={"LC_ALL": locale, "LANG": locale})
    check_untouched(world, batch, ("dead blocked", "dead bad-url", "dead bad-hook", "retry dns"))
    as_names = [text for text, end in batch.outcomes().items() if end == "retry dns"]
    assert all("localhost" in text.lower() for text in as_names), as_names


def test_ports_where_others_listen(batch, world, start_far_worker):
    """A public address too is reached only where a web server may be."""
    for port in (1, 21, 22, 23, 25, 53, 79, 81, 110, 143, 389, 442, 444, 445, 465, 587, 993, 1023):
        batch.add(str(port), f"http://{GOOD_V4}:{port}/")
    for port in (2375, 2379, 3306, 5432, 6379, 6667, 9200, 10250, 11211, 26379, 27017):
        batch.add(str(port), f"http://{GOOD_V4}:{port}/")
    start_far_worker()
    check_untouched(world, batch)


def test_our_own_addresses(batch, world, network, start_far_worker):
    """Public ones, of this machine and of the name server it asks."""
    for host in (WORKER_V4, f"[{WORKER_V6}]", NAME_SERVER):
        for port in (80, 443, 8080):
            batch.add(f"{host}:{port}", f"http://{host}:{port}/")
    start_far_worker()
    check_untouched(world, batch)


def test_an_exact_rule_opens_one_of_our_own(batch, world, start_far_worker):
    batch.add("name server", f"http://{NAME_SERVER}/")
    batch.add("another", f"http://{WORKER_V4}/")
    start_far_worker(allow_address=[f"{NAME_SERVER}/32", "93.184.0.0/16"])
    assert batch.run() == {"name server": "delivered", "another": "dead blocked"}
    assert world.attempts() == {(NAME_SERVER, 80)}


def test_a_port_scan_learns_nothing(batch, world, network, start_far_worker):
    """Open, closed, without an answer, without a route, ours: one answer, and nobody is asked."""
    network.world.run("ip route add blackhole 10.0.0.2/32")  # no answer
    network.worker.run("ip route add unreachable 10.0.0.3/32")
    network.worker.run("ip route add blackhole 10.0.0.4/32")
    try:
        for port in (80, 443, 8080, 9090):  # listening on both sides, on one, and on none
            for host in (PRIVATE, "10.0.0.2", "10.0.0.3", "10.0.0.4", "127.0.0.1", WORKER_V4,
                         "[::1]", f"[{WORKER_V6}]", NAME_SERVER):  # fmt: skip
                batch.add(f"{host}:{port}", f"http://{host}:{port}/")
        start_far_worker()
        check_untouched(world, batch)
    finally:
        network.world.run("ip route del blackhole 10.0.0.2/32")
        network.worker.run("ip route del unreachable 10.0.0.3/32")
        network.worker.run("ip route del blackhole 10.0.0.4/32")
    differs = ("id", "room", "url", "event_id", "json", "worker")
    letters = [
        {name: value for name, value in letter.items()
         if name not in differs and not name.endswith("_at")}
        for letter in batch.letters().values()
    ]  # fmt: skip
    assert len(letters) == 36
    assert all(letter == letters[0] for letter in letters), letters
    assert letters[0] == {
        "reason": "blocked", "error": "the address is not allowed", "attempts": "1", "hook": "main"
    }  # fmt: skip


# names


def test_names_of_forbidden_addresses(batch, world, names, start_far_worker):
    for address in FORBIDDEN_V4:
        names.set(f"a-{address}.example", Records(a=(address,)))
        names.set(f"mapped-{address}.example", Records(aaaa=(f"::ffff:{address}",)))
        batch.add(f"a-{address}", f"http://a-{address}.example/")
        batch.add(f"mapped-{address}", f"http://mapped-{address}.example/")
    for n, address in enumerate(FORBIDDEN_V6):
        names.set(f"aaaa-{n}.example", Records(aaaa=(address,)))
        batch.add(f"aaaa-{address}", f"http://aaaa-{n}.example/")
    names.set("alias.example", Records(a=(PRIVATE,), cname="internal.example"))
    names.set("mine.example", Records(a=(WORKER_V4,), aaaa=(WORKER_V6,)))
    batch.add("cname", "http://alias.example/")
    batch.add("own", "http://mine.example/")
    start_far_worker()
    check_untouched(world, batch, ("retry dns",))


def test_names_inside_look_like_names_that_do_not_exist(batch, world, redis, names,
                                                        start_far_worker):
    """Whether a name is known inside, where it leads to, and what listens there: all the same."""
    names.set("inside.example", Records(a=(PRIVATE,)))
    names.set("ours.example", Records(a=("127.0.0.1",), aaaa=("::1",)))
    names.set("broken.example", Failure())
    hosts = ("inside.example", "ours.example", "broken.example", "nobody.example",
             "inside.example:22", "nobody.example:22", "localhost")  # fmt: skip
    for host in hosts:
        batch.add(host, f"http://{host}/")
    worker = start_far_worker()
    check_untouched(world, batch, ("retry dns",))
    own = ("lane", "due_at", "first_attempt_at", "last_attempt_at", "document")
    seen = [{n: v for n, v in batch.record(host).items() if n not in own} for host in hosts]
    assert all(one == seen[0] for one in seen), seen
    assert seen[0]["error"] == "dns: the name leads to no address that webhooks may reach"
    wait_until(lambda: redis.hlen(key("hooks-state")) == len(hosts), 10, "the hooks' states")
    states = [json.loads(state) for state in redis.hvals(key("hooks-state"))]
    assert len({(one["failures"], one["error"]) for one in states}) == 1, states
    # Operators are told which is which.
    assert "10.0.0.1" in worker.wait_log("blocked", host="inside.example")["why"]
    assert not worker.logged("blocked", host="nobody.example")


MIXED = {
    "public first": Records(a=(PUBLIC_NEAR, PRIVATE)),
    "private first": Records(a=(PRIVATE, PUBLIC_FAR)),
    "loopback and public": Records(a=("127.0.0.1", PUBLIC_NEAR)),
    "metadata between": Records(a=(PUBLIC_NEAR, "169.254.169.254", PUBLIC_FAR)),
    "any": Records(a=(PUBLIC_FAR, "0.0.0.0")),
    "loopback v6": Records(a=(PUBLIC_NEAR,), aaaa=("::1",)),
    "mapped": Records(a=(PUBLIC_NEAR,), aaaa=("::ffff:10.0.0.1",)),
    "metadata v6": Records(a=(PUBLIC_NEAR,), aaaa=("fd00:ec2::254",)),
    "public v6, private": Records(a=(PRIVATE,), aaaa=(GOOD_V6,)),
    "both of both": Records(a=(PRIVATE, PUBLIC_FAR), aaaa=("fc00::1", GOOD_V6)),
    "own": Records(a=(WORKER_V4, PUBLIC_NEAR)),
    "slow half": Records(a=(PRIVATE,), aaaa=(GOOD_V6,), delay=0.3),
}


def test_mixed_answers(batch, world, names, start_far_worker):
    """Only allowed addresses are tried, and none any more once one was refused."""
    for n, (name, records) in enumerate(MIXED.items()):
        names.set(f"mixed-{n}.example", records)
        batch.add(name, f"http://mixed-{n}.example/")
    start_far_worker()
    outcomes = batch.run()
    assert wrong(outcomes, ("retry dns", "delivered")) == {}
    assert world.attempts() <= PUBLIC
    for name in ("private first", "loopback v6", "own"):
        assert outcomes[name] == "retry dns", name
    assert outcomes["public first"] == "delivered"


def test_after_a_refused_address_no_other_is_tried(batch, world, names, start_far_worker):
    names.set("private-first.example", Records(a=(PRIVATE, PUBLIC_FAR)))
    batch.add("private first", "http://private-first.example/")
    start_far_worker()
    check_untouched(world, batch, ("retry dns",))


def test_a_name_that_moves_to_a_forbidden_address(batch, world, names, start_far_worker):
    """Looked up anew for each port; the second answer is another one, as a rebinding one is."""
    moves = {"127.0.0.1": "loopback", PRIVATE: "private", "169.254.169.254": "metadata"}
    for address, name in moves.items():
        names.set(f"{name}.example", Records(a=(GOOD_V4,)), Records(a=(address,)))
        batch.add(f"{name}, at first", f"http://{name}.example/")
    start_far_worker()
    assert set(batch.run().values()) == {"delivered"}
    for name in moves.values():
        assert names.asked(f"{name}.example") == 1
        batch.add(f"{name}, then", f"http://{name}.example:8080/")
    assert wrong(batch.run(), ("retry dns", "delivered")) == {}
    for name in moves.values():
        assert names.asked(f"{name}.example") == 2
        assert batch.outcomes()[f"{name}, then"] == "retry dns"
    assert world.attempts() == {(GOOD_V4, 80)}


def test_a_name_of_many_addresses(batch, world, names, network, start_far_worker):
    """Asked for by TCP, for they do not fit into a datagram. Not all of them are tried."""
    many = tuple(f"93.184.{217 + n // 100}.{1 + n % 100}" for n in range(200))
    names.set("many.example", Records(a=many))
    names.set("cut.example", Records(a=(GOOD_V4,), truncated=True))
    names.set("last-private.example", Records(a=many + (PRIVATE,)))
    batch.add("many", "http://many.example/")
    batch.add("cut", "http://cut.example/")
    start_far_worker(connect_timeout="1s", timeout="2s")
    assert batch.run() == {"many": "delivered", "cut": "delivered"}
    assert names.asked_by_tcp("many.example") >= 1
    assert names.asked_by_tcp("cut.example") >= 1
    # Nobody listens there, so that one after the other would be tried. libcurl 7.88 takes its time
    # between two, so the deadline may come first.
    batch.add("closed", "http://many.example:8080/")
    batch.add("closed, the last private", "http://last-private.example:8081/")
    for name, outcome in batch.run().items():
        assert outcome == "delivered" or name.startswith("closed"), name
        assert outcome in ("delivered", "retry connect", "retry timeout", "retry dns"), name
    for port in (8080, 8081):
        tried = [address for address, its_port in world.attempts() if its_port == port]
        assert 2 <= len(tried) <= 8
        assert PRIVATE not in tried


# what receivers say


def test_redirects_are_not_followed(batch, world, start_far_worker):
    targets = (
        "http://169.254.169.254/latest/meta-data/", "http://127.0.0.1/", f"http://{PRIVATE}/",
        "http://[::1]/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "//127.0.0.1/",
        "/again", f"http://{GOOD_V4}/elsewhere", f"https://{GOOD_V4}/elsewhere", "",
    )  # fmt: skip
    for n, target in enumerate(targets):
        for status in (201, 300, 301, 302, 303, 304, 305, 307, 308):
            headers = (("Location", target), ("Refresh", f"0; url={target}"))
            world.script(f"/{status}/{n}", Answer(status, headers))
            batch.add(f"{status} {target}", f"http://{GOOD_V4}/{status}/{n}")
    start_far_worker()
    outcomes = batch.run(20)
    expected = {
        name: "delivered" if name.startswith("201") else "retry " + name.partition(" ")[0]
        for name in outcomes
    }
    assert outcomes == expected
    assert world.attempts() == {(GOOD_V4, 80)}
    assert len(world.requests()) == len(outcomes)


def test_an_address_becomes_our_own(batch, world, network, start_far_worker):
    batch.add("before", f"http://{GOOD_V4}/")
    start_far_worker()
    assert batch.run() == {"before": "delivered"}
    network.worker.run(f"ip address add {GOOD_V4}/32 dev w0")
    try:
        batch.add("then", f"http://{GOOD_V4}/")
        assert batch.run()["then"] == "dead blocked"
    finally:
        network.worker.run(f"ip address delete {GOOD_V4}/32 dev w0")
    batch.add("after", f"http://{GOOD_V4}/")
    assert batch.run()["after"] == "delivered"
    assert world.attempts() == {(GOOD_V4, 80)}


def test_a_kept_connection_is_judged_again(batch, world, network, start_far_worker):
    """The receiver becomes a name server of ours while a connection to it is kept."""
    batch.add("before", f"http://{GOOD_V4}/")
    start_far_worker()
    assert batch.run() == {"before": "delivered"}
    assert world.open_connections == 1
    network.set_name_server(NAME_SERVER, GOOD_V4)
    try:
        network.worker.run("ip address add 93.184.214.9/32 dev w0")  # has it look again
        network.worker.run("ip address delete 93.184.214.9/32 dev w0")
        batch.add("then", f"http://{GOOD_V4}/")
        assert batch.run()["then"] == "dead blocked"
    finally:
        network.set_name_server(NAME_SERVER)
    assert len(world.requests()) == 1


def test_names_nobody_knows(batch, world, names, start_far_worker):
    names.set("broken.example", Failure())
    names.set("loop.example", Records(cname="loop.example"))
    names.set("empty.example", Records())
    for name in ("nobody", "broken", "loop", "empty"):
        batch.add(name, f"http://{name}.example/")
    start_far_worker()
    assert set(batch.run(20).values()) == {"retry dns"}
    assert world.attempts() == set()
