"""What cannot be delivered is kept on {Q}:dead with its reason, and never stops the worker."""

import json

import msgpack
import pytest

from webhook_queue import (
    GROUP,
    add_entry,
    assert_queue_empty,
    dead_letters,
    encode,
    enqueue,
    key,
    message_event,
    set_hook,
    wait_dead,
    wait_stat,
)

MAX_EVENT_BYTES = 16384
GOOD = message_event()
GOOD_JSON = encode(GOOD, "json")
GOOD_MSGPACK = encode(GOOD, "msgpack")


def json_nested(levels):
    """A message of so many levels of maps, itself included."""
    inner = b"{}" if levels > 1 else b"1"
    for _ in range(levels - 2):
        inner = b'{"a":' + inner + b"}"
    return b'{"message":{"roomId":438,"a":' + inner + b"}}"


def msgpack_message(value):
    """An event whose message has this raw msgpack under "a"."""
    return b"\x81\xa7message\x82\xa6roomId\xcd\x01\xb6\xa1a" + value


def test_the_builders_make_what_they_say():
    assert json.loads(json_nested(17)) and json_nested(17).count(b"{") == 17 + 1
    assert msgpack.unpackb(msgpack_message(b"\x01")) == {"message": {"roomId": 438, "a": 1}}


MALFORMED = {
    # the entry
    "no document": {"foo": "bar"},
    "two documents": {"json": GOOD_JSON, "msgpack": GOOD_MSGPACK},
    "empty id": {"json": GOOD_JSON, "id": ""},
    "id with a space": {"json": GOOD_JSON, "id": "a b"},
    "id that is too long": {"json": GOOD_JSON, "id": "a" * 65},
    "id with a line end": {"json": GOOD_JSON, "id": "a\r\nX-Injected: 1"},
    # msgpack
    "msgpack: nothing": {"msgpack": b""},
    "msgpack: never used byte": {"msgpack": b"\xc1"},
    "msgpack: truncated": {"msgpack": GOOD_MSGPACK[:-1]},
    "msgpack: trailing byte": {"msgpack": GOOD_MSGPACK + b"\x00"},
    "msgpack: two documents": {"msgpack": GOOD_MSGPACK * 2},
    "msgpack: a list": {"msgpack": msgpack.packb([GOOD])},
    "msgpack: a number": {"msgpack": b"\x01"},
    "msgpack: the text of json": {"msgpack": GOOD_JSON},
    "msgpack: too deep": {"msgpack": msgpack_message(b"\x91" * 16 + b"\x01")},
    "msgpack: far too deep": {"msgpack": msgpack_message(b"\x91" * 15000 + b"\x01")},
    "msgpack: bomb of a list": {"msgpack": msgpack_message(b"\xdd\x0f\xff\xff\xff")},
    "msgpack: bomb of a map": {"msgpack": b"\xdf\x7f\xff\xff\xff"},
    "msgpack: bomb of a text": {"msgpack": msgpack_message(b"\xdb\xff\xff\xff\xff")},
    "msgpack: bomb of nested lists": {"msgpack": msgpack_message(b"\xdc\xff\xff" * 14)},
    "msgpack: text that is not UTF-8": {"msgpack": msgpack_message(b"\xa2\xc3\x28")},
    "msgpack: NaN": {"msgpack": msgpack_message(msgpack.packb(float("nan")))},
    "msgpack: infinity": {"msgpack": msgpack_message(msgpack.packb(float("inf")))},
    "msgpack: binary value": {"msgpack": msgpack_message(b"\xc4\x03abc")},
    "msgpack: extension value": {"msgpack": msgpack_message(b"\xd4\x01a")},
    "msgpack: key that is a number": {"msgpack": msgpack_message(b"\x81\x01\x01")},
    # JSON
    "json: nothing": {"json": b""},
    "json: not json": {"json": b"hello"},
    "json: truncated": {"json": GOOD_JSON[:-1]},
    "json: trailing text": {"json": GOOD_JSON + b"x"},
    "json: two documents": {"json": GOOD_JSON * 2},
    "json: a list": {"json": b"[" + GOOD_JSON + b"]"},
    "json: null": {"json": b"null"},
    "json: the bytes of msgpack": {"json": GOOD_MSGPACK},
    "json: not UTF-8": {"json": b'{"message":{"roomId":438,"a":"\xc3\x28"}}'},
    "json: surrogate as UTF-8": {"json": b'{"message":{"roomId":438,"a":"\xed\xa0\x80"}}'},
    "json: half an escape": {"json": b'{"message":{"roomId":438,"a":"\\ud80"}}'},
    "json: a NUL byte": {"json": b'{"message":{"roomId":438,"a":1\0}}'},
    "json: a NUL byte behind": {"json": GOOD_JSON + b"\0"},
    "json: NaN": {"json": b'{"message":{"roomId":438,"a":NaN}}'},
    "json: no number": {"json": b'{"message":{"roomId":438,"a":1.}}'},
    "json: too deep": {"json": json_nested(17)},
    "json: far too deep": {"json": json_nested(2500)},
    # the document
    "no message": {"json": b'{"fromUser":{}}'},
    "message is null": {"json": b'{"message":null}'},
    "message is a list": {"json": b'{"message":[{"roomId":438}]}'},
    "message is a text": {"msgpack": msgpack.packb({"message": "hello"})},
    "no roomId": {"json": b'{"message":{"id":1}}'},
    "roomId is empty": {"json": b'{"message":{"roomId":""}}'},
    "roomId is too long": {"json": b'{"message":{"roomId":"%s"}}' % (b"r" * 129)},
    "roomId has a space": {"json": b'{"message":{"roomId":"a b"}}'},
    "roomId has a slash": {"json": b'{"message":{"roomId":"438/main"}}'},
    "roomId is two dots": {"json": b'{"message":{"roomId":".."}}'},
    "roomId has braces": {"msgpack": msgpack.packb({"message": {"roomId": "{other}"}})},
    "roomId has a line end": {"msgpack": msgpack.packb({"message": {"roomId": "438\r\n"}})},
    "roomId is a power": {"json": b'{"message":{"roomId":1e3}}'},
    "roomId is 2^64": {"json": b'{"message":{"roomId":18446744073709551616}}'},
    "roomId is -2^63-1": {"json": b'{"message":{"roomId":-9223372036854775809}}'},
    "roomId is a real in msgpack": {"msgpack": msgpack.packb({"message": {"roomId": 1.5}})},
    "roomId is null": {"json": b'{"message":{"roomId":null}}'},
    "roomId is a real": {"json": b'{"message":{"roomId":438.5}}'},
    "roomId is true": {"msgpack": msgpack.packb({"message": {"roomId": True}})},
    "fromUser is a text": {"json": b'{"message":{"roomId":438},"fromUser":"Ana"}'},
    "room is a list": {"json": b'{"message":{"roomId":438},"room":[]}'},
    "type is a number": {"json": b'{"type":1,"message":{"roomId":438}}'},
    "message is there twice": {"json": b'{"message":{"roomId":438},"mess\\u0061ge":{}}'},
    "twice: roomId": {"json": b'{"message":{"roomId":438,"room\\u0049d":438}}'},
    "type is there twice": {"json": b'{"type":"a","message":{"roomId":438},"type":"a"}'},
    "hops is a text": {"json": b'{"message":{"roomId":438},"hops":"1"}'},
    "hops is negative": {"json": b'{"message":{"roomId":438},"hops":-1}'},
    "hops is too much": {"msgpack": msgpack.packb({"message": {"roomId": 438}, "hops": 1001})},
    "webhooks is a map": {"json": b'{"message":{"roomId":438},"webhooks":{}}'},
    "webhooks holds a number": {"json": b'{"message":{"roomId":438},"webhooks":[1]}'},
}


