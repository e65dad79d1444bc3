"""A large queue: 100,000 rooms, 100,000 dead letters, 10,000 failing hooks, 20,000 lanes. Every
answer of the API comes within a second and is at most 200 KB."""

import hashlib
import json
import time
import urllib.parse

from webhook_queue import key
from web_service import routes

ROOMS = 100_000
LETTERS = 100_000
FAILING = 10_000
MINUTES = 7 * 24 * 60
ATTEMPTS = 300  # of one hook: attempt-log-per-hook and a hundred more
SECOND = 1.0
BYTES = 200 * 1024
ANSWER = "The receiver says at length what it does not like. " * 20  # 1 KiB
# The text of messages in letters; the last one is as long as a chat server allows.
TEXTS = ["x" * 300, "x" * 3000, "x" * 40_000]


def url_of(n):
    return f"https://h{n}.example/hooks/{'p' * 40}"


def seed_rooms(pipe, now):
    for n in range(ROOMS):
        hook = {"url": url_of(n), "description": "the receiver of this room"}
        pipe.hset(key(f"room:{n}"), "main", json.dumps(hook))
        if n < FAILING:
            of_hook = hashlib.sha256(f"{url_of(n)}\0\0".encode()).hexdigest()[:8]
            state = {"fingerprint": of_hook, "at": now, "failing_since": now - n * 1000,
                     "failed_at": now, "failures": 9, "opens": 1, "status": 503,
                     "error": "answered 503", "probe_at": now + n}  # fmt: skip
            pipe.hset(key("hooks-state"), f"{n}/main", json.dumps(state))
        yield


def seed_lanes(pipe, now):
    for n in range(2 * FAILING):
        waiting = {f"{now - m * 1000}-{n}/main": now + m * 1000 for m in range(5)}
        pipe.zadd(key(f"lane:{n}/main"), waiting)
        pipe.zadd(key("lanes-shut" if n < FAILING else "lanes"), {f"{n}/main": now + n})
        pipe.hset(key("deliveries"), mapping={identity: "{}" for identity in waiting})
        yield


def seed_letters(pipe, now):
    for n in range(LETTERS):
        text = TEXTS[0 if n % 10 else 1 if n % 100 else 2]
        document = {"roomId": n % 1000, "message": {"body": text}}
        pipe.xadd(key("dead"), {
            "reason": "exhausted" if n % 3 else "rejected", "error": "answered 503", "status": 503,
            "attempts": 10, "room": n % 1000, "hook": "main", "event_id": f"e-{n}",
            "json": json.dumps(document), "response": ANSWER},
            id=f"{now - LETTERS + n}-0")  # fmt: skip
        yield


def seed_log(pipe, now):
    for n in range(ATTEMPTS):
        pipe.xadd(key("log:1/main"), {
            "event": f"e-{n}", "attempt": 1 + n % 10, "status": 503, "ms": 40, "outcome": "retry",
            "reason": "", "error": "answered 503", "answer": ANSWER[:1024]},
            id=f"{now - ATTEMPTS + n}-0")  # fmt: skip
        yield
    for n in range(MINUTES):
        point = {"backlog": 1, "oldest": now, "waiting": 9, "lanes": 9, "lanes_shut": 1,
                 "letters": n, "events": n * 60, "attempts": n * 70, "delivered": n * 50,
                 "attempts_5": n * 70, "attempts_sum": n * 100}  # fmt: skip
        pipe.xadd(key("history"), point, id=f"{now - (MINUTES - n) * 60_000}-0")
        yield


def seed(redis):
    now = int(time.time() * 1000)
    pipe = redis.pipeline(transaction=False)
    for part in (seed_rooms, seed_lanes, seed_letters, seed_log):
        for n, _ in enumerate(part(pipe, now)):
            if n % 5000 == 4999:
                pipe.execute()
    pipe.execute()


# Of each list: what makes most work, or the longest answer.
HARD = {
    "listDeadLetters": [{"limit": 500}, {"reason": "gone"}, {"room": 999, "limit": 500},
                        {"hook": "none"}, {"hook": "none", "limit": 1}, {"since": "1s"},
                        {"before": "30d"}],
    "listRoomDeadLetters": [{"limit": 500}, {"reason": "gone"}],
    "listLanes": [{"limit": 500}, {"limit": 500, "shut": "true"}, {"limit": 500, "shut": "false"}],
    "listRoomLanes": [{"limit": 500}],
    "listHooks": [{"limit": 500}],
    "getAttention": [{"limit": 500}, {"limit": 500, "state": "open"}, {"state": "paused"}],
    "getMessage": [{"limit": 500}],
    "listAttempts": [{"limit": 500}, {"limit": 500, "failed": "true"}],
    "getHistory": [{"points": 500}, {"points": 168, "step": 60}],
    "listDeliveries": [{"limit": 500}],
}  # fmt: skip


def measure(web, path, values):
    """-> (seconds, bytes)"""
    query = "?" + urllib.parse.urlencode(values) if values else ""
    began = time.monotonic()
    answer = web.get(path + query)
    took = time.monotonic() - began
    assert answer.status == 200, (path, answer.body)
    return took, len(answer.body), path + query


def walk(web, path, values, pages):
    """Some pages of a list."""
    for _ in range(pages):
        took, size, where = measure(web, path, values)
        yield took, size, where
        values = {**values, "iterator": web.get(where).json.get("iterator")}
        if not values["iterator"]:
            return


def asks(web):
    """(took, bytes, path) of everything that can be read"""
    letter = web.get("/v1/rooms/1/dead-letters?limit=1").json["data"][0]["id"]
    for method, path, operation in routes(web):
        if method != "GET" or operation["operationId"] == "getDoctor" or "{task}" in path:
            continue  # doctor looks at the whole queue, and says so; there is no task
        path = path.format(room=1, hook="main", lane="main", letter=letter, event="e-1")
        yield measure(web, path, {})
        for values in HARD.get(operation["operationId"], []):
            yield from walk(web, path, values, 3)
    for path in ("/metrics", "/openapi.json", "/readyz", "/main.js", "/chart.js"):
        yield measure(web, path, {})


def test_every_answer_of_a_large_queue(redis, start_web):
    seed(redis)
    web = start_web()
    measured = sorted(asks(web), reverse=True)
    assert len(measured) > 60
    for took, size, where in measured[:12]:
        print(f"{took * 1000:7.0f} ms {size // 1024:5d} KB  {where[:100]}")
    largest = sorted(measured, key=lambda one: one[1], reverse=True)
    for took, size, where in largest[:8]:
        print(f"{took * 1000:7.0f} ms {size // 1024:5d} KB  {where[:100]}")
    assert measured[0][0] < SECOND, measured[0]
    assert largest[0][1] <= BYTES, largest[0]
