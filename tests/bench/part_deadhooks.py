"""deadhooks: very many deliveries wait for dead hooks; what do they cost while nothing changes?"""

import time

from child import free_port
from measure import CpuMeter
from part_deliver import BODY, alternate, pick
from report import at_least, at_most
from webhook_queue import key

HOOKS = 200
SETTLE_S = 60  # until probes are as rare as they are after a while
# One attempt after another fails within seconds, and all hooks are open; then they are probed.
SETTINGS = {"retry_schedule": ",".join(["1s"] + ["5m"] * 20), "disable_after": "7d"}


def _absorbed(run):
    """Everything waits in its lane, and all lanes are shut."""
    return (run.client.xlen(key("events")) == 0
            and run.client.zcard(key("lanes-shut")) == HOOKS)  # fmt: skip


def _wait_absorbed(run, limit_s):
    began = time.monotonic()
    while not _absorbed(run):
        assert time.monotonic() - began < limit_s, (
            f"{run.client.xlen(key('events'))} events are left in the stream, "
            f"{run.client.zcard(key('lanes-shut'))} of {HOOKS} lanes are shut"
        )
        time.sleep(0.1)
    return time.monotonic() - began


def one(site, events, seconds, settle_s):
    """Percent of a processor, with so many deliveries waiting; 0: of an idle worker."""
    with site.run() as run:
        nobody = free_port()
        run.hooks({room: run.sink.url(room, f"127.0.2.{room + 1}", nobody)
                   for room in range(HOOKS)})  # fmt: skip
        if events:
            run.load(events, rooms=HOOKS, body=BODY)
        worker = run.worker(**SETTINGS)
        took = _wait_absorbed(run, run.limit_s) if events else 0
        time.sleep(settle_s)
        attempts = run.counter("attempts")
        meter = CpuMeter([worker.pid], run.client)
        time.sleep(seconds)
        cpu, redis = meter.used()
        return {
            "absorbed": took,
            "attempts": (run.counter("attempts") - attempts) / seconds,
            "cpu": cpu / 1e4 / seconds,
            "redis": redis / 1e4 / seconds,
            "kept": 100 * run.client.hlen(key("deliveries")) / max(events, 1),
        }


def run(site, scale, report):
    events, seconds = scale.number(200_000, 2000), scale.number(30, 2)
    settle_s = scale.number(SETTLE_S, 1)
    found = alternate(site, scale.rounds, [
        ("nothing waits", lambda: one(site, 0, seconds, settle_s)),
        ("dead", lambda: one(site, events, seconds, settle_s)),
    ])  # fmt: skip
    idle, dead = found.values()
    report.note(f"{events} deliveries of {HOOKS} hooks that refuse connections, for {seconds} s")
    report.row("nothing waits: Redis, of one processor", pick(idle, "redis"), "%")
    report.row("nothing waits: worker, of one processor", pick(idle, "cpu"), "%")
    report.row("dead: until all wait in shut lanes", pick(dead, "absorbed"), "s")
    report.row("dead: Redis, of one processor", pick(dead, "redis"), "%", at_most(1))
    report.row("dead: worker, of one processor", pick(dead, "cpu"), "%", at_most(0.5))
    report.row("dead: attempts", pick(dead, "attempts"), "/s")
    report.row("dead: still waiting", pick(dead, "kept"), "%", at_least(100))
