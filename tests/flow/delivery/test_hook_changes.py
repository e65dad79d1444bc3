"""A hook that was set or enabled before an event was sent is used for it, whatever is cached."""

import time

import pytest

from receiver import Answer
from wait import wait_until
from waiting import fingerprint, place_of, shut_lane
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
    assert time.monotonic() - began < CACHED_S / 2
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
    add_waiting(redis, f"{now_ms(redis)}-0")
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


# a room of which something is cached already


TIMES = 20
RETRIES = 3


def hooks_of(receiver, n):
    """The paths that event n came to."""
    return {one.path for one in receiver.requests() if one.header("webhook-id") == f"event-{n}"}


def set_with_news(redis, cli, url):
    set_hook(redis, 438, "b", url=url)
    redis.xadd(key("hooks-changed"), {"room": 438, "hook": "b"}, maxlen=1000)


def set_by_command(redis, cli, url):
    cli("hook", "set", "--room", "438", "--id", "b", "--url", url)


def set_and_trimmed(redis, cli, url):
    """So many others are changed at once that the news of this one are gone."""
    with redis.pipeline(transaction=False) as pipeline:
        set_hook(pipeline, 438, "b", url=url)
        pipeline.xadd(key("hooks-changed"), {"room": 438, "hook": "b"})
        for n in range(1200):
            pipeline.xadd(key("hooks-changed"), {"room": 1000 + n, "hook": "a"}, maxlen=1000,
                          approximate=False)  # fmt: skip
        pipeline.execute()


def set_and_many_more(redis, cli, url):
    """More news than are asked for at once, and the one that matters is the last."""
    with redis.pipeline(transaction=False) as pipeline:
        for n in range(1500):
            pipeline.xadd(key("hooks-changed"), {"room": 1000 + n, "hook": "a"})
        set_hook(pipeline, 438, "b", url=url)
        pipeline.xadd(key("hooks-changed"), {"room": 438, "hook": "b"})
        pipeline.execute()


def set_and_news_deleted(redis, cli, url):
    set_with_news(redis, cli, url)
    redis.delete(key("hooks-changed"))


def set_and_clock_went_back(redis, cli, url):
    """As after a failover to a server whose clock, or whose stream, is behind."""
    redis.delete(key("hooks-changed"))
    set_hook(redis, 438, "b", url=url)
    redis.xadd(key("hooks-changed"), {"room": 438, "hook": "b"}, id="5-0")


def check_new_hook_is_used(redis, receiver, cli, change, workers):
    """Hook a is cached by all; b is added, then an event is sent: both get it, each time."""
    redis.xadd(key("hooks-changed"), {"room": 7, "hook": "a"})
    set_hook(redis, 438, "a", url=receiver.url("/a"))
    for n in range(TIMES):
        redis.hdel(key("room:438"), "b")
        redis.xadd(key("hooks-changed"), {"room": 438, "hook": "b"}, maxlen=1000)
        for _ in range(workers):  # blocked readers are served in turns
            enqueue(redis, message_event(), id="before")
            assert_queue_empty(redis)
        change(redis, cli, receiver.url("/b"))
        enqueue(redis, message_event(), id=f"event-{n}")
        assert_queue_empty(redis)
        assert hooks_of(receiver, n) == {"/a", "/b"}, f"event {n} of {TIMES}"


CHANGES = [set_with_news, set_by_command, set_and_trimmed, set_and_many_more,
           set_and_news_deleted, set_and_clock_went_back]  # fmt: skip


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("change", CHANGES)
def test_a_second_hook(redis, receiver, start_worker, cli, change, workers):
    for _ in range(workers):
        start_worker()
    check_new_hook_is_used(redis, receiver, cli, change, workers)


def test_a_second_hook_when_news_cannot_be_asked_for(redis, receiver, start_worker, cli):
    """Then what is cached answers nothing."""
    redis.set(key("hooks-changed"), "not a stream")
    set_hook(redis, 438, "a", url=receiver.url("/a"))
    start_worker()
    for n in range(TIMES):
        redis.hdel(key("room:438"), "b")
        enqueue(redis, message_event(), id="before")
        assert_queue_empty(redis)
        set_hook(redis, 438, "b", url=receiver.url("/b"))
        enqueue(redis, message_event(), id=f"event-{n}")
        assert_queue_empty(redis)
        assert hooks_of(receiver, n) == {"/a", "/b"}


