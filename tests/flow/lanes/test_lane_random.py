"""Thousands of script calls in an order by chance, some sent twice: what must hold of lanes holds
after each of them, and in the end everything that was put in came out once."""

import random

import pytest

from lane_invariants import check_invariants
from lane_scripts import LEASE_MS, LETTER, LaneQueue

LANES = [f"{room}/{hook}" for room in (1, 2, 3) for hook in ("a", "b")]
SMALL, LARGE = b'{"message":{}}', b"x" * 5000
CALLS = 1000
LETTERS_EVERY = 50


class TwiceQueue(LaneQueue):
    """Sends some calls twice, as a worker does after a lost reply; the first answer counts."""

    def __init__(self, redis, consumer, chance):
        super().__init__(redis, consumer)
        self.chance = chance

    def call(self, name, keys, args):
        reply = super().call(name, keys, args)
        if self.chance.random() < 0.2 and name not in ("claim", "walk"):
            super().call(name, keys, args)
        return reply


class Run:
    """Two workers that do something by chance."""

    def __init__(self, redis, seed):
        self.redis, self.chance = redis, random.Random(seed)
        self.workers = [TwiceQueue(redis, name, self.chance) for name in ("w1", "w2")]
        self.held = {worker.consumer: [] for worker in self.workers}
        self.leases = {}  # delivery -> (fence, when the lease ends at the earliest)
        self.done, self.dead, self.put = set(), 0, 0
        for worker in self.workers:
            worker.dead_max = 1000000
            worker.lane_max = 40
            worker.intervals = {"3/a": 50000}
            worker.max_ages = {"2/a": 2000, "2/b": 0}
        self.prints = self.workers[0].prints
        self.workers[1].prints = self.prints

    def step(self):
        worker = self.chance.choice(self.workers)
        self.chance.choice([
            self.arrive, self.arrive, self.arrive, self.claim, self.claim, self.settle, self.settle,
            self.settle, self.look, self.learn, self.resume, self.forget, self.heal, self.change,
            self.bury,
        ])(worker)

    def arrive(self, worker):
        entries = []
        for _ in range(self.chance.randint(1, 3)):
            document = self.chance.choice([SMALL, LARGE])
            outcomes = []
            for lane in self.chance.sample(LANES, self.chance.randint(1, 4)):
                kind = self.chance.choice(["wait", "wait", "retry", "lease", "dead"])
                hook = lane.replace("/", "-")
                if kind == "dead":
                    outcomes.append((kind, {**LETTER, "room": lane[0]}))
                else:
                    more = {"retry": [self.chance.choice([0, 50, 60000])],
                            "lease": [f"{worker.consumer}:{worker.number}x"]}.get(kind, [])
                    outcomes.append((kind, hook, lane, *more))
            entries.append((worker.event(document), document, *outcomes))
        if self.chance.random() < 0.1:
            other = self.workers[self.workers[0] is worker]
            assert not any(other.settle_stream(*entries).results)
        assert all(worker.settle_stream(*entries).results)
        kinds = [outcome[0] for entry in entries for outcome in entry[2:]]
        self.dead += kinds.count("dead")
        self.put += len(kinds) - kinds.count("dead")

    def claim(self, worker):
        lanes = self.chance.sample(LANES, self.chance.randint(1, 4))
        lease_ms = self.chance.choice([0, 60000])
        claim = worker.claim(*lanes, count=self.chance.randint(0, 6), lease_ms=lease_ms,
                             most=self.chance.randint(1, 12),
                             most_bytes=self.chance.choice([1, 6000, 1 << 20]))
        self.note(worker, claim, lease_ms)

    def note(self, worker, claim, lease_ms):
        for claimed in claim.deliveries:
            assert self.leases.get(claimed.id, ("", 0))[1] <= claim.now, "it is held"
            assert claimed.document is not None
            self.leases[claimed.id] = claimed.fence, claim.now + lease_ms
        self.held[worker.consumer] += claim.deliveries

    def bury(self, worker):
        lane = self.chance.choice(LANES)
        claim = worker.claim(lane, count=3, mode=self.chance.choice(["all", "overflow"]))
        self.note(worker, claim, LEASE_MS)

    def settle(self, worker):
        held, outcomes = self.held[worker.consumer], []
        self.chance.shuffle(held)
        for _ in range(min(len(held), self.chance.randint(1, 6))):
            claimed = held.pop()
            kind = self.chance.choice(["done", "done", "retry", "release", "renew", "dead"])
            more = {"retry": [self.chance.choice([0, 50, 60000])],
                    "dead": [{**LETTER, "room": claimed.lane[0]}]}.get(kind, [])
            outcomes.append((claimed, kind, *more))
        results = worker.settle_leased(*outcomes).results if outcomes else []
        for (claimed, kind, *_), settled in zip(outcomes, results):
            is_ours = self.leases.get(claimed.id, ("", 0))[0] == claimed.fence
            assert settled == is_ours, f"{claimed.id} {kind} by {claimed.fence}"
            if not settled:
                continue
            if kind == "renew":
                self.leases[claimed.id] = claimed.fence, worker.now() + LEASE_MS - 1000
                held.append(claimed)
                continue
            del self.leases[claimed.id]
            if kind in ("done", "dead"):
                self.done.add(claimed.id)
                self.dead += kind == "dead"

    def look(self, worker):
        worker.look(self.chance.randint(1, 4), 2)

    def learn(self, worker):
        lane = self.chance.choice(LANES)
        worker.gate(self.chance.choice([
            (lane, "pause", self.chance.choice([1, 60000])), (lane, "ok", 0, 50000),
            (lane, "ok", self.chance.randint(0, 1000), 0),
            (lane, "failed", self.chance.randint(0, 1000), 1, 503, "answered 503",
             self.chance.randint(0, 3), self.chance.choice([1, 60000]), 0),
            (lane, "gone"), (lane, "probe", 1), (lane, "ok", 0, 0),
        ]))

    def resume(self, worker):
        worker.resume(self.chance.choice(LANES), self.chance.randint(1, 5))

    def forget(self, worker):
        """A crash: its leases run out."""
        if self.chance.random() < 0.2:
            self.held[worker.consumer].clear()

    def heal(self, worker):
        if self.chance.random() < 0.2:
            assert worker.heal() == []
        worker.prune()

    def change(self, worker):
        """The hook is changed, which resumes it."""
        if self.chance.random() < 0.3:
            lane = self.chance.choice(LANES)
            self.prints[lane] = f"{self.chance.randint(1, 3):08x}"
            worker.resume(lane)

    def check(self, letters=True):
        check_invariants(self.redis, print_of=self.workers[0].print_of,
                         max_age_of=self.workers[0].max_age_of, letters=letters)

    def drain(self):
        """Everything waiting is claimed, whatever holds it, and delivered."""
        worker = self.workers[0]
        for lane in LANES:
            worker.resume(lane)
        for name in self.redis.keys(worker.key("lane:*")):
            for member in self.redis.zrange(name, 0, -1):
                self.redis.zadd(name, {member: 0})
        while self.redis.hlen(worker.key("deliveries")):
            claim = worker.claim(*LANES, mode="all", most=64)
            assert claim.deliveries
            for claimed in claim.deliveries:
                assert claimed.id not in self.done and claimed.document is not None
                self.done.add(claimed.id)
            worker.settle_leased(*[(claimed, "done") for claimed in claim.deliveries])


@pytest.mark.parametrize("seed", range(4))
def test_random_calls(redis, seed):
    run = Run(redis, seed)
    for number in range(CALLS):
        run.step()
        run.check(letters=number % LETTERS_EVERY == 0)
    run.drain()
    run.check()
    queue = run.workers[0]
    assert len(run.done) == run.put
    assert redis.xlen(queue.key("dead")) == run.dead
    for name in ("documents", "leases", "lanes", "lanes-shut"):
        assert not redis.exists(queue.key(name)), name
    assert not redis.keys(queue.key("holders:*")) and not redis.keys(queue.key("lane:*"))
    assert redis.xlen(queue.key("events")) == 0
