"""amplify: what waits in Redis, beside the documents that producers sent."""

import time

from child import free_port
from part_deliver import BODY, alternate, pick
from report import at_most
from webhook_queue import key

HOOKS = 256
STATUS = 503
LARGE = 250_000
LANES = 100  # of the small ones
# What has failed waits longer than a run.
SETTINGS = {"retry_schedule": "1h"}


def _used(run, name="used_memory"):
    return run.client.info("memory")[name]


def _fill(run, events, deliveries, limit_s, **arguments):
    """Adds events of failing hooks until nothing but what waits is left; returns by how much
    Redis grew, by how much at most, and the length of a document."""
    run.worker(**SETTINGS)
    before = _used(run)
    run.load(events, **arguments)
    began = time.monotonic()
    while (run.client.hlen(key("deliveries")) < deliveries or run.client.xlen(key("events"))
           or run.client.hlen(key("leases"))):  # fmt: skip
        assert time.monotonic() - began < limit_s, (
            f"{run.client.hlen(key('deliveries'))} of {deliveries} deliveries wait"
        )
        time.sleep(0.05)
    return _used(run) - before, _used(run, "used_memory_peak") - before


def _document(run):
    """The length of what was sent last."""
    [(_, fields)] = run.client.xrevrange(key("events"), count=1)
    return len(fields[b"json"])


def large(site, events, hooks):
    """Few large events of one room with many hooks, all of which fail."""
    with site.run() as run:
        run.sink.set(0, hooks - 1, "fail", STATUS)
        run.hooks({0: [run.sink.url(n) for n in range(hooks)]})
        grown, peak = _fill(run, events, events * hooks, run.limit_s, rooms=1, body=LARGE)
        return {"grown": grown / (events * LARGE), "peak": peak / (events * LARGE)}


def small(site, events):
    """Many small events for hooks that refuse connections."""
    with site.run() as run:
        nobody = free_port()
        run.load(1, rooms=1, body=BODY)
        document = _document(run)
        run.client.delete(key("events"))
        run.hooks({room: run.sink.url(room, f"127.0.2.{room + 1}", nobody)
                   for room in range(LANES)})  # fmt: skip
        grown, _ = _fill(run, events, events, run.limit_s, rooms=LANES, body=BODY)
        return {"beyond": grown / events - document, "document": document}


def run(site, scale, report):
    messages, hooks = scale.number(6, 2), scale.number(HOOKS, 16)
    events = scale.number(20_000, 500)
    found = alternate(site, scale.rounds, [
        ("large", lambda: large(site, messages, hooks)),
        ("small", lambda: small(site, events)),
    ])  # fmt: skip
    report.note(f"{messages} messages of {LARGE} bytes for {hooks} failing hooks of a room; "
                f"{events} of {BODY} bytes for {LANES} of rooms of their own")  # fmt: skip
    report.row("large: Redis' memory ÷ documents", pick(found["large"], "grown"), "",
               None if scale.quick else at_most(3))  # fmt: skip
    report.row("large: at its peak ÷ documents", pick(found["large"], "peak"))
    report.row("small: length of the document", pick(found["small"], "document"), "bytes")
    report.row("small: bytes of Redis beyond it", pick(found["small"], "beyond"), "bytes",
               None if scale.quick else at_most(450))  # fmt: skip
