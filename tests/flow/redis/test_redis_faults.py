"""What Redis may do to a worker: it comes back by itself and loses nothing that Redis still has."""

import collections
import signal
import time

import pytest
from redis.exceptions import ResponseError

from child import free_port
from receiver import Answer
from redis_health import assert_links_told_once, assert_told_once, wait_counter
from wait import stays_true, wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    pending,
    queue_state,
    replace_room,
    set_hook,
    stats,
)
from worker_process import wait_exit

BACK_S = 15  # reconnects are put off by at most some seconds


def enqueue_some(redis, n, room=438, prefix="event"):
    pipeline = redis.pipeline(transaction=False)
    ids = [f"{prefix}-{i}" for i in range(n)]
    for event_id in ids:
        enqueue(pipeline, message_event(room=room), id=event_id)
    pipeline.execute()
    return set(ids)


def seen_ids(receiver):
    return {request.header("webhook-id") for request in receiver.requests()}


def wait_seen(receiver, ids, timeout=BACK_S):
    wait_until(
        lambda: ids <= seen_ids(receiver),
        timeout,
        lambda: f"{len(ids - seen_ids(receiver))} of {len(ids)} events",
    )


def test_redis_comes_up_after_the_worker(receiver, own_redis, start_worker):
    port = free_port()
    worker = start_worker(redis=f"redis://127.0.0.1:{port}/0", wait_ready=False)
    stays_true(lambda: worker.is_running, 1.0, "it does not give up")
    assert worker.cpu_seconds() < 0.5, "it does not spin"
    server = own_redis(port=port)
    redis = server.client()
    set_hook(redis, 438, "main", url=receiver.url())
    enqueue(redis, message_event(), id="event-1")
    wait_seen(receiver, {"event-1"})
    assert_queue_empty(redis)


def test_redis_restarts(receiver, own_redis, start_worker):
    """In the middle of slow deliveries; nothing of what Redis keeps in its file is lost."""
    server = own_redis(appendonly=True)
    redis = server.client()
    receiver.script("/", [Answer(200, delay=0.1)])
    set_hook(redis, 438, "main", url=receiver.url())
    for _ in range(2):
        start_worker(redis=server)
    ids = enqueue_some(redis, 200)
    receiver.wait_for(20)
    server.restart()
    redis = server.client()
    ids |= enqueue_some(redis, 20, prefix="later")
    wait_seen(receiver, ids, timeout=30)
    assert_queue_empty(redis, timeout=20)
    assert dead_letters(redis) == []
    times = collections.Counter(request.header("webhook-id") for request in receiver.requests())
    assert max(times.values()) <= 2
    assert sum(times.values()) - len(times) <= 40, "only what was in flight may be repeated"


