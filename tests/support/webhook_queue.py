"""The queue's keys in Redis, as docs/protocol.md describes them, from the outside.

(Not named queue.py: that would hide the standard library's module of that name.)
"""

import contextlib
import json

import msgpack
from redis.client import Pipeline

from wait import wait_until

DEFAULT_QUEUE = "webhooks"
GROUP = "workers"
ORIGINALS = ("msgpack", "json", "record")  # the fields of a dead letter that hold any bytes


def key(name, queue=DEFAULT_QUEUE):
    """key("events") -> "{webhooks}:events"; key("room:438") -> "{webhooks}:room:438"."""
    return f"{{{queue}}}:{name}"


def encode(document, encoding):
    if encoding == "json":
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    if encoding == "msgpack":
        return msgpack.packb(document)
    raise ValueError(encoding)


def enqueue(redis, document, encoding="json", queue=DEFAULT_QUEUE, **fields):
    """XADDs an event and returns its stream id as text. Also works on a pipeline (then returns it).

    document is a dict, or bytes taken as they are; fields are the entry's others: id, hook,
    traceparent.
    """
    data = document if isinstance(document, bytes) else encode(document, encoding)
    answer = redis.xadd(key("events", queue), {encoding: data, **fields})
    return answer.decode() if isinstance(answer, bytes) else answer


def add_entry(redis, fields, queue=DEFAULT_QUEUE):
    """XADDs an entry with exactly these fields, sensible or not."""
    return redis.xadd(key("events", queue), fields).decode()


def delivery_id(stream_id, hook="main"):
    """("1667548137257-0", "main") -> "1667548137257-000000/main", as what waits is named."""
    ms, seq = stream_id.split("-")
    return f"{int(ms):013}-{int(seq):06}/{hook}"


def lane_key(lane, queue=DEFAULT_QUEUE):
    """lane_key("438/main") -> "{webhooks}:lane:438/main"."""
    return key(f"lane:{lane}", queue)


@contextlib.contextmanager
def at_once(redis):
    """For commands that workers must not see half of; in a pipeline they are a part of that."""
    if isinstance(redis, Pipeline):
        yield redis
    else:
        with redis.pipeline(transaction=True) as pipeline:
            yield pipeline
            pipeline.execute()


def add_waiting(
    redis, stream_id, room=438, hook="main", claims=0, fence="-", due_in_ms=0, document=None
):
    """A delivery that waits in its lane, as docs/protocol.md describes it; returns its id.

    claims: how many leases of it ran out; fence: who holds it ("-": nobody).
    """
    lane, due = f"{room}/{hook}", now_ms(redis) + due_in_ms
    document = message_event(room=room) if document is None else document
    identity = delivery_id(stream_id, hook)
    meta = json.dumps({"due_at": due, "lane": lane, "attempts": 1, "encoding": "json"},
                      separators=(",", ":"))
    with at_once(redis) as together:
        together.hset(key("deliveries"), identity, f"{meta}\n{json.dumps(document)}")
        if claims or fence != "-":
            together.hset(key("leases"), identity, f"{fence} {claims} {due}")
        together.zadd(lane_key(lane), {identity: due})
        together.zadd(key("lanes"), {lane: due}, lt=True)
    return identity


def add_waiting_old(redis, stream_id, room=438, hook="main", fence="-", claims=0, due_in_ms=0,
                    document=None, **meta):
    """A delivery that waits as contract 1 has it; returns its id. meta: the record's other keys."""
    identity = f"{stream_id}/{hook}"
    text = document or json.dumps(message_event(room=room))
    line = {**({} if room is None else {"room": room}), "hook": hook, **meta, "encoding": "json"}
    line = json.dumps(line, separators=(",", ":"))
    redis.hset(key("deliveries"), identity, f"{fence} {claims}\n{line}\n{text}")
    redis.zadd(key("retries"), {identity: now_ms(redis) + due_in_ms})
    return identity


def message_event(room=438, text="test", **message):
    """A small valid event document."""
    return {
        "message": {"id": 1, "roomId": room, "type": "text", "body": {"text": text}, **message},
        "fromUser": {"displayName": "Ana"},
        "room": {"name": "tests"},
    }


def set_hook(redis, room, hook_id, queue=DEFAULT_QUEUE, **hook):
    """set_hook(redis, 438, "main", url="http://…", format="bare")"""
    redis.hset(key(f"room:{room}", queue), hook_id, json.dumps(hook))


def replace_room(redis, room, hook_id, **hook):
    """The room's key, whatever it was, is replaced by one with this hook, at once: a worker that
    reads the room in between would find no hook, and bury what waits for it."""
    with redis.pipeline() as pipeline:
        pipeline.delete(key(f"room:{room}"))
        set_hook(pipeline, room, hook_id, **hook)
        pipeline.execute()


def dead_letters(redis, queue=DEFAULT_QUEUE):
    """Oldest first, as dicts of text; what holds an original stays bytes, "id" is added."""
    letters = []
    for entry_id, fields in redis.xrange(key("dead", queue)):
        letter = {"id": entry_id.decode()}
        for name, value in fields.items():
            name = name.decode()
            letter[name] = value if name in ORIGINALS else value.decode()
        letters.append(letter)
    return letters


