"""inflight: what a worker needs when idle, and for each delivery in flight."""

import time

from measure import rss_mb, rss_peak_mb
from part_deliver import alternate, pick
from report import at_most

BODY = 1024
ANSWER_MS = 4000  # long enough that all are in flight at a time
LIMIT_S = 120


def one(site, count, pair=None, ca=None):
    """count deliveries, each for an endpoint of its own, to a receiver that takes its time."""
    settings = {"ca_file": ca} if ca else {}
    with site.run(pair=pair) as run:
        run.sink.set(0, count - 1, "slow", ANSWER_MS)
        run.hooks({room: run.sink.url(room) for room in range(count)})
        worker = run.worker(
            max_in_flight=min(65536, count * 4 // 3 + 16), max_per_origin=65536,
            max_per_endpoint=65536, max_per_address=65536, **settings,
        )  # fmt: skip
        time.sleep(0.5)
        idle = rss_mb(worker.pid)
        run.load(count, rooms=count, body=BODY)
        most = 0
        deadline = time.monotonic() + LIMIT_S
        while time.monotonic() < deadline:
            report = run.sink.report()
            most = max(most, report["busy"])
            if report["answers"] >= count:
                break
            time.sleep(0.05)
        peak = rss_peak_mb(worker.pid)
        return {"idle": idle, "peak": peak, "most": most, "each": (peak - idle) * 1024 / most}


def run(site, scale, report):
    counts = (10, 1000, 10_000) if not scale.quick else (10, 100)
    certificates = site.certificates()
    pair = certificates.good()
    encrypted = counts[1]
    found = alternate(site, scale.rounds, [
        *((f"{n} in flight", lambda n=n: one(site, n)) for n in counts),
        (f"{encrypted} in flight, TLS",
         lambda: one(site, encrypted, pair=pair, ca=certificates.ca)),
    ])  # fmt: skip
    report.row("idle worker: memory", pick(found[f"{counts[0]} in flight"], "idle"), "MB",
               at_most(12))  # fmt: skip
    for name, figures in found.items():
        most = 96 if name.endswith("TLS") else 32
        report.row(f"{name}: at a time", pick(figures, "most"))
        report.row(f"{name}: memory, peak", pick(figures, "peak"), "MB")
        report.row(f"{name}: memory for each", pick(figures, "each"), "KB",
                   at_most(most) if pick(figures, "most")[0] >= 100 else None)  # fmt: skip
