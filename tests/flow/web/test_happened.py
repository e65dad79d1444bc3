"""What happened to hooks and workers, as the web service tells it."""

from receiver import Answer
from wait import wait_until
from webhook_queue import enqueue, key, message_event, set_hook


def kinds(web):
    return [one["kind"] for one in web.get("/v1/happened?limit=500").json["data"]][::-1]


def test_what_happens_to_hooks(redis, receiver, start_worker, start_web):
    receiver.script("/x", [Answer(503)] * 5 + [Answer(200)])
    receiver.script("/gone", Answer(410))
    set_hook(redis, 438, "main", url=receiver.url("/x"))
    set_hook(redis, 439, "main", url=receiver.url("/gone"))
    web = start_web()
    assert web.get("/v1/happened").json == {"data": [], "iterator": None, "done": True}
    start_worker(retry_schedule="100ms,100ms,100ms,100ms,100ms,100ms")
    enqueue(redis, message_event(438))
    wait_until(lambda: "hook-recovered" in kinds(web), 15, lambda: f"recovery; {kinds(web)}")
    assert sorted(kinds(web)[:2]) == ["leader", "worker-started"]
    assert kinds(web)[2:] == ["hook-opened", "hook-recovered"]
    enqueue(redis, message_event(439))
    wait_until(lambda: "hook-disabled" in kinds(web), 5, "the 410")
    disabled, recovered, opened = web.get("/v1/happened?limit=3").json["data"]
    assert (disabled["room"], disabled["hook"], disabled["why"]) == (439, "main", "gone")
    assert (opened["lane"], opened["why"]) == ("438/main", "answered 503")
    assert opened["at_ms"] <= recovered["at_ms"] <= disabled["at_ms"]
    assert 0 < redis.pttl(key("happened")) <= 7 * 24 * 3600 * 1000


def test_what_happens_to_workers(redis, start_worker, start_web):
    web = start_web()
    first = start_worker(heartbeat_ttl="3s")
    wait_until(lambda: "leader" in kinds(web), 5, "a leader")
    second = start_worker(heartbeat_ttl="3s")
    wait_until(lambda: kinds(web).count("worker-started") == 2, 5, "both")
    first.kill()
    wait_until(lambda: "worker-died" in kinds(web), 15, lambda: f"its death; {kinds(web)}")
    assert kinds(web).count("leader") == 2, "a failover"
    assert second.terminate() == 0
    wait_until(lambda: kinds(web)[-1] == "worker-stopped", 5, "its end")


def test_what_somebody_wrote_by_hand(redis, start_worker, start_web):
    redis.set(key("happened"), "by hand")
    web = start_web()
    start_worker(heartbeat_ttl="3s")
    wait_until(lambda: redis.type(key("happened")) in (b"stream", b"none"), 5, "it to be removed")
    redis.delete(key("happened"))
    redis.xadd(key("happened"), {"x" * 9: b"\xff"})
    redis.xadd(key("happened"), {"kind": b"\x1b\xff" * 999, "lane": "/", "why": "\u202e"})
    newest = web.get("/v1/happened").json["data"][0]
    assert len(newest["kind"]) < 2000 and "room" not in newest
