"""The ACL users of docs/operations.md can do their work, and nothing is refused them."""

import json
import re
import socket
import subprocess
from pathlib import Path

import pytest
import redis as redis_py

from receiver import Answer
from wait import wait_until
from waiting import put_in_lane
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    stats,
)

TOP = Path(__file__).resolve().parents[3]


def set_up_users(server):
    """All commands of the page's section, one after the other."""
    page = (TOP / "docs/operations.md").read_text(encoding="utf-8")
    section = page.partition("\n### Users\n")[2].partition("\n## ")[0]
    blocks = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    commands = "".join(blocks).replace("redis-cli ", f"redis-cli -p {server.port} ")
    told = subprocess.run(
        ["bash", "-euc", commands], check=True, capture_output=True, text=True
    ).stdout.split()
    assert told[:3] == ["OK"] * 3 and set(told[3:]) <= {"OK", "0", "1"}, told


def rights_of(name):
    """What the page gives a user."""
    page = (TOP / "docs/operations.md").read_text(encoding="utf-8")
    (rules,) = re.findall(rf"SETUSER roomhook-{name} (.*?[^\\])\n", page, re.DOTALL)
    return set(re.findall(r"\+([a-z]+)", rules))


def commands_in(*texts):
    return {command.lower() for text in texts
            for command in re.findall(r"redis\.p?call\(\s*'([A-Z]+)'", text)}


def administrator(server):
    return server.client(password="admin-password")


@pytest.fixture
def users(own_redis):
    """A server with the documented users: (its RedisServer, url("worker"))."""
    server = own_redis()
    set_up_users(server)

    def url(name):
        return f"redis://roomhook-{name}:{name}-password@{server.host}:{server.port}/0"

    return server, url


