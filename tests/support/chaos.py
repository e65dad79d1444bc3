"""One seed: events, endpoints, workers and Redis, faults between them, and the oracle's judgement.

    python3 chaos.py --seed 7 --bin build/dev/bin --folder /tmp/x

prints one line of JSON. The folder gets the history and, at the end, the logs.
"""

import argparse
import contextlib
import json
import signal
import sys
import time
import traceback
from pathlib import Path

import redis

import event_source
import nemesis
import oracle
import scripted_endpoints
from child import end
from fault_proxy import FaultProxy
from history import History
from receiver import Receiver
from redis_server import RedisServer
from wait import wait_until
from webhook_queue import GROUP, key, queue_state
from worker_process import Worker

WINDOW_S = 3.0  # in which events are added and faults begin
EVENTS = 300
# How long after the last fault everything may take to become quiet. A hook whose breaker opens
# rests for up to half a minute each time.
QUIET_S = 120.0
SCHEDULE = ("100ms", "200ms", "400ms", "800ms", "800ms")
IN_FLIGHT = 32
SETTINGS = {
    "heartbeat_ttl": "3s",
    "timeout": "1s",
    "retry_schedule": ",".join(SCHEDULE),
    "max_in_flight": IN_FLIGHT,
    "drain_timeout": "2s",
    "log_level": "debug",
}
CALM_EXITS = (0,)
FAULTY_EXITS = (0, 1)  # 1: Redis was away when the worker was told to end
UNBORN_EXIT = -signal.SIGTERM  # it was told to end before it had begun


class Site:
    """Everything of one seed that faults happen to."""

    def __init__(self, binary, history, workers):
        self.gone_before = 0.0
        self.crashes = 0  # of one worker each
        self.outages = 0  # of Redis, for all workers, longer than a lease may last
        self.history = history
        self._binary = binary
        self._workers = []
        self._terminated = []
        self._redis_is_taken = False
        self._close = contextlib.ExitStack()
        try:
            self._open(workers)
        except BaseException:
            self.close()
            raise

    def _open(self, workers):
        self.servers = []
        self._close.callback(lambda: [server.stop() for server in self.servers])
        self.server = RedisServer(appendonly=True)
        self.servers.append(self.server)
        self.receiver = self._close.enter_context(Receiver())
        address = (self.server.host, self.server.port)
        self.proxies = [self._close.enter_context(FaultProxy(*address)) for _ in range(2)]
        self.worker_proxy, self.producer_proxy = self.proxies
        with self.server.client() as client:
            self.register_hooks(client)
        for _ in range(workers):
            self._start_worker()

    def note(self, what, **facts):
        self.history.note(what, **facts)

    def register_hooks(self, client):
        event_source.register_hooks(client, self.receiver)

    # workers

    def _start_worker(self):
        worker = Worker(self._binary, self.worker_proxy.url, wait_ready=False, **SETTINGS)
        self._workers.append(worker)
        self.note("worker", pid=worker.pid)

    def running_workers(self):
        running = [worker for worker in self._workers if worker.is_running]
        return [worker for worker in running if not self._leaves(worker)]

    def _leaves(self, worker):
        return worker in self._terminated

    def some_worker(self, numbers):
        """One that runs, or the last one when none does."""
        return numbers.choice(self.running_workers() or self._workers[-1:])

    def replace(self, worker):
        self.note("replaced", pid=worker.pid)
        self._start_worker()

    def kill(self, worker):
        self.crashes += 1
        worker.kill()

    def terminate(self, worker):
        """Past its drain-timeout it cuts what flies and hands it over, as a crash would."""
        if not worker.is_running:  # another fault has killed it
            return
        self.crashes += 1
        worker.resume()  # it may be stopped
        worker.process.terminate()
        worker.expected_exit = None
        self._terminated.append(worker)

    def end_workers(self, exits):
        """SIGTERM to all; returns what is wrong with how they, or others before them, ended."""
        problems = []
        for worker in self.running_workers():
            code = end(worker.process, timeout=20)
            if code != 0:
                problems.append(f"worker {worker.pid} ended with {code} after all was quiet")
        for worker in self._terminated:
            code = worker.wait(20)
            unborn = code == UNBORN_EXIT and not worker.log()
            if code not in exits and not unborn:
                problems.append(f"worker {worker.pid} ended with {code} when told to")
        for worker in self._workers:
            try:
                worker.finish()
            except AssertionError as failure:
                problems.append(str(failure)[:2000])
        return problems

    # Redis

    @contextlib.contextmanager
    def redis_to_itself(self):
        """The server, or None while another fault has it."""
        if self._redis_is_taken:
            self.note("fault missed", why="another fault has Redis")
            yield None
            return
        self._redis_is_taken = True
        try:
            yield self.server
        finally:
            self._redis_is_taken = False

    def ask_redis(self, *words):
        with self.server.client(**nemesis.QUICK) as client:
            client.execute_command(*words)

    # the end

    def logs(self):
        return [worker.log() for worker in self._workers]

    def is_quiet(self):
        try:
            with redis.Redis(host=self.server.host, port=self.server.port, **nemesis.QUICK) as one:
                return not any(queue_state(one).values())
        except redis.RedisError:
            return False

    def state(self):
        """For eyes."""
        with self.server.client() as client:
            consumers = []
            with contextlib.suppress(redis.ResponseError):
                consumers = client.xinfo_consumers(key("events"), GROUP)
            waiting = {
                name: client.zrange(key(name), 0, 20, withscores=True)
                for name in ("lanes", "lanes-shut")
            }
            return f"{queue_state(client)} {consumers} {waiting} {client.hgetall(key('gates'))}"

    def save_logs(self, folder):
        for worker in self._workers:
            (folder / f"worker-{worker.pid}.log").write_text(worker.log(), encoding="utf-8")
        for n, server in enumerate(self.servers):
            (folder / f"redis-{n}.log").write_text(server.log(), encoding="utf-8")

    def close(self):
        for worker in self._workers:
            if worker.is_running:
                worker.kill()
        self._close.close()


