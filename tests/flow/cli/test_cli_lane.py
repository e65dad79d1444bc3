"""roomhook lane: what waits for which hook, why, and dropping it."""

import json
import os
import pty
import signal
import subprocess
from datetime import datetime, timezone

import pytest

from child import end, spawn
from lane_invariants import check_invariants
from receiver import Answer
from wait import wait_until
from waiting import fingerprint, lane_of, place_of, put_in_lane, shut_lane
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    now_ms,
    set_hook,
)

URL = "https://a.example/"
INLINE = ":0123456789abcdef"
HOUR_MS = 3600 * 1000
SENT_MS = 1667548137257


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def listed(cli, *arguments):
    return objects(cli("lane", "list", "--json", *arguments))


def states(cli, *arguments):
    return {row["lane"]: row["state"] for row in listed(cli, *arguments)}


def learn(redis, lane, **state):
    redis.hset(key("hooks-state"), lane, json.dumps({"fingerprint": fingerprint(URL), **state}))


def fill(redis):
    """A lane of each kind."""
    now = now_ms(redis)
    for room in range(1, 9):
        set_hook(redis, room, "main", url=URL, enabled=room != 6)
        put_in_lane(redis, f"{room}/main", f"{now - room * 60_000}-0")
    put_in_lane(redis, "2/main", f"{now}-1", now + HOUR_MS)
    redis.zrem(key("lane:2/main"), *list(lane_of(redis, "2/main"))[:1])
    redis.hset(key("gates"), "3/main", f"{now + 60_000}.125 paused {fingerprint(URL)}")
    redis.zadd(key("lanes"), {"3/main": now + 60_000})
    learn(redis, "3/main", until=now + 60_000, reason="retry-after", at=now)
    shut_lane(redis, "4/main", fingerprint(URL))
    learn(redis, "4/main", opens=2, probe_at=now + 600_000, failing_since=now - HOUR_MS,
          failures=7, error="answered 503", status=503, at=now)
    redis.hset(key("gates"), "5/main", f"{now + 30_000}.000 rate {fingerprint(URL)}")
    redis.hdel(key("room:7"), "main")
    shut_lane(redis, "8/main", "0123abcd")  # of the hook as it was before
    put_in_lane(redis, f"9/{INLINE}", f"{now - 1000}-0", hook="inline-1")
    put_in_lane(redis, f"/{INLINE}", f"{now - 1000}-1", hook="inline-1")


# --- list ---


def test_list_says_what_each_waits_for(redis, cli):
    fill(redis)
    assert states(cli) == {
        "1/main": "due", "2/main": "waits", "3/main": "paused", "4/main": "open",
        "5/main": "rate", "6/main": "disabled", "7/main": "removed", "8/main": "due",
        f"9/{INLINE}": "due", f"/{INLINE}": "due",
    }


def test_list_as_json(redis, cli):
    fill(redis)
    rows = {row["lane"]: row for row in listed(cli)}
    score = place_of(redis, "4/main")[1]
    oldest = rows["4/main"].pop("oldest_at")
    assert abs(now_ms(redis) - 240_000 - oldest) < 10_000
    assert rows["4/main"] == {
        "lane": "4/main", "room": 4, "hook": "main", "waiting": 1, "state": "open", "shut": True,
        "next_at": score, "why": "answered 503",
    }
    assert rows[f"/{INLINE}"]["hook"] == INLINE and "room" not in rows[f"/{INLINE}"]
    assert rows["3/main"]["why"] == "retry-after"


def test_list_as_table(redis, cli):
    """Those that are due first."""
    fill(redis)
    learn(redis, "3/main", until=now_ms(redis) + 60_000, reason="retry-after", at=1,
          error="x" * 100)
    title, *lines = cli("lane", "list").stdout.splitlines()
    assert title.split() == ["LANE", "WAITING", "STATE", "OLDEST", "NEXT", "WHY"]
    rows = {line.split()[0]: line for line in lines}
    assert rows["4/main"].split() == [
        "4/main", "1", "open", "4m", "ago", "in", "9m", "answered", "503",
    ]
    assert rows["3/main"].endswith("  retry-after: " + "x" * 100)
    assert lines.index(rows["7/main"]) < lines.index(rows["4/main"])
    learn(redis, "3/main", until=now_ms(redis) + 60_000, reason="\x1b[2J\u202e", at=1)
    assert "\x1b" not in cli("lane", "list").stdout


