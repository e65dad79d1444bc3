"""roomhook hook: registering webhooks, and what others know about them."""

import hashlib
import json
import re
import subprocess

import pytest
from receiver import Answer
from wait import wait_until
from webhook_queue import enqueue, key, message_event, now_ms, set_hook

OLD_SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
URL = "https://receiver.example/hook?a=b"


def hook(redis, room=438, hook_id="main"):
    text = redis.hget(key(f"room:{room}"), hook_id)
    return None if text is None else json.loads(text)


def rows(done):
    """A table as a list of dicts."""
    title, *lines = done.stdout.splitlines()
    names = title.split()
    return [dict(zip(names, line.split(maxsplit=len(names) - 1))) for line in lines]


def test_set_new(redis, cli):
    done = cli("hook", "set", "--room", "438", "--url", URL)
    stored = hook(redis)
    assert stored == {"url": URL, "verificationSignature": stored["verificationSignature"]}
    assert len(stored["verificationSignature"]) == 16
    printed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert printed == {"room": "438", "id": "main", "format": "spika", **stored}
    assert done.stderr == ""


@pytest.mark.parametrize("url, why", [
    ("https://10.0.0.1/", "10.0.0.1 port 443 is not public"),
    ("https://a.example:25/", "port 25 is none of a web server"),
    ("https://localhost/", "127.0.0.1 port 443 is not public"),
    (URL, None),
])  # fmt: skip
def test_set_warns_of_what_workers_refuse(redis, cli, url, why):
    done = cli("hook", "set", "--room", "438", "--url", url)
    assert hook(redis)["url"] == url
    assert ("workers refuse this URL" in done.stderr) == bool(why), done.stderr
    assert why is None or f"open it: {why}" in done.stderr


def test_set_all(redis, cli):
    done = cli(
        "--json", "hook", "set", "--room=-7", "--id=second", f"--url={URL}", "--format=standard",
        "--signature=9JOLCJUVylQxxdhX", "--secret=auto", f"--secret={OLD_SECRET}",
        "--header=X-Token: abc", "--header", "X-Other:def", "--timeout=5s", "--max-age=1h",
        "--rate-limit=10/s", "--accept-status=302,303",
        "--types=message.created,reaction.*", "--description=für 🐎",
    )
    printed = json.loads(done.stdout)
    made = printed.pop("secret")
    assert made.startswith("whsec_") and made != OLD_SECRET
    assert printed == {
        "room": -7, "id": "second", "description": "für 🐎", "url": URL, "format": "standard",
        "enabled": True,
        "verificationSignature": "9JOLCJUVylQxxdhX", "secrets": 2, "headers": 2,
        "headerNames": ["X-Token", "X-Other"], "maxAge": "1h", "timeout": "5s",
        "types": ["message.created", "reaction.*"], "acceptStatus": [302, 303],
        "rateLimit": "10/s",
    }
    assert hook(redis, -7, "second") == {
        "url": URL, "verificationSignature": "9JOLCJUVylQxxdhX", "secret": [made, OLD_SECRET],
        "format": "standard", "headers": {"X-Token": "abc", "X-Other": "def"},
        "maxAge": "1h", "timeout": "5s", "acceptStatus": [302, 303], "rateLimit": "10/s",
        "types": ["message.created", "reaction.*"], "description": "für 🐎",
    }


