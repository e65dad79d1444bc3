"""Many deliveries at once, each to a hook of its own, and what became of them.

    batch = Batch(redis)
    batch.add("short", "http://127.1/")
    batch.add("good", "http://good.example/")
    assert batch.run() == {"short": "dead blocked", "good": "delivered"}

An outcome is "delivered", "dead <reason>", or "retry <status or kind of failure>" after one
attempt: the worker's retry-schedule must be long. What merely waits for its turn has none yet.
"""

import itertools
import json

from wait import wait_until
from webhook_queue import (
    DEFAULT_QUEUE,
    dead_letters,
    delivery_id,
    encode,
    key,
    message_event,
    records,
)

_rooms = itertools.count(1000)


class Batch:
    def __init__(self, redis, queue=DEFAULT_QUEUE):
        self._redis = redis
        self._queue = queue
        self._rooms = {}  # name -> room
        self._entries = {}  # name -> stream id
        self._texts = {}

    def add(self, name, url, text="test", **hook):
        """A hook, and an event for it that run() or send() enqueues."""
        assert name not in self._rooms, name
        room = self._rooms[name] = next(_rooms)
        self._texts[name] = text
        value = json.dumps({"url": url, **hook})
        self._redis.hset(key(f"room:{room}", self._queue), "main", value)

    def send(self):
        """Enqueues those not yet enqueued."""
        waiting = [name for name in self._rooms if name not in self._entries]
        with self._redis.pipeline(transaction=False) as pipeline:
            for name in waiting:
                event = message_event(room=self._rooms[name], text=self._texts[name])
                pipeline.xadd(key("events", self._queue), {"json": encode(event, "json")})
            ids = pipeline.execute()
        self._entries.update(zip(waiting, (entry.decode() for entry in ids)))

    def again(self):
        """Forgets what was enqueued, so that run() enqueues all of it once more."""
        self._entries.clear()

    def outcomes(self):
        """name -> outcome, of those that have one."""
        with self._redis.pipeline(transaction=True) as pipeline:
            pipeline.xrange(key("events", self._queue))
            unread = {entry.decode() for entry, _ in pipeline.execute()[0]}
        waiting = records(self._redis, self._queue)
        dead = {int(letter["room"]): letter for letter in dead_letters(self._redis, self._queue)}
        found = {}
        for name, entry in self._entries.items():
            record = waiting.get(self.delivery_id(name))
            if self._rooms[name] in dead:
                found[name] = "dead " + dead[self._rooms[name]]["reason"]
            elif record is not None:
                if record.get("attempts"):
                    kind = record.get("status") or record["error"].partition(":")[0]
                    found[name] = f"retry {kind}"
            elif entry not in unread:
                found[name] = "delivered"
        return found

    def letters(self):
        """name -> its dead letter"""
        names = {room: name for name, room in self._rooms.items()}
        letters = dead_letters(self._redis, self._queue)
        return {names[int(letter["room"])]: letter for letter in letters}

    def entry(self, name):
        return self._entries[name]

    def delivery_id(self, name):
        return delivery_id(self._entries[name])

    def record(self, name):
        return records(self._redis, self._queue).get(self.delivery_id(name))

    def run(self, timeout=10):
        """Enqueues what is not yet, waits until all have an outcome, and gives the outcomes."""
        self.send()
        wait_until(
            lambda: len(self.outcomes()) == len(self._rooms),
            timeout,
            lambda: f"outcomes of {sorted(set(self._rooms) - set(self.outcomes()))}",
        )
        return self.outcomes()


def wrong(outcomes, behaviours):
    """What came to something else than it should: name -> (expected, outcome)."""
    return {
        name: (behaviour.expected, outcomes.get(name))
        for name, behaviour in behaviours.items()
        if outcomes.get(name) != behaviour.expected
    }
