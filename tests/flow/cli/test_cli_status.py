"""roomhook status: the numbers, once and again and again."""

import json
import re
import os
import pty
import signal
import subprocess

import pytest
from child import end, spawn
from wait import wait_until
from waiting import put_in_lane
from webhook_queue import GROUP, enqueue, key, message_event, now_ms, set_hook


def status(cli, **options):
    return json.loads(cli("status", "--json", **options).stdout)


@pytest.fixture
def watch(redis_server, roomhook_bin):
    """watch(*arguments) -> Popen of roomhook status --watch"""
    processes = []

    def start(*arguments, server=redis_server, **options):
        argv = [roomhook_bin / "roomhook", "--redis", server.url, "status", "--watch", *arguments]
        options.setdefault("stdout", subprocess.PIPE)
        processes.append(spawn(argv, stderr=subprocess.PIPE, text=True, **options))
        return processes[-1]

    yield start
    for process in processes:
        end(process, signal.SIGKILL)
        process.stderr.close()
        if process.stdout:
            process.stdout.close()


def test_nothing_there(redis, cli):
    """No stream, no group: zeros, and nothing is made."""
    assert status(cli) == {
        "queue": "webhooks", "time_ms": pytest.approx(now_ms(redis), abs=5000),
        "backlog": 0, "in_flight": 0, "oldest_event_ms": None,
        "deliveries_waiting": 0, "oldest_waiting_ms": None,
        "lanes_waiting": 0, "lanes_due": 0, "lanes_shut": 0,
        "dead": 0, "workers": [], "pools": [], "counters": {},
    }
    text = cli("status").stdout
    assert "backlog     0\n" in text and "oldest      -\n" in text
    assert "waiting     0\nlanes       0, 0 due, 0 shut\n" in text
    assert "workers     0 alive\n" in text
    assert redis.dbsize() == 0


def test_stream_without_group(redis, cli):
    enqueue(redis, message_event())
    now = status(cli)
    assert (now["backlog"], now["in_flight"], now["workers"]) == (1, 0, [])


HEARTBEAT = {
    "host": "alive", "pid": 1, "version": "0.1.0", "in_flight": 2, "started_at": 1667548137257,
    "loop_lag_ms": 7, "delivered_per_s": 120.5, "refused": "noperm", "refused_what": "\x1b[31m",
}  # fmt: skip


def fill(redis):
    now = now_ms(redis)
    redis.xgroup_create(key("events"), GROUP, "0", mkstream=True)
    redis.xadd(key("events"), {"json": "{}"}, id=f"{now - 90_000}-0")
    for _ in range(6):
        enqueue(redis, message_event())
    redis.xreadgroup(GROUP, "alive-1-0123abcd", {key("events"): ">"}, count=2)
    redis.xreadgroup(GROUP, "crashed-2-0123abcd", {key("events"): ">"}, count=1)
    redis.set(key("worker:alive-1-0123abcd"), json.dumps(HEARTBEAT))
    for n in range(12):
        put_in_lane(redis, "1/main", f"{now - 60_000}-{n}")
    put_in_lane(redis, "2/main", f"{now - 7_200_000}-0", now + 3_600_000)
    put_in_lane(redis, "/:0123456789abcdef", f"{now}-1", now + 3_600_000, shut=True)
    redis.xadd(key("dead"), {"reason": "gone"})
    redis.hset(key("stats"), mapping={"events": 100, "delivered": 90})


def test_numbers(redis, cli):
    fill(redis)
    now = status(cli)
    assert 90_000 <= now.pop("oldest_event_ms") < 120_000
    assert 7_200_000 <= now.pop("oldest_waiting_ms") < 7_230_000
    del now["time_ms"]
    assert now == {
        "queue": "webhooks", "backlog": 4, "in_flight": 3, "deliveries_waiting": 14,
        "lanes_waiting": 3, "lanes_due": 1, "lanes_shut": 1, "dead": 1,
        "workers": [{
            "name": "alive-1-0123abcd",
            "heartbeat": HEARTBEAT,
        }],
        "pools": [],
        "counters": {"events": 100, "delivered": 90},
    }


