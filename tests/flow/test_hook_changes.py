"""A hook that was set or enabled before an event was sent is used for it, whatever is cached."""

import time

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    add_waiting,
    assert_queue_empty,
    dead_letters,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    set_hook,
    stats,
    wait_dead,
    wait_stat,
)

CACHED_S = 5  # how long workers keep a room's hooks


def commands(redis, name):
    """How often a command was called."""
    return redis.info("commandstats").get(f"cmdstat_{name}", {}).get("calls", 0)


def check_delivered_at_once(redis, receiver, n=1, **fields):
    began = time.monotonic()
    enqueue(redis, message_event(), **fields)
    receiver.wait_for(n, timeout=CACHED_S)
    assert time.monotonic() - began < 1.0
    assert_queue_empty(redis)


def test_an_enabled_hook(redis, receiver, start_worker, cli):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    cli("hook", "disable", "--room", "438")
    enqueue(redis, message_event())
    wait_stat(redis, "hook_disabled", 1)
    cli("hook", "enable", "--room", "438")
    check_delivered_at_once(redis, receiver)
    assert stats(redis)["hook_disabled"] == 1


def test_a_room_that_got_its_first_hook(redis, receiver, start_worker):
    start_worker()
    enqueue(redis, message_event())
    wait_stat(redis, "no_hook", 1)
    set_hook(redis, 438, "main", url=receiver.url())
    check_delivered_at_once(redis, receiver)
    assert stats(redis)["no_hook"] == 1


def test_a_hook_named_by_the_event(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/main"))
    start_worker()
    enqueue(redis, message_event(), hook="audit")
    wait_dead(redis)
    set_hook(redis, 438, "audit", url=receiver.url())
    check_delivered_at_once(redis, receiver, hook="audit")
    assert len(dead_letters(redis)) == 1


def test_a_hook_that_was_mended(redis, receiver, start_worker):
    redis.hset(key("room:438"), "main", "{")
    start_worker()
    enqueue(redis, message_event())
    wait_dead(redis)
    set_hook(redis, 438, "main", url=receiver.url())
    check_delivered_at_once(redis, receiver)
    assert len(dead_letters(redis)) == 1


def test_a_replay_right_after_enabling(redis, receiver, start_worker, cli):
    """As docs/operations.md advises after a 410 by mistake."""
    receiver.script("/", [Answer(410), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event(), id="event-1")
    wait_dead(redis)
    wait_until(lambda: hook_states(redis), 5, "the hook to be disabled")
    cli("hook", "enable", "--room", "438")
    cli("dead", "replay", "--all", "--room", "438", "--reason", "gone")
    receiver.wait_for(2, timeout=CACHED_S)
    assert_queue_empty(redis)
    assert dead_letters(redis) == []


def test_a_pause_that_was_lifted(redis, receiver, start_worker, cli):
    receiver.script("/", [Answer(429, headers=(("Retry-After", "600"),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event())
    wait_until(lambda: hook_states(redis), 5, "the pause")
    cli("hook", "enable", "--room", "438")
    enqueue(redis, message_event())
    receiver.wait_for(2, timeout=CACHED_S)


def test_a_retry_of_a_hook_enabled_again(redis, receiver, start_worker, cli):
    """It is due just after that: no dead letter."""
    set_hook(redis, 438, "main", url=receiver.url(), enabled=False)
    start_worker()
    enqueue(redis, message_event())
    wait_stat(redis, "hook_disabled", 1)
    cli("hook", "enable", "--room", "438")
    add_waiting(redis, f"{now_ms(redis)}-0/main")
    receiver.wait_for(1, timeout=CACHED_S - 1)
    assert_queue_empty(redis)
    assert dead_letters(redis) == []


def test_the_other_hooks_of_a_room_do_not_wait(redis, receiver, start_worker):
    """A disabled one is asked about again for each event; that delays nobody."""
    set_hook(redis, 438, "off", url=receiver.url("/off"), enabled=False)
    set_hook(redis, 438, "on", url=receiver.url("/on"))
    start_worker()
    for n in range(20):
        enqueue(redis, message_event())
        receiver.wait_for(n + 1, "/on")
    assert_queue_empty(redis)
    wait_stat(redis, "hook_disabled", 20)
    assert receiver.requests("/off") == []


@pytest.mark.parametrize("hooks", [0, 1])
def test_rooms_without_hooks_are_cheap(redis, start_worker, hooks):
    """Very many events at a time: each room is read some times, not once an event."""
    for n in range(hooks):
        set_hook(redis, 438, f"h{n}", url="http://127.0.0.1:1/", enabled=False)
    start_worker()
    before = commands(redis, "hgetall")
    events, began = 4000, time.monotonic()
    for _ in range(8):
        pipeline = redis.pipeline(transaction=False)
        for _ in range(events // 8):
            enqueue(pipeline, message_event())
        pipeline.execute()
    assert_queue_empty(redis, timeout=20)
    read = commands(redis, "hgetall") - before
    assert 1 <= read <= (time.monotonic() - began) / 0.02 + 5
    wait_stat(redis, "hook_disabled" if hooks else "no_hook", events)
