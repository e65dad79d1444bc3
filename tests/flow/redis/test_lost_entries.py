"""What somebody deletes from the stream is noticed and counted; what a worker forgets is found."""

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    GROUP,
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    pending,
    set_hook,
    stats,
    wait_stat,
)

TTL_S = 3
LOOK_S = TTL_S + 5  # a new leader looks so long after it has connected
FORGOTTEN_MS = 11 * 60 * 1000
OTHER = "other-1-00000000"


def run_until_looked(start_worker, redis):
    """A worker that becomes leader, looks, and leaves."""
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    wait_until(lambda: redis.hexists(key("meta"), "missing"), LOOK_S, "the leader's look")
    assert worker.terminate() == 0


def read_as_other(redis, n):
    ((_, entries),) = redis.xreadgroup(GROUP, OTHER, {key("events"): ">"}, count=n)
    return [entry_id.decode() for entry_id, _ in entries]


def test_unread_entries_that_are_trimmed(redis, receiver, start_worker):
    """A producer that uses MAXLEN while no worker runs."""
    set_hook(redis, 438, "main", url=receiver.url())
    run_until_looked(start_worker, redis)
    for n in range(20):
        enqueue(redis, message_event(), id=f"event-{n}")
    redis.xtrim(key("events"), maxlen=5, approximate=False)
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    receiver.wait_for(5)
    wait_stat(redis, "gone", 15, timeout=LOOK_S)
    assert [line["entries"] for line in worker.logged("entries_gone")] == ["15"]
    assert_queue_empty(redis)


def test_nothing_is_missed_that_workers_removed(redis, receiver, start_worker):
    """Delivered, retried, dead, too large, without a hook: all of it adds up."""
    receiver.script("/", [Answer(503), Answer(200)])
    receiver.script("/bad", [Answer(400)])
    set_hook(redis, 1, "main", url=receiver.url())
    set_hook(redis, 1, "also", url=receiver.url("/bad"))
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s", max_event_bytes="1k", retry_schedule="100ms")
    for n in range(10):
        enqueue(redis, message_event(room=n % 3))
    enqueue(redis, message_event(text="x" * 4000))
    redis.xadd(key("events"), {"json": "{"})
    wait_until(lambda: len(dead_letters(redis)) == 3 + 2, 10, "the dead letters")
    assert_queue_empty(redis)
    stream = redis.xinfo_stream(key("events"))
    assert stream["entries-added"] == int(redis.hget(key("meta"), "removed")) == 12
    wait_until(lambda: redis.hget(key("meta"), "missing") == b"0", LOOK_S, "the leader's look")
    assert worker.terminate() == 0
    run_until_looked(start_worker, redis)
    assert "gone" not in stats(redis) and "lost" not in stats(redis)


def test_a_stream_that_is_made_anew_is_no_loss(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    for _ in range(5):
        enqueue(redis, message_event())
    receiver.wait_for(5)
    assert_queue_empty(redis)
    redis.delete(key("events"))
    start_worker(heartbeat_ttl=f"{TTL_S}s")
    enqueue(redis, message_event())
    receiver.wait_for(6)
    assert_queue_empty(redis)
    assert "gone" not in stats(redis)


def test_a_dead_workers_entries_that_were_deleted(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    redis.xgroup_create(key("events"), GROUP, id="0", mkstream=True)
    for n in range(4):
        enqueue(redis, message_event(), id=f"event-{n}")
    ids = read_as_other(redis, 4)
    redis.xdel(key("events"), *ids[:3])
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    receiver.wait_for(1, timeout=LOOK_S)
    wait_stat(redis, "lost", 3)
    wait_stat(redis, "reaped", 1)
    assert [line["entries"] for line in worker.logged("entries_lost")] == ["3"]
    assert_queue_empty(redis)


def test_entries_that_a_living_worker_forgot(redis, receiver, start_worker):
    """Its heartbeat is there, but it does nothing about them: the leader takes them over."""
    set_hook(redis, 438, "main", url=receiver.url())
    redis.xgroup_create(key("events"), GROUP, id="0", mkstream=True)
    redis.set(key(f"worker:{OTHER}"), "{}", px=60000)
    for n in range(4):
        enqueue(redis, message_event(), id=f"event-{n}")
    ids = read_as_other(redis, 4)
    redis.xclaim(key("events"), GROUP, OTHER, 0, ids[:3], idle=FORGOTTEN_MS, justid=True)
    redis.xdel(key("events"), ids[0])
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    receiver.wait_for(2, timeout=LOOK_S)
    wait_stat(redis, "swept", 2)
    wait_stat(redis, "lost", 1)
    assert worker.logged("swept", entries=2)
    assert pending(redis) == 1, "what is not old stays with its worker"
    assert sorted(r.header("webhook-id") for r in receiver.requests()) == ["event-1", "event-2"]
