"""Sending delivered events again by the API: counted, and as a task."""

import json

import pytest
from wait import wait_until
from webhook_queue import key, message_event, set_hook

RESEND = "/v1/rooms/438/resend"


def keep(redis, count, room=438, hooks="main", first=1, at="*"):
    """Delivered events as workers keep them."""
    document = json.dumps(message_event(room=room))
    pipe = redis.pipeline(transaction=False)
    for n in range(first, first + count):
        event = f"{n:013d}-000000"
        pipe.hset(key("delivered-documents"), event, f"json m-{n} -\n{document}")
        pipe.xadd(key("delivered"), {"event": event, "room": room, "hooks": hooks}, id=at)
    pipe.execute()


def sent_again(redis):
    return [(fields[b"hook"].decode(), fields[b"id"].decode())
            for _, fields in redis.xrange(key("events"))]  # fmt: skip


@pytest.fixture
def start_acting(start_web, make_token):
    token = make_token("operate")

    def start():
        web = start_web(tokens=make_token.file, actions=True)
        web.token = token
        return web

    return start


@pytest.fixture
def ask(start_acting):
    web = start_acting()

    def one(method, path, token=web.token):
        return web.ask(method, path, token)

    one.web = web
    return one


def wait_done(ask, task):
    path = f"/v1/rooms/438/tasks/{task['id']}"
    wait_until(lambda: ask("GET", path).json["state"] == "done", 15,
               lambda: ask("GET", path).body.decode())  # fmt: skip
    return ask("GET", path).json


def test_what_was_delivered_is_sent_again(ask, redis):
    set_hook(redis, 438, "main", url="https://example.com/x")
    set_hook(redis, 438, "audit", url="https://example.com/x")
    keep(redis, 30)
    keep(redis, 10, hooks="main audit gone", first=31)
    keep(redis, 5, room=7, first=41)
    counted = ask("POST", RESEND + "?since=1h&dry_run=true").json
    assert counted == {"count": 50, "skipped": 10, "failed": 0, "dry_run": True}
    assert ask("POST", RESEND + "?since=1h&dry_run=true&hook=audit").json["count"] == 10
    assert ask("POST", RESEND + "?since=1h&expect=49").error == "conflict"
    assert ask("POST", RESEND + "?since=1h&until=2h").json["count"] == 0
    assert not redis.exists(key("tasks")) and not redis.exists(key("events"))
    answer = ask("POST", RESEND + "?since=1h&expect=50&rate=100/s")
    made = answer.json
    assert (answer.status, made["what"], made["total"]) == (202, "resend", 50)
    keep(redis, 1, first=91, at=f"{made['made_at'] + 1000}-0")  # what comes later is not meant
    done = wait_done(ask, made)
    assert (done["done"], done["skipped"], done["failed"]) == (50, 10, 0)
    expected = [("main", f"m-{n}") for n in range(1, 31)]
    for n in range(31, 41):
        expected += [("main", f"m-{n}"), ("audit", f"m-{n}")]
    assert sent_again(redis) == expected


def test_it_goes_on_after_a_restart(start_acting, redis):
    """Each delivery is sent exactly once: in Redis it is added and counted in one step."""
    set_hook(redis, 438, "main", url="https://example.com/x")
    keep(redis, 60)
    first = start_acting()
    made = first.ask("POST", RESEND + "?since=1h&rate=30/s", first.token).json
    path = f"/v1/tasks/{made['id']}"
    wait_until(lambda: first.get(path, first.token).json["done"] >= 6, 10, "some")
    first.kill()
    record = json.loads(redis.hget(key("tasks"), made["id"]))
    assert 6 <= record["done"] == redis.xlen(key("events")) < 60
    redis.hset(key("tasks"), made["id"], json.dumps({**record, "lease_until": 1}))
    second = start_acting()
    wait_until(lambda: second.get(path, second.token).json["state"] == "done", 15, "the end")
    assert sent_again(redis) == [("main", f"m-{n}") for n in range(1, 61)]


def test_what_cannot_be_is_refused(ask, redis):
    nothing_kept = ask("POST", RESEND + "?since=1h")
    assert nothing_kept.error == "conflict" and b"keep-delivered" in nothing_kept.body
    keep(redis, 1)
    set_hook(redis, 438, "main", url="https://example.com/x")
    assert ask("POST", RESEND).error == "parameter"
    assert ask("POST", RESEND + "?since=yesterday").error == "invalid"
    assert ask("POST", RESEND + "?since=1h&hook=none").error == "not_found"
    assert ask("POST", "/v1/rooms/439/resend?since=1h").error == "not_found"
    assert not redis.exists(key("tasks"))


def test_the_token_of_a_room(ask, make_token, redis):
    set_hook(redis, 438, "main", url="https://example.com/x")
    keep(redis, 5)
    mine = make_token("room=438")
    wait_until(lambda: ask("GET", "/v1/rooms/438/hooks", mine).status == 200, 5, "the token")
    assert ask("POST", "/v1/rooms/439/resend?since=1h", mine).error == "room"
    made = ask("POST", RESEND + "?since=1h&rate=1000", mine).json
    assert (made["by"], made["room"]) == ("room", 438)
    assert wait_done(ask, made)["done"] == 5
