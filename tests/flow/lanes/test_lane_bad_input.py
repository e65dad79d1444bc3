"""What was put into lanes by hand is reported, then healed or made a dead letter with its reason;
nothing else is lost by it, and no worker spins on it."""

import json

import pytest
from redis import Redis

from lane_invariants import check_invariants
from wait import wait_until
from webhook_queue import (
    add_waiting,
    assert_queue_empty,
    dead_letters,
    delivery_id,
    key,
    lane_key,
    message_event,
    now_ms,
    set_hook,
    stats,
    wait_stat,
)

FAR = 9e15
LARGE = json.dumps(message_event(text="x" * 5000))
LANE = "438/main"
SCRIPTS_A_BEAT = 15  # of an idle worker: heartbeat, looks, the leader's round


class Harm:
    """A queue with what waits for hook 438/main: harm it."""

    def __init__(self, redis):
        self.redis = redis
        self.ms = now_ms(redis) - 5000
        self.seq = 0

    def new_id(self):
        self.seq += 1
        return f"{self.ms}-{self.seq}"

    def waiting(self, **more):
        return add_waiting(self.redis, self.new_id(), **more)

    def record(self, identity, record):
        self.redis.hset(key("deliveries"), identity, record)

    def place(self, identity, score=0, lane=LANE):
        self.redis.zadd(lane_key(lane), {identity: score})
        self.redis.zadd(key("lanes"), {lane: score}, lt=True)

    def shared(self, hooks=("main", "other")):
        """One event's large document for two hooks; returns the stream's name."""
        stream_id = self.new_id()
        for hook in hooks:
            identity = delivery_id(stream_id, hook)
            self.record(identity, json.dumps({"lane": f"438/{hook}", "encoding": "json"}))
            self.redis.sadd(key(f"holders:{identity.split('/')[0]}"), identity)
            self.place(identity, self.ms, f"438/{hook}")
        stream = delivery_id(stream_id, "").rstrip("/")
        self.redis.hset(key("documents"), stream, LARGE)
        return stream


def meta(lane=LANE, **more):
    return json.dumps({"lane": lane, "attempts": 1, "encoding": "json", **more})


def no_record(harm):
    harm.place(delivery_id(harm.new_id()))


def no_place(harm):
    harm.redis.zrem(lane_key(LANE), harm.waiting())


def no_lane(harm):
    harm.waiting()
    harm.redis.delete(key("lanes"))


def late_lane(harm):
    harm.waiting()
    harm.redis.zadd(key("lanes"), {LANE: FAR})


def infinite_lane(harm):
    harm.waiting()
    harm.redis.zadd(key("lanes"), {LANE: "inf"})


def late_place(harm):
    harm.redis.zadd(lane_key(LANE), {harm.waiting(): FAR})
    harm.redis.zadd(key("lanes"), {LANE: FAR})


def early_place(harm):
    harm.redis.zadd(lane_key(LANE), {harm.waiting(): "-inf"})


def both_sets(harm):
    harm.waiting()
    harm.redis.zadd(key("lanes-shut"), {LANE: FAR})
    harm.redis.zadd(key("lanes"), {LANE: FAR})


def shut_without_gate(harm):
    harm.waiting()
    harm.redis.zrem(key("lanes"), LANE)
    harm.redis.zadd(key("lanes-shut"), {LANE: FAR})


def empty_lane(harm):
    harm.redis.zadd(key("lanes"), {LANE: 5})
    harm.redis.zadd(key("lanes-shut"), {"438/other": 5})


def lane_is_text(harm):
    harm.waiting()
    harm.redis.set(lane_key(LANE), "x")


def lane_is_list(harm):
    harm.waiting()
    harm.redis.delete(lane_key(LANE))
    harm.redis.lpush(lane_key(LANE), "x")
    harm.redis.delete(key("lanes"))


def no_json(harm):
    harm.record(harm.waiting(), "{nonsense\n{}")


def binary(harm):
    harm.record(harm.waiting(), b"\xff\x00\xfe\n\x00" * 100)


