"""One crash point: a worker dies at its n-th call of a kind, another takes over, the oracle judges.

    python3 crash_point.py --call writev --when 7 --bin build/dev/bin --folder /tmp/x

The scenario is always the same: a few events, one for each way an event can go, one that is in no
lane and has to be found, and Redis refuses outcomes for a while. What has to happen does not depend
on the machine's speed: see Refusal and Scenario._choose. The worker runs under strace(1),
which kills it at the entry of the call, so that the call is not made; at the 0th, never. With
--crashed-before 1 the worker that dies has itself taken over from one that crashed. Prints one line
of JSON; the folder gets the history, the trace and the logs.
"""

import argparse
import collections
import json
import re
import signal
import socket
import sys
import threading
import time
import traceback
from pathlib import Path

import oracle
import sanitizer
import whereabouts
from child import end
from history import History, Intent, fingerprint
from lane_scripts import SHAS, TEXTS, TOP
from receiver import Answer, Hang, Receiver
from redis_server import RedisServer
from scripted_endpoints import listen
from wait import wait_until
from webhook_queue import delivery_id, enqueue, key, now_ms, queue_state, set_hook
from worker_process import Worker

WORKER_SCRIPTS = sorted(path.stem for path in (TOP / "worker" / "scripts").glob("*.lua"))
SCENARIO_S = 20.0
LEASED_S = 30.0  # a crashed worker may hold the misplaced delivery until its lease ends
QUIET_S = 40.0  # after a crash; one that could not store outcomes held their leases for 30 s
SCHEDULE = ("100ms", "100ms")
ATTEMPTS_MAX = len(SCHEDULE) + 1
SETTINGS = {
    "heartbeat_ttl": "3s",
    "timeout": "2s",
    "retry_schedule": ",".join(SCHEDULE),
    "keep_delivered": "1h",  # delivered events are kept, by a script of its own
}

# What a hook's endpoint answers, by how often it did; the last one again and again. "slow" takes
# longer than an event waits for its last hook before that is detached from it. "paced" has a rate:
# its deliveries wait in their lane before they are tried.
ANSWERS = {
    "good": ("200",),
    "failing first": ("500", "200"),
    "slow": ("slow 200", "200"),
    "busy": ("503", "200"),
    "paced": ("200",),
    "refusing": ("400",),
    "hopeless": ("500",),
}
BEHAVIOURS = {
    "200": Answer(200),
    "slow 200": Answer(200, delay=1.6),
    "503": Answer(503, headers=(("Retry-After", "1"),)),
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
    ("failing first", "refusing", "slow"),  # large: its document is stored once
    ("busy",),
    ("paced",),
)
LARGE = 8
MISPLACED = len(EVENTS) + 1  # one of ("good",) whose delivery waits, but in no lane
DELIVERIES = sum(map(len, EVENTS)) + 2
UNDER_WAY = 8  # of them, at least, when endpoints answer nothing but 500
REFUSED = "hdel"  # the command without which outcomes that go through lanes are not stored
HELD_MS = 15000  # leases are held for 30 s; else they last timeout + 5 s


def path_of(number, hook):
    return f"/{number}/{hook}"


