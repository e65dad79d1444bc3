"""What holds of lanes whenever no script runs, whatever was sent in whatever order."""

import json

from lane_scripts import stream_of
from webhook_queue import DEFAULT_QUEUE, key

RESERVED_MS = 1000
SHUT_KINDS = ("open", "paused-open", "disabled")
LANE_SETS = ("lanes", "lanes-shut")


def _text(value):
    return value.decode() if isinstance(value, bytes) else value


class Invariants:
    """prints and max_ages tell a lane's fingerprint and max-age in ms; without them the gate's own
    fingerprint is taken, and no max-age."""

    def __init__(self, redis, queue=DEFAULT_QUEUE, print_of=None, max_age_of=None):
        self.redis, self.queue = redis, queue
        self.print_of = print_of or (lambda lane: None)
        self.max_age_of = max_age_of or (lambda lane: 0)
        self.problems = []
        self._read()

    def _key(self, name):
        return key(name, self.queue)

    def _hash(self, name):
        return {_text(k): v for k, v in self.redis.hgetall(self._key(name)).items()}

    def _zset(self, name):
        return {_text(k): v for k, v in self.redis.zrange(self._key(name), 0, -1, withscores=True)}

    def _read(self):
        seconds, micros = self.redis.time()
        self.now = seconds * 1000 + micros // 1000
        self.records, self.leases = self._hash("deliveries"), self._hash("leases")
        self.documents, self.gates = self._hash("documents"), self._hash("gates")
        self.sets = {name: self._zset(name) for name in LANE_SETS}
        self.lanes, self.holders = {}, {}
        lane_prefix, holders_prefix = self._key("lane:"), self._key("holders:")
        names = [_text(name) for name in self.redis.keys(self._key("*"))]
        names = [name for name in names if name.startswith((lane_prefix, holders_prefix))]
        with self.redis.pipeline(transaction=False) as pipeline:
            for name in names:
                if name.startswith(lane_prefix):
                    pipeline.zrange(name, 0, -1, withscores=True)
                else:
                    pipeline.smembers(name)
            found = pipeline.execute()
        for name, members in zip(names, found):
            if name.startswith(lane_prefix):
                self.lanes[name[len(lane_prefix):]] = {_text(k): v for k, v in members}
            else:
                self.holders[name[len(holders_prefix):]] = set(map(_text, members))

    def _expect(self, holds, problem):
        if not holds:
            self.problems.append(problem)

    def _gate(self, lane):
        """(not before, kind) of the gate in force."""
        words = _text(self.gates.get(lane, b"")).split(" ")
        if len(words) != 3 or self.print_of(lane) not in (None, words[2]):
            return 0, None
        return float(words[0]), words[1]

    def deliveries(self):
        retries = self._zset("retries")
        for identity, record in self.records.items():
            if not record.startswith(b"{"):
                self._expect(identity in retries, f"{identity} of contract 1 is never due")
                continue
            lane = json.loads(record.split(b"\n")[0])["lane"]
            self._expect(identity in self.lanes.get(lane, {}), f"{identity} is not in {lane}")
            if b"\n" not in record:
                stream = stream_of(identity)
                self._expect(stream in self.documents, f"{identity} has no document")
                self._expect(identity in self.holders.get(stream, ()), f"{identity} holds nothing")
        for identity, lease in self.leases.items():
            self._expect(identity in self.records, f"a lease of {identity}, which is not there")
            fence, expired, _ = _text(lease).split(" ")
            self._expect(fence != "-" or int(expired) > 0, f"an empty lease of {identity}")

    def lane_scores(self):
        for lane, members in self.lanes.items():
            for identity in members:
                self._expect(identity in self.records, f"{identity} in {lane} has no record")
            gate_at, kind = self._gate(lane)
            head = min(members.values())
            due = max(gate_at, head)
            if self.max_age_of(lane):
                due = min(due, head + self.max_age_of(lane))
            right, other = LANE_SETS if kind not in SHUT_KINDS else reversed(LANE_SETS)
            self._expect(lane not in self.sets[other], f"{lane} is in {other}, its gate is {kind}")
            score = self.sets[right].get(lane)
            self._expect(score is not None, f"{lane} is not in {right}, its gate is {kind}")
            self._expect(score is None or score <= max(due, self.now + RESERVED_MS),
                         f"{lane} is looked at {score}, {(score or 0) - due} ms too late")
        for name, members in self.sets.items():
            for lane in members:
                self._expect(lane in self.lanes, f"{lane} in {name} is empty")

    def shared_documents(self):
        for stream in self.documents:
            self._expect(stream in self.holders, f"nobody holds document {stream}")
        for stream, holders in self.holders.items():
            self._expect(stream in self.documents, f"the document {stream} is missing")
            for identity in holders:
                if identity.startswith("-"):
                    continue  # since when the set may have been incomplete
                self._expect(identity in self.records, f"holder {identity} is not there")
                self._expect(b"\n" not in self.records.get(identity, b""),
                             f"holder {identity} has a document of its own")

    def letters(self):
        rooms, total = {}, 0
        by_room = self._zset("dead-by-room")
        for letter, fields in self.redis.xrange(self._key("dead")):
            size = sum(len(name) + len(value) for name, value in fields.items())
            room = _text(fields.get(b"room", b""))
            rooms[room] = rooms.get(room, 0) + size
            total += size
            member = f"{room} {_text(letter)} {size}"
            self._expect(by_room.pop(member, None) is not None, f"letter {member} is not counted")
        self._expect(not by_room, f"counted letters are missing: {list(by_room)[:5]}")
        expected = {**rooms, "*": total} if rooms else {}
        counted = {room: int(size) for room, size in self._hash("dead-bytes").items()}
        self._expect(counted == expected, f"letters have {expected} bytes, counted are {counted}")


def check_invariants(redis, queue=DEFAULT_QUEUE, print_of=None, max_age_of=None, letters=True):
    """Fails with everything that is wrong."""
    check = Invariants(redis, queue, print_of, max_age_of)
    check.deliveries()
    check.lane_scores()
    check.shared_documents()
    if letters:
        check.letters()
    assert not check.problems, "\n".join(check.problems)