def test_set_changes_only_what_is_given(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}", "--secret=auto", "--header=X-A: 1")
    before = hook(redis)
    done = cli("hook", "set", "--room=438", "--format=bare", "--header=X-B: 2")
    assert hook(redis) == {**before, "format": "bare", "headers": {"X-A": "1", "X-B": "2"}}
    assert "whsec_" not in done.stdout and "secrets                1\n" in done.stdout
    cli("hook", "set", "--room=438", "--secret=none", "--signature=none", "--header=x-a:")
    assert hook(redis) == {"url": URL, "format": "bare", "headers": {"X-B": "2"}}


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--url=ftp://receiver.example/"],
        ["--url=https://user@receiver.example/"],
        [f"--url={URL}", "--format=xml"],
        [f"--url={URL}", "--secret=short"],
        [f"--url={URL}", "--secret=auto", "--secret=auto"],
        [f"--url={URL}", "--signature=with space"],
        [f"--url={URL}", "--header=Host: a"],
        [f"--url={URL}", "--header=nothing"],
        [f"--url={URL}", "--timeout=5"],
        [f"--url={URL}", "--rate-limit=10"],
        [f"--url={URL}", "--accept-status=200"],
        [f"--url={URL}", "--accept-status=302;303"],
        [f"--url={URL}", '--template={"a":"{{x.y}}"}'],
        [f"--url={URL}", '--template={"a":"b"}', "--format=bare"],
        [f"--url={URL}", "--template=/no/such/file"],
        [f"--url={URL}", "--template=" + 9 * "[" + 9 * "]"],
        [f"--url={URL}", "--types=message.*,"],
        [f"--url={URL}", "--types=*"],
        [f"--url={URL}", "--description="],
        [f"--url={URL}", "--description=\x1b[31mred"],
        [f"--url={URL}", "--description=" + 201 * "x"],
        [f"--url={URL}", "--id=a/b"],
        [f"--url={URL}", "--room=1"],
    ],
)
def test_set_refuses(redis, cli, arguments):
    done = cli("hook", "set", "--room=438", *arguments, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stdout == ""
    assert redis.dbsize() == 0


def test_set_needs_a_room(redis, cli):
    assert cli("hook", "set", f"--url={URL}", check=False).returncode == 2
    for room in ("", "a b", "a/b", ".", "..", "{a}", "r" * 129):
        done = cli("hook", "set", f"--url={URL}", f"--room={room}", check=False)
        assert done.returncode == 2 and "2^64-1 or a string of 1..128" in done.stderr, room
    assert redis.dbsize() == 0


def test_set_repairs_and_refuses_what_is_no_object(redis, cli):
    set_hook(redis, 438, "main", url="nonsense", format="bare")
    cli("hook", "set", "--room=438", f"--url={URL}")
    assert hook(redis) == {"url": URL, "format": "bare"}
    redis.hset(key("room:438"), "main", "[1]")
    assert cli("hook", "set", "--room=438", f"--url={URL}", check=False).returncode == 1
    assert redis.hget(key("room:438"), "main") == b"[1]"


def test_plain_http_warning(redis, cli):
    warning = "http:// shows messages"
    assert warning in cli("hook", "set", "--room=1", "--url=http://receiver.example/").stderr
    assert warning not in cli("hook", "set", "--room=1", "--url=http://127.0.0.1:9000/").stderr


def test_enable_and_disable(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}")
    cli("hook", "disable", "--room=438")
    assert hook(redis)["enabled"] is False
    cli("hook", "set", "--room=438", "--format=bare")
    assert hook(redis)["enabled"] is False
    cli("hook", "enable", "--room=438")
    assert hook(redis)["enabled"] is True
    for command in ("enable", "disable"):
        done = cli("hook", command, "--room=438", "--id=other", check=False)
        assert done.returncode == 1 and "no hook other" in done.stderr
    assert redis.hkeys(key("room:438")) == [b"main"]


def test_remove(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}")
    cli("hook", "set", "--room=438", f"--url={URL}", "--id=other")
    cli("hook", "remove", "--room=438")
    assert redis.hkeys(key("room:438")) == [b"other"]
    assert cli("hook", "remove", "--room=438", check=False).returncode == 1
    redis.hset(key("hooks-state"), "438/main", "{}")
    cli("hook", "remove", "--room=438")  # of a hook that was removed by hand: its state
    assert redis.exists(key("hooks-state")) == 0


def test_concurrent_changes_are_all_kept(redis_server, redis, cli, roomhook_bin):
    cli("hook", "set", "--room=438", f"--url={URL}")
    processes = [
        subprocess.Popen(
            [roomhook_bin / "roomhook", "--redis", redis_server.url, "hook", "set", "--room=438",
             f"--header=X-{i}: {i}"],
            stdout=subprocess.DEVNULL,
        )
        for i in range(16)
    ]
    assert [process.wait(20) for process in processes] == [0] * 16
    assert hook(redis)["headers"] == {f"X-{i}": str(i) for i in range(16)}


# --- workers are told ---


def changes(redis):
    """The (room, hook) of each entry of hooks-changed."""
    return [
        (fields[b"room"].decode(), fields[b"hook"].decode())
        for _, fields in redis.xrange(key("hooks-changed"))
    ]


@pytest.mark.parametrize(
    "command", [["set", f"--url={URL}"], ["enable"], ["disable"], ["remove"], ["resume"]]
)
def test_a_change_is_told(redis, cli, command):
    if command[0] != "set":
        set_hook(redis, -7, "audit", url=URL)
    cli("hook", command[0], "--room=-7", "--id=audit", *command[1:])
    assert changes(redis) == [("-7", "audit")]


@pytest.mark.parametrize("command", ["set", "enable", "remove", "resume"])
def test_a_forgotten_state_is_told_when_it_is_gone(redis, cli, command):
    """A worker that reads between the two changes is told again."""
    set_hook(redis, 438, "main", url=URL)
    redis.hset(key("hooks-state"), "438/main", "{}")
    cli("hook", command, "--room=438")
    assert changes(redis) == [("438", "main")] * (1 if command == "resume" else 2)


def test_what_is_refused_is_not_told(redis, cli):
    set_hook(redis, 438, "off", url=URL, enabled=False)
    set_hook(redis, 438, "bad", url="nonsense")
    for arguments in (
        ["set", "--room=438", "--url=nonsense"],
        ["enable", "--room=438"],
        ["disable", "--room=438"],
        ["remove", "--room=438"],
        ["resume", "--room=438"],
        ["resume", "--room=438", "--id=off"],
        ["resume", "--room=438", "--id=bad"],
    ):
        assert cli("hook", *arguments, check=False).returncode in (1, 2)
    assert redis.exists(key("hooks-changed")) == 0


def test_hooks_changed_is_capped(redis, cli):
    pipeline = redis.pipeline(transaction=False)
    for n in range(3000):
        pipeline.xadd(key("hooks-changed"), {"room": n, "hook": "main"})
    pipeline.execute()
    set_hook(redis, 438, "main", url=URL)
    cli("hook", "disable", "--room=438")
    assert 1000 <= redis.xlen(key("hooks-changed")) <= 1100  # trimmed by whole nodes
    assert changes(redis)[-1] == ("438", "main")


# --- what workers learnt ---


STATES = dict.fromkeys(["438/main", "438/main2", "438/mai", "4380/main", "43/main"], "{}")


@pytest.mark.parametrize("command", [["set", "--format=bare"], ["enable"], ["remove"]])
def test_state_is_forgotten(redis, cli, command):
    """This hook's, whatever URL it had, and its gate; and no other hook's."""
    set_hook(redis, 438, "main", url=URL)
    redis.hset(key("hooks-state"), mapping=STATES)
    redis.hset(key("gates"), mapping={lane: "9e15 open 0123abcd" for lane in STATES})
    cli("hook", command[0], "--room=438", *command[1:])
    for name in ("hooks-state", "gates"):
        assert {lane.decode() for lane in redis.hkeys(key(name))} == set(STATES) - {"438/main"}


def test_disable_keeps_the_state(redis, cli):
    set_hook(redis, 438, "main", url=URL)
    redis.hset(key("hooks-state"), mapping=STATES)
    cli("hook", "disable", "--room=438")
    assert redis.hlen(key("hooks-state")) == len(STATES)


# --- list ---


def test_list(redis, cli):
    set_hook(redis, 438, "a", url=URL, verificationSignature="9JOLCJUVylQxxdhX",
             secret=[OLD_SECRET, OLD_SECRET], format="bare", headers={"X-A": "b"}, timeout="5s",
             rateLimit="10/s", description="for us")
    set_hook(redis, 438, "b", url=URL, enabled=False)
    set_hook(redis, 438, "c", url="x")
    done = cli("hook", "list", "--room=438")
    assert "whsec_" not in done.stdout
    title, *lines = done.stdout.splitlines()
    a, b, c = sorted(lines)  # by id
    assert title.split() == [
        "ROOM", "ID", "STATE", "FORMAT", "SECRETS", "LIMITS", "HEADERS", "SIGNATURE", "DESCRIPTION",
        "URL", "WHY",
    ]
    assert re.split("  +", a) == [
        "438", "a", "healthy", "bare", "2", "10/s, timeout 5s", "X-A", "****", "for us", URL, "-",
    ]
    assert re.split("  +", b) == ["438", "b", "disabled", "spika", "0", *"----", URL, "-"]
    assert re.split("  +", c)[:-1] == ["438", "c", "not valid", *"-------"]
    assert "url: must start with" in c

    done = cli("hook", "list", "--room=438", "--json")
    objects = {one["id"]: one for one in map(json.loads, done.stdout.splitlines())}
    assert objects["a"] == {
        "room": 438, "id": "a", "url": URL, "format": "bare", "enabled": True,
        "description": "for us", "signature": True, "secrets": 2, "headers": 1,
        "headerNames": ["X-A"], "timeout": "5s", "rateLimit": "10/s", "state": "healthy",
    }
    assert objects["b"]["enabled"] is False and objects["b"]["signature"] is False
    assert objects["c"]["state"].startswith("not valid: url")


@pytest.mark.parametrize("command", ["list", "show"])
def test_signatures_are_shown_when_asked_for(redis, cli, command):
    """They are passwords. Secrets are not shown even then."""
    set_hook(redis, 438, "main", url=URL, verificationSignature="9JOLCJUVylQxxdhX",
             secret=OLD_SECRET)  # fmt: skip
    for flags in ((), ("--json",)):
        done = cli("hook", command, "--room=438", *flags)
        assert "9JOLCJUVylQxxdhX" not in done.stdout
        done = cli("hook", command, "--room=438", "--show-secrets", *flags)
        assert "9JOLCJUVylQxxdhX" in done.stdout and "whsec_" not in done.stdout


def test_list_of_nothing(redis, cli):
    assert rows(cli("hook", "list", "--room=438")) == []
    assert cli("hook", "list", "--room=438", "--json").stdout == ""


def test_list_of_all_rooms(redis, cli):
    """In the order of rooms; whatever is there by hand does not hide the rest."""
    for room in (438, -7, 7):
        set_hook(redis, room, "main", url=URL)
    for room in range(1000, 1700):
        set_hook(redis, room, "main", url=URL)
    set_hook(redis, 5, "main", url=URL, queue="other")
    redis.set(key("room:8"), "a string")
    for room in ("!a:matrix.org", "C024BE91L", "-0"):
        set_hook(redis, room, "main", url=URL)
    redis.hset(key("room:x/y"), "main", "{}")
    listed = [json.loads(line) for line in cli("hook", "list", "--json").stdout.splitlines()]
    assert [one["room"] for one in listed] == [
        -7, 7, 8, 438, *range(1000, 1700), "!a:matrix.org", "-0", "C024BE91L",
    ]  # fmt: skip
    assert listed[2]["state"] == "not valid: the room's key is not a hash"
    title, *lines = cli("hook", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines[:4]] == ["-7", "7", "8", "438"]
    assert [line.split()[0] for line in lines[704:]] == ["!a:matrix.org", "-0", "C024BE91L"]


def test_list_of_a_room_with_many_hooks(redis, cli):
    """Each has the state that is its own."""
    fingerprint = hashlib.sha256(b"https://a.example/\0\0").hexdigest()[:8]
    for n in range(250):
        set_hook(redis, 438, f"h{n}", url="https://a.example/")
        state = {"fingerprint": fingerprint, "failing_since": 1, "failures": 1, "error": f"why-{n}"}
        redis.hset(key("hooks-state"), f"438/h{n}", json.dumps(state))
    listed = [json.loads(line) for line in cli("hook", "list", "--json").stdout.splitlines()]
    assert {one["id"]: one["error"] for one in listed} == {f"h{n}": f"why-{n}" for n in range(250)}


# --- show ---


def test_show(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}", "--secret=auto", "--header=X-Token: hush",
        "--rate-limit=10/s", "--timeout=5s", "--max-age=1h", "--signature=9JOLCJUVylQxxdhX",
        "--accept-status=302,303", "--types=message.*,x", "--description=für uns")
    redis.zadd(key("lane:438/main"), {"1-0": 1, "1-1": 1})
    text = cli("hook", "show", "--room=438").stdout
    assert dict(line.split(maxsplit=1) for line in text.splitlines()) == {
        "room": "438", "id": "main", "url": URL, "format": "spika",
        "verificationSignature": "****", "secrets": "1", "rateLimit": "10/s",
        "timeout": "5s", "maxAge": "1h", "acceptStatus": "302,303", "headers": "X-Token",
        "waiting": "2", "types": "message.*,x", "description": "für uns", "state": "healthy",
    }
    shown = json.loads(cli("hook", "show", "--room=438", "--json").stdout)
    assert shown == {
        "room": 438, "id": "main", "url": URL, "format": "spika", "enabled": True,
        "signature": True, "secrets": 1, "headers": 1,
        "headerNames": ["X-Token"], "maxAge": "1h", "timeout": "5s", "acceptStatus": [302, 303],
        "types": ["message.*", "x"], "description": "für uns", "rateLimit": "10/s", "waiting": 2,
        "state": "healthy",
    }
    assert "hush" not in text and "whsec_" not in text


