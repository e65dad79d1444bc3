"""The queue's keys in Redis, as docs/protocol.md describes them, from the outside.

(Not named queue.py: that would hide the standard library's module of that name.)
"""

import json

import msgpack

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


def add_waiting(redis, delivery_id, room=438, hook="main", claims=0, fence="-", due_in_ms=0):
    """A delivery that waits in {Q}:retries, as docs/protocol.md describes it."""
    meta = json.dumps({"room": room, "hook": hook, "attempts": 1, "encoding": "json"})
    document = json.dumps(message_event(room=room))
    redis.hset(key("deliveries"), delivery_id, f"{fence} {claims}\n{meta}\n{document}")
    redis.zadd(key("retries"), {delivery_id: now_ms(redis) + due_in_ms})


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


def record_of(redis, delivery_id, queue=DEFAULT_QUEUE):
    """A waiting delivery's record as a dict: fence, claims, document, the JSON's keys; or None."""
    text = redis.hget(key("deliveries", queue), delivery_id)
    if text is None:
        return None
    first, meta, document = text.split(b"\n", 2)
    fence, claims = first.decode().split(" ")
    return {**json.loads(meta), "fence": fence, "claims": int(claims), "document": document}


def records(redis, queue=DEFAULT_QUEUE):
    """delivery id -> record of everything that waits."""
    ids = [delivery_id.decode() for delivery_id in redis.hkeys(key("deliveries", queue))]
    found = {delivery_id: record_of(redis, delivery_id, queue) for delivery_id in ids}
    return {delivery_id: record for delivery_id, record in found.items() if record is not None}


def due_ms(redis, delivery_id, queue=DEFAULT_QUEUE):
    """When a waiting delivery is due, in ms on Redis' clock; None when it does not wait."""
    score = redis.zscore(key("retries", queue), delivery_id)
    return None if score is None else int(score)


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
        "retries": redis.zcard(key("retries", queue)),
        "deliveries": redis.hlen(key("deliveries", queue)),
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
    """What workers learnt about hooks: "<room>/<hook id>/<8 hex>" -> dict."""
    found = redis.hgetall(key("hooks-state", queue))
    return {field.decode(): json.loads(value) for field, value in found.items()}


def state_of(redis, room, hook="main", queue=DEFAULT_QUEUE):
    """What workers learnt about a hook, whatever its URL was; {} for nothing."""
    for field, state in hook_states(redis, queue).items():
        if field.startswith(f"{room}/{hook}/"):
            return state
    return {}
