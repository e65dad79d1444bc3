"""Runs a plugin of docs/chat, compiled against the published SDK of its chat server: what its hooks
send must come out of the real converter as events in Redis."""

import json
import os
import subprocess
import sys

from child import end, spawn
from redis_server import RedisServer
from webhook_queue import key

RUN_S = 60
TOKEN = "of-the-chat"
CREATED, EDITED = 1682182575935, 1682311574630


def expected(message_id, room, user, room_name):
    """The events of a message that is created, edited and deleted."""
    message = {"id": message_id, "roomId": room, "type": "text", "createdAt": CREATED}
    for change, kind, members in (
        ("", "created", {"body": {"text": "hello"}}),
        (f"-{EDITED}", "updated", {"body": {"text": "hello again"}, "modifiedAt": EDITED}),
        ("-deleted", "deleted", {"body": {}, "deleted": True}),
    ):
        document = {"type": f"message.{kind}", "hops": 0, "message": {**message, **members},
                    "fromUser": user, "room": {"name": room_name}}  # fmt: skip
        yield message_id + change, document


EXPECTED = {
    "mattermost": (
        "ap8doms33tn1pj3ihjk3gmf4jy", "1waumyyd6jyczrxntuiopybygy",
        {"id": "cmr7sncacib4xfhd6yo3n4tf5e", "displayName": "ana"}, "Town Square"),
    "rocketchat": (
        "fk2mJyFfXQTRcYBqp", "GENERALxYz4AbCdEf",
        {"id": "dmTNkVRrj9LLBdQNb", "displayName": "Ana"}, "general"),
}  # fmt: skip


def run(program, argv, url):
    done = subprocess.run(
        argv, env=program.full_environment(URL=url, CHAT_TOKEN=TOKEN), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=RUN_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"it failed:\n{done.stdout}{done.stderr}"


def check(program, argv, _):
    with RedisServer() as server:
        converter = spawn(
            [sys.executable, program.path.with_suffix(".py"), "--listen", "127.0.0.1:0"],
            env={**os.environ, "ROOMHOOK_REDIS": server.url, "CHAT_TOKEN": TOKEN},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        try:
            port = converter.stdout.readline().rpartition(":")[2].strip()
            run(program, argv, f"http://127.0.0.1:{port}/")
        finally:
            end(converter)
        entries = [fields for _, fields in server.client().xrange(key("events"))]
    got = [(fields[b"id"].decode(), json.loads(fields[b"json"])) for fields in entries]
    assert got == list(expected(*EXPECTED[program.path.stem])), got
    return f"{len(got)} events"
