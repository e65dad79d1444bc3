"""latency: from XADD to the request at the sink, at a steady rate, beside a bare POST."""

import time

from part_deliver import BODY, CONNECTIONS, ENDPOINTS, alternate, pick
from report import at_most

WARM_S = 2


def _watch(run, process, seconds):
    """Percentiles in ms of what comes after the warm-up, until the process ends."""
    time.sleep(min(WARM_S, seconds / 4))
    run.sink.forget_latencies()
    assert process.wait(seconds * 3 + 30) == 0, "what makes the load has failed"
    time.sleep(0.2)  # for the last requests
    latency = run.sink.report()["latency_us"]
    return {name: latency[name] / 1000 for name in ("p50", "p90", "p99", "p999")}


def _bare(site, rate, seconds):
    with site.run() as run:
        process = run.start_limit(rate * seconds, rate=rate, endpoints=ENDPOINTS,
                                  connections=CONNECTIONS, body=BODY)  # fmt: skip
        return _watch(run, process, seconds)


def _worker(site, rate, seconds):
    with site.run() as run:
        run.hooks({room: run.sink.url(room) for room in range(ENDPOINTS)})
        run.worker()
        process = run.start_load(rate * seconds, rate=rate, rooms=ENDPOINTS, body=BODY)
        return _watch(run, process, seconds)


def _compare(report, rate, worker, bare, targets):
    for name in ("p50", "p90", "p99", "p999"):
        report.row(f"{rate}/s, worker: {name}", pick(worker, name), "ms")
        report.row(f"{rate}/s, bare POST: {name}", pick(bare, name), "ms")
    for name in ("p50", "p99"):
        above = [a - b for a, b in zip(pick(worker, name), pick(bare, name))]
        report.row(f"{rate}/s: {name} above a bare POST", above, "ms", targets.get(name))


def run(site, scale, report):
    seconds = scale.number(12, 1)
    for rate, targets in ((1000, {"p50": at_most(0.5), "p99": at_most(3)}), (5000, {})):
        found = alternate(site, scale.rounds, [
            (f"bare POST, {rate}/s", lambda rate=rate: _bare(site, rate, seconds)),
            (f"worker, {rate}/s", lambda rate=rate: _worker(site, rate, seconds)),
        ])  # fmt: skip
        bare, worker = found.values()
        _compare(report, rate, worker, bare, targets)
