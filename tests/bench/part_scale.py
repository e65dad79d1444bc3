"""scale: one, two and four workers on a queue."""

import os

from part_deliver import BODY, ENDPOINTS, alternate, drain, pick, ratios


def _workers(site, events, count):
    with site.run() as run:
        run.hooks({room: run.sink.url(room) for room in range(ENDPOINTS)})
        run.load(events, rooms=ENDPOINTS, body=BODY)
        return drain(run, events, workers=count)


def run(site, scale, report):
    events = scale.number(200_000, 1000)
    found = alternate(site, scale.rounds, [
        (f"{n} workers", lambda n=n: _workers(site, events, n)) for n in (1, 2, 4)
    ])  # fmt: skip
    report.note(f"on {os.cpu_count()} processors, which Redis and the sink share with the workers")
    first = found["1 workers"]
    for name, figures in found.items():
        name = "1 worker" if figures is first else name
        report.row(f"{name}: deliveries", pick(figures, "rate"), "/s")
        report.row(f"{name}: CPU a delivery", pick(figures, "cpu"), "µs")
        report.row(f"{name}: Redis CPU an event", pick(figures, "redis_cpu"), "µs")
        report.row(f"{name}: POSTs that came twice", pick(figures, "extra"))
        if figures is not first:
            report.row(f"rate, {name} ÷ 1 worker",
                       ratios(pick(figures, "rate"), pick(first, "rate")))  # fmt: skip