def empty_record(harm):
    harm.record(harm.waiting(), "")


def record_without_lane(harm):
    harm.record(delivery_id(harm.new_id()), '{"encoding":"json"}\n{}')


def record_of_another_lane(harm):
    harm.record(harm.waiting(), meta("439/main") + "\n" + LARGE)


def no_document(harm):
    harm.redis.hdel(key("documents"), harm.shared())


def holders_are_text(harm):
    harm.redis.set(key(f"holders:{harm.shared()}"), "x")


def holders_of_nothing(harm):
    harm.redis.sadd(key(f"holders:{harm.shared()}"), "nobody", "x" * 300)


def document_of_nothing(harm):
    harm.redis.hset(key("documents"), mapping={"1-1": LARGE, "nonsense": "x", "y" * 300: "z"})


def leases_of_nothing(harm):
    harm.redis.hset(key("leases"), mapping={"1-1/main": "w:1 0 5", "nonsense": ""})


def lease_nonsense(harm):
    for text in ("nonsense", "a b c", "w:1 99999999999999999999 9e99", "- 0 -", "", b"\xff 1 1"):
        harm.redis.hset(key("leases"), harm.waiting(), text)


def gate_nonsense(harm):
    harm.waiting()
    harm.redis.hset(key("gates"), mapping={LANE: "nonsense", "x": "y", "438/z": "inf open -"})


def gate_beyond_its_limits(harm):
    harm.waiting()
    harm.redis.hset(key("gates"), LANE, f"{FAR:.3f} paused 00000000")


def lane_names(harm):
    """Each with a delivery whose record says so."""
    for number, lane in enumerate(("nonsense", "438/", "/main", "a/b/c", "x" * 200, "438/a b",
                                   "438/\x00", "99999999999999999999/main", "", "438/:xyz")):
        identity = delivery_id(harm.new_id(), f"h{number}")
        harm.record(identity, meta(lane) + "\n{}")
        harm.place(identity, harm.ms, lane)


def lane_names_alone(harm):
    for lane in ("nonsense", "x" * 200, "438/\x00", b"\xff\xfe", "", "438/main/x"):
        harm.redis.zadd(key("lanes"), {lane: 0})
        harm.redis.zadd(key("lanes-shut"), {lane: 0})


def delivery_names(harm):
    for name in ("x", "1/2/3", "x" * 300, "1-1/" + "y" * 200, "\x00", "", "9" * 40 + "-1/main",
                 f"{harm.ms}-1/main", b"\xff\xfe/main"):
        harm.record(name, meta() + "\n" + json.dumps(message_event()))
        harm.place(name, harm.ms)


def key_of_a_wrong_type(name):
    def harm_key(harm):
        harm.waiting()
        harm.redis.delete(key(name))
        harm.redis.lpush(key(name), "x")

    harm_key.__name__ = f"wrong_type_{name}"
    return harm_key


# What is done, and what comes of it: deliveries that arrive, and letters by their reasons.
HARMS = {
    no_record: (0, ["malformed"]),
    no_place: (1, []),
    no_lane: (1, []),
    late_lane: (1, []),
    infinite_lane: (1, []),
    late_place: (1, []),
    early_place: (0, ["expired"]),
    both_sets: (1, []),
    shut_without_gate: (1, []),
    empty_lane: (0, []),
    lane_is_text: (1, []),
    lane_is_list: (1, []),
    no_json: (0, ["malformed"]),
    binary: (0, ["malformed"]),
    empty_record: (0, ["malformed"]),
    record_without_lane: (0, ["malformed"]),
    record_of_another_lane: (0, ["malformed"]),
    no_document: (0, ["malformed"] * 2),
    holders_are_text: (2, []),
    holders_of_nothing: (2, []),
    document_of_nothing: (0, []),
    leases_of_nothing: (0, []),
    lease_nonsense: (4, ["expired", "poison"]),
    gate_nonsense: (1, []),
    gate_beyond_its_limits: (1, []),
    lane_names: (0, ["hook-removed"] + ["malformed"] * 9),
    lane_names_alone: (0, []),
    delivery_names: (1, ["malformed"] * 8),
    **{key_of_a_wrong_type(name): (1, []) for name in
       ("leases", "documents", "gates", "lanes", "lanes-shut", "dead-by-room", "dead-bytes",
        "hooks-state", "retries", "hooks-pace")},
    key_of_a_wrong_type("deliveries"): (0, ["malformed"]),
}


