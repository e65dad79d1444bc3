"""A queue of contract 1 becomes one of contract 2: what waits there is converted, once."""

import json

import pytest

from lane_invariants import check_invariants
from wait import wait_until
from webhook_queue import (
    GROUP,
    add_waiting_old,
    assert_queue_empty,
    dead_letters,
    due_ms,
    enqueue,
    gate_of,
    heartbeats,
    hook_states,
    key,
    lane_key,
    message_event,
    now_ms,
    records,
    set_hook,
    wait_dead,
    wait_stat,
)

DAY_MS = 86400000
PRINT = "0123abcd"
OLD_HEARTBEAT = '{"host":"vm","pid":4711,"version":"0.1.0","in_flight":0}'


class OldWorker:
    """What a worker of contract 1 has in Redis."""

    def __init__(self, redis, name="vm-4711-0123abcd", ttl_ms=60000):
        self.redis, self.name = redis, name
        redis.hset(key("meta"), "contract", "1")
        if not redis.exists(key("events")):
            redis.xgroup_create(key("events"), GROUP, "0", mkstream=True)
        redis.xgroup_createconsumer(key("events"), GROUP, name)
        self.beat(ttl_ms)

    def beat(self, ttl_ms):
        self.redis.set(key(f"worker:{self.name}"), OLD_HEARTBEAT, px=ttl_ms)

    def stop(self):
        self.redis.delete(key(f"worker:{self.name}"))


def make_old(redis):
    redis.hset(key("meta"), "contract", "1")


def stream_id(redis, seq=0):
    return f"{now_ms(redis) - 5000}-{seq}"


def meta(redis):
    return {k.decode(): v.decode() for k, v in redis.hgetall(key("meta")).items()}


def wait_converted(redis):
    wait_until(lambda: meta(redis).get("contract") == "2" and "converting" not in meta(redis), 10,
               lambda: f"a converted queue; meta is {meta(redis)}")


def test_it_waits_for_workers_of_contract_1(redis, receiver, start_worker):
    old = OldWorker(redis)
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    add_waiting_old(redis, stream_id(redis), attempts=1)
    enqueue(redis, message_event())
    worker = start_worker(wait_ready=False)
    waits = worker.wait_log("waits_for_contract_1", worker=old.name, workers=1)
    assert waits["do"]
    wait_until(lambda: len(heartbeats(redis)) == 2, 5, lambda: "a heartbeat of ours")
    before = redis.info("commandstats")["cmdstat_xinfo|consumers"]["calls"]
    wait_until(lambda: redis.info("commandstats")["cmdstat_xinfo|consumers"]["calls"] > before + 1,
               10, lambda: "it asks again")
    assert meta(redis) == {"contract": "1"}
    assert redis.zcard(key("retries")) == 1 and not receiver.requests()
    assert len(worker.logged("waits_for_contract_1")) == 1
    old.stop()
    receiver.wait_for(2, timeout=10)
    assert_queue_empty(redis)
    assert meta(redis)["contract"] == "2" and "converting" not in meta(redis)


def test_a_pool_upgrades_once(redis, receiver, start_worker):
    """All of its workers wait, and one converts."""
    old = OldWorker(redis)
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    for seq in range(300):
        add_waiting_old(redis, stream_id(redis, seq), attempts=1)
    enqueue(redis, message_event())
    pool = start_worker(processes=3, wait_ready=False, heartbeat_ttl="3s")
    wait_until(lambda: len({line["process"] for line in pool.logged("waits_for_contract_1")}) == 3,
               10, pool.log)
    assert meta(redis) == {"contract": "1"} and not receiver.requests()
    old.stop()
    receiver.wait_for(301, timeout=20)
    assert_queue_empty(redis)
    wait_converted(redis)
    wait_stat(redis, "converted", 300)
    wait_stat(redis, "delivered", 301)
    assert len(receiver.requests()) == 301
    check_invariants(redis)


