"""T11: whatever bytes a hook's headers hold, the receiver reads the headers that were meant.

Hooks with every character in every place, every name that is denied, and random ones are stored
past the command line. What is valid is decided here a second time, from docs/protocol.md and not
from the worker's code.
"""

import json
import random
import re
import secrets

from wait import wait_until
from webhook_queue import dead_letters, enqueue, key, message_event

ROOM = 250  # hooks; a room has at most 256
RANDOM_HOOKS = 500

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64}")
VALUE = re.compile(r"[\t\x20-\x7e]{1,1024}")
SIGNATURE = re.compile(r"[\x21-\x7e]{1,256}")

# Set by HTTP, by Roomhook or by proxies, or asked for by metadata services.
DENIED = re.compile(
    r"host|content-length|transfer-encoding|te|trailer|connection|keep-alive|upgrade|http2-settings"
    r"|expect|max-forwards|via|proxy-.*|content-type|content-encoding|content-range|range|if-range"
    r"|accept-encoding|user-agent|verification-signature|webhook-.*|traceparent|tracestate|cookie2?"
    r"|metadata|metadata-.*|x-aws-ec2-metadata-token.*|x-google-metadata-request"
    r"|x-aliyun-ecs-metadata-token.*|x-http-method.*|x-method-override|x-original-.*|x-rewrite-.*"
    r"|x-forwarded.*|forwarded|x-host|x-real-ip|x-client-ip|x-cluster-client-ip|true-client-ip"
    r"|cf-connecting-ip.*|client-ip|x-originating-ip|fastly-client-ip|fly-client-ip"
    r"|x-azure-clientip|x-azure-socketip|remote-.*|x-remote-.*|x-override-url|x-envoy-.*",
    re.IGNORECASE,
)

# One for each of the names that DENIED stands for, and some that are free.
NAMES = (
    "Host Content-Length Transfer-Encoding TE Trailer Connection Keep-Alive Upgrade HTTP2-Settings "
    "Expect Max-Forwards Via Proxy-Authorization Proxy-x Content-Type Content-Encoding "
    "Content-Range Range If-Range Accept-Encoding User-Agent Verification-Signature webhook-id "
    "webhook-timestamp webhook-signature webhook-x traceparent tracestate Cookie Cookie2 Metadata "
    "Metadata-Flavor X-aws-ec2-metadata-token X-aws-ec2-metadata-token-ttl-seconds "
    "X-Google-Metadata-Request X-aliyun-ecs-metadata-token "
    "X-aliyun-ecs-metadata-token-ttl-seconds X-HTTP-Method-Override X-Method-Override "
    "X-Original-URL X-Rewrite-URL X-Forwarded-For X-Forwarded Forwarded X-Host X-Real-IP "
    "X-Client-IP X-Cluster-Client-IP True-Client-IP CF-Connecting-IP Client-IP X-Originating-IP "
    "Fastly-Client-IP Fly-Client-IP X-Azure-ClientIP X-Azure-SocketIP Remote-User X-Remote-User "
    "X-Remote-Addr X-Remote-IP X-Override-URL X-Envoy-Original-Path Content_Length "
    "transfer_encoding X_Forwarded_For webhook_id Remote_User "
    "X-Room Accept Authorization Date Origin Referer From If-Match Pragma Content-MD5 "
    "Content-Language TE2 Viable Hosts Ranges X-Hosts X_Room"
).split()
CHARACTERS = [chr(code) for code in (*range(0x100), 0x10A, 0x10D, 0x2028, 0xFF1A, 0x1F40E)]
PIECES = (
    "\r\n", "\n", "\r", "\0", "\t", " ", ":", ";", ",", "\r\nX-Injected: 1",
    "\r\n\r\nGET / HTTP/1.1", "\v", "\f", "\x1b", "\x7f", "\x85", "\xa0", "\u010d", "\u2028",
    "\U0001f40e", '"', "\\", "%0d%0a", "abc", "0", "=", "chunked",
)  # fmt: skip


def random_text(random_, likely_valid):
    if random_.random() < likely_valid:
        return "".join(random_.choices("abcXYZ019-_.~ =/", k=random_.randint(1, 40)))
    return "".join(random_.choices(PIECES, k=random_.randint(0, 5)))


def random_name(random_):
    kind = random_.random()
    if kind < 0.5:
        return random_.choice(NAMES)
    if kind < 0.9:
        return "X-" + "".join(random_.choices("abcXYZ019-_.!#$%&'*+^`|~", k=random_.randint(1, 64)))
    return random_.choice(("X", "")) + random_text(random_, 0.1)