def test_text(redis_server, redis, cli):
    fill(redis)
    done = cli("status")
    assert "\x1b" not in done.stdout and done.stderr == ""
    lines = [line.split() for line in done.stdout.splitlines() if line]
    words = {line[0]: line[1:] for line in lines}
    assert words["queue"][:3] == ["webhooks", "on", redis_server.url]
    assert words["backlog"] == ["4"] and words["in"] == ["flight", "3"]
    assert words["waiting"] == "14, the oldest 2h".split()
    assert words["lanes"] == "3, 1 due, 1 shut".split()
    assert words["dead"] == ["1"] and words["oldest"] == ["1m"]
    assert words["workers"] == ["1", "alive"]
    assert words["WORKER"] == "UP IN FLIGHT SENT/S LAG VERSION REDIS REFUSES".split()
    assert words["alive-1-0123abcd"] == [
        f"{(now_ms(redis) - HEARTBEAT['started_at']) // 86_400_000}d", "2", "120.5", "7", "ms",
        "0.1.0", "noperm", "?[31m",
    ]
    assert words["events"] == ["100"] and words["delivered"] == ["90"]
    assert "crashed" not in done.stdout


def test_what_waits_of_very_many_lanes(redis, cli):
    """More than are looked into for the oldest."""
    now = now_ms(redis)
    pipeline = redis.pipeline(transaction=False)
    for room in range(500):
        put_in_lane(pipeline, f"{room}/main", f"{now - 1000 * room}-0")
    pipeline.zadd(key("lanes"), {"x" * 200: 0})  # by hand
    pipeline.execute()
    found = status(cli)
    assert (found["deliveries_waiting"], found["lanes_waiting"], found["lanes_due"]) == (
        500, 501, 501,
    )
    assert 499_000 <= found["oldest_waiting_ms"] < 530_000


@pytest.mark.parametrize("name", ["deliveries", "lanes", "lanes-shut"])
def test_wrong_type_of_what_waits(redis, cli, name):
    redis.set(key(name), "a string")
    done = cli("status", check=False)
    assert done.returncode == 1 and "WRONGTYPE" in done.stderr and done.stdout == ""
    assert done.stderr.count("\n") == 1


def test_a_lane_of_a_wrong_type(redis, cli):
    """Workers heal it, so the rest is shown."""
    redis.set(key("lane:1/main"), "a string")
    redis.zadd(key("lanes"), {"1/main": 0})
    put_in_lane(redis, "2/main", "1667548137257-0")
    found = status(cli)
    assert found["lanes_waiting"] == 2 and found["oldest_waiting_ms"] > 10**9


def test_other_queue(redis, cli):
    enqueue(redis, message_event(), queue="other")
    assert status(cli)["backlog"] == 0
    assert status(cli, queue="other")["backlog"] == 1


def test_heartbeat_that_is_no_json(redis, cli):
    fill(redis)
    redis.set(key("worker:alive-1-0123abcd"), "what")
    assert status(cli)["workers"][0]["heartbeat"] is None
    assert "workers     1 alive" in cli("status").stdout


def test_wrong_type(redis, cli):
    redis.set(key("events"), "a string")
    done = cli("status", check=False)
    assert done.returncode == 1 and "WRONGTYPE" in done.stderr and done.stdout == ""
    assert done.stderr.count("\n") == 1


ROWS = ("backlog", "in flight", "oldest", "waiting", "lanes", "dead", "workers")


@pytest.mark.parametrize(
    "right, unknown, rows",
    [
        ("xinfo|consumers", {"workers", "pools"}, {"workers"}),
        ("get", {"workers", "pools"}, {"workers"}),
        ("xlen", {"backlog", "dead"}, {"backlog", "dead"}),
        ("xpending", {"backlog", "in_flight"}, {"backlog", "in flight"}),
        ("xrange", {"oldest_event_ms"}, {"oldest"}),
        ("hgetall", {"counters"}, set()),
        ("hlen", {"deliveries_waiting"}, {"waiting"}),
        ("zcard", {"lanes_waiting", "lanes_shut"}, {"lanes"}),
        ("zcount", {"lanes_due"}, {"lanes"}),
        ("zrange", {"oldest_waiting_ms"}, set()),
        ("time", set(), set()),
    ],
)
def test_a_right_is_missing(redis, redis_server, cli, right, unknown, rows):
    """What the user may see is shown; what not is named with the right that is missing."""
    fill(redis)
    whole = status(cli)
    redis.acl_setuser("some", reset=True, enabled=True, passwords=["+pw"], keys=["*"],
                      categories=["+@all"], commands=[f"-{right}"])  # fmt: skip
    url = redis_server.url.replace("redis://", "redis://some:pw@")
    done = cli("status", "--json", redis=url, check=False)
    assert done.returncode == 1 and done.stderr == ""
    found = json.loads(done.stdout)
    assert {name for name in whole if whole[name] is not None and found[name] is None} == unknown
    assert found["rights_missing"] == [f"+{right}"]
    known = whole.keys() - unknown - {"time_ms", "oldest_event_ms", "oldest_waiting_ms"}
    assert {name: found[name] for name in known} == {name: whole[name] for name in known}
    text = cli("status", redis=url, check=False)
    assert text.returncode == 1 and f"give the user +{right}\n" in text.stdout
    shown = dict(re.findall(r"^(\w+(?: \w+)?)  +(.*)$", text.stdout, re.MULTILINE))
    assert {name for name in ROWS if "?" in shown[name]} == rows


