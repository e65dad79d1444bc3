"""A waiting delivery whose record cannot be read goes to the dead letters, and harms no other."""

import pytest

from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    delivery_id,
    enqueue,
    key,
    lane_key,
    message_event,
    now_ms,
    set_hook,
    wait_dead,
    wait_stat,
)

STREAM_ID = "1667548137257-0"
ID = delivery_id(STREAM_ID)
META = b'{"lane":"438/main","attempts":1,"encoding":"json"}'
DOCUMENT = b'{"message":{"roomId":438}}'
RECORD = META + b"\n" + DOCUMENT
KEPT = 4096


def store(redis, record, delivery=ID, lane="438/main"):
    """As if it were due now."""
    redis.hset(key("deliveries"), delivery, record)
    redis.zadd(lane_key(lane), {delivery: now_ms(redis)})
    redis.zadd(key("lanes"), {lane: 0}, lt=True)


# What a record is, and what the letter has of it.
UNREADABLE = {
    "empty": (b"", None),
    "no line": (b"no line at all", b"no line at all"),
    "any bytes": (b"\xff\x00 \xfe" * 10, b"\xff\x00 \xfe" * 10),
    "of contract 1": (b"- 0\n" + RECORD, b"- 0\n" + RECORD),
    "no document": (META, META),
    "empty line": (b"\n" + DOCUMENT, b"\n" + DOCUMENT),
    "half an object": (b"{\n" + DOCUMENT, b"{\n" + DOCUMENT),
    "a list": (b"[]\n" + DOCUMENT, b"[]\n" + DOCUMENT),
    "no lane": (b'{"encoding":"json"}\n{}', b'{"encoding":"json"}\n{}'),
    "strange lane": (b'{"lane":"a/b"}\n{}', b'{"lane":"a/b"}\n{}'),
    "another lane": (RECORD.replace(b"main", b"b"), RECORD.replace(b"main", b"b")),
    "long line": (b"x" * (1 << 20), b"x" * KEPT),
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
    line = worker.wait_log("record_unreadable", delivery=ID)
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
}


@pytest.mark.parametrize("name", STRANGE_IDS)
def test_an_id_that_is_none(redis, receiver, start_worker, name):
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    store(redis, RECORD, STRANGE_IDS[name])
    start_worker()
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "malformed"
    assert letter["error"] == "its name is not <stream id>/<hook>"
    assert letter["room"] == "438"
    assert "hook" not in letter and "queued_at" not in letter
    assert letter["record"] == RECORD
    assert_queue_empty(redis)
    assert not receiver.requests()


def test_an_id_that_no_worker_can_use(redis, receiver, start_worker):
    """It gets another one, by which it is buried, with all that was stored."""
    set_hook(redis, 438, "main", url=receiver.url())
    store(redis, RECORD, b"\xff\x00\n" * 2000)
    start_worker()
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["room"], letter["record"]) == ("malformed", "438", RECORD)
    assert letter["error"] == "its name is not <stream id>/<hook>"
    assert_queue_empty(redis)


STRANGE_LANES = ["unreadable", "438", "x/main", "438/", "/main"]


@pytest.mark.parametrize("lane", STRANGE_LANES)
def test_a_lane_that_is_none(redis, start_worker, lane):
    """Where the leader puts what says no lane, or somebody else."""
    store(redis, b"{}", lane=lane)
    start_worker()
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["record"]) == ("malformed", b"{}")
    assert_queue_empty(redis)


def test_those_beside_it_are_attempted(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    started_ms = now_ms(redis)
    for n in range(50):
        store(redis, RECORD, delivery_id(f"{started_ms}-{n}"))
        store(redis, b"broken", delivery_id(f"{started_ms}-{n}", "broken"))
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
            store(redis, b"broken", delivery_id(f"1667548137257-{n}"))
        start_worker(dead_max=4)
        assert_queue_empty(redis)
        wait_stat(redis, "dead", 10)
        wait_stat(redis, "dead_dropped", 6)
        assert len(dead_letters(redis)) == 4
    finally:
        redis.config_set("stream-node-max-entries", 100)