def test_it_stops_while_it_waits(redis, start_worker):
    OldWorker(redis)
    worker = start_worker(wait_ready=False)
    worker.wait_log("waits_for_contract_1")
    assert worker.terminate() == 0
    assert meta(redis) == {"contract": "1"}


def test_what_waits_is_delivered(redis, receiver, start_worker):
    """Due now: delivered. Later: in its lane at its time. Untried: at the place of its event."""
    make_old(redis)
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    set_hook(redis, 438, "later", url=receiver.url("/later"))
    add_waiting_old(redis, stream_id(redis, 1), attempts=2, event_id="e1", status=503,
                    error="answered 503", first_attempt_at=1, last_attempt_at=2)
    add_waiting_old(redis, stream_id(redis, 2), due_in_ms=DAY_MS)  # deferred, never tried
    later = stream_id(redis, 3)
    add_waiting_old(redis, later, hook="later", attempts=3, claims=2, due_in_ms=DAY_MS,
                    error="timeout", status=0, deferrals=4)
    due = int(redis.zscore(key("retries"), f"{later}/later"))
    worker = start_worker()
    first, _ = sorted(receiver.wait_for(2), key=lambda one: one.header("webhook-id") != "e1")
    assert first.header("webhook-id") == "e1"
    wait_until(lambda: len(records(redis)) == 1, 5, lambda: f"one record: {records(redis)}")
    ((identity, record),) = records(redis).items()
    assert identity == f"{later.split('-')[0]}-000003/later"
    assert (record["lane"], record["attempts"], record["claims"]) == ("438/later", 3, 2)
    assert record["due_at"] == due_ms(redis, identity) == due
    assert json.loads(record["document"]) == message_event()
    assert not redis.exists(key("retries"))
    wait_stat(redis, "converted", 3)
    worker.wait_log("converted", deliveries=3, held=0)
    check_invariants(redis)


def test_many(redis, receiver, start_worker):
    """More than a page, for more hooks than one, large documents stored once an event."""
    make_old(redis)
    big = json.dumps(message_event(text="x" * 5000))
    for hook in ("a", "b", "c"):
        set_hook(redis, 438, hook, url=receiver.url(f"/{hook}"))
    with redis.pipeline() as pipeline:
        for number in range(150):
            for hook in ("a", "b", "c"):
                identity = f"1767548137257-{number}/{hook}"
                line = json.dumps({"room": 438, "hook": hook, "attempts": 1, "encoding": "json"})
                pipeline.hset(key("deliveries"), identity, f"- 0\n{line}\n{big}")
                pipeline.zadd(key("retries"), {identity: now_ms(redis) + DAY_MS})
        pipeline.execute()
    start_worker()
    wait_converted(redis)
    assert len(records(redis)) == 450 and redis.hlen(key("documents")) == 150
    assert redis.zcard(lane_key("438/a")) == 150
    check_invariants(redis)


def test_inline_hooks_get_lanes_of_their_own(redis, receiver, start_worker):
    make_old(redis)
    urls = [receiver.url(f"/{name}") for name in ("one", "two")]
    document = json.dumps({**message_event(), "webhooks": [{"url": url} for url in urls]})
    event = stream_id(redis)
    for number, due in enumerate((DAY_MS, 0)):
        add_waiting_old(redis, event, hook=f"inline-{number}", attempts=1,
                        due_in_ms=due, document=document)
    start_worker()
    (request,) = receiver.wait_for(1)
    assert request.path == "/two"
    wait_until(lambda: len(records(redis)) == 1, 5, lambda: f"one record: {records(redis)}")
    ((identity, record),) = records(redis).items()
    assert identity == f"{event.split('-')[0]}-000000/inline-0"
    assert record["lane"].startswith("438/:") and len(record["lane"]) == len("438/:") + 16
    check_invariants(redis)


