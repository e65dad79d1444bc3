"""roomhook hook state and hook resume: what workers learnt about hooks, and forgetting it."""

import hashlib
import json

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    due_ms,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    record_of,
    records,
    set_hook,
)

FAILING = {
    "at": 1667548137257,
    "failing_since": 1667548000000,
    "failures": 3,
    "status": 503,
    "error": "answered 503",
}
OPEN = {**FAILING, "opens": 1, "probe_at": 1667548200000}
PAUSED = {"at": 1667548137257, "until": 99999999999999, "reason": "retry-after"}
GONE = {"at": 1667548137257, "disabled": True, "reason": "gone"}
WORN_OUT = {**FAILING, "failures": 9000, "disabled": True, "reason": "failing"}
HOUR_MS = 3600 * 1000


def fingerprint(url):
    """Of a hook without credentials."""
    return hashlib.sha256(url.encode() + b"\0\0").hexdigest()[:8]


def learn(redis, room, hook_id, url, state, registered=True):
    """Writes a state as workers do, of a hook that is there or not."""
    if registered:
        set_hook(redis, room, hook_id, url=url)
    redis.hset(
        key("hooks-state"), f"{room}/{hook_id}/{fingerprint(url)}", json.dumps(state)
    )


def listed(cli, *arguments):
    done = cli("--json", "hook", "state", *arguments)
    return [json.loads(line) for line in done.stdout.splitlines()]


def fill(redis):
    learn(redis, 438, "zeta", "https://z.example:8443/secret/path", OPEN)
    learn(redis, 438, "audit", "https://a.example/", FAILING)
    learn(redis, -7, "main", "http://b.example/", PAUSED)
    learn(redis, 90, "main", "https://c.example/", GONE)
    learn(redis, 1000, "main", "https://d.example/", WORN_OUT)
    learn(redis, 5, "main", "https://e.example/", {"at": 1, "until": 2, "reason": "retry-after"})


# --- state ---


def test_state_of_all_rooms(redis, cli):
    fill(redis)
    title, *lines = cli("hook", "state").stdout.splitlines()
    assert title.split() == [
        "ROOM", "ID", "STATE", "SINCE", "FAILURES", "NEXT", "ORIGIN", "WHY",
    ]
    since, then = "2022-11-04T07:46:40.000Z", "2022-11-04T07:48:57.257Z"
    assert [line.split(maxsplit=7) for line in lines] == [
        ["-7", "main", "paused", then, "0", "5138-11-16T09:46:39.999Z", "http://b.example:80",
         "retry-after"],
        ["90", "main", "disabled", then, "0", "-", "https://c.example:443", "gone"],
        ["438", "audit", "failing", since, "3", "-", "https://a.example:443", "answered 503"],
        ["438", "zeta", "open", since, "3", "2022-11-04T07:50:00.000Z", "https://z.example:8443",
         "answered 503"],
        ["1000", "main", "disabled", since, "9000", "-", "https://d.example:443", "answered 503"],
    ]
    columns = {line.index(line.split()[2]) for line in lines} | {title.index("STATE")}
    assert len(columns) == 1, "aligned"


def test_state_as_json(redis, cli):
    fill(redis)
    assert [(row["room"], row["id"], row["state"]) for row in listed(cli)] == [
        (-7, "main", "paused"), (90, "main", "disabled"), (438, "audit", "failing"),
        (438, "zeta", "open"), (1000, "main", "disabled"),
    ]
    assert listed(cli, "--room=438")[1] == {
        "room": 438, "id": "zeta", "state": "open", **OPEN,
        "registered": "yes", "origin": "https://z.example:8443",
    }


def test_state_filters(redis, cli):
    """A paused hook counts as failing when it has failed since its last success."""
    fill(redis)
    learn(redis, 91, "main", "https://f.example/", {**FAILING, **PAUSED})
    assert [row["room"] for row in listed(cli, "--room=438")] == [438, 438]
    assert [row["room"] for row in listed(cli, "--room=-7")] == [-7]
    assert listed(cli, "--room=43") == []
    assert [(row["room"], row["state"]) for row in listed(cli, "--failing")] == [
        (90, "disabled"), (91, "paused"), (438, "failing"), (438, "open"), (1000, "disabled"),
    ]
    assert listed(cli, "--failing", "--room=-7") == []
    assert cli("hook", "state", "--room=x", check=False).returncode == 2


def test_state_of_a_hook_that_is_another_by_now(redis, cli):
    learn(redis, 1, "main", "https://old.example/", GONE)
    set_hook(redis, 1, "main", url="https://new.example/")
    learn(redis, 2, "main", "https://old.example/", GONE, registered=False)
    learn(redis, 3, "main", "https://old.example/", GONE)
    redis.hset(key("room:3"), "main", "nonsense")
    assert [(row["room"], row["registered"]) for row in listed(cli)] == [
        (1, "changed"), (2, "removed"), (3, "changed"),
    ]
    assert all("origin" not in row for row in listed(cli))
    lines = cli("hook", "state").stdout.splitlines()
    assert "changed: hook resume forgets this" in lines[1]
    assert "removed: hook remove forgets this" in lines[2]
    cli("hook", "resume", "--room=1")
    cli("hook", "remove", "--room=2")
    assert [row["room"] for row in listed(cli)] == [3]


