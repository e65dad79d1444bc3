"""What the documents say is true: examples are run, tables are compared with the binaries."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import sanitizer
from receiver import Answer, Hang
from wait import wait_until
from waiting import put_in_lane
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    key,
    message_event,
    pending,
    queue_state,
    set_hook,
    wait_dead,
    wait_stat,
)

TOP = Path(__file__).resolve().parents[3]
DOCS = [*sorted(TOP.glob("*.md")), *sorted((TOP / "docs").rglob("*.md"))]
GUIDES = ("producers", "receivers", "hooks", "operations")
SIGNED = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


def text_of(name):
    return (TOP / name).read_text(encoding="utf-8")


def block(name, language, containing):
    """The one code block of this language that contains a text."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", text_of(name), re.MULTILINE | re.DOTALL)
    fitting = [one for one in blocks if containing in one]
    assert len(fitting) == 1, f"{len(fitting)} blocks of {language} with {containing} in {name}"
    return fitting[0]


@pytest.fixture
def shell(roomhook_bin, redis_server, tmp_path):
    """shell(commands) runs a block of commands against redis_server -> what it printed."""
    folder = tmp_path / "bin"
    folder.mkdir()
    wrapper = folder / "redis-cli"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("redis-cli")} -p {redis_server.port} "$@"\n')
    wrapper.chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{folder}:{roomhook_bin}:{os.environ['PATH']}",
        "ROOMHOOK_REDIS": redis_server.url,
    }

    def run(commands):
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands],
            env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
        return done.stdout

    return run


@pytest.fixture
def room_438(redis, receiver, start_worker):
    """A worker, and a hook of the room that the documents write to."""
    set_hook(redis, 438, "main", url=receiver.url("/hook"), format="bare")
    start_worker()


@pytest.fixture
def named_room(redis, receiver, start_worker):
    """A worker, and a hook of the room that the programs of docs/clients write to."""
    set_hook(redis, "!abc:matrix.org", "main", url=receiver.url("/hook"), format="bare")
    start_worker()


