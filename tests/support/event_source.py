"""A producer for the oracle: it says of each XADD whether it was ok, has failed, or is unknown."""

import random
import threading

import redis

from history import Intent, fingerprint
from webhook_queue import encode, key, set_hook

TIMEOUT_S = 1.0
ROOM_HOOKS = {1: 1, 2: 1, 3: 1, 4: 2, 5: 3, 6: 2}  # room -> how many hooks it has
FORMATS = ("spika", "bare", "standard")
INLINE_PATHS = tuple(f"/inline/{n}" for n in range(4))
ALPHABET = "abcdefghijk \"\\/\n\u00e9\u017e\u4e2d\U0001f600"


def room_path(room, hook):
    return f"/room/{room}/{hook}"


def hooks_of(room):
    """hook id -> path"""
    return {f"h{n}": room_path(room, f"h{n}") for n in range(ROOM_HOOKS[room])}


def all_paths():
    return [path for room in ROOM_HOOKS for path in hooks_of(room).values()] + list(INLINE_PATHS)


def register_hooks(client, receiver):
    """client may be a pipeline."""
    for room in ROOM_HOOKS:
        for n, (hook, path) in enumerate(hooks_of(room).items()):
            set_hook(
                client, room, hook, url=receiver.url(path), format=FORMATS[(room + n) % 3],
                verificationSignature="9JOLCJUVylQxxdhX",
            )


class EventSource:
    """count events, made of the seed, through the address (host, port), on a thread of its own."""

    def __init__(self, seed, count, address, history, receiver, pace_s):
        self._numbers = random.Random(f"events {seed}")
        self._seed = seed
        self._count = count
        self._address = address
        self._history = history
        self._receiver = receiver
        self._pace_s = pace_s
        self._connection = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="event source", daemon=True)

    def start(self):
        self._thread.start()

    def is_done(self):
        return not self._thread.is_alive()

    def stop(self):
        self._stopping.set()
        self._thread.join(10)
        assert self.is_done(), "the event source does not stop"

    def _run(self):
        for number in range(1, self._count + 1):
            intent, fields = self._event(number)
            self._history.intend(intent)
            self._add(intent, fields)
            if self._stopping.wait(self._numbers.uniform(0, 2 * self._pace_s)):
                break
        self._disconnect()

    def _event(self, number):
        numbers = self._numbers
        room = numbers.choice(list(ROOM_HOOKS))
        # A large document is stored once for all of its deliveries that wait.
        longest = 200 if numbers.random() < 0.9 else 6000
        text = "".join(numbers.choices(ALPHABET, k=numbers.randrange(longest)))
        document = {
            "message": {
                "id": number, "roomId": room, "type": "text", "body": {"text": text},
                "large": (1 << 63) - number, "deep": [[], {"no": None, "yes": [True, -number]}],
            },
            "fromUser": {"id": numbers.randrange(1000), "displayName": "Ana"},
        }
        if numbers.random() < 0.7:
            document["room"] = {"name": f"room {room}"}
        targets = hooks_of(room)
        if numbers.random() < 0.1:
            paths = numbers.sample(INLINE_PATHS, numbers.randint(1, 2))
            document["webhooks"] = [{"url": self._receiver.url(path)} for path in paths]
            targets = {f"inline-{n}": path for n, path in enumerate(paths)}
        event_id = f"s{self._seed}-{number}" if numbers.random() < 0.7 else None
        encoding = numbers.choice(("json", "msgpack"))
        data = encode(document, encoding)
        malformed = numbers.random() < 0.01
        if malformed:
            event_id, data, targets = f"s{self._seed}-{number}", data[:-1], {}
        intent = Intent(number, event_id, fingerprint(document), targets, malformed)
        return intent, {encoding: data, **({"id": event_id} if event_id else {})}

    def _add(self, intent, fields):
        """Only what cannot have reached Redis, or what it has refused, has failed."""
        try:
            if self._connection is None:
                host, port = self._address
                connection = redis.Connection(host=host, port=port, socket_timeout=TIMEOUT_S)
                connection.connect()
                self._connection = connection
        except redis.RedisError as error:
            self._history.settle(intent, "failed", why=str(error))
            return
        try:
            words = [word for pair in fields.items() for word in pair]
            self._connection.send_command("XADD", key("events"), "*", *words)
            stream_id = self._connection.read_response()
            self._history.settle(intent, "ok", stream_id=stream_id.decode())
        except redis.ResponseError as error:
            self._history.settle(intent, "failed", why=str(error))
        except (redis.RedisError, OSError) as error:
            self._history.settle(intent, "unknown", why=str(error))
            self._disconnect()

    def _disconnect(self):
        if self._connection is not None:
            self._connection.disconnect()
        self._connection = None
