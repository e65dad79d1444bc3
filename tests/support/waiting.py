"""Deliveries that wait in lanes, written as workers do, and lanes looked at."""

import hashlib
import json

from lane_scripts import delivery_id, stream_of
from webhook_queue import DEFAULT_QUEUE, at_once, key, message_event, now_ms

ANYTHING = "0123abcd"  # a fingerprint


def fingerprint(url):
    """Of a hook without credentials, as gates and states have it."""
    return hashlib.sha256(url.encode() + b"\0\0").hexdigest()[:8]


def put_in_lane(redis, lane, stream_id, score=None, *, hook=None, shared=False, lease=None,
                shut=False, document=None, lane_score=None, **record):
    """One delivery, with all that belongs to it; returns its id. score: None for its turn."""
    waiting = delivery_id(stream_id, hook or lane.split("/")[1].lstrip(":"))
    document = json.dumps(document or message_event())
    line = json.dumps({"lane": lane, "attempts": 1, "encoding": "json", **record})
    score = int(stream_id.split("-")[0]) if score is None else score
    with at_once(redis) as together:
        if shared:
            together.hset(key("documents"), stream_of(waiting), document)
            together.sadd(key(f"holders:{stream_of(waiting)}"), waiting)
        together.hset(key("deliveries"), waiting, line if shared else f"{line}\n{document}")
        if lease:
            together.hset(key("leases"), waiting, lease)
        together.zadd(key(f"lane:{lane}"), {waiting: score})
        together.zadd(key("lanes-shut" if shut else "lanes"),
                      {lane: score if lane_score is None else lane_score}, lt=True)
    return waiting


def shut_lane(redis, lane, fingerprint, kind="open", in_ms=600_000):
    """Gives a lane a gate, and moves it to the other set, as workers do."""
    at = now_ms(redis) + in_ms
    with at_once(redis) as together:
        together.hset(key("gates"), lane, f"{at:.3f} {kind} {fingerprint}")
        together.zrem(key("lanes"), lane)
        together.zadd(key("lanes-shut"), {lane: at})


def lane_of(redis, lane, queue=DEFAULT_QUEUE):
    """{delivery id: score} in order."""
    found = redis.zrange(key(f"lane:{lane}", queue), 0, -1, withscores=True)
    return {waiting.decode(): int(score) for waiting, score in found}


def place_of(redis, lane, queue=DEFAULT_QUEUE):
    """Which set a lane is in, and its score there; (None, None) when it is in none."""
    for name in ("lanes", "lanes-shut"):
        score = redis.zscore(key(name, queue), lane)
        if score is not None:
            return name, int(score)
    return None, None
