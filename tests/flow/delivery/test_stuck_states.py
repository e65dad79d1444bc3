"""States that must pass: what is broken or suspect waits, and everything else goes on."""

import collections
import signal
import socket
import threading
import time

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    GROUP,
    add_waiting,
    assert_queue_empty,
    enqueue,
    key,
    message_event,
    now_ms,
    pending,
    replace_room,
    set_hook,
)
from worker_process import wait_exit

DEAD_CONSUMER = "dead-1-00000000"


def add_suspect(redis, claims=3, **fields):
    """An event that is pending for a dead worker and was taken over before."""
    if not redis.exists(key("events")):
        redis.xgroup_create(key("events"), GROUP, id="0", mkstream=True)
    enqueue(redis, message_event(**fields), id="suspect")
    ((_, ((entry_id, _),)),) = redis.xreadgroup(GROUP, DEAD_CONSUMER, {key("events"): ">"}, count=1)
    redis.xclaim(
        key("events"), GROUP, DEAD_CONSUMER, 0, [entry_id], retrycount=claims, justid=True
    )
    return entry_id.decode()


def stream_id(redis, ago_ms=0):
    return f"{now_ms(redis) - ago_ms}-0"


def test_a_waiting_delivery_of_a_broken_room_stops_nobody(redis, receiver, start_worker):
    """Its hooks cannot be looked up; its leases run out one after the other."""
    redis.set(key("room:438"), "not a hash")
    set_hook(redis, 439, "main", url=receiver.url("/other"))
    add_waiting(redis, stream_id(redis))
    worker = start_worker(timeout="1s")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        seen = len(receiver.requests("/other"))
        enqueue(redis, message_event(room=439))
        receiver.wait_for(seen + 1, "/other", timeout=3)
        time.sleep(0.2)
    assert not worker.logged("suspect")
    replace_room(redis, 438, "main", url=receiver.url())
    receiver.wait_for(1, "/", timeout=60)
    assert_queue_empty(redis)
    assert len(receiver.requests("/")) == 1


def test_events_of_a_broken_room_stop_nobody(redis, receiver, start_worker):
    """More of them than the worker has slots."""
    redis.set(key("room:438"), "not a hash")
    set_hook(redis, 439, "main", url=receiver.url("/other"))
    start_worker(max_in_flight=4)
    for _ in range(10):
        enqueue(redis, message_event())
    enqueue(redis, message_event(room=439))
    receiver.wait_for(1, "/other", timeout=30)
    replace_room(redis, 438, "main", url=receiver.url())
    receiver.wait_for(10, "/", timeout=80)
    assert_queue_empty(redis)


def test_a_suspect_whose_run_cannot_be_counted(own_redis, receiver, start_worker):
    """When its turn comes, its worker may not do that. It runs once it may."""
    server = own_redis()
    receiver.script("/slow", [Answer(200, delay=5)])
    with server.client() as redis:
        set_hook(redis, 438, "main", url=receiver.url())
        set_hook(redis, 439, "main", url=receiver.url("/slow"))
        add_suspect(redis)
        worker = start_worker(redis=server.url, heartbeat_ttl="3s")
        enqueue(redis, message_event(room=439))
        worker.wait_log("suspect", timeout=12)
        redis.execute_command("ACL", "SETUSER", "default", "-xclaim")
        worker.wait_log("redis_error", fault="noperm", timeout=10)
        assert not receiver.requests("/")
        redis.execute_command("ACL", "SETUSER", "default", "+xclaim")
        receiver.wait_for(1, "/", timeout=5)
        assert_queue_empty(redis)


def test_a_stream_that_is_something_else_while_a_suspect_waits(redis, receiver, start_worker):
    receiver.script("/slow", [Answer(200, delay=8), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url("/slow"))
    add_suspect(redis)
    worker = start_worker(heartbeat_ttl="3s")
    enqueue(redis, message_event(room=439))
    receiver.wait_for(1, "/slow")
    worker.wait_log("suspect", timeout=12)
    redis.set(key("events"), "not a stream")
    worker.wait_log("redis_error", what="acknowledge {webhooks}:events")
    redis.delete(key("events"))
    enqueue(redis, message_event(), id="later")
    receiver.wait_for(1, "/", timeout=20)
    assert_queue_empty(redis)


def test_sigterm_while_a_suspect_waits(redis, receiver, start_worker):
    """It is left to others; the worker ends when its own work is done."""
    receiver.script("/slow", [Answer(200, delay=8)])
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url("/slow"))
    add_suspect(redis)
    worker = start_worker(heartbeat_ttl="3s", drain_timeout="20s")
    enqueue(redis, message_event(room=439))
    receiver.wait_for(1, "/slow")
    worker.wait_log("suspect", timeout=12)
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 40) < 9
    assert pending(redis) == 1
    start_worker(heartbeat_ttl="3s")
    receiver.wait_for(1, "/", timeout=15)
    assert_queue_empty(redis)


def test_sigterm_while_a_room_is_broken(redis, receiver, start_worker):
    redis.set(key("room:438"), "not a hash")
    worker = start_worker(drain_timeout="20s")
    enqueue(redis, message_event())
    worker.wait_log("redis_error", fault="wrongtype")
    worker.signal(signal.SIGTERM)
    assert wait_exit(worker.process, 40) < 2
    assert pending(redis) == 1