def test_a_template_is_shown_as_json(redis, cli):
    template = {"a": "für {{type}} \u009b31m \U0001f40e"}
    cli("hook", "set", "--room=438", f"--url={URL}", f"--template={json.dumps(template)}")
    text = cli("hook", "show", "--room=438").stdout
    shown = dict(line.split(maxsplit=1) for line in text.splitlines())
    assert shown["format"] == "template"
    assert shown["template"].isascii() and json.loads(shown["template"]) == template
    assert json.loads(cli("hook", "show", "--room=438", "--json").stdout)["template"] == template
    assert rows(cli("hook", "list"))[0]["FORMAT"] == "template"


def test_show_tells_the_state(redis, cli):
    fingerprint = hashlib.sha256(b"https://a.example/\0\0").hexdigest()[:8]
    set_hook(redis, 438, "audit", url="https://a.example/", enabled=False)
    now = now_ms(redis)
    state = {
        "failing_since": now - 200_000, "failures": 3, "status": 503, "error": "answered 503",
        "opens": 1, "probe_at": now + 130_000,
    }
    redis.hset(key("hooks-state"), "438/audit", json.dumps({**state, "fingerprint": fingerprint}))
    text = cli("hook", "show", "--room=438", "--id=audit").stdout
    rows = dict(line.split(maxsplit=1) for line in text.splitlines())
    assert rows["enabled"] == "no" and rows["state"] == "disabled" and rows["failures"] == "3"
    assert rows["why"] == "answered 503" and "next" not in rows
    shown = json.loads(cli("hook", "show", "--room=438", "--id=audit", "--json").stdout)
    assert {name: shown[name] for name in state} == state and shown["state"] == "disabled"
    set_hook(redis, 438, "audit", url="https://a.example/")
    text = cli("hook", "show", "--room=438", "--id=audit").stdout
    rows = dict(line.split(maxsplit=1) for line in text.splitlines())
    assert rows["state"] == "open" and "enabled" not in rows
    assert (rows["since"], rows["next"], rows["why"]) == ("3m ago", "in 2m", "answered 503")


