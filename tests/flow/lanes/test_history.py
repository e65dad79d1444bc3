"""What is kept for charts: how long attempts and deliveries took, and a snapshot each minute."""

import json

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    set_hook,
    stats,
)

MINUTE_MS = 60_000


def numbers(fields):
    return {name.decode(): int(value) for name, value in fields.items()}


def test_how_long_it_took(redis, receiver, start_worker):
    receiver.script("/", [Answer(503), Answer(200, delay=0.3), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="700ms,700ms", retry_jitter="0%")
    enqueue(redis, message_event())
    receiver.wait_for(2)
    enqueue(redis, message_event())
    assert_queue_empty(redis)
    wait_until(lambda: numbers(redis.hgetall(key("times"))).get("delivered_2500") == 1, 5,
               lambda: f"the times; they are {numbers(redis.hgetall(key('times')))}")  # fmt: skip
    times = numbers(redis.hgetall(key("times")))
    buckets = {name: count for name, count in times.items() if not name.endswith("_sum")}
    assert sum(count for name, count in buckets.items() if name.startswith("attempts_")) == 3
    assert buckets["attempts_500"] == 1, "0.3 s until it was answered"
    assert sum(count for name, count in buckets.items() if name.startswith("delivered_")) == 2
    assert 300 <= times["attempts_sum"] < 2000
    assert 1000 <= times["delivered_sum"] < 4000, "the retry's second counts"


def test_numbers_that_somebody_wrote_by_hand(redis, receiver, start_worker):
    """They are replaced, and the others count once: what is refused half-way is sent again."""
    for name in ("attempts_sum", "delivered_sum"):
        redis.hset(key("times"), name, "by hand")
    redis.hset(key("stats"), "delivered", "9223372036854775807")
    receiver.script("/", Answer(200, delay=0.05))  # a time of 0 ms adds nothing
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker()
    enqueue(redis, message_event())
    assert_queue_empty(redis)
    assert worker.terminate() == 0, "what is counted is stored before it ends"
    counted = stats(redis)
    assert counted["events"] == counted["attempts"] == counted["delivered"] == 1
    assert "redis_errors" not in counted
    assert set(numbers(redis.hgetall(key("times")))) > {"attempts_sum", "delivered_sum"}


def look_after(redis, start_worker):
    """Lets a worker lead until it has done all that is done once a minute."""
    old = {"until": 1667548137257, "disabled": False, "reason": "retry-after",
           "fingerprint": "00000000"}  # fmt: skip
    redis.hset(key("hooks-state"), "9/main", json.dumps(old))
    worker = start_worker(heartbeat_ttl="3s", retry_schedule="1h")
    wait_until(lambda: "9/main" not in hook_states(redis), 10, "the last thing of a round")
    return worker


def test_a_snapshot_each_minute(redis, receiver, start_worker):
    """By the worker that leads; what another wrote of this minute is enough."""
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url("/down"))
    receiver.script("/down", Answer(503))
    redis.set(key("history"), "by hand")
    worker = look_after(redis, start_worker)
    ((_, snapshot),) = redis.xrange(key("history"))
    assert set(snapshot) > {
        b"backlog", b"oldest", b"waiting", b"lanes", b"lanes_shut", b"letters", b"events",
        b"attempts", b"delivered", b"dead", b"delivered_5", b"delivered_more", b"delivered_sum",
    }  # fmt: skip
    assert 0 < redis.pttl(key("history")) <= 7 * 24 * 60 * MINUTE_MS
    enqueue(redis, message_event(room=438))
    enqueue(redis, message_event(room=439))
    receiver.wait_for(2)
    assert worker.terminate() == 0
    worker = look_after(redis, start_worker)
    assert redis.xlen(key("history")) == 1
    assert worker.terminate() == 0

    redis.delete(key("history"))
    redis.xadd(key("history"), {"events": 0}, id=f"{now_ms(redis) - MINUTE_MS}-0")
    look_after(redis, start_worker)
    assert redis.xlen(key("history")) == 2
    ((_, last),) = redis.xrevrange(key("history"), count=1)
    last = numbers(last)
    assert last["events"] == 2 and last["delivered"] == 1 and last["waiting"] == 1
    assert last["lanes"] == 1 and last["backlog"] == 0 and last["oldest"] == 0


def test_a_snapshot_from_before_a_clock_went_back(redis, start_worker):
    redis.xadd(key("history"), {"events": 0}, id=f"{now_ms(redis) + 10 * MINUTE_MS}-0")
    look_after(redis, start_worker)
    assert redis.xlen(key("history")) == 2
