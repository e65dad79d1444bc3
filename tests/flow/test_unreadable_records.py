"""A waiting delivery whose record cannot be read goes to the dead letters, and harms no other."""

import pytest

from receiver import Answer
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    due_ms,
    enqueue,
    key,
    message_event,
    now_ms,
    record_of,
    set_hook,
    wait_dead,
    wait_stat,
)

ID = "1667548137257-0/main"
META = b'{"room":438,"hook":"main","attempts":1,"encoding":"json"}'
DOCUMENT = b'{"message":{"roomId":438}}'
RECORD = b"- 0\n" + META + b"\n" + DOCUMENT
KEPT = 4096


def store(redis, record, delivery_id=ID):
    """As if it were due now."""
    redis.hset(key("deliveries"), delivery_id, record)
    redis.zadd(key("retries"), {delivery_id: 0})


# What a record is, and what the letter has of it.
UNREADABLE = {
    "empty": (b"", None),
    "no line": (b"no line at all", b"no line at all"),
    "any bytes": (b"\xff\x00 \xfe" * 10, b"\xff\x00 \xfe" * 10),
    "no fence": (b"fence\n" + META + b"\n" + DOCUMENT, b"fence\n" + META + b"\n" + DOCUMENT),
    "claims": (b"- 99999999999\n" + META + b"\n" + DOCUMENT, META + b"\n" + DOCUMENT),
    "line 1 only": (b"- 0\n", None),
    "half an object": (b"- 0\n{\n" + DOCUMENT, b"{\n" + DOCUMENT),
    "a list": (b"- 0\n[]\n" + DOCUMENT, b"[]\n" + DOCUMENT),
    "hook": (b'- 0\n{"hook":"a/b"}\n{}', b'{"hook":"a/b"}\n{}'),
    "another hook": (RECORD.replace(b"main", b"b"), RECORD.replace(b"main", b"b")[4:]),
    "long line": (b"- 0\n" + b"x" * (1 << 20), b"x" * KEPT),
    "many lines": (b"\n" * 10000, b"\n" * KEPT),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_it_becomes_a_letter(redis, receiver, start_worker, name):
    record, kept = UNREADABLE[name]
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    store(redis, record)
    worker = start_worker()
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "malformed"
    assert letter["hook"] == "main"
    assert letter["queued_at"] == "2022-11-04T07:48:57.257Z"
    assert letter.get("record") == kept
    assert "json" not in letter and "msgpack" not in letter
    assert_queue_empty(redis)
    (line,) = worker.logged("record_unreadable", delivery=ID)
    assert letter["error"] and line["error"] == letter["error"]
    enqueue(redis, message_event())
    receiver.wait_for(1, "/good")
    wait_stat(redis, "dead", 1)
    assert len(worker.logged("record_unreadable")) == 1


STRANGE_IDS = {
    "word": b"nonsense",
    "no hook": b"1-0",
    "empty hook": b"1-0/",
    "no stream id": b"/main",
    "leading zero": b"01-0/main",
    "long": b"\xff\x00\n" * 2000,
}


@pytest.mark.parametrize("name", STRANGE_IDS)
def test_an_id_that_is_none(redis, receiver, start_worker, name):
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    store(redis, RECORD, STRANGE_IDS[name])
    start_worker()
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "malformed"
    assert "is not <stream id>/main" in letter["error"]
    assert "hook" not in letter and "queued_at" not in letter
    assert letter["record"] == META + b"\n" + DOCUMENT
    assert_queue_empty(redis)
    assert not receiver.requests()


def test_those_beside_it_are_attempted(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    started_ms = now_ms(redis)
    for n in range(50):
        store(redis, RECORD, f"{started_ms}-{n}/main")
        store(redis, b"broken", f"{started_ms}-{n}/broken")
    start_worker()
    receiver.wait_for(50, "/good")
    letters = wait_dead(redis, 50)
    assert {letter["hook"] for letter in letters} == {"broken"}
    assert_queue_empty(redis)
    assert len(receiver.requests("/good")) == 50


def test_the_caps_hold_for_it_too(redis, start_worker):
    redis.config_set("stream-node-max-entries", 1)  # then trimming is exact
    try:
        for n in range(10):
            store(redis, b"broken", f"1667548137257-{n}/main")
        start_worker(dead_max=4)
        assert_queue_empty(redis)
        wait_stat(redis, "dead", 10)
        wait_stat(redis, "dead_dropped", 6)
        assert len(dead_letters(redis)) == 4
    finally:
        redis.config_set("stream-node-max-entries", 100)


def test_what_only_lost_its_first_line_is_attempted(redis, receiver, start_worker):
    """The claim puts one in front, so that this is a record again."""
    stream_id = enqueue(redis, message_event())
    receiver.script("/flaky", [Answer(503), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url("/flaky"))
    worker = start_worker(retry_schedule="1h")
    receiver.wait_for(1, "/flaky")
    delivery = f"{stream_id}/main"
    worker.wait_log("retry")
    wait_until(lambda: due_ms(redis, delivery), 5, "the retry to be stored")
    whole = redis.hget(key("deliveries"), delivery)
    store(redis, whole.partition(b"\n")[2], delivery)
    receiver.wait_for(2, "/flaky")
    assert_queue_empty(redis)
    assert record_of(redis, delivery) is None
    assert dead_letters(redis) == []
