"""neighbours: hooks that share an origin, an address or a URL with hostile, new and slow ones."""

import time

from child import free_port
from part_deliver import alternate, pick
from report import at_least, at_most
from site_of_run import SIGNATURE
from webhook_queue import set_hook

HEALTHY = 3  # endpoints and rooms 1 to 3
HEALTHY_RATE = 20  # events a second for each
FIRST = 100  # endpoint and room of the attackers
NEWCOMER = 1000  # the same of the first new hook
HOST = "127.0.1.1"
PORTS = 40  # of the attackers, when it is the address that they share
LATE_MS = 14_000  # shorter than the timeout, so that it is a success
FLIP_AFTER = 5
MANY_HOOKS = 256
# Hooks of one origin, which takes 1,280 a second of these.
OVERLOAD = {"hooks": 200, "answer_ms": 50, "rate": 3000}


class Attack:
    """What hooks do that share something with the healthy ones.

    sharing: origin, address or url. later: what they do instead from the middle of the run on.
    """

    def __init__(self, name, *behaviour, sharing="origin", one_room=False, later=None, p99=1.5):
        self.name = f"{name}, {'one room' if one_room else 'same ' + sharing}"
        self.behaviour = behaviour
        self.later = later
        self.p99 = p99
        self._sharing = sharing
        self._one_room = one_room

    def set_hooks(self, run, count):
        """The healthy and the attackers; returns how many events of rooms make their load."""
        ports = [run.sink.port]
        if self._sharing == "address":
            ports = [free_port() for _ in range(PORTS)]
            for port in ports:
                run.sink.listen(port)
        with run.client.pipeline(transaction=False) as pipeline:
            for n in range(HEALTHY):
                self._set_hook(run, pipeline, 1 + n, "h", 1 + n, run.sink.port)
            for n in range(count):
                room, hook = (FIRST, f"h{n}") if self._one_room else (FIRST + n, "h")
                self._set_hook(run, pipeline, room, hook, FIRST + n, ports[n % len(ports)])
            pipeline.execute()
        return 1 if self._one_room else count

    def _set_hook(self, run, pipeline, room, hook, endpoint, port):
        url = run.sink.url(1 if self._sharing == "url" else endpoint, HOST, port)
        headers = {"x-endpoint": str(endpoint)}
        set_hook(pipeline, room, hook, url=url, headers=headers, verificationSignature=SIGNATURE)

    def numbers(self, scale):
        """(hooks, events a second): of a room with many hooks each event is for all of them."""
        if self._one_room:
            return scale.number(MANY_HOOKS, 32), 4
        return scale.number(200, 20), 100


ATTACKS = (
    Attack("hang", "hang"),
    Attack("drip", "trickle"),
    Attack("answer after 14 s", "slow", LATE_MS),
    Attack("flip", "flip", FLIP_AFTER, LATE_MS),
    Attack("late now and then", "rare", 5, LATE_MS),
    Attack("well, then all hang", "quick", later=("hang",), p99=3),
    Attack("answer after 0.95 s", "slow", 950),
    Attack("answer after 14 s", "slow", LATE_MS, sharing="address"),
    Attack("flip", "flip", FLIP_AFTER, LATE_MS, sharing="address"),
    Attack("hang", "hang", sharing="url"),
    Attack("answer after 14 s", "slow", LATE_MS, sharing="url"),
    Attack("flip", "flip", FLIP_AFTER, LATE_MS, sharing="url"),
    Attack("answer after 14 s", "slow", LATE_MS, one_room=True),
)


def _wait_for(run, sent, first, last, late_s):
    """What came for these endpoints: the share in time, and p99 in s, of which those that never
    came are a part with as long as they were waited for."""
    began = time.monotonic()
    report = run.sink.wait(lambda one: one["requests"] >= sent, late_s, first, last)
    latency = report["latency_us"]
    p99, longest = latency["p99"] / 1e6, latency["max"] / 1e6
    missing = sent - report["requests"]
    if missing > 0:
        longest = max(longest, time.monotonic() - began)
    if missing > sent / 100:
        p99 = longest
    return {"share": 100 * min(1, report["in_time"] / sent), "p99": p99, "max": longest,
            "twice": 100 * max(0, -missing) / sent}  # fmt: skip


