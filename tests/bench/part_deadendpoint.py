"""deadendpoint: an endpoint is dead while very many events wait for it; then it comes back."""

import time

from child import free_port
from measure import MemoryWatch
from paced import steady
from part_deliver import alternate, pick, ratios
from report import at_least, at_most
from webhook_queue import key

HEALTHY = 20
DEAD = 0
IN_FLIGHT = 512  # of the worker: what may be left in the stream
# A dead endpoint's deliveries come back within seconds, so that a run ends: what is tested is who
# waits for whom, not the default schedule.
SETTINGS = {"timeout": "5s", "connect_timeout": "5s",
            "retry_schedule": ",".join(["1s", "2s", "5s"] + ["10s"] * 57)}  # fmt: skip
ANSWER_MS = 5  # of the endpoint that is back


def _comes_back(run, how, port, events, limit_s):
    """How many of the events the endpoint has got in limit_s, and how fast they came."""
    run.sink.set(DEAD, DEAD, "slow", ANSWER_MS)
    if how == "refusing":
        run.sink.listen(port)
    before = run.sink.report(DEAD, DEAD)["requests"]
    began = time.time()
    wanted = before + events
    report = run.sink.wait(lambda one: one["requests"] >= wanted, limit_s, DEAD, DEAD)
    came = report["requests"] - before
    seconds = (report["last_us"] / 1e6 if came >= events else time.time()) - began
    return {"came": 100 * came / events, "rate": came / max(seconds, 0.001)}


def _absorb(run, limit_s):
    """Seconds until the worker has taken from the stream what was there for the dead endpoint."""
    began = time.monotonic()
    while time.monotonic() - began < limit_s:
        if run.client.xlen(key("events")) <= IN_FLIGHT:
            break
        time.sleep(0.1)
    return time.monotonic() - began


def one(site, how, numbers):
    """Figures of the healthy while the endpoint is ok, hanging or refusing, and of its return."""
    with site.run() as run:
        port = free_port() if how == "refusing" else None
        run.hooks({n: run.sink.url(n, f"127.0.1.{n + 1}") for n in range(1, HEALTHY + 1)})
        run.hooks({DEAD: run.sink.url(DEAD, "127.0.1.1", port)})
        run.sink.set(DEAD, DEAD, "hang" if how == "hanging" else "ok")
        if how != "ok":
            run.load(numbers["events"], first_room=DEAD, rooms=1)
        worker = run.worker(**SETTINGS)
        with MemoryWatch(worker.pid) as memory:
            figures = {"absorbed": _absorb(run, numbers["absorb_s"])}
            figures.update(steady(run, numbers["rate"], numbers["seconds"], HEALTHY, HEALTHY))
            if how != "ok":
                figures.update(_comes_back(run, how, port, numbers["events"], numbers["limit_s"]))
        figures["peak"] = memory.peak_mb()
        figures["dead"] = run.dead()
        return figures


def _report(report, name, dead, base, numbers):
    report.row(f"{name}: until its events are out of the way", pick(dead, "absorbed"), "s")
    report.row(f"{name}: others delivered in time", pick(dead, "share"), "%", at_least(95))
    report.row(f"{name}: others' p50", pick(dead, "p50"), "ms")
    report.row(f"{name}: others' p99", pick(dead, "p99"), "ms")
    report.row(f"{name}: p99 ÷ no dead one", ratios(pick(dead, "p99"), pick(base, "p99")), "",
               at_most(1.5))  # fmt: skip
    growth = [a - b for a, b in zip(pick(dead, "peak"), pick(base, "peak"))]
    report.row(f"{name}: memory above no dead one", growth, "MB", at_most(10))
    report.row(f"{name}: back, delivered within {numbers['limit_s']} s", pick(dead, "came"), "%",
               at_least(100))  # fmt: skip
    report.row(f"{name}: back, deliveries", pick(dead, "rate"), "/s")
    report.row(f"{name}: dead letters", pick(dead, "dead"), "", at_most(0))


def run(site, scale, report):
    numbers = {
        "events": scale.number(100_000, 300),
        "rate": scale.number(500, 200),
        "seconds": scale.number(20, 1),
        "absorb_s": scale.number(60, 5),
        "limit_s": scale.number(150, 10),
    }
    names = ("ok", "hanging", "refusing")
    found = alternate(site, scale.rounds, [
        (name, lambda name=name: one(site, name, numbers)) for name in names
    ])  # fmt: skip
    report.note(f"{numbers['events']} events wait for it, then {numbers['rate']} a second come for "
                f"{HEALTHY} others")  # fmt: skip
    base = found["ok"]
    report.row("no dead endpoint: others' p50", pick(base, "p50"), "ms")
    report.row("no dead endpoint: others' p99", pick(base, "p99"), "ms")
    for name in names[1:]:
        _report(report, name, found[name], base, numbers)