def test_show_of_nothing(redis, cli):
    done = cli("hook", "show", "--room=438", check=False)
    assert done.returncode == 1 and "room 438 has no hook main" in done.stderr
    set_hook(redis, 438, "main", url="x")
    done = cli("hook", "show", "--room=438", check=False)
    assert done.returncode == 1 and "hook main is not valid: url: must start" in done.stderr


def test_set_prints_all_that_is_stored(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}", "--header=X-Token: hush", "--timeout=5s")
    cli("hook", "disable", "--room=438")
    text = cli("hook", "set", "--room=438", "--rate-limit=10/s", "--max-age=1h").stdout
    printed = dict(line.split(maxsplit=1) for line in text.splitlines())
    del printed["verificationSignature"]
    assert printed == {
        "room": "438", "id": "main", "url": URL, "format": "spika", "enabled": "no",
        "rateLimit": "10/s", "timeout": "5s", "maxAge": "1h", "headers": "X-Token",
    }


def test_state_is_one_row_a_hook_after_a_rotate(redis, cli, start_worker, receiver):
    """What workers learn under the new secret takes the place of what they knew."""
    receiver.script("/", [Answer(500)])
    cli("hook", "set", "--room=438", f"--url={receiver.url('/')}", "--secret=auto")
    start_worker(retry_schedule="1h")
    for n in range(2):
        enqueue(redis, message_event(438))
        receiver.wait_for(n + 1)
        wait_until(lambda: cli("hook", "state", "--json").stdout, 10, "the hook's state")
        assert len(cli("hook", "state", "--json").stdout.splitlines()) == 1
        if n == 0:
            cli("hook", "rotate", "--room=438")
    assert len(cli("hook", "state").stdout.splitlines()) == 2, "a title and a row"


