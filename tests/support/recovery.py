"""How long others need to take over, and what a worker costs while Redis is away."""

import time

from receiver import Answer, Hang
from wait import stays_true
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook

POSTS = 10


def hang_once(redis, receiver, start_worker, **settings):
    """A worker that leads, with POSTS under way to endpoints that answer only the next one."""
    for room in range(POSTS):
        receiver.script(f"/{room}", [Hang(), Answer(200)])
        set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
    worker = start_worker(**settings)
    worker.wait_log("leader")
    for room in range(POSTS):
        enqueue(redis, message_event(room=room), id=f"event-{room}")
    receiver.wait_for(POSTS)
    return worker


def killed_until_replaced_s(redis, receiver, start_worker, ttl_s):
    """From kill -9 of the worker that leads, with POSTs under way, until another made them."""
    first = hang_once(redis, receiver, start_worker, heartbeat_ttl=f"{ttl_s}s")
    start_worker(heartbeat_ttl=f"{ttl_s}s")
    killed_at = time.monotonic()
    first.kill()
    requests = receiver.wait_for(2 * POSTS, timeout=ttl_s + 10)
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 2 * POSTS
    return requests[-1].arrived - killed_at


def check_it_waits(worker, seconds, share):
    """The worker goes on for so long, with at most this share of a CPU, and tells little."""
    lines = len(worker.log().splitlines())
    cpu, began = worker.cpu_seconds(), time.monotonic()
    stays_true(lambda: worker.is_running, seconds, "the worker waits")
    used = worker.cpu_seconds() - cpu
    assert used <= share * (time.monotonic() - began), f"{used} s of CPU in {seconds} s"
    assert len(worker.log().splitlines()) - lines < 10, worker.log()


def check_redis_may_be_away(own_redis, receiver, start_worker, seconds):
    """Stopped, and back: the worker goes on by itself; meanwhile it takes under 1 % of a CPU."""
    server = own_redis(appendonly=True)
    with server.client() as client:
        set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    server.shut_down()
    worker.wait_log("redis_lost")
    check_it_waits(worker, seconds, share=0.01)
    server.start()
    with server.client() as client:
        enqueue(client, message_event())
        receiver.wait_for(1, timeout=10)
        assert_queue_empty(client)
