"""T17: what looks like a command of Redis stays text, wherever a stranger puts it.

In documents, ids, hooks and answers, through retries, dead letters and replays; and in requests to
the worker's own Redis, which are not made.
"""

import json

import pytest
from receiver import Answer
from wait import wait_until
from webhook_queue import (
    ORIGINALS,
    add_entry,
    assert_queue_empty,
    dead_letters,
    encode,
    enqueue,
    key,
    message_event,
    records,
    set_hook,
    wait_dead,
)

SPEECH = (
    "\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "\r\nFLUSHALL\r\n",
    "$-1\r\n*0\r\n:1\r\n",
    "\"\r\n' FLUSHALL",
    "]] redis.call('FLUSHALL') --",
    "' .. redis.call('FLUSHALL') .. '",
    "%s%n%d%*1$s",
    "{webhooks}:dead\0{other}",
)


@pytest.fixture(autouse=True)
def untouched(redis):
    """Nobody has flushed, and Redis was not spoken to in HTTP."""
    redis.set("canary", "sings")
    yield
    assert redis.get("canary") == b"sings"
    told = {name.removeprefix("cmdstat_") for name in redis.info("commandstats")}
    assert not told & {"flushall", "flushdb", "post", "host:"}


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_documents(redis, receiver, start_worker, encoding, cli):
    """Delivered, waiting, dead and replayed: byte for byte the same, and answers beside them."""
    said = "".join(SPEECH).encode()
    receiver.script("/", [Answer(503, body=said), Answer(400, body=said), Answer(200)])
    start_worker(retry_schedule="100ms", max_in_flight=1)
    set_hook(redis, 438, "main", url=receiver.url(), format="bare")
    keys = [text for text in SPEECH if "\0" not in text]
    document = message_event(text=SPEECH[0], **dict.fromkeys(keys, list(SPEECH)))
    document["fromUser"] = dict.fromkeys(keys, SPEECH[1])
    document["room"] = {"name": SPEECH[2]}
    enqueue(redis, document, encoding)
    (letter,) = wait_dead(redis)
    assert letter[encoding] == encode(document, encoding)
    assert (letter["status"], letter["attempts"]) == ("400", "2")
    cli("dead", "replay", letter["id"])
    assert len({request.body for request in receiver.wait_for(3)}) == 1
    assert json.loads(receiver.requests()[2].body) == document
    assert_queue_empty(redis)


def test_ids_and_fields(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    document = encode(message_event(), "json")
    for text in SPEECH:
        add_entry(redis, {"json": document, "id": text})
        add_entry(redis, {"json": document, "hook": text})
        add_entry(redis, {"json": document, "traceparent": text})
        add_entry(redis, {"json": document, text: text})
        add_entry(redis, {"json": text})
    redis.xadd(key("hooks-changed"), {"room": SPEECH[0], "hook": SPEECH[0]})
    letters = wait_dead(redis, 3 * len(SPEECH))
    assert {letter["reason"] for letter in letters} == {"malformed"}
    requests = receiver.wait_for(2 * len(SPEECH))
    assert not any(request.header("traceparent") for request in requests)
    assert_queue_empty(redis)


def test_hooks(redis, receiver, start_worker, cli):
    start_worker()
    bad = {}
    for n, text in enumerate(SPEECH):
        bad.update({
            f"url-{n}": {"url": receiver.url("/") + text},
            f"host-{n}": {"url": f"http://{text}/"},
            f"header-{n}": {"url": receiver.url(), "headers": {"X-Text": "a\n" + text}},
            f"name-{n}": {"url": receiver.url(), "headers": {text: "a"}},
            f"signature-{n}": {"url": receiver.url(), "verificationSignature": "\n" + text},
            f"secret-{n}": {"url": receiver.url(), "secret": text},
            f"key-{n}": {"url": receiver.url(), text: text},
        })  # fmt: skip
    for hook_id, hook in bad.items():
        set_hook(redis, 438, hook_id, **hook)
    for text in SPEECH:
        set_hook(redis, 438, text, url=receiver.url())
    enqueue(redis, message_event())
    letters = wait_dead(redis, len(bad) - 2 + len(SPEECH))
    assert {letter["reason"] for letter in letters} == {"bad-hook", "bad-url"}
    # To HTTP these two are ordinary: a path, and the name of a header.
    assert {request.path for request in receiver.wait_for(2)} == {"/", "/%s%n%d%*1$s"}
    assert_queue_empty(redis)
    for command in (["hook", "list", "--room=438"], ["dead", "list", "--limit=1000"]):
        lines = cli(*command).stdout.splitlines()
        assert len(lines) > len(SPEECH) and all(line.isprintable() for line in lines)


def test_requests_to_our_own_redis(redis, redis_server, receiver, start_worker):
    """Whatever rules open, however it is called, whoever names it."""
    port = redis_server.port
    start_worker(allow_address=["127.0.0.0/8", "::1/128", f"127.0.0.1/32:{port}"])
    urls = [
        f"http://{host}:{port}/{path}"
        for host in ("127.0.0.1", "127.1", "2130706433", "[::ffff:127.0.0.1]", "localhost")
        for path in ("", "%0d%0aFLUSHALL%0d%0a", "?FLUSHALL")
    ]
    event = message_event(text=SPEECH[0])
    for url in urls:
        enqueue(redis, {**event, "webhooks": [{"url": url}]})
    for n, url in enumerate(urls):
        set_hook(redis, 438, f"hook-{n}", url=url)
    enqueue(redis, event)
    names = [url for url in urls if "localhost" in url]  # these are retried, like any other name
    letters = wait_dead(redis, 2 * (len(urls) - len(names)))
    assert {letter["reason"] for letter in letters} == {"blocked"}
    wait_until(lambda: len(records(redis)) == 2 * len(names), 10, "the names to be retried")
    assert {record["error"].partition(":")[0] for record in records(redis).values()} == {"dns"}


def test_letters_show_it_in_one_line(redis, receiver, start_worker, cli):
    """An operator's terminal is not spoken to either."""
    text = "".join(SPEECH) + "\x1b]0;title\x07\x1b[2J"
    receiver.script("/", Answer(400, body=text.encode()))
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    enqueue(redis, message_event(text=text))
    (letter,) = wait_dead(redis)
    told = [value for name, value in dead_letters(redis)[0].items() if name not in ORIGINALS]
    assert all(value.isprintable() for value in told), told
    for command in ("list", "show"):
        shown = cli("dead", command, *([letter["id"]] if command == "show" else [])).stdout
        assert "\x1b" not in shown and "\x00" not in shown and "\r" not in shown
