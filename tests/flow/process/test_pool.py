"""A pool: workers of one parent, which starts them again, stops them and speaks for them."""

import contextlib
import json
import os
import signal
import uuid
from pathlib import Path

import pytest
from child import free_port
from notify_socket import NotifySocket
from receiver import Answer, Hang
from wait import stays_true, wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    heartbeats,
    key,
    message_event,
    set_hook,
    stats,
)

WATCHDOG_S = 1.2
STDIO = {0, 1, 2}


def children(pid):
    """The processes that a process has started and that have not been waited for."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    except FileNotFoundError:
        return []
    return [int(word) for word in text.split()]


def has_ended(pid):
    """It is gone, or waits for somebody to ask for its status."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return True
    return text.rpartition(")")[2].split()[0] == "Z"


def places(pool):
    """place -> pid of the process that runs there."""
    started = {int(line["process"]): int(line["pid"]) for line in pool.logged("process_started")}
    ended = {int(line["pid"]) for line in pool.logged("process_ended")}
    return {place: pid for place, pid in started.items() if pid not in ended}


def wait_working(pool, n, timeout=10):
    """Until each of n places has a process that works; place -> pid."""

    def all_work():
        now = places(pool)
        working = {int(line["pid"]) for line in pool.logged("process_state", state="working")}
        return len(now) == n and set(now.values()) <= working and now

    return wait_until(all_work, timeout, lambda: f"{n} workers:\n{pool.log()}")


@pytest.fixture
def start_pool(start_worker):
    """start_pool(n) -> Worker that is the parent of n, all of them ready."""

    def start(n=3, **settings):
        pool = start_worker(processes=n, wait_ready=False, **settings)
        wait_working(pool, n)
        return pool

    yield start


def kill_worker(pool, place, sig=signal.SIGKILL):
    pid = places(pool)[place]
    os.kill(pid, sig)
    return pid


# work


def test_one_process_is_no_pool(redis_server, start_worker):
    worker = start_worker()
    ready = worker.wait_log("ready")
    assert children(worker.pid) == [] and not worker.logged("pool_started")
    assert f"-{worker.pid}-" in ready["consumer"] and "process" not in ready


def test_all_workers_share_the_queue(redis, receiver, start_pool):
    receiver.script("/", [Answer(delay=0.05)])
    set_hook(redis, 438, "main", url=receiver.url())
    pool = start_pool(3, max_in_flight=2)
    pids = wait_working(pool, 3)
    assert sorted(children(pool.pid)) == sorted(pids.values())
    assert len({line["consumer"] for line in pool.logged("ready")}) == 3
    assert {line["process"] for line in pool.logged("ready")} == {"1", "2", "3"}
    for _ in range(120):
        enqueue(redis, message_event())
    receiver.wait_for(120)
    assert_queue_empty(redis)
    assert pool.terminate() == 0
    delivered = [int(line["delivered"]) for line in pool.logged("process_ended", status=0)]
    assert len(delivered) == 3 and min(delivered) > 0 and sum(delivered) == 120


def test_automatic_is_one_for_each_usable_processor(redis_server, start_worker):
    usable = sorted(os.sched_getaffinity(0))
    lone = start_worker(processes="auto", wrapper=("taskset", "-c", str(usable[0])))
    assert children(lone.pid) == []
    if len(usable) > 1:
        pair = f"{usable[0]},{usable[1]}"
        pool = start_worker(processes="auto", wrapper=("taskset", "-c", pair), wait_ready=False)
        wait_working(pool, 2)
        pool.wait_log("pool_started", processes=2)


# crashes


