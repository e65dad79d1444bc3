"""peer: BullMQ, and a consumer written by hand in Node, on the same Redis, sink and bodies."""

import shutil
import subprocess
from pathlib import Path

from measure import CpuMeter
from part_deliver import BODY, ENDPOINTS, alternate, one_deliver, pick, ratios
from report import at_least, at_most
from webhook_queue import key

SCRIPTS = Path(__file__).resolve().parent / "peer"
INSTALL_S = 300


def _install(site):
    """Brings the packages into build/bench/peer; returns the folder, or why there is none."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        return None, "node or npm is missing: scripts/setup --bench installs them"
    folder = site.top / "build" / "bench" / "peer"
    shutil.copytree(SCRIPTS, folder, dirs_exist_ok=True)
    site.tell("npm install")
    argv = ["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
    done = subprocess.run(
        argv, cwd=folder, capture_output=True, text=True, check=False, timeout=INSTALL_S
    )
    if done.returncode != 0:
        return None, f"npm install failed: {done.stderr.strip().splitlines()[-1:]}"
    return folder, None


def _figures(run, answer, meter, count):
    _, redis = meter.used()
    report = run.sink.report()
    assert report["requests"] == count, f"{report['requests']} of {count} requests came"
    return {
        "rate": count / answer["took_us"] * 1e6,
        "cpu": (answer["user_us"] + answer["system_us"]) / count,
        "redis_cpu": redis / count,
        "rss": answer["rss_kb"] / 1024,
    }


def _node(site, folder, script, **words):
    argv = ["node", str(folder / script), *(f"{name}={value}" for name, value in words.items())]
    return site.ask(argv)


def _bullmq(site, folder, count):
    with site.run() as run:
        run.load(1, body=BODY)
        _, fields = run.client.xrange(key("events"), count=1)[0]
        template = Path(site.folder) / "event.json"
        template.write_bytes(fields[b"json"])
        words = {"port": run.server.port, "count": count}
        filled = _node(site, folder, "bullmq.mjs", do="fill", url=run.sink.base, rooms=ENDPOINTS,
                       template=template, **words)  # fmt: skip
        assert filled["requests"] == count
        meter = CpuMeter([], run.client)
        answer = _node(site, folder, "bullmq.mjs", do="work", **words)
        return _figures(run, answer, meter, count)


def _stream(site, folder, count):
    with site.run() as run:
        run.hooks({room: run.sink.url(room) for room in range(ENDPOINTS)})
        run.load(count, rooms=ENDPOINTS, body=BODY)
        meter = CpuMeter([], run.client)
        answer = _node(site, folder, "stream.mjs", port=run.server.port, count=count)
        return _figures(run, answer, meter, count)


def _compare(report, name, theirs, ours, targets):
    report.row(f"{name}: deliveries", pick(theirs, "rate"), "/s")
    report.row(f"{name}: CPU a delivery", pick(theirs, "cpu"), "µs")
    report.row(f"{name}: Redis CPU an event", pick(theirs, "redis_cpu"), "µs")
    report.row(f"{name}: peak memory", pick(theirs, "rss"), "MB")
    report.row(f"CPU, {name} ÷ worker", ratios(pick(theirs, "cpu"), pick(ours, "cpu")), "",
               targets.get("cpu"))  # fmt: skip
    report.row(f"Redis CPU, worker ÷ {name}",
               ratios(pick(ours, "redis_cpu"), pick(theirs, "redis_cpu")), "",
               targets.get("redis"))  # fmt: skip


def run(site, scale, report):
    folder, problem = _install(site)
    if problem:
        site.tell(f"SKIPPED: {problem}")
        report.note(f"SKIPPED: {problem}")
        return
    count = scale.number(30_000, 500)
    found = alternate(site, scale.rounds, [
        ("worker", lambda: one_deliver(site, count)),
        ("BullMQ", lambda: _bullmq(site, folder, count)),
        ("Node stream consumer", lambda: _stream(site, folder, count)),
    ])  # fmt: skip
    ours = found["worker"]
    report.row("worker: deliveries", pick(ours, "rate"), "/s")
    report.row("worker: CPU a delivery", pick(ours, "cpu"), "µs")
    report.row("worker: Redis CPU an event", pick(ours, "redis_cpu"), "µs")
    report.row("worker: peak memory", pick(ours, "rss"), "MB")
    _compare(report, "BullMQ", found["BullMQ"], ours,
             {"cpu": at_least(4), "redis": at_most(0.15)})  # fmt: skip
    _compare(report, "Node stream consumer", found["Node stream consumer"], ours, {})
