"""One crash point: a worker dies at its n-th call of a kind, another takes over, the oracle judges.

    python3 crash_point.py --call writev --when 7 --bin build/dev/bin --folder /tmp/x

The scenario is always the same: a few events, one for each way an event can go. The worker runs
under strace(1), which kills it at the entry of the call, so that the call is not made; at the 0th,
never. With --crashed-before 1 the worker that dies has itself taken over from one that crashed.
Prints one line of JSON; the folder gets the history, the trace and the logs.
"""

import argparse
import collections
import json
import re
import signal
import sys
import time
import traceback
from pathlib import Path

import oracle
import sanitizer
import whereabouts
from child import end
from history import History, Intent, fingerprint
from receiver import Answer, Hang, Receiver
from redis_server import RedisServer
from scripted_endpoints import listen
from wait import wait_until
from webhook_queue import enqueue, queue_state, set_hook
from worker_process import Worker

SCENARIO_S = 20.0
QUIET_S = 30.0  # how long after a crash everything may take to become quiet
SCHEDULE = ("100ms", "100ms")
ATTEMPTS_MAX = len(SCHEDULE) + 1
SETTINGS = {"heartbeat_ttl": "3s", "timeout": "2s", "retry_schedule": ",".join(SCHEDULE)}

# What a hook's endpoint answers, attempt by attempt; the last one again and again. "slow" takes
# longer than an event waits for its last hook before that is parted from it.
ANSWERS = {
    "good": ("200",),
    "failing first": ("500", "200"),
    "slow": ("slow 200", "200"),
    "refusing": ("400",),
    "hopeless": ("500",),
}
BEHAVIOURS = {
    "200": Answer(200),
    "slow 200": Answer(200, delay=1.2),
    "400": Answer(400, body=b"never"),
    "500": Answer(500, body=b"no luck"),
    "hang": Hang(),
}
# The hooks of each event's room, by what their endpoints do.
EVENTS = (
    ("good",),
    ("good", "failing first", "slow"),
    ("failing first",),
    ("refusing",),
    ("hopeless",),
    (),  # malformed
    ("good", "refusing"),
)
DELIVERIES = sum(map(len, EVENTS)) + 1
UNDER_WAY = 7  # of them, at least, when endpoints answer nothing but 500


def path_of(number, hook):
    return f"/{number}/{hook}"


class Scenario:
    """Redis, endpoints and events; workers come and go."""

    def __init__(self, binary, folder, history):
        self.history = history
        self._binary = binary
        self._folder = folder
        self._workers = []
        self._until_crash = False  # endpoints do not answer: what is under way stays under way
        self.server = RedisServer()
        self.receiver = Receiver()
        self.client = self.server.client()
        paths = []
        for number, kinds in enumerate(EVENTS, 1):
            paths += [path_of(number, hook) for hook in self._add_event(number, kinds)]
        listen(self.receiver, history, self._choose, paths)

    def _add_event(self, number, kinds):
        """Returns the ids of its hooks."""
        targets = {f"h{n}": path_of(number, f"h{n}") for n in range(len(kinds))}
        for hook, path in targets.items():
            set_hook(self.client, number, hook, url=self.receiver.url(path), format="bare")
        document = {"message": {"id": number, "roomId": number, "body": {"text": "x" * number}}}
        malformed = not kinds
        intent = Intent(number, f"event-{number}", fingerprint(document), targets, malformed)
        self.history.intend(intent)
        data = json.dumps(document).encode()
        stream_id = enqueue(self.client, data[:-1] if malformed else data, id=intent.event_id)
        self.history.settle(intent, "ok", stream_id=stream_id)
        return targets

    def _choose(self, number, path, attempt):
        kind = EVENTS[number - 1][int(path[-1])]
        names = ANSWERS[kind]
        name = names[min(attempt, len(names)) - 1]
        if self._until_crash and name != "500":
            name = "hang"
        return name, BEHAVIOURS[name]

    def start_worker(self, wrapper=()):
        worker = Worker(
            self._binary, self.server.url, wait_ready=False, wrapper=wrapper,
            env=sanitizer.traced(), **SETTINGS,
        )
        self._workers.append(worker)
        self.history.note("worker", pid=worker.pid)
        return worker

    def crash_one(self):
        """A worker dies with all that it can have under way: events, and a leased retry."""
        seen = len(self.history.arrivals)
        self._until_crash = True
        worker = self.start_worker()

        def under_way():
            new = self.history.arrivals[seen:]
            return {(one.number, one.path) for one in new if one.answer == "hang"}

        wait_until(
            lambda: len(under_way()) >= UNDER_WAY,
            SCENARIO_S,
            lambda: f"{UNDER_WAY} POSTs under way, not {under_way()}:\n{worker.log()}",
        )
        worker.kill()
        self._until_crash = False
        self.history.note("crash", pid=worker.pid)

    def logs(self):
        return [worker.log() for worker in self._workers]

    def is_quiet(self):
        return not any(queue_state(self.client).values())

    def close(self):
        for worker in self._workers:
            if worker.is_running:
                worker.kill()
            worker.expected_exit = None
            worker.finish()
            log = self._folder / f"worker-{worker.pid}.log"
            log.write_text(worker.log(), encoding="utf-8")
        self.receiver.stop()
        self.server.stop()


