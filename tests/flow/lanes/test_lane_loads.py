"""Lanes under loads that once hid others: many at once, many hooks of one room, a hook that is fast
and slow in turns, a worker without descriptors, an operator that resumes again and again."""

import json
import threading
from collections import Counter

from lane_invariants import check_invariants
from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    key,
    message_event,
    now_ms,
    set_hook,
    stats,
    wait_stat,
)

LANES = 10000
HOOKS = 256


def ids(requests):
    return Counter(one.header("webhook-id") for one in requests)


def test_ten_thousand_lanes_are_due_at_once(redis, receiver, start_worker):
    now = now_ms(redis)
    with redis.pipeline() as pipeline:
        for room in range(LANES):
            lane, identity = f"{room}/main", f"{now - 5000:013}-{room:06}/main"
            pipeline.hset(key(f"room:{room}"), "main", json.dumps({"url": receiver.url("/")}))
            meta = {"due_at": now, "lane": lane, "event_id": f"e{room}", "attempts": 1,
                    "encoding": "json"}
            pipeline.hset(key("deliveries"), identity,
                          json.dumps(meta) + "\n" + json.dumps(message_event(room=room)))
            pipeline.zadd(key(f"lane:{lane}"), {identity: now})
            pipeline.zadd(key("lanes"), {lane: now})
            if room % 1000 == 999:
                pipeline.execute()
    start_worker(max_per_endpoint=256)
    start_worker(max_per_endpoint=256)
    receiver.wait_for(LANES, timeout=60)
    assert_queue_empty(redis)
    assert ids(receiver.requests()) == {f"e{room}": 1 for room in range(LANES)}
    assert stats(redis).get("released", 0) == 0
    check_invariants(redis)


def test_a_room_with_256_hooks(redis, receiver, start_worker):
    """All of them fail once, so that all have lanes; another room's events pass."""
    for number in range(HOOKS):
        set_hook(redis, 438, f"h{number}", url=receiver.url(f"/{number}"))
        receiver.script(f"/{number}", [Answer(503), Answer(200)])
    set_hook(redis, 439, "main", url=receiver.url("/good"))
    start_worker(retry_schedule="500ms", retry_jitter="0%")
    enqueue(redis, message_event(text="x" * 6000), id="large")
    wait_until(lambda: redis.hlen(key("deliveries")) > HOOKS / 2, 10, lambda: "lanes")
    assert redis.hlen(key("documents")) <= 1
    enqueue(redis, message_event(room=439))
    receiver.wait_for(1, "/good", timeout=3)
    receiver.wait_for(2 * HOOKS + 1, timeout=20)
    assert_queue_empty(redis)
    assert all(len(receiver.requests(f"/{number}")) == 2 for number in range(HOOKS))
    check_invariants(redis)


def test_a_hook_that_is_fast_and_slow_in_turns(redis, receiver, start_worker):
    """Everything arrives, in order of the stream as far as one at a time allows; others pass."""
    set_hook(redis, 438, "flips", url=receiver.url("/flips"))
    set_hook(redis, 439, "good", url=receiver.url("/good"))
    receiver.script("/flips", [Answer(200), Answer(200, delay=0.4)] * 40)
    start_worker(max_per_endpoint=4)
    for number in range(40):
        enqueue(redis, message_event(), id=f"f{number}")
        enqueue(redis, message_event(room=439), id=f"g{number}")
    receiver.wait_for(40, "/good", timeout=3)
    receiver.wait_for(40, "/flips", timeout=30)
    assert_queue_empty(redis)
    assert ids(receiver.requests("/flips")) == {f"f{number}": 1 for number in range(40)}
    check_invariants(redis)


def test_a_worker_without_descriptors(redis, receiver, start_worker):
    """What it cannot send it gives back, to its place; the other sends it, and is not slowed."""
    set_hook(redis, 438, "main", url=receiver.url("/busy"))
    receiver.script("/busy", [Answer(200, delay=0.05)] * 400)
    poor = start_worker(wrapper=("prlimit", "--nofile=40:40"), max_in_flight=64)
    start_worker(max_in_flight=64)
    for number in range(400):
        enqueue(redis, message_event(), id=f"e{number}")
    receiver.wait_for(400, timeout=20)
    assert_queue_empty(redis)
    assert ids(receiver.requests()) == {f"e{number}": 1 for number in range(400)}
    assert poor.is_running
    wait_stat(redis, "attempts", 400)
    assert stats(redis).get("dead", 0) == 0
    check_invariants(redis)


def test_resumes_while_claims_run(redis, receiver, start_worker, cli):
    """Nothing is lost or sent twice at once, however often the lane is opened again."""
    set_hook(redis, 438, "main", url=receiver.url("/bad"))
    receiver.script("/bad", [Answer(503)] * 150 + [Answer(200)])
    start_worker(retry_schedule=",".join(["1s"] * 60), max_per_endpoint=8)
    start_worker(retry_schedule=",".join(["1s"] * 60), max_per_endpoint=8)
    with redis.pipeline() as pipeline:
        for number in range(200):
            enqueue(pipeline, message_event(), id=f"e{number}")
        pipeline.execute()
    over = threading.Event()
    failures = []

    def resume():
        while not over.is_set():
            done = cli("hook", "resume", "--room", "438", "--id", "main", check=False)
            if done.returncode != 0:
                failures.append(done.stderr)

    resuming = threading.Thread(target=resume)
    resuming.start()
    try:
        wait_stat(redis, "delivered", 200, timeout=30)
    finally:
        over.set()
        resuming.join()
    assert not failures
    assert_queue_empty(redis)
    assert stats(redis)["delivered"] == 200 and stats(redis).get("fenced", 0) == 0
    # The worker that delivered the last may count before the other one counts its failures.
    wait_stat(redis, "attempts", len(receiver.requests()))
    check_invariants(redis)