def random_hook(random_):
    hook = {}
    # Few at a time: with many, nearly every hook would have a header that makes all of it invalid.
    count = random_.choice((0, 1, 2, 5))
    headers = {random_name(random_): random_text(random_, 0.85) for _ in range(count)}
    if headers:
        hook["headers"] = headers
    if random_.random() < 0.5:
        hook["verificationSignature"] = random_text(random_, 0.7)
    return hook


def systematic_hooks():
    for c in CHARACTERS:
        yield {"headers": {"X-Value": f"a{c}b"}}
        yield {"headers": {"X-End": f"a{c}"}}
        yield {"headers": {f"X{c}Name": "a"}}
        yield {"verificationSignature": f"a{c}b"}
    for name in NAMES:
        yield {"headers": {name: "a"}}
        yield {"headers": {name.swapcase(): "a"}}
        yield {"headers": {name + " ": "a"}}
    for length in (0, 1, 1023, 1024, 1025):
        yield {"headers": {"X-Long": "v" * length}}
        yield {"headers": {"X-Long": " \t" * 600 + "v" * length + "\t" * 600}}
    for length in (63, 64, 65):
        yield {"headers": {"n" * length: "a"}}
    for length in (0, 1, 256, 257):
        yield {"verificationSignature": "s" * length}
    yield {"headers": {"": "a"}}
    yield {"headers": {"X-Twice": "a", "x-twice": "b"}}
    yield {"headers": {f"X-{n}": "a" for n in range(32)}}
    yield {"headers": {f"X-{n}": "a" for n in range(33)}}


def trimmed(value):
    return value.strip(" \t")


def is_valid(hook):
    headers = hook.get("headers", {})
    folded = [name.lower() for name in headers]
    signature = hook.get("verificationSignature")
    return (
        len(set(folded)) == len(folded) <= 32
        and all(TOKEN.fullmatch(name) for name in headers)
        and not any(DENIED.fullmatch(name.replace("_", "-")) for name in headers)
        and all(VALUE.fullmatch(trimmed(value)) for value in headers.values())
        and (signature is None or SIGNATURE.fullmatch(signature) is not None)
    )


def intended(hook, request):
    """Name and value of each header in its order, but for Host and Content-Length, curl's own."""
    signature = hook.get("verificationSignature")
    has_accept = any(name.lower() == "accept" for name in hook.get("headers", {}))
    return [
        *([] if has_accept else [("Accept", "*/*")]),
        ("Content-Type", "application/json"),
        *([("Verification-Signature", signature)] if signature else []),
        ("User-Agent", request.header("User-Agent")),
        ("webhook-id", request.header("webhook-id")),
        ("webhook-timestamp", request.header("webhook-timestamp")),
        ("webhook-event", "message.created"),
        ("webhook-attempt", "1"),
        *((name, trimmed(value)) for name, value in hook.get("headers", {}).items()),
    ]


def check_request(hook, request, port):
    assert request.header("Host") == f"127.0.0.1:{port}"
    assert request.header("Content-Length") == str(len(request.body))
    others = [one for one in request.headers if one[0] not in ("Host", "Content-Length")]
    assert others == intended(hook, request)
    assert re.fullmatch(r"Roomhook/[0-9.]+", request.header("User-Agent"))
    assert re.fullmatch(r"msg_\d+-\d+", request.header("webhook-id"))
    assert re.fullmatch(r"\d+", request.header("webhook-timestamp"))
    assert request.method == "POST" and json.loads(request.body)["data"]["message"]["body"]


def test_receivers_read_the_headers_that_were_meant(redis, receiver, start_worker):
    seed = secrets.randbits(64)
    print(f"seed {seed}")  # shown when the test fails
    random_ = random.Random(seed)
    hooks = [*systematic_hooks(), *(random_hook(random_) for _ in range(RANDOM_HOOKS))]
    for n, hook in enumerate(hooks):
        text = json.dumps({"url": receiver.url(f"/{n}"), **hook})
        redis.hset(key(f"room:{n // ROOM}"), f"hook-{n}", text)
    start_worker(max_in_flight=64)
    for room in range(len(hooks) // ROOM + 1):
        enqueue(redis, message_event(room))
    wait_until(
        lambda: len(receiver.requests()) + len(dead_letters(redis)) >= len(hooks),
        60,
        lambda: f"{len(hooks)} outcomes; there are {len(receiver.requests())} requests and "
        f"{len(dead_letters(redis))} dead letters",
    )
    dead = {int(letter["hook"].removeprefix("hook-")) for letter in dead_letters(redis)}
    assert {letter["reason"] for letter in dead_letters(redis)} == {"bad-hook"}
    for n, hook in enumerate(hooks):
        assert (n not in dead) == is_valid(hook), hook
        requests = receiver.requests(f"/{n}")
        assert len(requests) == int(is_valid(hook)), hook
        for request in requests:
            check_request(hook, request, receiver.port)
    assert len(receiver.requests()) + len(dead) == len(hooks)
