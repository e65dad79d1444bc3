"""The scripts for lanes, run directly on Redis.

The header of each in worker/scripts/ and producer/admin/scripts/ is the contract; LaneQueue
puts its arguments together as a worker does.
"""

import hashlib
import json
import re
from pathlib import Path

from redis.exceptions import NoScriptError

from webhook_queue import DEFAULT_QUEUE, GROUP, key

TOP = Path(__file__).resolve().parent.parent.parent
PARTS = TOP / "producer" / "contract" / "scripts"
LEASE_MS = 35000
MAX_AGE_MS = 3600000
PRINT = "0123abcd"
LETTER = {"reason": "exhausted", "error": "answered 500", "room": "438", "hook": "main"}


def _with_parts(text):
    """The --include lines replaced by the parts, as scripts/cmake/EmbedLua.cmake does."""

    def part(match):
        return _with_parts((PARTS / f"{match[1]}.lua").read_text(encoding="utf-8"))

    return re.sub(r"^--include (\w+)\n", part, text, flags=re.MULTILINE)


FOLDERS = [TOP / name / "scripts" for name in ("producer/admin", "worker")]
TEXTS = {path.stem: _with_parts(path.read_text(encoding="utf-8"))
         for folder in FOLDERS for path in folder.glob("*.lua")}
SHAS = {name: hashlib.sha1(text.encode()).hexdigest() for name, text in TEXTS.items()}


def delivery_id(stream_id, hook="main"):
    """("1667548137257-0", "main") -> "1667548137257-000000/main" """
    ms, seq = stream_id.split("-")
    return f"{int(ms):013}-{int(seq):06}/{hook}"


def stream_of(delivery):
    """"1667548137257-000000/main" -> "1667548137257-000000" """
    return delivery.split("/")[0]


class Numbered:
    """Gives each name its number, from 1, in the order they are asked for."""

    def __init__(self):
        self.names = []

    def __call__(self, name):
        if name is None:
            return 0
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name) + 1


class Claimed:
    """One delivery of a claim's reply."""

    def __init__(self, queue, lane, fence, item, documents):
        number, identity, self.expired, self.place, over_age = item[:5]
        self.lane, self.fence = lane, fence
        self.number, self.id = number, identity.decode()
        self.is_over_age = bool(over_age)
        self.record = item[5] if len(item) > 5 else None
        self.is_shared = self.record is not None and b"\n" not in self.record
        self.document = None
        if self.is_shared:
            self.document = documents.get(stream_of(self.id).encode()) or None
        elif self.record is not None:
            self.document = self.record.split(b"\n", 1)[1]

    @property
    def json(self):
        return json.loads(self.record.split(b"\n")[0])


class Claim:
    """A claim's reply: now, lanes {name: (taken, word, next_ms, at)}, deliveries, documents."""

    def __init__(self, queue, names, first, reply, mark):
        self.now, lanes, items, documents = reply
        self.lanes = {name: (row[0], row[1].decode(), row[2], row[3])
                      for name, row in zip(names, lanes)}
        self.documents = dict(zip(documents[::2], documents[1::2]))
        self.deliveries = [
            Claimed(queue, names[item[0] - 1], f"{queue.consumer}:{first + i}{mark}", item,
                    self.documents)
            for i, item in enumerate(items)
        ]


