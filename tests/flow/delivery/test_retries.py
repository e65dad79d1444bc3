"""Retries: when they come, what waits in Redis meanwhile, and what may change in between."""

import json
import re
import time

import pytest

from receiver import Answer, Hang
from wait import wait_until
from webhook_queue import (
    add_waiting,
    assert_queue_empty,
    dead_letters,
    delivery_id,
    due_ms,
    encode,
    enqueue,
    key,
    lane_key,
    message_event,
    now_ms,
    pending,
    record_of,
    records,
    set_hook,
    wait_dead,
    wait_stat,
)

LATE_S = 0.25
EARLY_S = 0.002
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def check_gap(lateness):
    """check_gap(earlier, later, delay_s, jitter=0.2): so long after one request came the next."""

    def check(earlier, later, delay_s, jitter=0.2):
        gap = later.arrived - earlier.arrived
        late_s = LATE_S + lateness.of_a_post_s()
        assert delay_s * (1 - jitter) - EARLY_S <= gap <= delay_s * (1 + jitter) + late_s, gap

    return check


def wait_waiting(redis, stream_id, hook="main"):
    """Waits until the delivery waits for its retry, held by nobody; returns its record."""

    def waiting():
        record = record_of(redis, delivery_id(stream_id, hook))
        return record if record and record["fence"] == "-" else None

    return wait_until(waiting, 5, "the delivery to wait")


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_two_failures_then_success(redis, receiver, start_worker, check_gap, encoding):
    receiver.script("/", [Answer(500), Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url(), verificationSignature="s")
    start_worker(retry_schedule="300ms,600ms")
    stream_id = enqueue(redis, message_event(), encoding, traceparent=TRACE)
    first, second, third = receiver.wait_for(3)
    check_gap(first, second, 0.3)
    check_gap(second, third, 0.6)
    for attempt, request in enumerate((first, second, third), 1):
        assert request.header("webhook-attempt") == str(attempt)
        assert request.header("webhook-event") == "message.created"
        assert request.header("webhook-id") == f"msg_{stream_id}"
        assert request.body == first.body
        assert request.header("Verification-Signature") == "s"
        assert request.header("traceparent") == TRACE
        assert abs(int(request.header("webhook-timestamp")) - request.arrived_wall) <= 1.5
    assert_queue_empty(redis)
    wait_stat(redis, "delivered", 1)
    wait_stat(redis, "retries", 2)
    wait_stat(redis, "attempts", 3)
    assert len(receiver.requests()) == 3
    assert dead_letters(redis) == []


def test_without_jitter_the_schedule_is_kept_exactly(redis, receiver, start_worker, check_gap):
    receiver.script("/", [Answer(500)] * 4 + [Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms,200ms,400ms,100ms", retry_jitter="0%")
    enqueue(redis, message_event())
    requests = receiver.wait_for(5)
    for earlier, later, delay in zip(requests, requests[1:], [0.1, 0.2, 0.4, 0.1]):
        check_gap(earlier, later, delay, jitter=0)


def test_jitter_spreads_retries(redis, receiver, start_worker, check_gap):
    """A crowd that failed together does not come back together."""
    for n in range(40):
        receiver.script(f"/{n}", [Answer(500), Answer(200)])
        set_hook(redis, n, "main", url=receiver.url(f"/{n}"))
    worker = start_worker(retry_schedule="1s", retry_jitter="50%", log_level="debug")
    for n in range(40):
        enqueue(redis, message_event(room=n))
    receiver.wait_for(80)
    delays_s = {int(line["room"]): int(line["delay_ms"]) / 1000 for line in worker.logged("retry")}
    assert len(delays_s) == 40 and 0.5 <= min(delays_s.values()) and max(delays_s.values()) <= 1.5
    assert min(delays_s.values()) < 0.8 and max(delays_s.values()) > 1.2
    for n in range(40):
        check_gap(*receiver.requests(f"/{n}"), delays_s[n], jitter=0)
    assert_queue_empty(redis)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_what_waits_is_a_record_in_redis(redis, receiver, start_worker, encoding):
    receiver.script("/", [Answer(503, body=b"later")])
    secret = "whsec_" + "QUJD" * 10
    set_hook(redis, 438, "main", url=receiver.url(), verificationSignature="canary", secret=secret)
    start_worker(retry_schedule="60s", retry_jitter="10%")
    stream_id = enqueue(redis, message_event(), encoding, id="event-7", traceparent=TRACE)
    (request,) = receiver.wait_for(1)
    record = wait_waiting(redis, stream_id)

    assert redis.xlen(key("events")) == 0 and pending(redis) == 0
    assert redis.zcard(lane_key("438/main")) == redis.hlen(key("deliveries")) == 1
    assert redis.zscore(key("lanes"), "438/main") == due_ms(redis, delivery_id(stream_id))
    assert not redis.exists(key("leases"))
    delay_ms = due_ms(redis, delivery_id(stream_id)) - request.arrived_wall * 1000
    assert 54_000 - 100 <= delay_ms <= 66_000 + 500

    text = redis.hget(key("deliveries"), delivery_id(stream_id))
    meta, document = text.split(b"\n", 1)
    assert document == encode(message_event(), encoding)
    meta = json.loads(meta)
    for name in ("first_attempt_at", "last_attempt_at"):
        assert abs(meta.pop(name) - request.arrived_wall * 1000) < 500
    assert meta.pop("error", "")
    assert meta.pop("due_at") == due_ms(redis, delivery_id(stream_id))
    assert meta == {
        "lane": "438/main",
        "event_id": "event-7",
        "attempts": 1,
        "status": 503,
        "traceparent": TRACE,
        "encoding": encoding,
    }
    assert b"canary" not in text and b"whsec_" not in text and b"http" not in text
    assert record["claims"] == 0


def test_the_record_of_an_event_without_id(redis, receiver, start_worker):
    receiver.script("/", [Answer(503)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="60s")
    record = wait_waiting(redis, enqueue(redis, message_event()))
    assert "event_id" not in record and "traceparent" not in record


def test_a_claimed_retry_is_leased(redis, receiver, start_worker):
    receiver.script("/", [Answer(503), Hang()])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="100ms,60s", timeout="3s")
    stream_id = enqueue(redis, message_event())
    _, second = receiver.wait_for(2)
    record = record_of(redis, delivery_id(stream_id))
    assert record["fence"].startswith(f"{worker.consumers(redis)[0]}:")
    lease = due_ms(redis, delivery_id(stream_id)) - second.arrived_wall * 1000
    assert 6000 <= lease <= 8000  # the timeout and 5 s
    record = wait_waiting(redis, stream_id)
    assert record["attempts"] == 2
    assert record["claims"] == 0
    assert "status" not in record
    assert "timeout" in record["error"]


def test_an_inline_hook_is_retried(redis, receiver, start_worker):
    """Its URL is in the document; nothing is looked up."""
    receiver.script("/0", [Answer(500), Answer(200)])
    worker = start_worker(retry_schedule="1s")
    event = {
        "message": {"a": 1},
        "webhooks": [{"url": receiver.url("/0"), "format": "bare"}, {"url": receiver.url("/1")}],
    }
    stream_id = enqueue(redis, event)
    receiver.wait_for(2)
    record = wait_waiting(redis, stream_id, "inline-0")
    assert re.fullmatch("/:[0-9a-f]{16}", record["lane"])
    worker.terminate()
    start_worker(retry_schedule="1s")
    first, second = receiver.wait_for(2, "/0")
    assert first.body == second.body == b'{"message":{"a":1}}'
    assert_queue_empty(redis)
    assert len(receiver.requests("/1")) == 1


def test_another_worker_keeps_the_retry(redis, receiver, start_worker, check_gap):
    receiver.script("/", [Answer(500), Answer(500), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    first_worker = start_worker(retry_schedule="1s,200ms", retry_jitter="0%")
    stream_id = enqueue(redis, message_event())
    wait_waiting(redis, stream_id)
    due = due_ms(redis, delivery_id(stream_id))
    first_worker.terminate()
    assert due_ms(redis, delivery_id(stream_id)) == due, "stopping does not move it"
    start_worker(retry_schedule="1s,200ms", retry_jitter="0%")
    first, second, third = receiver.wait_for(3)
    check_gap(first, second, 1.0, jitter=0)
    check_gap(second, third, 0.2, jitter=0)
    assert third.header("webhook-id") == f"msg_{stream_id}"
    assert_queue_empty(redis)


def test_a_killed_worker_keeps_the_retry(redis, receiver, start_worker, check_gap):
    receiver.script("/", [Answer(500), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="1s")
    wait_waiting(redis, enqueue(redis, message_event()))
    worker.kill()
    start_worker(retry_schedule="1s")
    first, second = receiver.wait_for(2)
    check_gap(first, second, 1.0)
    assert [first.header("webhook-attempt"), second.header("webhook-attempt")] == ["1", "2"]
    assert_queue_empty(redis)


def test_an_overdue_retry_comes_at_once(redis, receiver, start_worker):
    """Nobody was there when it was due."""
    receiver.script("/", [Answer(500), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="300ms")
    stream_id = enqueue(redis, message_event())
    wait_waiting(redis, stream_id)
    worker.terminate()
    wait_until(lambda: now_ms(redis) > due_ms(redis, delivery_id(stream_id)), 5, "the due time")
    start_worker()
    receiver.wait_for(2, timeout=1.5)
    assert_queue_empty(redis)


def change_while_waiting(redis, receiver, start_worker, change):
    """An event fails once at /old; with no worker there change() happens; another takes over."""
    receiver.script("/old", [Answer(500)])
    set_hook(redis, 438, "main", url=receiver.url("/old"))
    worker = start_worker(retry_schedule="300ms,300ms")
    wait_waiting(redis, enqueue(redis, message_event(), id="event-1"))
    worker.terminate()
    change()
    start_worker(retry_schedule="300ms,300ms")


def check_letter(redis, reason):
    (letter,) = wait_dead(redis)
    assert letter["reason"] == reason
    assert (letter["room"], letter["hook"], letter["event_id"]) == ("438", "main", "event-1")
    assert letter["attempts"] == "1"
    assert letter["error"].strip()
    assert letter["json"] == encode(message_event(), "json")
    assert_queue_empty(redis)


def test_hook_removed_while_waiting(redis, receiver, start_worker):
    change_while_waiting(
        redis, receiver, start_worker, lambda: redis.hdel(key("room:438"), "main")
    )
    check_letter(redis, "hook-removed")
    assert len(receiver.requests()) == 1


def test_hook_disabled_while_waiting(redis, receiver, start_worker):
    change_while_waiting(
        redis,
        receiver,
        start_worker,
        lambda: set_hook(redis, 438, "main", url=receiver.url("/old"), enabled=False),
    )
    check_letter(redis, "hook-disabled")
    assert len(receiver.requests()) == 1


def test_hook_broken_while_waiting(redis, receiver, start_worker):
    change_while_waiting(
        redis, receiver, start_worker, lambda: redis.hset(key("room:438"), "main", "{")
    )
    check_letter(redis, "bad-hook")
    assert len(receiver.requests()) == 1


def test_url_changed_while_waiting(redis, receiver, start_worker):
    change_while_waiting(
        redis,
        receiver,
        start_worker,
        lambda: set_hook(redis, 438, "main", url=receiver.url("/new"), verificationSignature="new"),
    )
    (request,) = receiver.wait_for(1, "/new")
    assert request.header("webhook-id") == "event-1"
    assert request.header("Verification-Signature") == "new"
    assert_queue_empty(redis)
    assert len(receiver.requests("/old")) == 1


def test_a_running_worker_notices_a_changed_hook(redis, receiver, start_worker):
    """Hooks are cached for 5 s at most."""
    receiver.script("/old", [Answer(500)])
    set_hook(redis, 438, "main", url=receiver.url("/old"))
    start_worker(retry_schedule="5500ms", retry_jitter="0%")
    wait_waiting(redis, enqueue(redis, message_event()))
    set_hook(redis, 438, "main", url=receiver.url("/new"))
    receiver.wait_for(1, "/new", timeout=8)
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 2


def test_a_hook_disabled_by_410_ends_what_waits(redis, receiver, start_worker):
    """Two events wait for one hook; the first one's retry is answered 410."""
    receiver.script("/", [Answer(500), Answer(500, delay=0.3), Answer(410), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="500ms", retry_jitter="0%")
    enqueue(redis, message_event(), id="event-1")
    receiver.wait_for(1)
    wait_until(lambda: len(records(redis)) == 1, 5, "the first to wait")
    enqueue(redis, message_event(), id="event-2")
    letters = wait_dead(redis, 2)
    assert sorted(letter["reason"] for letter in letters) == ["gone", "hook-disabled"]
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 3


def test_two_workers_send_each_retry_once(redis, receiver, start_worker):
    events = 200
    for room in range(events // 4):
        set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
    seen = set()

    def fail_first(request):
        first_time = request.header("webhook-id") not in seen
        seen.add(request.header("webhook-id"))
        return Answer(503 if first_time else 200)

    for room in range(events // 4):
        receiver.script(f"/{room}", [fail_first])
    for _ in range(2):
        start_worker(retry_schedule="400ms,400ms,400ms")
    pipeline = redis.pipeline(transaction=False)
    for n in range(events):
        enqueue(pipeline, message_event(room=n % (events // 4)), id=f"event-{n}")
    pipeline.execute()
    receiver.wait_for(2 * events, timeout=20)
    assert_queue_empty(redis, timeout=10)
    times = {}
    for request in receiver.requests():
        times[request.header("webhook-id")] = times.get(request.header("webhook-id"), 0) + 1
    assert times == {f"event-{n}": 2 for n in range(events)}
    assert dead_letters(redis) == []


def test_a_dead_endpoint_does_not_delay_others_retries(redis, receiver, start_worker, check_gap):
    """Its overdue retries hide nobody's."""
    receiver.script("/dead", [Hang()])
    receiver.script("/well", [Answer(500), Answer(200)])
    set_hook(redis, 1, "main", url=receiver.url("/dead"))
    set_hook(redis, 2, "main", url=receiver.url("/well"))
    start_worker(retry_schedule="300ms,300ms,300ms,300ms", timeout="1s", max_in_flight=32)
    pipeline = redis.pipeline(transaction=False)
    for _ in range(500):
        enqueue(pipeline, message_event(room=1))
    pipeline.execute()
    wait_until(lambda: len(records(redis)) >= 100, 20, "its retries")
    enqueue(redis, message_event(room=2))
    first, second = receiver.wait_for(2, "/well")
    check_gap(first, second, 0.3)


@pytest.mark.parametrize("score", [9.3e18, "inf", 1e13 + 0.5])
def test_strange_due_times_keep_nobody_busy(redis, start_worker, score):
    delivery = add_waiting(redis, "1667548137257-0")
    redis.zadd(lane_key("438/main"), {delivery: score})
    redis.zadd(key("lanes"), {"438/main": score})
    start_worker()
    redis.config_resetstat()
    began = time.monotonic()
    wait_until(lambda: time.monotonic() > began + 1.5, 3, "some looks")
    looks = redis.info("commandstats")["cmdstat_zrangebyscore"]["calls"]
    assert 2 <= looks <= 20  # two a look