def test_a_crash_touches_nobody_else_and_loses_nothing(redis, receiver, start_pool):
    receiver.script("/", [Answer(delay=0.02)])
    set_hook(redis, 438, "main", url=receiver.url())
    pool = start_pool(3, max_in_flight=4, heartbeat_ttl="3s")
    before = wait_working(pool, 3)
    sent = [enqueue(redis, message_event()) for _ in range(300)]
    receiver.wait_for(30)
    killed = kill_worker(pool, 2)
    ended = pool.wait_log("process_ended", process=2, pid=killed, signal=int(signal.SIGKILL))
    assert (ended["level"], ended["then"], ended["delay_ms"]) == ("warn", "starts again", "0")
    after = wait_working(pool, 3)
    assert (after[1], after[3]) == (before[1], before[3]) and after[2] != before[2]
    pool.wait_log("process_started", process=2, pid=after[2], restarts=1)
    assert_queue_empty(redis, timeout=30)
    got = {request.header("webhook-id") for request in receiver.requests()}
    assert got == {f"msg_{one}" for one in sent}
    assert sorted(children(pool.pid)) == sorted(after.values())  # nobody is left unwaited for
    assert len(pool.logged("process_ended")) == 1


def test_counts_that_a_crashed_worker_had_not_sent_are_not_lost(redis, receiver, start_pool):
    set_hook(redis, 438, "main", url=receiver.url())
    pool = start_pool(2)
    for n in range(1, 6):
        enqueue(redis, message_event())
        receiver.wait_for(n)
        assert_queue_empty(redis)
        for pid in wait_working(pool, 2, timeout=20).values():
            os.kill(pid, signal.SIGKILL)
            pool.wait_log("process_ended", pid=pid)
    wait_until(lambda: stats(redis).get("delivered") == 5, 10, lambda: f"5: {stats(redis)}")
    assert stats(redis)["events"] == 5 and stats(redis)["attempts"] == 5


def test_a_worker_that_crashes_again_and_again_waits_longer_and_longer(redis_server, start_pool):
    pool = start_pool(2)
    other = places(pool)[1]
    for n in range(1, 7):
        killed = kill_worker(pool, 2)
        pool.wait_log("process_ended", process=2, pid=killed)
        pool.wait_log("process_started", process=2, restarts=n, timeout=20)
    delays = [int(line["delay_ms"]) for line in pool.logged("process_ended", process=2)]
    assert delays[0] == 0
    for delay, centre in zip(delays[1:], (100, 200, 400, 800, 1600)):
        assert centre / 2 <= delay <= centre * 3 / 2
    # The waits that were told were waited.
    ended = [line["time"] for line in pool.logged("process_ended", process=2)]
    started = [line["time"] for line in pool.logged("process_started", process=2)][1:]
    for delay, end, start in zip(delays, ended, started):
        assert (milliseconds(start) - milliseconds(end)) % 86_400_000 >= delay - 2
    assert places(pool)[1] == other and not pool.logged("process_ended", process=1)


def milliseconds(time_text):
    """Of its day."""
    hours, minutes, seconds = time_text.partition("T")[2].rstrip("Z").split(":")
    return (int(hours) * 60 + int(minutes)) * 60_000 + round(float(seconds) * 1000)


def test_a_worker_that_was_told_to_stop_is_replaced(redis_server, start_pool):
    pool = start_pool(2)
    stopped = kill_worker(pool, 1, signal.SIGTERM)
    ended = pool.wait_log("process_ended", process=1, pid=stopped, status=0)
    assert ended["level"] == "info"
    assert wait_working(pool, 2)[1] != stopped


def test_signals_that_were_ignored_before_do_not_matter(redis_server, start_worker):
    """Shells start what goes on in the background with SIGINT ignored, some with SIGCHLD."""
    wrapper = ("env", "--ignore-signal=CHLD", "--ignore-signal=INT")
    pool = start_worker(processes=2, wrapper=wrapper, wait_ready=False)
    wait_working(pool, 2)
    killed = kill_worker(pool, 2)
    pool.wait_log("process_ended", pid=killed, signal=int(signal.SIGKILL))
    wait_working(pool, 2)
    pool.signal(signal.SIGINT)
    assert pool.wait(10) == 0


# who cannot run


def test_a_refused_contract_ends_the_pool(redis, start_worker):
    redis.hset(key("meta"), "contract", "77")
    pool = start_worker(processes=3, wait_ready=False)
    pool.expected_exit = 1
    assert pool.wait(10) == 1
    pool.wait_log("refused")
    assert len(pool.logged("process_started")) == 3  # and none again
    pool.wait_log("pool_ended", status=1)