class LaneQueue:
    """What one worker does with a queue of contract 2."""

    def __init__(self, redis, consumer="w1", queue=DEFAULT_QUEUE):
        self.redis, self.consumer, self.queue = redis, consumer, queue
        self.number, self.whole_ms = 1, 0
        self.dead_max, self.dead_max_bytes, self.lane_max = 1000, 64 << 20, 1000000
        self.prints, self.max_ages, self.intervals = {}, {}, {}
        redis.xgroup_create(self.key("events"), GROUP, "0", mkstream=True) \
            if not redis.exists(self.key("events")) else None

    def key(self, name):
        return key(name, self.queue)

    def keys(self, names, lanes=(), holders=()):
        return ([self.key(name) for name in names.split()]
                + [self.key(f"lane:{lane}") for lane in lanes]
                + [self.key(f"holders:{stream}") for stream in holders])

    def call(self, name, keys, args):
        try:
            return self.redis.evalsha(SHAS[name], len(keys), *keys, *args)
        except NoScriptError:
            return self.redis.eval(TEXTS[name], len(keys), *keys, *args)

    def print_of(self, lane):
        return self.prints.get(lane, PRINT)

    def max_age_of(self, lane):
        return self.max_ages.get(lane, MAX_AGE_MS)

    def now(self):
        seconds, micros = self.redis.time()
        return seconds * 1000 + micros // 1000

    # --- the stream ---

    def event(self, document=b"{}", count=1, stream_id="*"):
        """Adds an event and reads it, so that it is pending for us. Returns its stream id."""
        ids = [self.redis.xadd(self.key("events"), {"json": document}, id=stream_id).decode()
               for _ in range(count)]
        self.redis.xreadgroup(GROUP, self.consumer, {self.key("events"): ">"}, count=100000)
        return ids[0] if count == 1 else ids

    def _settle(self, script, names, lanes, holders, head, items):
        per_lane = [value for lane in lanes.names
                    for value in (self.print_of(lane), self.max_age_of(lane))]
        reply = self.call(
            script, self.keys(names, lanes.names, holders.names),
            [self.dead_max, self.dead_max_bytes, self.lane_max, len(lanes.names), *per_lane,
             *head, *items])
        over = {lanes.names[reply[1][i] - 1]: reply[1][i + 1] for i in range(0, len(reply[1]), 2)}
        return Settled(reply[0], over, [lanes.names[n - 1] for n in reply[2]], reply[3:])

    def settle_stream(self, *entries):
        """entries: (stream id, document, outcome …); outcomes: ("wait", hook, lane),
        ("retry", hook, lane, delay_ms), ("lease", hook, lane, fence), ("dead", {field: value})."""
        lanes, holders, items = Numbered(), Numbered(), []
        for stream_id, document, *outcomes in entries:
            stream = stream_of(delivery_id(stream_id))
            waits = any(outcome[0] != "dead" for outcome in outcomes)
            number = holders(stream if len(document) > 4096 and waits else None)
            items += [stream_id, "json", document, number, len(outcomes)]
            for kind, *rest in outcomes:
                if kind == "dead":
                    fields = [text for pair in rest[0].items() for text in pair]
                    items += [kind, len(fields), *fields]
                    continue
                hook, lane, *more = rest
                if kind == "lease":
                    more.append(LEASE_MS)
                items += [kind, delivery_id(stream_id, hook), lanes(lane), meta_of(lane, hook),
                          *more]
        return self._settle(
            "settle_stream",
            "deliveries documents leases gates lanes lanes-shut dead dead-by-room dead-bytes"
            " alerted-dead events meta", lanes, holders, [GROUP, self.consumer], items)

    def acknowledge(self, *stream_ids):
        """Returns 1 or 0 for each: whether it was there."""
        reply = self.call("acknowledge", self.keys("events meta"), [GROUP, *stream_ids])
        return reply[3:] or [1] * len(stream_ids)

    def settle_leased(self, *outcomes):
        """outcomes: (claimed, kind, more …): "done", "retry" delay_ms, "release", "renew",
        "dead" {field: value}."""
        lanes, holders, items = Numbered(), Numbered(), []
        for claimed, kind, *more in outcomes:
            inline = claimed.record is not None and not claimed.is_shared
            number = holders(None if inline else stream_of(claimed.id))
            items += [claimed.id, claimed.fence, lanes(claimed.lane), number, kind]
            if kind == "retry":
                text = meta_of(claimed.lane, claimed.id.split("/")[1], attempts=1)
                if inline:
                    text = text.encode() + b"\n" + claimed.document
                items += [more[0], text]
            elif kind == "renew":
                items.append(LEASE_MS)
            elif kind == "dead":
                fields = [text for pair in more[0].items() for text in pair]
                items += [len(fields), *fields]
        return self._settle(
            "settle_leased",
            "deliveries documents leases gates lanes lanes-shut dead dead-by-room dead-bytes"
            " alerted-dead",
            lanes, holders, [], items)

    def put(self, *lanes, document=b"{}", hook="main", **more):
        """An event whose delivery waits in each of these lanes. Returns its stream id."""
        stream_id = self.event(document, **more)
        self.settle_stream(
            (stream_id, document,
             *[("wait", hook if len(lanes) == 1 else lane.split("/")[1], lane) for lane in lanes]))
        return stream_id

    # --- lanes ---

    def look(self, most=48, most_shut=16):
        """Returns (now, next_ms, {lane: gate} of lanes, the same of lanes-shut)."""
        now, next_ms, *sets = self.call("look", self.keys("lanes lanes-shut gates"),
                                        [most, most_shut])
        return (now, next_ms, *[
            dict(zip([name.decode() for name in one[::2]], [text.decode() for text in one[1::2]]))
            for one in sets])

    def claim(self, *lanes, count=64, mode="due", most=64, most_bytes=8 << 20, lease_ms=LEASE_MS):
        """Claims of lanes by name."""
        first, args = self.number, []
        for lane in lanes:
            args += [self.print_of(lane), count, lease_ms, self.max_age_of(lane),
                     self.intervals.get(lane, 0), self.lane_max, mode]
        reply = self.call(
            "claim", self.keys("deliveries documents leases gates lanes lanes-shut", lanes),
            [self.consumer, first, most, most_bytes, *args])
        self.number += most
        return Claim(self, lanes, first, reply, "!" if mode == "overflow" else "")

    # --- what workers learn, and what operators do ---

    def gate(self, *items):
        """items: (lane, kind, more …) as of gate.lua. Returns the lanes that are disabled now."""
        args = [self.consumer]
        for lane, *words in items:
            room, hook = lane.split("/")
            args += [room, hook, self.print_of(lane), self.max_age_of(lane), *words]
        return [lane.decode() for lane in self.call(
            "gate", self.keys("hooks-state hooks-changed happened gates lanes lanes-shut",
                              [item[0] for item in items]), args)]

    def fail(self, lane, opens=0, probe_ms=0, failures=1, disable_after_ms=0, ago_ms=0):
        return self.gate((lane, "failed", ago_ms, failures, 503, "answered 503", opens, probe_ms,
                          disable_after_ms))

    def resume_page(self, lane, start="", most=500):
        known = 0
        if not start:
            known, _ = self.call(
                "hook_forget",
                self.keys("hooks-state hooks-recent hooks-changed gates lanes lanes-shut", [lane]),
                [*lane.split("/"), "resume"])
        due, after = self.call(
            "hook_resume", self.keys("lanes lanes-shut leases", [lane]), [start, most])
        return known, due, after.decode()

    def resume(self, lane, most=500):
        """Returns how many are due that were not."""
        start, sum_due = "", 0
        while True:
            _, due, start = self.resume_page(lane, start, most)
            sum_due += due
            if not start:
                return sum_due

    # --- the leader ---

    def heal(self, count=100):
        """Walks over all. Returns what was wrong, as a list of (what, of which)."""
        found, cursor, began = [], "0", None
        while True:
            cursor, page, streams, leased, now = self.call(
                "walk", self.keys("deliveries documents leases"), [cursor, count, 1000])
            began = began or now
            self.whole_ms = began if int(cursor) == 0 else self.whole_ms
            found += self.heal_page(page, streams or [], leased or [])
            if int(cursor) == 0:
                return found

    def heal_page(self, page, streams, leased):
        """As a worker does with what a walk found."""
        lanes, holders, items = Numbered(), Numbered(), []
        for identity, lane in zip(page[::2], page[1::2]):
            name = None if lane == b"-" else lane.decode() or "unreadable"
            stream = stream_of(identity.decode())
            items += ["delivery", identity, lanes(name), holders(stream)]
        for stream in streams:
            items += ["document", stream, holders(stream.decode())]
        for identity in leased:
            items += ["lease", identity, holders(stream_of(identity.decode()))]
        reply = self.call(
            "heal", self.keys("deliveries documents leases gates lanes lanes-shut retries",
                              lanes.names, holders.names),
            [len(lanes.names), self.whole_ms, *items])
        return [(what.decode(), which.decode()) for what, which in zip(reply[::2], reply[1::2])]

    def tidy_dead(self, start=""):
        """Returns how many letters were dropped."""
        cursor, sum_dropped = "0", 0
        while True:
            dropped, cursor, start = self.call(
                "tidy_dead", self.keys("dead dead-by-room dead-bytes"),
                [self.dead_max, self.dead_max_bytes, cursor, start])
            sum_dropped += dropped
            if int(cursor) == 0 and not start:
                return sum_dropped

    def prune(self):
        """Returns how many states and places of contract 1 were converted."""
        cursors, converted = ["0", "0", "0"], 0
        while True:
            *cursors, n = self.call(
                "prune", self.keys("hooks-state gates lanes lanes-shut hooks-pace"), cursors)
            converted += n
            if not any(int(cursor) for cursor in cursors):
                return converted

    def convert_page(self, skip=0, most=100, most_bytes=8 << 20):
        """(how many wait, items) of convert_look."""
        count, *items = self.call("convert_look", self.keys("retries deliveries"),
                                [skip, most, most_bytes])
        return count, items

    def convert(self, items):
        """Converts a page's items. Returns 1 or 0 for each."""
        lanes, holders, args = Numbered(), Numbered(), []
        for identity, _, *lines in items:
            args += [identity, lines[0] if lines else ""]
            args += self._conversion(identity.decode(), lines, lanes, holders)
        return self._settle(
            "convert",
            "deliveries documents leases gates lanes lanes-shut dead dead-by-room dead-bytes"
            " alerted-dead retries", lanes, holders, [], args).results

    @staticmethod
    def _conversion(identity, lines, lanes, holders):
        if not lines or lines[0].startswith(b"{"):
            return ["drop"]
        try:
            meta = json.loads(lines[1])
            stream_id, hook = identity.split("/")
            target = delivery_id(stream_id, hook)
        except (IndexError, ValueError):
            return ["unreadable", lanes("unreadable")]
        lane = f"{meta['room']}/{hook}"
        return ["retry" if meta.get("attempts") else "wait", target, lanes(lane),
                holders(stream_of(target)), json.dumps({"lane": lane, **meta})]

    def convert_all(self, most=100):
        """Returns how many were converted, and how many stayed."""
        skip = converted = 0
        while True:
            _, items = self.convert_page(skip, most)
            if not items:
                return converted, skip
            results = self.convert(items)
            converted += sum(results)
            skip += len(results) - sum(results)

    # --- what is there ---

    def score(self, lane, delivery):
        """Of a delivery in its lane, or None."""
        score = self.redis.zscore(self.key(f"lane:{lane}"), delivery)
        return None if score is None else int(score)

    def lane_score(self, lane):
        """(set, score) of a lane, or None; it must not be in both."""
        found = [(name, score) for name in ("lanes", "lanes-shut")
                 if (score := self.redis.zscore(self.key(name), lane)) is not None]
        assert len(found) <= 1, f"{lane} is in both sets"
        return found[0] if found else None


class Settled:
    def __init__(self, dropped, over, wrong, results):
        self.dropped, self.over, self.wrong, self.results = dropped, over, wrong, results


def meta_of(lane, hook, **more):
    return json.dumps({"lane": lane, "hook": hook, **more, "encoding": "json"},
                      separators=(",", ":"))
