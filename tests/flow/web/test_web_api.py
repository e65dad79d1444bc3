"""The web service's API: what it reads and changes, as the command line and workers see it."""

import json
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest
from receiver import Answer as Reply
from wait import wait_until
from webhook_queue import dead_letters, enqueue, key, message_event, set_hook, wait_dead

URL = "https://example.com/x"


@pytest.fixture
def acting(start_web, make_token):
    """acting("GET", path, body=…) -> Answer, with a token that may do all."""
    token = make_token("operate")
    web = start_web(tokens=make_token.file, actions=True)

    def ask(method, path, **options):
        return web.ask(method, path, token, **options)

    ask.web = web
    return ask


def add_letter(redis, room=438, hook="main", reason="exhausted", **fields):
    document = json.dumps(message_event(room=room))
    fields = {"reason": reason, "room": str(room), "hook": hook, "json": document, **fields}
    return redis.xadd(key("dead"), fields).decode()


# --- reading ---


def test_status_and_workers(start_web, redis, start_worker):
    enqueue(redis, message_event())
    web = start_web()
    assert web.get("/v1/status").json["backlog"] == 1
    start_worker()
    wait_until(lambda: web.get("/v1/status").json["backlog"] == 0, 5, "the event to be taken")
    (worker,) = web.get("/v1/workers").json["data"]
    assert worker["heartbeat"]["version"]


def test_hooks_of_all_rooms_page_by_page(start_web, redis):
    rooms = [str(n) for n in range(300)] + ["!a:b.c", "#x"]
    for room in rooms:
        set_hook(redis, room, "main", url=URL, secret="whsec_" + "A" * 40)
    web = start_web()
    found, iterator = [], None
    while True:
        page = web.get("/v1/hooks?limit=100" + (f"&iterator={iterator}" if iterator else "")).json
        found += [str(hook["room"]) for hook in page["data"]]
        assert "whsec_" not in json.dumps(page)
        iterator = page["iterator"]
        if page["done"]:
            break
    assert sorted(set(found)) == sorted(rooms)


def test_a_room_s_hooks(start_web, redis):
    set_hook(redis, "!a:b.c", "main", url=URL, verificationSignature="very-secret")
    set_hook(redis, "!a:b.c", "off", url=URL, enabled=False)
    redis.hset(key("room:!a:b.c"), "bad", "{}")
    web = start_web()
    hooks = {one["id"]: one for one in web.get("/v1/rooms/%21a%3Ab.c/hooks").json["data"]}
    assert {id_: one["state"] for id_, one in hooks.items()} == {
        "main": "healthy", "off": "disabled", "bad": "invalid"}
    answer = web.get("/v1/rooms/!a:b.c/hooks/main")
    assert answer.json["url"] == URL and answer.json["waiting"] == 0
    assert b"very-secret" not in answer.body
    assert web.get("/v1/rooms/438/hooks/main").error == "not_found"
    assert web.get("/v1/rooms/!a:b.c/hooks/bad").error == "conflict"


def pages_of(web, path, **values):
    """All lanes of a list, page by page; no page is longer than the limit."""
    lanes = []
    iterator = None
    while True:
        query = {**values, **({"iterator": iterator} if iterator else {})}
        page = web.get(f"{path}?{urllib.parse.urlencode(query)}").json
        assert len(page["data"]) <= values["limit"]
        lanes += page["data"]
        iterator = page["iterator"]
        assert page["done"] == (iterator is None)
        if page["done"]:
            return lanes