def test_state_of_very_many(redis, cli):
    """More than a page of the scan and of the hooks asked for."""
    states = {f"{room}/main/0123abcd": json.dumps(FAILING) for room in range(3000)}
    redis.hset(key("hooks-state"), mapping=states)
    assert [row["room"] for row in listed(cli)] == list(range(3000))


def test_state_of_nothing(redis, cli):
    assert len(cli("hook", "state").stdout.splitlines()) == 1
    assert listed(cli) == []


def test_state_passes_over_nonsense(redis, cli):
    """Nor can a stranger's words steer a terminal."""
    for field in ("", "/", "//", "438", "438/main", "x/main/0123abcd", "1/a b/0123abcd",
                  "1/main/0123abcd9", "1/main/01/23", "1/\x1b/0123abcd"):
        redis.hset(key("hooks-state"), field, json.dumps(GONE))
    redis.hset(key("hooks-state"), "2/main/0123abcd", "nonsense")
    learn(redis, 3, "main", "https://a.example/", {**FAILING, "error": "\x1b[2J\u202e"})
    (row,) = listed(cli)
    assert row["room"] == 3
    assert "\x1b" not in cli("hook", "state").stdout


# --- resume ---


def wait_for_hook(redis, n, room, hook_id, due, fence="-", extra=""):
    """Stores a waiting delivery, as workers do; returns its id."""
    delivery_id = f"1667548137257-{n}/{hook_id}"
    meta = f'{{"room":{room},"hook":"{hook_id}"{extra},"attempts":1,"encoding":"json"}}'
    record = f'{fence} 0\n{meta}\n{{"message":{{"roomId":{room}}}}}'
    redis.hset(key("deliveries"), delivery_id, record)
    redis.zadd(key("retries"), {delivery_id: due})
    return delivery_id


def test_resume_makes_the_hooks_deliveries_due(redis, cli):
    """Those of this room and hook that nobody holds; one due sooner stays so."""
    url = "https://a.example/"
    learn(redis, 438, "main", url, {**OPEN, **PAUSED})
    learn(redis, 438, "other", url, OPEN)
    far = now_ms(redis) + HOUR_MS
    mine = [wait_for_hook(redis, n, 438, "main", far + n) for n in range(3)]
    named = wait_for_hook(redis, 3, 438, "main", far, extra=',"event_id":"e-1"')
    soon = wait_for_hook(redis, 4, 438, "main", 1)
    others = {
        wait_for_hook(redis, 10, 438, "other", far): far,
        wait_for_hook(redis, 11, 4380, "main", far): far,
        wait_for_hook(redis, 12, 43, "main", far): far,
        wait_for_hook(redis, 13, 438, "main2", far): far,
        wait_for_hook(redis, 14, 438, "xmain", far): far,
        wait_for_hook(redis, 15, 438, "main", far, fence="vm-1-0a1b2c3d:12"): far,
    }
    redis.zadd(key("retries"), {"1-16/main": far})  # without a record
    before = {delivery_id: record_of(redis, delivery_id) for delivery_id in [*mine, *others]}
    done = cli("hook", "resume", "--room=438")
    now = now_ms(redis)
    assert done.stdout == "5 waiting deliveries are due\n"
    due = sorted(due_ms(redis, delivery_id) for delivery_id in [*mine, named])
    assert now - 2000 < due[0] and due[-1] <= now + 1100
    assert len(set(due)) == 4, "a millisecond apart"
    assert due_ms(redis, soon) == 1
    assert {delivery_id: due_ms(redis, delivery_id) for delivery_id in others} == others
    assert before == {delivery_id: record_of(redis, delivery_id) for delivery_id in before}
    assert list(hook_states(redis)) == [f"438/other/{fingerprint(url)}"]
    assert redis.zcard(key("retries")) == 12


@pytest.mark.parametrize("command", ["resume", "enable"])
def test_resume_says_how_many(redis, cli, command):
    set_hook(redis, 438, "audit", url="https://a.example/", enabled=command == "resume")
    wait_for_hook(redis, 0, 438, "audit", now_ms(redis) + HOUR_MS)
    told = ("hook", command, "--room=438", "--id=audit")
    assert cli(*told).stdout == "1 waiting delivery is due\n"
    assert json.loads(cli(*told, "--json").stdout) == {
        "room": 438, "id": "audit", "deliveries": 1,
    }


