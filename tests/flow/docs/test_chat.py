"""docs/chat: payloads of chat servers go through converters, Redis and a worker to a receiver.

The payloads are written after the documentation of the chat servers.
"""

import hashlib
import http.client
import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from child import end, free_port, spawn
from webhook_queue import key, set_hook, wait_dead

CHAT = Path(__file__).resolve().parents[3] / "docs" / "chat"
HOSTILE = '</script>{{room.name}} "\\" \u202e\x00\ud83d <!channel> 日本\r\n'
sys.path.append(str(CHAT))
CONVERTERS = ("matrix", "mattermost", "rocketchat")

MATTERMOST_ROOM = "1waumyyd6jyczrxntuiopybygy"
MATTERMOST_POST = "ap8doms33tn1pj3ihjk3gmf4jy"
MATRIX_ROOM = "!OGEhHVWSdvArJzumhm:matrix.org"
MATRIX_EVENT = "$Rqnc-F-dvnEYJTyHq_iKxU2bZ1CI92-kuZq3a5lr5Zg"
ROCKETCHAT_ROOM = "GENERALxYz4AbCdEf"
ROCKETCHAT_MESSAGE = "fk2mJyFfXQTRcYBqp"


@pytest.fixture
def environment(redis_server):
    return {**os.environ, "ROOMHOOK_REDIS": redis_server.url, "CHAT_TOKEN": "of-the-chat"}


@pytest.fixture
def convert(environment):
    """convert("matrix", payload) -> what the converter did; a payload is JSON, or bytes."""

    def run(name, payload, **changes):
        payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return subprocess.run(
            [sys.executable, CHAT / f"{name}.py"], input=payload, env={**environment, **changes},
            capture_output=True, text=False, timeout=20, check=False,
        )  # fmt: skip

    return run


@pytest.fixture
def deliver(redis, receiver, start_worker, convert):
    """deliver("matrix", room, payloads) -> (webhook-id, type, hops, data) of each POST."""

    def run(name, room, payloads):
        set_hook(redis, room, "main", url=receiver.url(), format="bare")
        start_worker()
        count = 0
        for payload in payloads:
            done = convert(name, payload)
            assert done.returncode == 0, done.stderr
            count += int(done.stdout.split()[0])
        requests = receiver.wait_for(count)
        names = ("webhook-id", "webhook-event", "webhook-hops")
        # A worker has several under way: they come in any order.
        posts = {one.header("webhook-id"): one for one in requests}
        assert len(posts) == count
        return {
            identity: (*(one.header(name) for name in names[1:]), json.loads(one.body))
            for identity, one in posts.items()
        }

    return run


# --- Mattermost ---


def mattermost(event="posted", **post):
    post = {
        "id": MATTERMOST_POST, "create_at": 1682182575935, "update_at": 1682182575935,
        "edit_at": 0, "delete_at": 0, "is_pinned": False, "user_id": "cmr7sncacib4xfhd6yo3n4tf5e",
        "channel_id": MATTERMOST_ROOM, "root_id": "", "message": "hello", "type": "", "props": {},
        **post,
    }  # fmt: skip
    data = {"post": json.dumps(post)}
    if event == "posted":
        data.update(channel_display_name="Town Square", sender_name="@ana", channel_type="O")
    return {"event": event, "data": data, "broadcast": {"channel_id": MATTERMOST_ROOM}, "seq": 7}


def test_mattermost(deliver):
    other = "b" * 26
    edited = {"edit_at": 1682311574630, "update_at": 1682311574630, "message": "hello again"}
    posts = deliver("mattermost", MATTERMOST_ROOM, [
        mattermost(message=HOSTILE),
        mattermost("post_edited", **edited),
        mattermost("post_deleted", delete_at=1682400000000),
        mattermost(id=other, root_id=MATTERMOST_POST,
                   props={"from_webhook": "true", "webhook_hops": 3}),
        mattermost(id="c" * 26, props={"from_bot": "true"}),
        mattermost(id="d" * 26, type="system_join_channel"),
        mattermost("post_edited", is_pinned=True),
        {"event": "typing", "data": {"parent_id": ""}, "broadcast": {}, "seq": 8},
    ])  # fmt: skip
    user = {"id": "cmr7sncacib4xfhd6yo3n4tf5e"}
    message = {"id": MATTERMOST_POST, "roomId": MATTERMOST_ROOM, "type": "text",
               "createdAt": 1682182575935}  # fmt: skip
    named = {"fromUser": {**user, "displayName": "ana"}, "room": {"name": "Town Square"}}
    assert posts == {
        MATTERMOST_POST: ("message.created", None, {
            "message": {**message, "body": {"text": HOSTILE}}, **named}),
        f"{MATTERMOST_POST}-1682311574630": ("message.updated", None, {
            "message": {**message, "body": {"text": "hello again"}, "modifiedAt": 1682311574630},
            "fromUser": user}),
        f"{MATTERMOST_POST}-deleted": ("message.deleted", None, {
            "message": {**message, "body": {}, "deleted": True}, "fromUser": user}),
        other: ("message.created", "3", {
            "message": {**message, "id": other, "body": {"text": "hello"},
                        "threadId": MATTERMOST_POST}, **named}),
    }  # fmt: skip


