"""The table of what Redis refuses with, redis_faults.def, before a worker and the command line."""

import pytest

from redis_faults import FAULTS
from redis_health import BACK_S, wait_counter
from refusing_redis import RefusingRedis
from scripted_redis import OK, ScriptedRedis, bulk
from wait import wait_until
from webhook_queue import assert_queue_empty, enqueue, key, message_event, set_hook, stats

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.words[:24])
COUNTERS = {f"redis_{fault.name}" for fault in FAULTS}


@each_fault
def test_a_worker(redis_server, redis, start_worker, fault):
    """It counts and logs this fault and no other, and connects again where that heals."""
    with RefusingRedis(redis_server) as way:
        worker = start_worker(redis=way.url)
        way.refuse(fault.words)
        enqueue(redis, message_event())  # the reader asks for the next
        wait_until(lambda: way.refused, BACK_S, "a refusal")
        line = worker.wait_log("redis_lost" if fault.reconnects else "redis_error")
        assert line["fault"] == fault.name
        way.allow()
        wait_counter(redis, fault.name)
        # A script whose text was refused is sent by its hash next, which Redis does not know then.
        others = COUNTERS - {f"redis_{fault.name}", "redis_noscript"}
        assert not others & stats(redis).keys(), stats(redis)
        assert worker.terminate() == 0


@each_fault
def test_the_command_line(cli, fault):
    refusal = f"-{fault.words}\r\n".encode()
    with ScriptedRedis(lambda command: OK if command[0] == b"CLIENT" else refusal) as server:
        done = cli("send", "--room=438", "--text=a", redis=server.url, check=False)
        assert done.returncode == 1 and f"Redis answered: {fault.words}" in done.stderr
        done = cli("status", redis=server.url, check=False)
        assert done.returncode == (0 if fault.name == "nogroup" else 1), done


NOT_ALLOWED = "NOPERM this user has no permissions to run the '{}' command"
UNKNOWN = "ERR unknown command '{}', with args beginning with: "


def sentinel_of(way):
    """A Sentinel that sends its clients this way."""
    answer = b"*2\r\n" + bulk(b"127.0.0.1") + bulk(b"%d" % way.port)
    return ScriptedRedis(lambda command: answer)


def sentinel_url(sentinel):
    return f"redis+sentinel://127.0.0.1:{sentinel.port}/main"


cosmetic = pytest.mark.parametrize("command", ["CLIENT", "ROLE"])


@cosmetic
@pytest.mark.parametrize("refusal", [NOT_ALLOWED, UNKNOWN])
def test_what_is_cosmetic_is_no_condition(redis_server, redis, receiver, start_worker, cli, command,
                                          refusal):  # fmt: skip
    """Not for a worker, and not for the command line behind a Sentinel, which asks both too."""
    set_hook(redis, 438, "main", url=receiver.url())
    with RefusingRedis(redis_server) as way, sentinel_of(way) as sentinel:
        way.refuse(refusal.format(command.lower()), lambda words: words[0] == command.encode())
        worker = start_worker(redis=way.url)
        worker.wait_log("redis_connected", link="reader")
        cli("send", "--room=438", "--text=a", redis=sentinel_url(sentinel))
        receiver.wait_for(1)
        assert way.refused >= 3, "control, reader, and the command line"
        assert worker.terminate() == 0
    assert_queue_empty(redis)


@pytest.mark.parametrize("refusal", [NOT_ALLOWED, UNKNOWN])
def test_without_evalsha_scripts_go_as_text(redis_server, redis, receiver, start_worker, refusal):
    """A user without the right, or a Redis where it is renamed: all is settled just the same."""
    set_hook(redis, 438, "main", url=receiver.url())
    with RefusingRedis(redis_server) as way:
        way.refuse(refusal.format("evalsha"), lambda words: words[0] == b"EVALSHA")
        worker = start_worker(redis=way.url)
        for n in range(20):
            enqueue(redis, message_event(), id=f"event-{n}")
            receiver.wait_for(n + 1)
        assert_queue_empty(redis)
        assert 1 <= way.refused <= 6, "it is tried once, and a little at the same time"
        assert worker.terminate() == 0
    assert len(receiver.requests()) == 20


@cosmetic
def test_a_greeting_that_is_refused_for_now(redis_server, redis, start_worker, cli, command):
    """What is not about the command ends it, whichever command it is the reply to."""
    with RefusingRedis(redis_server) as way, sentinel_of(way) as sentinel:
        way.refuse("LOADING Redis is loading", lambda words: words[0] == command.encode())
        worker = start_worker(redis=way.url, wait_ready=False)
        assert worker.wait_log("redis_lost")["fault"] == "loading"
        done = cli("send", "--room=438", "--text=a", redis=sentinel_url(sentinel), check=False)
        assert done.returncode == 1 and "Redis answered: LOADING" in done.stderr
        assert not worker.logged("redis_connected")
        way.allow()
        worker.wait_log("ready")
        assert worker.terminate() == 0
    assert redis.xlen(key("events")) == 0
