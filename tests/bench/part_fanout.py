"""fanout: ten hooks an event."""

from part_deliver import BODY, alternate, drain, one_deliver, pick, ratios
from report import at_most

HOOKS = 10
ROOMS = 10


def _worker(site, events):
    with site.run() as run:
        run.hooks({
            room: [run.sink.url(room * HOOKS + n) for n in range(HOOKS)] for room in range(ROOMS)
        })  # fmt: skip
        run.load(events, rooms=ROOMS, body=BODY)
        return drain(run, events, hooks=HOOKS)


def run(site, scale, report):
    events = scale.number(20_000, 100)
    found = alternate(site, scale.rounds, [
        ("one hook an event", lambda: one_deliver(site, events * HOOKS)),
        ("ten hooks an event", lambda: _worker(site, events)),
    ])  # fmt: skip
    one, ten = found.values()
    report.row("ten hooks: deliveries", pick(ten, "rate"), "/s")
    report.row("ten hooks: CPU a delivery", pick(ten, "cpu"), "µs")
    report.row("one hook: CPU a delivery", pick(one, "cpu"), "µs")
    report.row("CPU, ten hooks ÷ one hook", ratios(pick(ten, "cpu"), pick(one, "cpu")))
    report.row("ten hooks: Redis CPU an event", pick(ten, "redis_cpu"), "µs")
    report.row("ten hooks: written into their lanes, of 100", pick(ten, "waited"), "",
               at_most(10) if events >= 10_000 else None)  # fmt: skip
    report.row("ten hooks: memory, peak", pick(ten, "rss"), "MB")
    report.row("POSTs that came twice", pick(ten, "extra"))