def test_no_key_may_be_read(redis, redis_server, cli):
    redis.execute_command("ACL", "SETUSER", "some", "reset", "on", ">pw", "~other", "+@all")
    url = redis_server.url.replace("redis://", "redis://some:pw@")
    done = cli("status", redis=url, check=False)
    assert done.returncode == 1 and "the keys ~{webhooks}:*" in done.stdout


def test_wrong_interval(cli):
    for arguments in ("--watch --interval=1", "--watch --interval=1ms", "--interval=2s"):
        assert cli("status", *arguments.split(), check=False).returncode == 2


def looks_until(process, predicate):
    """What --watch --json prints, up to the first that the predicate is true for."""
    looks = []
    for _ in range(200):
        looks.append(json.loads(process.stdout.readline()))
        if predicate(looks[-1]):
            return looks
    raise AssertionError(f"in vain: {looks[-1]}")


def test_watch_as_json(redis, watch):
    """A line an interval, with rates from the second on; Ctrl-C is a good end."""
    redis.hset(key("stats"), "delivered", 1000)
    process = watch("--json", "--interval=100ms")
    first = json.loads(process.stdout.readline())
    assert "per_second" not in first
    redis.hincrby(key("stats"), "delivered", 1000)
    looks = looks_until(process, lambda look: look["counters"]["delivered"] == 2000)
    before, after = [first, *looks][-2:]
    elapsed_s = (after["time_ms"] - before["time_ms"]) / 1000
    assert after["per_second"]["delivered"] == pytest.approx(1000 / elapsed_s)
    assert json.loads(process.stdout.readline())["per_second"]["delivered"] == 0
    assert end(process, signal.SIGINT) == 0
    assert process.stderr.read() == ""


def test_watch_prints_blocks(redis, watch):
    process = watch("--interval=100ms")
    printed = [process.stdout.readline() for _ in range(30)]
    assert printed.count("\n") >= 3
    assert end(process, signal.SIGTERM) == 0


def test_watch_redraws_on_a_terminal(redis, watch):
    parent, child = pty.openpty()
    process = watch("--interval=100ms", stdout=child)
    os.close(child)
    seen = b""
    for _ in range(30):
        seen += os.read(parent, 65536)
        if seen.count(b"\x1b[H\x1b[J") == 3:
            break
    assert seen.count(b"\x1b[H\x1b[J") == 3
    assert end(process, signal.SIGINT) == 0
    os.close(parent)


def test_watch_outlives_a_restart(own_redis, watch):
    server = own_redis(appendonly=True)
    process = watch("--json", "--interval=100ms", server=server)
    assert json.loads(process.stdout.readline())["dead"] == 0
    end(server.process)
    told = process.stderr.readline()  # the server may end while it is asked
    assert "cannot connect" in told or "no answer" in told
    server.start()
    server.client().xadd(key("dead"), {"reason": "gone"})
    looks_until(process, lambda look: look["dead"] == 1)
    assert end(process, signal.SIGINT) == 0


def test_a_worker_says_how_much_it_delivers(redis, receiver, start_worker, cli):
    """Since its heartbeat before."""
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(heartbeat_ttl="3s")
    wait_until(lambda: status(cli)["workers"], 5, "the worker")
    for n in range(30):
        enqueue(redis, message_event(), id=f"e{n}")
    wait_until(lambda: status(cli)["workers"][0]["heartbeat"].get("delivered_per_s", 0) > 1, 5,
               "30 in a few seconds")
    wait_until(lambda: status(cli)["workers"][0]["heartbeat"]["delivered_per_s"] == 0, 5, "rest")
