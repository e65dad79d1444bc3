"""keep-delivered: what workers keep of delivered events, and roomhook resend."""

import json
import os
import pty
import re
import signal
import subprocess

import pytest

from child import end, spawn
from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    key,
    message_event,
    now_ms,
    set_hook,
    stats,
    wait_dead,
)

KEPT = (key("delivered"), key("delivered-documents"))
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def entries(redis):
    return [
        {name.decode(): value.decode() for name, value in fields.items()}
        for _, fields in redis.xrange(KEPT[0])
    ]


def wait_kept(redis, count):
    wait_until(lambda: redis.xlen(KEPT[0]) >= count, 10,
               lambda: f"{count} kept events; there are {redis.xlen(KEPT[0])}")  # fmt: skip
    return entries(redis)


def documents(redis):
    """stream id of the event -> what is kept of it."""
    return {field.decode(): text for field, text in redis.hgetall(KEPT[1]).items()
            if re.fullmatch(rb"\d+-\d+", field)}  # fmt: skip


def keep(redis, event, room=438, hooks="main", text="kept", document=None, at="*"):
    """An event as workers keep it; returns the entry's id."""
    document = json.dumps(message_event(room=room, text=text)) if document is None else document
    redis.hset(KEPT[1], event, f"json {event} -\n{document}")
    return redis.xadd(KEPT[0], {"event": event, "room": room, "hooks": hooks}, id=at).decode()


def sent_again(redis):
    """The entries that resend added, as (hook, id, text)."""
    found = []
    for _, fields in redis.xrange(key("events")):
        assert fields[b"resent"] == b"1"
        text = json.loads(fields[b"json"])["message"]["body"]["text"]
        found.append((fields[b"hook"].decode(), fields[b"id"].decode(), text))
    return found


def resend(cli, *arguments, **options):
    return cli("resend", "--room", "438", *arguments, **options)


def result(done):
    return json.loads(done.stdout)


def test_what_a_receiver_lost_arrives_again(redis, receiver, start_worker, cli):
    set_hook(redis, 438, "main", url=receiver.url("/main"))
    set_hook(redis, 438, "other", url=receiver.url("/other"), types=["message.*"])
    set_hook(redis, 438, "picky", url=receiver.url("/picky"), types=["nothing"])
    set_hook(redis, 439, "main", url=receiver.url("/439"))
    start_worker(keep_delivered="1h")
    enqueue(redis, message_event(text="own id"), id="e1", traceparent=TRACE)
    enqueue(redis, message_event(text="no id"), encoding="msgpack")
    enqueue(redis, message_event(room=439))
    first = receiver.wait_for(5)
    assert_queue_empty(redis)
    kept = wait_kept(redis, 3)
    assert sorted(entry["room"] for entry in kept) == ["438", "438", "439"]
    assert [sorted(entry["hooks"].split()) for entry in kept if entry["room"] == "438"] == [
        ["main", "other"]
    ] * 2, "once an event, with the hooks that took it"
    assert len(documents(redis)) == 3
    receiver.forget()

    counted = resend(cli, "--since", "1h", "--dry-run")
    assert counted.stdout == "4 would be resent\n" and redis.xlen(key("events")) == 0
    done = resend(cli, "--since", "1h", "--hook", "main")
    assert done.stdout == "2 resent\n" and "2 deliveries of 2 events" in done.stderr
    again = receiver.wait_for(2)
    before = {request.header("webhook-id"): request for request in first if request.path == "/main"}
    assert len(before) == 2 and {request.path for request in again} == {"/main"}
    for request in again:
        lost = before[request.header("webhook-id")]
        assert request.body == lost.body
        assert request.header("traceparent") == lost.header("traceparent")
    assert_queue_empty(redis)

    # What was sent again is not kept again: the next run does not send it twice.
    receiver.forget()
    assert result(resend(cli, "--since", "1h", "--json")) == {
        "room": 438, "deliveries": 4, "events": 2, "removed": 0, "gone": 0, "unreadable": 0,
        "dry_run": False, "done": True,
    }  # fmt: skip
    assert sorted(request.path for request in receiver.wait_for(4)) == ["/main"] * 2 + [
        "/other"] * 2
    assert_queue_empty(redis)
    assert redis.xlen(KEPT[0]) == 3


