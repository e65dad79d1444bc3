"""From XADD to the receiver: what arrives, byte for byte."""

import base64
import hashlib
import hmac
import json
import re
import subprocess
import time

import pytest

from receiver import Answer
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    set_hook,
    stats,
    wait_stat,
)

SIGNATURE = "9JOLCJUVylQxxdhX"

# The example of Spika's documentation.
SPIKA_EVENT = {
    "message": {
        "id": 24006,
        "fromUserId": 54,
        "totalUserCount": 3,
        "deliveredCount": 0,
        "seenCount": 0,
        "roomId": 438,
        "type": "text",
        "body": {"text": "test"},
        "createdAt": 1667548137257,
        "modifiedAt": 1667548137257,
        "localId": None,
        "deleted": False,
        "replyId": None,
    },
    "fromUser": {"displayName": "Stjepan", "avatarFileId": 88},
    "room": {"name": "tstt", "avatarFileId": 88},
}
SPIKA_PARTS = (
    b'{"message":{"id":24006,"fromUserId":54,"totalUserCount":3,"deliveredCount":0,"seenCount":0,'
    b'"roomId":438,"type":"text","body":{"text":"test"},"createdAt":1667548137257,'
    b'"modifiedAt":1667548137257,"localId":null,"deleted":false,"replyId":null},'
    b'"fromUser":{"displayName":"Stjepan","avatarFileId":88},'
    b'"room":{"name":"tstt","avatarFileId":88}}'
)
SPIKA_BODY = (
    b'{"data":' + SPIKA_PARTS + b',"headers":{"Content-Type":"application/json",'
    b'"Verification-Signature":"9JOLCJUVylQxxdhX"}}'
)

ENCODINGS = pytest.mark.parametrize("encoding", ["msgpack", "json"])


