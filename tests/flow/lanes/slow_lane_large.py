"""A million deliveries wait in one lane, of a hook that is paused: nothing that looks at them keeps
Redis busy for long, and when the hook is resumed they go out as fast as those of a short lane."""

import json
import time

from lane_scripts import SHAS
from receiver import Answer
from wait import wait_until
from waiting import fingerprint
from webhook_queue import key, message_event, now_ms, set_hook

WAITING = 1_000_000
SHORT = 20_000  # another lane's, to compare with
A_CALL = 50_000  # deliveries in one call of FILL
LOOKS_S = 5  # the worker looks and walks so long while the hook is paused
DELIVERS_S = 5  # and sends so long
BUSY_US = 100_000  # the longest that one command may take; what reads the whole lane takes more
CLI_S = 60
OTHERS = 2  # that take longer because the machine has other work
PRINTED_US = 2_000
NAMES = {sha: name for name, sha in SHAS.items()}

# One delivery in each ms, all due; the room is in their ids, which are unique in a queue.
FILL = """
local deliveries, lane, name, document = KEYS[1], KEYS[2], ARGV[1], ARGV[2]
local first, count = tonumber(ARGV[3]), tonumber(ARGV[4])
for at = first, first + count - 1 do
    local id = string.format('%013.0f-%06d/main', at, ARGV[5])
    redis.call('HSET', deliveries, id,
        '{"lane":"' .. name .. '","attempts":0,"encoding":"json"}\\n' .. document)
    redis.call('ZADD', lane, at, id)
end
"""


def fill(redis, room, count):
    lane, document = f"{room}/main", json.dumps(message_event(room=room))
    first = now_ms(redis) - count
    for at in range(0, count, A_CALL):
        redis.eval(FILL, 2, key("deliveries"), key(f"lane:{lane}"), lane, document, first + at,
                   min(A_CALL, count - at), room)
    return first


def pause(redis, room, url):
    """Until tomorrow, as its receiver asked for it."""
    till, of = now_ms(redis) + 86_400_000, fingerprint(url)
    redis.hset(key("hooks-state"), f"{room}/main", json.dumps(
        {"fingerprint": of, "at": now_ms(redis), "until": till, "reason": "retry-after"}))
    redis.hset(key("gates"), f"{room}/main", f"{till}.000 paused {of}")


def rate_of(receiver, path, most, limit_s):
    """Requests in a second, from the first one on, until there are enough or the time is over."""
    receiver.wait_for(1, path, timeout=10)
    began = time.monotonic()
    while len(receiver.requests(path)) < most and time.monotonic() - began < limit_s:
        time.sleep(0.05)
    return len(receiver.requests(path)) / (time.monotonic() - began)


def asks(cli, *arguments):
    began = time.monotonic()
    done = cli(*arguments, check=False, timeout=CLI_S)
    print(f"{(time.monotonic() - began) * 1000:7.0f} ms  roomhook {' '.join(arguments)}")
    assert done.returncode in ((0, 1) if arguments[0] == "doctor" else (0,)), done.stderr
    return done.stdout


def slowest(redis):
    """[(us, command)] of what took longest since the last reset."""
    found = []
    for one in redis.slowlog_get(1000):
        command = one["command"].decode(errors="replace").replace("\n", " ")
        sha = (command.split(" ") + [""])[1]
        found.append((one["duration"], NAMES.get(sha, command[:70])))
    return sorted(found, reverse=True)


def test_a_lane_with_a_million_deliveries(redis, receiver, start_worker, cli):
    long, short = receiver.url("/long"), receiver.url("/short")
    receiver.script("/long", [Answer(200)])
    receiver.script("/short", [Answer(200)])
    set_hook(redis, 438, "main", url=long)
    set_hook(redis, 439, "main", url=short)
    pause(redis, 438, long)
    first = fill(redis, 438, WAITING)
    redis.zadd(key("lanes"), {"438/main": first})
    redis.zadd(key("lanes"), {"439/main": fill(redis, 439, SHORT)})
    redis.config_set("slowlog-log-slower-than", PRINTED_US)
    redis.config_set("slowlog-max-len", 1000)
    redis.slowlog_reset()

    start_worker(heartbeat_ttl="3s")
    usual = rate_of(receiver, "/short", SHORT, 30)
    wait_until(lambda: redis.hlen(key("deliveries")) == WAITING, 5, "an empty short lane")
    deadline = time.monotonic() + LOOKS_S
    shown = json.loads(asks(cli, "lane", "show", "438/main", "--json").splitlines()[0])
    assert shown["id"].startswith(f"{first:013}-")
    assert "1000000" in asks(cli, "lane", "list", "--room", "438", "--json")
    assert "1000000" in asks(cli, "status", "--json")
    asks(cli, "hook", "show", "--room", "438", "--id", "main")
    asks(cli, "doctor")
    assert "1000000" in asks(cli, "lane", "drop", "438/main", "--dry-run", "--json")
    time.sleep(max(0, deadline - time.monotonic()))
    assert not receiver.requests("/long") and redis.zcard(key("lane:438/main")) == WAITING

    asks(cli, "hook", "resume", "--room", "438", "--id", "main")
    rate = rate_of(receiver, "/long", WAITING, DELIVERS_S)
    print(f"{usual:7.0f} in a second of a short lane, {rate:.0f} of the long one")
    busy = slowest(redis)
    for took_us, command in busy[:8]:
        print(f"{took_us / 1000:7.1f} ms  {command}")
    assert rate > usual / 2
    busy = [one for one in busy if one[0] >= BUSY_US]
    assert len(busy) <= OTHERS, busy