def test_states_get_their_new_keys(redis, receiver, start_worker):
    """An open hook stays open, a paused one paused, also of a hook that came with its event."""
    make_old(redis)
    now = now_ms(redis)
    inline = "438/:0123abcd89abcdef"
    redis.hset(key("hooks-state"), mapping={
        f"438/open/{PRINT}": json.dumps({"opens": 2, "probe_at": now + 60000, "failures": 9,
                                         "failing_since": now - 9000, "at": now}),
        "438/paused/ffff0000": json.dumps({"until": now + 60000, "at": now - 10}),
        f"438/paused/{PRINT}": json.dumps({"until": now + 90000, "at": now}),
        inline: json.dumps({"until": now + 60000, "reason": "retry-after", "at": now}),
    })
    redis.hset(key("hooks-pace"), f"438/rate/{PRINT}", (now + 30000) * 1000)
    start_worker()
    wait_converted(redis)
    states = hook_states(redis)
    assert set(states) == {"438/open", "438/paused", inline}
    assert states["438/open"]["fingerprint"] == PRINT and states["438/open"]["opens"] == 2
    assert gate_of(redis, "438/open") == (now + 60000, "open", PRINT)
    assert gate_of(redis, "438/paused") == (now + 90000, "paused", PRINT)
    assert gate_of(redis, "438/rate") == (now + 30000, "rate", PRINT)
    assert gate_of(redis, inline) == (now + 60000, "paused", inline[5:13])
    assert not redis.exists(key("hooks-pace"))


UNREADABLE = {
    "empty": b"",
    "no line": b"no line at all",
    "no second line": b"- 0\n",
    "no JSON": b"- 0\n{\n{}",
    "another hook": b'- 0\n{"room":438,"hook":"b","encoding":"json"}\n{}',
    "no room": b'- 0\n{"hook":"main","encoding":"json"}\n{}',
    "long": b"- 0\n" + b"x" * 100000,
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_a_dead_letter(redis, receiver, start_worker, name):
    make_old(redis)
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    good = add_waiting_old(redis, stream_id(redis), attempts=1)
    redis.hset(key("deliveries"), "1667548137257-0/main", UNREADABLE[name])
    redis.zadd(key("retries"), {"1667548137257-0/main": now_ms(redis) + DAY_MS})
    worker = start_worker()
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["hook"]) == ("malformed", "main")
    assert letter.get("record", b"") == UNREADABLE[name][:4096]
    worker.wait_log("record_unreadable", delivery="1667548137257-0/main")
    receiver.wait_for(1)
    assert_queue_empty(redis)
    assert good and not redis.exists(key("retries"))
    check_invariants(redis)


def test_what_is_no_record_is_dropped(redis, start_worker):
    make_old(redis)
    redis.zadd(key("retries"), {"1667548137257-0/main": 0, "nothing": 5, "1-1/inline-0": 7})
    start_worker()
    wait_converted(redis)
    assert not redis.exists(key("retries")) and not dead_letters(redis)


def test_a_worker_of_contract_1_comes_back(redis, receiver, start_worker):
    """It was stopped, holds a lease and an entry, and puts off what it had taken."""
    old = OldWorker(redis)
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    held = add_waiting_old(redis, stream_id(redis), fence=f"{old.name}:1", attempts=1,
                           due_in_ms=60000)
    old.stop()
    start_worker(heartbeat_ttl="3s")
    wait_converted(redis)
    assert redis.zscore(key("retries"), held)  # its lease has not run out
    assert not receiver.requests()
    old.beat(60000)
    redis.hset(key("deliveries"), held, redis.hget(key("deliveries"), held).replace(
        f"{old.name}:1 0".encode(), b"- 0"))
    redis.zadd(key("retries"), {held: now_ms(redis)})  # it gives it back
    late = add_waiting_old(redis, stream_id(redis, 9), attempts=1)
    requests = receiver.wait_for(2, timeout=15)
    assert len({one.header("webhook-id") for one in requests}) == 2
    assert_queue_empty(redis)
    assert late and not redis.exists(key("retries"))
    wait_stat(redis, "converted", 2)


