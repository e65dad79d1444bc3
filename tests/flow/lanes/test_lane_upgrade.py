"""A queue of contract 1 is brought into lanes while a worker of contract 1, which was stopped and
came back, goes on with its own scripts: nothing is lost, whatever the order."""

import json
import random
from pathlib import Path

import pytest

from lane_invariants import check_invariants
from lane_scripts import LaneQueue

OLD_SCRIPTS = Path(__file__).resolve().parents[2] / "support" / "contract_1"
CALLS = 400
LARGE = b"x" * 5000


class OldWorker:
    """Calls the scripts as a worker of contract 1 did."""

    def __init__(self, queue):
        self.queue, self.number, self.held = queue, 1, []
        self.scripts = {path.stem: path.read_text(encoding="utf-8")
                        for path in OLD_SCRIPTS.glob("*.lua")}

    def call(self, name, keys, args):
        names = self.queue.keys(keys)
        return self.queue.redis.eval(self.scripts[name], len(names), *names, *args)

    @staticmethod
    def lines(hook, attempts):
        meta = json.dumps({"room": 438, "hook": hook, "attempts": attempts, "encoding": "json"})
        return f"- 0\n{meta}\n"

    def arrive(self, hook, document, delay_ms):
        """Returns the delivery's id."""
        stream_id = self.queue.event(document)
        delivery = f"{stream_id}/{hook}"
        settled = self.call(
            "settle_entries", "events retries deliveries dead meta",
            ["workers", self.queue.consumer, 1000, stream_id, "json", document, 1,
             "retry", delivery, delay_ms, self.lines(hook, 1)])
        assert settled[1] == 1
        return delivery

    def claim(self, lease_ms):
        _, _, _, *items = self.call("claim_retries", "retries deliveries",
                                    ["old", self.number, 3, lease_ms, 1 << 20, 16])
        self.number += 3
        self.held += [(delivery, record.split(b" ")[0], record.split(b"\n", 2)[2])
                      for delivery, record in items]

    def settle(self, kind):
        """Returns the delivery that is done now, if one is."""
        if not self.held:
            return None
        delivery, fence, document = self.held.pop()
        more = [0, self.lines(delivery.decode().split("/")[1], 2), document]
        settled = self.call("settle_retries", "retries deliveries dead",
                            [1000, delivery, fence, kind, *(more if kind == "retry" else [])])
        return delivery.decode() if settled[1] == 1 and kind == "done" else None


@pytest.mark.parametrize("seed", range(3))
def test_conversion_beside_a_worker_of_contract_1(redis, seed):
    chance = random.Random(seed)
    queue = LaneQueue(redis)
    old = OldWorker(queue)
    put, done, page = set(), set(), []
    for _ in range(CALLS):
        what = chance.choice(["arrive", "claim", "settle", "look", "convert", "send", "heal"])
        if what == "arrive":
            hook = chance.choice(["a", "b"])
            put.add(old.arrive(hook, chance.choice([b"{}", LARGE]), chance.choice([0, 60000])))
        elif what == "claim":
            old.claim(chance.choice([0, 60000]))
        elif what == "settle":
            done.add(old.settle(chance.choice(["done", "retry", "release"])))
        elif what == "look":
            page = queue.convert_page(chance.randint(0, 3), most=10)[1]
        elif what == "convert" and page:
            queue.convert(page)
        elif what == "send":
            claim = queue.claim("438/a", "438/b", count=2)
            kinds = [chance.choice(["done", "release"]) for _ in claim.deliveries]
            queue.settle_leased(*zip(claim.deliveries, kinds))
            done |= {old_id(claimed.id) for claimed, kind in zip(claim.deliveries, kinds)
                     if kind == "done"}
        elif what == "heal":
            assert queue.heal() == []
        check_invariants(redis)
    for delivery in redis.zrange(queue.key("retries"), 0, -1):
        redis.zadd(queue.key("retries"), {delivery: 0})  # every lease runs out
    queue.convert_all()
    assert not redis.exists(queue.key("retries"))
    check_invariants(redis)
    waiting = {old_id(name.decode()) for name in redis.hkeys(queue.key("deliveries"))}
    assert waiting | done - {None} == put
    assert not waiting & done


def old_id(delivery):
    """"1667548137257-000000/main" -> "1667548137257-0/main" """
    stream, hook = delivery.split("/")
    ms, seq = stream.split("-")
    return f"{int(ms)}-{int(seq)}/{hook}"