def test_a_contract_that_is_changed_meanwhile_ends_the_pool(redis, start_pool):
    pool = start_pool(2)
    redis.hset(key("meta"), "contract", "77")
    kill_worker(pool, 2)
    pool.expected_exit = 1
    assert pool.wait(10) == 1
    pool.wait_log("process_state", process=2, state="refused")
    assert pool.logged("process_ended", process=1, status=0)  # it had drained


def test_a_worker_that_cannot_start_ends_the_pool(redis_server, start_worker):
    pool = start_worker(
        redis=f"rediss://127.0.0.1:{free_port()}/0", redis_ca="/nowhere", processes=3,
        wait_ready=False,
    )  # fmt: skip
    pool.expected_exit = 1
    assert pool.wait(10) == 1
    assert pool.logged("cannot_start") and len(pool.logged("process_started")) <= 3


@pytest.mark.parametrize("value", ["0", "65", "many"])
def test_a_number_that_is_none_is_refused(redis_server, start_worker, value):
    worker = start_worker(processes=value, wait_ready=False)
    worker.expected_exit = 2
    assert worker.wait(10) == 2
    assert "auto or a whole number from 1 to 64" in worker.log()


# ends


@pytest.fixture
def busy_pool(redis, receiver, start_pool):
    """busy_pool(answer) -> a pool of three, each with one POST under way to /slow."""

    def start(answer, **settings):
        receiver.script("/slow", [answer])
        set_hook(redis, 438, "main", url=receiver.url("/slow"))
        pool = start_pool(3, max_in_flight=1, **settings)
        for _ in range(3):
            enqueue(redis, message_event())
        receiver.wait_for(3, "/slow")
        return pool

    return start


def assert_all_drained(pool, redis):
    """Each finished what it had begun and said goodbye."""
    drained = lambda: pool.logged("drained", left_behind="nothing")  # noqa: E731
    wait_until(lambda: {line["process"] for line in drained()} == {"1", "2", "3"}, 5, pool.log)
    assert heartbeats(redis) == []
    assert_queue_empty(redis)


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_all_drain_when_the_parent_is_told_to_stop(redis, receiver, busy_pool, sig):
    pool = busy_pool(Answer(delay=0.7), drain_timeout="10s")
    pids = children(pool.pid)
    pool.signal(sig)
    assert pool.wait(10) == 0
    assert all(has_ended(pid) for pid in pids)
    assert len(receiver.requests("/slow")) == 3
    assert_all_drained(pool, redis)
    assert pool.logged("pool_ended", status=0) and len(pool.logged("process_started")) == 3


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_all_of_them_is_one_wish(redis, receiver, busy_pool, sig):
    """As from a terminal, or a manager that does not know who is the parent."""
    pool = busy_pool(Answer(delay=0.7), drain_timeout="10s")
    os.killpg(pool.pid, sig)
    assert pool.wait(10) == 0
    assert len(receiver.requests("/slow")) == 3
    assert_all_drained(pool, redis)


def test_second_signal_ends_all_at_once(redis, busy_pool):
    pool = busy_pool(Hang(), timeout="20s", drain_timeout="60s")
    pids = children(pool.pid)
    pool.expected_exit = 1
    pool.signal(signal.SIGTERM)
    wait_until(lambda: len(pool.logged("draining")) == 3, 10, "three that drain")
    pool.signal(signal.SIGTERM)
    assert pool.wait(5) == 1
    assert all(has_ended(pid) for pid in pids)


def test_the_worst_status_is_that_of_the_pool(redis, receiver, start_pool):
    pool = start_pool(3)
    pool.expected_exit = 1
    receiver.script("/hang", [Hang()])
    set_hook(redis, 438, "main", url=receiver.url("/hang"))
    enqueue(redis, message_event())
    receiver.wait_for(1, "/hang")
    pids = wait_working(pool, 3)
    pool.signal(signal.SIGTERM)
    # Who has nothing to do ends; the one that waits crashes now.
    wait_until(lambda: len(pool.logged("process_ended", status=0)) == 2, 10, "two to end")
    [left] = [pid for pid in pids.values() if not pool.logged("process_ended", pid=pid)]
    with contextlib.suppress(ProcessLookupError):
        os.kill(left, signal.SIGKILL)
    assert pool.wait(10) == 1
    pool.wait_log("process_ended", pid=left, then="pool ends")