# --- Matrix ---


def matrix(*events):
    return {"events": list(events)}


def matrix_event(content, kind="m.room.message", **event):
    return {
        "type": kind, "content": content, "event_id": MATRIX_EVENT, "room_id": MATRIX_ROOM,
        "sender": "@ana:matrix.org", "origin_server_ts": 1682182575935,
        "unsigned": {"age": 1234}, **event,
    }  # fmt: skip


def matrix_text(text, **content):
    return {"msgtype": "m.text", "body": text, **content}


def test_matrix(deliver):
    old_format = "$143273582443PhrSn:example.org"
    related = {"rel_type": "m.replace", "event_id": MATRIX_EVENT}
    thread = {"rel_type": "m.thread", "event_id": MATRIX_EVENT,
              "m.in_reply_to": {"event_id": "$reply"}}  # fmt: skip
    notice = {"msgtype": "m.notice", "body": "done", "org.example.webhook_hops": 1}
    posts = deliver("matrix", MATRIX_ROOM, [
        matrix(
            matrix_event(matrix_text(HOSTILE)),
            matrix_event({"membership": "join"}, "m.room.member", state_key="@ana:matrix.org"),
            matrix_event(matrix_text("* hello again", **{
                "m.relates_to": related, "m.new_content": matrix_text("hello again")}),
                event_id="$edit", origin_server_ts=1682311574630),
        ),
        matrix(matrix_event({}, "m.room.redaction", redacts=MATRIX_EVENT, event_id="$gone-10")),
        matrix(matrix_event({"redacts": MATRIX_EVENT}, "m.room.redaction", event_id="$gone-11")),
        matrix(matrix_event(matrix_text("in a thread", **{"m.relates_to": thread}),
                            event_id=old_format)),
        matrix(matrix_event(notice, event_id="$notice"),
               matrix_event({**notice, "org.example.webhook_hops": "1"}, event_id="$loop"),
               matrix_event({}, event_id="$redacted"),
               matrix_event({"msgtype": "m.text", "body": ["no", "text"], "m.relates_to": 7},
                            event_id="$odd")),
        matrix(),
    ])  # fmt: skip
    user = {"id": "@ana:matrix.org", "displayName": "@ana:matrix.org"}
    room, created = {"roomId": MATRIX_ROOM}, {"createdAt": 1682182575935}
    text = {**room, **created, "type": "text"}
    gone = {"message": {"id": MATRIX_EVENT, **room, **created, "deleted": True}, "fromUser": user}
    hashed = hashlib.sha256(old_format.removeprefix("$").encode()).hexdigest()
    assert posts == {
        MATRIX_EVENT[1:]: ("message.created", None, {
            "message": {**text, "id": MATRIX_EVENT, "body": {"text": HOSTILE}}, "fromUser": user}),
        "edit": ("message.updated", None, {
            "message": {**room, "id": MATRIX_EVENT, "type": "text", "body": {"text": "hello again"},
                        "modifiedAt": 1682311574630}, "fromUser": user}),
        "gone-10": ("message.deleted", None, gone),
        "gone-11": ("message.deleted", None, gone),
        hashed: ("message.created", None, {
            "message": {**text, "id": old_format, "body": {"text": "in a thread"},
                        "threadId": MATRIX_EVENT, "replyId": "$reply"}, "fromUser": user}),
        "notice": ("message.created", "1", {
            "message": {**text, "id": "$notice", "type": "notice", "body": {"text": "done"}},
            "fromUser": user}),
        "odd": ("message.created", None, {
            "message": {**text, "id": "$odd", "body": {"text": ""}}, "fromUser": user}),
    }  # fmt: skip


def test_matrix_room_of_another_alphabet(redis, start_worker, convert):
    """A foreign server's room does not block the transaction: its event is a dead letter."""
    start_worker()
    content = matrix_text("hello")
    done = convert("matrix", matrix(matrix_event(content, room_id="!abc:[2001:db8::1]:8448")))
    assert done.returncode == 0
    assert wait_dead(redis)[0]["reason"] == "malformed"


