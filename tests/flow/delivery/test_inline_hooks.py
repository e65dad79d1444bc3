"""What was learnt about an inline hook belongs to its room, URL and credentials.

A stranger who sends to your URL stops nothing of yours.
"""

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    gate_of,
    key,
    message_event,
    queue_state,
    records,
)

FAILURES_TO_OPEN = 5  # BREAKER_ROW

MINE = {"verificationSignature": "right", "headers": {"Authorization": "Bearer right"}}
STRANGERS = {
    "signature": {"verificationSignature": "wrong"},
    "authorization": {"headers": {"authorization": "Bearer wrong"}},
    "secret": {"secret": "whsec_" + "A" * 32},
}


def inline_event(room, url, **hook):
    event = message_event()
    if room is None:
        del event["message"]["roomId"]
    else:
        event["message"]["roomId"] = room
    return {**event, "webhooks": [{"url": url, "format": "bare", **hook}]}


def strangers():
    """My room, a stranger's room and hook, for each way to be another."""
    for room in (438, None):
        for name, other in STRANGERS.items():
            yield pytest.param(room, room, {**MINE, **other}, id=f"{name}-{room}")
    yield pytest.param(438, 439, MINE, id="room")
    yield pytest.param(438, None, MINE, id="no-room")


ALL = pytest.mark.parametrize(("my_room", "room", "hook"), list(strangers()))


def check_mine_arrive(redis, receiver, url, room):
    for n in range(5):
        enqueue(redis, inline_event(room, url, **MINE), id=f"mine-{n}")
    wait_until(lambda: len(mine(receiver)) == 5, 5, lambda: f"mine; waiting are {records(redis)}")


def mine(receiver):
    return [one for one in receiver.requests() if one.header("webhook-id").startswith("mine")]


def send_as_stranger(redis, receiver, url, room, hook, n=1):
    for _ in range(n):
        enqueue(redis, inline_event(room, url, **hook), id="stranger")
    wait_until(lambda: queue_state(redis)["events"] == 0, 5, "the stranger's events to wait")


def judge_by_id(refusal):
    def judge(request):
        return Answer(200) if request.header("webhook-id").startswith("mine") else refusal

    return judge


@ALL
def test_a_pause(redis, receiver, start_worker, my_room, room, hook):
    receiver.script("/", judge_by_id(Answer(429, (("Retry-After", "3600"),))))
    start_worker(retry_schedule="1h")
    send_as_stranger(redis, receiver, receiver.url(), room, hook)
    check_mine_arrive(redis, receiver, receiver.url(), my_room)


@ALL
def test_a_breaker(redis, receiver, start_worker, my_room, room, hook):
    receiver.script("/", judge_by_id(Answer(401)))
    worker = start_worker(retry_schedule="1h")
    send_as_stranger(redis, receiver, receiver.url(), room, hook, 2 * FAILURES_TO_OPEN)
    worker.wait_log("breaker_open", hook="inline-0")
    check_mine_arrive(redis, receiver, receiver.url(), my_room)
    assert not worker.logged("breaker_closed")


@ALL
def test_a_rate(redis, receiver, start_worker, my_room, room, hook):
    start_worker()
    limited = {**hook, "rateLimit": "1/h"}
    send_as_stranger(redis, receiver, receiver.url(), room, limited, 3)
    wait_until(lambda: queue_state(redis)["deliveries"] == 2, 5, "the stranger's places")
    enqueue(redis, inline_event(my_room, receiver.url(), **MINE, rateLimit="1/h"), id="mine-0")
    wait_until(lambda: mine(receiver), 5, "mine")


@pytest.mark.parametrize("room", [438, None])
def test_your_own_pause_holds(redis, receiver, start_worker, room):
    """Whatever else is in the event: a hook is the same by room, URL and credentials."""
    receiver.script("/", [Answer(429, (("Retry-After", "3600"),))])
    start_worker(retry_schedule="1h")
    send_as_stranger(redis, receiver, receiver.url(), room, MINE)
    other = inline_event(room, receiver.url(), **MINE, timeout="3s")
    other["webhooks"].insert(0, {"url": receiver.url("/other")})
    enqueue(redis, other, id="mine")
    receiver.wait_for(1, "/other")
    wait_until(lambda: queue_state(redis)["deliveries"] == 2, 5, "mine to be put off")
    assert len(receiver.requests("/")) == 1


def test_places_of_a_rate_are_kept_by_what_a_hook_is(redis, receiver, start_worker):
    start_worker()
    url = receiver.url()
    enqueue(redis, inline_event(438, url, rateLimit="1/h"))
    enqueue(redis, inline_event(None, url, rateLimit="1/h"))
    receiver.wait_for(2)
    assert_queue_empty(redis)
    lanes = sorted(lane.decode() for lane in redis.hkeys(key("gates")))
    assert [lane.split(":")[0] for lane in lanes] == ["/", "438/"]
    for lane in lanes:
        assert len(lane.split(":")[1]) == 16
        assert gate_of(redis, lane)[1:] == ("rate", lane.split(":")[1][:8])
