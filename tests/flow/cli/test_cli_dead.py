"""roomhook dead: looking at dead letters, replaying and purging them."""

import json
import os
import pty
import re
import signal
import subprocess
import time

import msgpack
import pytest
from child import end, spawn
from wait import wait_until
from webhook_queue import encode, key, message_event, now_ms

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def bury(redis, id="*", encoding="json", document=None, **fields):
    """A dead letter as a worker writes it; its id as text. Fields that are None are left out."""
    letter = {
        "reason": "exhausted", "error": "status 503", "status": "503", "attempts": "10",
        "room": "438", "hook": "main", "url": "https://receiver.example/hook",
        "event_id": "msg_1-0", "queued_at": "2026-01-01T00:00:00.000Z",
        **fields,
    }
    if encoding:
        document = message_event() if document is None else document
        letter[encoding] = document if isinstance(document, bytes) else encode(document, encoding)
    letter = {name: value for name, value in letter.items() if value is not None}
    return redis.xadd(key("dead"), letter, id=id).decode()


def bury_many(redis, n, **fields):
    pipeline = redis.pipeline(transaction=False)
    for _ in range(n):
        bury_into(pipeline, **fields)
    return [entry_id.decode() for entry_id in pipeline.execute()]


def bury_into(pipeline, room="438"):
    pipeline.xadd(key("dead"), {"reason": "gone", "room": room, "hook": "main",
                                "event_id": "e", "json": json.dumps(message_event())})


def ids_of(done):
    return [json.loads(line)["id"] for line in done.stdout.splitlines()]


def dead_ids(redis):
    return [entry_id.decode() for entry_id, _ in redis.xrange(key("dead"))]


# --- list ---


def test_list(redis, cli):
    letter_id = bury(redis, "1667548137257-3")
    bury(redis, "1667548137258-0", encoding=None, reason="malformed", error="no\x1b[31m",
         status=None, attempts=None, room=None, hook=None, event_id=None)
    title, second, first = cli("dead", "list").stdout.splitlines()
    assert title.split() == [
        "ID", "DIED", "REASON", "ROOM", "HOOK", "ATTEMPTS", "STATUS", "EVENT", "ERROR",
    ]
    ago = f"{(now_ms(redis) - 1667548137257) // 86_400_000}d"
    assert first.split() == [
        letter_id, ago, "ago", "exhausted", "438", "main", "10", "503",
        "msg_1-0", "status", "503",
    ]
    assert second.split() == [
        "1667548137258-0", ago, "ago", "malformed", *"-----", "no?[31m",
    ]


def test_list_as_json(redis, cli):
    """Numbers are numbers; the document is left to dead show."""
    bury(redis, "1667548137257-3", error="no\x1b\x7f\u009b31m č")
    text = cli("dead", "list", "--json").stdout
    assert json.loads(text) == {
        "id": "1667548137257-3", "dead_since": "2022-11-04T07:48:57.257Z", "reason": "exhausted",
        "error": "no\x1b\x7f\u009b31m č", "status": 503, "attempts": 10, "room": 438,
        "hook": "main", "url": "https://receiver.example/hook", "event_id": "msg_1-0",
        "queued_at": "2026-01-01T00:00:00.000Z",
    }
    assert not set(text) & {"\x1b", "\x7f", "\u009b"} and "č" in text


def test_list_order_and_limit(redis, cli):
    """Newest first, over many pages; 20 unless told."""
    ids = bury_many(redis, 350)[::-1]
    assert ids_of(cli("dead", "list", "--json")) == ids[:20]
    assert ids_of(cli("dead", "list", "--json", "--limit=230")) == ids[:230]
    assert ids_of(cli("dead", "list", "--json", "--limit=1000")) == ids


