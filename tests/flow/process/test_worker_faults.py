"""Workers that freeze, die or are killed by what they process: others take over."""

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    delivery_id,
    due_ms,
    enqueue,
    heartbeats,
    key,
    message_event,
    pending,
    record_of,
    set_hook,
    stats,
    wait_stat,
)


@pytest.mark.parametrize("late", [503, 200])
def test_the_worker_freezes(redis, receiver, start_worker, late):
    """SIGSTOP past its heartbeat: another takes over; the first one, back, moves nothing more."""
    receiver.script("/", [Answer(late, delay=0.5), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    first = start_worker(heartbeat_ttl="3s", retry_schedule="200ms,200ms,200ms")
    enqueue(redis, message_event(), id="event-1")
    receiver.wait_for(1)
    first.pause()
    second = start_worker(heartbeat_ttl="3s", retry_schedule="200ms,200ms,200ms")
    receiver.wait_for(2, timeout=3 + 5 + 1)
    assert_queue_empty(redis)
    first.resume()
    wait_stat(redis, "fenced", 1)
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 2
    assert dead_letters(redis) == []
    wait_until(lambda: len(heartbeats(redis)) == 2, 10, "both to be alive")
    for n in range(10):
        enqueue(redis, message_event(), id=f"after-{n}")
    receiver.wait_for(12)
    assert_queue_empty(redis)
    wait_stat(redis, "delivered", 11)
    assert stats(redis)["fenced"] == 1 and stats(redis).get("retries", 0) == 0
    assert first.is_running and second.is_running


def test_a_dead_worker_is_forgotten(redis, receiver, start_worker):
    """Its consumer leaves the group once nothing is pending for it."""
    set_hook(redis, 438, "main", url=receiver.url())
    first = start_worker(heartbeat_ttl="3s")
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert_queue_empty(redis)
    (name,) = first.consumers(redis)
    first.kill()
    start_worker(heartbeat_ttl="3s")
    enqueue(redis, message_event())
    receiver.wait_for(2)

    def names():
        return [one["name"].decode() for one in redis.xinfo_consumers(key("events"), "workers")]

    assert name in names()
    wait_until(lambda: name not in names(), 3 * 2 + 5, "the dead consumer to go")
    assert pending(redis) == 0


def test_what_ends_worker_after_worker_is_poison(redis, receiver, start_worker):
    """An entry that was claimed from dead workers again and again is not tried once more."""
    set_hook(redis, 438, "main", url=receiver.url())
    redis.xgroup_create(key("events"), "workers", id="0", mkstream=True)
    enqueue(redis, message_event(), id="event-1")
    ((_, ((entry_id, _),)),) = redis.xreadgroup("workers", "dead-1-00000000", {key("events"): ">"})
    redis.xclaim(
        key("events"), "workers", "dead-1-00000000", 0, [entry_id], retrycount=50, justid=True
    )
    start_worker(heartbeat_ttl="3s", poison_after=2)
    wait_until(lambda: dead_letters(redis), 3 * 2 + 5, "the letter")
    (letter,) = dead_letters(redis)
    assert (letter["reason"], letter["event_id"]) == ("poison", "event-1")
    assert_queue_empty(redis)
    assert receiver.connections == 0


def test_a_lease_that_ran_out_moves_nothing(redis, receiver, start_worker):
    """A worker freezes with a claimed retry; once the lease is over another attempts it. The first
    one's late answer, though a 200, is dropped: the delivery is the other's."""
    receiver.script("/", [Answer(500), Answer(200, delay=0.5), Answer(503)])
    set_hook(redis, 438, "main", url=receiver.url())
    settings = {"timeout": "1s", "retry_schedule": "100ms,60s"}
    first = start_worker(**settings)
    waiting = delivery_id(enqueue(redis, message_event()))
    receiver.wait_for(2)
    first.pause()
    lease_end = due_ms(redis, waiting)
    start_worker(**settings)
    third = receiver.wait_for(3, timeout=1 + 5 + 2)[2]
    assert third.arrived_wall * 1000 >= lease_end - 5
    record = wait_until(
        lambda: (record_of(redis, waiting) or {}).get("fence") == "-"
        and record_of(redis, waiting),
        5,
        "the delivery to wait",
    )
    assert (record["attempts"], record["status"]) == (2, 503)
    first.resume()
    wait_stat(redis, "fenced", 1)
    assert record_of(redis, waiting) == record
    assert len(receiver.requests()) == 3
    assert stats(redis).get("delivered", 0) == 0
