"""deadendpoint: an endpoint is dead while very many events wait for it; then it comes back."""

import time

from child import free_port
from measure import MemoryWatch
from part_deliver import alternate, pick, ratios
from report import at_least, at_most

HEALTHY = 20
DEAD = 0
WARM_S = 2
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


def one(site, how, events, rate, seconds, limit_s):
    """Figures of the healthy while the endpoint is ok, hanging or refusing, and of its return."""
    with site.run() as run:
        port = free_port() if how == "refusing" else None
        run.hooks({n: run.sink.url(n, f"127.0.1.{n + 1}") for n in range(1, HEALTHY + 1)})
        run.hooks({DEAD: run.sink.url(DEAD, "127.0.1.1", port)})
        run.sink.set(DEAD, DEAD, "hang" if how == "hanging" else "ok")
        if how != "ok":
            run.load(events, first_room=DEAD, rooms=1)
        worker = run.worker(**SETTINGS)
        with MemoryWatch(worker.pid) as memory:
            load = run.start_load(rate * seconds, rate=rate, first_room=1, rooms=HEALTHY)
            time.sleep(min(WARM_S, seconds / 4))
            run.sink.forget_latencies()
            load.wait(seconds * 3 + 30)
            time.sleep(1)
            report = run.sink.report(1, HEALTHY)
            figures = {"peak": memory.peak_mb()}
            if how != "ok":
                figures.update(_comes_back(run, how, port, events, limit_s))
        figures["p50"] = report["latency_us"]["p50"] / 1000
        figures["p99"] = report["latency_us"]["p99"] / 1000
        figures["peak_after"] = memory.peak_mb()
        figures["dead"] = run.dead()
        return figures


def run(site, scale, report):
    events = scale.number(100_000, 300)
    rate, seconds = scale.number(500, 200), scale.number(20, 1)
    limit_s = scale.number(150, 10)
    names = ("ok", "hanging", "refusing")
    found = alternate(site, scale.rounds, [
        (name, lambda name=name: one(site, name, events, rate, seconds, limit_s)) for name in names
    ])  # fmt: skip
    report.note(f"{events} events wait for it, {rate} a second come for {HEALTHY} others")
    base = found["ok"]
    report.row("no dead endpoint: others' p50", pick(base, "p50"), "ms")
    report.row("no dead endpoint: others' p99", pick(base, "p99"), "ms")
    for name in names[1:]:
        dead = found[name]
        report.row(f"{name}: others' p50", pick(dead, "p50"), "ms")
        report.row(f"{name}: others' p99", pick(dead, "p99"), "ms")
        report.row(f"{name}: p99 ÷ no dead one", ratios(pick(dead, "p99"), pick(base, "p99")), "",
                   at_most(1.5))  # fmt: skip
        growth = [a - b for a, b in zip(pick(dead, "peak"), pick(base, "peak"))]
        report.row(f"{name}: memory above no dead one", growth, "MB", at_most(10))
        report.row(f"{name}: back, delivered within {limit_s} s", pick(dead, "came"), "%",
                   at_least(100))  # fmt: skip
        report.row(f"{name}: back, deliveries", pick(dead, "rate"), "/s")
        report.row(f"{name}: dead letters", pick(dead, "dead"), "", at_most(0))