# The others' letters name the room, which stands in them somewhere.
WITHOUT_ROOM = {
    "no document", "json: nothing", "json: not json", "json: a list", "json: null",
    "json: the bytes of msgpack", "msgpack: nothing", "msgpack: never used byte",
    "msgpack: a list", "msgpack: a number", "msgpack: the text of json", "msgpack: bomb of a map",
    "no message", "message is null", "message is a list", "message is a text", "no roomId",
}  # fmt: skip


def wait_for_good(redis, receiver, good_id):
    """The worker goes on: the good event behind the bad one was delivered, and nothing else."""
    (request,) = receiver.wait_for(1, "/good")
    assert request.header("webhook-id") == f"msg_{good_id}"
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 1


def check_letter(letter, reason):
    assert letter["reason"] == reason, letter
    assert letter["error"].strip()
    assert letter["worker"]
    assert "status" not in letter
    assert "response" not in letter


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(redis, receiver, start_worker, name):
    fields = MALFORMED[name]
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    add_entry(redis, fields)
    good_id = enqueue(redis, GOOD)
    start_worker()
    wait_for_good(redis, receiver, good_id)
    (letter,) = wait_dead(redis)
    check_letter(letter, "malformed")
    has_room = name not in WITHOUT_ROOM and not name.startswith(("roomId is", "roomId has"))
    assert letter.get("room") == ("438" if has_room else None)
    for encoding in ("json", "msgpack"):
        if fields.get(encoding):
            assert letter[encoding] == fields[encoding], "the original is kept"


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_too_large(redis, receiver, start_worker, encoding):
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    base = len(encode(message_event(text="y" * 1000), encoding)) - 1000
    fits = message_event(text="y" * (MAX_EVENT_BYTES - base))
    over = message_event(text="y" * (MAX_EVENT_BYTES - base + 1))
    assert len(encode(fits, encoding)) == MAX_EVENT_BYTES
    enqueue(redis, over, encoding)
    good_id = enqueue(redis, fits, encoding)
    start_worker(max_event_bytes="16k")
    wait_for_good(redis, receiver, good_id)
    (letter,) = wait_dead(redis)
    check_letter(letter, "too-large")
    assert letter["room"] == "438"