# --- Rocket.Chat ---


def rocketchat(event="sent", **message):
    return {
        "event": event,
        "message": {
            "id": ROCKETCHAT_MESSAGE, "text": "hello", "createdAt": "2023-04-22T16:56:15.935Z",
            "room": {"id": ROCKETCHAT_ROOM, "displayName": "general"},
            "sender": {"id": "rbAXPnMktTFbNpwtJ", "username": "ana", "name": "Ana", "type": "user"},
            **message,
        },
    }  # fmt: skip


def test_rocketchat(deliver):
    other, third = "a" * 17, "b" * 17
    bot = {"id": "rocket.cat", "username": "rocket.cat", "type": "bot"}
    posts = deliver("rocketchat", ROCKETCHAT_ROOM, [
        rocketchat(text=HOSTILE, customFields={"webhookHops": 5}),
        rocketchat("updated", text="hello again", editedAt="2023-04-24T04:46:14.630Z"),
        rocketchat("deleted"),
        rocketchat(id=other, threadId=ROCKETCHAT_MESSAGE, sender=bot,
                   customFields={"webhookHops": 2}),
        rocketchat(id=third, sender=bot),
        rocketchat(id=third, sender={"id": "x", "type": "user", "roles": ["user", "bot"]}),
        rocketchat(id=third, sender=bot, customFields={"webhookHops": -1}),
        rocketchat(id=third, type="uj"),
    ])  # fmt: skip
    message = {"id": ROCKETCHAT_MESSAGE, "roomId": ROCKETCHAT_ROOM, "type": "text",
               "createdAt": 1682182575935}  # fmt: skip
    common = {"fromUser": {"id": "rbAXPnMktTFbNpwtJ", "displayName": "Ana"},
              "room": {"name": "general"}}  # fmt: skip
    assert posts == {
        ROCKETCHAT_MESSAGE: ("message.created", None, {
            "message": {**message, "body": {"text": HOSTILE}}, **common}),
        f"{ROCKETCHAT_MESSAGE}-1682311574630": ("message.updated", None, {
            "message": {**message, "body": {"text": "hello again"}, "modifiedAt": 1682311574630},
            **common}),
        f"{ROCKETCHAT_MESSAGE}-deleted": ("message.deleted", None, {
            "message": {**message, "body": {}, "deleted": True}, **common}),
        other: ("message.created", "2", {
            "message": {**message, "id": other, "body": {"text": "hello"},
                        "threadId": ROCKETCHAT_MESSAGE},
            **common, "fromUser": {"id": "rocket.cat", "displayName": "rocket.cat"}}),
    }  # fmt: skip


# --- what is refused ---

VALID = {
    "matrix": matrix(matrix_event(matrix_text("hello"))),
    "mattermost": mattermost(),
    "rocketchat": rocketchat(),
}
NO_JSON = (b"", b"{", b"\xff\xfe{", b"[" * 100_000, b"[]", b"7", b'"text"',
           b'{"events":[],"event":"typing","x":NaN}')  # fmt: skip


def without(payload, *path):
    """A copy without the member that path leads to."""
    copy = json.loads(json.dumps(payload))
    where = copy
    for step in path[:-1]:
        where = where[step]
    del where[path[-1]]
    return copy


@pytest.mark.parametrize("name", CONVERTERS)
def test_what_is_refused_says_why(redis, convert, name):
    done = convert(name, b"[]")
    error = done.stderr.decode()
    assert done.returncode == 65 and error.startswith("payload refused: ")
    assert error.count("\n") == 1
    assert not redis.exists(key("events"))


def test_what_is_not_stored_says_so(convert):
    done = convert("matrix", VALID["matrix"], ROOMHOOK_REDIS=f"redis://127.0.0.1:{free_port()}/0")
    assert done.returncode == 75 and done.stderr.startswith(b"not stored: ")


def test_rights_of_the_documented_user(redis, redis_server, convert):
    page = (CHAT / "README.md").read_text(encoding="utf-8")
    rights = re.search(r"Its Redis user needs (.*?)\. ", page, re.DOTALL)[1]
    rights = re.findall(r"`([^`]+)`", rights)
    assert rights == ["+xadd", "+multi", "+exec", "{webhooks}:events"]
    redis.acl_setuser("chat", enabled=True, passwords=["+secret"], commands=rights[:3],
                      keys=rights[3:])  # fmt: skip
    url = f"redis://chat:secret@127.0.0.1:{redis_server.port}/0"
    done = convert("matrix", VALID["matrix"], ROOMHOOK_REDIS=url)
    redis.acl_deluser("chat")
    assert done.returncode == 0, done.stderr


