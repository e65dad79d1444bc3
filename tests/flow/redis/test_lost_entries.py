"""What somebody deletes from the stream is noticed and counted; what a worker forgets is found."""

import json

import pytest

from receiver import Answer
from wait import wait_until
from waiting import put_in_lane
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
META_NUMBERS = ["removed", "missing", "added", "length", "looked_at"]


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
    wait_stat(redis, "deleted_externally", 15, timeout=LOOK_S)
    assert [line["entries"] for line in worker.logged("entries_deleted")] == ["15"]
    assert_queue_empty(redis)


def test_entries_trimmed_before_the_first_look(redis, receiver, start_worker):
    """Nobody had worked on this stream: what is not there was deleted by others."""
    for n in range(20):
        enqueue(redis, message_event(), id=f"event-{n}")
    redis.xtrim(key("events"), maxlen=5, approximate=False)
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    wait_stat(redis, "deleted_externally", 15, timeout=LOOK_S)
    assert [line["entries"] for line in worker.logged("entries_deleted")] == ["15"]
    assert_queue_empty(redis)


def work_and_keep(redis, receiver, start_worker, n, kept):
    """A worker that leads, and has seen kept events in the stream after n were delivered."""
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    for _ in range(n):
        enqueue(redis, message_event())
    receiver.wait_for(n)
    assert_queue_empty(redis)
    redis.set(key("room:439"), "no hash: its events stay pending")
    for _ in range(kept):
        enqueue(redis, message_event(room=439))
    wait_until(lambda: redis.hget(key("meta"), "length") == b"%d" % kept, LOOK_S, "a look")
    return worker


def doctor_on_losses(cli):
    findings = json.loads(cli("doctor", "--json", check=False).stdout)["findings"]
    (lost,) = (finding for finding in findings if finding["check"] == "lost")
    assert lost["level"] == "warning"
    return lost["text"]


def harm_by_expiry(redis):
    redis.pexpire(key("events"), 1)


def harm_and_replace(redis):
    with redis.pipeline(transaction=True) as both:
        both.delete(key("events"))
        for _ in range(9):
            both.xadd(key("events"), {"json": "{"})
        both.xtrim(key("events"), maxlen=7, approximate=False)
        both.execute()


@pytest.mark.parametrize(
    "harm, gone",
    [
        (lambda redis: redis.delete(key("events")), 4),
        (harm_by_expiry, 4),
        (harm_and_replace, 4 + 2),
    ],
    ids=["del", "expiry", "replaced"],
)
def test_a_stream_that_is_deleted(redis, receiver, start_worker, cli, harm, gone):
    worker = work_and_keep(redis, receiver, start_worker, n=3, kept=4)
    harm(redis)
    wait_stat(redis, "stream_deletions", 1, timeout=LOOK_S)
    wait_stat(redis, "deleted_externally", gone, timeout=LOOK_S)
    worker.wait_log("stream_deleted")
    (line,) = worker.logged("stream_deleted")
    assert line["events"] == "4" and int(line["seen_ms_ago"]) < 1000 * LOOK_S
    assert f"about {gone} (counter deleted_externally)" in doctor_on_losses(cli)


def test_a_stream_that_is_deleted_while_no_worker_runs(redis, receiver, start_worker, cli):
    worker = work_and_keep(redis, receiver, start_worker, n=3, kept=4)
    worker.kill()
    redis.delete(key("events"))
    assert "with 4 events in it" in doctor_on_losses(cli)
    worker = start_worker(heartbeat_ttl=f"{TTL_S}s")
    wait_stat(redis, "deleted_externally", 4)
    worker.wait_log("stream_deleted", events=4)


def test_a_queue_that_is_flushed(redis, receiver, start_worker, cli):
    """Nothing is left in Redis: what each worker was told with its last heartbeat is known."""
    worker = work_and_keep(redis, receiver, start_worker, n=3, kept=4)
    other = start_worker(heartbeat_ttl=f"{TTL_S}s")
    other.wait_log("ready")
    put_in_lane(redis, "439/main", "1667548137257-1", shut=True, lane_score=1e15)
    for _ in range(2):  # heartbeats that began before the delivery was there
        before = redis.hget(key("meta"), "looked_at")
        wait_until(lambda: redis.hget(key("meta"), "looked_at") != before, LOOK_S, "a look")
    redis.flushall()
    wait_stat(redis, "stream_deletions", 1, timeout=LOOK_S)
    wait_stat(redis, "deleted_externally", 4)
    both = lambda: worker.logged("queue_deleted") + other.logged("queue_deleted")  # noqa: E731
    (line,) = wait_until(both, 10, "a line")
    assert (line["events"], line["deliveries"]) == ("4", "1")
    assert "about 4 (counter deleted_externally)" in doctor_on_losses(cli)


def test_evicted_keys_are_named(own_redis, start_worker):
    """Redis throws the stream away for want of memory: the log says so."""
    server = own_redis(maxmemory_policy="allkeys-random")
    redis = server.client()
    worker = start_worker(redis=server, heartbeat_ttl=f"{TTL_S}s")
    redis.set(key("room:438"), "no hash: its events stay pending")
    enqueue(redis, message_event(text="x" * 100_000))
    wait_until(lambda: redis.hget(key("meta"), "length") == b"1", LOOK_S, "a look")
    redis.config_set("maxmemory", "1")
    wait_until(lambda: redis.info("stats")["evicted_keys"] > 0, 10, "an eviction")
    wait_until(lambda: not redis.exists(key("events")), 10, "the stream's")
    redis.config_set("maxmemory", "0")
    wait_stat(redis, "stream_deletions", 1, timeout=LOOK_S)
    both = lambda: worker.logged("queue_deleted") + worker.logged("stream_deleted")  # noqa: E731
    (line,) = wait_until(both, 10, "a line")
    assert "evicted" in line["why"] and "noeviction" in line["why"]


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
    assert "deleted_externally" not in stats(redis) and "lost" not in stats(redis)


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
    assert "deleted_externally" not in stats(redis)


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
    wait_stat(redis, "reclaimed_dead", 1)
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
    wait_stat(redis, "reclaimed_stuck", 2)
    wait_stat(redis, "lost", 1)
    worker.wait_log("reclaimed_stuck", entries=2)
    assert pending(redis) == 1, "what is not old stays with its worker"
    assert sorted(r.header("webhook-id") for r in receiver.requests()) == ["event-1", "event-2"]


@pytest.mark.parametrize(
    "harm",
    [
        lambda redis: redis.delete(key("meta")),
        lambda redis: redis.xgroup_destroy(key("events"), GROUP),
        lambda redis: redis.hset(key("meta"), mapping=dict.fromkeys(META_NUMBERS, "by hand")),
    ],
    ids=["meta", "group", "numbers"],
)
def test_no_loss_is_made_up(redis, receiver, start_worker, harm):
    """What is known of the stream, or its group, is deleted or spoilt: no event is deleted."""
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(heartbeat_ttl=f"{TTL_S}s")
    for _ in range(20):
        enqueue(redis, message_event())
    receiver.wait_for(20)
    wait_until(lambda: redis.hget(key("meta"), "added") == b"20", LOOK_S, "the leader's look")
    harm(redis)
    for _ in range(5):
        enqueue(redis, message_event())
    receiver.wait_for(25)
    wait_until(lambda: redis.hget(key("meta"), "added") == b"25", LOOK_S, "another look")
    assert_queue_empty(redis)
    assert not stats(redis).keys() & {"deleted_externally", "stream_deletions", "lost"}
