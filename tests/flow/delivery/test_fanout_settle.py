"""An event with several hooks is settled once, after a second at the latest.

A crash then repeats no POST that was answered.
"""

import asyncio
import threading

from receiver import Answer, Hang
from refusing_redis import RefusingRedis, runs
from wait import wait_until
from webhook_queue import (
    GROUP,
    assert_queue_empty,
    dead_letters,
    delivery_id,
    due_ms,
    enqueue,
    key,
    message_event,
    now_ms,
    record_of,
    records,
    set_hook,
    stats,
    queue_state,
    wait_stat,
)


def three_hooks(redis, receiver, third):
    receiver.script("/ok", [Answer(200)])
    receiver.script("/fails", [Answer(503), Answer(200)])
    receiver.script("/third", third)
    for name in ("ok", "fails", "third"):
        set_hook(redis, 438, name, url=receiver.url(f"/{name}"))


def test_one_of_three_hangs(redis, receiver, start_worker):
    three_hooks(redis, receiver, [Hang(), Answer(200)])
    worker = start_worker(timeout="4s", retry_schedule="60s")
    stream_id = enqueue(redis, message_event(), id="event-1")
    (request,) = receiver.wait_for(1, "/third")
    receiver.wait_for(3)
    wait_until(lambda: redis.xlen(key("events")) == 0, 3, "the entry to be settled")
    settled_ms = now_ms(redis) - request.arrived_wall * 1000
    assert 700 <= settled_ms <= 1700, "after about a second"

    assert set(records(redis)) == {delivery_id(stream_id, hook) for hook in ("third", "fails")}
    failed = record_of(redis, delivery_id(stream_id, "fails"))
    assert (failed["fence"], failed["attempts"]) == ("-", 1)
    hanging = record_of(redis, delivery_id(stream_id, "third"))
    assert hanging["fence"].startswith(worker.consumers(redis)[0] + ":")
    assert hanging.get("attempts", 0) == 0
    lease_ms = due_ms(redis, delivery_id(stream_id, "third")) - request.arrived_wall * 1000
    assert 4000 <= lease_ms <= 4000 + 5000 + 1700

    worker.kill()
    start_worker(timeout="4s", retry_schedule="60s")
    _, again = receiver.wait_for(2, "/third", timeout=12)
    assert again.header("webhook-id") == "event-1"
    waited_ms = (again.arrived_wall - request.arrived_wall) * 1000
    assert waited_ms >= lease_ms - 50, "not before its lease ended"
    third = delivery_id(stream_id, "third")
    wait_until(lambda: record_of(redis, third) is None, 3, "the delivery to be done")
    assert len(receiver.requests("/ok")) == 1
    assert len(receiver.requests("/fails")) == 1
    assert len(receiver.requests("/third")) == 2
    assert dead_letters(redis) == []


def test_the_hanging_one_answers_after_all(redis, receiver, start_worker):
    """The lease is settled by its holder: no second POST."""
    three_hooks(redis, receiver, [Answer(200, delay=2.0)])
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    receiver.wait_for(4)
    wait_until(lambda: redis.xlen(key("events")) == 0, 3, "the entry to be settled")
    wait_until(lambda: len(records(redis)) == 1, 0.5, "the retry that was answered to be done")
    assert_queue_empty(redis, timeout=5)
    assert len(receiver.requests("/third")) == 1
    assert len(receiver.requests("/ok")) == 1
    assert len(receiver.requests("/fails")) == 2
    wait_stat(redis, "delivered", 3)


def test_the_hanging_one_times_out(redis, receiver, start_worker):
    three_hooks(redis, receiver, [Hang(), Answer(200)])
    start_worker(timeout="2s", retry_schedule="100ms")
    stream_id = enqueue(redis, message_event())
    first, second = receiver.wait_for(2, "/third", timeout=6)
    assert 2.0 <= second.arrived - first.arrived < 3.0
    assert second.header("webhook-id") == f"msg_{stream_id}"
    assert_queue_empty(redis)
    assert len(receiver.requests("/third")) == 2
    assert len(receiver.requests("/ok")) == 1
    wait_stat(redis, "attempts", 5)