def test_list_shows_the_state(redis, cli):
    """The state belongs to the hook as it is: URL and (no) credentials."""
    fingerprint = hashlib.sha256(b"https://a.example/\0\0").hexdigest()[:8]
    set_hook(redis, 438, "main", url="https://a.example/")

    def state_with(**state):
        """What the table and the object say."""
        known = {**state, "fingerprint": fingerprint}
        redis.hset(key("hooks-state"), "438/main", json.dumps(known))
        _, row = cli("hook", "list", "--room=438").stdout.splitlines()
        row = re.split("  +", row)
        told = json.loads(cli("hook", "list", "--room=438", "--json").stdout)
        return (row[2], row[-1]), {name: told[name] for name in (*state, "state") if name in told}

    gone = {"disabled": True, "reason": "gone", "at": 5}
    assert state_with(**gone) == (
        ("disabled", "gone"), {"state": "disabled", "reason": "gone", "at": 5}
    )
    paused = {"until": 99999999999999, "reason": "retry-after"}
    assert state_with(**paused) == (
        ("paused", "retry-after"), {"state": "paused", **paused}
    )
    failing = {
        "failing_since": 1667548137257, "failures": 3, "status": 503, "error": "answered 503",
    }
    assert state_with(**failing) == (
        ("failing", "answered 503"),
        {"state": "failing", **failing},
    )
    is_open = {**failing, "opens": 2, "probe_at": 1667548200000}
    assert state_with(**is_open) == (
        ("open", "answered 503"),
        {"state": "open", **is_open},
    )
    assert state_with(until=1, reason="retry-after") == (("healthy", "-"), {"state": "healthy"})
    redis.hset(key("hooks-state"), f"438/main/{fingerprint}", "nonsense")
    assert cli("hook", "list", "--room=438").returncode == 0


