"""What was sent and what arrived, each noted before the next step is taken.

An intent is noted before its XADD, its result after it; an arrival before it is answered. So
whatever crashes, nothing can have happened that is not here.
"""

import hashlib
import json
import threading
import time
from dataclasses import dataclass, field

import msgpack

PARTS = ("message", "fromUser", "room")


def fingerprint(parts):
    """SHA-256 of what passes from the event to the receiver untouched, in its order."""
    text = json.dumps({name: parts[name] for name in PARTS if name in parts}, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass
class Intent:
    """An event that is to be added. number stands in its document, as message.id."""

    number: int
    event_id: str | None  # None: the stream's id is to be its id
    hash: str
    targets: dict  # hook id -> path at the receiver
    malformed: bool = False
    result: str = "unknown"  # ok, failed or unknown
    stream_id: str | None = None
    at: float = 0.0


@dataclass(frozen=True)
class Arrival:
    number: int  # the intent's; -1 when the body does not tell
    path: str
    webhook_id: str
    hash: str
    attempt: int  # how many came for this event and path, this one included
    answer: str  # "200", "503", "drop", "hang", …
    at: float


@dataclass
class History:
    file: object = None  # an open text file, one JSON document a line
    intents: dict = field(default_factory=dict)
    arrivals: list = field(default_factory=list)
    _counts: dict = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, what, **facts):
        if self.file is not None:
            line = json.dumps({"at": round(time.time(), 4), "what": what, **facts})
            with self._lock:
                self.file.write(line + "\n")
                self.file.flush()

    def intend(self, intent):
        intent.at = time.monotonic()
        self.intents[intent.number] = intent
        self.note(
            "intent", number=intent.number, id=intent.event_id, hash=intent.hash,
            hooks=intent.targets,
        )

    def settle(self, intent, result, stream_id=None, why=""):
        intent.result, intent.stream_id = result, stream_id
        self.note(result, number=intent.number, stream_id=stream_id, why=why)

    def next_attempt(self, number, path):
        with self._lock:
            self._counts[number, path] = self._counts.get((number, path), 0) + 1
            return self._counts[number, path]

    def arrive(self, arrival):
        self.arrivals.append(arrival)
        self.note(
            "arrival", number=arrival.number, id=arrival.webhook_id, path=arrival.path,
            hash=arrival.hash, attempt=arrival.attempt, answer=arrival.answer,
        )


def read_body(body):
    """What a receiver got -> (number of the intent, hash); (-1, "") when it is not ours."""
    try:
        document = json.loads(body)
        parts = document.get("data", document)
        return parts["message"]["id"], fingerprint(parts)
    except (ValueError, KeyError, AttributeError, TypeError):
        return -1, ""


def number_of(letter):
    """The number of the intent a dead letter was made of; -1 when its document does not tell."""
    try:
        document = json.loads(letter["json"]) if "json" in letter else msgpack.unpackb(
            letter["msgpack"]
        )
        return document["message"]["id"]
    except (ValueError, KeyError, TypeError, msgpack.UnpackException):
        return -1
