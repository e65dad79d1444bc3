"""A real worker whose memory runs short at one allocation of an event: it goes on, and no event is
lost.

tests/support/fail_malloc.c makes it fail; tests/unit/test_no_memory.c does so to single files.
"""

import mmap
import os
import struct
from dataclasses import dataclass

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import dead_letters, enqueue, message_event, queue_state, set_hook

SETTINGS = {"heartbeat_ttl": "3s", "timeout": "2s", "retry_schedule": "20ms,20ms,20ms,20ms"}
QUIET_S = 1.5  # a worker that was short of memory for a moment
TAKEN_OVER_S = 15.0  # by another worker, when that one forgot something
POINTS = 15  # of a scenario
MANY = 1 << 40
SETTLED = 200


class Shortage:
    """The numbers that fail_malloc.c shares with a worker."""

    FIRST, EVERY, FAILED, TRACE = range(4)

    def __init__(self, path):
        path.write_bytes(bytes(32))
        self.path = path
        with open(path, "r+b") as file:
            self._numbers = mmap.mmap(file.fileno(), 32)
        self._set(self.TRACE, int("FAIL_TRACE" in os.environ))

    def _set(self, index, value):
        struct.pack_into("=q", self._numbers, 8 * index, value)

    def _get(self, index):
        return struct.unpack_from("=q", self._numbers, 8 * index)[0]

    def begin(self, first, every=0):
        self._set(self.EVERY, every)
        self._set(self.FAILED, 0)
        self._set(self.FIRST, first)

    def left(self):
        return self._get(self.FIRST)

    def end(self):
        """Returns how many allocations failed."""
        self._set(self.FIRST, 0)
        return self._get(self.FAILED)


@pytest.fixture
def shortage(tmp_path):
    return Shortage(tmp_path / "shortage")


@pytest.fixture
def start_short(start_worker, shortage, roomhook_bin):
    """start_short(**settings) -> Worker whose allocations the shortage decides about."""
    library = roomhook_bin.parent / "tests" / "fail_malloc.so"

    def start(**settings):
        env = {"LD_PRELOAD": str(library), "FAIL_MALLOC": str(shortage.path)}
        return start_worker(env=env, **{**SETTINGS, **settings})

    return start


@dataclass(frozen=True)
class Scenario:
    """One event and the hooks of its room, by what their endpoints answer, attempt by attempt."""

    hooks: tuple
    encoding: str = "json"
    close: bool = False  # each answer closes its connection


SCENARIOS = {
    "json": Scenario(hooks=((200,),), close=True),
    "msgpack": Scenario(hooks=((200,),), encoding="msgpack"),
    "fan-out": Scenario(hooks=((200,), (200,), (200,))),
    "retry": Scenario(hooks=((500, 200),)),
    "dead letter": Scenario(hooks=((400,),)),
    "open breaker": Scenario(hooks=((500, 500, 500, 500, 500),)),
}


class Sweep:
    """The same scenario again and again, each time in a room of its own."""

    def __init__(self, redis, receiver, scenario):
        self._redis, self._receiver, self._scenario = redis, receiver, scenario
        self._sent = {}  # room -> event id

    def _path(self, room, n):
        return f"/{room}/{n}"

    def send(self, room):
        headers = (("Connection", "close"),) if self._scenario.close else ()
        for n, statuses in enumerate(self._scenario.hooks):
            path = self._path(room, n)
            self._receiver.script(path, [Answer(status, headers) for status in statuses])
            set_hook(self._redis, room, f"h{n}", url=self._receiver.url(path), format="bare")
        event = message_event(room=room)
        enqueue(self._redis, event, encoding=self._scenario.encoding, id=f"event-{room}")
        self._sent[room] = f"event-{room}"

    def is_quiet(self):
        return not any(queue_state(self._redis).values())

    def lost(self):
        """Deliveries that were neither answered 2xx nor are dead for a reason."""
        dead = {(letter.get("event_id"), letter.get("hook")): letter["reason"]
                for letter in dead_letters(self._redis)}
        for room, event_id in self._sent.items():
            for n, statuses in enumerate(self._scenario.hooks):
                tried = self._receiver.requests(self._path(room, n))
                answers = [statuses[min(i, len(statuses) - 1)] for i in range(len(tried))]
                reason = dead.get((event_id, f"h{n}"))
                if 200 not in answers and not self._is_explained(reason, statuses, answers):
                    yield f"{event_id} at h{n}: answered {answers}, dead for {reason}"

    def _is_explained(self, reason, statuses, answers):
        return reason == {400: "rejected", 500: "exhausted"}.get(statuses[-1], "") and bool(answers)


def points(shortage, sweep):
    """Allocations of one event, spread over all of them."""
    shortage.begin(MANY)
    sweep.send(SETTLED)
    wait_until(sweep.is_quiet, QUIET_S, "a first event without a shortage")
    total = MANY - shortage.left()
    shortage.end()
    return range(1, total + 1, max(1, total // POINTS))


@pytest.mark.parametrize("name", SCENARIOS)
def test_an_allocation_that_fails_loses_nothing(name, redis, receiver, start_short, shortage):
    """A worker may forget what it had: then another one takes it over."""
    sweep = Sweep(redis, receiver, SCENARIOS[name])
    worker = start_short()
    for n in points(shortage, sweep):
        shortage.begin(n)
        sweep.send(1000 + n)
        try:
            wait_until(sweep.is_quiet, QUIET_S, "quiet")
        except AssertionError:
            shortage.end()
            assert worker.is_running, f"allocation {n}: {worker.process.returncode}"
            worker.kill()
            worker = start_short()
            wait_until(sweep.is_quiet, TAKEN_OVER_S, lambda: f"quiet: {queue_state(redis)}")
        shortage.end()
        assert worker.is_running, f"allocation {n}: {worker.process.returncode}"
    assert list(sweep.lost()) == []
