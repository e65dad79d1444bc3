"""Runs a client of docs/clients with its real library against a Redis that is full, and then one
that is not; a real worker delivers what the client enqueued."""

import json
import re
import subprocess

from child import spawn
from receiver import Receiver
from redis_server import RedisServer
from wait import wait_until
from webhook_queue import key, set_hook
from worker_process import Worker

RUN_S = 60
LINES_MAX = 30
ROOM = "!abc:matrix.org"
EVENT = {
    "message": {"id": 24006, "roomId": ROOM, "createdAt": 1667548137257,
                "type": "text", "body": {"text": "Grüße 👋"}},
    "fromUser": {"displayName": "Ana"},
}  # fmt: skip
IDS = {"json": "msg-24006", "msgpack": "msg-24007"}


def canonical(document):
    """Unlike ==, tells 1 from 1.0."""
    return json.dumps(document, sort_keys=True, ensure_ascii=False)


def refusals(redis):
    """How often Redis answered that it is full."""
    text = redis.execute_command("INFO", "errorstats")
    text = text if isinstance(text, bytes) else str(text).encode()
    found = re.search(rb"errorstat_OOM\D+(\d+)", text)
    return int(found[1]) if found else 0


class Client:
    def __init__(self, program, argv, redis_server):
        host, port = redis_server.host, redis_server.port
        self.process = spawn(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=program.full_environment(
                REDIS_URL=redis_server.url, REDIS_SERVER=f"{host}:{port}", REDIS_PORT=str(port)
            ),
        )  # fmt: skip

    def finish(self):
        """What it printed, and what it complained of, when it has ended."""
        try:
            output, errors = self.process.communicate(timeout=RUN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            output, errors = self.process.communicate()
            raise AssertionError(f"it takes longer than {RUN_S} s:\n{errors.decode()}") from None
        return output.decode(), errors.decode()


def check_gives_up(program, argv, server, redis):
    """While Redis stays full it tries some times, and then fails loudly."""
    client = Client(program, argv, server)
    output, errors = client.finish()
    assert client.process.returncode != 0, f"Redis was full, and it ended well:\n{output}{errors}"
    assert refusals(redis) > 1, f"it tried {refusals(redis)} times only:\n{output}{errors}"
    assert "OOM" in errors or "maxmemory" in errors, f"it does not say why:\n{output}{errors}"
    assert redis.xlen(key("events")) == 0


def check_tries_again(program, argv, server, redis):
    """What was refused comes when there is room; returns what it printed."""
    redis.config_resetstat()
    client = Client(program, argv, server)
    wait_until(lambda: refusals(redis) or client.process.poll() is not None, RUN_S, "a refusal")
    redis.config_set("maxmemory", 0)
    output, errors = client.finish()
    assert client.process.returncode == 0, f"it failed:\n{output}{errors}"
    return output.split()


def check_entries(program, redis, printed):
    entries = redis.xrange(key("events"))
    assert [entry_id.decode() for entry_id, _ in entries] == printed, f"it printed {printed}"
    expected = [{b"id", sent.encode()} for sent in program.sends]
    assert [set(fields) for _, fields in entries] == expected, entries
    assert [fields[b"id"].decode() for _, fields in entries] == [IDS[one] for one in program.sends]
    return [fields for _, fields in entries]


def compact(text):
    """JSON without the white space between tokens; nothing else is changed."""
    decoder = json.JSONDecoder()
    result, at = "", 0
    while at < len(text):
        if text[at] == '"':
            end = decoder.raw_decode(text, at)[1]
            result, at = result + text[at:end], end
        else:
            result, at = result + text[at].strip(), at + 1
    return result


def member(text, name):
    """The value of a member, as it is written."""
    start = text.index(f'"{name}":') + len(f'"{name}":')
    return text[start : json.JSONDecoder().raw_decode(text, start)[1]]


def check_delivered(program, entries, requests):
    bodies = {request.header("webhook-id"): request.body.decode() for request in requests}
    assert sorted(bodies) == sorted(IDS[one] for one in program.sends), sorted(bodies)
    for body in bodies.values():
        assert canonical(json.loads(body)) == canonical(EVENT), body
    for fields in entries:
        if b"json" in fields:
            sent = compact(fields[b"json"].decode())
            for name in EVENT:
                assert member(bodies[IDS["json"]], name) == member(sent, name), "other bytes"


def check(program, argv, build_folder):
    lines = program.path.read_text(encoding="utf-8").count("\n")
    assert lines <= LINES_MAX, f"{lines} lines"
    with RedisServer() as server, Receiver() as receiver:
        redis = server.client()
        set_hook(redis, ROOM, "main", url=receiver.url("/hook"), format="bare")
        redis.config_set("maxmemory", 1)
        check_gives_up(program, argv, server, redis)
        printed = check_tries_again(program, argv, server, redis)
        entries = check_entries(program, redis, printed)
        worker = Worker(build_folder / "bin" / "roomhook-worker", server.url)
        try:
            requests = receiver.wait_for(len(program.sends))
        finally:
            worker.finish()
        check_delivered(program, entries, requests)
    return " ".join(program.sends)