# rotating secrets


def test_rotate(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}", f"--secret={OLD_SECRET}", "--format=bare")
    before = hook(redis)
    done = cli("hook", "rotate", "--room=438")
    printed = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    new = printed["secret"]
    assert new.startswith("whsec_") and new != OLD_SECRET and OLD_SECRET not in done.stdout
    stored = hook(redis)
    [first, old] = stored["secret"]
    assert first == new and old["key"] == OLD_SECRET and set(old) == {"key", "until"}
    day_ms = 24 * 3600 * 1000
    assert 0 <= now_ms(redis) + day_ms - old["until"] < 60000
    assert printed["oldSecretUntil"].endswith("Z")
    assert {**stored, "secret": OLD_SECRET} == before


def test_rotate_with_keep(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}", f"--secret={OLD_SECRET}")
    done = cli("--json", "hook", "rotate", "--room=438", "--keep", "7d")
    again = cli("--json", "hook", "rotate", "--room=438", "--keep=0")
    assert hook(redis)["secret"] == json.loads(again.stdout)["secret"]
    assert json.loads(done.stdout)["secret"] != json.loads(again.stdout)["secret"]
    assert "oldSecretUntil" not in json.loads(again.stdout)


def test_rotate_forgets_what_was_learnt(redis, cli):
    """A changed hook begins anew; nobody would read again what stood under its old credentials."""
    cli("hook", "set", "--room=438", f"--url={URL}", "--secret=auto")
    redis.hset(key("hooks-state"), "438/main", '{"disabled":true}')
    cli("hook", "rotate", "--room=438")
    assert not redis.exists(key("hooks-state"))


def test_rotate_refuses(redis, cli):
    cli("hook", "set", "--room=438", f"--url={URL}")
    for arguments, code, words in (
        ([], 1, "no secret to replace"),
        (["--id=other"], 1, "has no hook other"),
        (["--keep=soon"], 2, "--keep must be a time from 0 to 365d"),
        (["--keep=366d"], 2, "--keep must be"),
    ):
        done = cli("hook", "rotate", "--room=438", *arguments, check=False)
        assert done.returncode == code and words in done.stderr and done.stdout == ""
    set_hook(redis, 438, "main", url=URL, secret=[OLD_SECRET] * 4)
    done = cli("hook", "rotate", "--room=438", check=False)
    assert done.returncode == 1 and "4 secrets of this hook sign yet" in done.stderr
    assert hook(redis)["secret"] == [OLD_SECRET] * 4


def test_hooks_are_changed_while_redis_is_full(redis, cli):
    """One that exists can be stopped and mended; no other is added."""
    cli("hook", "set", "--room", "438", "--url", "https://receiver.example/", "--secret", "auto")
    redis.config_set("maxmemory", 1)
    try:
        for command in ("disable", "enable", "rotate"):
            cli("hook", command, "--room", "438")
        cli("hook", "set", "--room", "438", "--url", "https://receiver.example/other")
        done = cli("hook", "set", "--room", "439", "--url", "https://a.example/", check=False)
        assert done.returncode == 1 and "OOM" in done.stderr
        cli("hook", "disable", "--room", "438")
    finally:
        redis.config_set("maxmemory", 0)
    (hook,) = redis.hgetall(key("room:438")).values()
    assert json.loads(hook)["enabled"] is False and json.loads(hook)["url"].endswith("/other")
    assert not redis.exists(key("room:439"))
