"""What is in a document reaches the receiver untouched, whichever encoding it came in."""

import json

import pytest

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


# As a chat's user or server may write it. What libraries round, merge or refuse is among it.
CONTENTS = [
    r'"\ud83d"', r'"\ude00\ud83d"', r'{"\ud83d":"\uD83Dx"}', r'"\ud83d\ude00\/\u0041\u00e4"',
    "0.12345678901234567890", "19.90", "1E5", "-0", "-0.0", "1.0", "1e400", "-1e-400", "1e+21",
    "9223372036854775808", "12345678901234567890", "18446744073709551616", "1234567890" * 4,
    r'"a\u0000b"', r'{"a\u0000b":{"\u0000":1}}',
    '{"k":1,"k":2,"\\u006b":3}', '{"roomId":1,"roomId":2,"message":3,"message":4}',
]  # fmt: skip


def test_content_reaches_the_receiver_as_it_was_written(redis, receiver, start_worker):
    """Also under keys that nobody reads, where it may be anything well-formed."""
    set_hook(redis, 7, "main", url=receiver.url(), format="bare")
    start_worker()
    expected = set()
    for content in CONTENTS:
        message = f'{{"roomId":7,"body":{content}}}'
        others = f'"fromUser":{{"displayName":{content}}},"room":{{"name":{content}}}'
        enqueue(redis, f'{{"later":{content},"message":{message},{others}}}'.encode())
        expected.add(f'{{"message":{message},{others}}}'.encode())
    requests = receiver.wait_for(len(CONTENTS))
    assert {request.body for request in requests} == expected
    assert_queue_empty(redis)
    assert not dead_letters(redis)


def test_whole_floats_of_msgpack_are_integers(redis, receiver, start_worker):
    """JavaScript encoders write what does not fit 32 bits as float: times, and ids of rooms."""
    set_hook(redis, 7, "main", url=receiver.url(), format="standard")
    start_worker()
    message = {"roomId": 7.0, "createdAt": 1667548137257.0, "half": 0.5}
    enqueue(redis, {"message": message}, "msgpack")
    (request,) = receiver.wait_for(1)
    assert request.body == (
        b'{"type":"message.created","timestamp":"2022-11-04T07:48:57.257Z","data":{"message":'
        b'{"roomId":7,"createdAt":1667548137257,"half":0.5}}}'
    )


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
    assert request.body == rb'{"message":{"roomId":7,"t":"\u017e\/\ud83d\ude00"}}'


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