def test_list_filters(redis, cli):
    fill(redis)
    put_in_lane(redis, "4/other", f"{SENT_MS}-0")
    put_in_lane(redis, "44/main", f"{SENT_MS}-0")
    assert set(states(cli, "--room=4")) == {"4/main", "4/other"}
    assert set(states(cli, "--hook=other")) == {"4/other"}
    assert set(states(cli, f"--hook={INLINE}")) == {f"9/{INLINE}", f"/{INLINE}"}
    assert set(states(cli, "--room=4", "--hook=main")) == {"4/main"}
    assert set(states(cli, "--shut")) == {"4/main", "8/main"}
    assert states(cli, "--shut", "--room=9") == {}
    for wrong in ("--room=x/y", "--hook=a/b", "--hook=:0", "--hook=*", "--limit=0", "more"):
        done = cli("lane", "list", wrong, check=False)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1, wrong


def test_list_of_very_many(redis, cli):
    """More than one batch, and than are shown unless asked for."""
    pipeline = redis.pipeline(transaction=False)
    for room in range(2500):
        put_in_lane(pipeline, f"{room}/main", f"{SENT_MS + room}-0", shut=room % 2 == 1)
    pipeline.execute()
    assert [row["room"] for row in listed(cli)] == list(range(20))
    assert cli("lane", "list").stdout.splitlines()[-1] == "and 2480 more: --limit"
    assert [row["room"] for row in listed(cli, "--limit=1000000")] == list(range(2500))
    assert [row["room"] for row in listed(cli, "--hook=main", "--limit=150")] == list(range(150))
    done = cli("lane", "list", "--hook=main", "--limit=2499")
    assert done.stdout.splitlines()[-1] == "and 1 more: --limit"


def test_list_passes_over_nonsense(redis, cli):
    now = now_ms(redis)
    redis.zadd(key("lanes"), {"": 1, "x" * 300: 1, "empty/lane": 1, "a\x1bb": 1, "unreadable": 1,
                              "1/wrong": "-inf", "1/main": "inf"})
    redis.set(key("lane:1/wrong"), "x")
    redis.hset(key("gates"), mapping={"1/main": "nonsense", "unreadable": f"{now + 5} odd 0"})
    put_in_lane(redis, "1/main", f"{SENT_MS}-0")
    put_in_lane(redis, "unreadable", f"{SENT_MS}-0", hook="main")
    redis.zadd(key("lane:a\x1bb"), {"nobody": 1})
    set_hook(redis, 1, "main", url=URL)
    set_hook(redis, 1, "wrong", url=URL)
    assert states(cli) == {"1/wrong": "not a lane", "1/main": "due", "unreadable": "due",
                           "a\x1bb": "due"}
    assert "\x1b" not in cli("lane", "list").stdout


def test_list_of_nothing(redis, cli):
    assert len(cli("lane", "list").stdout.splitlines()) == 1 and listed(cli) == []
    assert redis.dbsize() == 0


# --- show ---


def fill_one(redis, lane="438/main", shared=False):
    """A lane with what can be in one; the ids by name."""
    now = now_ms(redis)
    return {
        "turn": put_in_lane(redis, lane, f"{SENT_MS}-0", attempts=0, shared=shared),
        "retry": put_in_lane(redis, lane, f"{SENT_MS}-1", now + HOUR_MS, event_id="event-1",
                             attempts=3, status=503, error="answered 503", due_at=now + HOUR_MS,
                             first_attempt_at=SENT_MS + 1, last_attempt_at=SENT_MS + 2,
                             traceparent=f"00-{'a' * 32}-{'b' * 16}-01"),
        "held": put_in_lane(redis, lane, f"{SENT_MS}-2", now + 20_000,
                            lease=f"vm-1-0a1b2c3d:12 2 {SENT_MS}"),
    }