def tracer(call, when, trace):
    """strace, which makes itself a grandchild: the worker stays our child."""
    command = ("strace", "-D", "-f", "-qq", "-o", str(trace), "-s", "300", "-e", f"trace={call}")
    return (*command, "-e", f"inject={call}:signal=KILL:when={when}") if when else command


def count_calls(trace):
    """system call -> how often it was made"""
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    calls = (re.match(r"\d+ +(\w+)\(", line) for line in lines)
    return collections.Counter(call[1] for call in calls if call)


def run_victim(scenario, wrapper):
    """Lets a worker do everything and end; returns whether it was killed on the way."""
    victim = scenario.start_worker(wrapper)
    wait_until(
        lambda: not victim.is_running or scenario.is_quiet(),
        SCENARIO_S + QUIET_S,
        lambda: f"a quiet queue or a crash: {queue_state(scenario.client)}\n{victim.log()}",
    )
    code = end(victim.process)
    scenario.history.note("victim", code=code)
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"the worker ended with {code}:\n{victim.log()}")
    return code != 0


def recover(scenario):
    """Another worker finishes everything; returns what is wrong with that."""
    worker = scenario.start_worker()
    worker.wait_ready()
    try:
        wait_until(
            scenario.is_quiet,
            QUIET_S,
            lambda: f"quiet: {queue_state(scenario.client)}\n{worker.log()}",
        )
    except AssertionError as failure:
        return [str(failure)]
    code = end(worker.process)
    return [] if code == 0 else [f"the last worker ended with {code}:\n{worker.log()}"]


def run_point(scenario, chosen):
    for _ in range(chosen.crashed_before):
        scenario.crash_one()
    trace = chosen.folder / "trace"
    was_killed = run_victim(scenario, tracer(chosen.call, chosen.when, trace))
    problems, began = [], time.monotonic()
    if was_killed:
        problems += whereabouts.problems_of(scenario.history, scenario.client)
        problems += recover(scenario)
    recovery_s = time.monotonic() - began
    allowance = oracle.Allowance(
        attempts_max=ATTEMPTS_MAX,
        faults=chosen.crashed_before + was_killed,
        repeats_max=DELIVERIES * (chosen.crashed_before + was_killed),
        given_up=oracle.given_up(scenario.logs()),
    )
    findings = oracle.judge(scenario.history, scenario.client, allowance)
    return {
        **vars(findings),
        "killed": was_killed,
        "calls": count_calls(trace),
        "recovery_s": round(recovery_s, 1) if was_killed else 0,
        "problems": problems + findings.problems,
    }


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--call", required=True)
    options.add_argument("--when", type=int, required=True)
    options.add_argument("--crashed-before", type=int, default=0)
    options.add_argument("--bin", type=Path, required=True)
    options.add_argument("--folder", type=Path, required=True)
    chosen = options.parse_args()
    try:
        with open(chosen.folder / "history.jsonl", "w", encoding="utf-8") as file:
            scenario = Scenario(chosen.bin / "roomhook-worker", chosen.folder, History(file))
            try:
                outcome = run_point(scenario, chosen)
            finally:
                scenario.close()
    except Exception:  # pylint: disable=broad-except  # the line must come, whatever went wrong
        outcome = {"problems": [traceback.format_exc()]}
    print(json.dumps(outcome))
    return 1 if outcome["problems"] else 0


if __name__ == "__main__":
    sys.exit(main())
