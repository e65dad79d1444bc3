"""Retry-After: the receiver asks for rest and gets it, on every worker."""

import email.utils
import time

import pytest

from receiver import Answer, Raw
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    delivery_id,
    due_ms,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    records,
    set_hook,
)

SLACK_S = 0.001  # clocks of two processes are read a little apart


def test_seconds_are_not_undercut(redis, receiver, start_worker):
    statuses = [429, 502, 503, 504]
    for status in statuses:
        path = f"/{status}"
        receiver.script(path, [Answer(status, (("Retry-After", "2"),)), Answer(200)])
        set_hook(redis, status, "main", url=receiver.url(path))
    start_worker(retry_schedule="100ms")
    for status in statuses:
        enqueue(redis, message_event(room=status))
    receiver.wait_for(2 * len(statuses), timeout=5)
    for status in statuses:
        first, second = receiver.requests(f"/{status}")
        assert 2.0 - SLACK_S <= second.arrived - first.arrived <= 2.0 * 1.2 + 0.5
    assert_queue_empty(redis)


def test_date_is_not_undercut(redis, receiver, start_worker):
    not_before = int(time.time()) + 3
    date = email.utils.formatdate(not_before, usegmt=True)
    receiver.script("/", [Answer(503, (("Retry-After", date),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    _, second = receiver.wait_for(2, timeout=8)
    assert second.arrived_wall >= not_before - SLACK_S


def test_it_does_not_shorten_the_schedule(redis, receiver, start_worker):
    receiver.script("/", [Answer(503, (("Retry-After", "1"),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="2s", retry_jitter="0%")
    enqueue(redis, message_event())
    first, second = receiver.wait_for(2, timeout=6)
    assert second.arrived - first.arrived >= 2.0 - SLACK_S


def test_it_pauses_the_hook_on_every_worker(redis, receiver, start_worker):
    """Other events of the hook wait too, without using an attempt; other hooks do not."""
    receiver.script("/busy", [Answer(429, (("Retry-After", "2"),)), Answer(200)])
    set_hook(redis, 1, "main", url=receiver.url("/busy"))
    set_hook(redis, 2, "main", url=receiver.url("/free"))
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(room=1))
    (first,) = receiver.wait_for(1, "/busy")
    ((lane, state),) = wait_until(lambda: hook_states(redis), 5, "the hook's state").items()
    assert lane == "1/main"
    assert state["until"] >= now_ms(redis) + 1000
    start_worker(retry_schedule="100ms")
    for n in range(6):
        enqueue(redis, message_event(room=1), id=f"later-{n}")
    enqueue(redis, message_event(room=2))
    (free,) = receiver.wait_for(1, "/free")
    wait_until(lambda: redis.xlen(key("events")) == 0, 5, "the events to be put off")
    waiting = [record for record in records(redis).values() if record.get("event_id")]
    assert [record.get("attempts", 0) for record in waiting] == [0] * 6
    requests = receiver.wait_for(8, "/busy", timeout=20)
    assert free.arrived < requests[1].arrived
    for request in requests[1:]:
        assert request.arrived - first.arrived >= 2.0 - SLACK_S
    assert_queue_empty(redis)
    assert len(receiver.requests("/busy")) == 8


def test_there_is_a_cap(redis, receiver, start_worker):
    receiver.script("/", [Answer(503, (("Retry-After", "999999999999"),))])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms")
    stream_id = enqueue(redis, message_event())
    receiver.wait_for(1)
    due = wait_until(lambda: due_ms(redis, delivery_id(stream_id)), 5, "the retry to wait")
    day_ms = 24 * 3600 * 1000
    assert day_ms - 5000 <= due - now_ms(redis) <= day_ms * 1.2 + 5000


@pytest.mark.parametrize(
    "headers",
    [
        (("Retry-After", "299.997"),),
        (("Retry-After", "2099-01-01T00:00:00Z"),),
        (("Retry-After", "300"), ("Retry-After", "300")),
    ],
    ids=["fraction", "other date", "twice"],
)
def test_nonsense_is_ignored(redis, receiver, start_worker, headers):
    receiver.script("/", [Answer(503, headers), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="200ms")
    enqueue(redis, message_event())
    receiver.wait_for(2, timeout=10)
    assert_queue_empty(redis)


def test_that_of_an_informational_answer_is_ignored(redis, receiver, start_worker):
    early = b"HTTP/1.1 103 Early Hints\r\nRetry-After: 300\r\n\r\n"
    final = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
    receiver.script("/", [Raw(early + final, "close"), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="200ms")
    enqueue(redis, message_event())
    receiver.wait_for(2, timeout=10)
    assert_queue_empty(redis)
