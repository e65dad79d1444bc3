"""What takes a minute: outages as long as an operator's, defaults, and what is looked at seldom.

Not part of scripts/test: ctest --preset slow.
"""

import pytest

from receiver import Answer
from recovery import check_it_waits, check_redis_may_be_away, killed_until_replaced_s
from redis_health import LINKS, deliver
from wait import wait_until
from webhook_queue import (
    GROUP,
    assert_queue_empty,
    enqueue,
    key,
    message_event,
    replace_room,
    set_hook,
    wait_stat,
)

MINUTE_S = 60.0


def test_redis_is_stopped_for_a_minute(own_redis, receiver, start_worker):
    check_redis_may_be_away(own_redis, receiver, start_worker, MINUTE_S)


def test_redis_hangs_for_a_minute(own_redis, receiver, start_worker):
    """SIGSTOP, with an outcome to store: the one POST is settled afterwards."""
    server = own_redis()
    client = server.client()
    receiver.script("/", [Answer(200, delay=0.3)])
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    enqueue(client, message_event(), id="before")
    receiver.wait_for(1)
    server.pause()
    wait_until(lambda: len(worker.logged("redis_lost", fault="timeout")) == LINKS, 15,
               "both links to miss a deadline")  # fmt: skip
    check_it_waits(worker, MINUTE_S, share=0.01)
    server.resume()
    deliver(client, receiver, "after")
    assert len(receiver.requests()) == 2


@pytest.mark.parametrize("ttl_s", [15, 40])
def test_a_killed_worker_with_a_long_ttl(redis, receiver, start_worker, ttl_s):
    """15 s is the default."""
    took_s = killed_until_replaced_s(redis, receiver, start_worker, ttl_s)
    print(f"heartbeat-ttl {ttl_s} s: replaced after {took_s:.1f} s")
    assert took_s <= ttl_s + 5


def test_what_a_worker_forgot_itself(redis, receiver, start_worker):
    """Pending for it in Redis, unknown to it: it looks once a minute."""
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker()
    (name,) = worker.consumers(redis)
    deliver(redis, receiver, "before")
    worker.pause()
    enqueue(redis, message_event(), id="read")  # by the read that waits for it
    enqueue(redis, message_event(), id="forgotten")
    # As if another had read it and then given it to the worker, which is not told.
    ((_, ((entry_id, _),)),) = redis.xreadgroup(GROUP, "other-1-00000000", {key("events"): ">"})
    redis.xclaim(key("events"), GROUP, name, 0, [entry_id], justid=True)
    worker.resume()
    receiver.wait_for(3, timeout=MINUTE_S + 20)
    assert_queue_empty(redis)
    wait_stat(redis, "reclaimed_own", 1)


def test_a_fault_that_lasts_is_told_once(redis, receiver, start_worker):
    """Although hooks that cannot be looked up are asked for at most every 10 s."""
    redis.set(key("room:438"), "not a hash")
    worker = start_worker()
    enqueue(redis, message_event())
    worker.wait_log("redis_error", fault="wrongtype")
    check_it_waits(worker, MINUTE_S, share=0.01)
    assert len(worker.logged("redis_error")) == 1
    assert not worker.logged("redis_recovered")
    replace_room(redis, 438, "main", url=receiver.url())
    receiver.wait_for(1, timeout=20)
    assert_queue_empty(redis)