def test_a_backlog_of_huge_entries(redis, receiver, start_worker):
    """More in one read than a worker takes into memory; the good event among them is delivered."""
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    huge = b"x" * (12 << 20)
    for _ in range(6):
        add_entry(redis, {"json": huge})
    good_id = enqueue(redis, GOOD)
    for _ in range(6):
        add_entry(redis, {"msgpack": huge})
    worker = start_worker()
    (request,) = receiver.wait_for(1, "/good", timeout=20)
    assert request.header("webhook-id") == f"msg_{good_id}"
    letters = wait_dead(redis, 12, timeout=20)
    assert {letter["reason"] for letter in letters} == {"too-large"}
    assert_queue_empty(redis)
    assert worker.is_running


BAD_HOOKS = {
    "not json": (b"hello", "bad-hook"),
    "nothing": (b"", "bad-hook"),
    "a list": (b"[]", "bad-hook"),
    "no url": (b"{}", "bad-hook"),
    "url is a number": (b'{"url":1}', "bad-hook"),
    "unknown key": (b'{"url":"URL","verificationsignature":"x"}', "bad-hook"),
    "unknown format": (b'{"url":"URL","format":"telegram"}', "bad-hook"),
    "signature with a line end": (b'{"url":"URL","verificationSignature":"a\\r\\nb"}', "bad-hook"),
    "signature is empty": (b'{"url":"URL","verificationSignature":""}', "bad-hook"),
    "secret without prefix": (b'{"url":"URL","secret":"abc"}', "bad-hook"),
    "secret too short": (b'{"url":"URL","secret":"whsec_YWJj"}', "bad-hook"),
    "secret not base64": (b'{"url":"URL","secret":"whsec_' + b"*" * 44 + b'"}', "bad-hook"),
    "header value with CRLF": (b'{"url":"URL","headers":{"X-A":"a\\r\\nX-B: b"}}', "bad-hook"),
    "header value with NUL": (b'{"url":"URL","headers":{"X-A":"a\\u0000b"}}', "bad-hook"),
    "header value not ASCII": ('{"url":"URL","headers":{"X-A":"ž"}}'.encode(), "bad-hook"),
    "header value too long": (
        b'{"url":"URL","headers":{"X-A":"' + b"a" * 1025 + b'"}}',
        "bad-hook",
    ),
    "header name with a colon": (b'{"url":"URL","headers":{"X-A:":"a"}}', "bad-hook"),
    "header that is ours": (b'{"url":"URL","headers":{"Webhook-Id":"a"}}', "bad-hook"),
    "header of HTTP": (b'{"url":"URL","headers":{"content-length":"1"}}', "bad-hook"),
    "header that is Host": (b'{"url":"URL","headers":{"Host":"example.com"}}', "bad-hook"),
    "header of a cloud": (b'{"url":"URL","headers":{"Metadata-Flavor":"Google"}}', "bad-hook"),
    "too many headers": (
        b'{"url":"URL","headers":{' + b",".join(b'"X-%d":"a"' % n for n in range(33)) + b"}}",
        "bad-hook",
    ),
    "timeout without unit": (b'{"url":"URL","timeout":"15"}', "bad-hook"),
    "enabled is a text": (b'{"url":"URL","enabled":"yes"}', "bad-hook"),
    "url: empty": (b'{"url":""}', "bad-url"),
    "url: other scheme": (b'{"url":"ftp://127.0.0.1:PORT/"}', "bad-url"),
    "url: file": (b'{"url":"file:///etc/passwd"}', "bad-url"),
    "url: no scheme": (b'{"url":"127.0.0.1:PORT/"}', "bad-url"),
    "url: one slash": (b'{"url":"http:/127.0.0.1:PORT/"}', "bad-url"),
    "url: no host": (b'{"url":"http:///path"}', "bad-url"),
    "url: user": (b'{"url":"http://user@127.0.0.1:PORT/"}', "bad-url"),
    "url: user and password": (b'{"url":"http://user:pass@127.0.0.1:PORT/"}', "bad-url"),
    "url: backslash": (b'{"url":"http://example.com\\\\@127.0.0.1:PORT/"}', "bad-url"),
    "url: fragment": (b'{"url":"http://127.0.0.1:PORT/#x"}', "bad-url"),
    "url: space": (b'{"url":"http://127.0.0.1:PORT/a b"}', "bad-url"),
    "url: leading space": (b'{"url":" http://127.0.0.1:PORT/"}', "bad-url"),
    "url: line end": (b'{"url":"http://127.0.0.1:PORT/\\r\\nX: 1"}', "bad-url"),
    "url: port 0": (b'{"url":"http://127.0.0.1:0/"}', "bad-url"),
    "url: port out of range": (b'{"url":"http://127.0.0.1:65536/"}', "bad-url"),
    "url: percent in the host": (b'{"url":"http://%31%32%37.0.0.1:PORT/"}', "bad-url"),
    "url: host not ASCII": ('{"url":"http://①②⑦.0.0.1:PORT/"}'.encode(), "bad-url"),
    "url: zone": (b'{"url":"http://[fe80::1%25lo]:PORT/"}', "bad-url"),
    "url: too long": (b'{"url":"http://127.0.0.1:PORT/' + b"a" * 2048 + b'"}', "bad-url"),
}


