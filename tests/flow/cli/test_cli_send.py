"""roomhook send: one message by flags, and files of events."""

import json
import os
import re
import signal
import subprocess
import time

import msgpack
import pytest
from child import end, free_port, spawn
from receiver import Answer
from refusing_redis import RefusingRedis
from scripted_redis import OK, ScriptedRedis, bulk
from wait import wait_until
from webhook_queue import key, message_event, set_hook


def lines(*documents):
    return "".join(json.dumps(document, ensure_ascii=False) + "\n" for document in documents)


def stored(redis):
    """[(id, fields)] of texts; the document is decoded, under "json" or "msgpack"."""
    entries = []
    for entry_id, fields in redis.xrange(key("events")):
        entry = {name.decode(): value for name, value in fields.items()}
        if "json" in entry:
            entry["json"] = json.loads(entry["json"])
        if "msgpack" in entry:
            entry["msgpack"] = msgpack.unpackb(entry["msgpack"])
        entries.append((entry_id.decode(), entry))
    return entries


def rooms_stored(redis):
    return [entry["json"]["message"]["roomId"] for _, entry in stored(redis)]


def remaining(done, text):
    """The lines that are to be sent again, by following what it printed."""
    advice = done.stderr.rpartition("; to resume, send ")[2]
    if found := re.fullmatch(r"from line (\d+) on\n", advice):
        return "".join(text.splitlines(keepends=True)[int(found[1]) - 1 :])
    script = re.fullmatch(r"the lines that sed -n '(.+)' prints\n", advice)[1]
    return subprocess.run(
        ["sed", "-n", script], input=text, capture_output=True, text=True, check=True
    ).stdout


def run(roomhook_bin, *arguments):
    """The command line as it is, without Redis."""
    return subprocess.run(
        [roomhook_bin / "roomhook", *arguments],
        capture_output=True, text=True, input="", timeout=20, check=False,
    )