def test_list_filters(redis, cli):
    now = redis.time()[0] * 1000
    old = bury(redis, f"{now - 7_200_000}-0", room="1")
    gone = bury(redis, f"{now - 60_000}-0", reason="gone", hook="second")
    new = bury(redis, hook="second", room="1")
    for arguments, expected in (
        ([], [new, gone, old]),
        (["--room=1"], [new, old]),
        (["--room=2"], []),
        (["--hook=second"], [new, gone]),
        (["--reason=gone"], [gone]),
        (["--since=1h"], [new, gone]),
        (["--since=3h", "--room=1", "--hook=main"], [old]),
        (["--since=2000-01-01", "--limit=2"], [new, gone]),
        (["--since=2100-01-01T00:00:00Z"], []),
        (["--room=1", "--limit=1"], [new]),
        (["--before=1h"], [old]),
        (["--before=3h"], []),
        (["--before=30s"], [gone, old]),
        (["--before=2100-01-01"], [new, gone, old]),
        (["--before=1970-01-01"], []),
        (["--since=3h", "--before=30s"], [gone, old]),
        (["--since=90m", "--before=30s", "--reason=gone"], [gone]),
        (["--since=90m", "--before=30m"], []),
    ):
        assert ids_of(cli("dead", "list", "--json", *arguments)) == expected, arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--reason=sad"],
        ["list", "--room=x/y"],
        ["list", "--hook=a/b"],
        ["list", "--since=yesterday"],
        ["list", "--since=2h", "--before=30d"],
        ["list", "--before=yesterday"],
        ["list", "--limit=0"],
        ["list", "1-0"],
        ["show"],
        ["show", "1-0", "2-0"],
        ["show", "x"],
        ["replay"],
        ["replay", "1-0", "--all"],
        ["replay", "1-0", "--room=1"],
        ["replay", "1"],
        ["replay", "--all", "--rate=0"],
        ["replay", "--all", "--rate=5/m"],
        ["replay", "--all", "--limit=5"],
        ["replay", "--all", "--yes"],
        ["replay", "1-0", "--before=30d"],
        ["purge"],
        ["purge", "--room=438"],
        ["purge", "--all", "--reason=sad"],
        ["purge", "--all", "--since=1h", "--before=1h"],
        ["purge", "--all", "--before=30"],
    ],
)
def test_wrong_usage(redis, cli, arguments):
    letter_id = bury(redis, "1-0")
    done = cli("dead", *arguments, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and done.stdout == ""
    assert dead_ids(redis) == [letter_id] and not redis.exists(key("events"))


def test_list_of_nothing(redis, cli):
    assert len(cli("dead", "list").stdout.splitlines()) == 1
    assert cli("dead", "list", "--json").stdout == ""


def test_bounds_are_exact(redis, cli):
    """since is the first millisecond that is meant, before the first that is not."""
    ids = [bury(redis, f"{1667548137000 + ms}-{seq}") for ms in (0, 1, 2) for seq in (0, 7)]
    first, second = "2022-11-04T07:48:57.001Z", "2022-11-04T07:48:57.002Z"
    for arguments, expected in (
        (["--before", first], ids[:2]),
        (["--since", first], ids[2:]),
        (["--since", first, "--before", second], ids[2:4]),
    ):
        assert ids_of(cli("dead", "list", "--json", *arguments)) == expected[::-1], arguments
        done = cli("dead", "purge", "--all", "--dry-run", "--json", *arguments)
        assert ids_of(done) == expected, arguments


# --- show ---


DOCUMENT = {
    "type": "message.created",
    "message": {
        "roomId": 438,
        "big": 2**63 - 1,
        "list": [1, {"empty": {}}, []],
        "text": "č\x1b\x7f\u009b\u202e\"\\",
    },
    "fromUser": {"displayName": "Ana"},
    "room": {"name": "tests"},
    "webhooks": [{"url": "https://a.example/"}, {"url": "https://b.example/"}],
}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_show(redis, cli, encoding):
    letter_id = bury(
        redis, encoding=encoding, document=DOCUMENT, response="a\nb", traceparent=TRACE
    )
    text = cli("dead", "show", letter_id).stdout
    fields, document = text.split("document ", 1)
    shown = dict(line.split(maxsplit=1) for line in fields.splitlines())
    assert shown["id"] == letter_id and shown["reason"] == "exhausted" and shown["room"] == "438"
    assert shown["response"] == '"a\\nb"' and shown["traceparent"] == TRACE
    first, *rest = document.splitlines()
    assert first.split()[0] == f"{encoding},"
    assert json.loads("\n".join(rest)) == DOCUMENT
    assert rest[:3] == ["    {", '      "type": "message.created",', '      "message": {']
    assert rest[3] == '        "roomId": 438,'
    assert '            "empty": {}' in rest and "          []" in rest
    assert not set(text) & {"\x1b", "\x7f", "\u009b", "\u202e"} and "č" in text


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_show_as_json(redis, cli, encoding):
    letter_id = bury(redis, encoding=encoding, document=DOCUMENT)
    shown = json.loads(cli("dead", "show", letter_id, "--json").stdout)
    assert shown["document"] == DOCUMENT and shown["encoding"] == encoding
    assert shown["status"] == 503 and shown["id"] == letter_id


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_show_what_is_no_document(redis, cli, encoding):
    letter_id = bury(redis, encoding=encoding, document=b"\xc1 \x1b[31m \xff{")
    text = cli("dead", "show", letter_id).stdout
    assert "not valid" in text and "\x1b" not in text
    shown = json.loads(cli("dead", "show", letter_id, "--json").stdout)
    assert "document" not in shown and "\x1b[31m" in shown["document_text"]


def test_show_json_that_is_no_event(redis, cli):
    text = (
        b'{"numbers": [123456789012345678901234567890, 1.50, 1e999], "half": "\\ud83d",'
        b'"\\u0000": "\\u0000", "twice": 1, "twice": 2}'
    )
    letter_id = bury(redis, document=text)
    shown = cli("dead", "show", letter_id).stdout
    for kept in ("123456789012345678901234567890", "1.50", "1e999", "\\u0000", "\\ud83d"):
        assert kept in shown


def test_show_without_document(redis, cli):
    letter_id = bury(redis, encoding=None)
    assert "document" not in cli("dead", "show", letter_id).stdout
    assert "document" not in json.loads(cli("dead", "show", letter_id, "--json").stdout)


def test_show_of_nothing(redis, cli):
    done = cli("dead", "show", "1-0", check=False)
    assert done.returncode == 1 and "1-0" in done.stderr


# --- replay ---


def test_replay(redis, cli):
    """The document byte for byte, the same event id, its hook alone."""
    first = bury(redis, encoding="msgpack", document=DOCUMENT, event_id="e-1", hook="second",
                 traceparent=TRACE)
    second = bury(redis, hook=None, event_id=None, document=b"what it was")
    kept = bury(redis)
    done = cli("dead", "replay", second, first)
    entries = redis.xrange(key("events"))
    assert done.stdout.split() == [entry_id.decode() for entry_id, _ in entries]
    assert [list(fields.items()) for _, fields in entries] == [
        [(b"json", b"what it was")],
        [(b"msgpack", msgpack.packb(DOCUMENT)), (b"id", b"e-1"), (b"hook", b"second"),
         (b"traceparent", TRACE.encode())],
    ]
    assert dead_ids(redis) == [kept]


def test_replay_what_is_not_there(redis, cli):
    here = bury(redis)
    done = cli("dead", "replay", "1-0", here, "2-0", check=False)
    assert done.returncode == 1
    assert redis.xlen(key("events")) == 1 and dead_ids(redis) == []
    first, second, summary = done.stderr.splitlines()
    assert "1-0" in first and "2-0" in second and "1 replayed, 2 not" in summary
    assert cli("dead", "replay", here, check=False).returncode == 1
    assert redis.xlen(key("events")) == 1


def test_replay_needs_a_document(redis, cli):
    letter_id = bury(redis, encoding=None, reason="malformed")
    other = bury(redis, reason="malformed")
    done = cli("--json", "dead", "replay", "--all", check=False)
    assert done.returncode == 1
    refused, replayed = map(json.loads, done.stdout.splitlines())
    assert refused == {"id": letter_id, "error": "it has no document"}
    assert replayed == {"id": other, "event": redis.xrange(key("events"))[0][0].decode()}
    assert dead_ids(redis) == [letter_id]


KEPT = 4096  # bytes of a document that is too large
CUT = {"reason": "too-large", "document": encode(message_event(text="x" * KEPT), "json")[:KEPT]}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_replay_of_what_was_cut_is_refused(redis, cli, encoding):
    cut = bury(redis, encoding=encoding, **CUT)
    done = cli("dead", "replay", cut, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert f"{cut}: too large, only its beginning was kept: send the event again" in done.stderr
    assert dead_ids(redis) == [cut] and redis.xlen(key("events")) == 0


def test_replay_all_leaves_what_was_cut(redis, cli):
    cut = [bury(redis, **CUT), bury(redis, **CUT, encoding="msgpack")]
    whole = bury(redis, reason="too-large")  # the limit was lower than what is kept
    other = bury(redis)
    left = "2 too-large left where they are: "
    done = cli("dead", "replay", "--all", "--dry-run")
    assert done.stdout.startswith("2 would be replayed\n" + left)
    done = cli("dead", "replay", "--all", "--reason=too-large", "--dry-run")
    assert done.stdout.startswith("1 would be replayed\n" + left)
    done = cli("--json", "dead", "replay", "--all")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line for line in lines if "skipped" in line] == [
        {"id": one, "skipped": "too-large"} for one in cut
    ]
    assert [line["id"] for line in lines if "event" in line] == [whole, other]
    assert dead_ids(redis) == cut and redis.xlen(key("events")) == 2
    assert cli("dead", "replay", "--all").stdout.startswith("0 replayed\n" + left)
    assert cli("dead", "purge", "--all").stdout == "2 purged\n"


def test_replay_all(redis, cli):
    ids = bury_many(redis, 450)
    done = cli("dead", "replay", "--all")
    assert done.stdout == "450 replayed\n" and done.stderr == ""
    assert redis.xlen(key("events")) == 450 and dead_ids(redis) == []
    assert len(ids) == 450


def test_replay_all_in_order(redis, cli):
    ids = bury_many(redis, 250)
    done = cli("dead", "replay", "--all", "--json")
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [result["id"] for result in results] == ids
    assert [result["event"] for result in results] == [
        entry_id.decode() for entry_id, _ in redis.xrange(key("events"))
    ]


def test_replay_filtered(redis, cli):
    pipeline = redis.pipeline(transaction=False)
    for i in range(500):
        bury_into(pipeline, room=str(i % 5))
    ids = [entry_id.decode() for entry_id in pipeline.execute()]
    done = cli("dead", "replay", "--all", "--room=3", "--dry-run")
    assert done.stdout == "100 would be replayed\n"
    assert dead_ids(redis) == ids
    assert cli("dead", "replay", "--all", "--room=3").stdout == "100 replayed\n"
    assert redis.xlen(key("events")) == 100
    assert dead_ids(redis) == [one for i, one in enumerate(ids) if i % 5 != 3]


def test_replay_of_nothing(redis, cli):
    assert cli("dead", "replay", "--all").stdout == "0 replayed\n"
    assert redis.dbsize() == 0


@pytest.fixture
def start_replay(redis_server, roomhook_bin):
    """start_replay(*arguments) -> Popen of roomhook dead replay --all"""
    processes = []

    def start(*arguments):
        argv = [roomhook_bin / "roomhook", "--redis", redis_server.url, "dead", "replay", "--all"]
        processes.append(
            spawn(
                [*argv, *arguments],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        end(process, signal.SIGKILL)
        process.stderr.close()


def test_replay_leaves_alone_what_dies_meanwhile(redis, start_replay):
    """Else a replay of letters that die again at once would never end."""
    bury_many(redis, 150)  # more than a page
    process = start_replay("--rate=500/s")
    died_again = 0

    def die_again():
        nonlocal died_again
        replayed = redis.xlen(key("events"))
        bury_many(redis, replayed - died_again)
        died_again = replayed
        return process.poll() is not None

    wait_until(die_again, 10, "the replay to end")
    assert process.returncode == 0
    assert redis.xlen(key("events")) == 150 and redis.xlen(key("dead")) == died_again > 0


def test_replay_respects_maxmemory(redis, cli):
    ids = bury_many(redis, 150)
    redis.config_set("maxmemory", 1)
    try:
        done = cli("dead", "replay", "--all", check=False)
        assert done.returncode == 1 and "OOM" in done.stderr and "0 replayed" in done.stderr
        assert dead_ids(redis) == ids and not redis.exists(key("events"))
    finally:
        redis.config_set("maxmemory", 0)


def test_replay_rate(redis, cli):
    bury_many(redis, 60)
    began = time.monotonic()
    cli("dead", "replay", "--all", "--rate=100/s")
    assert 0.4 < time.monotonic() - began < 5
    assert redis.xlen(key("events")) == 60


def test_replay_interrupted(redis, cli, start_replay):
    """Stops between batches and tells how far it came; running it again finishes."""
    bury_many(redis, 100)
    process = start_replay("--rate=20")
    wait_until(lambda: redis.xlen(key("events")) >= 4, 10, "4 replayed letters")
    code = end(process, signal.SIGINT)
    told = process.stderr.read()
    replayed = redis.xlen(key("events"))
    assert code == 1 and f"interrupted: {replayed} replayed" in told
    assert replayed < 100 and redis.xlen(key("dead")) == 100 - replayed
    cli("dead", "replay", "--all")
    assert redis.xlen(key("events")) == 100 and redis.xlen(key("dead")) == 0


# --- purge ---


def test_purge(redis, cli):
    first, second, third = (bury(redis) for _ in range(3))
    done = cli("dead", "purge", third, first)
    assert done.stdout == "" and dead_ids(redis) == [second]
    done = cli("dead", "purge", first, second, check=False)
    assert done.returncode == 1 and first in done.stderr and "1 purged, 1 not" in done.stderr
    assert not redis.exists(key("events"))


def test_purge_all(redis, cli):
    bury_many(redis, 450)
    gone = bury(redis, reason="rejected")
    done = cli("dead", "purge", "--all", "--reason=rejected", "--dry-run")
    assert done.stdout == "1 would be purged\n"
    assert redis.xlen(key("dead")) == 451
    assert ids_of(cli("dead", "purge", "--all", "--reason=rejected", "--json")) == [gone]
    assert cli("dead", "purge", "--all").stdout == "450 purged\n"
    assert redis.xlen(key("dead")) == 0 and not redis.exists(key("events"))


def test_purge_before_deletes_the_old(redis, cli):
    now = redis.time()[0] * 1000
    old = [bury(redis, f"{now - days * 86_400_000}-0") for days in (60, 40, 31)]
    recent = [bury(redis, f"{now - 29 * 86_400_000}-0"), bury(redis)]
    done = cli("dead", "purge", "--all", "--before", "30d", "--dry-run", "--json")
    assert ids_of(done) == old and dead_ids(redis) == old + recent
    assert cli("dead", "replay", "--all", "--before=50d").stdout == "1 replayed\n"
    assert cli("dead", "purge", "--all", "--before", "30d").stdout == "2 purged\n"
    assert dead_ids(redis) == recent


def test_purge_says_what_it_deletes(redis, cli):
    """How many, and from when to when; without a terminal it does not ask."""
    ids = [bury(redis, f"{1667548137257 + 86_400_000 * day}-0") for day in range(3)]
    told = "3 dead letters, died from 2022-11-04T07:48:57.257Z to 2022-11-06T07:48:57.257Z\n"
    done = cli("dead", "purge", "--all", "--dry-run")
    assert done.stderr == told and done.stdout == "3 would be purged\n" and dead_ids(redis) == ids
    done = cli("dead", "purge", "--all", "--before=2022-11-05")
    told_of_one = "1 dead letter, died from 2022-11-04T07:48:57.257Z to 2022-11-04T07:48:57.257Z\n"
    assert done.stderr == told_of_one and done.stdout == "1 purged\n"
    done = cli("dead", "purge", "--all", "--room=1")
    assert done.stderr == "" and done.stdout == "0 purged\n" and dead_ids(redis) == ids[1:]


class Terminal:
    """roomhook dead purge --all with standard input and error on a terminal."""

    def __init__(self, program, url, *arguments):
        self.mine, theirs = pty.openpty()
        self.seen = ""
        self.process = spawn(
            [program, "--redis", url, "dead", "purge", "--all", *arguments],
            stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        os.close(theirs)

    def read(self, until):
        """What is on the terminal, once that is there."""
        while until not in self.seen:
            self.seen += os.read(self.mine, 4096).decode()
        return self.seen

    def type(self, text):
        os.write(self.mine, text.encode())

    def end(self):
        """Its exit code and what it printed."""
        printed, _ = self.process.communicate(timeout=20)
        return self.process.returncode, printed

    def close(self):
        end(self.process, signal.SIGKILL)
        os.close(self.mine)


@pytest.fixture
def purge_on_terminal(redis_server, roomhook_bin):
    terminals = []

    def start(*arguments):
        terminals.append(Terminal(roomhook_bin / "roomhook", redis_server.url, *arguments))
        return terminals[-1]

    yield start
    for terminal in terminals:
        terminal.close()


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_purge_asks_on_a_terminal(redis, purge_on_terminal, answer):
    """What dies while it waits for the answer was not asked about, and stays."""
    bury_many(redis, 250)
    terminal = purge_on_terminal()
    shown = terminal.read("[y/N] ")
    assert re.search(r"250 dead letters, died from 20\S+Z to 20\S+Z\r\n", shown)
    assert redis.xlen(key("dead")) == 250
    later = bury(redis)
    terminal.type(answer)
    assert terminal.end() == (0, "250 purged\n")
    assert dead_ids(redis) == [later]


@pytest.mark.parametrize("answer", ["n\n", "\n", "yess\n", "\x04", "x" * 100 + "y\n"])
def test_purge_leaves_all_unless_told_yes(redis, purge_on_terminal, answer):
    letter_id = bury(redis)
    terminal = purge_on_terminal()
    terminal.read("[y/N] ")
    terminal.type(answer)
    assert terminal.end() == (1, "")
    assert "nothing was purged" in terminal.read("purged")
    assert dead_ids(redis) == [letter_id]


def test_purge_is_interrupted_at_the_question(redis, purge_on_terminal):
    letter_id = bury(redis)
    terminal = purge_on_terminal()
    terminal.read("[y/N] ")
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == (1, "") and dead_ids(redis) == [letter_id]


def test_purge_need_not_ask(redis, purge_on_terminal):
    ids = bury_many(redis, 3)
    assert purge_on_terminal("--dry-run").end() == (0, "3 would be purged\n")
    assert purge_on_terminal("--room=1").end() == (0, "0 purged\n")
    assert dead_ids(redis) == ids
    assert purge_on_terminal("--yes").end() == (0, "3 purged\n")
    assert dead_ids(redis) == []