def test_show(redis, cli):
    set_hook(redis, 438, "main", url=URL)
    ids = fill_one(redis, shared=True)
    done = cli("lane", "show", "438/main")
    head, _, table = done.stdout.partition("\n\n")
    assert dict(line.split(maxsplit=1) for line in head.splitlines()) == {
        "lane": "438/main", "url": URL, "waiting": "3", "state": "due", "next": "now",
    }
    title, *lines = table.splitlines()
    assert title.split()[:4] == ["ID", "TRIES", "NEXT", "EVENT"]
    rows = [line.split() for line in lines]
    assert 10 < float(rows[1].pop(3).rstrip("s")) <= 20
    assert rows == [
        [f"{SENT_MS}-0", "0", "now", f"msg_{SENT_MS}-0", "-"],
        [f"{SENT_MS}-2", "1", "in", f"msg_{SENT_MS}-2", "vm-1-0a1b2c3d"],
        [f"{SENT_MS}-1", "3", "in", "59m", "event-1", "answered", "503"],
    ]
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    for arguments in (["438/main"], ["--room=438", "--hook=main"]):
        first, held, retry = objects(cli("lane", "show", "--json", *arguments))
        assert [row["id"] for row in (first, held, retry)] == [
            ids["turn"], ids["held"], ids["retry"],
        ]
        assert first["shared"] and first["event"] == f"msg_{SENT_MS}-0"
        assert (held["worker"], held["expired_leases"]) == ("vm-1-0a1b2c3d", 2)
        assert retry.pop("next_at") == lane_of(redis, "438/main")[ids["retry"]]
        assert retry.pop("bytes") > 100
        assert retry == {
            "id": ids["retry"], "entry": f"{SENT_MS}-1", "event": "event-1", "attempts": 3,
            "first_attempt_at": SENT_MS + 1, "last_attempt_at": SENT_MS + 2, "status": 503,
            "error": "answered 503", "shared": False,
        }


def test_show_of_very_many(redis, cli):
    pipeline = redis.pipeline(transaction=False)
    for n in range(350):
        put_in_lane(pipeline, f"/{INLINE}", f"{SENT_MS}-{n}", SENT_MS + n, hook="inline-1")
    pipeline.execute()
    shown = [int(row["entry"].split("-")[1])
             for row in objects(cli("lane", "show", "--json", f"/{INLINE}", "--limit=333"))]
    assert shown == list(range(333))
    assert len(objects(cli("lane", "show", "--json", f"/{INLINE}"))) == 20


def test_show_of_nonsense(redis, cli):
    """A delivery without a record, one with another's words, an id that is none."""
    put_in_lane(redis, "1/main", f"{SENT_MS}-0", error="\x1b[2J\u202e", event_id=7, attempts="x")
    redis.zadd(key("lane:1/main"), {"nobody": 1, f"{SENT_MS}-000001/main": 2})
    redis.hset(key("deliveries"), f"{SENT_MS}-000001/main", "\xff\x00")
    rows = objects(cli("lane", "show", "--json", "1/main"))
    assert rows[0]["error"] == "it has no record" and rows[0]["entry"] == "nobody"
    assert "\x1b" not in cli("lane", "show", "1/main").stdout
    for wrong in ([], ["x"], ["1/main", "2/main"], ["1/main", "--room=1"], ["--room=1"]):
        assert cli("lane", "show", *wrong, check=False).returncode == 2, wrong
    done = cli("lane", "show", "2/main", check=False)
    assert done.returncode == 1 and "nothing waits in lane 2/main" in done.stderr


# --- drop ---


