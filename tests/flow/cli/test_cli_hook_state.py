"""roomhook hook state and hook resume: what workers learnt about hooks, and forgetting it."""

import json
import re

import pytest

from receiver import Answer
from lane_invariants import check_invariants
from wait import wait_until
from waiting import fingerprint, lane_of, place_of, put_in_lane, shut_lane
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
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


def learn(redis, room, hook_id, url, state, registered=True):
    """Writes a state as workers do, of a hook that is there or not."""
    if registered:
        set_hook(redis, room, hook_id, url=url)
    known = {**state, "fingerprint": fingerprint(url)}
    redis.hset(key("hooks-state"), f"{room}/{hook_id}", json.dumps(known))


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
        "ROOM", "ID", "STATE", "SINCE", "NEXT", "ORIGIN", "FAILURES", "WHY",
    ]
    since = then = f"{(now_ms(redis) - FAILING['at']) // 86_400_000}d ago"
    until = f"in {(PAUSED['until'] - now_ms(redis)) // 86_400_000}d"
    assert [re.split("  +", line) for line in lines] == [
        ["-7", "main", "paused", then, until, "http://b.example:80", "0", "retry-after"],
        ["90", "main", "disabled", then, "-", "https://c.example:443", "0", "gone"],
        ["438", "audit", "failing", since, "-", "https://a.example:443", "3", "answered 503"],
        ["438", "zeta", "open", since, since, "https://z.example:8443", "3", "answered 503"],
        ["1000", "main", "disabled", since, "-", "https://d.example:443", "9000", "answered 503"],
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
    assert cli("hook", "state", "--room=x/y", check=False).returncode == 2


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
    states = {f"{room}/main": json.dumps(FAILING) for room in range(3000)}
    redis.hset(key("hooks-state"), mapping=states)
    assert [row["room"] for row in listed(cli)] == list(range(3000))


def test_state_of_nothing(redis, cli):
    assert len(cli("hook", "state").stdout.splitlines()) == 1
    assert listed(cli) == []


def test_state_passes_over_nonsense(redis, cli):
    """Nor can a stranger's words steer a terminal."""
    for field in ("", "/", "//", "438", "438/", "/main", "../main", "1/a b", "1/main/0123abcd",
                  "1/\x1b"):
        redis.hset(key("hooks-state"), field, json.dumps(GONE))
    redis.hset(key("hooks-state"), "2/main", "nonsense")
    learn(redis, 3, "main", "https://a.example/", {**FAILING, "error": "\x1b[2J\u202e"})
    (row,) = listed(cli)
    assert row["room"] == 3
    assert "\x1b" not in cli("hook", "state").stdout


def test_state_of_inline_hooks(redis, cli):
    """They have no id; in a room or in none."""
    redis.hset(key("hooks-state"), "7/:0123456789abcdef", json.dumps(OPEN))
    redis.hset(key("hooks-state"), "/:0123456789abcdef", json.dumps(PAUSED))
    learn(redis, 7, "main", "https://a.example/", FAILING)
    assert [(row.get("room"), row["id"], row["registered"]) for row in listed(cli)] == [
        (None, ":0123456789abcdef", "inline"), (7, ":0123456789abcdef", "inline"),
        (7, "main", "yes"),
    ]
    first, second = cli("hook", "state").stdout.splitlines()[1:3]
    assert first.split()[:3] == ["-", ":0123456789abcdef", "paused"] and "  inline  " in second
    assert [row["id"] for row in listed(cli, "--room=7")] == [":0123456789abcdef", "main"]


# --- resume ---


def fill_lane(redis, url="https://a.example/", lane="438/main"):
    """A shut lane: one delivery that waits for its turn, three retries, a leased one, and one whose
    leases ran out. Returns their ids by name.
    """
    far = now_ms(redis) + HOUR_MS
    ids = {
        "turn": put_in_lane(redis, lane, "1667548137257-0"),
        "retry": [put_in_lane(redis, lane, f"1667548137257-{n}", far + n, due_at=far + n)
                  for n in (1, 2, 3)],
        "leased": put_in_lane(redis, lane, "1667548137257-4", far,
                              lease="vm-1-0a1b2c3d:12 0 1667548137257"),
        "expired": put_in_lane(redis, lane, "1667548137257-5", far, lease="- 1 0"),
    }
    shut_lane(redis, lane, fingerprint(url))
    return ids


@pytest.mark.parametrize("command", ["resume", "enable"])
def test_resume_makes_the_hooks_deliveries_due(redis, cli, command):
    """Those that nobody holds; and only of this hook."""
    url = "https://a.example/"
    learn(redis, 438, "main", url, {**OPEN, **PAUSED})
    learn(redis, 438, "other", url, OPEN)
    ids, others = fill_lane(redis), fill_lane(redis, lane="438/other")
    before = now_ms(redis)
    assert cli("hook", command, "--room=438").stdout == "6 waiting deliveries are due\n"
    lane = lane_of(redis, "438/main")
    for name in (*ids["retry"], ids["expired"]):
        assert before <= lane[name] <= now_ms(redis)
    assert lane[ids["turn"]] == 1667548137257 and lane[ids["leased"]] > before + HOUR_MS // 2
    assert place_of(redis, "438/main") == ("lanes", 1667548137257)
    assert place_of(redis, "438/other")[0] == "lanes-shut"
    assert all(lane_of(redis, "438/other")[name] > before + 1000 for name in others["retry"])
    assert list(hook_states(redis)) == ["438/other"]
    assert redis.hkeys(key("gates")) == [b"438/other"]
    check_invariants(redis)


@pytest.mark.parametrize("command", ["resume", "enable"])
def test_resume_says_how_many(redis, cli, command):
    set_hook(redis, 438, "audit", url="https://a.example/", enabled=command == "resume")
    put_in_lane(redis, "438/audit", "1667548137257-0")
    told = ("hook", command, "--room=438", "--id=audit")
    assert cli(*told).stdout == "1 waiting delivery is due\n"
    assert json.loads(cli(*told, "--json").stdout) == {
        "room": 438, "id": "audit", "deliveries": 1,
    }


def test_resume_of_nothing(redis, cli):
    set_hook(redis, 438, "main", url="https://a.example/")
    assert cli("hook", "resume", "--room=438").stdout == "0 waiting deliveries are due\n"
    assert place_of(redis, "438/main") == (None, None)


def test_resume_of_very_many(redis, cli):
    """More than a page."""
    set_hook(redis, 438, "main", url="https://a.example/")
    far = now_ms(redis) + HOUR_MS
    pipeline = redis.pipeline(transaction=False)
    for n in range(3000):
        put_in_lane(pipeline, "438/main", f"1667548137257-{n}", far + n // 7)
    pipeline.execute()
    assert cli("hook", "resume", "--room=438").stdout == "3000 waiting deliveries are due\n"
    scores = lane_of(redis, "438/main").values()
    assert len(scores) == 3000 and max(scores) <= now_ms(redis)


def test_resume_refuses(redis, cli):
    """What would make waiting deliveries dead letters, or does nothing."""
    learn(redis, 438, "off", "https://a.example/", GONE)
    set_hook(redis, 438, "off", url="https://a.example/", enabled=False)
    learn(redis, 438, "bad", "https://a.example/", GONE)
    set_hook(redis, 438, "bad", url="nonsense")
    lanes = {name: fill_lane(redis, lane=name) and lane_of(redis, name)
             for name in ("438/off", "438/bad")}
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
    assert lanes == {name: lane_of(redis, name) for name in lanes}


def test_resume_of_a_full_redis(own_redis, cli):
    """Nothing is added but a capped entry, so it works when it is most needed."""
    server = own_redis()
    with server.client() as client:
        learn(client, 438, "main", "https://a.example/", GONE)
        fill_lane(client)
        client.config_set("maxmemory", 1)
        cli("hook", "resume", "--room=438", redis=server)
        assert hook_states(client) == {}
        assert place_of(client, "438/main")[0] == "lanes"
        cli("hook", "remove", "--room=438", redis=server)
        assert client.exists(key("room:438")) == 0


# --- other changes of a hook, and what waits for it ---


def test_a_new_url_makes_all_due(redis, cli):
    """And says so; whatever else is set only opens the gate."""
    url = "https://a.example/"
    set_hook(redis, 438, "main", url=url)
    ids = fill_lane(redis, url)
    retry = ids["retry"][0]
    far = lane_of(redis, "438/main")[retry]
    assert "waiting                6\n" in cli("hook", "set", "--room=438", "--timeout=5s").stdout
    assert lane_of(redis, "438/main")[retry] == far
    assert place_of(redis, "438/main") == ("lanes", 1667548137257)
    done = cli("hook", "set", "--room=438", "--url=https://b.example/")
    assert "waiting                6, due now\n" in done.stdout
    assert lane_of(redis, "438/main")[retry] <= now_ms(redis)
    done = cli("--json", "hook", "set", "--room=438", "--signature=other")
    assert json.loads(done.stdout)["waiting"] == 6
    check_invariants(redis)


def test_a_new_secret_opens_the_gate(redis, cli):
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
    set_hook(redis, 438, "main", url="https://a.example/", secret=secret)
    retry = fill_lane(redis)["retry"][0]
    far = lane_of(redis, "438/main")[retry]
    assert "waiting                6\n" in cli("hook", "rotate", "--room=438").stdout
    assert place_of(redis, "438/main") == ("lanes", 1667548137257)
    assert redis.exists(key("gates")) == 0 and lane_of(redis, "438/main")[retry] == far


@pytest.mark.parametrize("command", ["disable", "remove"])
def test_workers_look_soon_at_what_is_to_be_buried(redis, cli, command):
    learn(redis, 438, "main", "https://a.example/", OPEN)
    fill_lane(redis)
    assert place_of(redis, "438/main")[1] > now_ms(redis) + 1000
    cli("hook", command, "--room=438")
    name, score = place_of(redis, "438/main")
    assert score <= now_ms(redis)
    assert name == ("lanes" if command == "remove" else "lanes-shut")
    assert len(hook_states(redis)) == (1 if command == "disable" else 0)
    check_invariants(redis)


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
    wait_until(lambda: len(lane_of(redis, "438/main")) == 2, 5, "both events to wait")
    assert worker.terminate() == 0
    (row,) = listed(cli)
    assert (row["room"], row["id"], row["state"], row["reason"]) == (
        438, "main", "paused", "retry-after",
    )
    assert row["until"] > now_ms(redis) + 3000_000
    assert re.search(r"main +paused .* retry-after: answered 429\n",
                     cli("hook", "list", "--room=438").stdout)
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
    assert re.search(r"main +disabled .* gone\n", cli("hook", "list", "--room=438").stdout)
    assert worker.terminate() == 0
    cli("hook", command, "--room=438")
    start_worker()
    enqueue(redis, message_event(), id="event-2")
    assert receiver.wait_for(2)[1].header("webhook-id") == "event-2"
    assert_queue_empty(redis)
    assert listed(cli) == []


def fail_for_long(redis, receiver, cli):
    """Leaves a hook open, with what waits for it an hour."""
    receiver.script("/", Answer(503))
    set_hook(redis, 438, "main", url=receiver.url())
    for n in range(20):
        enqueue(redis, message_event(), id=f"event-{n}")
    wait_until(lambda: [row["state"] for row in listed(cli)] == ["open"], 15, "the hook to open")
    wait_until(lambda: len(lane_of(redis, "438/main")) == 20, 15, "all to wait")
    wait_until(lambda: redis.hlen(key("leases")) == 0, 5, "all failures to be stored")
    wait_until(lambda: place_of(redis, "438/main")[0] == "lanes-shut", 5, "the lane to be shut")


@pytest.mark.parametrize("command", ["remove", "disable"])
def test_what_waits_for_an_open_hook_is_buried(redis, receiver, start_worker, cli, command):
    """Within seconds, not when the next probe is due."""
    start_worker(retry_schedule="1h")
    fail_for_long(redis, receiver, cli)
    cli("hook", command, "--room=438")
    assert_queue_empty(redis, timeout=10)
    letters = dead_letters(redis)
    assert len(letters) == 20
    assert {letter["reason"] for letter in letters} == {
        "hook-removed" if command == "remove" else "hook-disabled",
    }


def test_a_new_url_is_tried_at_once(redis, receiver, start_worker, cli):
    """What was to wait an hour for the old one comes within seconds."""
    start_worker(retry_schedule="1h")
    fail_for_long(redis, receiver, cli)
    receiver.script("/new", Answer(200))
    done = cli("hook", "set", "--room=438", f"--url={receiver.url('/new')}")
    assert "waiting                20, due now\n" in done.stdout
    requests = receiver.wait_for(20, "/new", timeout=15)
    assert {request.header("webhook-id") for request in requests} == {
        f"event-{n}" for n in range(20)
    }
    assert_queue_empty(redis)
    assert listed(cli) == []