def attacked(site, attack, scale):
    """The healthy hooks beside an attack that begins a second after them."""
    seconds, late_s = scale.number(30, 2), scale.number(30, 5)
    hooks, rate = attack.numbers(scale)
    with site.run() as run:
        run.sink.set(1, HEALTHY, "quick")
        run.sink.set(FIRST, FIRST + hooks - 1, *attack.behaviour)
        rooms = attack.set_hooks(run, hooks)
        run.worker()
        sent = HEALTHY * HEALTHY_RATE * seconds
        healthy = run.start_load(sent, rate=HEALTHY * HEALTHY_RATE, first_room=1, rooms=HEALTHY)
        time.sleep(scale.number(1, 0))
        run.start_load(rate * seconds, rate=rate, first_room=FIRST, rooms=rooms)
        if attack.later:
            time.sleep(seconds / 2)
            run.sink.set(FIRST, FIRST + hooks - 1, *attack.later)
        assert healthy.wait(seconds * 3 + 30) == 0, "the producer has failed"
        return _wait_for(run, sent, 1, HEALTHY, late_s)


def newcomers(site, scale):
    """First events of new hooks, while those of many others come for the first time as well and
    are answered after 14 s."""
    attack = Attack("new", "slow", LATE_MS)
    hooks, rate = attack.numbers(scale)
    count, every = scale.number(20, 5), 10
    with site.run() as run:
        run.sink.set(FIRST, FIRST + hooks - 1, *attack.behaviour)
        run.sink.set(NEWCOMER, NEWCOMER + count - 1, "quick")
        attack.set_hooks(run, hooks)
        run.hooks({NEWCOMER + n: run.sink.url(NEWCOMER + n, HOST) for n in range(count)})
        run.worker()
        run.start_load(hooks, rate=rate, first_room=FIRST, rooms=hooks)
        time.sleep(scale.number(1, 0.1))
        run.load(count, rate=every, first_room=NEWCOMER, rooms=count)
        return _wait_for(run, count, NEWCOMER, NEWCOMER + count - 1, scale.number(30, 5))


def elsewhere(site, scale):
    """A healthy hook beside hooks of another origin that answer soon and get more than it takes:
    what waits for them must not keep the stream from being read."""
    seconds, late_s = scale.number(20, 2), scale.number(60, 5)
    with site.run() as run:
        run.sink.set(1, 1, "quick")
        run.sink.set(FIRST, FIRST + OVERLOAD["hooks"] - 1, "slow", OVERLOAD["answer_ms"])
        run.hooks({1: run.sink.url(1, "127.0.2.1")})
        rooms = range(FIRST, FIRST + OVERLOAD["hooks"])
        run.hooks({room: run.sink.url(room, HOST) for room in rooms})
        run.worker()
        sent = HEALTHY_RATE * seconds
        healthy = run.start_load(sent, rate=HEALTHY_RATE, first_room=1, rooms=1)
        time.sleep(scale.number(1, 0))
        run.start_load(OVERLOAD["rate"] * seconds, rate=OVERLOAD["rate"], first_room=FIRST,
                       rooms=OVERLOAD["hooks"])  # fmt: skip
        assert healthy.wait(seconds * 3 + 30) == 0, "the producer has failed"
        return _wait_for(run, sent, 1, 1, late_s)


class Honest:
    """Hooks of one origin that nobody means harm with. later: see Attack."""

    def __init__(self, name, *behaviour, hooks, rate, later=None):
        self.name, self.behaviour, self.later = name, behaviour, later
        self.hooks, self.rate = hooks, rate