def compact(value):
    """JSON as JavaScript's JSON.stringify writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def standard_signature(secret, request):
    """Standard Webhooks 1.0.0, computed from what the receiver got."""
    signed = b".".join(
        [
            request.header("webhook-id").encode(),
            request.header("webhook-timestamp").encode(),
            request.body,
        ]
    )
    digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256)
    return "v1," + base64.b64encode(digest.digest()).decode()


@ENCODINGS
def test_the_documented_example_byte_for_byte(redis, receiver, start_worker, encoding):
    set_hook(redis, 438, "main", url=receiver.url("/hook"), verificationSignature=SIGNATURE)
    start_worker()
    stream_id = enqueue(redis, SPIKA_EVENT, encoding)
    (request,) = receiver.wait_for(1)

    assert (request.method, request.path) == ("POST", "/hook")
    assert request.body == SPIKA_BODY
    assert request.header("Content-Type") == "application/json"
    assert request.header("Verification-Signature") == SIGNATURE
    assert request.header("Host") == f"127.0.0.1:{receiver.port}"
    assert request.header("Content-Length") == str(len(SPIKA_BODY))
    assert request.header("webhook-id") == f"msg_{stream_id}"
    assert re.fullmatch(r"Roomhook/\d+\.\d+\.\d+\S*", request.header("User-Agent"))
    assert abs(int(request.header("webhook-timestamp")) - request.arrived_wall) <= 2
    assert request.header("webhook-event") == "message.created"
    assert request.header("webhook-attempt") == "1"
    assert request.header("Accept") == "*/*"
    assert sorted(name.lower() for name, _ in request.headers) == [
        "accept",
        "content-length",
        "content-type",
        "host",
        "user-agent",
        "verification-signature",
        "webhook-attempt",
        "webhook-event",
        "webhook-id",
        "webhook-timestamp",
    ]
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 1
    assert dead_letters(redis) == []


def test_the_example_through_redis_cli(redis_server, redis, receiver, start_worker):
    """The whole producer is one redis-cli command, and so is registering a hook."""

    def redis_cli(*arguments):
        command = ["redis-cli", "-p", str(redis_server.port), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=10)
        return done.stdout

    hook = f'{{"url":"{receiver.url("/cli")}","verificationSignature":"{SIGNATURE}"}}'
    assert redis_cli("HSET", "{webhooks}:room:438", "main", hook).strip() == "1"
    start_worker()
    stream_id = redis_cli("XADD", "{webhooks}:events", "*", "json", SPIKA_PARTS.decode()).strip()
    (request,) = receiver.wait_for(1)
    assert request.body == SPIKA_BODY
    assert request.header("webhook-id") == f"msg_{stream_id}"
    assert_queue_empty(redis)
    assert redis_cli("XLEN", "{webhooks}:events").strip() == "0"


def test_it_does_not_matter_who_comes_first(redis, receiver, start_worker):
    """Events enqueued before the first worker ever ran are delivered too."""
    set_hook(redis, 438, "main", url=receiver.url())
    first = enqueue(redis, message_event())
    start_worker()
    second = enqueue(redis, message_event())
    ids = {request.header("webhook-id") for request in receiver.wait_for(2)}
    assert ids == {f"msg_{first}", f"msg_{second}"}
    assert_queue_empty(redis)


def test_another_queue_has_keys_of_its_own(redis, receiver, start_worker):
    set_hook(redis, 438, "main", queue="other", url=receiver.url("/other"))
    set_hook(redis, 438, "main", url=receiver.url("/webhooks"))
    start_worker(queue="other")
    enqueue(redis, message_event())
    enqueue(redis, message_event(), queue="other")
    receiver.wait_for(1, "/other")
    assert_queue_empty(redis, queue="other")
    assert receiver.requests("/webhooks") == []
    assert redis.xlen(key("events")) == 1
    assert redis.hget(key("meta", "other"), "contract") == b"2"


@ENCODINGS
@pytest.mark.parametrize(
    ("hook_format", "expected"),
    [
        ("spika", SPIKA_BODY),
        ("bare", SPIKA_PARTS),
        (
            "standard",
            b'{"type":"message.created","timestamp":"2022-11-04T07:48:57.257Z","data":'
            + SPIKA_PARTS
            + b"}",
        ),
    ],
)
def test_formats(redis, receiver, start_worker, encoding, hook_format, expected):
    set_hook(
        redis,
        438,
        "main",
        url=receiver.url(),
        verificationSignature=SIGNATURE,
        format=hook_format,
    )
    start_worker()
    enqueue(redis, SPIKA_EVENT, encoding)
    (request,) = receiver.wait_for(1)
    assert request.body == expected
    assert request.header("Verification-Signature") == SIGNATURE


def test_absent_parts_are_left_out(redis, receiver, start_worker):
    for hook_format in ("spika", "bare", "standard"):
        set_hook(redis, 1, hook_format, url=receiver.url(f"/{hook_format}"), format=hook_format)
    start_worker()
    stream_id = enqueue(redis, {"type": "message.edited", "message": {"roomId": 1}, "room": None})
    receiver.wait_for(3)
    (spika,) = receiver.requests("/spika")
    (bare,) = receiver.requests("/bare")
    (standard,) = receiver.requests("/standard")
    assert spika.body == (
        b'{"data":{"message":{"roomId":1}},"headers":{"Content-Type":"application/json"}}'
    )
    assert bare.body == b'{"message":{"roomId":1}}'
    enqueued_ms = int(stream_id.split("-")[0])
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(enqueued_ms // 1000))
    assert standard.body == (
        f'{{"type":"message.edited","timestamp":"{when}.{enqueued_ms % 1000:03d}Z",'
        '"data":{"message":{"roomId":1}}}'
    ).encode()
    for request in (spika, bare, standard):
        assert request.header("Verification-Signature") is None
        assert request.header("webhook-signature") is None
        assert request.header("traceparent") is None


def make_secret(fill):
    return "whsec_" + base64.b64encode(bytes([fill]) * 32).decode()


@pytest.mark.parametrize("secrets", [1, 2])
def test_standard_webhooks_signature(redis, receiver, start_worker, secrets):
    newest_first = [make_secret(n) for n in range(secrets)]
    set_hook(
        redis,
        438,
        "main",
        url=receiver.url(),
        secret=newest_first[0] if secrets == 1 else newest_first,
        format="standard",
    )
    start_worker()
    enqueue(redis, message_event(text="ž"))
    (request,) = receiver.wait_for(1)
    assert request.header("webhook-signature").split(" ") == [
        standard_signature(secret, request) for secret in newest_first
    ]


def test_a_request_proves_nothing_to_another_receiver(redis, receiver, start_worker):
    """Secrets part hooks, not URLs: with one secret for two, either takes what the other got."""
    secrets = {"one": make_secret(1), "two": make_secret(2), "shares": make_secret(1)}
    for hook_id, secret in secrets.items():
        set_hook(redis, 438, hook_id, url=receiver.url(f"/{hook_id}"), secret=secret)
    start_worker()
    enqueue(redis, message_event())
    receiver.wait_for(3)
    fits = {}
    for got in secrets:
        (request,) = receiver.requests(f"/{got}")
        signature = request.header("webhook-signature")
        fits[got] = {name for name, secret in secrets.items()
                     if standard_signature(secret, request) == signature}  # fmt: skip
    assert fits == {"one": {"one", "shares"}, "two": {"two"}, "shares": {"one", "shares"}}


def test_headers_of_the_hook_and_of_the_trace(redis, receiver, start_worker):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    set_hook(
        redis,
        438,
        "main",
        url=receiver.url("/path?with=query&and=%20more"),
        headers={
            "Authorization": "Bearer abc",
            "X-Two": "a, b;\tc",
            "x-lower": "~",
            "accept": "application/vnd.example+json",
        },
    )
    start_worker()
    enqueue(redis, message_event(), traceparent=trace)
    (request,) = receiver.wait_for(1)
    assert request.path == "/path?with=query&and=%20more"
    assert request.header("traceparent") == trace
    own = [field for field in request.headers if field[0] in ("Authorization", "X-Two", "x-lower")]
    assert own == [("Authorization", "Bearer abc"), ("X-Two", "a, b;\tc"), ("x-lower", "~")]
    assert request.header("Accept") == "application/vnd.example+json", "instead of ours"


def test_an_invalid_traceparent_is_dropped_and_a_later_version_parsed(
    redis, receiver, start_worker
):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    ids = f"{'a' * 32}-{'b' * 16}"
    enqueue(redis, message_event(), traceparent="00-x", id="invalid")
    enqueue(redis, message_event(), traceparent=f"cc-{ids}-03-more", id="later")
    requests = {request.header("webhook-id"): request for request in receiver.wait_for(2)}
    assert requests["invalid"].header("traceparent") is None
    assert requests["later"].header("traceparent") == f"00-{ids}-01"
    wait_stat(redis, "traceparent_dropped", 1)


def test_the_producers_id_is_the_webhook_id(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/main"))
    set_hook(redis, 438, "other", url=receiver.url("/other"))
    start_worker()
    enqueue(redis, message_event(), id="order-66_B")
    receiver.wait_for(2)
    assert {request.header("webhook-id") for request in receiver.requests()} == {"order-66_B"}


def test_two_events_of_one_id_are_two_deliveries(redis, receiver, start_worker):
    """The event id is only ever sent, never a key."""
    set_hook(redis, 438, "main", url=receiver.url())
    receiver.script("/", [Answer(503), Answer(503), Answer(200)])
    start_worker(retry_schedule="200ms,200ms")
    enqueue(redis, message_event(text="one"), id="same")
    enqueue(redis, message_event(text="two"), id="same")
    requests = receiver.wait_for(4)
    assert_queue_empty(redis)
    texts = [json.loads(request.body)["data"]["message"]["body"]["text"] for request in requests]
    assert sorted(texts) == ["one", "one", "two", "two"]


def test_every_hook_of_the_room_gets_it(redis, receiver, start_worker):
    for n in range(10):
        set_hook(redis, 438, f"hook-{n}", url=receiver.url(f"/{n}"), verificationSignature=f"s{n}")
    set_hook(redis, 439, "main", url=receiver.url("/elsewhere"))
    start_worker()
    enqueue(redis, message_event())
    requests = receiver.wait_for(10)
    assert_queue_empty(redis)
    assert {request.path: request.header("Verification-Signature") for request in requests} == {
        f"/{n}": f"s{n}" for n in range(10)
    }
    assert len(receiver.requests()) == 10


def test_a_named_hook_alone_gets_it(redis, receiver, start_worker):
    for name in ("main", "audit", "third"):
        set_hook(redis, 438, name, url=receiver.url(f"/{name}"))
    start_worker()
    enqueue(redis, message_event(), hook="audit")
    receiver.wait_for(1)
    assert_queue_empty(redis)
    assert [request.path for request in receiver.requests()] == ["/audit"]


@ENCODINGS
def test_inline_hooks(redis, receiver, start_worker, encoding):
    """Targets given in the event: no room is needed, registered hooks are not used."""
    secret = make_secret(9)
    set_hook(redis, 438, "main", url=receiver.url("/registered"))
    start_worker()
    event = message_event()
    event["webhooks"] = [
        {"url": receiver.url("/0"), "verificationSignature": SIGNATURE},
        {"url": receiver.url("/1"), "format": "bare", "secret": secret},
    ]
    enqueue(redis, event, encoding)
    homeless = {"message": {"text": "no room"}, "webhooks": [{"url": receiver.url("/2")}]}
    enqueue(redis, homeless, encoding)
    receiver.wait_for(3)
    assert_queue_empty(redis)
    ((zero,), (one,), (two,)) = (receiver.requests(path) for path in ("/0", "/1", "/2"))
    parts = {name: event[name] for name in ("message", "fromUser", "room")}
    sent_headers = {"Content-Type": "application/json", "Verification-Signature": SIGNATURE}
    assert zero.body == compact({"data": parts, "headers": sent_headers})
    assert zero.header("Verification-Signature") == SIGNATURE
    assert one.body == compact(parts)
    assert one.header("webhook-signature") == standard_signature(secret, one)
    assert json.loads(two.body)["data"] == {"message": {"text": "no room"}}
    assert receiver.requests("/registered") == []


def test_one_inline_hook_by_name(redis, receiver, start_worker):
    start_worker()
    event = message_event()
    event["webhooks"] = [{"url": receiver.url(f"/{n}")} for n in range(3)]
    enqueue(redis, event, hook="inline-1")
    receiver.wait_for(1)
    assert_queue_empty(redis)
    assert [request.path for request in receiver.requests()] == ["/1"]


def test_no_hook_is_done(redis, receiver, start_worker):
    start_worker()
    enqueue(redis, message_event(room=1))
    enqueue(redis, {**message_event(room=2), "webhooks": []})
    wait_stat(redis, "no_hook", 2)
    assert_queue_empty(redis)
    assert dead_letters(redis) == []
    assert receiver.connections == 0


def test_a_disabled_hook_gets_nothing(redis, receiver, start_worker):
    set_hook(redis, 438, "off", url=receiver.url("/off"), enabled=False)
    set_hook(redis, 438, "on", url=receiver.url("/on"), enabled=True)
    start_worker()
    enqueue(redis, message_event())
    receiver.wait_for(1)
    wait_stat(redis, "hook_disabled", 1)
    assert_queue_empty(redis)
    assert [request.path for request in receiver.requests()] == ["/on"]
    assert dead_letters(redis) == []


def test_counters(redis, receiver, start_worker):
    set_hook(redis, 1, "a", url=receiver.url("/a"))
    set_hook(redis, 1, "b", url=receiver.url("/b"))
    receiver.script("/b", [Answer(500), Answer(200)])
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(room=1))
    wait_stat(redis, "delivered", 2)
    wait_stat(redis, "attempts", 3)
    assert {name: stats(redis).get(name, 0) for name in ("events", "retries", "dead")} == {
        "events": 1,
        "retries": 1,
        "dead": 0,
    }


def test_connections_are_kept(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    for n in range(20):
        enqueue(redis, message_event())
        receiver.wait_for(n + 1)
        assert_queue_empty(redis)  # the answer was read: the connection is free
    assert receiver.connections == 1


def test_the_log_tells_no_secrets(redis, receiver, start_worker):
    """Neither bodies nor credentials nor a URL's path or query, also when things go wrong."""
    canaries = {
        name: f"canary{n}x" for n, name in enumerate(["path", "query", "sign", "header", "text"])
    }
    url = receiver.url(f"/{canaries['path']}?token={canaries['query']}")
    path = url.partition(str(receiver.port))[2]
    receiver.script(path, [Answer(500, body=b"canary-answer"), Answer(200), Answer(400)])
    secret = make_secret(7)
    set_hook(
        redis,
        438,
        "main",
        url=url,
        verificationSignature=canaries["sign"],
        secret=secret,
        headers={"Authorization": f"Bearer {canaries['header']}"},
    )
    worker = start_worker(log_level="debug", retry_schedule="100ms")
    enqueue(redis, message_event(text=canaries["text"]))
    receiver.wait_for(2)
    enqueue(redis, message_event(text=canaries["text"]))
    receiver.wait_for(3)
    wait_stat(redis, "dead", 1)
    assert worker.terminate() == 0
    log = worker.log()
    assert log
    for canary in (*canaries.values(), secret, secret.removeprefix("whsec_"), "canary-answer"):
        assert canary not in log, canary