def test_a_suspect_runs_alone(redis, receiver, start_worker):
    """Its worker has a read under way, which brings an event meanwhile."""
    receiver.script("/", [Answer(200, delay=1)])
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url("/other"))
    add_suspect(redis)
    start_worker(heartbeat_ttl="3s")
    (suspect,) = receiver.wait_for(1, "/", timeout=15)
    enqueue(redis, message_event(room=439))
    (other,) = receiver.wait_for(1, "/other")
    assert other.arrived >= suspect.arrived + 1
    assert_queue_empty(redis)


def test_a_suspect_delivery_runs_alone(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    add_waiting(redis, stream_id(redis, ago_ms=60000), claims=2)
    worker = start_worker()
    receiver.wait_for(1)
    worker.wait_log("suspect")
    assert_queue_empty(redis)


def test_a_suspect_delivery_gets_its_turn(redis, receiver, start_worker):
    """Although something slower than its lease's margin always runs, of whose lane more could be
    claimed. It runs alone."""
    receiver.script("/slow", [Answer(200, delay=3.5)])
    receiver.script("/", [Answer(200, delay=1)])
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url("/slow"))
    for _ in range(60):
        enqueue(redis, message_event(room=439))
    # Not an id that one of the events has.
    add_waiting(redis, stream_id(redis, ago_ms=60000), claims=2)
    start_worker(timeout="4s", max_in_flight=8)
    (suspect,) = receiver.wait_for(1, "/", timeout=15)
    before = len(receiver.requests("/slow"))
    beside = receiver.wait_for(before + 1, "/slow")[before]
    assert beside.arrived >= suspect.arrived + 1


def test_retries_get_slots_beside_a_backlog_of_many_hooks(redis, receiver, start_worker):
    receiver.script("/slow", [Answer(200, delay=0.1)])
    for n in range(6):
        set_hook(redis, 439, f"h{n}", url=receiver.url(f"/slow"))
    set_hook(redis, 438, "main", url=receiver.url())
    for _ in range(600):
        enqueue(redis, message_event(room=439))
    start_worker(max_in_flight=8, max_per_endpoint=8)
    receiver.wait_for(20, "/slow")
    for n in range(5):
        add_waiting(redis, stream_id(redis))
        time.sleep(0.002)
    receiver.wait_for(5, "/", timeout=4)


def test_many_entries_of_a_dead_worker(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    redis.xgroup_create(key("events"), GROUP, id="0", mkstream=True)
    pipeline = redis.pipeline(transaction=False)
    for n in range(1500):
        enqueue(pipeline, message_event())
    pipeline.execute()
    redis.xreadgroup(GROUP, DEAD_CONSUMER, {key("events"): ">"}, count=1500)
    start_worker(heartbeat_ttl="3s")
    receiver.wait_for(1500, timeout=3 + 5)
    assert_queue_empty(redis)


def test_a_large_event_fails_at_many_hooks(redis, receiver, start_worker):
    """All outcomes together are larger than one document many times over."""
    for n in range(70):
        receiver.script(f"/{n}", [Answer(503)])
        set_hook(redis, 438, f"h{n}", url=receiver.url(f"/{n}"))
    start_worker(max_event_bytes="1m", retry_schedule="1h", timeout="20s", max_per_endpoint=64)
    enqueue(redis, message_event(text="x" * 1000000))
    receiver.wait_for(70, timeout=30)
    wait_until(lambda: redis.xlen(key("events")) == 0, 10, "the event to be settled")
    assert redis.hlen(key("deliveries")) == 70


class SlowReads:
    """A way to Redis on which the answers to blocking reads arrive late, and nothing else does."""

    def __init__(self, server, late_s):
        self._server = (server.host, server.port)
        self._late_s = late_s
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"redis://127.0.0.1:{self._listener.getsockname()[1]}/0"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:  # stopped
                return
            far = socket.create_connection(self._server)
            reads = threading.Event()
            threading.Thread(target=self._there, args=(near, far, reads), daemon=True).start()
            threading.Thread(target=self._back, args=(near, far, reads), daemon=True).start()

    def _there(self, near, far, reads):
        try:
            while data := near.recv(65536):
                if b"XREADGROUP" in data:
                    reads.set()
                far.sendall(data)
            far.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def _back(self, near, far, reads):
        try:
            while data := far.recv(65536):
                if reads.is_set():
                    time.sleep(self._late_s)
                near.sendall(data)
            near.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def stop(self):
        self._listener.close()


def test_what_is_on_its_way_to_the_reader_is_not_taken_up_besides(
    redis_server, redis, receiver, start_worker
):
    """A take-over looks through what is pending while a read's answer is late: no event twice."""
    set_hook(redis, 438, "main", url=receiver.url())
    add_suspect(redis, claims=1)
    way = SlowReads(redis_server, late_s=1.0)
    worker = start_worker(redis=way.url, heartbeat_ttl="3s")
    sent = {"suspect"}
    while not worker.logged("reclaimed_dead") or len(sent) < 20:
        assert len(sent) < 400, "nothing was taken over"
        sent.add(f"event-{len(sent)}")
        enqueue(redis, message_event(), id=f"event-{len(sent) - 1}")
        time.sleep(0.05)
    receiver.wait_for(len(sent))
    assert_queue_empty(redis)
    seen = collections.Counter(request.header("webhook-id") for request in receiver.requests())
    assert set(seen) == sent
    assert set(seen.values()) == {1}
    worker.terminate()
    way.stop()
