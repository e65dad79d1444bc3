"""What waits, waits in its hook's lane: written once, claimed once, in order, and seen in time."""

import collections
import threading

import pytest

from receiver import Answer, Hang
from wait import stays_true, wait_until
from waiting import fingerprint, lane_of, place_of, shut_lane
from webhook_queue import (
    add_waiting,
    assert_queue_empty,
    dead_letters,
    delivery_id,
    enqueue,
    gate_of,
    key,
    lane_key,
    message_event,
    now_ms,
    queue_state,
    records,
    set_hook,
    stats,
    wait_dead,
    wait_stat,
)

LANE = "438/main"
PAUSED = Answer(429, (("Retry-After", "600"),))


def ids(receiver, path=None):
    return [request.header("webhook-id") for request in receiver.requests(path)]


def numbered(redis, count, first=0):
    """Events of the hook, together; returns their webhook-ids."""
    names = [f"event-{n:04}" for n in range(first, first + count)]
    pipeline = redis.pipeline(transaction=False)
    for name in names:
        enqueue(pipeline, message_event(), id=name)
    pipeline.execute()
    return names


def pause(redis, receiver, worker):
    """The hook's first delivery is answered with a pause."""
    receiver.script("/", [PAUSED, Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    enqueue(redis, message_event(), id="paused")
    receiver.wait_for(1)
    wait_until(lambda: gate_of(redis, LANE), 5, "the gate")
    worker.wait_log("retry")


class Writes:
    """How often each delivery's record and lease are written, from MONITOR."""

    def __init__(self, server):
        self.records, self.leases = collections.Counter(), collections.Counter()
        self._client = server.client()
        self._begun = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self):
        with self._client.monitor() as monitor:
            self._begun.set()
            for one in monitor.listen():
                words = one["command"].split(" ")
                if words[0] == "SET" and words[1] == "end-of-writes":
                    return
                if words[0] == "HSET" and words[1] == key("deliveries"):
                    self.records[words[2]] += 1
                elif words[0] == "HSET" and words[1] == key("leases"):
                    # "<id> <fence> <expired> <place>" again and again
                    self.leases.update(words[2::4])

    def __enter__(self):
        self._thread.start()
        assert self._begun.wait(5)
        return self

    def __exit__(self, *_):
        with self._client.client() as client:
            client.set("end-of-writes", 1)
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.mark.parametrize("delay", [0, 0.005, 0.05])
def test_each_is_written_once_and_claimed_once(
    redis, redis_server, receiver, start_worker, delay
):
    count = 400
    receiver.script("/", [Answer(200, delay=delay)])
    set_hook(redis, 438, "main", url=receiver.url())
    numbered(redis, count)
    with Writes(redis_server) as writes:
        start_worker()
        receiver.wait_for(count, timeout=30)
        assert_queue_empty(redis)
    assert set(writes.records.values()) == {1}
    assert writes.leases == writes.records
    assert len(writes.records) >= count // 2, "too few for this test"
    wait_stat(redis, "waited", len(writes.records))
    assert stats(redis).get("released", 0) == 0
    assert sorted(ids(receiver)) == sorted(set(ids(receiver)))


def test_a_backlog_goes_out_in_stream_order(redis, receiver, start_worker):
    """While more comes, none of which overtakes."""
    receiver.script("/", [Answer(200, delay=0.003)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(max_per_endpoint=1)
    sent = numbered(redis, 200)
    for n in range(200, 500):
        sent += numbered(redis, 1, n)
        receiver.wait_for(n - 199)
    receiver.wait_for(500, timeout=20)
    assert ids(receiver) == sent
    assert_queue_empty(redis)


def test_what_comes_when_a_pause_ends_does_not_overtake(redis, receiver, start_worker):
    receiver.script("/", [Answer(429, (("Retry-After", "1"),)), Answer(200, delay=0.003)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(max_per_endpoint=1, retry_schedule="20s")
    enqueue(redis, message_event(), id="paused")
    receiver.wait_for(1)
    wait_until(lambda: gate_of(redis, LANE), 5, "the gate")
    sent = numbered(redis, 100)

    def one_more():
        sent.extend(numbered(redis, 1, len(sent)))
        return len(receiver.requests()) > 300

    wait_until(one_more, 20, "300 of them")
    receiver.wait_for(len(sent) + 1, timeout=20)
    assert [name for name in ids(receiver) if name != "paused"] == sent


def test_a_resumed_hook_is_seen(redis, receiver, start_worker, cli):
    worker = start_worker(retry_schedule="1h")
    pause(redis, receiver, worker)
    names = numbered(redis, 20)
    wait_until(lambda: queue_state(redis)["events"] == 0, 5, "all to wait")
    assert receiver.requests()[1:] == []
    cli("hook", "resume", "--room", "438")
    receiver.wait_for(22, timeout=2)
    assert sorted(ids(receiver)[1:]) == sorted([*names, "paused"])
    assert_queue_empty(redis)


def test_a_gate_that_another_worker_opened_is_seen(redis, receiver, start_worker):
    """The probe's worker is not the only one that goes on, and all is gone soon after it."""
    receiver.script("/", [Answer(503)])
    set_hook(redis, 438, "main", url=receiver.url())
    for _ in range(2):
        start_worker(retry_schedule="1h")
    numbered(redis, 30)
    wait_until(lambda: place_of(redis, LANE)[0] == "lanes-shut", 10, "an open breaker")
    wait_until(lambda: queue_state(redis)["events"] == 0, 5, "all to wait")
    receiver.forget()
    receiver.script("/", [Answer(200)])
    (probe, *_) = receiver.wait_for(1, timeout=10)
    untried = sum(not record.get("attempts") for record in records(redis).values())
    wait_until(
        lambda: all(record.get("attempts") for record in records(redis).values()), 2,
        lambda: f"{untried} never tried",
    )
    assert place_of(redis, LANE)[0] in ("lanes", None)


def script_calls(redis):
    found = redis.info("commandstats")
    return sum(found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("eval", "evalsha"))


def test_probes_that_hang_do_not_make_a_worker_look_all_the_time(redis, receiver, start_worker):
    """Other lanes that are due a probe wait until there is room for it, and get it then."""
    receiver.script("/", [Hang()])
    for room in range(1, 4):
        set_hook(redis, room, "main", url=receiver.url())
        add_waiting(redis, f"{now_ms(redis)}-{room}", room=room)
        shut_lane(redis, f"{room}/main", fingerprint(receiver.url()), in_ms=0)
    worker = start_worker(max_in_flight=8, timeout="2s")  # room for one probe
    receiver.wait_for(1)
    before = script_calls(redis)
    worker.wait_log("breaker_open")
    assert script_calls(redis) - before < 60, "scripts in two seconds"
    receiver.wait_for(3)


def test_retries_do_not_block_what_comes(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start = now_ms(redis)
    for n in range(100):
        add_waiting(redis, f"{start}-{n}", due_in_ms=600_000)
    start_worker()
    for n in range(20):
        numbered(redis, 1, n)
        receiver.wait_for(n + 1, timeout=0.5)
    assert len(lane_of(redis, LANE)) == 100
    assert stats(redis).get("waited", 0) == 0


def test_a_backlog_does_not_block_other_hooks(redis, receiver, start_worker):
    receiver.script("/", [Answer(200, delay=0.05)])
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 1, "main", url=receiver.url("/other"))
    start_worker(max_per_endpoint=2)
    numbered(redis, 1000)
    wait_until(lambda: queue_state(redis)["events"] < 10, 10, "them to wait")
    for n in range(20):
        before = len(receiver.requests("/"))
        enqueue(redis, message_event(room=1))
        receiver.wait_for(n + 1, "/other", timeout=5)
        assert len(receiver.requests("/")) - before <= 25  # of those, 40 a second at the most
    assert len(receiver.requests("/")) < 500


def test_workers_share_a_backlog(redis, receiver, start_worker):
    receiver.script("/", [Answer(200, delay=0.04)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(max_per_endpoint=2)
    names = numbered(redis, 400)
    receiver.wait_for(20)
    start_worker(max_per_endpoint=2)
    used = collections.Counter(one.connection for one in receiver.wait_for(400, timeout=30))
    assert sum(n >= 40 for n in used.values()) > 2, "the places of one worker"
    assert_queue_empty(redis)
    assert sorted(ids(receiver)) == names


def test_a_large_document_is_stored_once(redis, receiver, start_worker):
    """256 hooks fail: Redis holds the message once for all of them, and in the end not at all."""
    hooks, event = 256, message_event(text="x" * 250_000)
    receiver.script("/", [Answer(503)])
    for n in range(hooks):
        set_hook(redis, 438, f"hook-{n}", url=receiver.url())
    start_worker(retry_schedule="1h", disable_after="0s", attempt_log="off")
    stream_id = enqueue(redis, event)
    wait_until(lambda: queue_state(redis)["events"] == 0, 20, "all to have failed once")
    wait_until(lambda: not redis.exists(key("leases")), 10, "all to be settled")
    assert redis.hlen(key("deliveries")) == hooks
    assert redis.hlen(key("documents")) == 1
    assert redis.scard(key("holders:" + delivery_id(stream_id).split("/")[0])) == hooks
    names = list(redis.scan_iter(count=1000))
    assert sum(redis.memory_usage(name, samples=0) for name in names) <= 3 * 250_000
    receiver.script("/", [Answer(200)])
    for n in range(hooks):
        redis.zadd(lane_key(f"438/hook-{n}"), {delivery_id(stream_id, f"hook-{n}"): 1}, xx=True)
        redis.zadd(key("lanes"), {f"438/hook-{n}": 1}, xx=True)
    assert_queue_empty(redis, timeout=30)
    assert not list(redis.scan_iter(match=key("holders:*")))


def test_the_age_limit_holds_behind_a_gate(redis, receiver, start_worker):
    worker = start_worker(retry_schedule="1h", max_age="2s")
    receiver.script("/", [PAUSED])
    set_hook(redis, 438, "main", url=receiver.url())
    enqueue(redis, message_event(), id="paused")
    receiver.wait_for(1)
    worker.wait_log("dead", reason="expired")  # its retry would come too late
    wait_until(lambda: gate_of(redis, LANE), 5, "the gate")
    names = numbered(redis, 5)
    letters = wait_dead(redis, 6, timeout=8)
    assert {letter["reason"] for letter in letters} == {"expired"}
    assert [letter["event_id"] for letter in letters][1:] == names
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 1


def test_a_lane_has_a_limit(redis, receiver, start_worker):
    """Past it the oldest that were never tried are dead letters."""
    worker = start_worker(retry_schedule="1h", lane_max=50)
    pause(redis, receiver, worker)
    names = numbered(redis, 60)
    letters = wait_dead(redis, 11)
    assert {letter["reason"] for letter in letters} == {"overflow"}
    assert sorted(letter["event_id"] for letter in letters) == names[:11]
    assert len(lane_of(redis, LANE)) == 50
    assert len(receiver.requests()) == 1


def test_a_healthy_hook_leaves_nothing_in_redis(redis, redis_server, receiver, start_worker):
    """One event at a time: nothing waits, and no lane is made."""
    set_hook(redis, 438, "main", url=receiver.url())
    with Writes(redis_server) as writes:
        start_worker()
        for n in range(50):
            numbered(redis, 1, n)
            receiver.wait_for(n + 1)
        assert_queue_empty(redis)
    assert not writes.records and not writes.leases
    stays_true(lambda: not redis.exists(key("deliveries"), key("lanes")), 0.2, "nothing waits")
    assert dead_letters(redis) == []
