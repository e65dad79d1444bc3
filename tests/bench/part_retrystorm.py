"""retrystorm: every receiver fails, then all are well again."""

import time

from measure import CpuMeter, MemoryWatch
from part_deliver import BODY, ENDPOINTS, alternate, pick
from report import at_least, at_most

STATUS = 503
# Short, so that retries come round within the run.
SCHEDULE = ",".join(["1s", "2s"] + ["4s"] * 50)


def one(site, events, seconds, limit_s):
    with site.run() as run:
        run.sink.set(0, ENDPOINTS - 1, "fail", STATUS)
        run.hooks({room: run.sink.url(room) for room in range(ENDPOINTS)})
        run.load(events, rooms=ENDPOINTS, body=BODY)
        worker = run.worker(retry_schedule=SCHEDULE)
        meter = CpuMeter([worker.pid], run.client)
        with MemoryWatch(worker.pid) as memory:
            time.sleep(seconds)
            attempts = run.sink.report()["requests"]
            cpu, redis = meter.used()
            figures = {
                "attempts": attempts / seconds, "cpu": cpu / attempts, "redis": redis / attempts,
                "share": 100 * cpu / 1e6 / seconds, "redis_share": 100 * redis / 1e6 / seconds,
            }  # fmt: skip
            run.sink.set(0, ENDPOINTS - 1, "ok")
            began = time.monotonic()
            run.wait_settled(limit_s)
            figures["recovery"] = time.monotonic() - began
        figures["peak"] = memory.peak_mb()
        figures["dead"] = run.dead()
        figures["delivered"] = 100 * (run.sink.report()["requests"] >= attempts + events)
        return figures


def run(site, scale, report):
    events, seconds = scale.number(20_000, 200), scale.number(20, 2)
    found = alternate(site, scale.rounds, [
        ("all fail", lambda: one(site, events, seconds, scale.number(300, 60)))
    ])["all fail"]  # fmt: skip
    report.note(f"{events} events, {seconds} s of {STATUS} from {ENDPOINTS} endpoints")
    report.row("attempts", pick(found, "attempts"), "/s")
    report.row("worker: CPU an attempt", pick(found, "cpu"), "µs")
    report.row("worker: of one processor", pick(found, "share"), "%")
    report.row("Redis: CPU an attempt", pick(found, "redis"), "µs")
    report.row("Redis: of one processor", pick(found, "redis_share"), "%")
    report.row("worker: memory, peak", pick(found, "peak"), "MB")
    report.row("all well again: until nothing waits", pick(found, "recovery"), "s")
    report.row("all well again: all delivered", pick(found, "delivered"), "%", at_least(100))
    report.row("dead letters", pick(found, "dead"), "", at_most(0))
