"""A hook that names types of events gets no others."""

import json

from receiver import Answer
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    delivery_id,
    enqueue,
    key,
    message_event,
    record_of,
    set_hook,
    stats,
    wait_stat,
)
from wait import wait_until


def event_of(type_=None, **fields):
    event = message_event(**fields)
    return event if type_ is None else {"type": type_, **event}


def test_only_events_of_its_types_are_sent(redis, receiver, start_worker):
    set_hook(redis, 438, "all", url=receiver.url("/all"))
    set_hook(redis, 438, "some", url=receiver.url("/some"), types=["message.created", "reaction.*"])
    start_worker()
    types = [None, "message.created", "message.edited", "reaction.added", "reaction", "reactions.x"]
    for type_ in types:
        enqueue(redis, event_of(type_))
    receiver.wait_for(len(types), "/all")
    wait_stat(redis, "type_skipped", 3)
    assert "hook_disabled" not in stats(redis)
    assert_queue_empty(redis)
    got = [request.header("webhook-event") for request in receiver.wait_for(3, "/some")]
    assert sorted(got) == ["message.created", "message.created", "reaction.added"]
    assert len(receiver.requests("/some")) == 3
    assert dead_letters(redis) == []
    assert stats(redis)["delivered"] == len(types) + 3


def test_inline_hooks_have_types_too(redis, receiver, start_worker):
    hooks = [
        {"url": receiver.url("/one"), "types": ["a.*"]},
        {"url": receiver.url("/two"), "types": ["b.*"]},
    ]
    start_worker()
    enqueue(redis, {**event_of("b.x"), "webhooks": hooks})
    receiver.wait_for(1, "/two")
    wait_stat(redis, "type_skipped", 1)
    assert_queue_empty(redis)
    assert receiver.requests("/one") == []


def test_what_waits_is_skipped_when_its_type_is_no_longer_wanted(
    redis, receiver, start_worker, cli
):
    receiver.script("/", [Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="1s")
    stream_id = enqueue(redis, event_of("a"))
    wait_until(lambda: record_of(redis, delivery_id(stream_id)), 5, "it to wait")
    cli("hook", "set", "--room=438", "--types=b")
    assert json.loads(redis.hget(key("room:438"), "main"))["types"] == ["b"]
    wait_stat(redis, "type_skipped", 1)
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 1
    assert dead_letters(redis) == []
