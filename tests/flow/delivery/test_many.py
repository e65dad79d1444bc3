"""Many events over several workers: each delivered exactly once, nothing left behind."""

import collections
import time

import pytest

from receiver import Hang, Receiver
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    message_event,
    set_hook,
    stats,
    wait_stat,
)

ENOUGH_S = 60


def enqueue_many(redis, events, rooms):
    pipeline = redis.pipeline(transaction=False)
    for n in range(events):
        encoding = "msgpack" if n % 2 else "json"
        event = message_event(room=n % rooms, text=f"event {n}")
        enqueue(pipeline, event, encoding, id=f"event-{n}")
        if n % 1000 == 999:
            pipeline.execute()
    pipeline.execute()


def check_exactly_once(redis, receiver, expected):
    """expected: (path, webhook-id) of every delivery. On a busy machine the receiver may take over
    a second: then an attempt may be given up for others that wait although its request arrived,
    and is made again. Each such cut explains one more request, nothing else does."""
    got = collections.Counter((one.path, one.header("webhook-id")) for one in receiver.requests())
    assert len(expected - got.keys()) == 0, "missing"
    assert len(got.keys() - expected) == 0, "never enqueued"
    more = {delivery: n for delivery, n in got.items() if n != 1}
    assert sum(more.values()) - len(more) <= stats(redis).get("cut", 0), more


def check_nothing_left(redis, deliveries):
    assert_queue_empty(redis, timeout=15)
    wait_stat(redis, "delivered", deliveries)
    assert dead_letters(redis) == []


def test_ten_thousand_events_to_fifty_hooks(redis, receiver, start_worker):
    events, rooms = 10_000, 50
    for room in range(rooms):
        set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
    for _ in range(3):
        start_worker()
    started = time.monotonic()
    enqueue_many(redis, events, rooms)
    receiver.wait_for(events, timeout=ENOUGH_S)
    check_nothing_left(redis, events)
    assert time.monotonic() - started < ENOUGH_S
    check_exactly_once(redis, receiver, {(f"/{n % rooms}", f"event-{n}") for n in range(events)})


def test_a_backlog_with_fan_out(redis, receiver, start_worker):
    """Enqueued before the workers start; every room has several hooks."""
    events, rooms, hooks = 1000, 10, 5
    for room in range(rooms):
        for hook in range(hooks):
            set_hook(redis, room, f"hook-{hook}", url=receiver.url(f"/{room}/{hook}"))
    enqueue_many(redis, events, rooms)
    for _ in range(3):
        start_worker()
    receiver.wait_for(events * hooks, timeout=ENOUGH_S)
    check_nothing_left(redis, events * hooks)
    check_exactly_once(
        redis,
        receiver,
        {(f"/{n % rooms}/{hook}", f"event-{n}") for n in range(events) for hook in range(hooks)},
    )


@pytest.mark.parametrize("max_in_flight", [1, 3])
def test_few_slots_are_enough(redis, receiver, start_worker, max_in_flight):
    events, rooms = 200, 5
    for room in range(rooms):
        set_hook(redis, room, "a", url=receiver.url(f"/{room}/a"))
        set_hook(redis, room, "b", url=receiver.url(f"/{room}/b"))
    start_worker(max_in_flight=max_in_flight)
    enqueue_many(redis, events, rooms)
    receiver.wait_for(events * 2, timeout=ENOUGH_S)
    check_nothing_left(redis, events * 2)
    check_exactly_once(
        redis,
        receiver,
        {(f"/{n % rooms}/{hook}", f"event-{n}") for n in range(events) for hook in "ab"},
    )


def test_one_busy_room(redis, receiver, start_worker):
    """All for one endpoint: what is over its share waits or is put off, and all of it arrives."""
    events = 1000
    set_hook(redis, 0, "main", url=receiver.url("/0"))
    for _ in range(2):
        start_worker()
    enqueue_many(redis, events, 1)
    receiver.wait_for(events, timeout=ENOUGH_S)
    check_nothing_left(redis, events)
    check_exactly_once(redis, receiver, {("/0", f"event-{n}") for n in range(events)})


def test_other_origins_go_on_beside_one_that_hangs(redis, receiver, start_worker):
    events, rooms = 500, 10
    with Receiver() as tarpit:
        tarpit.script("/", [Hang()])
        set_hook(redis, 999, "main", url=tarpit.url("/"))
        for room in range(rooms):
            set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
        worker = start_worker(max_in_flight=64, timeout="60s", retry_schedule="60s")
        pipeline = redis.pipeline(transaction=False)
        for _ in range(300):
            enqueue(pipeline, message_event(room=999))
        pipeline.execute()
        tarpit.wait_for(1)
        enqueue_many(redis, events, rooms)
        receiver.wait_for(events, timeout=30)  # sooner than the first that hangs is given up
        worker.kill()
    check_exactly_once(redis, receiver, {(f"/{n % rooms}", f"event-{n}") for n in range(events)})
