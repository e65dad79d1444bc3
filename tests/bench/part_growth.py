"""growth: what a delivery costs with more endpoints, and with larger payloads."""

from part_deliver import alternate, one_deliver, one_limit, pick, ratios
from report import at_most


def _by_endpoints(site, scale, report):
    events = scale.number(200_000, 500)
    counts = (10, 100, 1000, scale.number(10_000, 200))
    found = alternate(site, scale.rounds, [
        (f"{n} endpoints", lambda n=n: one_deliver(site, events, endpoints=n)) for n in counts
    ])  # fmt: skip
    first, *more = found
    for name, figures in found.items():
        report.row(f"{name}: CPU a delivery", pick(figures, "cpu"), "µs")
        report.row(f"{name}: Redis CPU an event", pick(figures, "redis_cpu"), "µs")
    for name in more:
        report.row(f"CPU, {name} ÷ {first}",
                   ratios(pick(found[name], "cpu"), pick(found[first], "cpu")), "",
                   at_most(1.1))  # fmt: skip


def _by_body(site, scale, report):
    events = scale.number(20_000, 200)
    for body in (600, 6000, 60_000):
        found = alternate(site, scale.rounds, [
            (f"bare loop, {body} bytes", lambda body=body: one_limit(site, events, body=body)),
            (f"worker, {body} bytes", lambda body=body: one_deliver(site, events, body=body)),
        ])  # fmt: skip
        bare, worker = found.values()
        report.row(f"{body} bytes: CPU a delivery", pick(worker, "cpu"), "µs")
        report.row(f"{body} bytes: bare loop, CPU a request", pick(bare, "cpu"), "µs")
        report.row(f"{body} bytes: CPU, worker ÷ bare loop",
                   ratios(pick(worker, "cpu"), pick(bare, "cpu")))  # fmt: skip
        report.row(f"{body} bytes: Redis CPU an event", pick(worker, "redis_cpu"), "µs")


def run(site, scale, report):
    _by_endpoints(site, scale, report)
    _by_body(site, scale, report)
