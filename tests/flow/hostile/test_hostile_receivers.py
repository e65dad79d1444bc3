"""Receivers that do everything wrong, on purpose or not: each comes to what docs/protocol.md says,
within the deadline, and harms no other delivery. What they take of memory is in
test_hostile_memory.py."""

import datetime
import signal
import subprocess

import pytest

from batch import Batch, wrong
from child import end, spawn
from loop_lag import Meter
from name_server import Records
from hostile_http import LARGE, NASTY, RETRY_AFTER, TIMEOUT_S
from hostile_tls import MANY_TICKETS, TICKETS, TLS_NASTY, NastyTls
from network import GOOD_V4
from receiver import Receiver
from system_calls import SystemCalls
from wait import wait_until
from webhook_queue import due_ms, enqueue, message_event, now_ms, set_hook

GOOD = 300
# Fifty handshakes may be due in one turn of the loop, and each is some milliseconds of work; a
# receiver that stops the loop does it for seconds.
LAG_MAX_MS = 1500


@pytest.fixture
def good(redis, names, network):
    """A well-behaved receiver on port 8000, and send(): GOOD deliveries to it."""
    names.set("*.good", Records(a=(GOOD_V4,)))
    with Receiver(sock=network.world.listen(8000)) as receiver:

        def send():
            for room in range(10):
                set_hook(redis, room, "main", url=f"http://h{room % 2}.good:8000/{room}")
            with redis.pipeline(transaction=False) as pipeline:
                for n in range(GOOD):
                    enqueue(pipeline, message_event(room=n % 10))
                pipeline.execute()

        receiver.send = send
        yield receiver


def check_deadlines(worker, batch, outcomes):
    """No attempt took longer than the worker's timeout, and a little where CPUs are few."""
    ended = {line["entry"]: line["time"] for line in worker.logged("retry")}
    late = {}
    for name in (name for name, outcome in outcomes.items() if outcome.startswith("retry")):
        record = batch.record(name)
        end_s = datetime.datetime.fromisoformat(ended[batch.entry(name)]).timestamp()
        took_s = end_s - record["last_attempt_at"] / 1000
        if took_s > TIMEOUT_S + 2:
            late[name] = took_s
    assert late == {}


def run_beside_good(batch, good, redis, worker):
    """Runs a batch beside GOOD good deliveries, which must not notice, and gives the outcomes."""
    good.send()
    good.wait_for(GOOD)
    good.forget()
    with Meter(redis, worker) as meter:
        batch.send()
        good.send()
        good.wait_for(GOOD)
        outcomes = batch.run(timeout=20)
        meter.wait_beats()
    assert meter.lag_ms() <= LAG_MAX_MS
    assert len(good.requests()) == GOOD
    check_deadlines(worker, batch, outcomes)
    return outcomes


def test_all_behaviours_at_once(redis, network, nasties, good, start_tough_worker):
    batch = Batch(redis)
    behaviours = {
        name: behaviour
        for name, behaviour in NASTY.items()
        if nasties.scheme == "http" or not behaviour.plain_only
    }
    assert len(behaviours) > 100
    for name, behaviour in behaviours.items():
        batch.add(name, nasties.url(name), text=LARGE if behaviour.large else "test")
    worker = start_tough_worker()
    before = network.attempts()
    outcomes = run_beside_good(batch, good, redis, worker)
    assert wrong(outcomes, behaviours) == {}
    asked = {name: len(nasties.requests(name)) for name in behaviours}
    assert {name: n for name, n in asked.items() if n != 1} == {}, "one POST each"
    ports = {nasties.receiver.port, nasties.narrow.port, good.port}
    assert set(network.attempts() - before) == {(GOOD_V4, port) for port in ports}


def test_all_behaviours_below_http_at_once(
    redis, network, names, certificates, good, start_tough_worker
):
    with NastyTls(network.world, names, certificates) as servers:
        batch = Batch(redis)
        for name in TLS_NASTY:
            batch.add(name, servers.url(name))
        worker = start_tough_worker()
        outcomes = run_beside_good(batch, good, redis, worker)
    assert wrong(outcomes, TLS_NASTY) == {}


def test_tickets_by_the_thousand_do_not_stop_the_loop(
    redis, network, names, certificates, start_tough_worker
):
    """They come all at once, and it looks around for others after one, or a few by libcurl 8."""
    with NastyTls(network.world, names, certificates, MANY_TICKETS) as servers:
        batch = Batch(redis)
        batch.add("tickets", servers.url("tickets"))
        worker = start_tough_worker(timeout="30s")
        with SystemCalls(worker, "epoll_wait,epoll_pwait") as turns:
            assert batch.run(40) == {"tickets": "delivered"}
    assert turns.count() >= TICKETS // 4


def test_retry_after(redis, nasties, start_tough_worker):
    """Never undercut, up to a day; what cannot be understood counts for nothing."""
    batch = Batch(redis)
    for name in RETRY_AFTER:
        batch.add(name, nasties.url(f"retry-after-{name.replace('_', '-')}"))
    start_tough_worker(retry_schedule="600s", retry_jitter="0%")
    assert set(batch.run().values()) == {"retry 503"}
    for name, (_, seconds) in RETRY_AFTER.items():
        delay_s = (due_ms(redis, batch.delivery_id(name)) - now_ms(redis)) / 1000
        assert delay_s == pytest.approx(seconds or 600, abs=10), name


def test_a_receiver_that_wants_to_renegotiate(
    redis, network, names, certificates, start_tough_worker, tmp_path
):
    """It is told no, and the request goes no further; openssl(1) plays it."""
    names.set("renegotiates.good", Records(a=(GOOD_V4,)))
    certificate, key = certificates.server("renegotiates", "DNS:renegotiates.good")
    command = f"openssl s_server -tls1_2 -accept 443 -cert {certificate} -key {key}"
    log = tmp_path / "openssl"
    with open(log, "wb") as output:
        server = spawn(
            ["nsenter", f"--net={network.world.path}", *command.split()],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.DEVNULL,
        )
    try:
        wait_until(lambda: b"ACCEPT" in log.read_bytes(), 10, "openssl to listen")
        batch = Batch(redis)
        batch.add("renegotiates", "https://renegotiates.good/")
        start_tough_worker()
        batch.send()
        wait_until(lambda: b"POST / " in log.read_bytes(), 10, "the request")
        server.stdin.write(b"R\n")
        server.stdin.flush()
        assert batch.run() == {"renegotiates": "retry broken"}
    finally:
        end(server, signal.SIGKILL)
        server.stdin.close()