class Refusal:
    """Redis refuses outcomes from the first POST of a leased delivery of the worker on: before that
    is answered, so its outcome is refused whatever else happens when. At the latest the misplaced
    delivery is leased: it waits in its lane before it is tried.
    """

    def __init__(self, client):
        self._client = client
        self._lock = threading.Lock()
        self._pid = None  # of the worker whose outcomes are to be refused
        self.is_on = False

    def expect(self, worker):
        self._pid = worker.pid

    def see(self, delivery):
        """A POST of it came."""
        with self._lock:
            if self._pid is not None and self._is_leased(delivery):
                self._pid = None
                self._allow("-")
                self.is_on = True

    def end(self):
        """None begins afterwards."""
        with self._lock:
            self._pid = None
            self._allow("+")

    def _is_leased(self, delivery):
        lease = self._client.hget(key("leases"), delivery) or b""
        return f"-{self._pid}-" in lease.decode()  # its fence begins with the consumer's name

    def _allow(self, sign):
        self._client.execute_command("ACL", "SETUSER", "default", f"{sign}{REFUSED}")

    def holds_leases(self):
        """The worker has its leases held; no other place is as late."""
        late = now_ms(self._client) + HELD_MS
        lanes = self._client.scan_iter(match=key("lane:*"), count=1000)
        return any(self._client.zcount(lane, late, "+inf") for lane in lanes)


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
        self._refusal = Refusal(self.client)
        self._answered = collections.Counter()  # (number, path) -> how often, other than by "hang"
        paths = []
        for number, kinds in enumerate(EVENTS, 1):
            paths += [path_of(number, hook) for hook in self._add_event(number, kinds)]
        paths.append(self._add_misplaced())
        listen(self.receiver, history, self._choose, paths)

    def _intend(self, number, kinds):
        """Its hooks are there; returns the intent and the document."""
        targets = {f"h{n}": path_of(number, f"h{n}") for n in range(len(kinds))}
        for (hook, path), kind in zip(targets.items(), kinds):
            more = {"rateLimit": "5/s"} if kind == "paced" else {}
            set_hook(self.client, number, hook, url=self.receiver.url(path), format="bare", **more)
        text = "x" * (6000 if number == LARGE else number)
        document = {"message": {"id": number, "roomId": number, "body": {"text": text}}}
        intent = Intent(number, f"event-{number}", fingerprint(document), targets, not kinds)
        self.history.intend(intent)
        return intent, json.dumps(document).encode()

    def _add_event(self, number, kinds):
        """Returns the ids of its hooks."""
        intent, data = self._intend(number, kinds)
        data = data[:-1] if intent.malformed else data
        stream_id = enqueue(self.client, data, id=intent.event_id)
        self.history.settle(intent, "ok", stream_id=stream_id)
        return intent.targets

    def _add_misplaced(self):
        """As if somebody had deleted its lane's key; returns its path."""
        intent, data = self._intend(MISPLACED, ("good",))
        stream_id = f"{now_ms(self.client) - 1000}-0"  # which no other has
        meta = {"lane": f"{MISPLACED}/h0", "event_id": intent.event_id, "encoding": "json"}
        record = json.dumps(meta).encode() + b"\n" + data
        self.client.hset(key("deliveries"), delivery_id(stream_id, "h0"), record)
        self.history.settle(intent, "ok", stream_id=stream_id)
        return path_of(MISPLACED, "h0")

    def _choose(self, number, path, _):
        """POSTs that hang do not count: whichever worker is answered first meets the first answer,
        so the one that is watched meets a pause of "busy", and a success after its failure."""
        hook = path.rpartition("/")[2]
        self._refusal.see(delivery_id(self.history.intents[number].stream_id, hook))
        kind = EVENTS[number - 1][int(path[-1])] if number != MISPLACED else "good"
        names = ANSWERS[kind]
        name = names[min(self._answered[number, path], len(names) - 1)]
        if self._until_crash and name != "500":
            return "hang", BEHAVIOURS["hang"]
        self._answered[number, path] += 1
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

    def refuse_outcomes(self, victim):
        """For a while, once it has a leased delivery: until a lease is held for an outcome."""
        self._refusal.expect(victim)
        log = lambda what: lambda: f"{what}:\n{victim.log()}"  # noqa: E731
        try:
            wait_until(
                lambda: not victim.is_running or self._refusal.is_on,
                LEASED_S,
                log("a POST of a leased delivery"),
            )
            wait_until(
                lambda: not victim.is_running or self._refusal.holds_leases(),
                SCENARIO_S,
                log("a lease that is held for its outcome"),
            )
        finally:
            self._refusal.end()

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


class ScriptsSeen:
    """The names of a worker's scripts that Redis is asked to run."""

    END = b"the end of what is watched"

    def __init__(self, server):
        self._connection = socket.create_connection((server.host, server.port))
        self._connection.sendall(b"MONITOR\r\n")
        self._client = server.client()
        self._text = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        while data := self._connection.recv(1 << 16):
            self._text += data

    def names(self):
        """All until now; it sees no more afterwards."""
        self._client.echo(self.END)
        wait_until(lambda: self.END in self._text, SCENARIO_S, "what Redis was asked to run")
        self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._connection.close()
        return [name for name in WORKER_SCRIPTS if self._was_run(name)]

    def _was_run(self, name):
        by_text = TEXTS[name].split("\n")[1].encode()  # of its first comment, which no other has
        return SHAS[name].encode() in self._text or by_text in self._text


def run_victim(scenario, wrapper):
    """Lets a worker do everything and end; returns whether it was killed on the way."""
    victim = scenario.start_worker(wrapper)
    scenario.refuse_outcomes(victim)
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
    scripts = ScriptsSeen(scenario.server) if chosen.when == 0 else None
    was_killed = run_victim(scenario, tracer(chosen.call, chosen.when, trace))
    problems, began = [], time.monotonic()
    if was_killed:
        lane = f"{MISPLACED}/h0"
        problems += whereabouts.problems_of(scenario.history, scenario.client, misplaced=lane)
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
        "scripts": scripts.names() if scripts else [],
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