@pytest.fixture
def run(users, roomhook_bin):
    """run("operator", "dead", "list") is the command line as that user -> what it printed."""
    _, url = users

    def run_as(name, *arguments, code=0):
        done = subprocess.run(
            [roomhook_bin / "roomhook", "--redis", url(name), *arguments],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{arguments}:\n{done.stdout}{done.stderr}"
        return done.stdout

    return run_as


def refused(client):
    """What Redis refused to a user so far."""
    return [(entry["username"], entry["object"]) for entry in client.acl_log()]


def leave_behind_a_dead_worker(client):
    """Pending for a consumer without a heartbeat: an event, one that is too large, a suspect."""
    client.xgroup_create(key("events"), "workers", id="0", mkstream=True)
    for text in ("plain", "x" * 20000, "suspect"):
        enqueue(client, message_event(room=1, text=text))
    name = "gone-1-00000000"
    ((_, entries),) = client.xreadgroup("workers", name, {key("events"): ">"})
    suspect = entries[2][0]
    client.xclaim(key("events"), "workers", name, 0, [suspect], retrycount=3, justid=True)


def fill_what_the_leader_tidies(client):
    for _ in range(12):
        client.xadd(key("dead"), {"reason": "rejected", "json": "x" * 100000})
    old = {"until": 1667548137257, "disabled": False, "reason": "retry-after",
           "fingerprint": "00000000"}
    client.hset(key("hooks-state"), "9/main", json.dumps(old))


def look_at_lanes(client, run):
    """Workers take nothing of these before they are due."""
    far = now_ms(client) + 3_600_000
    for n in range(4):
        put_in_lane(client, "3/main", f"{far}-{n}", far, shared=n < 2, lease="- 1 0",
                    lane_score=far)
    assert "3/main" in run("operator", "lane", "list")
    assert str(far) in run("operator", "lane", "show", "3/main")
    # These are sent later, so that they are not meant.
    assert run("operator", "lane", "drop", "3/main") == "0 dropped\n"
    for n in range(2):
        put_in_lane(client, "3/other", f"1667548137257-{n}", far, shared=True, lease="- 1 0",
                    lane_score=far)
    assert run("operator", "lane", "drop", "--all", "--room", "3") == "2 dropped\n"
    assert run("operator", "hook", "enable", "--room", "3") == "4 waiting deliveries are due\n"


def test_scripts_may_do_what_they_do():
    """Also what is rare. Workers run all of the shared parts."""
    texts = {folder: [path.read_text(encoding="utf-8") for path in (TOP / folder).glob("*.lua")]
             for folder in ("worker/scripts", "producer/admin/scripts",
                            "producer/contract/scripts")}
    needed = commands_in(*texts["worker/scripts"], *texts["producer/contract/scripts"])
    assert len(needed) > 30 and not needed - rights_of("worker")
    needed = commands_in(*texts["producer/admin/scripts"])
    assert len(needed) > 15 and not needed - rights_of("operator")


def test_worker_and_operator(users, run, receiver, start_worker):
    server, url = users
    client = administrator(server)
    settings = {
        "heartbeat_ttl": "3s",
        "retry_schedule": "100ms,100ms",
        "max_event_bytes": "8k",
        "dead_max_bytes": "1m",
    }
    leave_behind_a_dead_worker(client)
    fill_what_the_leader_tidies(client)
    for room, path in ((1, "/fine"), (2, "/flaky"), (3, "/gone"), (4, "/busy"), (5, "/slow")):
        run("operator", "hook", "set", "--room", str(room), "--url", receiver.url(path))
    run("operator", "hook", "set", "--room", "5", "--id", "fast", "--url", receiver.url("/fine"))
    receiver.script("/flaky", [Answer(503), Answer(503), Answer(200)])
    receiver.script("/gone", Answer(410))
    receiver.script("/busy", [Answer(429, headers=(("Retry-After", "1"),)), Answer(200)])
    receiver.script("/slow", [Answer(200, delay=1.5)])

    worker = start_worker(redis=url("worker"), wait_ready=False, **settings)
    worker.wait_log("ready")
    for room in range(2, 6):
        run("producer", "send", "--room", str(room), "--text", "hello")
    receiver.wait_for(3, "/flaky")
    receiver.wait_for(2, "/busy", timeout=15)
    wait_until(lambda: len(receiver.requests("/fine")) == 3, 15, "what the dead worker left")
    assert_queue_empty(client, timeout=10)
    letters = {letter["reason"]: letter for letter in dead_letters(client)}
    assert {"gone", "too-large"} <= set(letters)
    wait_until(lambda: "9/main" not in hook_states(client), 5, "the old pause to go")
    wait_until(lambda: stats(client).get("dead_dropped", 0) > 0, 5, "letters past the cap to go")

    assert re.search(r"3 +main +disabled .* gone\n", run("operator", "hook", "list"))
    assert "disabled" in run("operator", "hook", "show", "--room", "3")
    assert "gone" in run("operator", "hook", "state", "--failing")
    assert "delivered" in run("operator", "hook", "test", "--room", "5", "--id", "fast")
    run("operator", "hook", "resume", "--room", "3")
    assert run("operator", "hook", "state", "--room", "3").count("\n") == 1
    run("operator", "hook", "disable", "--room", "3")
    look_at_lanes(client, run)
    run("operator", "hook", "remove", "--room", "4")
    run("operator", "dead", "list", "--reason", "gone")
    run("operator", "dead", "show", letters["gone"]["id"])
    run("operator", "dead", "purge", letters["too-large"]["id"])
    run("operator", "dead", "replay", letters["gone"]["id"])
    run("operator", "status")
    assert refused(client) == []

    # The server is not set as it should be, so doctor fails; but it may look at all it wants to,
    # except for what shows passwords.
    report = json.loads(run("operator", "doctor", "--json", code=1))
    assert report["unchecked"] == 0 and report["ok"] > 10
    assert [f["level"] for f in report["findings"] if f["check"] == "access"] == ["ok"]
    assert refused(client) == [("roomhook-operator", "config|get")]
    client.acl_log_reset()
    assert worker.terminate() == 0
    assert client.exists(key("leader")) == 0
    assert refused(client) == []


def test_others_may_not(users):
    server, url = users
    client = administrator(server)
    for name, command in (
        ("worker", ["FLUSHALL"]),
        ("worker", ["CONFIG", "GET", "*"]),
        ("worker", ["SET", "another", "1"]),
        ("producer", ["XADD", "another", "*", "a", "b"]),
        ("producer", ["XRANGE", key("events"), "-", "+"]),
        ("producer", ["HSET", key("room:1"), "main", "{}"]),
        ("operator", ["XADD", "another", "*", "a", "b"]),
        ("operator", ["KEYS", "*"]),
    ):
        with redis_py.Redis.from_url(url(name)) as user:
            with pytest.raises(redis_py.exceptions.NoPermissionError):
                user.execute_command(*command)
    assert len(refused(client)) > 0


def test_nobody_gets_in_without_a_password(own_redis, cli):
    """Neither by a new connection nor by one that is older than the users."""
    server = own_redis()
    with socket.create_connection((server.host, server.port), timeout=10) as old:
        old.sendall(b"PING\r\n")
        assert old.recv(100) == b"+PONG\r\n"
        set_up_users(server)
        assert old.recv(100) == b""
    stranger = server.client()
    for command in (["HSET", key("room:1"), "main", "{}"], ["XADD", key("events"), "*", "a", "b"],
                    ["ACL", "WHOAMI"], ["PING"]):  # fmt: skip
        with pytest.raises(redis_py.exceptions.AuthenticationError):
            stranger.execute_command(*command)
    done = cli("hook", "set", "--room", "1", "--url", "https://a.example/", redis=server,
               check=False)  # fmt: skip
    assert done.returncode == 1 and "NOAUTH" in done.stderr
    assert administrator(server).dbsize() == 0
