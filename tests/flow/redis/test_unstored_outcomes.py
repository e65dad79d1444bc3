"""An outcome that Redis refuses is kept until it is stored; nothing is POSTed again meanwhile."""

import collections
import signal

import pytest

from receiver import Answer
from wait import stays_true, wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    pending,
    set_hook,
    stats,
)
from worker_process import wait_exit

EVENTS = 4  # of a hook in a row may fail without opening it
AGAIN_S = 10  # what was refused is sent again after at most 7.5 s
WORKER = ("on", ">secret", "~{webhooks}:*", "+@all")


@pytest.fixture
def limited(own_redis):
    """A server with a user for the worker: (RedisServer, client, URL, allow("-xack"))."""
    server = own_redis()
    client = server.client()

    def allow(*rights):
        client.execute_command("ACL", "SETUSER", "worker", *rights)

    allow("reset", *WORKER)
    return server, client, server.url.replace("redis://", "redis://worker:secret@"), allow


def times(receiver):
    return collections.Counter(r.header("webhook-id") for r in receiver.requests())


def enqueue_some(client, prefix, room):
    for n in range(EVENTS):
        enqueue(client, message_event(room=room), id=f"{prefix}-{n}")


def at_second_attempt(request):
    is_first = request.header("webhook-attempt") == "1"
    return Answer(503 if is_first and request.header("webhook-id").startswith("first") else 200)


def set_hooks(client, receiver):
    """Room 1 takes each event, 2 the first ones at their second attempt, 3 none for good."""
    receiver.script("/ok", Answer(200))
    receiver.script("/later", at_second_attempt)
    receiver.script("/bad", Answer(400))
    for room, path in ((1, "/ok"), (2, "/later"), (3, "/bad")):
        set_hook(client, room, "main", url=receiver.url(path))


# What a worker without this right cannot store: (right, room of the events).
RIGHTS = [
    ("xack", 1), ("xdel", 1), ("xack", 2), ("xdel", 2), ("hset", 2), ("hdel", 2), ("zadd", 2),
    ("zrem", 2), ("xack", 3), ("xadd", 3), ("xdel", 3), ("hincrby", 3),
]  # fmt: skip


@pytest.mark.parametrize("right, room", RIGHTS)
def test_a_right_is_missing(limited, receiver, start_worker, right, room):
    _, client, url, allow = limited
    set_hooks(client, receiver)
    allow(f"-{right}")
    worker = start_worker(redis=url, retry_schedule="200ms")
    enqueue_some(client, "first", room)
    line = worker.wait_log("outcomes_refused")
    assert line["fault"] == "noperm" and "operations.md" in line["do"]
    assert right.upper() in line["error"], "it names the right"
    wait_until(lambda: all("b" not in one["flags"] for one in client.client_list()), 5,
               "the blocking read to end")  # fmt: skip
    enqueue_some(client, "later", room)
    receiver.wait_for(1)
    stays_true(lambda: max(times(receiver).values()) == 1, 3.0, "no event is POSTed again")
    assert dead_letters(client) == []
    seen = len(receiver.requests())
    assert seen <= EVENTS, "nothing more is read"
    assert 0 < pending(client) <= EVENTS
    assert len(worker.logged("outcomes_refused")) == 1

    allow("+@all")
    receiver.wait_for(2 * EVENTS + (EVENTS if room == 2 else 0), timeout=AGAIN_S)
    assert_queue_empty(client, timeout=AGAIN_S)
    for event_id, attempts in times(receiver).items():
        assert attempts == (2 if room == 2 and event_id.startswith("first") else 1), event_id
    assert len(dead_letters(client)) == (2 * EVENTS if room == 3 else 0)
    assert worker.wait_log("outcomes_stored")
    assert worker.terminate() == 0


def test_no_replica_follows(own_redis, receiver, start_worker):
    """min-replicas-to-write: no write is taken. Workers with first outcomes and with a retry."""
    server = own_redis()
    client = server.client()
    receiver.script("/ok", Answer(200, delay=1.0))
    receiver.script("/later", [Answer(503), Answer(200, delay=1.0)])
    set_hook(client, 1, "main", url=receiver.url("/ok"))
    set_hook(client, 2, "main", url=receiver.url("/later"))
    settings = {"heartbeat_ttl": "3s", "retry_schedule": "100ms,100ms", "timeout": "2s"}
    workers = [start_worker(redis=server, **settings) for _ in range(4)]
    enqueue(client, message_event(room=2), id="retried")
    receiver.wait_for(2, "/later")
    enqueue_some(client, "first", 1)
    receiver.wait_for(EVENTS, "/ok")
    client.config_set("min-replicas-to-write", 1)
    wait_until(lambda: any(w.logged("outcomes_refused", fault="noreplicas") for w in workers), 5,
               "an outcome that is refused")  # fmt: skip
    stays_true(lambda: len(receiver.requests()) == EVENTS + 2, 9.0, "leases and heartbeats run out")
    client.config_set("min-replicas-to-write", 0)
    enqueue(client, message_event(room=1), id="later")
    receiver.wait_for(EVENTS + 1, "/ok", timeout=AGAIN_S)
    assert_queue_empty(client, timeout=AGAIN_S)
    stays_true(lambda: len(receiver.requests()) == EVENTS + 3, 4.0, "nothing is taken over")
    assert max(times(receiver).values()) == 2 and times(receiver)["retried"] == 2
    assert stats(client).get("reclaimed_dead", 0) == stats(client).get("fenced", 0) == 0
    assert dead_letters(client) == []


