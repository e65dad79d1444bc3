"""The backups of docs/operations.md, taken and restored by the commands that it shows."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    key,
    message_event,
    queue_state,
    set_hook,
    wait_dead,
)

TOP = Path(__file__).resolve().parents[3]
DATA, BACKUPS = "/var/lib/redis", "/var/backups/redis"
SERVICE = re.compile(r"^systemctl (stop|start) redis-server\n", re.MULTILINE)


def block(title, containing):
    """The one block of commands below a heading that contains a text."""
    page = (TOP / "docs/operations.md").read_text(encoding="utf-8")
    section = page.partition(f"\n{title}\n")[2].partition("\n#")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (fitting,) = [one for one in blocks if containing in one]
    return fitting


class Machine:
    """A Redis, set as the page says, whose folders stand for those that it names."""

    def __init__(self, server, folder):
        self.server = server
        self.backups = folder / "backups"
        self.backups.mkdir()
        self.programs = folder / "bin"
        self.programs.mkdir()
        wrapper = self.programs / "redis-cli"
        real = shutil.which("redis-cli")
        wrapper.write_text(f'#!/bin/sh\nexec {real} -p {server.port} "$@"\n')
        wrapper.chmod(0o755)

    def run(self, commands):
        """The commands as they are, but for the two folders and how the service is run."""
        for at, part in enumerate(SERVICE.split(commands)):
            if at % 2 == 0:
                self._run_shell(part)
            elif part == "stop":
                self.server.shut_down()
            else:
                self.server.start()

    def _run_shell(self, commands):
        commands = commands.replace(DATA, self.server.folder).replace(BACKUPS, str(self.backups))
        assert "/var/" not in commands
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            env={**os.environ, "PATH": f"{self.programs}:{os.environ['PATH']}"},
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"


@pytest.fixture
def machine(own_redis, tmp_path):
    return Machine(own_redis(appendonly=True, appendfsync="everysec"), tmp_path)


def lasting(client):
    """{key: what is stored there}, but for what expires by itself. Fields have no order."""
    def read(name):
        return client.hgetall(name) if client.type(name) == b"hash" else client.dump(name)

    return {name: read(name) for name in client.keys() if client.pttl(name) == -1}


def is_rewriting(client):
    return client.info("persistence")["aof_rewrite_in_progress"] == 1


def rewrite(client):
    client.bgrewriteaof()
    wait_until(lambda: not is_rewriting(client), 10, "the rewrite to end")
    assert client.info("persistence")["aof_last_bgrewrite_status"] == "ok"


@pytest.fixture
def queue(machine, receiver, start_worker):
    """A queue whose worker was killed over it: hooks, events of all kinds, a dead letter."""
    client = machine.server.client()
    for room, path in ((1, "/fine"), (2, "/busy"), (3, "/refuses"), (4, "/slow")):
        set_hook(client, room, "main", url=receiver.url(path))
    receiver.script("/busy", [Answer(503), Answer(200)])
    receiver.script("/refuses", Answer(400))
    receiver.script("/slow", [Answer(200, delay=60), Answer(200)])
    worker = start_worker(redis=machine.server, heartbeat_ttl="3s", retry_schedule="2s")
    for room in (1, 2, 3, 4):
        enqueue(client, message_event(room=room))
    wait_dead(client)
    receiver.wait_for(1, "/slow")
    wait_until(lambda: {"events": 1, "deliveries": 1}.items() <= queue_state(client).items(), 10,
               "all but the slow one to be settled")  # fmt: skip
    rewrite(client)  # so that the files are not the first ones
    worker.kill()
    enqueue(client, message_event(room=1, text="unread"))
    return client


SNAPSHOT = ("redis-cli --rdb", "dump.rdb")
FILES = ("auto-aof-rewrite-percentage", "cp -a")


@pytest.mark.parametrize("take, restore", [SNAPSHOT, FILES], ids=["snapshot", "files"])
def test_backup_restores_all(machine, queue, receiver, start_worker, take, restore):
    before = lasting(queue)
    assert len(before) >= 9
    machine.run(block("## Backups", take))
    assert queue.config_get("auto-aof-rewrite-percentage") == {
        "auto-aof-rewrite-percentage": "100"
    }
    assert lasting(queue) == before

    enqueue(queue, message_event(room=1, text="later"))  # after the backup
    queue.flushall()
    machine.run(block("### Restoring a backup", restore))
    assert queue.config_get("appendonly") == {"appendonly": "yes"}
    assert lasting(queue) == before

    # What comes from now on is kept with it, also over a rewrite.
    enqueue(queue, message_event(room=1, text="after"))
    machine.server.restart()
    rewrite(queue)
    machine.server.restart()
    after = lasting(queue)
    assert after.keys() == before.keys() and queue.xlen(key("events")) == 3

    # And it is a queue that works: all that was under way is delivered.
    start_worker(redis=machine.server, heartbeat_ttl="3s", retry_schedule="2s")
    assert_queue_empty(queue, timeout=30)
    assert len(receiver.requests("/busy")) == 2 and len(receiver.requests("/slow")) == 2
    assert len(receiver.requests("/fine")) == 3
    assert queue.xlen(key("dead")) == 1


def test_copy_waits_for_a_rewrite(machine):
    """A rewrite that began before replaces files while they are copied."""
    client = machine.server.client()
    pipeline = client.pipeline(transaction=False)
    for i in range(20000):
        pipeline.set(f"key-{i}", "x" * 100)
    pipeline.execute()
    client.config_set("rdb-key-save-delay", 100)  # us for a key: 2 s for all
    client.bgrewriteaof()
    assert is_rewriting(client)
    machine.run(block("## Backups", "auto-aof-rewrite-percentage"))
    assert not is_rewriting(client)
    client.flushall()
    machine.run(block("### Restoring a backup", "cp -a"))
    assert client.dbsize() == 20000