HONEST = {
    "slow": Honest("20 hooks answer after 2 s", "slow", 2000, hooks=20, rate=25),
    "heavy": Honest("100 heavy-tailed hooks, origin at 90 %", "tail", 40, 120, hooks=100, rate=700),
    "busy": Honest("20 hooks answer after 90 ms, origin at 90 %", "slow", 90, hooks=20, rate=640),
    "stall": Honest("100 hooks, all stall for 3 s", "quick", hooks=100, rate=400,
                    later=("stall", 3000)),
}  # fmt: skip


def honest(site, load, scale):
    seconds, late_s = scale.number(30, 3), scale.number(60, 5)
    last = FIRST + load.hooks - 1
    with site.run() as run:
        run.sink.set(FIRST, last, *load.behaviour)
        run.hooks({room: run.sink.url(room, HOST) for room in range(FIRST, last + 1)})
        run.worker()
        sent = load.rate * seconds
        process = run.start_load(sent, rate=load.rate, first_room=FIRST, rooms=load.hooks)
        if load.later:
            time.sleep(seconds / 2)
            run.sink.set(FIRST, last, *load.later)
        assert process.wait(seconds * 3 + 30) == 0, "the producer has failed"
        answers = run.sink.report(FIRST, last)["answers"]
        figures = _wait_for(run, sent, FIRST, last, late_s)
        run.wait_settled()
        figures["cuts"] = run.wait_counted("delivered", sent).get("cut", 0)
        # What is still on its way is not behind.
        on_its_way = load.rate * (load.behaviour[1] / 1000 if load.behaviour[0] == "slow" else 0)
        figures["kept_up"] = answers / (sent - on_its_way)
        return figures


def _report_honest(report, found):
    name, figures = HONEST["slow"].name, found["slow"]
    report.row(f"{name}: answered ÷ offered", pick(figures, "kept_up"), "", at_least(0.9))
    report.row(f"{name}: cuts", pick(figures, "cuts"))
    for kind in ("heavy", "busy"):
        name, figures = HONEST[kind].name, found[kind]
        report.row(f"{name}: cuts", pick(figures, "cuts"), "", at_most(0))
        report.row(f"{name}: p99", pick(figures, "p99"), "s")
    name, figures = HONEST["stall"].name, found["stall"]
    report.row(f"{name}: sent twice", pick(figures, "twice"), "%", at_most(1))
    report.row(f"{name}: cuts", pick(figures, "cuts"))
    report.row(f"{name}: p99", pick(figures, "p99"), "s")


def run(site, scale, report):
    found = alternate(site, scale.rounds, [
        (one.name, lambda one=one: attacked(site, one, scale)) for one in ATTACKS
    ])  # fmt: skip
    report.note(f"{HEALTHY} healthy hooks get {HEALTHY_RATE} events a second each; in time: the "
                "POST comes within 3 s")  # fmt: skip
    for one in ATTACKS:
        figures = found[one.name]
        report.row(f"{one.name}: healthy in time", pick(figures, "share"), "%", at_least(100))
        report.row(f"{one.name}: healthy p99", pick(figures, "p99"), "s", at_most(one.p99))
        report.row(f"{one.name}: healthy, longest", pick(figures, "max"), "s")
    new = alternate(site, scale.rounds, [("newcomers", lambda: newcomers(site, scale))])
    new = new["newcomers"]
    report.row("a new hook beside 200 new slow ones: longest", pick(new, "max"), "s",
               None if scale.quick else at_most(1.5))  # fmt: skip
    report.row("a new hook beside 200 new slow ones: p99", pick(new, "p99"), "s")
    apart = alternate(site, scale.rounds, [("elsewhere", lambda: elsewhere(site, scale))])
    apart = apart["elsewhere"]
    name = "beside an overload of another origin"
    report.row(f"{name}: healthy in time", pick(apart, "share"), "%", at_least(100))
    report.row(f"{name}: healthy p99", pick(apart, "p99"), "s", at_most(1.5))
    quiet = alternate(site, scale.rounds, [
        (kind, lambda load=load: honest(site, load, scale)) for kind, load in HONEST.items()
    ])  # fmt: skip
    _report_honest(report, quiet)
