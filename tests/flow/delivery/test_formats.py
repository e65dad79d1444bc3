"""Bodies for other receivers than ours: chats, CloudEvents, and templates of a hook's own."""

import json
import re

import pytest

import chat_rules
from receiver import Answer
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    set_hook,
    wait_dead,
)

RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
CHATS = ["slack", "discord", "mattermost"]
TEXTS = {
    "plain": "hello",
    "quotes": 'a "b" \\ \\n {} "},"text":"x',
    "lines": "one\ntwo\r\n\tthree",
    "emoji": "für 🐎🐎",
    "markup": "a & b <b> &amp; <https://a.example|click>",
    "mentions": "@everyone @here @channel @all <!channel> <!here> <@U024BE7LH> <@!12> <@&3> <#C1>",
    "places": "{{fromUser.displayName}} {{{{ }} {{",
    "controls": "a\x00b\x01c\x1b[31m\x7f",
    "empty": "",
    "long": "x" * 70000,
    "long emoji": "🐎" * 30000,
    "long markup": "&<>" * 20000,
}


@pytest.mark.parametrize("chat", CHATS)
def test_chats_accept_whatever_people_write(redis, receiver, start_worker, chat):
    set_hook(redis, 438, "main", url=receiver.url(), format=chat)
    start_worker()
    for name, text in TEXTS.items():
        enqueue(redis, message_event(text=text), id=name.replace(" ", "-"))
    half = rb'{"message":{"roomId":438,"body":{"text":"cut \ud83d"}},"fromUser":{"name":"A"}}'
    redis.xadd(key("events"), {"json": half, "id": "half"})
    got = {one.header("webhook-id"): one for one in receiver.wait_for(len(TEXTS) + 1)}
    assert_queue_empty(redis)
    for name, request in got.items():
        found = chat_rules.problems(chat, request.header("Content-Type"), request.body)
        assert not found, (name, request.body[:300])
    for name in ("plain", "quotes", "lines", "emoji", "markup", "mentions", "places"):
        assert chat_rules.shown(chat, got[name].body) == f"Ana: {TEXTS[name]}"
    assert chat_rules.shown(chat, got["half"].body) == "A: cut \ufffd"
    assert chat_rules.shown(chat, got["empty"].body) == "Ana: text", "the message's type"
    assert chat_rules.shown(chat, got["long"].body)[-1] == "…"


def test_emulations_refuse():
    """What the test above would not notice otherwise."""
    kind = "application/json"
    for chat, bad in [
        ("slack", {"text": "<!here>"}), ("slack", {"text": "a & b"}), ("slack", {"content": "x"}),
        ("discord", {"content": "x" * 2001}), ("discord", {"content": "@everyones"}),
        ("discord", {"content": ""}), ("discord", {"content": "x", "text": "x"}),
        ("mattermost", {"text": "@ALL"}), ("mattermost", {"text": 7}),
    ]:  # fmt: skip
        assert chat_rules.problems(chat, kind, json.dumps(bad).encode()), (chat, bad)
    assert chat_rules.problems("slack", "text/plain", b'{"text":"x"}')
    assert chat_rules.problems("slack", kind, b'{"text":"\\ud83d"}')
    assert not chat_rules.problems("slack", kind, b'{"text":"x"}')


