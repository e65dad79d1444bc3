"""T21: a worker whose clock is wrong, or is set while it works.

What waits does so by Redis' clock and by clocks that nobody sets, so it goes on. Signatures and
ages are by the worker's own.
"""

import struct
import time

import pytest
from receiver import Answer
from sanitizer import preload
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    encode,
    enqueue,
    heartbeats,
    key,
    message_event,
    set_hook,
    wait_dead,
)

HOUR_S = 3600
DAY_S = 24 * HOUR_S


@pytest.fixture
def wall_clock(roomhook_bin, tmp_path):
    """wall_clock.set(seconds) puts the clock of workers started with env=wall_clock.env off."""

    class WallClock:
        path = tmp_path / "wall_clock"
        env = {
            **preload(roomhook_bin.parent / "tests" / "libwall_clock.so"),
            "WALL_CLOCK": str(path),
        }

        def set(self, seconds):
            with open(self.path, "r+b") as file:
                file.write(struct.pack("=q", seconds))

    WallClock.path.write_bytes(struct.pack("=q", 0))
    return WallClock()


def off_by(request):
    """How far the time that a request tells was off when it arrived, in seconds."""
    return int(request.header("webhook-timestamp")) - request.arrived_wall


def test_each_attempt_tells_the_time_of_the_clock_as_it_is_then(
    redis, receiver, start_worker, wall_clock
):
    """And the next one comes neither earlier nor later for it."""
    receiver.script("/", [Answer(503), Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    wall_clock.set(HOUR_S)
    start_worker(env=wall_clock.env, retry_schedule="500ms,500ms", retry_jitter="0%")
    enqueue(redis, message_event())
    for n, next_s in enumerate((-HOUR_S, 0, 0)):
        receiver.wait_for(n + 1)
        wall_clock.set(next_s)
    requests = receiver.requests()
    assert [off_by(one) for one in requests] == pytest.approx([HOUR_S, -HOUR_S, 0], abs=2)
    assert len({request.header("webhook-id") for request in requests}) == 1
    for earlier, later in zip(requests, requests[1:]):
        assert 0.45 <= later.arrived - earlier.arrived < 3
    assert_queue_empty(redis)


@pytest.mark.parametrize("step_s", [-30 * DAY_S, 3 * DAY_S])
def test_a_step_stops_nothing(redis, receiver, start_worker, wall_clock, step_s):
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(env=wall_clock.env, heartbeat_ttl="3s")
    before = heartbeats(redis)
    enqueue(redis, message_event())
    receiver.wait_for(1)
    wall_clock.set(step_s)
    stepped = time.monotonic()
    receiver.script("/", [Answer(503), Answer(200)])
    enqueue(redis, message_event())
    receiver.wait_for(2)
    wait_until(lambda: time.monotonic() - stepped > 3.5, 10, "a whole heartbeat-ttl to pass")
    enqueue(redis, message_event())
    receiver.wait_for(3)
    assert heartbeats(redis) == before
    assert not worker.logged("heartbeat_lapsed")


@pytest.mark.parametrize("off_s", [-6 * DAY_S, 6 * DAY_S])
def test_events_age_by_the_clock_of_redis(redis, receiver, start_worker, wall_clock, off_s):
    set_hook(redis, 438, "main", url=receiver.url())
    old_ms = int((time.time() - 5 * DAY_S) * 1000) - 60_000
    redis.xadd(key("events"), {"json": encode(message_event(), "json")}, id=f"{old_ms}-0")
    enqueue(redis, message_event(), id="young")
    wall_clock.set(off_s)
    start_worker(env=wall_clock.env, max_age="5d")
    (request,) = receiver.wait_for(1)
    assert request.header("webhook-id") == "young"
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "expired"
    assert_queue_empty(redis)


@pytest.mark.parametrize("off_s", [-40, 40])
def test_a_clock_that_differs_is_told_once(redis, receiver, start_worker, wall_clock, off_s):
    worker = start_worker(env=wall_clock.env, heartbeat_ttl="3s")
    assert not worker.logged("clock_skewed")
    wall_clock.set(off_s)
    line = worker.wait_log("clock_skewed")
    assert int(line["ahead_of_redis_ms"]) / 1000 == pytest.approx(off_s, abs=2)
    wall_clock.set(0)
    worker.wait_log("clock_in_sync")
    assert len(worker.logged("clock_skewed")) == 1