@pytest.fixture
def start_cli(roomhook_bin):
    """start_cli(server, "send", "-") -> Popen with pipes, for tests that talk to it."""
    processes = []

    def start(server, *arguments):
        processes.append(
            spawn(
                [roomhook_bin / "roomhook", "--redis", server.url, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        end(process, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


# --- one message ---


def test_one_message(redis, cli):
    before_ms = time.time() * 1000
    done = cli("send", "--room", "438", "--text", 'hé "llo"\n', "--from", "Ana")
    [(entry_id, entry)] = stored(redis)
    assert done.stdout == entry_id + "\n" and done.stderr == ""
    created_at = entry["json"]["message"].pop("createdAt")
    assert before_ms - 1 <= created_at <= time.time() * 1000
    assert list(entry) == ["json"]
    assert entry["json"] == {
        "message": {"roomId": 438, "type": "text", "body": {"text": 'hé "llo"\n'}},
        "fromUser": {"displayName": "Ana"},
    }


def test_one_message_with_all_flags(redis, cli):
    done = cli(
        "send", "--room=-1", "--text=", "--id=e_1", "--hook=main", "--encoding=msgpack", "--json"
    )
    [(entry_id, entry)] = stored(redis)
    assert json.loads(done.stdout) == {"id": entry_id}
    assert list(entry) == ["msgpack", "id", "hook"]
    assert (entry["id"], entry["hook"]) == (b"e_1", b"main")
    assert entry["msgpack"]["message"]["roomId"] == -1
    assert "fromUser" not in entry["msgpack"]


def test_flags_before_the_command(redis_server, redis, roomhook_bin):
    """Global flags before and after it, or from the environment; flags win."""
    environment = {**os.environ, "ROOMHOOK_REDIS": redis_server.url, "ROOMHOOK_QUEUE": "env"}

    def send(*arguments):
        argv = [roomhook_bin / "roomhook", *arguments]
        subprocess.run(argv, env=environment, check=True, timeout=20)

    send("send", "--room=1", "--text=a")
    send("--queue", "before", "send", "--room=1", "--text=a")
    send("send", "--room=1", "--text=a", "--queue=after")
    send("--redis", f"redis://127.0.0.1:{redis_server.port}/2", "send", "--room=1", "--text=a")
    assert [redis.xlen(key("events", queue)) for queue in ("env", "before", "after")] == [1, 1, 1]
    with redis_server.client(db=2) as client:
        assert client.xlen(key("events", "env")) == 1


def test_password_file(own_redis, cli, tmp_path):
    server = own_redis()
    server.client().config_set("requirepass", "pa/ss word")
    path = tmp_path / "password"
    path.write_text("pa/ss word\n")
    for command in (("send", "--room=1", "--text=a"), ("status",)):
        assert "NOAUTH" in cli(*command, redis=server, check=False).stderr
        cli(*command, "--redis-password-file", str(path), redis=server)
    path.write_text("\n")
    for bad in (path, "/nowhere"):
        done = cli("status", f"--redis-password-file={bad}", redis=server, check=False)
        assert done.returncode == 1 and "password file" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("send",),
        ("send", "--room=1"),
        ("send", "--text=a"),
        ("send", "--from=a"),
        ("send", "--room=x/y", "--text=a"),
        ("send", "--room=1", "--text=a", "-"),
        ("send", "--id=a", "-"),
        ("send", "-", "-"),
        ("send", "--room=1", "--text=a", "--id=a b"),
        ("send", "--room=1", "--text=a", "--hook=a/b"),
        ("send", "--room=1", "--text=a", "--encoding=xml"),
        ("send", "--room=1", "--text=a", "--colour=red"),
        ("send", "--room=1", "--text"),
        ("--redis=http://x", "status"),
        ("--redis=redis+sentinel://127.0.0.1", "status"),
        ("--redis=rediss://127.0.0.1", "--redis-ca=/nowhere", "status"),
        ("--redis=rediss://127.0.0.1", "--redis-key=/nowhere", "status"),
        ("--redis-ca=/nowhere", "status"),
        ("--queue=a b", "status"),
        ("status", "now"),
        ("sned",),
        ("hook", "sett"),
    ],
)
def test_wrong_usage(redis, roomhook_bin, arguments):
    """Exit status 2, one line that says where help is, nothing stored."""
    done = run(roomhook_bin, *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1 and "--help" in done.stderr
    assert redis.dbsize() == 0


@pytest.mark.parametrize(
    "command",
    [
        "send", "hook set", "hook rotate", "hook list", "hook show", "hook remove", "hook enable",
        "hook disable", "hook resume", "hook state", "hook test", "lane list", "lane show",
        "lane drop", "dead list", "dead show", "dead replay", "dead purge", "status", "doctor",
        "listen",
    ],
)
def test_help(roomhook_bin, command):
    done = run(roomhook_bin, *command.split(), "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith(f"Usage: roomhook {command}")
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


    assert "--redis URL" not in done.stdout and "see roomhook help" in done.stdout


@pytest.mark.parametrize(
    "words, start",
    [
        (["help"], "Usage: roomhook [FLAGS] COMMAND"),
        (["help", "hook"], "Usage: roomhook hook COMMAND"),
        (["hook", "--help"], "Usage: roomhook hook COMMAND"),
        (["hook", "help"], "Usage: roomhook hook COMMAND"),
        (["--help", "hook"], "Usage: roomhook hook COMMAND"),
        (["help", "hook", "set"], "Usage: roomhook hook set [FLAGS]"),
        (["help", "send"], "Usage: roomhook send [FLAGS] [FILE"),
    ],
    ids=" ".join,
)
def test_ways_to_ask_for_help(roomhook_bin, words, start):
    done = run(roomhook_bin, *words)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.startswith(start)


@pytest.mark.parametrize("words", [(), ("hook",), ("dead",), ("lane",)], ids=" ".join)
def test_without_a_command_usage_is_said(roomhook_bin, words):
    done = run(roomhook_bin, *words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == run(roomhook_bin, *words, "--help").stdout


@pytest.mark.parametrize(
    "words, mistake",
    [
        (["sned"], "there is no command sned, did you mean send?"),
        (["hok", "set", "--room=1"], "there is no command hok, did you mean hook set?"),
        (["hok"], "there is no command hok, did you mean hook?"),
        (["hook", "lst"], "there is no command hook lst, did you mean hook list?"),
        (["hook", "remvoe"], "there is no command hook remvoe, did you mean hook remove?"),
        (["help", "statsu"], "there is no command statsu, did you mean status?"),
        (["hook", "bake"], "there is no command hook bake (see"),
        (["bake"], "there is no command bake (see"),
        (["help", "hook", "set", "more"], "help takes one command (see"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_command_is_named_with_what_was_meant(roomhook_bin, words, mistake):
    done = run(roomhook_bin, *words)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("roomhook: " + mistake)


def test_main_help_and_version(roomhook_bin):
    for arguments in (["--help"], ["hook", "--help"], ["dead", "--help"], ["--version"]):
        done = run(roomhook_bin, *arguments)
        assert done.returncode == 0 and done.stdout and done.stderr == ""
        assert max(len(line) for line in done.stdout.splitlines()) <= 80


@pytest.mark.parametrize("words", [(), ("hook",), ("hook", "set")], ids=" ".join)
def test_h_is_help(roomhook_bin, words):
    short, full = run(roomhook_bin, *words, "-h"), run(roomhook_bin, *words, "--help")
    assert short.returncode == 0 and short.stderr == ""
    assert short.stdout == full.stdout != ""


def test_help_before_a_mistake(roomhook_bin):
    done = run(roomhook_bin, "send", "--help", "--colour")
    assert done.returncode == 0 and done.stdout.startswith("Usage: roomhook send")


@pytest.mark.parametrize(
    "arguments, mistake",
    [
        (["--queu=a"], "unknown flag --queu, did you mean --queue?"),
        (["--colour=red"], "unknown flag --colour"),
        (["-x"], "unknown flag -x"),
        (["--queue"], "--queue needs a value: --queue=NAME"),
        (["--queue=a", "--queue", "b"], "--queue is given twice"),
        (["--help=me"], "--help takes no value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("program", ["roomhook", "roomhook-worker"])
def test_both_programs_name_a_wrong_flag_alike(roomhook_bin, program, arguments, mistake):
    done = subprocess.run([roomhook_bin / program, *arguments], capture_output=True, text=True,
                          timeout=10)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"{program}: {mistake}")
    assert done.stderr.endswith(f" (see {program} --help)\n")


def test_unreachable(roomhook_bin):
    url = f"redis://:secret@127.0.0.1:{free_port()}"
    done = run(roomhook_bin, "--redis", url, "send", "--room=1", "--text=a")
    assert done.returncode == 1 and "cannot connect" in done.stderr and "secret" not in done.stderr


def test_text_too_long(redis, cli):
    done = cli("send", "--room=1", "--text", "x" * 100_000, "--from", "y" * 100_000)
    assert done.stdout
    control = "\x01" * 100_000  # six bytes each in JSON
    done = cli("send", "--room=1", "--text", control, check=False)
    assert done.returncode == 1 and "too long" in done.stderr
    assert redis.xlen(key("events")) == 1


# --- files ---


def test_file(redis, cli, tmp_path):
    """In order, one id a line; the documents are stored as they are."""
    documents = [message_event(room=room, text="čć 😀") for room in range(1000)]
    path = tmp_path / "events"
    path.write_text(lines(*documents))
    done = cli("send", str(path), "--hook", "main")
    entries = stored(redis)
    assert done.stdout.split() == [entry_id for entry_id, _ in entries]
    assert [entry["json"] for _, entry in entries] == documents
    assert {entry["hook"] for _, entry in entries} == {b"main"}
    assert done.stderr == ""


def test_document_is_kept_byte_for_byte(redis, cli):
    text = '{ "message" : {"roomId":1, "n":1.50, "b":{"a":1,"A":2}} }'
    cli("send", "-", input=text)
    assert redis.xrange(key("events"))[0][1][b"json"].decode() == text


def test_standard_input_to_msgpack(redis, cli):
    documents = [message_event(room=2**63 - 1, real=1.5), message_event(room=-(2**63))]
    cli("send", "-", "--encoding", "msgpack", input=lines(*documents))
    assert [entry["msgpack"] for _, entry in stored(redis)] == documents


MIXED = (
    json.dumps(message_event(room=1)) + "\n\n  \t\n"
    + "{\n"
    + json.dumps(message_event(room=2)) + "\r\n"
    + '{"message":{}}\n'
    + json.dumps(message_event(room=3))
)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_bad_lines_are_told_and_skipped(redis, cli, encoding):
    done = cli("send", "-", "--encoding", encoding, input=MIXED, check=False)
    assert done.returncode == 1
    entries = stored(redis)
    assert [entry[encoding]["message"]["roomId"] for _, entry in entries] == [1, 2, 3]
    assert done.stdout.split() == [entry_id for entry_id, _ in entries]
    first, second, summary = done.stderr.splitlines()
    assert first.startswith("line 4: ") and second.startswith("line 6: ")
    assert "3 sent, 2 refused" in summary


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_results_as_json(redis, cli, encoding):
    done = cli("--json", "send", "-", "--encoding", encoding, input=MIXED, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    ids = [entry_id for entry_id, _ in stored(redis)]
    assert [result["line"] for result in results] == [1, 4, 5, 6, 7]
    assert [result.get("id") for result in results] == [ids[0], None, ids[1], None, ids[2]]
    assert all(("error" in result) != ("id" in result) for result in results)


def test_long_lines(redis, cli):
    """The limit is the document's; a line over it is dropped without being held."""
    fits = message_event(room=1, text="")
    fits["message"]["body"]["text"] = "x" * (262_144 - len(json.dumps(fits)))
    over = message_event(room=2, text=fits["message"]["body"]["text"] + "x")
    huge = "y" * 5_000_000
    text = lines(fits, over) + huge + "\n" + lines(message_event(room=4))
    done = cli("--json", "send", "-", input=text, check=False)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert [sorted(result) for result in results] == [
        ["id", "line"], ["error", "line"], ["error", "line"], ["id", "line"],
    ]
    assert "262144" in results[1]["error"]
    assert redis.xlen(key("events")) == 2


def test_empty_input(redis, cli):
    assert cli("send", "-", input="").stdout == ""
    assert redis.dbsize() == 0


def test_unreadable_file(redis, cli, tmp_path):
    assert cli("send", str(tmp_path / "nothing"), check=False).returncode == 1
    assert cli("send", str(tmp_path), check=False).returncode == 1


def test_lines_do_not_wait_for_those_to_come(redis_server, redis, start_cli):
    process = start_cli(redis_server, "send", "-")
    for room in range(3):
        process.stdin.write(lines(message_event(room=room)))
        process.stdin.flush()
        assert process.stdout.readline().strip() == stored(redis)[-1][0]
    process.stdin.close()
    assert process.wait(10) == 0
    assert redis.xlen(key("events")) == 3


def test_interrupt(redis_server, redis, start_cli):
    """What was read is sent; where to go on is told."""
    process = start_cli(redis_server, "send", "-")
    process.stdin.write(lines(*[message_event()] * 3))
    process.stdin.flush()
    for _ in range(3):
        assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 1
    assert "3 sent" in (told := process.stderr.read()) and "from line 4 on" in told


def test_full_redis_then_resume(redis_server, redis, cli):
    """Nothing is lost and nothing is doubled by following the advice."""
    documents = [message_event(room=room, text="x" * 5000) for room in range(1000)]
    used = redis.info("memory")["used_memory"]
    redis.config_set("maxmemory", used + 2_000_000)
    try:
        done = cli("send", "-", input=lines(*documents), check=False)
        assert done.returncode == 1 and "OOM" in done.stderr
        sent = redis.xlen(key("events"))
        assert 0 < sent < 1000
        assert len(done.stdout.split()) == sent and f"{sent} sent" in done.stderr
    finally:
        redis.config_set("maxmemory", 0)
    cli("send", "-", input=remaining(done, lines(*documents)))
    assert sorted(rooms_stored(redis)) == list(range(1000))


def test_a_refusal_among_lines_that_are_stored(redis_server, redis, cli):
    """Redis may have room for lines behind one that it refused: these are not sent again."""
    documents = [message_event(room=room) for room in range(1000)]
    refused = {b'"roomId": %d,' % room for room in (300, 301, 302, 305, 511)}

    def is_refused(words):
        return words[0] == b"XADD" and any(one in words[4] for one in refused)

    with RefusingRedis(redis_server) as way:
        way.refuse("OOM command not allowed", is_refused)
        text = '\n{"not": "valid"}\n' + lines(*documents)  # line 3 is room 0
        done = cli("send", "-", input=text, redis=way, check=False)
    assert done.returncode == 1
    assert "stopped at line 303: " in done.stderr and "OOM" in done.stderr
    assert len(done.stdout.split()) == redis.xlen(key("events"))
    assert "sed -n '303,305p;308p;" in done.stderr
    done = cli("send", "-", input=remaining(done, text))
    assert sorted(rooms_stored(redis)) == list(range(1000))


def test_broken_connection(cli):
    """How many were sent, how many may have been, and where to go on."""

    def script(command):
        if command[0] != b"XADD":
            return OK
        xadds = sum(1 for one in server.commands if one[0] == b"XADD")
        if xadds <= 300:
            return bulk(b"%d-0" % xadds)
        return b"" if xadds < 512 else None

    with ScriptedRedis(script) as server:
        text = lines(*[message_event()] * 1000)
        done = cli("send", "-", input=text, redis=server, check=False)
        assert done.returncode == 1
        assert done.stdout.split() == [f"{i}-0" for i in range(1, 301)]
        assert "300 sent, 0 refused, 212 without an answer" in done.stderr
        assert "from line 301 on" in done.stderr
        assert done.stderr.count("\n") == 1
        assert sum(1 for one in server.commands if one[0] == b"XADD") == 512


def test_reader_of_the_ids_goes_away(redis_server, redis, start_cli):
    """A closed stdout ends it without a word, as of any command in a pipe."""
    process = start_cli(redis_server, "send", "-")
    process.stdout.close()  # before there is anything to print
    process.stdin.write(lines(message_event()))
    process.stdin.close()
    assert process.wait(10) == 1
    assert process.stderr.read() == ""


def test_pipelined(redis, cli):
    """2000 events take a few round trips: commands arrive many at a time."""
    redis.config_resetstat()
    before = redis.info("stats")["total_reads_processed"]
    cli("send", "-", input=lines(*[message_event()] * 2000))
    reads = redis.info("stats")["total_reads_processed"] - before
    wait_until(lambda: redis.xlen(key("events")) == 2000, 5, "2000 events")
    assert reads < 200


# --- --wait ---


def outcomes(done):
    """hook -> what is printed behind it; the first line is the id."""
    return dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])


def test_wait_prints_each_outcome(redis, receiver, start_worker, cli):
    receiver.script("/refuses", [Answer(400)])
    receiver.script("/later", [Answer(503), Answer(200)])
    set_hook(redis, 438, "good", url=receiver.url())
    set_hook(redis, 438, "later", url=receiver.url("/later"))
    set_hook(redis, 438, "off", url=receiver.url(), enabled=False)
    set_hook(redis, 438, "other", url=receiver.url(), types=["reaction.*"])
    start_worker(retry_schedule="300ms")
    done = cli("send", "--room=438", "--text=a", "--wait")
    assert outcomes(done) == {"good": "delivered", "later": "delivered",
                              "off": "skipped, the hook is disabled",
                              "other": "skipped, the hook does not take events message.created",
                              }  # fmt: skip
    set_hook(redis, 438, "bad", url=receiver.url("/refuses"))
    done = cli("send", "--room=438", "--text=a", "--id=mine", "--wait=20s", check=False)
    assert done.returncode == 1
    assert outcomes(done)["bad"].startswith("dead, rejected: ")
    assert outcomes(done)["good"] == "delivered"
    done = cli("send", "--room=438", "--hook=good", "--text=a", "--wait", "--json")
    assert [json.loads(line) for line in done.stdout.splitlines()][1:] == [
        {"hook": "good", "outcome": "delivered", "why": ""}
    ]
    assert outcomes(cli("send", "--room=7", "--text=a", "--wait")) == {
        "-": "skipped, the room has no hook"
    }


def test_wait_ends(redis, receiver, start_worker, cli):
    """Without a worker, and while the event waits for its next attempt."""
    set_hook(redis, 438, "main", url=receiver.url())
    done = cli("send", "--room=438", "--text=a", "--wait=1s", check=False)
    assert done.returncode == 1 and outcomes(done)["-"].startswith("unknown, no worker")
    receiver.script("/", [Answer(503)] * 9)
    start_worker(retry_schedule="1h")
    receiver.wait_for(1)
    done = cli("send", "--room=438", "--text=a", "--wait=1s", check=False)
    assert done.returncode == 1 and outcomes(done) == {"main": "waits, see roomhook lane show"}


@pytest.mark.parametrize("delete", [lambda redis: redis.xtrim(key("events"), 0),
                                    lambda redis: redis.delete(key("events"))])  # fmt: skip
def test_wait_for_what_others_delete(redis_server, redis, start_cli, delete):
    """What no worker has read was not delivered."""
    set_hook(redis, 438, "main", url="https://receiver.example/")
    process = start_cli(redis_server, "send", "--room=438", "--text=a", "--wait")
    wait_until(lambda: redis.xlen(key("events")) == 1, 5, "the event")
    delete(redis)
    assert process.wait(10) == 1
    assert "unknown, it was deleted from the stream" in process.stdout.read()


def test_wait_finds_one_letter_among_many(redis_server, redis, receiver, start_worker, start_cli):
    receiver.script("/", [Answer(400, delay=1)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    process = start_cli(redis_server, "send", "--room=438", "--text=a", "--wait")
    receiver.wait_for(1)
    with redis.pipeline() as pipeline:
        for n in range(2500):
            pipeline.xadd(key("dead"), {"reason": "expired", "event_id": str(n), "hook": "main"})
        pipeline.execute()
    assert process.wait(20) == 1
    assert "dead, rejected: " in process.stdout.read()


@pytest.mark.parametrize("arguments", [("--room=1", "--text=a", "--wait=soon"), ("-", "--wait"),
                                       ("--room=1", "--text=a", "--wait=1ms")])  # fmt: skip
def test_wait_refuses(cli, arguments):
    assert cli("send", *arguments, check=False, input="").returncode == 2
