"""deadlanes: one healthy hook beside very many lanes of dead ones; what does it feel?"""

import json
import time

from child import free_port
from measure import CpuMeter
from paced import steady
from part_deliver import alternate, pick, ratios
from report import at_least, at_most
from waiting import fingerprint
from webhook_queue import delivery_id, key, lane_key, message_event, now_ms, set_hook

HEALTHY = 1
FIRST_ROOM = 1000  # of the dead
OPEN_FOR_MS = 15 * 60 * 1000  # their probes come over this time, evenly
BATCH = 1000
# Longer than a run.
SCHEDULE = "1h,1h,1h"


def _add_dead(pipeline, room, url, now, probe_at):
    """A hook that is open, and a delivery that waits for it, as workers write them."""
    lane, stream_id = f"{room}/h0", f"{now - 60_000}-{room}"
    identity = delivery_id(stream_id, "h0")
    line = json.dumps({"lane": lane, "attempts": 1, "status": 503, "encoding": "json"})
    state = {"fingerprint": fingerprint(url), "at": now, "failing_since": now - 3_600_000,
             "failures": 5, "status": 503, "opens": 10, "probe_at": probe_at}  # fmt: skip
    set_hook(pipeline, room, "h0", url=url)
    pipeline.hset(key("hooks-state"), lane, json.dumps(state))
    pipeline.hset(key("gates"), lane, f"{probe_at:.3f} open {fingerprint(url)}")
    pipeline.hset(key("deliveries"), identity, f"{line}\n{json.dumps(message_event(room=room))}")
    pipeline.zadd(lane_key(lane), {identity: now})
    pipeline.zadd(key("lanes-shut"), {lane: probe_at})


def add_dead(run, count):
    """Lanes of hooks that refuse connections, each on an address of its own."""
    port = free_port()
    now = now_ms(run.client)
    for first in range(0, count, BATCH):
        with run.client.pipeline(transaction=False) as pipeline:
            for n in range(first, min(first + BATCH, count)):
                host = f"127.{16 + (n >> 16)}.{n >> 8 & 255}.{n & 255}"
                url = run.sink.url(0, host, port)
                _add_dead(pipeline, FIRST_ROOM + n, url, now, now + OPEN_FOR_MS * (n + 1) // count)
            pipeline.execute()


def one(site, dead, rate, seconds):
    with site.run() as run:
        run.hooks({n: run.sink.url(n, f"127.0.1.{n}") for n in range(1, HEALTHY + 1)})
        add_dead(run, dead)
        worker = run.worker(retry_schedule=SCHEDULE)
        meter, began = CpuMeter([worker.pid], run.client), time.monotonic()
        figures = steady(run, rate, seconds, HEALTHY, HEALTHY)
        cpu, redis = meter.used()
        took = time.monotonic() - began
        shut, waiting = run.client.zcard(key("lanes-shut")), run.client.hlen(key("deliveries"))
        assert waiting == dead, f"of {dead} deliveries of dead hooks {waiting} wait"
        attempts = run.wait_counted("attempts", rate * seconds)["attempts"]
        return {**figures, "cpu": cpu / 1e4 / took, "redis": redis / 1e4 / took,
                "shut": 100 * shut / max(dead, 1),
                "probes": (attempts - rate * seconds) / took}  # fmt: skip


def run(site, scale, report):
    dead, rate = scale.number(100_000, 500), scale.number(200, 100)
    seconds = scale.number(20, 1)
    found = alternate(site, scale.rounds, [
        ("alone", lambda: one(site, 0, rate, seconds)),
        ("beside dead lanes", lambda: one(site, dead, rate, seconds)),
    ])  # fmt: skip
    alone, beside = found.values()
    report.note(f"{dead} dead lanes, {rate} events a second for {seconds} s for a healthy hook")
    for name, figures in (("alone", alone), ("beside dead lanes", beside)):
        report.row(f"{name}: p50", pick(figures, "p50"), "ms")
        report.row(f"{name}: p99", pick(figures, "p99"), "ms")
        report.row(f"{name}: delivered in time", pick(figures, "share"), "%", at_least(100))
        report.row(f"{name}: Redis, of one processor", pick(figures, "redis"), "%")
        report.row(f"{name}: worker, of one processor", pick(figures, "cpu"), "%")
    report.row("beside dead lanes: probes", pick(beside, "probes"), "/s")
    report.row("beside dead lanes: lanes that stayed shut", pick(beside, "shut"), "%",
               at_least(100))  # fmt: skip
    report.row("p99, beside dead lanes ÷ alone", ratios(pick(beside, "p99"), pick(alone, "p99")),
               "", None if scale.quick else at_most(1.3))  # fmt: skip
