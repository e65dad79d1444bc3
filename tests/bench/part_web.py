"""web: 1,000 requests a second for the status, beside 10,000 lanes; what do they cost Redis?"""

import threading
import time

from measure import CpuMeter
from part_deadlanes import add_dead
from report import at_most
from web_service import WebService

PATHS = ("/v1/status", "/metrics")
CLIENTS = 4
LANES = 10_000


class Client(threading.Thread):
    """Asks at a rate, each time over a new connection; notes what came late or went wrong."""

    def __init__(self, web, path, rate, seconds):
        super().__init__()
        self.request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        self.web, self.every, self.count = web, 1 / rate, int(rate * seconds)
        self.took = []

    def run(self):
        due = time.monotonic()
        for _ in range(self.count):
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.monotonic()
            if self.web.send(self.request).startswith(b"HTTP/1.1 200 "):
                self.took.append((time.monotonic() - began) * 1000)
            due += self.every


def ask(web, path, rate, seconds):
    """The times of all answers, ms, in order."""
    clients = [Client(web, path, rate / CLIENTS, seconds) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = sorted(one for client in clients for one in client.took)
    assert len(took) == sum(client.count for client in clients), "some were not answered by 200"
    return took


def one(site, path, lanes, rate, seconds):
    with site.run() as run:
        add_dead(run, lanes)
        web = WebService(site.build / "bin" / "roomhook-web", run.server.url)
        try:
            ask(web, path, 10, 1)
            meter, began = CpuMeter([web.process.pid], run.client), time.monotonic()
            took = ask(web, path, rate, seconds)
            cpu, redis = meter.used()
            lasted = time.monotonic() - began
        finally:
            web.finish()
        return {
            "rate": len(took) / lasted,
            "redis": redis / lasted / 1e4,
            "cpu": cpu / lasted / 1e4,
            "p99": took[len(took) * 99 // 100],
        }


def run(site, scale, report):
    rate = scale.number(1000, 50)
    for path in PATHS:
        found = [one(site, path, scale.number(LANES, 100), rate, scale.number(10, 1))
                 for _ in range(scale.rounds)]  # fmt: skip
        report.row(f"{path}: answers a second", [one["rate"] for one in found], "/s")
        report.row(f"{path}: of a core of Redis", [one["redis"] for one in found], "%", at_most(5))
        report.row(f"{path}: of a core, the service", [one["cpu"] for one in found], "%")
        report.row(f"{path}: p99", [one["p99"] for one in found], "ms")
