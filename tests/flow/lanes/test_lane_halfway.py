"""Scripts that stop after any of their commands: what was sent is done when it is sent again, and
what is not sent again is healed."""

import json

import pytest
from redis.exceptions import ResponseError

from lane_invariants import check_invariants
from lane_scripts import LETTER, TEXTS, LaneQueue
from webhook_queue import GROUP

LANES = ("438/a", "438/b")
LARGE = b"x" * 5000
STOP = """
local real, left = redis, %d
local redis = setmetatable({}, {__index = real})
local function count(name)
    return function(...)
        left = left - 1
        if left < 0 then
            error('stopped half-way')
        end
        return real[name](...)
    end
end
redis.call = count('call')
"""


class StoppingQueue(LaneQueue):
    """Its calls of the script of that name stop after so many commands, if that is not None."""

    name, stop_after = None, None

    def call(self, name, keys, args):
        if name != self.name or self.stop_after is None:
            return super().call(name, keys, args)
        shebang, text = TEXTS[name].split("\n", 1)
        return self.redis.eval(shebang + STOP % self.stop_after + text, len(keys), *keys, *args)


def settle_stream(queue):
    entries = [(queue.event(LARGE), LARGE, ("wait", "a", LANES[0]), ("lease", "b", LANES[1], "x:1"),
                ("dead", LETTER)) for _ in range(2)]
    return lambda: queue.settle_stream(*entries)


def settle_leased(queue):
    for _ in range(3):
        queue.put(*LANES, document=LARGE)
    queue.put(*LANES)
    held = queue.claim(*LANES).deliveries
    assert len(held) == 8
    kinds = [("done",), ("retry", 0), ("release",), ("dead", LETTER)] * 2
    outcomes = [(claimed, *kind) for claimed, kind in zip(held, kinds)]
    return lambda: queue.settle_leased(*outcomes)


def empty_lanes(queue):
    queue.put(*LANES, document=LARGE)
    held = queue.claim(*LANES).deliveries
    return lambda: queue.settle_leased(*[(claimed, "done") for claimed in held])


def claim(queue):
    queue.put(*LANES, document=LARGE)
    queue.fail(LANES[1], opens=1, probe_ms=0)
    return lambda: queue.claim(*LANES, lease_ms=0)


def look(queue):
    queue.put(*LANES)
    return queue.look


def gate(queue):
    queue.put(*LANES)
    queue.fail(LANES[1], opens=1, probe_ms=60000)
    return lambda: queue.gate(
        (LANES[0], "failed", 0, 1, 503, "answered 503", 1, 60000, 0), (LANES[1], "ok", 0, 0))


def forget(queue):
    for stream_id in queue.event(count=3):
        queue.settle_stream((stream_id, b"{}", ("retry", "a", LANES[0], 60000)))
    queue.fail(LANES[0], opens=1, probe_ms=60000)
    return lambda: queue.resume(LANES[0], most=2)


def make_due(queue):
    return forget(queue)


def convert(queue):
    meta = json.dumps({"room": 438, "hook": "a", "attempts": 1})
    for seq in range(3):
        name = f"1667548137257-{seq}/a"
        queue.redis.hset(queue.key("deliveries"), name, f"- 1\n{meta}\n".encode() + LARGE)
        queue.redis.zadd(queue.key("retries"), {name: 1})
    _, page = queue.convert_page()
    return lambda: queue.convert(page)


def heal(queue):
    queue.put(*LANES, document=LARGE)
    for name in ("lanes", "lane:438/a"):
        queue.redis.delete(queue.key(name))
    return queue.heal


SCRIPTS = {settle_leased: "settle_leased", empty_lanes: "settle_leased", forget: "hook_forget",
           make_due: "hook_resume"}
# Those with fewer commands that write.
STOPS = {make_due: 2}


@pytest.mark.parametrize("again", ["again", "healed"])
@pytest.mark.parametrize("begin", [settle_stream, settle_leased, empty_lanes, claim, look, gate,
                                   forget, make_due, convert, heal])
def test_script_that_stops_half_way(redis, begin, again):
    stop_after = 0
    while run(redis, begin, stop_after, again == "again"):
        stop_after += 1
    assert stop_after >= STOPS.get(begin, 3)


def run(redis, begin, stop_after, send_again):
    """False when it did not stop."""
    redis.flushall()
    queue = StoppingQueue(redis)
    queue.name = SCRIPTS.get(begin, begin.__name__)
    send = begin(queue)
    queue.stop_after = stop_after
    stopped = False
    try:
        send()
    except ResponseError as error:
        assert "stopped half-way" in str(error)
        stopped = True
    queue.stop_after = None
    if send_again:
        send()
    for _ in range(2):
        queue.heal()
    queue.convert_all()
    if not send_again:  # what is empty goes when it is looked at
        queue.claim(*[lane for lane in LANES if queue.lane_score(lane)], count=0)
    queue.tidy_dead("-")
    check_invariants(redis)
    expect(queue, begin, send_again or not stopped)
    return stopped


def expect(queue, begin, is_done):
    """That nothing was lost, and, if it was sent again, that all was done."""
    letters = queue.redis.xlen(queue.key("dead"))
    waiting = queue.redis.hlen(queue.key("deliveries"))
    events = queue.redis.xpending(queue.key("events"), GROUP)["pending"]
    if begin is settle_stream:
        assert waiting + letters >= 6 or events > 0
        assert not is_done or (waiting, events) == (4, 0)
    elif begin is settle_leased:
        assert 4 <= waiting <= 8 and not (is_done and waiting > 4)
    elif begin is empty_lanes:
        assert not is_done or not queue.redis.exists(queue.key("documents"), queue.key("lanes"))
    elif begin is claim:
        assert len(queue.claim(*LANES, mode="all").deliveries) == 2
    elif begin in (forget, make_due) and is_done:
        assert len(queue.claim(LANES[0]).deliveries) == 3
    elif begin is convert:
        assert waiting >= 3 and not (is_done and queue.redis.exists(queue.key("retries")))
