"""What is in a document reaches the receiver untouched, whichever encoding it came in."""

import json

import pytest

from wait import wait_until
from webhook_queue import assert_queue_empty, dead_letters, enqueue, set_hook

ENCODINGS = pytest.mark.parametrize("encoding", ["msgpack", "json"])


def compact(value):
    """JSON as JavaScript's JSON.stringify writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


DIFFICULT = {
    "roomId": 7,
    "zebra first": 1,
    "2": "number-like keys keep",
    "1": "their place",
    "int64": [-9223372036854775808, 9223372036854775807, 9007199254740993, -1, 0],
    "real": [0.1, -2.5, 1667548137.257],
    "text": 'quote " backslash \\ slash / newline \n return \r tab \t bell \x07 unit \x1f del \x7f',
    "unicode": "žćšđ Привет 日本語 😀 \u2028 \u2029 \u00a0 e\u0301 \U0010ffff",
    "": "the empty key",
    "empty": {"map": {}, "list": [], "text": "", "null": None},
    "nested": {"a": [{"b": [[1, [2, [3]]], {"c": None}]}, True, False]},
    "ключ\n": "keys are texts like others",
    "long": "x" * 70000,
}


@ENCODINGS
def test_every_value_passes_through_untouched(redis, receiver, start_worker, encoding):
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    document = {
        "room": {"z": 1, "a": {"y": None}},  # the order of the parts is the format's
        "fromUser": {"displayName": "Žak ☕"},
        "message": DIFFICULT,
    }
    enqueue(redis, document, encoding)
    (request,) = receiver.wait_for(1)
    parts = {name: document[name] for name in ("message", "fromUser", "room")}
    assert request.body.decode() == compact(parts).decode()
    assert_queue_empty(redis)


def test_the_largest_unsigned_number_is_exact(redis, receiver, start_worker):
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    enqueue(redis, {"message": {"roomId": 7, "n": 18446744073709551615}}, "msgpack")
    (request,) = receiver.wait_for(1)
    assert request.body == b'{"message":{"roomId":7,"n":18446744073709551615}}'


def test_json_past_64_signed_bits_is_refused_and_not_rounded(redis, receiver, start_worker):
    """The JSON library has signed 64-bit integers: rather a dead letter than another number."""
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    enqueue(redis, {"message": {"roomId": 7, "n": 9223372036854775808}}, "json")
    (letter,) = wait_until(lambda: dead_letters(redis), 5, "the letter")
    assert letter["reason"] == "malformed"
    assert "too large for 64 bits" in letter["error"]
    assert_queue_empty(redis)
    assert not receiver.requests()


@ENCODINGS
def test_a_text_may_hold_nul(redis, receiver, start_worker, encoding):
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    enqueue(redis, {"message": {"roomId": 7, "text": "a\x00b"}}, encoding)
    (request,) = receiver.wait_for(1)
    assert request.body == rb'{"message":{"roomId":7,"text":"a\u0000b"}}'


def test_json_may_be_spaced_and_escaped(redis, receiver, start_worker):
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    enqueue(redis, b' {\n "message" : { "roomId" : 7 , "t" : "\\u017e\\/\\ud83d\\ude00" } }\r\n')
    (request,) = receiver.wait_for(1)
    assert request.body == '{"message":{"roomId":7,"t":"ž/😀"}}'.encode()


@ENCODINGS
def test_sixteen_levels_pass(redis, receiver, start_worker, encoding):
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    message = {"roomId": 7}
    inner = message
    for _ in range(15):
        inner["in"] = {}
        inner = inner["in"]
    enqueue(redis, {"message": message}, encoding)
    (request,) = receiver.wait_for(1)
    assert request.body == compact({"message": message})