@pytest.mark.parametrize("name", BAD_HOOKS)
def test_bad_hooks(redis, receiver, start_worker, name):
    """A hook that is not valid costs its own delivery only; the room's other one gets the event."""
    text, reason = BAD_HOOKS[name]
    text = text.replace(b"URL", receiver.url("/bad").encode())
    text = text.replace(b"PORT", str(receiver.port).encode())
    set_hook(redis, 438, "good", url=receiver.url("/good"))
    redis.hset(key("room:438"), "wrong", text)
    event_id = enqueue(redis, GOOD, id="event-1")
    start_worker()
    (request,) = receiver.wait_for(1, "/good")
    assert request.header("webhook-id") == "event-1"
    (letter,) = wait_dead(redis)
    check_letter(letter, reason)
    assert (letter["room"], letter["hook"], letter["event_id"]) == ("438", "wrong", "event-1")
    assert letter["json"] == GOOD_JSON
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 1 and event_id


def test_a_bad_inline_hook(redis, receiver, start_worker):
    event = {**GOOD, "webhooks": [{"url": "ftp://x/"}, {"url": receiver.url("/good")}, {}]}
    enqueue(redis, event)
    start_worker()
    receiver.wait_for(1, "/good")
    letters = wait_dead(redis, 2)
    assert {letter["hook"]: letter["reason"] for letter in letters} == {
        "inline-0": "bad-url",
        "inline-2": "bad-hook",
    }
    assert_queue_empty(redis)