def test_settings_table_is_that_of_the_worker(roomhook_bin):
    done = subprocess.run(
        [roomhook_bin / "roomhook-worker", "--print-settings-table"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    table = text_of("docs/settings.md").partition("\n\n| ")[1:]
    assert "".join(table).lstrip("\n") == done.stdout


def words_of(text):
    return re.split("[ ,]+", text)


def test_operations_names_real_settings_with_their_defaults(roomhook_bin):
    done = subprocess.run(
        [roomhook_bin / "roomhook-worker", "--print-settings-table"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    real = dict(re.findall(r"^\| `([a-z-]+)` \| `([^`]*)` \|", done.stdout, re.MULTILINE))
    section = text_of("docs/operations.md").partition("\n## Run\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \| (.*?) \|", section, re.MULTILINE)
    assert rows
    for names, told in rows:
        wanted = [real[name] for name in re.findall(r"`([a-z-]+)`", names)]
        assert words_of(told.replace("`", "")) == words_of(" ".join(wanted)), names


def test_pages_mention_every_command(cli):
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +[A-Z]", cli("--help").stdout, re.MULTILINE)
    assert "send" in commands and "dead replay" in commands
    pages = "".join(text_of(f"docs/{name}.md") for name in GUIDES)
    missing = [name for name in commands if f"roomhook {name}" not in pages]
    assert not missing


def test_protocol_mentions_every_reason_counter_and_script():
    protocol = text_of("docs/protocol.md")
    names = set()
    for source in ("producer/contract/dead_letter.c", "producer/base/counters.c"):
        found = re.findall(r'^ +\[\w+\] = "([a-z_-]+)",', text_of(source), re.MULTILINE)
        assert len(found) > 10
        names.update(found)
    for folder in ("worker/scripts", "producer/admin/scripts"):
        names.update(path.name for path in (TOP / folder).glob("*.lua"))
    assert not sorted(name for name in names if f"`{name}`" not in protocol)


def anchors(path):
    """Of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_links_lead_somewhere():
    for path in DOCS:
        for link in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
            if not link.startswith("https://"):
                target, _, anchor = link.partition("#")
                there = path.parent / target if target else path
                assert there.exists(), f"{path.name}: {link}"
                assert not anchor or anchor in anchors(there), f"{path.name}: {link}"


def test_hooks_are_registered_as_shown(redis, shell):
    shell(block("docs/hooks.md", "sh", "roomhook hook set --room 438"))
    assert redis.hkeys(key("room:438")) == [b"main"]
    shell(block("docs/hooks.md", "sh", "redis-cli HSET"))
    listed = shell("roomhook hook list --room 438 --json --show-secrets")
    assert json.loads(listed)["verificationSignature"] == "9JOLCJUVylQxxdhX"
    _, told = redis.xrevrange(key("hooks-changed"), count=1)[0]
    assert told == {b"room": b"438", b"hook": b"main"}


def test_hooks_of_other_receivers_are_registered_as_shown(redis, shell):
    shell(block("docs/hooks.md", "sh", "--format slack"))
    assert sorted(redis.hkeys(key("room:439"))) == [b"team", b"tickets"]
    assert json.loads(redis.hget(key("room:439"), "tickets"))["template"]["title"]


def test_rooms_of_chat_systems_are_named_as_shown(redis, shell):
    shell(block("docs/hooks.md", "sh", "matrix.org"))
    for room in ("!OGEhHVWSdvArJzumhm:matrix.org", "C024BE91L", "1234567890123456789"):
        assert redis.hkeys(key(f"room:{room}")) == [b"main"]


def test_command_line_enqueues(receiver, room_438, shell):
    printed = shell(block("docs/producers.md", "sh", "roomhook send --room"))
    requests = receiver.wait_for(3)
    ids = {f"msg_{stream_id}" for stream_id in printed.split()}
    assert len(ids) == 3
    assert {request.header("webhook-id") for request in requests} - ids == {"order-66"}
    assert {json.loads(request.body)["message"].get("id") for request in requests} == {7, None}


def test_redis_cli_enqueues(receiver, room_438, shell):
    shell(block("docs/producers.md", "sh", "redis-cli XADD '{webhooks}:events'"))
    (request,) = receiver.wait_for(1)
    assert request.header("webhook-id") == "msg-24006"
    assert json.loads(request.body)["fromUser"] == {"displayName": "Ana"}


def test_python_enqueues(receiver, redis_server, named_room):
    subprocess.run(
        [sys.executable, TOP / "docs/clients/redis_py.py"],
        env={**os.environ, "REDIS_URL": redis_server.url}, check=True,
    )  # fmt: skip
    requests = receiver.wait_for(2)
    assert {request.header("webhook-id") for request in requests} == {"msg-24006", "msg-24007"}
    assert json.loads(requests[0].body) == json.loads(requests[1].body)


def test_c_enqueues(receiver, redis_server, roomhook_bin, named_room, tmp_path):
    build = roomhook_bin.parent
    subprocess.run(
        ["cc", "-std=c99", "-D_DEFAULT_SOURCE", "-pedantic", "-Wall", "-Wextra", "-Werror",
         TOP / "docs/clients/libroomhook.c", "-o", tmp_path / "send", f"-I{TOP / 'include'}",
         f"-I{build / 'include'}", f"-L{build / 'lib'}", f"-Wl,-rpath,{build / 'lib'}",
         "-lroomhook"],
        check=True,
    )  # fmt: skip
    environment = {**os.environ, **sanitizer.late(), "REDIS_URL": redis_server.url}
    subprocess.run([tmp_path / "send"], check=True, env=environment)
    (request,) = receiver.wait_for(1)
    assert request.header("webhook-id") == "msg-24006"


def test_receiver_verifies_as_shown(cli, receiver, start_worker):
    names = {}
    exec(block("docs/receivers.md", "python", "def verify"), names)  # noqa: S102 the page's text
    verify = names["verify"]
    cli("hook", "set", "--room", "438", "--url", receiver.url("/hook"),
        "--secret", "auto", "--secret", SIGNED)  # fmt: skip
    start_worker()
    cli("send", "--room", "438", "--text", "hello")
    (request,) = receiver.wait_for(1)
    headers = {name.lower(): value for name, value in request.headers}
    assert headers["webhook-signature"].count("v1,") == 2
    assert verify(SIGNED, headers, request.body)
    assert not verify(SIGNED, headers, request.body + b" ")
    assert not verify(SIGNED.replace("Mf", "mF"), headers, request.body)
    for name, wrong in (
        ("webhook-timestamp", "1667548137"),
        ("webhook-timestamp", "soon"),
        ("webhook-timestamp", "9" * 5000),
        ("webhook-signature", ""),
        ("webhook-signature", "v1,\xe9 v1"),
        ("webhook-id", "another"),
    ):
        assert not verify(SIGNED, {**headers, name: wrong}, request.body), (name, wrong)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        missing = {other: value for other, value in headers.items() if other != name}
        assert not verify(SIGNED, missing, request.body), name


def test_request_has_the_headers_shown(cli, receiver, start_worker):
    page = text_of("docs/receivers.md")
    shown = re.search(r"^    POST /hook .*?\n\n", page, re.MULTILINE | re.DOTALL)[0]
    names = re.findall(r"^    ([\w-]+): ", shown, re.MULTILINE)
    cli("hook", "set", "--room", "438", "--url", receiver.url("/hook"), "--secret", "auto")
    start_worker()
    cli("send", "--room", "438", "--text", "hello")
    (request,) = receiver.wait_for(1)
    assert sorted(names) == sorted(
        name for name, _ in request.headers if name.lower() != "content-length"
    )
    (agent,) = re.findall(r"^    User-Agent: (.*)$", shown, re.MULTILINE)
    assert request.header("user-agent") == agent


def test_dead_letters_are_handled_as_shown(redis, receiver, room_438, shell):
    receiver.script("/hook", [Answer(400), Answer(400), Answer(200)])
    for _ in range(2):
        enqueue(redis, message_event())
    dead = wait_dead(redis, 2)
    commands = block("docs/operations.md", "sh", "roomhook dead list")
    commands = re.sub(r"\b\d{13}-\d+\b", dead[0]["id"], commands)
    shell(commands)
    receiver.wait_for(4)
    assert_queue_empty(redis)
    assert redis.xlen(key("dead")) == 0


def test_purge_as_shown_deletes_the_old(redis, shell):
    """The example of the page, without its --dry-run too."""
    page = text_of("docs/operations.md")
    (command,) = re.findall(r"^roomhook dead purge .*$", page, re.MULTILINE)
    assert command.endswith(" --dry-run")
    now = int(time.time() * 1000)
    for days in (40, 31, 29, 0):
        redis.xadd(key("dead"), {"reason": "gone"}, id=f"{now - days * 86_400_000}-0")
    assert shell(command) == "2 would be purged\n"
    shell(command.removesuffix(" --dry-run"))
    left = [int(entry_id.partition(b"-")[0]) for entry_id, _ in redis.xrange(key("dead"))]
    assert left == [now - 29 * 86_400_000, now]


def test_redis_cli_tells_the_numbers_of_status(redis, receiver, shell, start_worker):
    receiver.script("/busy", Answer(503))
    receiver.script("/refuses", Answer(400))
    receiver.script("/hangs", Hang())
    for room, path in ((1, "/busy"), (2, "/refuses"), (3, "/hangs")):
        set_hook(redis, room, "main", url=receiver.url(path))
    worker = start_worker(max_in_flight=1, retry_schedule="1h", timeout="60s")
    enqueue(redis, message_event(room=1))
    enqueue(redis, message_event(room=2))
    wait_dead(redis)
    wait_until(lambda: queue_state(redis)["lanes"] == 1, 10, "a waiting retry")
    enqueue(redis, message_event(room=3))
    receiver.wait_for(1, "/hangs")
    wait_stat(redis, "events", 3)
    worker.pause()  # so that the numbers stand still, and what is due stays due
    for _ in range(3):
        enqueue(redis, message_event(room=3))
    put_in_lane(redis, "438/main", "1667548137257-0", lane_score=1)
    put_in_lane(redis, "439/main", "1667548137257-1", shut=True, lane_score=1e15)
    redis.hset(key("gates"), "438/main", "1667548137257.000 rate 0123abcd")

    told = {}
    for line in block("docs/operations.md", "sh", "redis-cli XLEN").splitlines():
        command, _, meaning = line.partition("  #")
        told[meaning.strip()] = shell(command).split()
    status = json.loads(shell("roomhook status --json"))
    in_flight = int(told["first number: in flight"][0])
    assert in_flight == status["in_flight"] == pending(redis) > 0
    assert int(told["backlog and in flight"][0]) == status["backlog"] + in_flight == 4
    assert int(told["deliveries waiting"][0]) == status["deliveries_waiting"] == 3
    assert int(told["lanes due"][0]) == status["lanes_due"] == 1
    (lanes, shut) = (int(told[meaning][0]) for meaning in told
                     if meaning.startswith(("hooks they wait for", "lanes of hooks")))
    assert lanes + shut == status["lanes_waiting"] == 3 and shut == status["lanes_shut"] == 1
    (waiting,) = (told[meaning] for meaning in told if meaning.startswith("next in a lane"))
    assert waiting == ["1667548137257-000000/main", "1667548137257"]
    assert ["1667548137257.000", "rate", "0123abcd"] in told.values()
    assert int(told["dead"][0]) == status["dead"] == 1
    (oldest,) = (told[meaning][0] for meaning in told if meaning.startswith("oldest"))
    age_ms = status["time_ms"] - int(oldest.partition("-")[0])
    assert 0 <= age_ms == status["oldest_event_ms"]
    names = [worker["name"] for worker in status["workers"]]
    assert told["workers alive"] == [key(f"worker:{name}") for name in names] and len(names) == 1
    counters = told["counters"]
    assert dict(zip(counters[::2], map(int, counters[1::2]))) == status["counters"]