def test_workers_of_a_parent_that_was_killed_drain_and_end(redis, receiver, busy_pool):
    pool = busy_pool(Answer(delay=0.7), drain_timeout="10s")
    pids = children(pool.pid)
    assert len(pids) == 3
    pool.kill()
    try:
        ended = lambda: all(has_ended(pid) for pid in pids)  # noqa: E731
        wait_until(ended, 10, lambda: f"an end:\n{pool.log()}")
    finally:
        for pid in pids:
            if not has_ended(pid):
                os.kill(pid, signal.SIGKILL)
    assert len(receiver.requests("/slow")) == 3
    assert_all_drained(pool, redis)


def test_a_worker_that_does_not_drain_is_killed_in_the_end(redis_server, start_pool):
    pool = start_pool(2, drain_timeout="0")
    pool.expected_exit = 1
    os.kill(places(pool)[1], signal.SIGSTOP)
    pool.signal(signal.SIGTERM)
    assert pool.wait(25) == 1
    pool.wait_log("drain_overdue")
    pool.wait_log("process_ended", process=1, signal=int(signal.SIGKILL))
    pool.wait_log("process_ended", process=2, status=0)


def test_a_stop_before_it_is_ready(own_redis, start_worker):
    """The last ones have hardly begun when they are told."""
    pool = start_worker(redis=f"redis://127.0.0.1:{free_port()}/0", processes=8, wait_ready=False)
    while not children(pool.pid):
        assert pool.is_running
    pool.signal(signal.SIGTERM)
    assert pool.wait(15) == 0
    assert not any("signal" in line for line in pool.logged("process_ended"))


# what is seen of it


def test_status_shows_each_worker_of_a_pool(redis, cli, start_pool):
    pool = start_pool(3)
    kill_worker(pool, 3)
    pool.wait_log("process_started", process=3, restarts=1)
    pids = wait_working(pool, 3)
    shown = lambda: {  # noqa: E731
        one["heartbeat"]["pid"]: one["heartbeat"]
        for one in json.loads(cli("status", "--json").stdout)["workers"]
    }
    wait_until(lambda: set(pids.values()) <= set(shown()), 10, "their heartbeats")
    for place, pid in pids.items():
        heartbeat = shown()[pid]
        assert (heartbeat["pool"], heartbeat["process"]) == (pool.pid, place)
        assert (heartbeat["processes"], heartbeat["restarts"]) == (3, 1 if place == 3 else 0)
        assert heartbeat["in_flight"] == 0 and heartbeat["host"]
    [told] = json.loads(cli("status", "--json").stdout)["pools"]
    assert told.pop("host") == shown()[pids[1]]["host"]
    assert told == {"pid": pool.pid, "processes": 3, "alive": 3, "restarts": 1, "in_flight": 0}
    text = cli("status").stdout
    assert all(f"-{pid}-" in text for pid in pids.values()), "a line each"
    assert f"/{pool.pid}: 3 of 3 workers alive, restarts 1, in flight 0\n" in text


def test_a_lone_worker_tells_of_no_pool(redis, cli, start_worker):
    start_worker()
    told = json.loads(cli("status", "--json").stdout)
    assert told["pools"] == [] and "pool" not in told["workers"][0]["heartbeat"]


@pytest.fixture
def manager(tmp_path):
    with NotifySocket(f"roomhook-{uuid.uuid4()}", abstract=True) as listener:
        yield listener


