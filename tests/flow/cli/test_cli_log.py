"""The attempt log: what workers write of each attempt, and roomhook log."""

import json
import subprocess

import pytest

from child import end, spawn
from receiver import Answer
from wait import wait_until
from webhook_queue import assert_queue_empty, enqueue, key, message_event, set_hook, stats

NASTY = "bad \x1b[31m\u202e <script>" + "x" * 3000


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def logged(redis, lane):
    return [
        {name.decode(): value.decode() for name, value in fields.items()}
        for _, fields in redis.xrange(key(f"log:{lane}"))
    ]


def wait_logged(redis, lane, count):
    wait_until(lambda: redis.xlen(key(f"log:{lane}")) >= count, 5,
               lambda: f"{count} entries; there are {logged(redis, lane)}")  # fmt: skip
    return logged(redis, lane)


def test_what_became_of_a_message(redis, receiver, start_worker, cli):
    receiver.script("/main", [Answer(503, body=NASTY.encode()), Answer(200, body=b"thanks")])
    receiver.script("/bad", Answer(400, body=b"no such room"))
    set_hook(redis, 438, "main", url=receiver.url("/main"))
    set_hook(redis, 438, "bad", url=receiver.url("/bad"))
    set_hook(redis, 438, "off", url=receiver.url("/off"), enabled=False)
    set_hook(redis, "4380", "main", url=receiver.url("/main"))
    start_worker(retry_schedule="100ms,100ms")
    enqueue(redis, message_event(), id="e1")
    assert_queue_empty(redis)

    failed, delivered = wait_logged(redis, "438/main", 2)
    assert failed["event"] == "e1" and failed["attempt"] == "1" and failed["status"] == "503"
    assert failed["outcome"] == "retry" and failed["error"] == "answered 503"
    assert failed["answer"].startswith("bad ?[31m") and len(failed["answer"]) <= 1024
    assert failed["answer"].isascii(), "only what is printable"
    assert delivered["outcome"] == "delivered" and delivered["attempt"] == "2"
    assert delivered["answer"] == "" and 0 <= int(delivered["ms"]) < 5000
    (dead,) = wait_logged(redis, "438/bad", 1)
    assert (dead["outcome"], dead["reason"], dead["answer"]) == ("dead", "rejected", "no such room")
    (skipped,) = wait_logged(redis, "438/off", 1)
    assert (skipped["outcome"], skipped["reason"], skipped["attempt"]) == (
        "skipped", "hook-disabled", "0",
    )  # fmt: skip
    week_ms = 7 * 24 * 3600 * 1000
    assert week_ms - 60_000 < redis.pttl(key("log:438/main")) <= week_ms

    asked = cli("log", "--room", "438", "--event", "e1")
    lines = asked.stdout.splitlines()[1:]
    words = [line.split() for line in lines]
    assert any({"bad", "e1", "dead", "400"} <= set(line) for line in words), asked.stdout
    assert any({"main", "e1", "delivered", "2"} <= set(line) for line in words), asked.stdout
    assert len(lines) == 3, "a line a hook"
    rows = objects(cli("log", "--room", "438", "--json"))
    assert len(rows) == 4 and {row["room"] for row in rows} == {438}
    rows = objects(cli("log", "--room", "438", "--failed", "--hook", "main", "--json"))
    assert [(row["attempt"], row["status"]) for row in rows] == [(1, 503)]
    rows = objects(cli("log", "--room", "438", "--limit", "1", "--hook", "main", "--json"))
    assert [row["outcome"] for row in rows] == ["delivered"], "the newest"

    nothing = cli("log", "--room", "438", "--event", "e2", check=False)
    assert nothing.returncode == 1 and "no attempt of event e2" in nothing.stderr
    nothing = cli("log", "--room", "4380", check=False)
    assert nothing.returncode == 1 and "attempt-log" in nothing.stderr
    assert cli("log", check=False).returncode == 2
    assert cli("log", "--room", "438", "--hook", "a b", check=False).returncode == 2


