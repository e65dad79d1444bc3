"""A lane whose hook takes nothing any more, or that is too long, is buried: each delivery once."""

import json
from collections import Counter

import pytest

from lane_invariants import check_invariants
from receiver import Answer
from wait import wait_until
from webhook_queue import (
    add_waiting,
    assert_queue_empty,
    dead_letters,
    enqueue,
    gate_of,
    key,
    message_event,
    now_ms,
    set_hook,
    state_of,
    wait_dead,
    wait_stat,
)

DAY_MS = 86400000
MANY = 1000
QUICKLY_S = 5


def many_waiting(redis, due_in_ms=DAY_MS):
    """A thousand deliveries, each with its number; returns their event ids."""
    now = now_ms(redis)
    with redis.pipeline() as pipeline:
        for number in range(MANY):
            identity = f"{now - 5000:013}-{number:06}/main"
            meta = {"due_at": now + due_in_ms, "lane": "438/main", "event_id": f"e{number}",
                    "attempts": 1, "encoding": "json"}
            pipeline.hset(key("deliveries"), identity,
                          json.dumps(meta) + "\n" + json.dumps(message_event()))
            pipeline.zadd(key("lane:438/main"), {identity: now + due_in_ms})
        pipeline.zadd(key("lanes"), {"438/main": now})
        pipeline.execute()
    return [f"e{number}" for number in range(MANY)]


def no_hook(redis, url):
    pass


def disabled(redis, url):
    set_hook(redis, 438, "main", url=url, enabled=False)


def misspelt(redis, url):
    set_hook(redis, 438, "main", url=url, enabeld=True)


def no_json(redis, url):
    redis.hset(key("room:438"), "main", "{")


def bad_url(redis, url):
    set_hook(redis, 438, "main", url="ftp://example.com/")


REASONS = {no_hook: "hook-removed", disabled: "hook-disabled", misspelt: "bad-hook",
           no_json: "bad-hook", bad_url: "bad-url"}


@pytest.mark.parametrize("hook", REASONS, ids=lambda hook: hook.__name__)
def test_a_thousand_are_buried(redis, receiver, start_worker, hook):
    """By two workers beside each other."""
    set_hook(redis, 438, "good", url=receiver.url("/good"))
    hook(redis, receiver.url("/never"))
    events = many_waiting(redis)
    start_worker()
    start_worker()
    letters = wait_dead(redis, MANY, timeout=QUICKLY_S)
    assert Counter(letter["event_id"] for letter in letters) == Counter(events)
    assert {letter["reason"] for letter in letters} == {REASONS[hook]}
    assert_queue_empty(redis)
    wait_stat(redis, "dead", MANY)
    assert not receiver.requests()
    check_invariants(redis)


def test_a_hook_that_answers_gone(redis, receiver, start_worker):
    """What waits for it is buried once it is disabled."""
    set_hook(redis, 438, "main", url=receiver.url("/gone"))
    receiver.script("/gone", [Answer(410)])
    many_waiting(redis)
    enqueue(redis, message_event())
    start_worker()
    letters = wait_dead(redis, MANY + 1, timeout=QUICKLY_S)
    assert Counter(letter["reason"] for letter in letters) == {"gone": 1, "hook-disabled": MANY}
    assert state_of(redis, 438)["disabled"] and gate_of(redis, "438/main")[1] == "disabled"
    assert len(receiver.requests()) == 1
    assert_queue_empty(redis)
    check_invariants(redis)


def test_a_hook_that_is_removed_while_it_is_open(redis, receiver, start_worker, cli):
    """Its lane is in lanes-shut, and is looked at for the next probe."""
    set_hook(redis, 438, "main", url=receiver.url("/bad"))
    receiver.script("/bad", [Answer(503)])
    start_worker(retry_schedule="1h")
    for _ in range(30):
        enqueue(redis, message_event())
    wait_until(lambda: redis.zscore(key("lanes-shut"), "438/main") and
               redis.zcard(key("lane:438/main")) == 30, 10, lambda: "an open hook")
    cli("hook", "remove", "--room", "438", "--id", "main")
    wait_until(lambda: len(dead_letters(redis)) == 30, 10, lambda: "30 letters")
    assert_queue_empty(redis)
    check_invariants(redis)


def test_a_lane_over_its_bound_loses_its_oldest(redis, receiver, start_worker):
    """Those never tried, with reason overflow; what is tried already stays."""
    set_hook(redis, 438, "main", url=receiver.url("/busy"))
    receiver.script("/busy", [Answer(503, headers=(("Retry-After", "3600"),))])
    tried = add_waiting(redis, f"{now_ms(redis) - 5000}-0", due_in_ms=DAY_MS)
    start_worker(lane_max=1000, max_in_flight=1)
    enqueue(redis, message_event(), id="first")
    wait_until(lambda: gate_of(redis, "438/main"), 5, lambda: "a paused hook")
    with redis.pipeline() as pipeline:
        for number in range(1500):
            enqueue(pipeline, message_event(), id=f"e{number}")
        pipeline.execute()
    wait_until(lambda: redis.xlen(key("dead")) >= 502, 20, lambda: "502 letters")
    wait_until(lambda: redis.xlen(key("events")) == 0, 5, lambda: "an empty stream")
    letters = dead_letters(redis)
    assert (len(letters), redis.zcard(key("lane:438/main"))) == (502, 1000)
    assert {letter["reason"] for letter in letters} == {"overflow"}
    assert {letter["event_id"] for letter in letters} == {f"e{number}" for number in range(502)}
    assert redis.zscore(key("lane:438/main"), tried)
    check_invariants(redis)