def test_no_letter_tells_credentials(redis, start_worker):
    """Errors name what is wrong, not the credential that is wrong; logs neither."""
    canary = "canary1234567890"
    set_hook(redis, 1, "a", url="http://x/", secret=f"whsec_{canary}*")
    set_hook(redis, 1, "b", url="http://x/", verificationSignature=f"{canary}\n")
    set_hook(redis, 1, "c", url="http://x/", headers={"X": f"{canary}\n"})
    worker = start_worker(log_level="debug")
    enqueue(redis, message_event(room=1))
    letters = wait_dead(redis, 3)
    assert {letter["reason"] for letter in letters} == {"bad-hook"}
    assert canary not in str(letters)
    assert canary not in worker.log()


def test_a_named_hook_that_is_not_there(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    enqueue(redis, GOOD, hook="other", id="event-1")
    enqueue(redis, message_event(room=999), hook="main")
    good_id = enqueue(redis, GOOD)
    start_worker()
    wait_for_good(redis, receiver, good_id)
    first, second = sorted(wait_dead(redis, 2), key=lambda letter: letter["room"])
    check_letter(first, "hook-removed")
    assert (first["room"], first["hook"], first["event_id"]) == ("438", "other", "event-1")
    assert first["json"] == GOOD_JSON
    check_letter(second, "hook-removed")
    assert (second["room"], second["hook"]) == ("999", "main")


def test_a_thousand_bad_events(redis, receiver, start_worker):
    """Batches of letters, counted; the good event behind them all is delivered."""
    set_hook(redis, 438, "main", url=receiver.url("/good"))
    pipeline = redis.pipeline(transaction=False)
    for n in range(1000):
        enqueue(pipeline, b"\xc1" * (n % 50), "msgpack")
    pipeline.execute()
    good_id = enqueue(redis, GOOD)
    start_worker()
    wait_for_good(redis, receiver, good_id)
    wait_dead(redis, 1000)
    wait_stat(redis, "dead", 1000)


def test_the_dead_stream_is_capped(redis, start_worker):
    pipeline = redis.pipeline(transaction=False)
    for _ in range(2000):
        enqueue(pipeline, b"{}")
    pipeline.execute()
    start_worker(dead_max=500)
    assert_queue_empty(redis, timeout=10)
    letters = dead_letters(redis)
    assert 500 <= len(letters) <= 700  # trimmed by whole nodes of the stream
    wait_stat(redis, "dead", 2000)
    wait_stat(redis, "dead_dropped", 2000 - len(letters))


def test_the_cap_counts_what_is_too_large_and_taken_over(redis, start_worker):
    """Such letters are written by the script that takes entries up."""
    redis.config_set("stream-node-max-entries", 1)  # then trimming is exact
    try:
        redis.xgroup_create(key("events"), GROUP, "0", mkstream=True)
        for _ in range(20):
            add_entry(redis, {"json": b"x" * 2000})
        assert redis.xreadgroup(GROUP, "a-dead-worker", {key("events"): ">"}, count=20)
        start_worker(dead_max=5, max_event_bytes="1k", heartbeat_ttl="3s")
        assert_queue_empty(redis, timeout=15)
        letters = dead_letters(redis)
        assert len(letters) == 5
        assert {letter["reason"] for letter in letters} == {"too-large"}
        wait_stat(redis, "dead", 20)
        wait_stat(redis, "dead_dropped", 15)
    finally:
        redis.config_set("stream-node-max-entries", 100)
