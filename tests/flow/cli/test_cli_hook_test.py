"""roomhook hook test: one event to one hook, and what its receiver answered."""

import json

import pytest
from child import free_port
from receiver import Answer, Hang
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    hook_states,
    is_well,
    key,
    message_event,
    set_hook,
    stats,
)


@pytest.fixture
def hook_test(cli):
    """hook_test("--id", "a") -> (exit code, the object that is printed)"""

    def run(*arguments):
        done = cli("hook", "test", "--room", "438", "--json", *arguments, check=False)
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)

    return run


def test_says_what_was_answered(redis, receiver, start_worker, hook_test):
    receiver.script("/a", Answer(202, body=b"thank you\r\nmore"))
    set_hook(redis, 438, "main", url=receiver.url("/main"))
    set_hook(redis, 438, "a", url=receiver.url("/a"), format="standard")
    start_worker()
    code, tested = hook_test("--id", "a")
    assert code == 0
    assert 0 <= tested.pop("ms") < 5000
    stream_id = tested.pop("id")
    assert tested == {
        "room": 438, "hook": "a", "outcome": "delivered", "status": 202, "answer": "thank you",
    }  # fmt: skip
    (request,) = receiver.requests()
    assert request.path == "/a"
    assert request.header("webhook-id") == f"msg_{stream_id}"
    assert request.header("webhook-event") == "webhook.test"
    body = json.loads(request.body)
    assert body["type"] == "webhook.test"
    assert body["data"]["message"]["test"] is True
    assert_queue_empty(redis)
    assert 0 < redis.ttl(key(f"reply:{stream_id}")) <= 60


def test_prints_rows_for_people(redis, receiver, start_worker, cli):
    receiver.script("/", Answer(200, body=b"fine\x1b[31m"))
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    lines = cli("hook", "test", "--room", "438").stdout.splitlines()
    shown = dict(line.split(maxsplit=1) for line in lines)
    assert list(shown) == ["outcome", "status", "ms", "answer", "event"]
    assert (shown["outcome"], shown["status"]) == ("delivered", "200")
    assert shown["answer"] == r'"fine\u001b[31m"'


def test_a_failed_one_leaves_nothing_behind(redis, receiver, start_worker, hook_test):
    receiver.script("/", Answer(503, body=b"x" * 1000))
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="100ms")
    code, tested = hook_test()
    assert code == 1
    assert (tested["outcome"], tested["status"]) == ("failed", 503)
    assert tested["error"] == "answered 503"
    assert tested["answer"] == "x" * 200
    assert_queue_empty(redis)
    worker.terminate()
    assert len(receiver.requests()) == 1
    assert not dead_letters(redis)
    assert stats(redis).get("retries", 0) == 0


def test_a_rejected_one_too(redis, receiver, start_worker, hook_test):
    receiver.script("/", Answer(400))
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    code, tested = hook_test()
    assert code == 1
    assert (tested["outcome"], tested["reason"]) == ("failed", "rejected")
    assert_queue_empty(redis)
    assert not dead_letters(redis)


@pytest.mark.parametrize(
    ("hook", "settings", "reason", "error"),
    [
        ({"url": "http://127.0.0.1:9/"}, {"allow_address": None}, "blocked", "not allowed"),
        ({"url": "http://127.0.0.1:9/", "enabled": False}, {}, None, "the hook is disabled"),
        (None, {}, "hook-removed", "no hook of this id"),
        ({"url": "ftp://127.0.0.1/"}, {}, "bad-url", "url"),
    ],
    ids=["blocked", "disabled", "none", "bad URL"],
)
def test_says_why_nothing_was_sent(redis, start_worker, hook_test, hook, settings, reason, error):
    if hook:
        set_hook(redis, 438, "main", **hook)
    start_worker(**settings)
    code, tested = hook_test()
    assert code == 1
    assert (tested["outcome"], tested.get("reason")) == ("not-sent", reason)
    assert error in tested["error"]
    assert "ms" not in tested
    assert_queue_empty(redis)
    assert not dead_letters(redis)


def test_no_connection_is_a_failure(redis, start_worker, hook_test):
    set_hook(redis, 438, "main", url=f"http://127.0.0.1:{free_port()}/")
    start_worker()
    code, tested = hook_test()
    assert code == 1
    assert tested["outcome"] == "failed"
    assert tested["error"].startswith("connect")
    assert "status" not in tested


def test_needs_a_worker(redis, receiver, hook_test):
    set_hook(redis, 438, "main", url=receiver.url())
    code, tested = hook_test()
    assert code == 1
    assert tested == {
        "room": 438, "hook": "main", "outcome": "not-sent", "error": "no worker is alive",
    }  # fmt: skip
    assert redis.xlen(key("events")) == 0


def test_waits_no_longer_than_it_is_told(redis, receiver, start_worker, hook_test):
    receiver.script("/", Hang())
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    code, tested = hook_test("--wait", "1s")
    assert code == 1
    assert tested["outcome"] == "unknown"
    assert "under way" in tested["error"]


def test_reaches_a_hook_that_rests_or_has_a_rate(redis, receiver, start_worker, hook_test):
    """A hook that has nothing left of its rate, and that its receiver has paused."""
    receiver.script("/", [Answer(429, (("Retry-After", "60"),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url(), rateLimit="1/h",
             types=["message.created"])  # the test event is of another
    start_worker(retry_schedule="1h")
    enqueue(redis, message_event())
    receiver.wait_for(1)
    wait_until(lambda: hook_states(redis).get("438/main", {}).get("until"), 5, "the pause")
    code, tested = hook_test()
    assert (code, tested["outcome"], tested["status"]) == (0, "delivered", 200)


def test_closes_an_open_hook(redis, receiver, start_worker, hook_test):
    receiver.script("/", [Answer(500)] * 5 + [Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="1h")
    for _ in range(5):
        assert hook_test()[1]["status"] == 500
    wait_until(lambda: hook_states(redis).get("438/main", {}).get("opens"), 5, "the hook to open")
    assert hook_test()[0] == 0
    wait_until(lambda: is_well(redis, 438), 5, "the hook to be closed")


def test_an_old_one_is_not_sent(redis, receiver, start_worker):
    """It waited for a worker longer than its sender waited for it."""
    set_hook(redis, 438, "main", url=receiver.url())
    fields = {"json": json.dumps(message_event()), "hook": "main", "test": "1"}
    redis.xadd(key("events"), fields, id="1000-1")
    start_worker()
    reply = wait_until(lambda: redis.get(key("reply:1000-1")), 5, "the reply")
    assert json.loads(reply)["reason"] == "expired"
    assert not receiver.requests()
    assert_queue_empty(redis)


@pytest.mark.parametrize("fields", [{"test": "1"}, {"test": "2", "hook": "main"}])
def test_an_entry_that_is_none(redis, receiver, start_worker, fields):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    redis.xadd(key("events"), {"json": json.dumps(message_event()), **fields})
    (letter,) = wait_until(lambda: dead_letters(redis), 5, "the dead letter")
    assert (letter["reason"], letter["error"]) == ("malformed", "test must be 1, beside a hook")