def test_follow(redis_server, redis, receiver, start_worker, roomhook_bin):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event(), id="before")
    wait_logged(redis, "438/main", 1)
    follower = spawn(
        [roomhook_bin / "roomhook", "--redis", redis_server.url,
         "log", "--room", "438", "--follow", "--json"],
        stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert json.loads(follower.stdout.readline())["event"] == "before"
        enqueue(redis, message_event(), id="after")
        assert json.loads(follower.stdout.readline())["event"] == "after"
    finally:
        end(follower)


@pytest.mark.parametrize("what, expected", [("failures", ["retry"]), ("off", [])])
def test_less_is_logged(redis, receiver, start_worker, what, expected):
    receiver.script("/", [Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="100ms", attempt_log=what)
    enqueue(redis, message_event(), id="e1")
    receiver.wait_for(2)
    assert_queue_empty(redis)
    assert worker.terminate() == 0, "what was gathered is written before it ends"
    assert [fields["outcome"] for fields in logged(redis, "438/main")] == expected
    assert redis.exists(key("logs")) == redis.exists(key("log-sizes")) == len(expected)


def test_a_log_keeps_the_newest(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(attempt_log_per_hook=10)
    for n in range(500):
        enqueue(redis, message_event(), id=f"e{n}")
    receiver.wait_for(500)
    # Sixteen are sent at a time, so another one may end last.
    newest = lambda: [entry["event"] for entry in logged(redis, "438/main")[-16:]]  # noqa: E731
    wait_until(lambda: "e499" in newest(), 10, "the last entry")
    assert 10 <= redis.xlen(key("log:438/main")) <= 110
    wait_until(lambda: int(redis.hget(key("log-sizes"), "*"))
               == redis.memory_usage(key("log:438/main")), 5, "its size")  # fmt: skip


def test_all_logs_together_are_bounded(redis, receiver, start_worker):
    """Those that were written longest ago go first."""
    receiver.script("/", Answer(400, body=b"x" * 1024))
    worker = start_worker(attempt_log_max_bytes="1m", max_in_flight=64)
    for room in range(1500):
        set_hook(redis, room, "main", url=receiver.url())
    for room in range(1500):
        enqueue(redis, message_event(room=room))
    receiver.wait_for(1500, timeout=30)
    assert_queue_empty(redis)
    assert worker.terminate() == 0  # all is written, and what the bound has not got yet is left
    if int(redis.hget(key("log-sizes"), "*")) > 1 << 20:
        start_worker(attempt_log_max_bytes="1m", heartbeat_ttl="3s")
    wait_until(lambda: 0 < int(redis.hget(key("log-sizes"), "*") or 0) <= 1 << 20, 10,
               lambda: f"the bound; they take {redis.hget(key('log-sizes'), '*')}")  # fmt: skip
    left = [lane.decode() for lane in redis.zrange(key("logs"), 0, -1)]
    assert sum(redis.memory_usage(key(f"log:{lane}")) for lane in left) <= 1 << 20
    assert redis.hlen(key("log-sizes")) == len(left) + 1 < 1500
    found = [name.decode() for name in redis.scan_iter(key("log:*"), count=1000)]
    assert sorted(found) == sorted(key(f"log:{lane}") for lane in left)


def test_redis_refuses_the_log(own_redis, receiver, start_worker):
    """A full Redis: deliveries go on, their entries are dropped and counted."""
    server = own_redis()
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    start_worker(redis=server)
    enqueue(client, message_event(), id="before")
    wait_logged(client, "438/main", 1)
    receiver.script("/", Answer(200, delay=0.3))
    enqueue(client, message_event(), id="full")
    receiver.wait_for(2)
    client.config_set("maxmemory", 1)
    wait_until(lambda: stats(client).get("log_dropped", 0) == 1, 5, "what is dropped, counted")
    client.config_set("maxmemory", 0)
    enqueue(client, message_event(), id="after")
    wait_logged(client, "438/main", 2)
    assert_queue_empty(client)
    assert [fields["event"] for fields in logged(client, "438/main")] == ["before", "after"]


def test_something_else_lies_where_a_log_should(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 439, "main", url=receiver.url())
    redis.set(key("log:438/main"), "by hand")
    start_worker()
    enqueue(redis, message_event(room=438), id="e1")
    enqueue(redis, message_event(room=439), id="e2")
    (entry,) = wait_logged(redis, "439/main", 1)
    assert entry["event"] == "e2"
    wait_until(lambda: redis.type(key("log:438/main")) == b"stream", 5, "the log instead")
    assert [fields["event"] for fields in logged(redis, "438/main")] == ["e1"]


def test_a_log_that_is_no_stream_hides_no_other(redis, receiver, start_worker, cli):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event(), id="e1")
    wait_logged(redis, "438/main", 1)
    redis.set(key("log:438/other"), "by hand")
    redis.zadd(key("logs"), {"438/other": 1})
    done = cli("log", "--room", "438")
    assert "e1" in done.stdout
    assert "the log of lane 438/other is not a stream, it was not read" in done.stderr
    alone = cli("log", "--room", "438", "--hook", "other", check=False)
    assert alone.returncode == 1 and "is not a stream" in alone.stderr


def test_sizes_that_somebody_wrote_by_hand(redis, receiver, start_worker):
    """Logs go on, and the leader adds up anew, so that they stay bounded."""
    set_hook(redis, 438, "main", url=receiver.url())
    redis.hset(key("log-sizes"), mapping={"438/main": "by hand", "*": "by hand", "439/x": "7"})
    redis.zadd(key("logs"), {"440/x": 1})
    start_worker(heartbeat_ttl="3s")
    enqueue(redis, message_event(), id="e1")
    wait_logged(redis, "438/main", 1)
    wait_until(lambda: redis.hget(key("log-sizes"), "*") not in (None, b"by hand"), 10, "the sum")
    size = redis.memory_usage(key("log:438/main"))
    wait_until(lambda: int(redis.hget(key("log-sizes"), "438/main")) == size, 5, "its size")
    assert int(redis.hget(key("log-sizes"), "*")) == size + 7
    wait_until(lambda: redis.zrange(key("logs"), 0, -1) == [b"438/main"], 5, "what expired, gone")
    assert "log_dropped" not in stats(redis)


def test_an_entry_that_somebody_wrote_by_hand(redis, cli):
    """Of any bytes and any length; what is shown of it is short and harmless."""
    room = "!abc:matrix.org"
    nasty = b'\x1b[31m\x9b31m\xe2\x80\xae\r\n\x00\xff "evil"' + b"\x1b" * 100_000
    names = ["event", "attempt", "status", "ms", "outcome", "reason", "error", "answer"]
    redis.xadd(key(f"log:{room}/main"), {name: nasty for name in names})
    redis.zadd(key("logs"), {f"{room}/main": 1, f"{room}/\0": 1, f"{room}/{'a' * 500}": 1})
    (row,) = objects(cli("log", "--room", room, "--json"))
    assert row["room"] == room and row["hook"] == "main" and row["status"] == 0
    assert all(len(row[name]) <= 1024 for name in ("event", "outcome", "error", "answer"))
    table = cli("log", "--room", room).stdout
    assert len(table.splitlines()) == 2 and table.replace("\n", "").isprintable()
