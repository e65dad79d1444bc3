"""What a service manager is told: ready, alive, how it is, why it takes long."""

import signal
import uuid

import pytest
from child import free_port
from notify_socket import NotifySocket
from receiver import Hang
from redis_server import RedisServer
from wait import stays_true, wait_until
from webhook_queue import enqueue, message_event, set_hook

WATCHDOG_S = 0.6


@pytest.fixture(params=[False, True], ids=["path", "abstract"])
def manager(request, tmp_path):
    name = f"roomhook-{uuid.uuid4()}" if request.param else tmp_path / "notify"
    with NotifySocket(name, abstract=request.param) as listener:
        yield listener


def test_ready_when_it_works(manager, redis_server, start_worker):
    worker = start_worker(env=manager.env())
    ready = manager.wait("of readiness", lambda one: one.get("READY") == "1")
    assert ready["STATUS"] == "working, 0 in flight" and ready["pid"] == worker.pid
    assert manager.messages()[0]["STATUS"].startswith("waiting for Redis")
    assert "READY" not in manager.messages()[0]


def test_start_lasts_as_long_as_redis_is_away(manager, own_redis, start_worker):
    port = free_port()
    worker = start_worker(
        redis=f"redis://127.0.0.1:{port}/0", env=manager.env(WATCHDOG_S), wait_ready=False
    )
    wait_until(lambda: len(manager.messages()) >= 4, 10, "four messages")
    for message in manager.messages():
        assert "READY" not in message and message["STATUS"].startswith("waiting for Redis")
        # What it asks for lasts longer than the time until it asks again.
        assert int(message["EXTEND_TIMEOUT_USEC"]) > WATCHDOG_S * 1e6
    own_redis(port=port)
    manager.wait("of readiness", lambda one: one.get("READY") == "1")
    assert worker.is_running


def test_watchdog_is_fed_by_the_loop(manager, redis_server, start_worker):
    worker = start_worker(env=manager.env(WATCHDOG_S))
    fed = lambda: [one["at"] for one in manager.messages(WATCHDOG="1")]  # noqa: E731
    wait_until(lambda: len(fed()) >= 10, 10, "ten signs of life")
    gaps = [b - a for a, b in zip(fed(), fed()[1:])]
    assert max(gaps) < WATCHDOG_S
    worker.pause()
    before = len(fed())
    stays_true(lambda: len(fed()) <= before + 1, 2 * WATCHDOG_S, "no sign of life while stopped")
    worker.resume()
    wait_until(lambda: len(fed()) > before + 1, 5, "signs of life again")


def test_watchdog_of_another_process_is_not_fed(manager, redis_server, start_worker):
    start_worker(env={**manager.env(WATCHDOG_S), "WATCHDOG_PID": "1"})
    manager.wait("of readiness", lambda one: one.get("READY") == "1")
    seen = len(manager.messages())
    stays_true(lambda: len(manager.messages()) == seen, 2 * WATCHDOG_S, "no more messages")


def test_status_tells_that_redis_is_away(tmp_path, start_worker):
    with RedisServer() as server, NotifySocket(tmp_path / "notify") as manager:
        start_worker(redis=server.url, env=manager.env(WATCHDOG_S))
        server.kill()
        away = manager.wait("that Redis is away", lambda one: "is away" in one["STATUS"])
        assert "READY" not in away and "STOPPING" not in away and away["WATCHDOG"] == "1"
        server.start()
        manager.wait(
            "that it works again",
            lambda one: one["STATUS"].startswith("working") and one["at"] > away["at"],
        )


def test_stopping_may_take_long(tmp_path, redis, receiver, start_worker):
    with NotifySocket(tmp_path / "notify") as manager:
        worker = start_worker(env=manager.env(WATCHDOG_S), timeout="5s", drain_timeout="2s")
        receiver.script("/hang", [Hang()])
        set_hook(redis, 438, "main", url=receiver.url("/hang"))
        enqueue(redis, message_event())
        receiver.wait_for(1, "/hang")
        worker.signal(signal.SIGTERM)
        worker.wait(10)
        stopping = manager.messages(STOPPING="1")
        assert len(stopping) >= 3  # and not only once: the loop that drains says so
        assert stopping[0]["STATUS"] == "draining, 1 in flight"
        assert all(int(one["EXTEND_TIMEOUT_USEC"]) > WATCHDOG_S * 1e6 for one in stopping)
        assert manager.messages()[-1]["STOPPING"] == "1"  # never READY again


@pytest.mark.parametrize("socket", ["relative/path", "@", "/" + "a" * 200])
def test_unusable_socket_is_told_and_ignored(redis_server, start_worker, socket):
    worker = start_worker(env={"NOTIFY_SOCKET": socket})
    assert worker.wait_log("notify_ignored", level="warn")
    worker.wait_log("ready")


def test_a_manager_that_is_gone_does_no_harm(tmp_path, redis, receiver, start_worker):
    gone = {"NOTIFY_SOCKET": str(tmp_path / "nobody"), "WATCHDOG_USEC": "300000"}
    worker = start_worker(env=gone)
    set_hook(redis, 438, "main", url=receiver.url())
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert worker.is_running