def test_lanes_page_by_page(start_web, redis):
    """Many have the same score, some one that no worker gives."""
    names = [f"{room}/h{n}" for room in range(40) for n in range(5)]
    scores = {name: 5 + n // 90 for n, name in enumerate(names)}
    scores.update({"1/h0": float("inf"), "2/h0": float("-inf"), "3/h0": 5.5})
    for name in names:
        redis.zadd(key(f"lane:{name}"), {"1667548137257-0/main": 1})
    shut = set(names[::4])
    redis.zadd(key("lanes"), {name: scores[name] for name in names if name not in shut})
    redis.zadd(key("lanes-shut"), {name: scores[name] for name in shut})
    web = start_web()

    def ask(path="/v1/lanes", **values):
        return [one["lane"] for one in pages_of(web, path, **values)]

    for limit in (1, 7, 90, 500):
        found = ask(limit=limit)
        assert found == sorted(names, key=lambda name: (scores[name], name))
        assert set(ask(limit=limit, shut="true")) == shut
        assert sorted(ask(limit=limit, shut="false")) == sorted(set(names) - shut)
    assert sorted(ask("/v1/rooms/7/lanes", limit=2)) == [f"7/h{n}" for n in range(5)]
    # What was emptied or moved meanwhile is no reason to begin again.
    page = web.get("/v1/lanes?limit=10").json
    redis.zrem(key("lanes"), page["data"][-1]["lane"])
    redis.zrem(key("lanes-shut"), page["data"][-1]["lane"])
    rest = web.get("/v1/lanes?limit=500&iterator=" + urllib.parse.quote(page["iterator"])).json
    assert len(rest["data"]) == len(names) - 10


def test_a_page_is_no_longer_than_its_bytes(start_web, redis):
    """Whatever the limit is."""
    why = {"fingerprint": "0", "failing_since": 1, "failures": 9, "failed_at": 1, "opens": 1,
           "probe_at": 1, "error": "e" * 200}  # fmt: skip
    for n in range(600):
        name = f"!{'r' * 100}:{n}/{'h' * 60}"
        redis.zadd(key("lanes"), {name: n})
        redis.zadd(key(f"lane:{name}"), {"1667548137257-0/" + "h" * 60: 1})
        redis.hset(key("hooks-state"), name, json.dumps(why))
    web = start_web()
    answer = web.get("/v1/lanes?limit=500")
    assert 150_000 < len(answer.body) < 200_000 and len(answer.json["data"]) < 500
    assert len(pages_of(web, "/v1/lanes", limit=500)) == 600


def test_lanes_and_deliveries(start_web, redis, start_worker, receiver):
    receiver.script("/", Reply(500))
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="1h")
    for n in range(3):
        enqueue(redis, message_event(), id=f"e{n}")
    web = start_web()
    wait_until(lambda: web.get("/v1/rooms/438/lanes/main/deliveries").json["data"][2:], 10, "3")
    (lane,) = web.get("/v1/lanes").json["data"]
    assert (lane["lane"], lane["waiting"]) == ("438/main", 3)
    assert web.get("/v1/rooms/438/lanes").json["data"][0]["lane"] == "438/main"
    assert web.get("/v1/rooms/43/lanes").json["data"] == []
    path = "/v1/rooms/438/lanes/main/deliveries?limit=2"
    first = web.get(path).json
    second = web.get(f"{path}&iterator={first['iterator']}").json
    assert len(first["data"]) == 2 and not first["done"]
    assert len(second["data"]) == 1


def test_letters_by_filters_and_pages(start_web, redis):
    ids = [add_letter(redis, room=n % 3, hook="ab"[n % 2], reason=("exhausted", "gone")[n % 2])
           for n in range(12)]
    web = start_web()
    listed = web.get("/v1/dead-letters").json
    assert [one["id"] for one in listed["data"]] == ids[::-1] and listed["done"]
    assert all("json" not in one for one in listed["data"])
    for query, chosen in (
        ("room=1", ids[1::3]), ("hook=a", ids[::2]), ("reason=gone", ids[1::2]),
        ("room=1&reason=gone", ids[1::6]), ("since=1h", ids), ("before=1h", []),
        ("since=2022-11-04&before=2022-11-05", []),
    ):  # fmt: skip
        found = web.get(f"/v1/dead-letters?{query}").json["data"]
        assert [one["id"] for one in found] == chosen[::-1], query
    of_room = web.get("/v1/rooms/1/dead-letters").json["data"]
    assert [one["id"] for one in of_room] == ids[1::3][::-1]
    found, iterator = [], ""
    while True:
        page = web.get(f"/v1/dead-letters?limit=5{iterator}").json
        found += [one["id"] for one in page["data"]]
        if page["done"]:
            break
        iterator = f"&iterator={page['iterator']}"
    assert found == ids[::-1]
    assert web.get("/v1/dead-letters?iterator=0-0").json["data"] == []