def test_a_second_hook_while_connections_break(redis, receiver, start_worker, cli):
    """What the answer was lost for waits, and is asked again."""
    set_hook(redis, 438, "a", url=receiver.url("/a"))
    start_worker()
    for n in range(3):
        redis.hdel(key("room:438"), "b")
        redis.xadd(key("hooks-changed"), {"room": 438, "hook": "b"}, maxlen=1000)
        enqueue(redis, message_event(), id="before")
        assert_queue_empty(redis)
        set_with_news(redis, cli, receiver.url("/b"))
        with redis.pipeline() as transaction:
            enqueue(transaction, message_event(), id=f"event-{n}")
            transaction.client_kill_filter(_type="normal", skipme=True)
            transaction.execute()
        assert_queue_empty(redis, timeout=20)
        assert hooks_of(receiver, n) == {"/a", "/b"}


def change_url(redis, receiver):
    set_hook(redis, 438, "main", url=receiver.url("/new"))


def disable(redis, receiver):
    set_hook(redis, 438, "main", url=receiver.url("/old"), enabled=False)


def remove(redis, receiver):
    redis.hdel(key("room:438"), "main")


@pytest.mark.parametrize(
    ("change", "new", "reasons"),
    [(change_url, 1, []), (disable, 0, ["hook-disabled"]), (remove, 0, ["hook-removed"])],
)
def test_a_retry_of_a_hook_that_was_changed(redis, receiver, start_worker, change, new, reasons):
    """It is due right after the change: nothing goes to what the hook was."""
    start_worker()
    for n in range(RETRIES):
        set_hook(redis, 438, "main", url=receiver.url("/old"))
        redis.xadd(key("hooks-changed"), {"room": 438, "hook": "main"})
        enqueue(redis, message_event())
        receiver.wait_for(n + 1, "/old")
        assert_queue_empty(redis)
        with redis.pipeline() as transaction:
            change(transaction, receiver)
            transaction.xadd(key("hooks-changed"), {"room": 438, "hook": "main"})
            transaction.execute()
        add_waiting(redis, f"{now_ms(redis)}-{n}")
        if reasons:
            wait_dead(redis, n + 1)
        assert_queue_empty(redis)
        assert len(receiver.requests("/old")) == n + 1
        assert len(receiver.requests("/new")) == new * (n + 1)
    assert [letter["reason"] for letter in dead_letters(redis)] == RETRIES * reasons


def test_what_waits_for_a_former_hook_is_sent_to_the_changed_one(redis, receiver, start_worker):
    rooms = {1: "paused", 2: "open", 3: "paused-open"}
    for room, kind in rooms.items():
        set_hook(redis, room, "main", url=receiver.url("/old"))
        add_waiting(redis, f"{now_ms(redis)}-{room}", room=room)
        shut_lane(redis, f"{room}/main", fingerprint(receiver.url("/old")), kind)
        redis.zadd(key("lanes-shut"), {f"{room}/main": 0})
    start_worker()
    start_worker()
    # The gate holds for the hook as it is.
    wait_until(lambda: all(place_of(redis, f"{room}/main")[1] > now_ms(redis) + 300_000
                           for room in rooms), 5, "the gates' times as scores")
    assert not receiver.requests()
    for room in rooms:
        set_hook(redis, room, "main", url=receiver.url("/new"))
        redis.xadd(key("hooks-changed"), {"room": room, "hook": "main"})
    receiver.wait_for(len(rooms), "/new")
    assert_queue_empty(redis)
    assert not receiver.requests("/old")


def test_news_are_asked_for_once_for_many_events(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event())
    receiver.wait_for(1)
    names = ("xrange", "xreadgroup", "zrangebyscore")  # one of the last a claim, two a look
    before = [commands(redis, name) for name in names]
    with redis.pipeline() as transaction:
        for _ in range(100):
            enqueue(transaction, message_event())
        transaction.execute()
    receiver.wait_for(101)
    assert_queue_empty(redis)
    asked, *occasions = [commands(redis, name) - n for name, n in zip(names, before)]
    assert 1 <= asked <= sum(occasions) + 1
    assert asked <= 20
