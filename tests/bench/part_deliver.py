"""limit and deliver: what a delivery costs, beside the bare loop that sends the same requests."""

from measure import CpuMeter, SyscallCount, cpu_us, rss_peak_mb
from report import at_least, at_most

BODY = 600
CONNECTIONS = 64
ENDPOINTS = 100  # of one origin, which is given 64 connections by default


def one_limit(site, requests, body=BODY):
    """Figures of the bare loop."""
    with site.run() as run:
        answer = run.limit(requests, endpoints=ENDPOINTS, connections=CONNECTIONS, body=body)
        report = run.sink.report()
        assert report["requests"] == requests, f"{report['requests']} of {requests} requests came"
        return {
            "rate": requests / answer["took_us"] * 1e6,
            "cpu": (answer["user_us"] + answer["system_us"]) / requests,
            "connections": report["connections"],
            "sink_cpu": cpu_us(run.sink.pid) / requests,
        }


def drain(run, events, workers=1, hooks=1, **settings):
    """Starts workers on events that wait, until all are delivered; returns the figures."""
    posts = events * hooks
    meter = CpuMeter([], run.client)
    started = [run.worker(**settings) for _ in range(workers)]
    report = run.sink.wait_requests(posts, run.limit_s)
    run.wait_settled()
    cpu, redis = sum(cpu_us(one.pid) for one in started), meter.used()[1]
    counters = run.wait_counted("delivered", posts)
    assert run.dead() == 0, f"{run.dead()} dead letters"
    return {
        "rate": (posts - 1) / max(report["last_us"] - report["first_us"], 1) * 1e6,
        "cpu": cpu / posts,
        "redis_cpu": redis / events,
        "rss": max(rss_peak_mb(one.pid) for one in started),
        "connections": report["connections"],
        "sink_cpu": cpu_us(run.sink.pid) / posts,
        "extra": report["requests"] - posts,
        "waited": 100 * counters.get("waited", 0) / posts,
    }


def one_deliver(site, events, body=BODY, endpoints=ENDPOINTS, encoding="json", **settings):
    """Figures of a worker that finds all events waiting."""
    with site.run() as run:
        run.hooks({room: run.sink.url(room) for room in range(endpoints)})
        run.load(events, rooms=endpoints, body=body, encoding=encoding)
        return drain(run, events, **settings)


def _count_syscalls(site, events, report):
    """System calls of a worker and of the bare loop, on a run of their own."""
    if not SyscallCount.is_possible():
        report.note("system calls were not counted: perf(1) is missing or may not count them here")
        return
    site.tell("counting system calls")
    with site.run() as run:
        run.hooks({room: run.sink.url(room) for room in range(ENDPOINTS)})
        worker = run.worker(core_dumps="yes")  # else nobody may look into it
        count = SyscallCount(worker.pid, site.folder)
        run.load(events, rooms=ENDPOINTS, body=BODY)
        run.sink.wait_requests(events, run.limit_s)
        run.wait_settled()
        report.row("worker: system calls a delivery", count.stop() / events)
    with site.run() as run:
        output = f"{site.folder}/syscalls-limit"
        perf = ("perf", "stat", "-x,", "-e", "raw_syscalls:sys_enter", "-o", output)
        run.limit(events, prefix=perf, endpoints=ENDPOINTS, connections=CONNECTIONS, body=BODY)
        with open(output, encoding="ascii") as file:
            calls = [int(line.split(",")[0]) for line in file if "sys_enter" in line]
        report.row("bare loop: system calls a request", calls[0] / events)


def alternate(site, rounds, measurements):
    """Runs each (name, function) once a round, in turn forwards and backwards; name -> figures."""
    found = {name: [] for name, _ in measurements}
    for number in range(rounds):
        for name, measure in measurements if number % 2 == 0 else reversed(measurements):
            site.tell(f"round {number + 1} of {rounds}: {name}")
            found[name].append(measure())
    return found


def pick(figures, name):
    return [one[name] for one in figures]


def ratios(over, under):
    """Round by round: what both had to bear in a round falls out."""
    return [a / b for a, b in zip(over, under)]


def run(site, scale, report):
    events = scale.number(200_000, 2000)
    found = alternate(site, scale.rounds, [
        ("bare loop", lambda: one_limit(site, events)),
        ("worker", lambda: one_deliver(site, events)),
        ("worker, msgpack", lambda: one_deliver(site, events, encoding="msgpack")),
        ("attempt-log all", lambda: one_deliver(site, events, attempt_log="all")),
        ("attempt-log failures", lambda: one_deliver(site, events, attempt_log="failures")),
        ("keep-delivered", lambda: one_deliver(site, events, keep_delivered="1h")),
    ])  # fmt: skip
    limit, worker, packed, logs_all, logs_failures, keeps = found.values()
    report.row("worker: deliveries", pick(worker, "rate"), "/s")
    report.row("bare loop: requests", pick(limit, "rate"), "/s")
    report.row("worker: CPU a delivery", pick(worker, "cpu"), "µs")
    report.row("bare loop: CPU a request", pick(limit, "cpu"), "µs")
    report.row("CPU, worker ÷ bare loop", ratios(pick(worker, "cpu"), pick(limit, "cpu")), "",
               at_most(1.25))  # fmt: skip
    report.row("worker, events as msgpack: CPU a delivery", pick(packed, "cpu"), "µs")
    report.row("the same ÷ bare loop", ratios(pick(packed, "cpu"), pick(limit, "cpu")), "",
               at_most(1.25))  # fmt: skip
    report.row("Redis: CPU an event, attempt-log off", pick(worker, "redis_cpu"), "µs")
    report.row("Redis: CPU an event, attempt-log all", pick(logs_all, "redis_cpu"), "µs")
    report.row("Redis: CPU an event, failures (there are none)", pick(logs_failures, "redis_cpu"),
               "µs")  # fmt: skip
    report.row("Redis: CPU an event, keep-delivered", pick(keeps, "redis_cpu"), "µs")
    report.row("worker: CPU a delivery, keep-delivered on ÷ off",
               ratios(pick(keeps, "cpu"), pick(worker, "cpu")))  # fmt: skip
    report.row("worker: CPU a delivery, attempt-log all ÷ off",
               ratios(pick(logs_all, "cpu"), pick(worker, "cpu")))  # fmt: skip
    report.row("sink: CPU a request", pick(worker, "sink_cpu"), "µs")
    report.row("worker: peak memory", pick(worker, "rss"), "MB")
    reuse = [100 * (1 - one["connections"] / events) for one in worker]
    report.row("worker: requests on a connection that was there", reuse, "%",
               at_least(99) if events >= 100 * CONNECTIONS else None)  # fmt: skip
    report.row("written into their lanes, of 100", pick(worker, "waited"), "",
               at_most(10) if events >= 10_000 else None)  # fmt: skip
    report.row("POSTs that came twice", pick(worker, "extra"), "", at_most(0))
    _count_syscalls(site, scale.number(50_000, 1000), report)