def wait_dead(redis, n=1, timeout=10, queue=DEFAULT_QUEUE):
    """Waits for n dead letters and returns them."""
    wait_until(
        lambda: redis.xlen(key("dead", queue)) >= n,
        timeout,
        lambda: f"{n} dead letters; there are {dead_letters(redis, queue)}",
    )
    letters = dead_letters(redis, queue)
    assert len(letters) == n, letters
    return letters


def stats(redis, queue=DEFAULT_QUEUE):
    return {name.decode(): int(n) for name, n in redis.hgetall(key("stats", queue)).items()}


def wait_stat(redis, name, n, timeout=10, queue=DEFAULT_QUEUE):
    """Waits until counter name is n; workers add their counters in batches."""
    wait_until(
        lambda: stats(redis, queue).get(name, 0) >= n,
        timeout,
        lambda: f"counter {name} to be {n}; counters are {stats(redis, queue)}",
    )
    assert stats(redis, queue)[name] == n


def record_of(redis, identity, queue=DEFAULT_QUEUE):
    """A waiting delivery's record as a dict: the JSON's keys, document (also a shared one), fence
    ("-": nobody holds it), claims (leases that ran out); None: there is no such delivery."""
    with redis.pipeline(transaction=True) as at_once:  # or it is settled in between
        at_once.hget(key("deliveries", queue), identity)
        at_once.hget(key("documents", queue), identity.partition("/")[0])
        at_once.hget(key("leases", queue), identity)
        text, shared, lease = at_once.execute()
    if text is None:
        return None
    meta, _, document = text.partition(b"\n")
    if b"\n" not in text:
        document = shared
    fence, claims, _ = (lease or b"- 0 0").decode().split(" ")
    return {**json.loads(meta), "fence": fence, "claims": int(claims), "document": document}


def records(redis, queue=DEFAULT_QUEUE):
    """delivery id -> record of everything that waits."""
    ids = [identity.decode() for identity in redis.hkeys(key("deliveries", queue))]
    found = {identity: record_of(redis, identity, queue) for identity in ids}
    return {identity: record for identity, record in found.items() if record is not None}


def due_ms(redis, identity, queue=DEFAULT_QUEUE):
    """A waiting delivery's score in its lane, ms on Redis' clock; None when it does not wait."""
    record = record_of(redis, identity, queue)
    score = record and redis.zscore(lane_key(record["lane"], queue), identity)
    return None if score is None else int(score)


def gate_of(redis, lane, queue=DEFAULT_QUEUE):
    """(not before ms, kind, fingerprint) of a lane's gate; None when it has none."""
    text = redis.hget(key("gates", queue), lane)
    if text is None:
        return None
    at, kind, fingerprint = text.decode().split(" ")
    return float(at), kind, fingerprint


def now_ms(redis):
    seconds, micros = redis.time()
    return seconds * 1000 + micros // 1000


def pending(redis, queue=DEFAULT_QUEUE):
    """How many entries are pending in the group; 0 when there is no stream or group yet."""
    groups = redis.xinfo_groups(key("events", queue)) if redis.exists(key("events", queue)) else []
    return sum(group["pending"] for group in groups if group["name"] == GROUP.encode())


def queue_state(redis, queue=DEFAULT_QUEUE):
    """What waits or is under way, as a dict of numbers; all 0 when everything is settled."""
    return {
        "events": redis.xlen(key("events", queue)),
        "pending": pending(redis, queue),
        "lanes": redis.zcard(key("lanes", queue)) + redis.zcard(key("lanes-shut", queue)),
        "deliveries": redis.hlen(key("deliveries", queue)),
        "documents": redis.hlen(key("documents", queue)),
        "leases": redis.hlen(key("leases", queue)),
    }


def assert_queue_empty(redis, timeout=5, queue=DEFAULT_QUEUE):
    """Waits until nothing waits and nothing is under way (settling is batched), else fails."""
    wait_until(
        lambda: not any(queue_state(redis, queue).values()),
        timeout,
        lambda: f"an empty queue; it is {queue_state(redis, queue)}",
    )


def heartbeats(redis, queue=DEFAULT_QUEUE):
    """The consumers whose heartbeat key is there now."""
    prefix = key("worker:", queue)
    return sorted(
        name.decode()[len(prefix):] for name in redis.scan_iter(match=prefix + "*", count=1000)
    )


def hook_states(redis, queue=DEFAULT_QUEUE):
    """What workers learnt about hooks: lane ("<room>/<hook id>") -> dict."""
    found = redis.hgetall(key("hooks-state", queue))
    return {lane.decode(): json.loads(value) for lane, value in found.items()}


def state_of(redis, room, hook="main", queue=DEFAULT_QUEUE):
    """What workers learnt about a hook, whatever its URL was; {} for nothing."""
    return hook_states(redis, queue).get(f"{room}/{hook}", {})


def is_well(redis, room, hook="main", queue=DEFAULT_QUEUE):
    """Nothing that is known of a hook keeps anything back; that it was well again may be known."""
    return not state_of(redis, room, hook, queue).keys() & {
        "failing_since", "opens", "disabled", "until"}
