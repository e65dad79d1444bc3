"""SIGTERM: what is in flight is finished, the rest left to others; nothing is lost or repeated."""

import collections
import signal
import time

from receiver import Answer, Hang
from wait import stays_true, wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    delivery_id,
    due_ms,
    enqueue,
    heartbeats,
    hook_states,
    key,
    message_event,
    now_ms,
    pending,
    queue_state,
    records,
    set_hook,
    wait_stat,
)
from worker_process import wait_exit


def check_traces_gone(redis):
    """No heartbeat, no leader, nothing pending for anybody, no lease."""
    assert heartbeats(redis) == []
    assert redis.get(key("leader")) is None
    assert pending(redis) == 0
    assert {record["fence"] for record in records(redis).values()} <= {"-"}


def test_idle_worker_ends_at_once(redis, start_worker):
    worker = start_worker()
    assert len(heartbeats(redis)) == 1
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 5) < 2.5
    assert worker.process.returncode == 0
    check_traces_gone(redis)
    if redis.exists(key("events")):
        assert redis.xinfo_consumers(key("events"), "workers") == []


def test_sigint_is_the_same(redis, start_worker):
    worker = start_worker()
    worker.signal(signal.SIGINT)
    assert wait_exit(worker.process, 5) < 2.5
    assert worker.process.returncode == 0
    check_traces_gone(redis)


def test_what_was_learnt_last_is_reported(redis, receiver, start_worker):
    """Hooks are reported on once a second; a worker that ends does not wait for that."""
    receiver.script("/a", [Answer(500), Answer(500), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url("/a"))
    for number, failures in ((1, 1), (2, 2), (3, None)):
        worker = start_worker(retry_schedule="1h")
        enqueue(redis, message_event())
        receiver.wait_for(number, "/a")
        worker.terminate()
        assert hook_states(redis).get("438/main", {}).get("failures") == failures


def test_ending_leaves_other_workers_alone(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    first, second = start_worker(), start_worker()
    first.terminate()
    assert heartbeats(redis) == second.consumers(redis)
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert_queue_empty(redis)


def test_under_load_nothing_is_lost_or_sent_twice(redis, receiver, start_worker):
    events, rooms = 400, 20
    for room in range(rooms):
        receiver.script(f"/{room}", [Answer(200, delay=0.2)])
        set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
    pipeline = redis.pipeline(transaction=False)
    for n in range(events):
        enqueue(pipeline, message_event(room=n % rooms), id=f"event-{n}")
    pipeline.execute()
    worker = start_worker(drain_timeout="10s")
    receiver.wait_for(60)
    worker.signal(signal.SIGTERM)
    took = wait_exit(worker.process, 10)
    assert worker.process.returncode == 0
    assert took < 2.0, "answers take 0.2 s: waiting for what is in flight takes no longer"
    check_traces_gone(redis)
    done = len(receiver.requests())
    assert done < events, "the load was too small for this test"
    left = queue_state(redis)
    assert left["events"] + left["deliveries"] == events - done, left

    start_worker()
    receiver.wait_for(events, timeout=30)
    assert_queue_empty(redis, timeout=10)
    times = collections.Counter(request.header("webhook-id") for request in receiver.requests())
    assert times == {f"event-{n}": 1 for n in range(events)}
    wait_stat(redis, "delivered", events)
    assert dead_letters(redis) == []


def test_the_rest_is_due_now_without_an_attempt(redis, receiver, start_worker):
    """One slot: what was read but not started is in its lane, or was never read."""
    receiver.script("/", [Answer(200, delay=0.4)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(max_per_endpoint=1, drain_timeout="10s")
    for n in range(10):
        enqueue(redis, message_event(), id=f"event-{n}")
    wait_until(lambda: pending(redis) + len(records(redis)) == 10, 5, "all to be read")
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 10) < 3.0, "all take 4 s: what only waits is not waited for"
    check_traces_gone(redis)
    assert len(receiver.requests()) < 10
    for delivery, record in records(redis).items():
        assert record.get("attempts", 0) == 0
        assert due_ms(redis, delivery) <= now_ms(redis)
    receiver.script("/", [Answer(200)])
    start_worker()
    receiver.wait_for(10, timeout=15)
    assert_queue_empty(redis)
    times = collections.Counter(request.header("webhook-id") for request in receiver.requests())
    assert times == {f"event-{n}": 1 for n in range(10)}


def test_an_answer_in_time_is_settled(redis, receiver, start_worker):
    """A failure that arrives while draining becomes a retry with its attempt counted."""
    receiver.script("/", [Answer(503, delay=0.5)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="60s")
    stream_id = enqueue(redis, message_event())
    receiver.wait_for(1)
    assert worker.terminate() == 0
    check_traces_gone(redis)
    record = records(redis)[delivery_id(stream_id)]
    assert (record["attempts"], record["status"]) == (1, 503)


def test_drain_timeout_ends_it(redis, receiver, start_worker):
    """What hangs past it is handed to others: due now."""
    receiver.script("/", [Hang(), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(drain_timeout="1s", timeout="30s", connect_timeout="5s")
    enqueue(redis, message_event(), id="event-1")
    receiver.wait_for(1)
    worker.signal(signal.SIGTERM)
    took = wait_exit(worker.process, 10)
    assert worker.process.returncode == 0
    assert 0.9 <= took < 2.5
    check_traces_gone(redis)
    start_worker()
    _, second = receiver.wait_for(2, timeout=3)
    assert second.header("webhook-id") == "event-1"
    assert_queue_empty(redis)


def test_a_second_sigterm_ends_it_at_once(redis, receiver, start_worker):
    receiver.script("/", [Hang()])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(drain_timeout="30s", timeout="30s", connect_timeout="5s")
    worker.expected_exit = None
    enqueue(redis, message_event())
    receiver.wait_for(1)
    worker.signal(signal.SIGTERM)
    stays_true(lambda: worker.is_running, 0.5, "it waits for the answer")
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 5) < 2.5
    assert queue_state(redis)["events"] + queue_state(redis)["deliveries"] == 1, "nothing is lost"


def test_a_claimed_retry_is_released(redis, receiver, start_worker):
    receiver.script("/", [Answer(500), Hang(), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(
        retry_schedule="100ms,60s", drain_timeout="500ms", timeout="30s", connect_timeout="5s"
    )
    stream_id = enqueue(redis, message_event())
    receiver.wait_for(2)
    assert worker.terminate() == 0
    check_traces_gone(redis)
    assert due_ms(redis, delivery_id(stream_id)) <= now_ms(redis)
    start_worker()
    receiver.wait_for(3, timeout=3)
    assert_queue_empty(redis)


def test_new_events_are_left_to_others(redis, receiver, start_worker):
    """A draining worker takes nothing more."""
    receiver.script("/slow", [Answer(200, delay=1.0)])
    set_hook(redis, 1, "main", url=receiver.url("/slow"))
    set_hook(redis, 2, "main", url=receiver.url("/other"))
    worker = start_worker(drain_timeout="10s")
    enqueue(redis, message_event(room=1))
    receiver.wait_for(1, "/slow")
    worker.signal(signal.SIGTERM)
    # The blocking read is ended before the heartbeat goes; wait until nobody blocks on the stream.
    wait_until(lambda: redis.info("clients")["blocked_clients"] == 0, 3, "the read to end")
    enqueue(redis, message_event(room=2))
    started = time.monotonic()
    assert worker.wait(5) == 0
    assert time.monotonic() - started < 3
    assert receiver.requests("/other") == []
    assert redis.xlen(key("events")) == 1
    check_traces_gone(redis)