def test_a_cloudevent(redis, receiver, start_worker):
    set_hook(redis, "!a#b:x", "main", url=receiver.url(), format="cloudevents")
    start_worker()
    event = {"type": "message.edited", **message_event(room="!a#b:x", createdAt=1667548137257)}
    enqueue(redis, event, id="event-1")
    for path, message in [("/2", {}), ("/3", {"createdAt": 1667548137257000})]:
        hook = {"url": receiver.url(path), "format": "cloudevents"}
        enqueue(redis, {**event, "webhooks": [hook], "message": message})
    (request,) = receiver.wait_for(1, "/")
    assert request.header("Content-Type") == "application/cloudevents+json"
    assert json.loads(request.body) == {
        "specversion": "1.0",
        "id": "event-1",
        "source": "/rooms/!a%23b:x",
        "type": "message.edited",
        "time": "2022-11-04T07:48:57.257Z",
        "datacontenttype": "application/json",
        "data": message_event(room="!a#b:x", createdAt=1667548137257),
    }
    (request,) = receiver.wait_for(1, "/2")
    without_room = json.loads(request.body)
    assert without_room["source"] == "/rooms"
    assert RFC_3339.fullmatch(without_room["time"])
    (request,) = receiver.wait_for(1, "/3")
    assert RFC_3339.fullmatch(json.loads(request.body)["time"]), "createdAt is in microseconds"


def test_a_template_of_the_hooks_own(redis, receiver, start_worker, cli, tmp_path):
    file = tmp_path / "template.json"
    file.write_text("""{
        "title": "{{room.name}} ({{message.roomId}})",
        "by": "{{fromUser.name|fromUser.displayName|\\"somebody\\"}}",
        "text": "{{message.body.text}}",
        "all": "{{message.body}}",
        "none": "{{message.absent}}",
        "fixed": [1, true, null, {"a": "b"}]
    }""")
    done = cli("hook", "set", "--room=438", f"--url={receiver.url()}", f"--template={file}")
    assert dict(line.split(maxsplit=1) for line in done.stdout.splitlines())["format"] == "template"
    start_worker()
    enqueue(redis, message_event(text='a "b" {{type}} @here'), "msgpack")
    (request,) = receiver.wait_for(1)
    assert request.header("Content-Type") == "application/json"
    assert json.loads(request.body) == {
        "title": "tests (438)",
        "by": "Ana",
        "text": 'a "b" {{type}} @her\u200be',
        "all": '{"text":"a \\"b\\" {{type}} @her\u200be"}',
        "none": "",
        "fixed": [1, True, None, {"a": "b"}],
    }
    cli("hook", "set", "--room=438", "--format=bare")
    assert set(json.loads(redis.hget(key("room:438"), "main"))) == {
        "url", "verificationSignature", "format",
    }  # fmt: skip


def test_retries_and_signatures_are_of_the_same_body(redis, receiver, start_worker):
    receiver.script("/", [Answer(500), Answer(200)])
    template = {"text": "{{message.body.text}}"}
    set_hook(redis, 438, "main", url=receiver.url(), template=template)
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(text="hi"))
    first, second = receiver.wait_for(2)
    assert first.body == second.body == b'{"text":"hi"}'


@pytest.mark.parametrize(
    ("hook", "why"),
    [
        ({"format": "teams"}, "format: must be"),
        ({"format": "template"}, "format: must be"),
        ({"template": "{{type}}"}, "template: must be a JSON object or list"),
        ({"template": {"a": "{{type"}}, "has no end"),
        ({"template": {"a": "{{user.name}}"}}, "allowed are paths"),
        ({"template": {"a": "x"}, "format": "slack"}, "a hook with a template has no format"),
    ],
)
def test_what_is_no_format_is_a_dead_letter(redis, receiver, start_worker, hook, why):
    set_hook(redis, 438, "main", url=receiver.url(), **hook)
    start_worker()
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "bad-hook" and why in letter["error"]
    assert receiver.requests() == []


def test_a_template_cannot_make_a_body_without_end(redis, receiver, start_worker):
    places = {f"k{n}": "{{message.body.text}}{{message}}" for n in range(16)}
    set_hook(redis, 438, "main", url=receiver.url(), template=places)
    start_worker()
    enqueue(redis, message_event(text='"' * 60000))
    (request,) = receiver.wait_for(1)
    assert len(request.body) <= 256 * 1024
    assert list(json.loads(request.body)) == list(places)
    assert_queue_empty(redis)
    assert dead_letters(redis) == []