def run_seed(seed, binaries, folder):
    """One seed's outcome, as a dict of what scripts/chaos prints."""
    began = time.monotonic()
    scenario, plan = nemesis.draw(seed, WINDOW_S)
    workers = 1 if scenario == nemesis.ALONE else 2 + seed % 2
    with open(folder / "history.jsonl", "w", encoding="utf-8") as file:
        history = History(file)
        site = Site(binaries / "roomhook-worker", history, workers)
        try:
            outcome = _run(site, history, seed, plan, workers)
        finally:
            site.save_logs(folder)
            site.close()
    faults = [f"{second:.1f} {fault.__name__}" for second, fault in plan]
    return {
        "seed": seed,
        "scenario": scenario,
        "faults": faults,
        **outcome,
        "duration_s": round(time.monotonic() - began, 1),
    }


def _run(site, history, seed, plan, workers):
    scripted_endpoints.listen(
        site.receiver, history, scripted_endpoints.draw(seed), event_source.all_paths()
    )
    address = (site.producer_proxy.host, site.producer_proxy.port)
    source = event_source.EventSource(
        seed, EVENTS, address, history, site.receiver, WINDOW_S / EVENTS
    )
    source.start()
    try:
        nemesis.strike(site, plan, seed)
        wait_until(source.is_done, 60, "the last event")
    finally:
        source.stop()
    return _judge(site, history, plan, workers)


def _judge(site, history, plan, workers):
    healed = time.monotonic()
    history.note("all faults are undone")
    problems = []
    try:
        wait_until(site.is_quiet, QUIET_S, lambda: f"quiet: {site.state()}")
    except AssertionError as failure:
        problems.append(str(failure))
    recovery_s = time.monotonic() - healed
    problems += site.end_workers(FAULTY_EXITS if plan else CALM_EXITS)
    allowance = oracle.Allowance(
        attempts_max=len(SCHEDULE) + 1,
        faults=len(plan),
        repeats_max=IN_FLIGHT * (site.crashes + workers * site.outages),
        gone_before=site.gone_before,
        given_up=oracle.given_up(site.logs()),
        overtaken=oracle.overtaken(site.logs()[0]) if not plan and workers == 1 else (),
    )
    with site.server.client() as client:
        findings = oracle.judge(history, client, allowance)
    return {
        **vars(findings),
        "recovery_s": round(recovery_s, 1),
        "problems": problems + findings.problems,
    }


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--seed", type=int, required=True)
    options.add_argument("--bin", type=Path, required=True)
    options.add_argument("--folder", type=Path, required=True)
    chosen = options.parse_args()
    try:
        outcome = run_seed(chosen.seed, chosen.bin, chosen.folder)
    except Exception:  # pylint: disable=broad-except  # the line must come, whatever went wrong
        outcome = {"seed": chosen.seed, "problems": [traceback.format_exc()]}
    print(json.dumps(outcome))
    return 1 if outcome["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
