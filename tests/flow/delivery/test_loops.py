"""hops: how many webhooks led to an event; told to receivers, and the end of what goes round."""

import json

import pytest

from receiver import Answer
from webhook_queue import (
    add_waiting,
    assert_queue_empty,
    encode,
    enqueue,
    message_event,
    now_ms,
    set_hook,
    wait_dead,
    wait_stat,
)


def hops_event(hops, **event):
    return {**message_event(), "hops": hops, **event}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_hops_are_sent_with_every_attempt(redis, receiver, start_worker, encoding):
    """From the first POST and from the stored document at a retry; not inside the body."""
    receiver.script("/", [Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url(), format="bare")
    start_worker(retry_schedule="100ms")
    enqueue(redis, hops_event(3), encoding)
    for request in receiver.wait_for(2):
        assert request.header("webhook-hops") == "3"
        assert request.body == encode(message_event(), "json")
    assert_queue_empty(redis)


def test_without_hops_there_is_no_header(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event())
    enqueue(redis, hops_event(0))
    assert [request.header("webhook-hops") for request in receiver.wait_for(2)] == [None, None]


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_the_eighth_hop_is_the_end(redis, receiver, start_worker, cli, encoding):
    """One letter for the event, whatever hooks it has; a replay comes to the same end."""
    set_hook(redis, 438, "one", url=receiver.url("/one"))
    set_hook(redis, 438, "two", url=receiver.url("/two"))
    start_worker()
    enqueue(redis, hops_event(8), encoding, id="round-8")
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["event_id"], letter["room"]) == ("loop", "round-8", "438")
    assert letter["error"] == "8 webhooks led to this event, 7 are allowed: it is a loop"
    assert letter[encoding] == encode(hops_event(8), encoding)
    cli("dead", "replay", letter["id"])
    wait_stat(redis, "dead", 2)
    (again,) = wait_dead(redis)
    assert (again["reason"], again["event_id"]) == ("loop", "round-8")
    enqueue(redis, hops_event(7), encoding)
    assert receiver.wait_for(1, "/one")[0].header("webhook-hops") == "7"
    assert receiver.wait_for(1, "/two")[0].header("webhook-hops") == "7"
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 2


def test_a_bot_that_answers_each_webhook_comes_to_an_end(redis, receiver, start_worker):
    """It does what docs/protocol.md asks of it: what it posts is one hop further."""
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event())
    for n in range(8):
        request = receiver.wait_for(n + 1)[n]
        enqueue(redis, hops_event(int(request.header("webhook-hops") or 0) + 1))
    (letter,) = wait_dead(redis)
    assert (letter["reason"], json.loads(letter["json"])["hops"]) == ("loop", 8)
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 8


def test_inline_hooks_do_not_escape(redis, receiver, start_worker):
    start_worker()
    enqueue(redis, hops_event(1000, webhooks=[{"url": receiver.url()}]))
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "loop"
    assert_queue_empty(redis)
    assert receiver.requests() == []


def test_a_waiting_delivery_that_goes_round(redis, receiver, start_worker):
    """As one stored by an older worker: a letter for this delivery."""
    set_hook(redis, 438, "main", url=receiver.url())
    add_waiting(redis, f"{now_ms(redis)}-0", document=hops_event(9))
    start_worker()
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["hook"], letter["attempts"]) == ("loop", "main", "1")
    assert letter["error"] == "9 webhooks led to this event, 7 are allowed: it is a loop"
    assert_queue_empty(redis)
    assert receiver.requests() == []
