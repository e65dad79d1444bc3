"""backlog: how fast a small and a very large backlog drain."""

from part_deliver import alternate, one_deliver, pick, ratios
from report import at_least, at_most


def run(site, scale, report):
    small, large = scale.number(10_000, 500), scale.number(1_000_000, 5000)
    found = alternate(site, scale.rounds, [
        (f"{events} waiting", lambda events=events: one_deliver(site, events))
        for events in (small, large)
    ])  # fmt: skip
    few, many = found.values()
    report.row(f"{small} waiting: deliveries", pick(few, "rate"), "/s")
    report.row(f"{large} waiting: deliveries", pick(many, "rate"), "/s")
    rates = [100 * ratio for ratio in ratios(pick(many, "rate"), pick(few, "rate"))]
    report.row(f"rate, {large} ÷ {small}", rates, "%", at_least(90))
    report.row(f"{small} waiting: CPU a delivery", pick(few, "cpu"), "µs")
    report.row(f"{large} waiting: CPU a delivery", pick(many, "cpu"), "µs")
    report.row(f"CPU, {large} ÷ {small}", ratios(pick(many, "cpu"), pick(few, "cpu")), "",
               at_most(1.1))  # fmt: skip
    report.row(f"{large} waiting: memory, peak", pick(many, "rss"), "MB")
