"""waiting: one endpoint that has more events than it takes; what does a delivery cost then?"""

from measure import CpuMeter
from part_deliver import BODY, alternate, drain, pick, ratios
from report import at_least, at_most

SLOTS = 16  # of a URL, by default
ANSWERS_MS = (0, 5, 50)
CALM = 100  # endpoints of the deliveries that do not wait
CALM_EACH = 10  # that each has got before
CALM_RATE = 1000
OVER = 1.5  # times what the endpoint takes
OVER_MS = 50


def _answer_after(run, ms):
    run.sink.set(0, 0, *(("slow", ms) if ms else ("ok",)))
    run.hooks({0: run.sink.url(0)})


def backlog(site, events, ms):
    """All wait for one endpoint when the worker starts."""
    with site.run() as run:
        _answer_after(run, ms)
        run.load(events, rooms=1, body=BODY)
        return drain(run, events)


def bare(site, events, ms=None):
    """As many requests to the same endpoint by the bare loop, which has as many connections as the
    endpoint has slots: what a receiver and a machine like these give at best. Without ms, to those
    that do not wait, as fast as it goes."""
    with site.run() as run:
        if ms is None:
            answer = run.limit(events, endpoints=CALM, connections=CALM, body=BODY)
        else:
            _answer_after(run, ms)
            answer = run.limit(events, endpoints=1, connections=SLOTS, body=BODY)
        report = run.sink.report()
        return {
            "rate": (events - 1) / max(report["last_us"] - report["first_us"], 1) * 1e6,
            "cpu": (answer["user_us"] + answer["system_us"]) / events,
        }


def calm(site, events, rate=0):
    """The same number, for many endpoints of which all is known: none waits. At once, or at a
    rate: a busy worker needs less for each."""
    with site.run() as run:
        run.hooks({room: run.sink.url(room) for room in range(CALM)})
        worker = run.worker()
        known = CALM * CALM_EACH
        run.load(known, rooms=CALM, body=BODY, rate=CALM_RATE)
        run.sink.wait_requests(known, run.limit_s)
        run.wait_settled()
        meter = CpuMeter([worker.pid], run.client)
        run.load(events, rooms=CALM, body=BODY, rate=rate)
        run.sink.wait_requests(known + events, run.limit_s)
        run.wait_settled()
        used = meter.used()[0]
        counters = run.wait_counted("delivered", known + events)
        return {"cpu": used / events, "waited": 100 * counters.get("waited", 0) / events}


def overload(site, seconds):
    """More than the endpoint takes, for a while; how long the slowest waits, beside a queue in
    which the first that comes is the first that is sent."""
    takes = SLOTS * 1000 / OVER_MS
    events = int(takes * OVER * seconds)
    with site.run() as run:
        _answer_after(run, OVER_MS)
        run.worker()
        run.load(events, rooms=1, body=BODY, rate=int(takes * OVER))
        run.sink.wait_requests(events, run.limit_s)
        run.wait_settled()
        counters = run.wait_counted("delivered", events)
        longest = run.sink.report()["latency_us"]["max"] / 1e6
        return {
            "longest": longest,
            "ratio": longest / (events / takes - seconds),
            "waited": 100 * counters.get("waited", 0) / events,
        }


def _report_backlog(report, ms, found, calm_cpu, paced_cpu, loop, busy_loop, is_quick):
    name = f"answers after {ms} ms"
    report.row(f"{name}: deliveries", pick(found, "rate"), "/s")
    report.row(f"{name}: Redis CPU a delivery", pick(found, "redis_cpu"), "µs", at_most(35))
    report.row(f"{name}: worker CPU a delivery", pick(found, "cpu"), "µs")
    report.row(f"{name}: CPU ÷ one that does not wait", ratios(pick(found, "cpu"), calm_cpu), "",
               at_most(1.6))  # fmt: skip
    if ms:
        report.row(f"{name}: CPU ÷ one that does not wait, at this rate",
                   ratios(pick(found, "cpu"), paced_cpu))  # fmt: skip
        share = [rate / (SLOTS * 1000 / ms) for rate in pick(found, "rate")]
        report.row(f"{name}: rate ÷ (slots ÷ latency)", share, "",
                   None if is_quick else at_least(0.95))  # fmt: skip
        report.row(f"{name}: rate ÷ bare loop", ratios(pick(found, "rate"), pick(loop, "rate")))
        report.row(f"{name}: CPU ÷ bare loop", ratios(pick(found, "cpu"), pick(loop, "cpu")))
        report.row(f"{name}: CPU of the bare loop ÷ its CPU at full speed",
                   ratios(pick(loop, "cpu"), pick(busy_loop, "cpu")))  # fmt: skip
    report.row(f"{name}: written into its lane, of 100", pick(found, "waited"))
    report.row(f"{name}: POSTs that came twice", pick(found, "extra"), "", at_most(0))


def run(site, scale, report):
    events = scale.number(3000, 100)
    found = alternate(site, scale.rounds, [
        ("none waits", lambda: calm(site, events)),
        *((f"after {ms} ms", lambda ms=ms: backlog(site, events, ms)) for ms in ANSWERS_MS),
        *((f"none waits, as fast as after {ms} ms",
           lambda ms=ms: calm(site, events, SLOTS * 1000 // ms)) for ms in ANSWERS_MS if ms),
        *((f"bare loop, {ms} ms", lambda ms=ms: bare(site, events, ms)) for ms in ANSWERS_MS if ms),
        ("bare loop", lambda: bare(site, events)),
    ])  # fmt: skip
    report.note(f"{events} events wait for one endpoint")
    unhurried = pick(found["none waits"], "cpu")
    report.row("none waits: worker CPU a delivery", unhurried, "µs")
    report.row("none waits: written into its lane, of 100", pick(found["none waits"], "waited"))
    for ms in ANSWERS_MS:
        paced = found.get(f"none waits, as fast as after {ms} ms", [])
        _report_backlog(report, ms, found[f"after {ms} ms"], unhurried, pick(paced, "cpu"),
                        found.get(f"bare loop, {ms} ms"), found["bare loop"],
                        scale.quick)  # fmt: skip

    seconds = scale.number(8, 1)
    over = alternate(site, scale.rounds, [("overload", lambda: overload(site, seconds))])
    over = over["overload"]
    name = f"{OVER:g} times what it takes, for {seconds} s"
    report.row(f"{name}: longest wait", pick(over, "longest"), "s")
    report.row(f"{name}: longest wait ÷ first come, first served", pick(over, "ratio"), "",
               None if scale.quick else at_most(1.15))  # fmt: skip
    report.row(f"{name}: written into its lane, of 100", pick(over, "waited"))