def calls(redis, *names):
    found = redis.info("commandstats")
    return sum(found.get(f"cmdstat_{name}", {}).get("calls", 0) for name in names)


def assert_idle(redis, workers):
    """Within two heartbeats of each no more scripts run than when nothing ever was there."""
    before = calls(redis, "set"), calls(redis, "eval", "evalsha")
    wait_until(lambda: calls(redis, "set") >= before[0] + 2 * workers, 15, lambda: "heartbeats")
    assert calls(redis, "eval", "evalsha") - before[1] <= SCRIPTS_A_BEAT * 2 * workers


class Harmed:
    """A queue in a database of its own that was harmed, and its worker."""

    def __init__(self, number, harm, redis_server, receiver):
        self.harm, self.receiver, self.name = harm, receiver, harm.__name__
        self.url = redis_server.url.rpartition("/")[0] + f"/{number}"
        self.redis = Redis.from_url(self.url)
        for hook in ("main", "other"):
            set_hook(self.redis, 438, hook, url=receiver.url(f"/{self.name}"))
        set_hook(self.redis, 438, "good", url=receiver.url(f"/{self.name}/good"))
        add_waiting(self.redis, f"{now_ms(self.redis)}-0", hook="good")
        harm(Harm(self.redis))

    def letters(self):
        return [one for one in dead_letters(self.redis) if one.get("hook") != "good"]

    def check(self, worker):
        arrive, reasons = HARMS[self.harm]
        if self.name.startswith("wrong_type"):
            worker.wait_log("key_removed", key=key(self.name.removeprefix("wrong_type_")))
        if self.name != "wrong_type_deliveries":
            self.receiver.wait_for(1, f"/{self.name}/good", timeout=15)
        self.receiver.wait_for(arrive, f"/{self.name}", timeout=15)
        wait_until(lambda: sorted(x["reason"] for x in self.letters()) == reasons, 15,
                   lambda: f"{reasons} after {self.name}; there are {self.letters()}")
        assert_queue_empty(self.redis, timeout=15)
        assert len(self.receiver.requests(f"/{self.name}")) == arrive, self.name
        assert all(letter["error"] for letter in self.letters())
        check_invariants(self.redis)


CHUNK = 8
CHUNKS = [list(HARMS)[at:at + CHUNK] for at in range(0, len(HARMS), CHUNK)]


@pytest.mark.parametrize("harms", CHUNKS, ids=lambda harms: harms[0].__name__)
def test_harms(redis, redis_server, receiver, start_worker, harms):
    """Each in a database of its own, with its worker."""
    harmed = [Harmed(number, harm, redis_server, receiver) for number, harm in enumerate(harms)]
    workers = [start_worker(redis=one.url, heartbeat_ttl="3s") for one in harmed]
    for one, worker in zip(harmed, workers):
        one.check(worker)
    assert_idle(redis, len(workers))
    for one in harmed:
        one.redis.close()


def test_a_lease_that_lasts_forever_is_shortened(redis, receiver, start_worker):
    """Nobody knows its holder: it ends after ten minutes."""
    identity = add_waiting(redis, f"{now_ms(redis)}-1", fence="w:1")
    redis.zadd(lane_key(LANE), {identity: FAR})
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    start_worker(heartbeat_ttl="3s")
    wait_until(lambda: redis.zscore(lane_key(LANE), identity) < now_ms(redis) + 700000, 10,
               lambda: "a score that comes")
    wait_stat(redis, "healed", 2)
    assert stats(redis)["healed"] == 2