def test_a_lease_that_ran_out_is_counted(redis, receiver, start_worker):
    """As one that a worker of today did not survive."""
    make_old(redis)
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    add_waiting_old(redis, stream_id(redis), fence="vm-1-00000000:3", claims=50, attempts=1,
                    due_in_ms=-1)
    start_worker()
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "poison"
    assert_queue_empty(redis)


def test_a_crash_in_between_is_continued(redis, receiver, start_worker):
    """A worker died before all was converted; the next ones go on, and nothing comes twice."""
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    for number in range(30):
        add_waiting_old(redis, stream_id(redis, number), attempts=1, event_id=f"e{number}")
    redis.hset(key("meta"), mapping={"contract": "2", "converting": 1})
    start_worker()
    start_worker()
    receiver.wait_for(30, timeout=15)
    assert_queue_empty(redis)
    ids = [one.header("webhook-id") for one in receiver.requests()]
    assert sorted(ids) == sorted(f"e{number}" for number in range(30))
    assert "converting" not in meta(redis)


def test_a_worker_that_is_killed_while_it_converts(redis, start_worker):
    """The next converts the rest: each delivery is in its lane once."""
    make_old(redis)
    many, now = 30000, now_ms(redis)
    line = json.dumps({"room": 438, "hook": "main", "attempts": 1, "encoding": "json"})
    with redis.pipeline() as pipeline:
        for number in range(many):
            identity = f"{now}-{number}/main"
            pipeline.hset(key("deliveries"), identity, f"- 0\n{line}\n{{}}")
            pipeline.zadd(key("retries"), {identity: now + DAY_MS})
        pipeline.execute()
    first = start_worker(heartbeat_ttl="3s", wait_ready=False)
    wait_until(lambda: redis.zcard(key("retries")) < many, 10, lambda: "a page that is converted")
    first.kill()
    assert redis.zcard(key("retries")) > 0 and meta(redis)["converting"] == "1"
    set_hook(redis, 438, "main", url="http://127.0.0.1:9/")
    start_worker(heartbeat_ttl="3s", wait_ready=False)
    wait_until(lambda: "converting" not in meta(redis), 30, lambda: "a converted queue")
    assert redis.zcard(lane_key("438/main")) == redis.hlen(key("deliveries")) == many
    assert not redis.exists(key("retries"))
    check_invariants(redis)


def test_only_the_leader_converts(redis, receiver, start_worker):
    """The other delivers nothing before that, and goes on when the leader is gone."""
    redis.hset(key("meta"), mapping={"contract": "2", "converting": 1})
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    add_waiting_old(redis, stream_id(redis), attempts=1)
    enqueue(redis, message_event())
    redis.set(key("leader"), "somebody", px=3000)
    worker = start_worker(heartbeat_ttl="3s", wait_ready=False)
    wait_until(lambda: worker.consumers(redis), 5, lambda: "its heartbeat")
    before = redis.info("commandstats").get("cmdstat_eval", {}).get("calls", 0)
    wait_until(lambda: redis.info("commandstats")["cmdstat_eval"]["calls"] > before + 3, 5,
               lambda: "it asks whether it is over")
    assert redis.zcard(key("retries")) == 1 and not receiver.requests()
    receiver.wait_for(2, timeout=10)
    assert_queue_empty(redis)


def test_another_contract_is_refused(redis, start_worker):
    redis.hset(key("meta"), "contract", "3")
    worker = start_worker(wait_ready=False)
    worker.expected_exit = 1
    worker.wait(10)
    worker.wait_log("refused")


def test_pages_are_refused_for_a_while(own_redis, receiver, start_worker):
    """A full Redis: conversion is allowed to use more memory, as all of a worker's scripts are."""
    server = own_redis()
    with server.client() as redis:
        make_old(redis)
        set_hook(redis, 438, "main", url=receiver.url("/good"))
        add_waiting_old(redis, stream_id(redis), attempts=1)
        redis.config_set("maxmemory", 1)
        start_worker(redis=server)
        receiver.wait_for(1)
        assert_queue_empty(redis)


