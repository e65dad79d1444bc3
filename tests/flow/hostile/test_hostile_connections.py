"""Connections: kept ones that were tampered with, and those that cannot be made, by whose fault."""

import asyncio
import random
import threading
from dataclasses import dataclass

import pytest

from batch import Batch
from name_server import Records
from hostile_http import ADDRESSES, NASTY, NastyHosts
from network import GOOD_V4
from receiver import Answer, Hang
from wait import wait_until
from webhook_queue import enqueue, message_event, set_hook, stats, wait_stat


@pytest.fixture(params=["http", "https"])
def hosts(request, network, names, certificates):
    with NastyHosts(network.world, names, certificates, request.param) as nasty_hosts:
        yield nasty_hosts


@pytest.fixture
def batch(redis):
    return Batch(redis)


@pytest.fixture
def start_trusting_worker(start_far_worker, certificates):
    def start(**settings):
        defaults = {"ca_file": certificates.ca, "timeout": "5s", "connect_timeout": "3s"}
        return start_far_worker(**{**defaults, **settings})

    return start


@dataclass(frozen=True)
class Poison:
    """Answers, and a moment later answers once more, unasked; then says so."""

    said: threading.Event
    before_body = False

    async def play(self, connection):
        await Answer(200).play(connection)
        await asyncio.sleep(0.05)
        await connection.send(b"HTTP/1.1 299 Poison\r\nContent-Length: 0\r\n\r\n")
        self.said.set()


@dataclass(frozen=True)
class CloseLater:
    """Answers, and closes the connection a moment later."""

    seconds_max: float
    before_body = False

    async def play(self, connection):
        await Answer(200).play(connection)
        loop = asyncio.get_running_loop()
        # At once, without the goodbyes of TLS.
        loop.call_later(random.uniform(0, self.seconds_max), connection.writer.transport.abort)


def test_an_unasked_answer_is_nobodys(batch, hosts, start_trusting_worker):
    """Bytes that wait on a kept connection are not the answer to the next request."""
    said = threading.Event()
    hosts.receiver.script("/poison", [Poison(said), Answer(503)])
    batch.add("first", hosts.url("poison"))
    start_trusting_worker()
    assert batch.run() == {"first": "delivered"}
    assert said.wait(5)
    batch.add("second", hosts.url("poison"))
    assert batch.run()["second"] == "retry 503"
    first, second = hosts.receiver.requests("/poison")
    assert first.connection != second.connection
    assert batch.record("second")["attempts"] == 1


def test_connections_of_one_local_port_are_told_apart(
    batch, hosts, network, start_trusting_worker
):
    """Two of them may have the same port here when their peers differ."""
    said = threading.Event()
    poisoned, other = ADDRESSES
    hosts.receiver.script("/poison", [Poison(said), Answer(503)])
    start_trusting_worker()
    network.worker.set("ipv4/ip_local_port_range", "50000 50000")
    try:
        batch.add("first", hosts.url("poison", host=poisoned))
        assert batch.run()["first"] == "delivered"
        hosts.receiver.script("/other", Answer(200))
        batch.add("other", hosts.url("other", host=other))
        assert batch.run()["other"] == "delivered"
    finally:
        network.worker.set("ipv4/ip_local_port_range", "32768 60999")
    assert said.wait(5)
    assert hosts.receiver.open_connections == 2
    batch.add("second", hosts.url("poison", host=poisoned))
    assert batch.run()["second"] == "retry 503"


def test_what_comes_on_a_kept_connection_is_the_receivers_doing(
    batch, hosts, start_trusting_worker
):
    """No bad URL, and no shortage of ours."""
    start_trusting_worker()
    for name in ("http-0-9", "status-line-of-200-kilobytes", "end-before-the-answer"):
        hosts.receiver.script(f"/then-{name}", [Answer(200), NASTY[name]])
        batch.add(f"first {name}", hosts.url(f"then-{name}", host=f"{name}.nasty.example"))
        assert batch.run()[f"first {name}"] == "delivered"
        batch.add(name, hosts.url(f"then-{name}", host=f"{name}.nasty.example"))
        assert batch.run()[name] == "retry broken"
        first, second, *_ = hosts.receiver.requests(f"/then-{name}")
        assert first.connection == second.connection


