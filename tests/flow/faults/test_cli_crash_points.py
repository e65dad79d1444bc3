"""The command line is killed in front of each call by which it talks to Redis. Whatever it was
doing, each delivery is in one place afterwards, and the same command, given again, ends it."""

import json
import os
import signal
import subprocess
from collections import Counter

import pytest
import sanitizer
from lane_invariants import check_invariants
from lane_scripts import LaneQueue
from wait import wait_until
from webhook_queue import dead_letters, key, set_hook

LANE = "438/main"
OTHER = "438/other"
FAR_MS = 3600000
MANY = 600  # several pages of each command
CALLS = ("sendto", "recvfrom")  # before a command of ours is sent, and before its answer is read



def fill(redis):
    """What waits for two hooks, one of which is open; of some the document is shared."""
    queue = LaneQueue(redis)
    for hook in ("main", "other"):
        set_hook(redis, 438, hook, url=f"http://{hook}.example/")
    large = json.dumps({"message": {"roomId": 438}, "x": "x" * 5000}).encode()
    small = b'{"message":{"roomId":438}}'
    for _ in range(0, MANY, 300):
        ids = queue.event(small, count=300)
        queue.settle_stream(*[(one, small, ("retry", "main", LANE, FAR_MS)) for one in ids])
    queue.put(LANE, OTHER, document=large)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    return queue


def resume(redis):
    fill(redis)
    return ["hook", "resume", "--room=438", "--id=main"]


def resumed(redis):
    now = LaneQueue(redis).now()
    assert redis.zcount(key(f"lane:{LANE}"), "-inf", now) == MANY + 1
    assert redis.zscore(key("lanes"), LANE) <= now and not redis.hexists(key("gates"), LANE)


def drop(redis):
    fill(redis)
    return ["lane", "drop", LANE, "--yes"]


def dropped(redis):
    assert redis.xlen(key("dead")) == MANY + 1 and not redis.exists(key(f"lane:{LANE}"))
    assert redis.zcard(key(f"lane:{OTHER}")) == 1


def replay(redis):
    queue = fill(redis)
    queue.dead_max = MANY
    claimed = queue.claim(LANE, count=MANY, most=MANY, mode="all").deliveries
    letter = {"reason": "exhausted", "room": "438", "hook": "main", "attempts": "1"}
    queue.settle_leased(*[(one, "dead", {**letter, "json": '{"message":{"roomId":438}}'})
                          for one in claimed])
    return ["dead", "replay", "--all"]


def replayed(redis):
    assert redis.xlen(key("dead")) == 0 and redis.xlen(key("events")) == MANY


def change(redis):
    fill(redis)
    return ["hook", "set", "--room=438", "--id=main", "--url=http://new.example/"]


def changed(redis):
    hook = json.loads(redis.hget(key("room:438"), "main"))
    assert hook["url"] == "http://new.example/"
    assert redis.zcard(key(f"lane:{LANE}")) == MANY + 1
    assert redis.zscore(key("lanes"), LANE) <= LaneQueue(redis).now()


def whereabouts(redis):
    """How often each hook's deliveries are there, in a lane, as letters or as events."""
    found = Counter(one.decode().split("/")[1] for one in redis.hkeys(key("deliveries")))
    found += Counter(letter["hook"] for letter in dead_letters(redis))
    pending = redis.xpending(key("events"), "workers")["pending"]
    assert pending == 0
    return found + Counter(fields[b"hook"].decode()
                           for _, fields in redis.xrange(key("events")))


def run(roomhook_bin, server, arguments, call=None, when=0):
    """Returns whether it was killed."""
    inject = ["-e", f"inject={call}:signal=KILL:when={when}"] if when else []
    tracer = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", *inject]
    done = subprocess.run(
        [*(tracer if call else []), roomhook_bin / "roomhook", "--redis", server.url, *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False,
        env={**os.environ, **sanitizer.traced()})
    assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("begin, ended", [
    (resume, resumed), (drop, dropped), (replay, replayed), (change, changed),
])
def test_command_that_is_killed(redis, redis_server, roomhook_bin, begin, ended, call):
    when, was_killed = 0, True
    while was_killed:
        when += 1
        redis.flushall()
        arguments = begin(redis)
        before = whereabouts(redis)
        clients = len(redis.client_list())
        was_killed = run(roomhook_bin, redis_server, arguments, call, when)
        # What it had sent is done by then.
        wait_until(lambda: len(redis.client_list()) == clients, 5, "its connection to end")
        assert whereabouts(redis) == before, f"{call} {when}"
        check_invariants(redis, letters=begin is not replay)
        run(roomhook_bin, redis_server, arguments)
        assert whereabouts(redis) == before, f"{call} {when}, again"
        ended(redis)
    assert when > 2