def iso(ms):
    moment = datetime.fromtimestamp(ms / 1000, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.parametrize("shared", [False, True])
def test_drop(redis, cli, shared):
    """What nobody holds becomes dead letters, as those of workers are."""
    set_hook(redis, 438, "main", url=URL)
    ids = fill_one(redis, shared=shared)
    document = redis.hget(key("documents"), f"{SENT_MS}-000000") if shared else None
    done = cli("lane", "drop", "438/main")
    assert done.stdout == "2 dropped\n1 left to the workers that hold them\n"
    assert f"3 deliveries in 1 lane, sent from {iso(SENT_MS)} to" in done.stderr
    first, second = dead_letters(redis)
    assert json.loads(first.pop("json")) == message_event()
    del first["id"], second["id"]
    assert first == {
        "reason": "dropped", "error": "dropped by hand", "attempts": "0", "room": "438",
        "hook": "main", "url": URL, "event_id": f"msg_{SENT_MS}-0", "queued_at": iso(SENT_MS),
    }
    assert json.loads(second.pop("json")) == message_event()
    assert second == {
        "reason": "dropped", "error": "answered 503", "status": "503", "attempts": "3",
        "room": "438", "hook": "main", "url": URL, "event_id": "event-1",
        "queued_at": iso(SENT_MS), "first_attempt_at": iso(SENT_MS + 1),
        "last_attempt_at": iso(SENT_MS + 2), "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
    }
    order = [name.decode() for name in redis.xrange(key("dead"))[1][1]]
    assert order == ["reason", "error", "status", "attempts", "room", "hook", "url", "event_id",
                     "queued_at", "first_attempt_at", "last_attempt_at", "traceparent", "json"]
    assert list(lane_of(redis, "438/main")) == [ids["held"]]
    assert (document is None) != shared and redis.exists(key("documents")) == 0
    check_invariants(redis)


@pytest.mark.parametrize("ms", [0, 951782399999, 951782400000, 1709164800000, 1735689599999,
                                1, 86400000])
def test_times_of_letters(redis, cli, ms):
    """Leap days, ends of years."""
    put_in_lane(redis, "1/main", f"{ms}-7", first_attempt_at=ms)
    cli("lane", "drop", "1/main")
    (letter,) = dead_letters(redis)
    assert letter.get("queued_at", iso(0)) == iso(ms) == letter.get("first_attempt_at", iso(0))
    assert letter["event_id"] == f"msg_{ms}-7"


def test_what_is_left_when_all_are_dropped(redis, cli):
    for n in range(3):
        put_in_lane(redis, "438/main", f"{SENT_MS}-{n}", shared=True, lease="- 1 0")
    shut_lane(redis, "438/main", fingerprint(URL))
    redis.delete(key("gates"))
    cli("lane", "drop", "438/main")
    left = {name.decode() for name in redis.keys("*")}
    assert left == {key(name) for name in ("dead", "dead-by-room", "dead-bytes")}


def test_a_lease_that_ran_out_holds_nothing(redis, cli):
    put_in_lane(redis, "438/main", f"{SENT_MS}-0", now_ms(redis) - 1,
                lease=f"vm-1-0a1b2c3d:12 0 {SENT_MS}")
    assert cli("lane", "drop", "438/main").stdout == "1 dropped\n"
    assert redis.exists(key("leases")) == 0


def test_drop_by_age_and_number(redis, cli):
    now = now_ms(redis)
    for hours in range(1, 9):
        put_in_lane(redis, f"{hours % 2}/main", f"{now - hours * HOUR_MS}-0")
    assert cli("lane", "drop", "--all", "--before=6h30m", check=False).returncode == 2
    assert cli("lane", "drop", "--all", "--before=390m").stdout == "2 dropped\n"
    assert cli("lane", "drop", "1/main", "--since=210m", "--before=30m").stdout == "2 dropped\n"
    assert cli("lane", "drop", "--all", "--room=0", "--limit=1").stdout == "1 dropped\n"
    ages = {lane: [(now - score) // HOUR_MS for score in lane_of(redis, lane).values()]
            for lane in ("0/main", "1/main")}
    assert ages == {"0/main": [4, 2], "1/main": [5]}
    assert cli("lane", "drop", "--all").stdout == "3 dropped\n"
    assert cli("lane", "drop", "--all").stdout == "0 dropped\n"
    assert_queue_empty(redis)


def test_dry_run(redis, cli):
    fill_one(redis)
    put_in_lane(redis, "439/main", f"{SENT_MS}-3")
    done = cli("lane", "drop", "--all", "--dry-run")
    assert done.stdout == "4 would be dropped\n" and "4 deliveries in 2 lanes" in done.stderr
    assert objects(cli("lane", "drop", "--all", "--dry-run", "--json")) == [{"would_drop": 4}]
    assert redis.hlen(key("deliveries")) == 4 and redis.exists(key("dead")) == 0
    assert objects(cli("lane", "drop", "--all", "--json")) == [{"dropped": 3, "held": 1}]


def test_drop_of_very_many(redis, cli):
    """More than a page and a batch; what does not match stays between them."""
    pipeline = redis.pipeline(transaction=False)
    for n in range(3000):
        sent = SENT_MS if n % 3 else SENT_MS + HOUR_MS
        put_in_lane(pipeline, "438/main", f"{sent}-{n}", SENT_MS + n, shared=n % 2 == 0)
    pipeline.execute()
    done = cli("lane", "drop", "438/main", f"--before={iso(SENT_MS + 1)}")
    assert done.stdout == "2000 dropped\n"
    assert len(lane_of(redis, "438/main")) == 1000 and redis.xlen(key("dead")) == 2000
    check_invariants(redis)


def test_drop_of_very_large_ones(redis, cli):
    """More bytes than one call takes."""
    for n in range(30):
        put_in_lane(redis, "438/main", f"{SENT_MS}-{n}",
                    document=message_event(text="x" * 200_000), shared=n % 2 == 0)
    assert cli("lane", "drop", "438/main").stdout == "30 dropped\n"
    assert redis.xlen(key("dead")) == 30
    check_invariants(redis)


def test_drop_of_nonsense(redis, cli):
    """A record that cannot be read is kept as it is, as far as it is short."""
    put_in_lane(redis, "1/main", f"{SENT_MS}-0", error=7, attempts="x", status=-1, event_id="")
    unreadable = put_in_lane(redis, "1/main", f"{SENT_MS}-1")
    redis.hset(key("deliveries"), unreadable, "{" + "y" * 9000)
    lost = put_in_lane(redis, "1/main", f"{SENT_MS}-2", shared=True)
    redis.delete(key("documents"))
    no_record = put_in_lane(redis, "1/main", f"{SENT_MS}-3")
    redis.hdel(key("deliveries"), no_record)
    assert cli("lane", "drop", "1/main").stdout == "3 dropped\n"
    odd, cut, without = dead_letters(redis)
    assert odd["attempts"] == "0" and odd["event_id"] == f"msg_{SENT_MS}-0" and "status" not in odd
    assert cut["record"] == b"{" + b"y" * 4095 and "json" not in cut
    assert "json" not in without and without["event_id"] == f"msg_{SENT_MS}-2" and lost
    assert list(lane_of(redis, "1/main")) == [no_record]
    for wrong in ([], ["--room=1"], ["1/main", "--all"], ["x"], ["1/main", "--limit=0"],
                  ["1/main", "--since=x"]):
        assert cli("lane", "drop", *wrong, check=False).returncode == 2, wrong


def test_drop_on_a_full_redis(own_redis, cli):
    server = own_redis()
    with server.client() as client:
        fill_one(client)
        client.config_set("maxmemory", 1)
        assert cli("lane", "drop", "438/main", redis=server).stdout.startswith("2 dropped\n")


def test_drop_asks_on_a_terminal(redis_server, redis, roomhook_bin):
    fill_one(redis)
    for answer, code in ((b"n\n", 1), (b"y\n", 0)):
        parent, child = pty.openpty()
        argv = [roomhook_bin / "roomhook", "--redis", redis_server.url, "lane", "drop", "438/main"]
        process = spawn(argv, stdin=child, stderr=child, stdout=subprocess.PIPE, text=True)
        os.close(child)
        seen = b""
        while b"?" not in seen:
            seen += os.read(parent, 4096)
        assert b"Make dead letters of them?" in seen and redis.hlen(key("deliveries")) == 3
        os.write(parent, answer)
        assert process.wait(10) == code
        end(process, signal.SIGKILL)
        process.stdout.close()
        os.close(parent)
    assert redis.hlen(key("deliveries")) == 1


# --- with real workers ---


def test_drop_while_workers_run(redis, receiver, start_worker, cli):
    """Each event arrives or is a dead letter, none is lost."""
    receiver.script("/", Answer(200, delay=0.02))
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(max_in_flight=4)
    for n in range(400):
        enqueue(redis, message_event(), id=f"event-{n}")
    wait_until(lambda: len(lane_of(redis, "438/main")) > 200, 10, "a lane")
    cli("lane", "drop", "438/main", "--limit=150")
    assert_queue_empty(redis, timeout=30)
    dropped = {letter["event_id"] for letter in dead_letters(redis)}
    arrived = {request.header("webhook-id") for request in receiver.requests("/")}
    assert len(dropped) == 150 and dropped | arrived == {f"event-{n}" for n in range(400)}
    assert not dropped & arrived


def test_dropped_ones_come_back(redis, receiver, start_worker, cli):
    receiver.script("/", [Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="1h")
    enqueue(redis, message_event(), id="event-1")
    wait_until(lambda: lane_of(redis, "438/main"), 10, "a retry")
    (row,) = listed(cli)
    assert (row["lane"], row["state"], row["waiting"]) == ("438/main", "waits", 1)
    cli("lane", "drop", "438/main")
    cli("dead", "replay", "--all", "--reason=dropped")
    assert receiver.wait_for(2)[1].header("webhook-id") == "event-1"
    assert_queue_empty(redis)