def test_redis_crashes(receiver, own_redis, start_worker):
    server = own_redis(appendonly=True)
    redis = server.client()
    receiver.script("/", [Answer(503), Answer(503), Answer(200, delay=0.05)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(redis=server, retry_schedule="300ms,300ms,300ms,300ms")
    ids = enqueue_some(redis, 100)
    receiver.wait_for(20)
    server.kill()
    server.start()
    redis = server.client()
    wait_seen(receiver, ids, timeout=30)
    assert_queue_empty(redis, timeout=20)
    assert dead_letters(redis) == []


def test_an_answer_while_redis_is_away_is_settled_later(receiver, own_redis, start_worker):
    """The worker keeps the outcome; it does not POST again."""
    server = own_redis(appendonly=True)
    redis = server.client()
    receiver.script("/", [Answer(200, delay=1.0)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    enqueue(redis, message_event())
    receiver.wait_for(1)
    server.shut_down()
    wait_until(lambda: receiver.open_connections <= 1, 5, "the answer")
    stays_true(lambda: worker.is_running, 1.5, "it waits for Redis")
    server.start()
    redis = server.client()
    assert_queue_empty(redis, timeout=BACK_S)
    stays_true(lambda: len(receiver.requests()) == 1, 0.5, "one POST")


def test_redis_is_loading(receiver, own_redis, start_worker):
    """After a restart with much data it refuses everything for a while: -LOADING."""
    server = own_redis(appendonly=True, key_load_delay="500")  # half a millisecond for each write
    redis = server.client()
    pipeline = redis.pipeline(transaction=False)
    for n in range(5000):
        pipeline.set(f"other:{n}", n)
    pipeline.execute()
    receiver.script("/fails", [Answer(503, delay=0.5), Answer(200)])
    receiver.script("/ok", [Answer(200, delay=0.5)])
    set_hook(redis, 1, "main", url=receiver.url("/fails"))
    set_hook(redis, 2, "main", url=receiver.url("/ok"))
    worker = start_worker(redis=server, retry_schedule="300ms")
    enqueue(redis, message_event(room=1), id="event-1")
    enqueue(redis, message_event(room=2), id="event-2")
    receiver.wait_for(2)
    server.restart()
    redis = server.client()
    assert_links_told_once(worker, "loading")
    wait_counter(redis, "loading")
    enqueue(redis, message_event(room=2), id="event-3")
    wait_seen(receiver, {"event-1", "event-2", "event-3"})
    assert_queue_empty(redis, timeout=BACK_S)
    assert len(receiver.requests("/fails")) == 2
    assert len(receiver.requests("/ok")) == 2
    assert dead_letters(redis) == []


def test_flushall(redis, receiver, start_worker):
    """The group is made again, at 0; what comes later is delivered."""
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker()
    enqueue(redis, message_event(), id="before")
    wait_seen(receiver, {"before"})
    assert_queue_empty(redis)
    redis.flushall()
    set_hook(redis, 438, "main", url=receiver.url())
    ids = enqueue_some(redis, 50, prefix="after")
    wait_seen(receiver, ids)
    assert_queue_empty(redis)
    wait_until(lambda: worker.consumers(redis), 10, "its heartbeat to be back")
    wait_until(lambda: stats(redis).get("group_created", 0) >= 1, 10, "the counter group_created")
    wait_counter(redis, "nogroup")
    assert_told_once(worker, "nogroup")
    assert worker.cpu_seconds() < 3


def test_flushall_with_deliveries_in_flight(redis, receiver, start_worker):
    receiver.script("/slow", [Answer(200, delay=0.7)])
    set_hook(redis, 1, "main", url=receiver.url("/slow"))
    worker = start_worker()
    enqueue_some(redis, 3, room=1, prefix="before")
    receiver.wait_for(1)
    redis.flushall()
    set_hook(redis, 438, "main", url=receiver.url())
    ids = enqueue_some(redis, 10, prefix="after")
    wait_seen(receiver, ids)
    assert_queue_empty(redis)
    assert worker.is_running


def test_the_stream_is_deleted(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event(), id="before")
    wait_seen(receiver, {"before"})
    for n in range(3):
        redis.delete(key("events"))
        enqueue(redis, message_event(), id=f"after-{n}")
        wait_seen(receiver, {f"after-{n}"})
    assert_queue_empty(redis)


def test_the_group_is_destroyed(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event(), id="before")
    wait_seen(receiver, {"before"})
    assert_queue_empty(redis)
    redis.xgroup_destroy(key("events"), "workers")
    enqueue(redis, message_event(), id="after")
    wait_seen(receiver, {"after"})
    assert_queue_empty(redis)


def test_entries_are_deleted_by_somebody(redis, receiver, start_worker):
    """Trimmed while in flight: the worker goes on, and counts what it never saw as lost."""
    receiver.script("/", [Answer(200, delay=0.3)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(max_in_flight=2)
    enqueue_some(redis, 20, prefix="before")
    receiver.wait_for(1)
    redis.xtrim(key("events"), maxlen=0)
    ids = enqueue_some(redis, 5, prefix="after")
    wait_seen(receiver, ids)
    assert_queue_empty(redis)


def test_redis_freezes(receiver, own_redis, start_worker):
    """SIGSTOP for 3 s: half-open for the worker, then all goes on; nothing is sent twice."""
    server = own_redis()
    redis = server.client()
    receiver.script("/", [Answer(200, delay=0.05)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(redis=server)
    ids = enqueue_some(redis, 100)
    receiver.wait_for(10)
    server.pause()
    time.sleep(3)  # the fault itself
    server.resume()
    ids |= enqueue_some(redis, 20, prefix="later")
    wait_seen(receiver, ids, timeout=25)
    assert_queue_empty(redis, timeout=15)
    times = collections.Counter(request.header("webhook-id") for request in receiver.requests())
    assert max(times.values()) <= 2
    assert dead_letters(redis) == []


def test_the_script_cache_is_lost(redis, receiver, start_worker):
    """NOSCRIPT: sent again in full. Retries, leases and letters all go through scripts."""
    receiver.script("/", [Answer(500), Answer(200), Answer(500), Answer(200)])
    receiver.script("/bad", [Answer(400)])
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url("/bad"))
    worker = start_worker(retry_schedule="300ms")
    for n in range(2):
        enqueue(redis, message_event(), id=f"event-{n}")
        receiver.wait_for(2 * n + 1, "/")
        redis.script_flush()
        receiver.wait_for(2 * n + 2, "/")
        redis.script_flush()
        assert_queue_empty(redis)
    redis.script_flush()
    enqueue(redis, message_event(room=439))
    wait_until(lambda: dead_letters(redis), 5, "the letter")
    assert_queue_empty(redis)
    assert len(receiver.requests("/")) == 4
    wait_counter(redis, "noscript")
    assert_told_once(worker, "noscript")


def test_connections_are_cut(redis, receiver, start_worker):
    """CLIENT KILL again and again, under load."""
    receiver.script("/", [Answer(200, delay=0.05)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    ids = enqueue_some(redis, 150)
    for n in range(3):
        wait_until(lambda n=n: len(seen_ids(receiver)) >= 10 * (n + 1), 10, "some deliveries")
        redis.client_kill_filter(_type="normal", skipme=True)
    wait_seen(receiver, ids, timeout=30)
    assert_queue_empty(redis, timeout=BACK_S)
    times = collections.Counter(request.header("webhook-id") for request in receiver.requests())
    assert set(times.values()) == {1}, "the worker lives and knows what it sent"


def test_a_key_of_the_wrong_type(redis, receiver, start_worker):
    """A look-up that fails is never "no hook": the event waits."""
    redis.set(key("room:438"), "not a hash")
    set_hook(redis, 439, "main", url=receiver.url("/other"))
    worker = start_worker()
    enqueue(redis, message_event(), id="event-1")
    enqueue(redis, message_event(room=439), id="event-2")
    wait_seen(receiver, {"event-2"})
    stays_true(lambda: sum(queue_state(redis).values()) > 0, 1.0, "the event waits")
    replace_room(redis, 438, "main", url=receiver.url())
    wait_seen(receiver, {"event-1"}, timeout=20)
    assert_queue_empty(redis)
    assert stats(redis).get("no_hook", 0) == 0
    assert dead_letters(redis) == []
    wait_counter(redis, "wrongtype")
    assert_told_once(worker, "wrongtype")


def test_a_leader_of_the_wrong_type(redis, receiver, start_worker):
    """Workers count as alive, and one of them leads."""
    redis.lpush(key("leader"), "x")
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker()
    enqueue(redis, message_event(), id="event-1")
    wait_seen(receiver, {"event-1"})
    worker.wait_log("leader")
    assert_queue_empty(redis)


def test_redis_is_full(own_redis, receiver, start_worker):
    """At maxmemory producers are refused; workers go on, retries and letters included."""
    server = own_redis(maxmemory_policy="noeviction")
    redis = server.client()
    receiver.script("/ok", [Answer(500), Answer(200)])
    receiver.script("/bad", [Answer(400)])
    for n, path in enumerate(["/ok", "/bad"]):
        set_hook(redis, n, "main", url=receiver.url(path))
    worker = start_worker(redis=server, retry_schedule="200ms,200ms,200ms")
    worker.pause()
    for n in range(10):
        enqueue(redis, message_event(room=n % 2), id=f"event-{n}")
    redis.config_set("maxmemory", "1")
    with pytest.raises(ResponseError, match="maxmemory"):
        enqueue(redis, message_event())
    worker.resume()
    wait_seen(receiver, {f"event-{n}" for n in range(10)})
    assert_queue_empty(redis, timeout=10)
    assert {letter["reason"] for letter in dead_letters(redis)} == {"rejected"}
    assert len(dead_letters(redis)) == 5


def test_a_redis_that_may_evict(own_redis, receiver, start_worker):
    """The worker says so once and works; at the next connect it looks again."""
    server = own_redis(maxmemory_policy="allkeys-lru", maxmemory="100mb")
    redis = server.client()
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    assert worker.wait_log("redis_may_evict")["policy"] == "allkeys-lru"
    enqueue(redis, message_event(), id="event-1")
    wait_seen(receiver, {"event-1"})
    for policy, told in (("allkeys-lru", 1), ("noeviction", 1), ("volatile-ttl", 2)):
        redis.config_set("maxmemory-policy", policy)
        connected = len(worker.logged("redis_connected", link="control"))
        redis.client_kill_filter(_type="normal", skipme=True)
        wait_until(lambda n=connected: len(worker.logged("redis_connected", link="control")) > n,
                   10, "a new connection")  # fmt: skip
        assert_queue_empty(redis)
        wait_until(lambda n=told: len(worker.logged("redis_may_evict")) == n, 5, f"{told} lines")


def test_another_contract_is_refused(redis, receiver, start_worker):
    """A queue written by another version is not touched."""
    redis.hset(key("meta"), "contract", "3")
    set_hook(redis, 438, "main", url=receiver.url())
    enqueue(redis, message_event())
    worker = start_worker(wait_ready=False)
    worker.expected_exit = None
    wait_until(lambda: "contract" in worker.log(), 5, lambda: f"a word about it: {worker.log()}")
    stays_true(lambda: receiver.connections == 0, 1.0, "nothing is sent")
    assert redis.xlen(key("events")) == 1
    assert pending(redis) == 0


def test_a_wrong_password(own_redis, receiver, start_worker):
    """It waits for the operator without hammering, and goes on when the password is right."""
    server = own_redis()
    redis = server.client()
    set_hook(redis, 438, "main", url=receiver.url())
    enqueue(redis, message_event(), id="event-1")
    redis.config_set("requirepass", "right")
    redis.connection_pool.disconnect()
    url = server.url.replace("redis://", "redis://:hunter2@")
    worker = start_worker(redis=url, wait_ready=False)
    wait_until(lambda: len(worker.logged("redis_lost")) >= 2, 10, "both links to be refused")
    stays_true(lambda: worker.is_running, 1.0, "it does not give up")
    assert worker.cpu_seconds() < 0.5
    assert "hunter2" not in worker.log()
    assert_links_told_once(worker, "noauth")
    redis = server.client(password="right")
    redis.config_set("requirepass", "hunter2")
    wait_seen(receiver, {"event-1"})
    wait_counter(redis, "noauth")


def test_sigterm_while_redis_is_away(receiver, own_redis, start_worker):
    """It ends in time all the same; Redis' keys tell the others later."""
    server = own_redis(appendonly=True)
    redis = server.client()
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(redis=server, drain_timeout="1s")
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert_queue_empty(redis)
    server.shut_down()
    worker.expected_exit = None
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 10) < 3.0
