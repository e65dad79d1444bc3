"""What the pages are made of: files, attempts, history, the hooks that need attention."""

import gzip
import json
import re
import time

from receiver import Answer
from webhook_queue import enqueue, key, message_event, set_hook, state_of, wait_stat
from wait import wait_until


def test_files_are_served_once(start_web):
    service = start_web(base_path="/hooks")
    page = service.get("/hooks/")
    assert page.status == 200 and page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    policy = page.headers["content-security-policy"]
    assert "script-src 'self'" in policy and "unsafe" not in policy
    names = re.findall(r'(?:src|href)="([a-z.-]+\.[a-z]+)"', page.body.decode())
    assert {"main.js", "style.css", "icon.svg"} <= set(names)
    for name in names:
        file = service.get(f"/hooks/{name}")
        assert file.status == 200 and len(file.body) == int(file.headers["content-length"])
        packed = service.get(f"/hooks/{name}", headers=["Accept-Encoding: gzip, br"])
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.headers["vary"] == "Accept-Encoding"
        assert gzip.decompress(packed.body) == file.body and packed.body[4:8] == b"\0" * 4
        assert "content-encoding" not in file.headers
        again = service.get(f"/hooks/{name}", headers=[f"If-None-Match: {file.headers['etag']}"])
        assert again.status == 304 and again.body == b""
    bare = service.get("/hooks")
    assert bare.status == 308 and bare.headers["location"] == "/hooks/"
    assert service.ask("HEAD", "/hooks/").body == b""
    posted = service.ask("POST", "/hooks/")
    assert (posted.status, posted.headers["allow"]) == (405, "GET, HEAD")
    assert service.get("/hooks/none.js").status == 404


def test_attempts_page_by_page(redis, start_web):
    """Newest first, up to the bytes of a page; those of one moment stay together."""
    for hook in ("main", "other"):
        redis.zadd(key("logs"), {f"438/{hook}": 1})
        for n in range(300):
            redis.xadd(key(f"log:438/{hook}"), {
                "event": f"e-{n % 3}", "attempt": n, "status": 503, "ms": 1, "outcome": "retry",
                "reason": "", "error": "answered 503", "answer": '"' * 1024}, id=f"{1000 + n}-0")
    service = start_web()

    def pages(path, **values):
        while True:
            query = "&".join(f"{name}={value}" for name, value in values.items())
            answer = service.get(f"/v1/rooms/438/{path}?{query}")
            assert len(answer.body) < 200 * 1024
            yield answer.json["data"]
            values["iterator"] = answer.json["iterator"]
            if answer.json["done"]:
                return

    whole = [one for page in pages("hooks/main/deliveries", limit=500) for one in page]
    assert [one["attempt"] for one in whole] == list(range(299, -1, -1))
    assert len(list(pages("hooks/main/deliveries", limit=500))) > 2
    for limit in (1, 7):
        found = [one for page in pages("messages/e-1", limit=limit) for one in page]
        assert sorted((one["hook"], one["attempt"]) for one in found) == [
            (hook, n) for hook in ("main", "other") for n in range(300) if n % 3 == 1]


def test_attempts_of_a_hook_and_of_a_message(redis, receiver, start_worker, start_web, make_token):
    receiver.script("/refuses", [Answer(422, body=b"no such room")])
    set_hook(redis, 438, "main", url=receiver.url("/fine"))
    set_hook(redis, 438, "other", url=receiver.url("/refuses"))
    start_worker(allow_address=f"127.0.0.1/32:{receiver.port}")
    token = make_token("room=438")
    service = start_web(tokens=make_token.file)
    assert service.get("/v1/rooms/438/messages/m-1", token).json["data"] == []
    for name in ("m-1", "m-2"):
        enqueue(redis, message_event(438), id=name)
    hooks = "/v1/rooms/438/hooks"

    def attempts(hook, values=""):
        return service.get(f"{hooks}/{hook}/deliveries{values}", token).json["data"]

    wait_until(lambda: len(attempts("other")) == 2 and len(attempts("main")) == 2, 10,
               "two attempts of each")  # fmt: skip
    newest, oldest = attempts("other", "?failed=true")
    assert newest["at_ms"] >= oldest["at_ms"]
    assert (oldest["event"], oldest["outcome"]) == ("m-1", "dead")
    assert (oldest["status"], oldest["answer"]) == (422, "no such room")
    assert attempts("main", "?failed=true") == []
    assert len(attempts("main", "?limit=1")) == 1
    found = service.get("/v1/rooms/438/messages/m-1", token).json["data"]
    outcomes = {(one["hook"], one["outcome"]) for one in found}
    assert outcomes == {("main", "delivered"), ("other", "dead")}
    assert service.get("/v1/rooms/439/messages/m-1", token).status == 403
    assert service.get("/v1/rooms/438/messages/m%2F1", token).error == "event"