def test_resent_ones_that_wait_are_not_kept_again(redis, receiver, start_worker, cli):
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(keep_delivered="1h", retry_schedule="100ms")
    enqueue(redis, message_event(), id="e1")
    wait_kept(redis, 1)
    receiver.script("/", [Answer(503), Answer(200)])
    assert resend(cli, "--since", "1h").stdout == "1 resent\n"
    receiver.wait_for(3)
    assert_queue_empty(redis)
    assert worker.terminate() == 0
    assert redis.xlen(KEPT[0]) == 1


def test_hooks_that_took_it_at_different_times(redis, receiver, start_worker, cli):
    """The document is kept once, as long as one of them needs it; two workers, and a large one."""
    receiver.script("/late", [Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url("/main"))
    set_hook(redis, 438, "late", url=receiver.url("/late"))
    for _ in range(2):
        start_worker(keep_delivered="1h", retry_schedule="200ms")
    enqueue(redis, message_event(text="x" * 20000), id="e1")
    kept = wait_kept(redis, 2)
    assert [entry["hooks"] for entry in kept] == ["main", "late"]
    event = kept[0]["event"]
    assert list(documents(redis)) == [event] == [kept[1]["event"]]
    assert redis.hget(KEPT[1], event + " last") == redis.xrange(KEPT[0])[1][0]
    assert_queue_empty(redis)
    middle = redis.xrange(KEPT[0])[1][0].decode().partition("-")[0]
    date = subprocess.run(["date", "-u", f"-d@{int(middle) / 1000}", "+%FT%T.%3NZ"], check=True,
                          capture_output=True, text=True).stdout.strip()  # fmt: skip
    assert resend(cli, "--since", date).stdout == "1 resent\n", "what only late took then"
    receiver.wait_for(4)
    assert receiver.requests()[-1].path == "/late"
    assert resend(cli, "--since", "1h", "--until", date).stdout == "1 resent\n"
    receiver.wait_for(5)
    assert receiver.requests()[-1].path == "/main"


@pytest.mark.parametrize("off", [{}, {"keep_delivered": "0"}])
def test_off_leaves_no_key(redis, receiver, start_worker, cli, off):
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(**off)
    enqueue(redis, message_event())
    receiver.wait_for(1)
    assert_queue_empty(redis)
    assert worker.terminate() == 0
    assert redis.exists(*KEPT) == 0
    refused = resend(cli, "--since", "1h", check=False)
    assert refused.returncode == 1 and "set keep-delivered" in refused.stderr


def test_tests_and_events_without_a_room_are_not_kept(redis, receiver, start_worker, cli):
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(keep_delivered="1h")
    cli("hook", "test", "--room", "438")
    inline = {"url": receiver.url("/inline")}
    enqueue(redis, {"message": {"id": 1}, "webhooks": [inline]})
    enqueue(redis, {**message_event(room=440), "webhooks": [inline]}, id="inline")
    receiver.wait_for(3)
    assert worker.terminate() == 0
    (kept,) = entries(redis)
    assert (kept["room"], kept["hooks"]) == ("440", "inline-0")
    assert cli("resend", "--room", "440", "--since", "1h").stdout == "1 resent\n"
    start_worker()
    assert receiver.wait_for(4)[-1].header("webhook-id") == "inline"


def test_memory_is_bounded_and_the_oldest_go_first(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(keep_delivered="1h", keep_delivered_max_bytes="1m")
    bound = 1 << 20

    def check():
        total = int(redis.hget(KEPT[1], "*"))
        assert total <= bound
        used = sum(redis.memory_usage(name, samples=0) for name in KEPT)
        assert used <= bound * 1.1, f"{used} bytes, counted as {total}"
        assert total <= used * 1.5, f"{used} bytes, counted as {total}"
        assert len(documents(redis)) == redis.xlen(KEPT[0])

    for n in range(4000):
        enqueue(redis, message_event(text=f"{n} " + "x" * 300))
    receiver.wait_for(4000, timeout=30)
    assert_queue_empty(redis)
    wait_until(lambda: b"3999 x" in b"".join(documents(redis).values()), 5, "the newest")
    check()
    small = redis.xlen(KEPT[0])
    assert 1000 < small < 3000
    assert b'"0 x' not in b"".join(documents(redis).values())
    # A few large ones take the place of thousands of small ones.
    receiver.forget()
    for n in range(8):
        enqueue(redis, message_event(text=f"{n} " + "y" * 240_000))
    receiver.wait_for(8, timeout=30)
    wait_until(lambda: b'"7 yy' in b"".join(documents(redis).values()), 5, "the newest")
    check()
    # One that takes more than all may deletes nothing.
    left = redis.xlen(KEPT[0])
    receiver.forget()
    assert worker.terminate() == 0
    start_worker(keep_delivered="1h", keep_delivered_max_bytes="1m", max_event_bytes="4m")
    enqueue(redis, message_event(text="z" * 1_200_000))
    receiver.wait_for(1)
    wait_until(lambda: stats(redis).get("keep_dropped", 0) == 1, 15, "it is counted")
    assert redis.xlen(KEPT[0]) == left


def test_age(redis, receiver, start_worker):
    """What is too old goes with the next write; and all of it, when nothing is written any more."""
    set_hook(redis, 438, "main", url=receiver.url())
    hour_ms = 3_600_000
    now = now_ms(redis)
    keep(redis, "0000000000001-000000", at=f"{now - hour_ms - 2000}-0")
    keep(redis, "0000000000002-000000", at=f"{now - hour_ms - 1000}-0", hooks="first")
    young = [keep(redis, "0000000000002-000000", at=f"{now - hour_ms + 60_000}-0", hooks="late"),
             keep(redis, "0000000000003-000000", at=f"{now - hour_ms + 60_000}-1")]  # fmt: skip
    redis.hset(KEPT[1], "0000000000002-000000 last", young[0])
    start_worker(keep_delivered="1h")
    enqueue(redis, message_event())
    wait_until(lambda: redis.pttl(KEPT[0]) > 0, 5, "the worker's entry")
    assert [identity.decode() for identity, _ in redis.xrange(KEPT[0])][:-1] == young
    assert len(documents(redis)) == 3 and "0000000000001-000000" not in documents(redis)
    for name in KEPT:
        assert 2 * hour_ms - 60_000 < redis.pttl(name) <= 2 * hour_ms


@pytest.mark.parametrize("full", [False, True])
def test_workers_that_keep_nothing_delete_what_is_too_old(own_redis, start_worker, full):
    """A thousand at a time, all of it; also when Redis is full."""
    server = own_redis()
    redis = server.client()
    ago = now_ms(redis) - 1000
    for n in range(2500):
        keep(redis, f"1667548137257-{n:06}", at=f"{ago}-{n}")
    redis.hset(KEPT[1], mapping={"*": 2500 * 400, "keep": 900})
    if full:
        redis.config_set("maxmemory", 1)
    start_worker(redis=server, heartbeat_ttl="3s")
    wait_until(lambda: redis.exists(*KEPT) == 0, 10,
               lambda: f"both keys' end; {redis.xlen(KEPT[0])} are left")  # fmt: skip


def test_a_full_redis(own_redis, receiver, start_worker, cli):
    server = own_redis()
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    start_worker(redis=server, keep_delivered="1h")
    enqueue(client, message_event(), id="before")
    wait_kept(client, 1)
    receiver.script("/", Answer(200, delay=0.3))
    enqueue(client, message_event(), id="full")
    receiver.wait_for(2)
    client.config_set("maxmemory", 1)
    wait_until(lambda: stats(client).get("keep_dropped", 0) == 1, 5, "what is dropped, counted")
    refused = resend(cli, "--since", "1h", redis=server, check=False)
    assert refused.returncode == 1 and "maxmemory" in refused.stderr
    assert client.xlen(key("events")) == 0
    client.config_set("maxmemory", 0)
    assert_queue_empty(client)
    assert resend(cli, "--since", "1h", redis=server).stdout == "1 resent\n"
    assert receiver.wait_for(3)[-1].header("webhook-id") == "before"


@pytest.mark.parametrize("name", KEPT)
def test_something_else_lies_where_events_are_kept(redis, receiver, start_worker, cli, name):
    set_hook(redis, 438, "main", url=receiver.url())
    redis.set(name, "by hand")
    start_worker(keep_delivered="1h")
    enqueue(redis, message_event(), id="e1")
    wait_until(lambda: redis.type(name) != b"string", 5, "the right key instead")
    wait_kept(redis, 1)
    assert resend(cli, "--since", "1h").stdout == "1 resent\n"


def test_entries_by_hand(redis, start_worker, receiver, cli):
    set_hook(redis, 438, "main", url=receiver.url())
    set_hook(redis, 438, "two", url=receiver.url())
    good = "1667548137257-000001"
    keep(redis, good, text="good")
    keep(redis, "1667548137257-000002", room=439)
    keep(redis, "1667548137257-000003", hooks="gone main")
    keep(redis, "1667548137257-000004", hooks="m\u00e4in a/b " + "x" * 65)
    redis.xadd(KEPT[0], {"something": "else"})
    redis.xadd(KEPT[0], {"event": "no such", "room": 438, "hooks": "main two"})
    for text in ("", "no line", "xml id -\n{}", "json bad/id -\n{}", "json id\n{}"):
        redis.xadd(KEPT[0], {"event": f"bad {text}", "room": 438, "hooks": "main"})
        redis.hset(KEPT[1], f"bad {text}", text)
    redis.hset(KEPT[1], "*", "many")
    sent = result(resend(cli, "--since", "3000d", "--json"))
    assert sent["deliveries"] == 2 and sent["removed"] == 1 and sent["gone"] == 2
    assert sent["unreadable"] == 3 + 1 + 5
    assert sent_again(redis)[0] == ("main", good, "good")
    # A worker lives with it.
    start_worker(keep_delivered="1h")
    receiver.wait_for(2)
    enqueue(redis, message_event())
    wait_kept(redis, 12)
    assert int(redis.hget(KEPT[1], "*")) > 0


def test_bad_input(redis, cli):
    def refused(*arguments, code=2, words=""):
        done = cli("resend", *arguments, check=False)
        assert done.returncode == code and words in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1, done.stderr

    set_hook(redis, 438, "main", url="http://127.0.0.1/")
    keep(redis, "1667548137257-000001")
    refused("--since", "1h", words="--room")
    refused("--room", "438", words="--since")
    refused("--room", "a b", "--since", "1h", words="room")
    refused("--room", "438", "--since", "yesterday", words="--since is yesterday")
    refused("--room", "438", "--since", "1h", "--until", "2h", words="not earlier")
    refused("--room", "438", "--since", "1h", "--hook", "a b", words="--hook")
    refused("--room", "438", "--since", "1h", "--after", "x", words="--after")
    for rate in ("0", "-1/s", "5/m", "many", "10000000/s", ""):
        refused("--room", "438", "--since", "1h", "--rate", rate, words="--rate is like 50/s")
    refused("--room", "438", "--since", "1h", "--hook", "no", code=1, words="has no hook no")
    refused("--room", "999", "--since", "1h", code=1, words="room 999 has no hooks")
    assert resend(cli, "--since", "1h", "--until", "30m").stdout == "0 resent\n"
    redis.delete(KEPT[0])
    redis.set(KEPT[0], "by hand")
    wrong = resend(cli, "--since", "1h", check=False)
    assert wrong.returncode == 1 and "WRONGTYPE" in wrong.stderr


def test_a_run_that_was_interrupted_goes_on(redis, redis_server, roomhook_bin, cli):
    """Nothing twice, nothing left out."""
    set_hook(redis, 438, "main", url="http://127.0.0.1/")
    for n in range(300):
        keep(redis, f"1667548137257-{n:06}", text=str(n))
    flags = ["--redis", redis_server.url, "resend", "--room", "438", "--since", "1h"]
    running = spawn([roomhook_bin / "roomhook", *flags, "--rate", "100/s"],
                    stderr=subprocess.PIPE)  # fmt: skip
    wait_until(lambda: redis.xlen(key("events")) >= 20, 5, "the first of them")
    running.send_signal(signal.SIGINT)
    words = running.communicate(timeout=5)[1].decode()
    assert running.returncode == 1
    sent = redis.xlen(key("events"))
    assert 20 <= sent < 300 and f"interrupted: {sent} resent; to continue" in words
    after = re.search(r"--after (\d+-\d+)", words)[1]
    done = resend(cli, "--since", "1h", "--after", after)
    assert done.stdout == f"{300 - sent} resent\n"
    assert [text for _, _, text in sent_again(redis)] == [str(n) for n in range(300)]
    assert resend(cli, "--after", after, "--dry-run").stdout == f"{300 - sent} would be resent\n"


def test_a_worker_that_dies(redis, receiver, start_worker, cli):
    """What it kept stays; what it took and did not settle is kept by the next one, once."""
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(keep_delivered="1h", heartbeat_ttl="3s")
    enqueue(redis, message_event(), id="e1")
    wait_kept(redis, 1)
    receiver.script("/", Answer(200, delay=5))
    enqueue(redis, message_event(), id="e2")
    receiver.wait_for(2)
    worker.kill()
    receiver.script("/", Answer(200))
    start_worker(keep_delivered="1h", heartbeat_ttl="3s")
    wait_kept(redis, 2)
    assert_queue_empty(redis)
    assert resend(cli, "--since", "1h", "--dry-run").stdout == "2 would be resent\n"


def test_it_asks_on_a_terminal(redis, redis_server, roomhook_bin):
    set_hook(redis, 438, "main", url="http://127.0.0.1/")
    keep(redis, "1667548137257-000001")
    flags = ["--redis", redis_server.url, "resend", "--room", "438", "--since", "1h"]

    def answered(word):
        ours, theirs = pty.openpty()
        running = spawn([roomhook_bin / "roomhook", *flags], stdin=theirs, stderr=theirs,
                        stdout=subprocess.PIPE)  # fmt: skip
        os.close(theirs)
        shown = b""
        try:
            while b"Send them again?" not in shown:
                shown += os.read(ours, 1000)
            os.write(ours, word)
            out = running.communicate(timeout=5)[0]
        finally:
            end(running)
            os.close(ours)
        assert b"1 delivery of 1 event" in shown
        return running.returncode, out

    assert answered(b"n\n") == (1, b"") and redis.xlen(key("events")) == 0
    assert answered(b"y\n") == (0, b"1 resent\n") and redis.xlen(key("events")) == 1


def test_a_hook_that_was_removed_gets_nothing(redis, receiver, start_worker, cli):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(keep_delivered="1h")
    enqueue(redis, message_event())
    wait_kept(redis, 1)
    cli("hook", "remove", "--room", "438", "--id", "main")
    done = resend(cli, "--since", "1h", check=False)
    assert "has no hooks" in done.stderr or done.stdout == "0 resent\n"
    assert redis.xlen(key("dead")) == 0 and wait_dead(redis, 0) == []