def test_a_connection_that_was_closed_meanwhile_costs_no_attempt(
    redis, batch, hosts, start_trusting_worker
):
    hosts.receiver.script("/later", CloseLater(0.02))
    start_trusting_worker()
    for n in range(5):
        batch.add(str(n), hosts.url("later"))
        assert batch.run()[str(n)] == "delivered"
        wait_until(lambda: hosts.receiver.open_connections == 0, 5, "the connection's end")
    assert len(hosts.receiver.requests("/later")) == 5
    wait_stat(redis, "attempts", 5)


def test_connections_that_are_closed_while_we_ask(redis, hosts, start_trusting_worker):
    """At about the same moment, and often: nothing is lost, no attempt fails."""
    count = 1000 if hosts.scheme == "http" else 200
    hosts.receiver.script("/later", CloseLater(0.005))
    for room in range(10):
        set_hook(redis, room, "main", url=hosts.url("later", host=f"h{room}.nasty.example"))
    start_trusting_worker()
    with redis.pipeline(transaction=False) as pipeline:
        for n in range(count):
            enqueue(pipeline, message_event(room=n % 10), id=f"event-{n}")
        pipeline.execute()
    wait_stat(redis, "delivered", count, timeout=20)
    ids = {request.header("webhook-id") for request in hosts.receiver.requests("/later")}
    assert ids == {f"event-{n}" for n in range(count)}
    assert stats(redis).get("retries", 0) == 0


# connections that are not made


def test_receivers_that_cannot_be_reached(batch, names, network, start_trusting_worker):
    routes = {"blackhole": "timeout", "unreachable": "connect", "prohibit": "connect"}
    for n, kind in enumerate(routes):
        address = f"93.184.219.{n + 1}"
        network.world.run(f"ip route add {kind} {address}/32")
        names.set(f"{kind}.example", Records(a=(address,)))
        batch.add(kind, f"http://{kind}.example/")
    batch.add("closed", f"http://{GOOD_V4}:8081/")
    batch.add("closed v6", "http://[2606:2800:220::1]:8081/")
    start_trusting_worker()
    assert batch.run() == {
        **{name: f"retry {kind}" for name, kind in routes.items()},
        "closed": "retry connect",
        "closed v6": "retry connect",
    }


def check_our_own_fault(redis, worker, batch, name):
    """It waits in its lane without an attempt, and the operator is told."""
    batch.send()
    record = wait_until(lambda: batch.record(name), 5, "the record")
    assert record.get("attempts", 0) == 0
    assert worker.wait_log("local_shortage")["error"].startswith("local: ")
    wait_until(lambda: stats(redis).get("local_shortages"), 5, "the counter")
    wait_until(lambda: stats(redis).get("waited"), 5, "the counter of what waits")


def test_no_local_port_left_is_our_own_fault(
    redis, batch, hosts, network, start_trusting_worker
):
    hosts.receiver.script("/busy", Hang())
    worker = start_trusting_worker(drain_timeout="100ms")
    # Not the port of a test before: the kernel keeps it from the same peer for a minute.
    network.worker.set("ipv4/ip_local_port_range", "50001 50001")
    try:
        batch.add("busy", hosts.url("busy", host=GOOD_V4))
        batch.send()
        hosts.receiver.wait_for(1, "/busy")
        batch.add("second", hosts.url("busy", host=GOOD_V4))
        check_our_own_fault(redis, worker, batch, "second")
    finally:
        network.worker.set("ipv4/ip_local_port_range", "32768 60999")


def test_no_thread_for_a_lookup_is_our_own_fault(
    redis, batch, network, names, start_worker, redis_server
):
    """Threads have stacks as large as the limit says: none has room for these."""
    names.set("some.example", Records(a=(GOOD_V4,)))
    batch.add("some", "http://some.example/")
    worker = start_worker(
        redis=redis_server.unix_url,
        wrapper=(*network.wrapper(), "prlimit", f"--stack={1 << 46}:{1 << 46}"),
        allow_address=None,
    )
    check_our_own_fault(redis, worker, batch, "some")
    assert names.asked("some.example") == 0
