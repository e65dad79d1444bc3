"""isolation: 100 endpoints on hosts of their own, 20 of them bad; what do the other 80 feel?"""

import time

from child import free_port
from measure import MemoryWatch
from paced import steady
from part_deliver import alternate, pick, ratios
from report import at_least, at_most

HEALTHY = 80
ENDPOINTS = 100
MOST = 90  # %


class Scenario:
    """What the endpoints above HEALTHY do; host is where all of them are, or one each."""

    def __init__(self, name, behaviour, one_host=False, refused=False):
        self.name = name
        self._behaviour = behaviour
        self._one_host = one_host
        self._refused = refused

    def apply(self, run):
        run.sink.set(HEALTHY + 1, ENDPOINTS, self._behaviour)
        nobody = free_port() if self._refused else None
        urls = {}
        for endpoint in range(1, ENDPOINTS + 1):
            is_bad = endpoint > HEALTHY
            host = HEALTHY + 1 if is_bad and self._one_host else endpoint
            port = nobody if is_bad else None
            urls[endpoint] = run.sink.url(endpoint, f"127.0.1.{host}", port)
        run.hooks(urls)


SCENARIOS = (
    Scenario("none bad", "ok"),
    Scenario("hanging", "hang"),
    Scenario("dripping", "drip"),
    Scenario("refusing", "ok", refused=True),
    Scenario("hanging on one host", "hang", one_host=True),
)


def paced(site, scenario, rate, seconds):
    """All endpoints get the same steady load, well below what a worker can do."""
    with site.run() as run:
        scenario.apply(run)
        worker = run.worker()
        with MemoryWatch(worker.pid) as memory:
            figures = steady(run, rate, seconds, ENDPOINTS, HEALTHY)
        return {**figures, "peak": memory.peak_mb(), "growth": memory.growth_mb()}


def saturated(site, scenario, events, limit_s):
    """All events wait when the worker starts: how fast do those of the healthy go?

    The rate is that of the first MOST of them: the last few may wait in their lanes.
    """
    with site.run() as run:
        scenario.apply(run)
        run.load(events, first_room=1, rooms=ENDPOINTS)
        worker = run.worker()
        began = time.monotonic()
        healthy = events * HEALTHY // ENDPOINTS
        with MemoryWatch(worker.pid) as memory:
            most = healthy * MOST // 100
            report = run.sink.wait(lambda one: one["requests"] >= most, limit_s, 1, HEALTHY)
            took = time.monotonic() - began
            run.sink.wait(lambda one: one["requests"] >= healthy, limit_s - took, 1, HEALTHY)
        return {
            "rate": report["requests"] / took,
            "all": time.monotonic() - began,
            "peak": memory.peak_mb(),
        }


def _report_paced(report, found, name):
    base, bad = found["none bad"], found[name]
    report.row(f"{name}: healthy delivered in time", pick(bad, "share"), "%", at_least(95))
    report.row(f"{name}: healthy p50", pick(bad, "p50"), "ms")
    report.row(f"{name}: healthy p99", pick(bad, "p99"), "ms")
    if name != "none bad":
        report.row(f"{name}: p99 ÷ none bad", ratios(pick(bad, "p99"), pick(base, "p99")), "",
                   at_most(1.5))  # fmt: skip
    report.row(f"{name}: memory, peak", pick(bad, "peak"), "MB")
    report.row(f"{name}: memory, growth once warm", pick(bad, "growth"), "MB")


def run(site, scale, report):
    rate, seconds = scale.number(1000, 500), scale.number(25, 1)
    found = alternate(site, scale.rounds, [
        (f"paced, {one.name}", lambda one=one: paced(site, one, rate, seconds))
        for one in SCENARIOS
    ])  # fmt: skip
    report.note(f"paced at {rate} events a second over 100 endpoints, for {seconds} s")
    found = {name.removeprefix("paced, "): figures for name, figures in found.items()}
    for one in SCENARIOS:
        _report_paced(report, found, one.name)

    events, limit_s = scale.number(150_000, 1000), scale.number(60, 2)
    full = alternate(site, scale.rounds, [
        (one.name, lambda one=one: saturated(site, one, events, limit_s)) for one in SCENARIOS
    ])  # fmt: skip
    report.note(f"{events} events waiting, for at most {limit_s} s")
    base = pick(full["none bad"], "rate")
    report.row("waiting, none bad: healthy", base, "/s")
    report.row("waiting, none bad: until the last of them", pick(full["none bad"], "all"), "s")
    for one in SCENARIOS[1:]:
        rates = pick(full[one.name], "rate")
        report.row(f"waiting, {one.name}: healthy", rates, "/s")
        report.row(f"waiting, {one.name}: ÷ none bad",
                   [100 * ratio for ratio in ratios(rates, base)], "%", at_least(95))  # fmt: skip
        report.row(f"waiting, {one.name}: until the last of them", pick(full[one.name], "all"),
                   "s")  # fmt: skip
        report.row(f"waiting, {one.name}: memory, peak", pick(full[one.name], "peak"), "MB")
