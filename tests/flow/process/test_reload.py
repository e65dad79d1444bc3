"""SIGHUP: the settings file is read again, and what can change while a worker runs does."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from child import end
from receiver import Answer
from wait import wait_until
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook, wait_dead

UNIT = Path(__file__).resolve().parents[3] / "scripts" / "systemd" / "roomhook-worker@.service"


@pytest.fixture
def settings_file(tmp_path):
    """settings_file("queue = a", …) writes a settings file with these lines -> its path."""

    def write(*lines):
        path = tmp_path / "worker.conf"
        path.write_text("".join(line + "\n" for line in lines))
        return path

    return write


def reload(worker, msg="settings_reloaded"):
    """Until the signal was answered; the last line about it."""
    seen = len(worker.logged(msg))
    worker.signal(signal.SIGHUP)
    wait_until(lambda: len(worker.logged(msg)) > seen, 5,
               lambda: f"a line {msg}:\n{worker.log()}")  # fmt: skip
    return worker.logged(msg)[-1]


def test_what_can_change_does(redis, receiver, start_worker, settings_file):
    """Where webhooks may go, how often they are tried, and what is logged."""
    receiver.script("/fails", [Answer(503)] * 2)
    set_hook(redis, 1, "main", url=receiver.url())
    set_hook(redis, 2, "main", url=receiver.url("/fails"))
    config = settings_file("retry-schedule = 1h")
    worker = start_worker(config=config, allow_address=None)
    enqueue(redis, message_event(room=1))
    letter = wait_dead(redis)[0]
    assert (letter["reason"], letter["error"]) == ("blocked", "the address is not allowed")
    why = worker.wait_log("blocked", host="127.0.0.1")["why"]
    assert why == (f"127.0.0.1 port {receiver.port} is not public; "
                   "allow-address = 127.0.0.1 would open it")  # fmt: skip
    assert len(worker.logged("blocked")) == 1, "the self-test is not logged"
    settings_file("allow-address = 127.0.0.0/8", "retry-schedule = 10ms", "retry-jitter = 0%",
                  "log-level = debug")  # fmt: skip
    line = reload(worker)
    assert line["changed"] == "allow-address, retry-schedule, retry-jitter, log-level", line
    enqueue(redis, message_event(room=1))
    receiver.wait_for(1)
    worker.wait_log("delivered")
    enqueue(redis, message_event(room=2))
    assert "exhausted" in {letter["reason"] for letter in wait_dead(redis, 2)}
    assert len(receiver.requests("/fails")) == 2
    assert_queue_empty(redis)
    assert reload(worker)["changed"] == ""
    settings_file()
    assert reload(worker)["changed"] == line["changed"], "what is no longer there has its default"


def test_what_a_flag_gave_stays(start_worker, settings_file):
    config = settings_file()
    worker = start_worker(config=config, log_level="debug", env={"ROOMHOOK_DEAD_MAX": "7"})
    settings_file("log-level = error", "dead-max = 8", "lane-max = 9")
    assert reload(worker)["changed"] == "lane-max"


def test_what_needs_a_restart_is_named(start_worker, settings_file):
    config = settings_file()
    worker = start_worker(config=config)
    settings_file("max-in-flight = 7", "dead-max = 8", "timeout = 20s")
    assert reload(worker)["changed"] == "dead-max"
    assert worker.wait_log("restart_needed")["changed"] == "max-in-flight, timeout"


@pytest.mark.parametrize("line, why", [
    ("retry-schedule = soon", "retry-schedule"), ("dead-max", "name = value"), (None, "No such")])
def test_a_file_that_is_not_valid_changes_nothing(redis, receiver, start_worker, settings_file,
                                                  line, why):  # fmt: skip
    config = settings_file()
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(config=config)
    if line is None:
        config.unlink()
    else:
        settings_file("log-level = error", line)
    assert why in reload(worker, "settings_kept")["why"]
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert worker.logged("settings_kept"), "and the level is as it was"


def test_a_pool_and_workers_that_start_later(redis, start_worker, settings_file):
    config = settings_file("log-level = info")
    worker = start_worker(config=config, processes=2)
    wait_until(lambda: len(worker.logged("ready")) == 2, 10, "two workers")
    settings_file("log-level = debug")
    worker.signal(signal.SIGHUP)
    for process in ({}, {"process": "1"}, {"process": "2"}):
        worker.wait_log("settings_reloaded", changed="log-level", **process)
    victim = worker.wait_log("process_started", process="1")["pid"]
    os.kill(int(victim), signal.SIGKILL)
    wait_until(lambda: len(worker.logged("ready", process="1")) == 2, 10, "another worker")
    settings_file("log-level = info")
    worker.signal(signal.SIGHUP)
    wait_until(lambda: len(worker.logged("settings_reloaded", process="1", changed="log-level"))
               == 2, 5, "the later one had the parent's level")  # fmt: skip


def test_a_terminal_that_hangs_up_ends_the_worker(roomhook_bin, redis_server):
    """Nobody would stop it otherwise."""
    near, far = os.openpty()
    worker = subprocess.Popen(
        [roomhook_bin / "roomhook-worker", "--redis", redis_server.url],
        stdin=far, stdout=far, stderr=far, start_new_session=True,
    )  # fmt: skip
    os.close(far)
    try:
        log = b""
        while b"msg=ready" not in log:
            log += os.read(near, 4096)
        worker.send_signal(signal.SIGHUP)
        assert worker.wait(10) == 0
    finally:
        end(worker, signal.SIGKILL)
        os.close(near)


def test_the_unit_sends_it():
    assert "\nExecReload=kill -HUP $MAINPID\n" in UNIT.read_text(encoding="utf-8")
