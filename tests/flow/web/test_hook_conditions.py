"""The state of a hook: the same in the API and on the command line, from its newest attempts."""

import json

import pytest
from receiver import Answer
from wait import wait_until
from webhook_queue import enqueue, key, message_event, set_hook


@pytest.fixture
def states(start_web, cli, redis):
    """states(room) -> what the API and the command line say of its hook main, a set.

    wait("failing") -> the hook as the API has it, when all of them say so.
    """
    web = start_web()

    def lines(*arguments):
        return [json.loads(line) for line in cli(*arguments, "--json").stdout.splitlines()]

    def ask(room=438):
        said = [
            web.get(f"/v1/rooms/{room}/hooks/main").json,
            *web.get(f"/v1/rooms/{room}/hooks").json["data"],
            *lines("hook", "show", f"--room={room}"),
            *lines("hook", "list", f"--room={room}"),
        ]
        assert len(said) == 4
        for hooks in (lines("hook", "state"), web.get("/v1/attention").json["data"]):
            said += [hook for hook in hooks if hook["room"] == room] or [{"state": "healthy"}]
        ask.hook = said[0]
        return {hook["state"] for hook in said}

    def wait(state, room=438):
        # The service keeps what it found for a while.
        wait_until(lambda: ask(room) == {state}, 10, lambda: f"{state}; it is {ask(room)}")
        return ask.hook

    ask.web, ask.wait = web, wait
    return ask


def logged(redis, count, lane="438/main"):
    wait_until(lambda: redis.xlen(key(f"log:{lane}")) >= count, 5, f"{count} entries")


def send(redis, count, before=0):
    for n in range(count):
        enqueue(redis, message_event(), id=f"e{before + n}")
    logged(redis, before + count)


def test_blocked_deliveries_are_failures(redis, start_worker, states, cli):
    set_hook(redis, 438, "main", url="http://10.0.0.1/x")
    start_worker(allow_address=None)
    states.wait("healthy")
    send(redis, 1)
    hook = states.wait("failing")
    assert (hook["recent"], hook["recent_failed"]) == (1, 1)
    send(redis, 2, 1)
    wait_until(lambda: states.wait("failing")["failures"] == 3, 5, "3 failures")
    hook = states.hook
    assert hook["error"] == "the address is not allowed" and hook["failing_since"] > 0
    text = cli("hook", "state", "--failing").stdout
    assert "the address is not allowed" in text.splitlines()[1]
    wait_until(lambda: states.web.get("/v1/attention").json["counts"]["failing"] == 1, 10, "1")

    cli("hook", "resume", "--room=438")
    states.wait("healthy")


def test_a_hook_that_is_not_valid_needs_attention(redis, start_worker, start_web):
    redis.hset(key("room:438"), "main", '{"url":7}')
    start_worker()
    send(redis, 1)
    (hook,) = start_web().get("/v1/attention").json["data"]
    assert (hook["room"], hook["id"], hook["state"]) == (438, "main", "invalid")


def test_the_newest_attempts_decide(redis, receiver, start_worker, states, cli):
    receiver.script("/x", [Answer(400)] * 3 + [Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url("/x"))
    start_worker()
    for n in range(3):
        send(redis, 1, n)
    states.wait("failing")
    wait_until(lambda: redis.xlen(key("dead")) == 3, 5, "3 letters")
    letter = redis.xrange(key("dead"))[0][0].decode()
    cli("dead", "replay", letter)
    logged(redis, 4)
    states.wait("healthy")  # an outage that is over does not count
    assert json.loads(redis.hget(key("hooks-recent"), "438/main"))["attempts"] == "fffd"

    for n in range(10):
        send(redis, 1, 4 + n)
    assert not redis.exists(key("hooks-recent")), "nothing is kept of a hook that is well"
    receiver.script("/x", [Answer(400), Answer(200)] * 3)
    for n in range(6):
        send(redis, 1, 14 + n)
    hook = states.wait("failing")
    assert hook["recent"] == 10, "3 of 10, again and again"
    assert (hook["log"]["attempts"], hook["log"]["delivered"]) == (20, 14)
    assert hook["log"]["failed"] == 6 and hook["log"]["p50_ms"] < 1000


def test_slow(redis, receiver, start_worker, states):
    receiver.script("/x", Answer(200, delay=1.2))
    set_hook(redis, 438, "main", url=receiver.url("/x"))
    start_worker()
    send(redis, 3)
    states.wait("slow")
    slow = "/v1/attention?state=slow"
    wait_until(lambda: states.web.get(slow).json["counts"]["slow"] == 1, 10, "it alone")
    assert states.web.get("/v1/attention?state=open").json["data"] == []


@pytest.mark.parametrize("setting", ["failures", "off"])
def test_without_a_log_what_workers_learnt_counts(redis, receiver, start_worker, states, setting):
    redis.hset(key("hooks-recent"), "438/main", '{"attempts":"fff"}')
    receiver.script("/x", Answer(500))
    set_hook(redis, 438, "main", url=receiver.url("/x"))
    set_hook(redis, 439, "main", url=receiver.url("/y"))
    start_worker(attempt_log=setting, heartbeat_ttl="3s")
    enqueue(redis, message_event(), id="e1")
    states.wait("failing")
    wait_until(lambda: not redis.exists(key("hooks-recent")), 5, "what is not kept to be deleted")
    states.wait("healthy", 439)


def test_strange_values(redis, receiver, start_worker, states):
    set_hook(redis, 438, "main", url=receiver.url("/x"))
    for value in ("nonsense", "[]", '{"attempts":7}', '{"attempts":"' + "f" * 99 + '"}', "\xff"):
        redis.hset(key("hooks-recent"), "438/main", value)
        states.wait("healthy")
    start_worker()
    redis.delete(key("hooks-recent"))
    redis.set(key("hooks-recent"), "by hand")
    receiver.script("/x", Answer(400))
    send(redis, 1)
    states.wait("failing")
