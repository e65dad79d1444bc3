"""Alerts: what happens to hooks is reported to alert-url, once, and signed."""

import json

import pytest

from receiver import Answer
from wait import stays_true, wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    key,
    message_event,
    now_ms,
    set_hook,
)

SECRET = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"


@pytest.fixture
def alerted(receiver, start_worker, tmp_path):
    """alerted.start() is a worker that reports; alerted.wait(n) -> the first n alerts."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    secret.chmod(0o600)

    class Alerted:
        @staticmethod
        def start(**settings):
            return start_worker(**{
                "alert_url": receiver.url("/alerts"), "alert_secret_file": secret,
                "heartbeat_ttl": "3s", "retry_schedule": "1h", **settings,
            })  # fmt: skip

        @staticmethod
        def wait(count, timeout=15):
            return [json.loads(r.body) for r in receiver.wait_for(count, "/alerts", timeout)]

        @staticmethod
        def kinds():
            return [json.loads(r.body)["type"] for r in receiver.requests("/alerts")]

    return Alerted


def fail(redis, receiver, room, count=6):
    receiver.script(f"/{room}", Answer(503))
    set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
    for _ in range(count):
        enqueue(redis, message_event(room=room))


def test_a_hook_fails_and_is_well_again(redis, receiver, alerted, cli):
    alerted.start()
    alerted.start()
    fail(redis, receiver, 438, count=20)
    (failing,) = alerted.wait(1)
    assert failing["type"] == "hook.failing"
    message = failing["data"]["message"]
    assert (message["room"], message["hook"], message["status"]) == ("438", "main", 503)
    assert message["error"] == "answered 503"
    assert message["disabledAt"] - message["failingSince"] == 5 * 24 * 3600 * 1000
    request = receiver.requests("/alerts")[0]
    assert request.header("webhook-event") == "hook.failing" and request.header("webhook-signature")
    receiver.script("/438", Answer(200))
    cli("hook", "test", "--room", "438")
    _, recovered = alerted.wait(2)
    assert recovered["type"] == "hook.recovered"
    assert recovered["data"]["message"]["hook"] == "main"
    stays_true(lambda: len(alerted.kinds()) == 2, 3.0, "each is reported once")
    assert redis.hget(key("alerted"), "438/main").startswith(b"well ")
    fail(redis, receiver, 438, count=20)
    wait_until(lambda: b"opens" in redis.hget(key("hooks-state"), "438/main"), 5, "it to fail")
    stays_true(lambda: len(alerted.kinds()) == 2, 3.0, "not again within the hour")
    redis.hset(key("alerted"), "438/main", f"well {now_ms(redis) - 3_600_000}")
    assert alerted.wait(3)[2]["type"] == "hook.failing"


def test_it_is_disabled_soon_and_then(redis, receiver, alerted):
    """The leader finds it, although nothing is sent any more."""
    alerted.start(disable_after="20s")
    fail(redis, receiver, 438)
    alerted.wait(1)
    state = json.loads(redis.hget(key("hooks-state"), "438/main"))
    for share, level in ((0.6, "disable50"), (0.95, "disable90")):
        state["failing_since"] = now_ms(redis) - int(20_000 * share)
        state["probe_at"] = now_ms(redis) + 60_000
        redis.hset(key("hooks-state"), "438/main", json.dumps(state))
        wait_until(lambda: redis.hget(key("alerted"), "438/main") == level.encode(), 10,
                   level)  # fmt: skip
    receiver.script("/gone", Answer(410))
    set_hook(redis, 7, "main", url=receiver.url("/gone"))
    enqueue(redis, message_event(room=7))
    alerts = alerted.wait(5)
    kinds = [alert["type"] for alert in alerts if alert["data"]["message"]["room"] == "438"]
    assert kinds == ["hook.failing", "hook.disable_soon", "hook.disable_soon"]
    others = {a["type"]: a["data"]["message"] for a in alerts
              if a["data"]["message"]["room"] == "7"}  # fmt: skip
    assert others["hook.disabled"]["reason"] == "gone"
    assert others["delivery.dead"]["count"] == 1


def test_dead_letters_are_counted_once_an_hour(redis, receiver, start_worker, alerted):
    receiver.script("/438", Answer(400))
    set_hook(redis, 438, "main", url=receiver.url("/438"))
    worker = start_worker()
    for _ in range(5):
        enqueue(redis, message_event(room=438))
    receiver.wait_for(5, "/438")
    assert_queue_empty(redis)
    assert worker.terminate() == 0
    alerted.start()
    (dead,) = alerted.wait(1)
    assert dead["type"] == "delivery.dead" and dead["data"]["message"]["count"] == 5
    enqueue(redis, message_event(room=438))
    wait_until(lambda: redis.hget(key("alerted-dead"), "438/main") == b"1", 5, "one more")
    stays_true(lambda: len(alerted.kinds()) == 1, 3.0, "not within the hour")
    redis.hset(key("alerted"), "438/main dead", now_ms(redis) - 3_600_000)
    assert alerted.wait(2)[1]["data"]["message"]["count"] == 1


def test_many_hooks_that_were_reported_hide_no_other(redis, alerted):
    """More than are looked at at a time, of which new letters come within the hour."""
    now = now_ms(redis)
    redis.hset(key("alerted"), mapping={f"438/{n} dead": now for n in range(2000)})
    redis.hset(key("alerted-dead"), mapping={f"438/{n}": 1 for n in range(2000)})
    redis.hset(key("alerted-dead"), mapping={f"7/{n}": n for n in range(1, 11)})
    alerted.start()
    reported = [alert["data"]["message"] for alert in alerted.wait(10)]
    assert {message["room"] for message in reported} == {"7"}
    assert sorted(message["count"] for message in reported) == list(range(1, 11))


# Of each kind, what is known of a hook when it is due: its state, what was reported of it, and how
# many dead letters it has.
DAY = 24 * 3600 * 1000
DUE = {
    "hook.failing": lambda now: ({"failing_since": now - 1000, "opens": 1, "status": 503}, None, 0),
    "hook.disable_soon": lambda now: (
        {"failing_since": now - 3 * DAY, "opens": 9, "status": 503}, "failing", 0),
    "hook.disabled": lambda now: (
        {"failing_since": now - 5 * DAY, "disabled": True, "reason": "failing"}, "disable90", 0),
    "hook.recovered": lambda now: ({"ok_at": now}, "failing", 0),
    "delivery.dead": lambda now: (None, None, 3),
}  # fmt: skip
EACH = 400


def seed_due(redis, receiver):
    """{room: kind}, EACH of a kind: far more than are looked at at a time."""
    now = now_ms(redis)
    rooms = {}
    pipe = redis.pipeline(transaction=False)
    for number, (kind, due) in enumerate(DUE.items()):
        state, reported, letters = due(now)
        for room in range(1000 * (number + 1), 1000 * (number + 1) + EACH):
            rooms[str(room)] = kind
            lane = f"{room}/main"
            hook = {"url": receiver.url("/never"), "format": "bare"}
            pipe.hset(key(f"room:{room}"), "main", json.dumps(hook))
            if state:
                state = {"at": now, "probe_at": now + DAY, "error": "answered 503", **state}
                pipe.hset(key("hooks-state"), lane, json.dumps(state))
            if reported:
                pipe.hset(key("alerted"), lane, reported)
            if letters:
                pipe.hset(key("alerted-dead"), lane, letters)
    pipe.execute()
    return rooms


def test_each_kind_is_one_entry_while_a_leader_crashes(redis, receiver, alerted):
    """Thousands are due at once, of two workers the one that reports is killed while it does."""
    rooms = seed_due(redis, receiver)
    workers = [alerted.start(), alerted.start()]
    receiver.wait_for(1, "/alerts")
    (leader,) = [worker for worker in workers if worker.logged("leader")]
    leader.kill()
    reported = redis.xinfo_stream(key("events"))["entries-added"]
    assert 0 < reported < len(rooms), "it was killed before or after all that"
    alerted.start()
    ids = {}

    def all_came():
        for request in receiver.requests("/alerts"):
            alert = json.loads(request.body)
            of = (alert["type"], alert["data"]["message"]["room"])
            ids.setdefault(of, set()).add(request.header("webhook-id"))
        return len(ids) >= len(rooms)

    wait_until(all_came, 60, lambda: f"{len(ids)} of {len(rooms)} alerts")
    assert set(ids) == {(kind, room) for room, kind in rooms.items()}
    assert_queue_empty(redis, 30)
    all_came()
    assert {len(one) for one in ids.values()} == {1}
    assert redis.xinfo_stream(key("events"))["entries-added"] == len(rooms)
    assert receiver.requests("/never") == []


def test_nothing_is_reported_about_alerts(redis, receiver, alerted):
    """Their receiver fails, and then takes them for good."""
    receiver.script("/alerts", Answer(400))
    alerted.start(retry_schedule="100ms")
    fail(redis, receiver, 438)
    wait_until(lambda: redis.hget(key("alerted"), "438/main"), 10, "the alert")
    wait_until(lambda: any(letter["hook"] == "inline-0" for letter in dead_letters(redis)), 10,
               "a letter of the alert")  # fmt: skip
    stays_true(lambda: len(redis.hkeys(key("alerted"))) <= 2, 4.0, "only of the hook")
    assert set(alerted.kinds()) <= {"hook.failing", "delivery.dead"}
    assert all(b"438" in name for name in redis.hkeys(key("alerted")))


def test_without_alert_url_nothing_is_kept(redis, receiver, start_worker):
    receiver.script("/438", Answer(400))
    set_hook(redis, 438, "main", url=receiver.url("/438"))
    start_worker(heartbeat_ttl="3s")
    enqueue(redis, message_event(room=438))
    receiver.wait_for(1)
    assert_queue_empty(redis)
    redis.hset(key("alerted"), "438/main", "failing")
    wait_until(lambda: not redis.exists(key("alerted"), key("alerted-dead")), 10, "it to go")