def test_a_letter_and_its_document(start_web, redis):
    letter = add_letter(redis)
    web = start_web()
    assert "document" not in web.get(f"/v1/dead-letters/{letter}").json
    assert not web.logged("document_shown")
    shown = web.get(f"/v1/dead-letters/{letter}?document=true").json
    assert shown["document"]["message"]["roomId"] == 438
    web.wait_log("document_shown", letter=letter)
    assert web.get(f"/v1/rooms/438/dead-letters/{letter}").status == 200
    assert web.get(f"/v1/rooms/439/dead-letters/{letter}").error == "not_found"
    assert web.get("/v1/dead-letters/1-1").error == "not_found"


def test_many_letters_of_others_do_not_hide_mine(start_web, redis):
    mine = add_letter(redis, room="mine")
    with redis.pipeline() as pipe:
        for _ in range(12000):
            pipe.xadd(key("dead"), {"reason": "gone", "room": "1", "hook": "main"})
        pipe.execute()
    web = start_web()
    found, iterator, pages = [], "", 0
    while True:
        page = web.get(f"/v1/rooms/mine/dead-letters?limit=5{iterator}").json
        pages += 1
        found += [one["id"] for one in page["data"]]
        if page["done"]:
            break
        iterator = f"&iterator={page['iterator']}"
    assert found == [mine] and 2 <= pages <= 4


def test_doctor(start_web):
    findings = start_web().get("/v1/doctor").json["findings"]
    assert any(one["check"] == "version" for one in findings)


# --- changing ---


def test_a_hook_s_life(acting, redis, cli):
    path = "/v1/rooms/438/hooks/main"
    made = acting("PUT", path, body={"url": URL, "secret": "auto", "verificationSignature": "auto"})
    assert made.status == 201 and made.json["secret"].startswith("whsec_")
    stored = json.loads(redis.hget(key("room:438"), "main"))
    assert stored["secret"] == made.json["secret"]
    assert stored["verificationSignature"] == made.json["verificationSignature"]
    again = acting("GET", path)
    assert made.json["secret"].encode() not in again.body
    assert stored["verificationSignature"].encode() not in again.body

    patched = acting("PATCH", path, body={"timeout": "5s", "headers": {"X-A": "1", "X-B": "2"}})
    assert patched.status == 200 and "secret" not in patched.json
    acting("PATCH", path, body={"headers": {"X-A": None}, "timeout": None})
    stored = json.loads(redis.hget(key("room:438"), "main"))
    assert stored["headers"] == {"X-B": "2"} and "timeout" not in stored and "secret" in stored

    rotated = acting("POST", path + "/rotate?keep=1h").json
    assert rotated["secret"] != made.json["secret"] and rotated["secrets"] == 2
    assert acting("POST", path + "/rotate?keep=400d").status == 400
    assert acting("POST", path + "/disable").json["state"] == "disabled"
    assert acting("POST", path + "/resume").error == "conflict"
    assert acting("POST", path + "/enable").json["state"] == "healthy"
    assert acting("POST", path + "/resume").json == {"waiting": 0}
    assert "main" in cli("hook", "list", "--room", "438").stdout

    replaced = acting("PUT", path, body={"url": URL})
    assert replaced.status == 200
    assert json.loads(redis.hget(key("room:438"), "main")) == {"url": URL}
    assert acting("POST", path + "/rotate").error == "conflict"
    assert acting("DELETE", path).status == 204
    assert acting("DELETE", path).error == "not_found"
    assert acting("PATCH", path, body={"timeout": "5s"}).error == "not_found"
    actions = [line["route"] for line in acting.web.logged("action", room=438)]
    assert actions[:2] == ["putHook", "patchHook"] and actions.count("removeHook") == 2
    assert "whsec_" not in acting.web.log()