def test_only_the_parent_is_ready_when_all_are(manager, own_redis, start_worker):
    port = free_port()
    pool = start_worker(
        redis=f"redis://127.0.0.1:{port}/0", processes=3, env=manager.env(WATCHDOG_S),
        wait_ready=False,
    )  # fmt: skip
    waiting = manager.wait("that it waits", lambda one: "for Redis, 0 of 3" in one["STATUS"])
    assert int(waiting["EXTEND_TIMEOUT_USEC"]) > WATCHDOG_S * 1e6 and waiting["WATCHDOG"] == "1"
    own_redis(port=port)
    ready = manager.wait("of readiness", lambda one: one.get("READY") == "1")
    assert ready["STATUS"] == "working, 3 of 3 workers, 0 in flight"
    wait_until(lambda: len(pool.logged("process_state", state="working")) == 3, 5, "their lines")
    pool.terminate()
    assert manager.messages()[-1]["STOPPING"] == "1"
    assert {one["pid"] for one in manager.messages()} == {pool.pid}


def test_status_tells_how_many_work(manager, redis_server, redis, start_worker):
    pool = start_worker(processes=2, env=manager.env(), wait_ready=False)
    wait_working(pool, 2)
    kill_worker(pool, 1)
    manager.wait("of one that works", lambda one: one["STATUS"].startswith("working, 1 of 2"))
    manager.wait("of two again", lambda one: one["STATUS"].startswith("working, 2 of 2"))
    assert all(one["READY"] == "1" for one in manager.messages()[-2:])


def test_watchdog_is_fed_while_every_loop_turns(manager, redis_server, start_worker):
    pool = start_worker(processes=3, env=manager.env(WATCHDOG_S), wait_ready=False)
    pids = wait_working(pool, 3)
    fed = lambda: [one["at"] for one in manager.messages(WATCHDOG="1")]  # noqa: E731
    wait_until(lambda: len(fed()) >= 8, 20, "eight signs of life")
    assert max(b - a for a, b in zip(fed(), fed()[1:])) < WATCHDOG_S
    os.kill(pids[2], signal.SIGSTOP)
    try:
        pool.wait_log("process_stalled", process=2, pid=pids[2])
        before = len(fed())
        stays_true(lambda: len(fed()) == before, 2 * WATCHDOG_S, "no sign of life of all")
    finally:
        os.kill(pids[2], signal.SIGCONT)
    wait_until(lambda: len(fed()) > before, 5, "signs of life again")
    pool.wait_log("process_recovered", process=2)


def test_parent_holds_nothing_and_hands_nothing_on(redis, start_pool, manager, tmp_path):
    pool = start_pool(2, env=manager.env(WATCHDOG_S))
    manager.wait("of readiness", lambda one: one.get("READY") == "1")
    descriptors = lambda pid: {int(name) for name in os.listdir(f"/proc/{pid}/fd")}  # noqa: E731
    # While a message is sent there is one more.
    wait_until(lambda: descriptors(pool.pid) == STDIO, 5, lambda: str(descriptors(pool.pid)))
    assert len(os.listdir(f"/proc/{pool.pid}/task")) == 1
    old = wait_working(pool, 2)
    counts = [len(descriptors(pid)) for pid in old.values()]
    for place in (1, 2):
        kill_worker(pool, place)
        pool.wait_log("process_started", process=place, restarts=1)
    wait_until(
        lambda: [len(descriptors(pid)) for pid in wait_working(pool, 2).values()] == counts,
        5, "as many descriptors in later lives",
    )  # fmt: skip


def test_parent_and_workers_are_hardened_alike(own_redis, start_worker):
    password = "canary-of-the-password"
    server = own_redis()
    server.client().config_set("requirepass", password)
    pool = start_worker(
        redis=f"redis://:{password}@127.0.0.1:{server.port}/0", processes=2, wait_ready=False
    )
    for pid in (pool.pid, *wait_working(pool, 2).values()):
        assert Path(f"/proc/{pid}/environ").read_bytes().strip(b"\0") == b""
        assert password.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
        assert "NoNewPrivs:\t1" in status
        limits = Path(f"/proc/{pid}/limits").read_text(encoding="ascii")
        assert ["0", "0"] == next(
            line.split()[4:6] for line in limits.splitlines() if line.startswith("Max core file")
        )
