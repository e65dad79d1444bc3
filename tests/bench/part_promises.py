"""promises: an idle worker, how late retries are, a crash, a graceful exit."""

import time

from child import end
from measure import cpu_us
from part_deliver import alternate, pick
from report import at_most

DELAY_MS = 5000
SPREAD_S = 2.5  # of the first attempts, so that not all retries are due at a time
TTL_S = 15


def _commands_sent(client, seconds):
    """How many commands Redis is sent in this time: those within scripts do not count."""
    count = 0
    deadline = time.monotonic() + seconds
    with client.monitor() as monitor:
        while time.monotonic() < deadline:
            if monitor.connection.can_read(timeout=0.1):
                count += monitor.next_command()["client_type"] != "lua"
    return count


def _idle(site, seconds):
    with site.run() as run:
        worker = run.worker()
        time.sleep(1)
        began = cpu_us(worker.pid)
        sent = _commands_sent(run.client, seconds)
        used = cpu_us(worker.pid) - began
        return {"commands": sent / seconds, "cpu": 100 * used / 1e6 / seconds}


def _lateness(site, count):
    """One failing attempt for each of many endpoints, and the time until the second one."""
    with site.run() as run:
        run.sink.set(0, count - 1, "fail", 503)
        run.hooks({room: run.sink.url(room) for room in range(count)})
        run.worker(retry_schedule=f"{DELAY_MS}ms,1h", retry_jitter="0%")
        run.load(count, rooms=count, rate=int(count / SPREAD_S))
        run.sink.wait_requests(count, 60)
        run.sink.set(0, count - 1, "ok")
        run.wait_settled()
        late = []
        for endpoint in range(count):
            one = run.sink.report(endpoint, endpoint)
            late.append((one["last_us"] - one["first_us"]) / 1000 - DELAY_MS)
        late.sort()
        return {"p50": late[count // 2], "p99": late[count * 99 // 100]}


def _takeover(site, count, how):
    """Until all that a worker had under way came again, by another."""
    with site.run() as run:
        run.sink.set(0, count - 1, "hang")
        run.hooks({room: run.sink.url(room) for room in range(count)})
        leaving = run.worker(heartbeat_ttl=f"{TTL_S}s", timeout="60s", drain_timeout="0")
        run.load(count, rooms=count)
        run.sink.wait_requests(count, 60)
        run.worker(heartbeat_ttl=f"{TTL_S}s")
        run.sink.set(0, count - 1, "ok")
        began = time.monotonic()
        end(leaving.process, 9 if how == "crash" else 15, timeout=30)
        left = time.monotonic() - began
        run.sink.wait_requests(2 * count, 120)
        return {"left": left, "again": time.monotonic() - began}


def run(site, scale, report):
    count = scale.number(50, 20)  # of one origin, which gets 64 slots
    found = alternate(site, scale.rounds, [
        ("idle", lambda: _idle(site, scale.number(20, 2))),
        ("retries", lambda: _lateness(site, scale.number(500, 20))),
        ("crash", lambda: _takeover(site, count, "crash")),
        ("graceful exit", lambda: _takeover(site, count, "exit")),
    ])  # fmt: skip
    report.row("idle leader: Redis commands", pick(found["idle"], "commands"), "/s", at_most(4))
    report.row("idle worker: of one processor", pick(found["idle"], "cpu"), "%", at_most(0.2))
    report.row("retry behind its due time: p50", pick(found["retries"], "p50"), "ms")
    report.row("retry behind its due time: p99", pick(found["retries"], "p99"), "ms", at_most(20))
    report.row("crash: until all came again", pick(found["crash"], "again"), "s",
               at_most(TTL_S + 5))  # fmt: skip
    report.row("graceful exit without drain", pick(found["graceful exit"], "left"), "s", at_most(1))
    report.row("graceful exit: until all came again", pick(found["graceful exit"], "again"), "s")