def test_leases_are_held(limited, receiver, start_worker):
    """Another worker, whose user may do all, does not take what this one cannot store."""
    server, client, url, allow = limited
    receiver.script("/", [Answer(503), Answer(200, delay=0.5)])
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=url, retry_schedule="200ms", timeout="1s")
    enqueue(client, message_event(), id="event")
    receiver.wait_for(2)
    allow("-zrem")
    worker.wait_log("outcomes_refused", fault="noperm")
    start_worker(redis=server, retry_schedule="200ms", timeout="1s")
    stays_true(lambda: len(receiver.requests()) == 2, 8.0, "the lease of 6 s is held")
    allow("+zrem")
    assert_queue_empty(client, timeout=AGAIN_S)
    assert len(receiver.requests()) == 2
    assert stats(client).get("fenced", 0) == 0


def test_a_key_of_another_type(redis, receiver, start_worker):
    """Nothing is stored by half, so that no other worker finds a retry to attempt."""
    for hook, path in (("a", "/later"), ("b", "/bad"), ("c", "/late")):
        set_hook(redis, 438, hook, url=receiver.url(path))
    receiver.script("/bad", Answer(400))
    for path in ("/later", "/late"):
        receiver.script(path, [Answer(503), Answer(200)])
    redis.set(key("dead"), "not a stream")
    worker = start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    worker.wait_log("outcomes_refused", fault="wrongtype")
    start_worker(retry_schedule="100ms")
    stays_true(lambda: len(receiver.requests()) <= 3, 3.0, "no attempt is repeated")
    redis.delete(key("dead"))
    assert_queue_empty(redis, timeout=AGAIN_S)
    assert [len(receiver.requests(path)) for path in ("/later", "/bad", "/late")] == [2, 1, 2]
    assert len(dead_letters(redis)) == 1


def test_too_large_entries_are_buried_once(limited, receiver, start_worker):
    """Those of a dead worker: their letters are written by a script of their own."""
    _, client, url, allow = limited
    client.xgroup_create(key("events"), "workers", id="0", mkstream=True)
    enqueue(client, message_event(text="x" * 20000))
    client.xreadgroup("workers", "gone-1-00000000", {key("events"): ">"})
    allow("-xdel")
    worker = start_worker(redis=url, heartbeat_ttl="3s", max_event_bytes="8k")
    worker.wait_log("redis_error", fault="noperm")
    stays_true(lambda: dead_letters(client) == [], 2.0, "nothing is stored by half")
    allow("+xdel")
    assert_queue_empty(client, timeout=15)
    assert [letter["reason"] for letter in dead_letters(client)] == ["too-large"]


def test_the_leader_leaves_what_cannot_be_stored(redis, receiver, start_worker):
    """It takes over what was pending for very long, unless its worker says that it has outcomes."""
    set_hook(redis, 438, "main", url=receiver.url())
    redis.xgroup_create(key("events"), "workers", id="0", mkstream=True)
    for name, unstored in (("keeps", ',"unstored":1'), ("forgot", "")):
        enqueue(redis, message_event(), id=name)
        ((_, [(entry, _)]),) = redis.xreadgroup("workers", name, {key("events"): ">"}, count=1)
        redis.xclaim(key("events"), "workers", name, 0, [entry], idle=700000, justid=True)
        redis.set(key(f"worker:{name}"), '{"version":"0.1.0"%s}' % unstored, px=60000)
    start_worker(heartbeat_ttl="3s")
    receiver.wait_for(1, timeout=15)
    wait_until(lambda: stats(redis).get("reclaimed_stuck") == 1, 5, "one entry to be taken over")
    assert list(times(receiver)) == ["forgot"]
    (left,) = redis.xpending_range(key("events"), "workers", "-", "+", 10)
    assert left["consumer"] == b"keeps"


def test_a_worker_stops_with_what_it_cannot_store(limited, receiver, start_worker):
    _, client, url, allow = limited
    set_hook(client, 438, "main", url=receiver.url())
    allow("-xack")
    worker = start_worker(redis=url, drain_timeout="1s")
    enqueue(client, message_event())
    worker.wait_log("outcomes_refused")
    worker.expected_exit = 1
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 15) < 8
    line = worker.logged("drained")[0]
    assert "pending" in line["left_behind"]
    assert (line["unstored"], line["refused"]) == ("1", "noperm")
    assert len(receiver.requests()) == 1