def test_an_invalid_change_changes_nothing(acting, redis):
    set_hook(redis, 438, "main", url=URL)
    before = redis.hget(key("room:438"), "main")
    for body in ({"url": None}, {"url": "ftp://x/"}, {"nonsense": 1}, {"timeout": "never"}):
        answer = acting("PATCH", "/v1/rooms/438/hooks/main", body=body)
        assert (answer.status, answer.error) == (400, "invalid")
        assert redis.hget(key("room:438"), "main") == before


def test_one_that_is_there_is_not_made_again(acting, redis):
    path = "/v1/rooms/438/hooks/main"
    assert acting("PUT", path + "?create=true", body={"url": URL}).status == 201
    again = acting("PUT", path + "?create=true", body={"url": URL + "y"})
    assert again.error == "conflict" and "has a hook main already" in again.json["error"]["message"]
    assert json.loads(redis.hget(key("room:438"), "main")) == {"url": URL}
    assert acting("PUT", path + "?create=false", body={"url": URL + "y"}).status == 200


def test_a_template_is_replaced_as_a_whole(acting, redis):
    path = "/v1/rooms/438/hooks/main"
    acting("PUT", path, body={"url": URL, "template": {"a": {"b": 1}, "c": "{{type}}"}})
    template = {"a": {"d": None}}
    assert acting("PATCH", path, body={"template": template}).json["template"] == template
    assert json.loads(redis.hget(key("room:438"), "main"))["template"] == template
    assert acting("PATCH", path, body={"template": None, "format": "bare"}).status == 200


def test_resume_and_test(acting, redis, start_worker, receiver):
    receiver.script("/", [Reply(500), Reply(500), Reply(200, body=b"fine")])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="1h")
    enqueue(redis, message_event())
    path = "/v1/rooms/438/hooks/main"
    wait_until(lambda: acting("GET", path).json["state"] == "failing", 10, "the failure")
    assert acting("POST", path + "/resume").json["waiting"] == 1
    wait_until(lambda: len(receiver.requests()) == 2, 10, "the retry")
    tested = acting("POST", path + "/test").json
    assert (tested["outcome"], tested["status"]) == ("delivered", 200)


def test_replay_with_a_count_first(acting, redis, start_worker, receiver):
    set_hook(redis, 438, "main", url=receiver.url())
    letters = [add_letter(redis) for _ in range(5)]
    other = add_letter(redis, room=7, hook="x", reason="gone")
    counted = acting("POST", "/v1/dead-letters/replay?room=438&dry_run=true").json
    assert counted == {"count": 5, "skipped": 0, "failed": 0, "dry_run": True}
    assert acting("POST", "/v1/dead-letters/replay?room=438&dry_run=true&expect=4").status == 409
    refused = acting("POST", "/v1/dead-letters/replay?room=438&expect=4")
    assert (refused.status, refused.error) == (409, "conflict")
    assert len(dead_letters(redis)) == 6
    start_worker()
    done = acting("POST", "/v1/rooms/438/dead-letters/replay?expect=5").json
    assert (done["count"], done["dry_run"]) == (5, False)
    wait_until(lambda: len(receiver.requests()) == 5, 10, "the deliveries")
    assert [one["id"] for one in acting("GET", "/v1/dead-letters").json["data"]] == [other]
    assert acting("POST", f"/v1/rooms/438/dead-letters/{letters[0]}/replay").error == "not_found"


def test_replay_one(acting, redis):
    letter = add_letter(redis)
    path = f"/v1/rooms/438/dead-letters/{letter}/replay"
    assert acting("POST", path.replace("438", "439", 1)).error == "not_found"
    assert acting("POST", path).json["count"] == 1
    assert redis.xlen(key("events")) == 1 and not dead_letters(redis)
    cut = add_letter(redis, reason="too-large", json="x" * 4096)
    assert acting("POST", f"/v1/rooms/438/dead-letters/{cut}/replay").error == "conflict"