def refuses(name, payload):
    enqueue, converter = importlib.import_module("enqueue"), importlib.import_module(name)
    with pytest.raises(enqueue.RefusedError, match="^payload refused: "):
        list(converter.convert(enqueue.parse(payload)))


@pytest.mark.parametrize("name", CONVERTERS)
def test_what_is_no_payload_is_refused(name):
    for payload in NO_JSON:
        refuses(name, payload)


MALFORMED = [
    ("matrix", without(VALID["matrix"], "events")),
    ("matrix", {"events": {}}),
    ("matrix", matrix(7)),
    *[("matrix", without(VALID["matrix"], "events", 0, name))
      for name in ("type", "event_id", "room_id", "sender")],
    ("mattermost", without(VALID["mattermost"], "event")),
    ("mattermost", without(VALID["mattermost"], "data", "post")),
    ("mattermost", {"event": "posted", "data": {"post": "{"}}),
    ("mattermost", {"event": "posted", "data": {"post": "[]"}}),
    *[("mattermost", mattermost(**{name: None}))
      for name in ("id", "channel_id", "create_at", "user_id")],
    ("mattermost", mattermost(channel_id=True)),
    ("rocketchat", rocketchat("pinned")),
    ("rocketchat", rocketchat("updated")),
    ("rocketchat", rocketchat(createdAt="yesterday")),
    *[("rocketchat", without(VALID["rocketchat"], "message", *path))
      for path in (["id"], ["room"], ["room", "id"], ["sender", "id"], ["createdAt"])],
]  # fmt: skip


@pytest.mark.parametrize(("name", "payload"), MALFORMED)
def test_malformed_payloads_are_refused(name, payload):
    refuses(name, json.dumps(payload))


# --- over HTTP ---


@pytest.fixture
def listening(environment):
    """listening() -> port of a Matrix converter that listens."""
    process = spawn(
        [sys.executable, CHAT / "matrix.py", "--listen", "127.0.0.1:0"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    yield int(process.stdout.readline().rpartition(":")[2])
    end(process)


def put(port, body, token="of-the-chat", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Authorization": f"Bearer {token}", **headers}
    connection.request("PUT", "/_matrix/app/v1/transactions/1", body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def test_transactions_are_answered_when_they_are_stored(redis, listening):
    body = json.dumps(VALID["matrix"])
    assert put(listening, body) == (200, {})
    assert redis.xlen(key("events")) == 1
    assert put(listening, body, token="another")[0] == 403
    assert put(listening, body, **{"Content-Length": "-1"})[0] == 413
    status, answer = put(listening, json.dumps(matrix(*VALID["matrix"]["events"], {})))
    assert status == 400 and "type is missing or of a wrong type" in answer["error"]
    assert redis.xlen(key("events")) == 1, "half of a transaction was stored"
    redis.config_set("maxmemory", "1")
    try:
        status, answer = put(listening, body)
    finally:
        redis.config_set("maxmemory", "0")
    assert status == 503 and "not stored" in answer["error"]
    assert put(listening, body) == (200, {})
    assert redis.xlen(key("events")) == 2


def test_nobody_listens_without_a_token(environment):
    done = subprocess.run(
        [sys.executable, CHAT / "matrix.py", "--listen", "127.0.0.1:0"],
        env={**environment, "CHAT_TOKEN": ""}, capture_output=True, text=True, timeout=20,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "CHAT_TOKEN" in done.stderr


# --- pages ---


def test_converters_are_short_and_have_a_page():
    index = (CHAT / "README.md").read_text(encoding="utf-8")
    for name in CONVERTERS:
        assert len((CHAT / f"{name}.py").read_text(encoding="utf-8").splitlines()) <= 60
        assert f"({name}.md)" in index and f"`{name}.py`" in index


@pytest.mark.parametrize("page", sorted(CHAT.glob("*.md")), ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target, fragment in re.findall(r"\]\((?!https?:)([^)#]*)#?([^)]*)\)", page.read_text()):
        path = (page.parent / target) if target else page
        assert path.exists(), target
        headings = re.findall(r"^#+ (.*)", path.read_text(), re.MULTILINE)
        anchors = [re.sub(r"[^a-z0-9 -]", "", one.lower()).replace(" ", "-") for one in headings]
        assert not fragment or fragment in anchors, fragment
