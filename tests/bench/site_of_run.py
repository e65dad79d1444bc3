"""The processes of a run: a Redis of its own, a sink, workers, producers, the bare loop."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

from certificates import Certificates
from child import end, spawn
from redis_server import RedisServer
from wait import wait_until
from webhook_queue import heartbeats, key, queue_state, set_hook, stats

SIGNATURE = "9JOLCJUVylQxxdhX"  # as in message.h
POLL_S = 0.05
COMMAND_S = 20.0


class Sink:
    """The receiver in C: see sink.c for what it can be told."""

    def __init__(self, binary, threads=1, pair=None):
        argv = [str(binary), f"threads={threads}"]
        if pair is not None:
            argv += [f"certificate={pair[0]}", f"key={pair[1]}"]
        self._scheme = "http" if pair is None else "https"
        self.process = spawn(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = json.loads(self.process.stdout.readline())["port"]

    @property
    def pid(self):
        return self.process.pid

    @property
    def base(self):
        return f"{self._scheme}://127.0.0.1:{self.port}/"

    def url(self, endpoint, host="127.0.0.1", port=None):
        return f"{self._scheme}://{host}:{port or self.port}/{endpoint}"

    def _command(self, *words):
        self.process.stdin.write(" ".join(str(word) for word in words) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "error" not in answer, f"the sink refuses {words}: {answer}"
        return answer

    def set(self, first, last, *behaviour):
        self._command("set", first, last, *behaviour)

    def report(self, first=0, last=65535):
        return self._command("report", first, last)

    def forget_latencies(self):
        self._command("forget")

    def listen(self, port):
        assert self._command("listen", port)["port"] == port, f"port {port} is taken"

    def wait(self, predicate, limit_s, first=0, last=65535):
        """Until predicate is true of a report, at most limit_s; returns the last report."""
        deadline = time.monotonic() + limit_s
        while True:
            report = self.report(first, last)
            if predicate(report) or time.monotonic() > deadline:
                return report
            time.sleep(POLL_S)

    def wait_requests(self, count, limit_s, first=0, last=65535):
        """The same until count requests have come, which have to come."""
        report = self.wait(lambda one: one["requests"] >= count, limit_s, first, last)
        assert report["requests"] >= count, (
            f"{report['requests']} of {count} requests came in {limit_s} s"
        )
        return report

    def stop(self):
        self.process.stdin.close()
        end(self.process)
        self.process.stdout.close()


class BenchWorker:
    """A worker whose log goes to a file: reading it would cost what is measured."""

    def __init__(self, binary, redis_url, folder, prefix=(), **settings):
        settings = {"allow_address": "127.0.0.0/8", "log_level": "warn",
                    "attempt_log": "off", **settings}
        argv = [*prefix, str(binary), "--redis", redis_url]
        for name, value in settings.items():
            argv += ["--" + name.replace("_", "-"), str(value)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROOMHOOK_")}
        self._log = tempfile.NamedTemporaryFile(dir=folder, prefix="worker-", suffix=".log")
        self.process = spawn(argv, stdin=subprocess.DEVNULL, stderr=self._log, env=environment)

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self._log.name, encoding="utf-8", errors="replace") as file:
            return file.read()[-4000:]

    def is_ready(self, client):
        assert self.process.poll() is None, f"a worker ended:\n{self.log()}"
        return any(f"-{self.pid}-" in name for name in heartbeats(client))

    def stop(self):
        """By SIGKILL: a drain of what hangs is none of the measurements."""
        end(self.process, 9)
        self._log.close()


class Run:
    """One measurement's processes; a context manager that ends them all."""

    def __init__(self, site, pair=None):
        self._site = site
        self.limit_s = site.limit_s
        self._close = contextlib.ExitStack()
        self._pair = pair

    def __enter__(self):
        try:
            self.server = self._close.enter_context(RedisServer())
            self.client = self.server.client(socket_timeout=60)
            self.sink = Sink(self._site.program("sink"), self._site.sink_threads, self._pair)
            self._close.callback(self.sink.stop)
        except BaseException:
            self._close.close()
            raise
        return self

    def __exit__(self, *_):
        self._close.close()

    def hooks(self, urls):
        """urls: room -> URL, or a list of them"""
        with self.client.pipeline(transaction=False) as pipeline:
            for room, found in urls.items():
                for n, url in enumerate([found] if isinstance(found, str) else found):
                    set_hook(pipeline, room, f"h{n}", url=url, verificationSignature=SIGNATURE)
            pipeline.execute()

    def worker(self, **settings):
        worker = BenchWorker(self._site.worker, self.server.url, self._site.folder, **settings)
        self._close.callback(worker.stop)
        wait_until(
            lambda: worker.is_ready(self.client), COMMAND_S, lambda: f"a worker:\n{worker.log()}"
        )
        return worker

    def _load_argv(self, events, arguments):
        words = {"redis-port": self.server.port, "events": events, **arguments}
        words = {name.replace("_", "-"): value for name, value in words.items()}
        return [str(self._site.program("load")), *(f"{k}={v}" for k, v in words.items())]

    def load(self, events, **arguments):
        """Adds events and waits until they are added."""
        return self._site.ask(self._load_argv(events, arguments))

    def start_load(self, events, **arguments):
        """Adds events beside what else happens; returns the process."""
        return self._start(self._load_argv(events, arguments))

    def _start(self, argv):
        process = spawn(argv, stdout=subprocess.DEVNULL)
        self._close.callback(end, process, 9)
        return process

    def _limit_argv(self, requests, arguments):
        words = {"url": self.sink.base, "requests": requests, **arguments}
        return [str(self._site.program("limit")), *(f"{k}={v}" for k, v in words.items())]

    def limit(self, requests, prefix=(), **arguments):
        """The bare loop against this sink; returns what it prints."""
        return self._site.ask([*prefix, *self._limit_argv(requests, arguments)])

    def start_limit(self, requests, **arguments):
        """The bare loop beside what else happens; returns the process."""
        return self._start(self._limit_argv(requests, arguments))

    def wait_settled(self, limit_s=60):
        """Until nothing waits and nothing is under way."""
        wait_until(
            lambda: not any(queue_state(self.client).values()),
            limit_s,
            lambda: f"an empty queue; it is {queue_state(self.client)}",
        )

    def counter(self, name):
        """As workers have added to it so far."""
        return stats(self.client).get(name, 0)

    def wait_counted(self, name, count, limit_s=10):
        """The counters, once this one is as high: workers add theirs about once a second."""
        wait_until(
            lambda: self.counter(name) >= count,
            limit_s,
            lambda: f"counter {name} to be {count}; counters are {stats(self.client)}",
        )
        return stats(self.client)

    def dead(self):
        return self.client.xlen(key("dead"))


class Site:
    """The project's folder, the binaries, a scratch folder, and how a part tells what it does."""

    def __init__(self, top, build, folder, limit_s, tell):
        self.top = top
        self.build = build
        self.folder = folder
        self.sink_threads = max(1, os.cpu_count() // 2)
        self.limit_s = limit_s  # for whatever is waited for until it is done
        self.tell = tell
        self.worker = build / "bin" / "roomhook-worker"

    def program(self, name):
        return self.build / "tests" / "bench" / name

    def run(self, **options):
        return Run(self, **options)

    def certificates(self):
        """A CA of its own."""
        return Certificates(tempfile.mkdtemp(prefix="certificates-", dir=self.folder))

    def ask(self, argv, **options):
        """Runs a program that prints a line of JSON."""
        process = spawn(argv, stdout=subprocess.PIPE, text=True, **options)
        try:
            out, _ = process.communicate(timeout=self.limit_s)
        finally:
            end(process, 9)
        assert process.returncode == 0, f"{argv[0]} ended with {process.returncode}: {out}"
        return json.loads(out)