def test_resume_of_very_many(redis, cli):
    """More than a page."""
    set_hook(redis, 438, "main", url="https://a.example/")
    far = now_ms(redis) + HOUR_MS
    pipeline = redis.pipeline(transaction=False)
    for n in range(3000):
        wait_for_hook(pipeline, n, 438 if n % 2 else 439, "main", far)
    pipeline.execute()
    started = now_ms(redis)
    assert cli("hook", "resume", "--room=438").stdout == "1500 waiting deliveries are due\n"
    took = now_ms(redis) - started
    waiting = redis.zrange(key("retries"), 0, -1, withscores=True)
    moved = [score - started for _, score in waiting if score < far]
    assert len(moved) == 1500 and len(waiting) == 3000
    assert 1000 <= min(moved) and 1000 + 1499 <= max(moved) <= 1000 + 1499 + took


def test_resume_of_very_large_ones(redis, cli):
    """More bytes in a page than one run of the script takes."""
    set_hook(redis, 438, "main", url="https://a.example/")
    far = now_ms(redis) + HOUR_MS
    for n in range(150):
        wait_for_hook(redis, n, 438, "main", far, extra=f',"error":"{"x" * 200_000}"')
    assert cli("hook", "resume", "--room=438").stdout == "150 waiting deliveries are due\n"
    assert redis.zcount(key("retries"), far, "+inf") == 0


def test_resume_refuses(redis, cli):
    """What would make waiting deliveries dead letters, or does nothing."""
    learn(redis, 438, "off", "https://a.example/", GONE)
    set_hook(redis, 438, "off", url="https://a.example/", enabled=False)
    learn(redis, 438, "bad", "https://a.example/", GONE)
    set_hook(redis, 438, "bad", url="nonsense")
    far = now_ms(redis) + HOUR_MS
    waiting = [wait_for_hook(redis, n, 438, name, far) for n, name in enumerate(["off", "bad"])]
    for hook_id, words in (
        ("off", "the hook is disabled; roomhook hook enable takes it up"),
        ("bad", "the hook is not valid: url: "),
        ("none", "room 438 has no hook none"),
    ):
        done = cli("hook", "resume", "--room=438", f"--id={hook_id}", check=False)
        assert done.returncode == 1 and words in done.stderr and done.stdout == ""
    assert cli("hook", "resume", check=False).returncode == 2
    assert cli("hook", "resume", "--room=438", "--id=a/b", check=False).returncode == 2
    assert len(hook_states(redis)) == 2
    assert {due_ms(redis, delivery_id) for delivery_id in waiting} == {far}


def test_resume_of_a_full_redis(own_redis, cli):
    """Nothing is added but a capped entry, so it works when it is most needed."""
    server = own_redis()
    with server.client() as client:
        learn(client, 438, "main", "https://a.example/", GONE)
        delivery_id = wait_for_hook(client, 0, 438, "main", now_ms(client) + HOUR_MS)
        client.config_set("maxmemory", 1)
        cli("hook", "resume", "--room=438", redis=server)
        assert hook_states(client) == {}
        assert due_ms(client, delivery_id) < now_ms(client) + 2000
        cli("hook", "remove", "--room=438", redis=server)
        assert client.exists(key("room:438")) == 0


# --- with real workers ---


def test_a_pause_that_is_resumed(redis, receiver, start_worker, cli):
    """What was to wait an hour arrives within seconds."""
    receiver.script("/", [Answer(429, (("Retry-After", "3600"),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(), id="event-1")
    receiver.wait_for(1)
    wait_until(lambda: hook_states(redis), 5, "the hook's state")
    enqueue(redis, message_event(), id="event-2")
    wait_until(lambda: len(records(redis)) == 2, 5, "both events to wait")
    assert worker.terminate() == 0
    (row,) = listed(cli)
    assert (row["room"], row["id"], row["state"], row["reason"]) == (
        438, "main", "paused", "retry-after",
    )
    assert row["until"] > now_ms(redis) + 3000_000
    assert cli("hook", "list", "--room=438").stdout.count("paused until") == 1
    start_worker(retry_schedule="100ms")
    assert cli("hook", "resume", "--room=438").stdout == "2 waiting deliveries are due\n"
    requests = receiver.wait_for(3, timeout=10)
    assert {request.header("webhook-id") for request in requests[1:]} == {"event-1", "event-2"}
    assert_queue_empty(redis)
    assert listed(cli) == []


@pytest.mark.parametrize("command", ["resume", "enable"])
def test_a_410_that_is_taken_back(redis, receiver, start_worker, cli, command):
    receiver.script("/", [Answer(410), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker()
    enqueue(redis, message_event())
    receiver.wait_for(1)
    wait_until(lambda: hook_states(redis), 5, "the hook's state")
    (row,) = listed(cli, "--failing")
    assert (row["state"], row["reason"], row["registered"]) == ("disabled", "gone", "yes")
    assert row["origin"] == receiver.url("").rstrip("/")
    assert "disabled: gone" in cli("hook", "list", "--room=438").stdout
    assert worker.terminate() == 0
    cli("hook", command, "--room=438")
    start_worker()
    enqueue(redis, message_event(), id="event-2")
    assert receiver.wait_for(2)[1].header("webhook-id") == "event-2"
    assert_queue_empty(redis)
    assert listed(cli) == []
