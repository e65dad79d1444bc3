"""tls: the same over TLS, on connections that are kept and on one for each delivery."""

from part_deliver import BODY, CONNECTIONS, ENDPOINTS, alternate, drain, pick, ratios
from report import at_least, at_most


def _worker(site, certificates, events, behaviour):
    with site.run(pair=certificates.good()) as run:
        run.sink.set(0, ENDPOINTS - 1, behaviour)
        run.hooks({room: run.sink.url(room) for room in range(ENDPOINTS)})
        run.load(events, rooms=ENDPOINTS, body=BODY)
        figures = drain(run, events, ca_file=certificates.ca)
        report = run.sink.report()
        figures["resumed"] = 100 * report["resumed"] / report["handshakes"]
        return figures


def _bare(site, certificates, events, behaviour):
    with site.run(pair=certificates.good()) as run:
        run.sink.set(0, ENDPOINTS - 1, behaviour)
        answer = run.limit(events, endpoints=ENDPOINTS, connections=CONNECTIONS, body=BODY,
                           ca=certificates.ca)  # fmt: skip
        report = run.sink.report()
        return {"cpu": (answer["user_us"] + answer["system_us"]) / events,
                "resumed": 100 * report["resumed"] / report["handshakes"]}  # fmt: skip


def _measure(site, scale, report, certificates, events, behaviour, name):
    found = alternate(site, scale.rounds, [
        (f"bare loop, {name}", lambda: _bare(site, certificates, events, behaviour)),
        (f"worker, {name}", lambda: _worker(site, certificates, events, behaviour)),
    ])  # fmt: skip
    bare, worker = found.values()
    report.row(f"{name}: deliveries", pick(worker, "rate"), "/s")
    report.row(f"{name}: worker, CPU a delivery", pick(worker, "cpu"), "µs")
    report.row(f"{name}: bare loop, CPU a request", pick(bare, "cpu"), "µs")
    report.row(f"{name}: CPU, worker ÷ bare loop", ratios(pick(worker, "cpu"), pick(bare, "cpu")),
               "", at_most(1.25))  # fmt: skip
    report.row(f"{name}: memory, peak", pick(worker, "rss"), "MB")
    return worker, bare


def run(site, scale, report):
    certificates = site.certificates()
    events = scale.number(100_000, 500)
    kept, _ = _measure(site, scale, report, certificates, events, "ok", "kept")
    reuse = [100 * (1 - one["connections"] / events) for one in kept]
    report.row("kept: requests on a connection that was there", reuse, "%",
               at_least(99) if events >= 100 * CONNECTIONS else None)  # fmt: skip
    events = scale.number(20_000, 200)
    new, bare = _measure(site, scale, report, certificates, events, "close", "new")
    report.row("new: handshakes that resumed a session", pick(new, "resumed"), "%", at_least(90))
    report.row("new: of the bare loop's", pick(bare, "resumed"), "%")
