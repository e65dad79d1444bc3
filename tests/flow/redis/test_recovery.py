"""How fast others take over, what an idle or waiting worker costs, a full disk."""

import os
import signal
import socket
import subprocess
import time

import pytest
import redis as redis_library

from child import end, free_port, spawn
from receiver import Answer
from recovery import (
    POSTS,
    check_it_waits,
    check_redis_may_be_away,
    hang_once,
    killed_until_replaced_s,
)
from redis_health import assert_told_once, wait_counter
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    message_event,
    queue_state,
    set_hook,
    stats,
    wait_stat,
)

TTL_S = 3


def test_killed_worker_is_replaced_within_its_ttl_and_5_s(redis, receiver, start_worker):
    assert killed_until_replaced_s(redis, receiver, start_worker, TTL_S) <= TTL_S + 5


def test_graceful_exit_hands_over_within_a_second(redis, receiver, start_worker, lateness):
    """What flies when the time to drain is over is POSTed by another worker at once."""
    first = hang_once(redis, receiver, start_worker, drain_timeout="0")
    start_worker()
    asked_at = time.monotonic()
    first.signal(signal.SIGTERM)
    requests = receiver.wait_for(2 * POSTS, timeout=5)
    assert requests[-1].arrived - asked_at <= 1.0 + lateness.of_a_post_s()
    assert_queue_empty(redis, timeout=10)
    assert len(receiver.requests()) == 2 * POSTS
    wait_stat(redis, "waited", POSTS)
    assert first.wait(5) == 0


def test_graceful_exit_hands_over_what_waits_within_a_second(
    redis, receiver, start_worker, lateness
):
    """What has not started when SIGTERM comes, for want of a slot."""
    for n in range(40):
        receiver.script(f"/{n}", [Answer(200, delay=1.5)])
        set_hook(redis, n, "main", url=receiver.url(f"/{n}"))
    first = start_worker(max_per_origin=2, drain_timeout="5s")
    start_worker(max_per_origin=64)
    for n in range(40):
        enqueue(redis, message_event(room=n), id=f"event-{n}")
    receiver.wait_for(3)
    asked_at = time.monotonic()
    first.signal(signal.SIGTERM)
    requests = receiver.wait_for(40, timeout=3)
    assert requests[-1].arrived - asked_at <= 1.0 + lateness.of_a_post_s()
    assert_queue_empty(redis, timeout=10)
    assert len(receiver.requests()) == 40
    wait_until(lambda: stats(redis).get("waited", 0) > 0, 5, "something to be handed over")
    assert first.wait(10) == 0  # before a second signal, which would cut it short


class Monitor:
    """Counts the commands clients send (not those of scripts) by MONITOR."""

    def __init__(self, server):
        self.socket = socket.create_connection((server.host, server.port))
        self.socket.sendall(b"MONITOR\r\n")
        self.socket.settimeout(0.2)

    def count(self, seconds):
        """Commands other than the MONITOR's own during so many seconds."""
        text, ends_at = b"", time.monotonic() + seconds
        while time.monotonic() < ends_at:
            try:
                text += self.socket.recv(65536)
            except TimeoutError:
                pass
        lines = [line for line in text.split(b"\r\n") if line.startswith(b"+") and b"[" in line]
        return [line for line in lines if b" lua]" not in line]

    def close(self):
        self.socket.close()


def test_an_idle_worker_sends_few_commands(redis_server, start_worker):
    """At most 3 a second, the leader 4, all included."""
    leader = start_worker()
    leader.wait_log("leader")
    monitor = Monitor(redis_server)
    monitor.count(2)  # what start-up still had to say
    commands = monitor.count(10)
    assert len(commands) <= 40, commands
    start_worker()
    monitor.count(2)
    commands = monitor.count(10)
    assert len(commands) <= 70, commands
    monitor.close()


def test_waiting_for_redis_costs_nothing(own_redis, receiver, start_worker):
    check_redis_may_be_away(own_redis, receiver, start_worker, 6.0)


class SmallDisk:
    """A Redis with an AOF on a file system of its own that holds 8 MiB."""

    def __init__(self, folder):
        self.port = free_port()
        self.folder = folder / "disk"
        self.folder.mkdir()
        script = f'mount -t tmpfs -o size=8m tmpfs "{self.folder}" && exec "$@"'
        self.process = spawn(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", script, "sh", "redis-server",
             "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
             "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
             "--auto-aof-rewrite-percentage", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis_library.Redis(port=self.port, socket_timeout=10)
        wait_until(self._is_ready, 10, "redis-server on its own disk (needs unshare and mount)")
        self.filler = f"/proc/{self.process.pid}/root{self.folder}/filler"

    def _is_ready(self):
        assert self.process.poll() is None, "unshare, mount or redis-server failed"
        try:
            return self.client.ping()
        except redis_library.ConnectionError:
            return False

    def fill(self):
        with open(self.filler, "wb") as file:
            try:
                while True:
                    file.write(b"x" * 65536)
                    file.flush()
            except OSError:
                pass

    def free(self):
        os.unlink(self.filler)

    def stop(self):
        self.client.close()
        end(self.process, signal.SIGKILL)


@pytest.fixture
def small_disk(tmp_path):
    disk = SmallDisk(tmp_path)
    yield disk
    disk.stop()


def test_a_full_disk_loses_nothing(small_disk, receiver, start_worker):
    """Redis refuses every write (MISCONF) until there is room. Nothing is lost, nothing spins."""
    client = small_disk.client
    receiver.script("/", [Answer(500, delay=0.5), Answer(200, delay=0.5)])
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=small_disk.url, retry_schedule="200ms,200ms,200ms", timeout="5s")
    accepted = {f"before-{n}" for n in range(5)}
    for name in sorted(accepted):
        enqueue(client, message_event(), id=name)
    receiver.wait_for(5)
    small_disk.fill()

    def is_refused():
        try:
            enqueue(client, message_event(text="x" * 4000), id="full")
            accepted.add("full")
            return False
        except redis_library.ResponseError as error:
            return "MISCONF" in str(error)

    wait_until(is_refused, 10, "Redis to refuse writes")
    check_it_waits(worker, 3.0, share=0.05)
    assert_told_once(worker, "misconf")
    assert queue_state(client)["events"] + queue_state(client)["deliveries"] > 0
    small_disk.free()

    def answered():
        # Only the first request was answered 500.
        return {request.header("webhook-id") for request in receiver.requests()[1:]}

    wait_until(lambda: accepted <= answered(), 20, lambda: f"{accepted - answered()}")
    assert_queue_empty(client, timeout=10)
    wait_counter(client, "misconf")