def test_all_answered_is_settled_at_once(redis, receiver, start_worker):
    """The second is a limit, not a delay; failures are stored, nothing else."""
    three_hooks(redis, receiver, [Answer(410)])
    start_worker(retry_schedule="60s")
    stream_id = enqueue(redis, message_event())
    receiver.wait_for(3)
    wait_until(lambda: redis.xlen(key("events")) == 0, 0.5, "the entry to be settled")
    assert set(records(redis)) == {delivery_id(stream_id, "fails")}
    (letter,) = dead_letters(redis)
    assert (letter["reason"], letter["hook"]) == ("gone", "third")


def test_a_crash_before_anything_was_settled_loses_nothing(redis, receiver, start_worker):
    """The entry is still pending: another worker takes it soon after heartbeat-ttl, all of it."""
    three_hooks(redis, receiver, [Hang(), Answer(200)])
    worker = start_worker(heartbeat_ttl="3s")
    enqueue(redis, message_event(), id="event-1")
    receiver.wait_for(3)
    worker.kill()
    assert queue_state(redis)["pending"] == 1
    start_worker(heartbeat_ttl="3s", retry_schedule="100ms")
    receiver.wait_for(2, "/third", timeout=3 + 5 + 1)
    assert_queue_empty(redis)
    assert {request.header("webhook-id") for request in receiver.requests()} == {"event-1"}


def test_a_single_hook_that_hangs_keeps_its_entry(redis, receiver, start_worker):
    """With one hook there is no answered POST to protect."""
    receiver.script("/", [Answer(200, delay=1.5)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert_queue_empty(redis, timeout=4)
    assert len(receiver.requests()) == 1
    wait_stat(redis, "delivered", 1)


class AnswerLater:
    """200, once it is allowed."""

    before_body = False

    def __init__(self):
        self.allowed = threading.Event()

    async def play(self, connection):
        while not self.allowed.is_set():
            await asyncio.sleep(0.01)
        await Answer(200).play(connection)


def test_what_another_worker_took_is_not_sent(redis_server, redis, receiver, start_worker):
    """The entry goes to another worker before its settlement comes to Redis. What waited for the
    other's place is not sent then, and what was being sent is not counted: the other does both."""
    later = AnswerLater()
    receiver.script("/same", [Answer(200, delay=1.1), later, Answer(200)])
    set_hook(redis, 438, "ok", url=receiver.url("/ok"))
    for name in ("being-sent", "waits"):
        set_hook(redis, 438, name, url=receiver.url("/same"))
    with RefusingRedis(redis_server) as way:
        worker = start_worker(redis=way.url, max_per_endpoint=1, timeout="60s")
        # So it is slow, and another's place is not taken for it.
        enqueue(redis, message_event(), hook="waits")
        wait_stat(redis, "delivered", 1)
        with way.hold(runs("settle_stream")) as held:
            stream_id = enqueue(redis, message_event(), id="event-1")
            receiver.wait_for(1, "/ok")
            receiver.wait_for(2, "/same")
            assert held.wait(10)
            redis.xclaim(key("events"), GROUP, "another", 0, [stream_id])
        worker.wait_log("fenced", id=stream_id)
        later.allowed.set()
        for name in ("being-sent", "waits"):
            worker.wait_log("fenced", id=delivery_id(stream_id, name))
        assert len(receiver.requests("/same")) == 2
        assert worker.terminate() == 0
    assert stats(redis)["delivered"] == 1

    start_worker(heartbeat_ttl="3s")
    assert_queue_empty(redis, timeout=15)
    wait_stat(redis, "delivered", 4)
    assert len(receiver.requests("/ok")) == 2 and len(receiver.requests("/same")) == 4
    assert dead_letters(redis) == []