def test_purge(acting, redis):
    for n in range(250):
        add_letter(redis, room=n % 2)
    assert acting("POST", "/v1/dead-letters/purge?room=1&expect=1").status == 409
    assert acting("POST", "/v1/rooms/1/dead-letters/purge?expect=125").json["count"] == 125
    assert acting("POST", "/v1/dead-letters/purge?since=1h").json["count"] == 125
    assert not dead_letters(redis)


def test_disabling_buries_what_waits(acting, redis, start_worker, receiver):
    receiver.script("/", Reply(500))
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="1h")
    enqueue(redis, message_event())
    path = "/v1/rooms/438/hooks/main"
    wait_until(lambda: acting("GET", path).json["waiting"] == 1, 10, "the delivery to wait")
    acting("POST", path + "/disable")
    (letter,) = wait_dead(redis, 1)
    assert letter["reason"] == "hook-disabled"


def test_tests_of_hooks_hold_nobody_up(start_web, make_token, redis, start_worker, receiver):
    """They wait for receivers: one room has one at a time, all rooms have half of the threads."""
    receiver.script("/slow", [Reply(200, delay=4)])
    for room in (1, 2, 3):
        set_hook(redis, room, "main", url=receiver.url("/slow"))
    start_worker()
    token, of_room = make_token("operate"), make_token("room=1")
    service = start_web(tokens=make_token.file, actions=True)

    def test(room, token=token):
        return service.ask("POST", f"/v1/rooms/{room}/hooks/main/test", token)

    with ThreadPoolExecutor(2) as pool:
        tests = [pool.submit(test, 1, of_room)]
        receiver.wait_for(1, "/slow")
        refused = test(1, of_room)
        tests.append(pool.submit(test, 2))
        receiver.wait_for(2, "/slow")
        refusals = [refused, test(3)]
        assert [(answer.status, answer.error) for answer in refusals] == [(503, "busy")] * 2
        assert service.get("/v1/hooks", token).status == 200
        assert not any(one.done() for one in tests), "nothing waited for these"
        assert [one.result().json["outcome"] for one in tests] == ["delivered"] * 2
    assert len(receiver.requests("/slow")) == 2


def test_a_test_ends_when_the_service_stops(start_web, make_token, redis, start_worker, receiver):
    receiver.script("/slow", [Reply(200, delay=20)])
    set_hook(redis, 1, "main", url=receiver.url("/slow"), timeout="30s")
    start_worker(drain_timeout="0s")
    token = make_token("operate")
    service = start_web(tokens=make_token.file, actions=True)
    with service.connect() as waiting:
        waiting.sendall(f"POST /v1/rooms/1/hooks/main/test HTTP/1.1\r\nHost: localhost\r\n"
                        f"Authorization: Bearer {token}\r\n\r\n".encode())
        receiver.wait_for(1, "/slow")
        began = time.monotonic()
        service.process.terminate()
        assert service.process.wait(timeout=15) == 0
        assert time.monotonic() - began < 3


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_the_admin_of_a_room_sends_no_certificate_anywhere(start_web, make_token, redis, method):
    """Neither by naming a transport, nor by another URL of a hook that has one, nor without it."""
    operator, admin = make_token("operate"), make_token("room=438")
    service = start_web(tokens=make_token.file, actions=True)
    set_hook(redis, 438, "plain", url=URL)
    set_hook(redis, 438, "bank", url=URL, transport="bank")
    before = redis.hgetall(key("room:438"))

    def change(hook, token, **body):
        return service.ask(method, f"/v1/rooms/438/hooks/{hook}", token, body={"url": URL, **body})

    changes = [("plain", {"transport": "bank"}), ("bank", {"url": "https://other.example/"}),
               ("bank", {"transport": None})]  # fmt: skip
    for hook, body in changes:
        answer = change(hook, admin, **body)
        assert (answer.status, answer.error) == (400, "invalid") and b"transport" in answer.body
    assert redis.hgetall(key("room:438")) == before
    assert change("plain", admin, description="mine").status == 200
    for hook, body in changes:
        assert change(hook, operator, **body).status == 200