def test_history_is_made_of_steps(redis, start_web):
    service = start_web()
    assert service.get("/v1/history").json == {"data": [], "iterator": None, "done": True}
    now = int(time.time() * 1000) // 60000 * 60000
    for n in range(12):
        fields = {"delivered": n * 60, "breaker_opened": n // 11, "delivered_50": n * 60,
                  "backlog": n, "strange": "x"}  # fmt: skip
        if n != 9:
            redis.xadd(key("history"), fields, id=f"{now - (11 - n) * 60000}-1")
    points = service.get("/v1/history?points=5").json["data"]
    assert [point["at_ms"] for point in points] == [now - n * 60000 for n in (4, 3, 1, 0)]
    assert [point["delivered"] for point in points] == [60, 60, 120, 60]
    assert [point["span_ms"] for point in points] == [60000, 60000, 120000, 60000]
    assert [point["opened"] for point in points] == [0, 0, 0, 1]
    assert (points[-1]["p50_ms"], points[-1]["backlog"]) == (37, 11)
    step = service.get("/v1/history?step=4&points=4").json["data"]
    assert sum(point["delivered"] for point in step) <= 11 * 60
    assert all(point["span_ms"] <= 5 * 60000 for point in step)
    redis.set(key("history"), "no stream")
    assert service.get("/v1/history").error == "redis"


def test_what_needs_attention_comes_worst_first(redis, receiver, start_worker, start_web):
    receiver.script("/broken", [Answer(503)])
    receiver.script("/gone", [Answer(410)])
    for room, path in ((7, "/broken"), (9, "/gone"), (10, "/fine")):
        set_hook(redis, room, "main", url=receiver.url(path))
    start_worker(allow_address=f"127.0.0.1/32:{receiver.port}", retry_schedule="1h")
    service = start_web()
    assert service.get("/v1/attention").json["total"] == 0
    for room in (9, 10, *[7] * 6):
        enqueue(redis, message_event(room))
    wait_stat(redis, "breaker_opened", 1)
    wait_until(lambda: state_of(redis, 9) and state_of(redis, 7), 10, "both states")
    # What was found is kept for ten times as long as finding it took.
    wait_until(lambda: service.get("/v1/attention").json["total"] == 2, 10, "both to be found")
    found = service.get("/v1/attention").json
    states = [(hook["room"], hook["state"]) for hook in found["data"]]
    assert states == [(7, "open"), (9, "disabled")]
    assert found["data"][0]["waiting"] == 6
    assert found["counts"] == {
        "open": 1, "disabled": 1, "failing": 0, "paused": 0, "slow": 0}
    assert (found["total"], found["complete"]) == (2, True)
    assert len(service.get("/v1/attention?limit=1").json["data"]) == 1
    gone = service.get("/v1/attention?state=disabled").json
    assert [hook["room"] for hook in gone["data"]] == [9] and gone["total"] == 2
    assert service.get("/v1/attention?state=healthy").error == "parameter"
    redis.hset(key("hooks-state"), "9/main", json.dumps({"disabled": "no"}))
    redis.hdel(key("hooks-recent"), "9/main")
    redis.hdel(key("room:7"), "main")
    wait_until(lambda: service.get("/v1/attention").json["data"] == [], 10,
               "none, of hooks that are there no more")  # fmt: skip
