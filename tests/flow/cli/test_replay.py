"""roomhook dead replay: a dead letter goes back to the queue, for its hook alone."""

from receiver import Answer
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    message_event,
    set_hook,
    wait_dead,
)


def test_replay_one(redis, receiver, start_worker, cli):
    """It reaches that hook alone, with the same webhook-id and body."""
    receiver.script("/bad", [Answer(400), Answer(200)])
    set_hook(redis, 438, "good", url=receiver.url("/good"))
    set_hook(redis, 438, "bad", url=receiver.url("/bad"))
    start_worker()
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    stream_id = enqueue(redis, message_event(), "msgpack", traceparent=trace)
    (letter,) = wait_dead(redis)
    assert_queue_empty(redis)
    cli("dead", "replay", letter["id"])
    first, second = receiver.wait_for(2, "/bad")
    assert first.header("webhook-id") == second.header("webhook-id") == f"msg_{stream_id}"
    assert first.body == second.body
    assert first.header("traceparent") == second.header("traceparent") == trace
    assert_queue_empty(redis)
    assert dead_letters(redis) == []
    assert len(receiver.requests("/good")) == 1


def test_replay_starts_anew(redis, receiver, start_worker, cli):
    """Attempts and age count from the replay."""
    receiver.script("/", [Answer(500)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(), id="event-1")
    (before,) = wait_dead(redis)
    cli("dead", "replay", before["id"])
    receiver.wait_for(4)
    (after,) = wait_dead(redis)
    assert after["id"] != before["id"]
    assert (after["reason"], after["attempts"], after["event_id"]) == ("exhausted", "2", "event-1")
    assert after["queued_at"] > before["queued_at"]


def test_replay_all(redis, receiver, start_worker, cli):
    answers = {}

    def refuse_first(request):
        event_id = request.header("webhook-id")
        answers[event_id] = answers.get(event_id, 0) + 1
        return Answer(400 if answers[event_id] == 1 else 200)

    receiver.script("/", [refuse_first])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    pipeline = redis.pipeline(transaction=False)
    for n in range(300):
        enqueue(pipeline, message_event(), id=f"event-{n}")
    pipeline.execute()
    wait_dead(redis, 300, timeout=20)
    cli("dead", "replay", "--all")
    receiver.wait_for(600, timeout=20)
    assert_queue_empty(redis, timeout=10)
    assert dead_letters(redis) == []
    assert answers == {f"event-{n}": 2 for n in range(300)}


def test_replay_of_an_inline_hook(redis, receiver, start_worker, cli):
    receiver.script("/1", [Answer(400), Answer(200)])
    start_worker()
    event = message_event()
    event["webhooks"] = [{"url": receiver.url("/0")}, {"url": receiver.url("/1")}]
    enqueue(redis, event)
    (letter,) = wait_dead(redis)
    assert letter["hook"] == "inline-1"
    cli("dead", "replay", letter["id"])
    receiver.wait_for(2, "/1")
    assert_queue_empty(redis)
    assert len(receiver.requests("/0")) == 1


def test_replay_after_the_cause_was_removed(redis, receiver, start_worker, cli):
    """A malformed event stays malformed, a bad hook may be mended."""
    redis.hset("{webhooks}:room:438", "main", "{")
    enqueue(redis, message_event(), id="event-1")
    enqueue(redis, b"{}")
    worker = start_worker()
    letters = {letter["reason"]: letter for letter in wait_dead(redis, 2)}
    worker.terminate()
    set_hook(redis, 438, "main", url=receiver.url())
    cli("dead", "replay", letters["bad-hook"]["id"], letters["malformed"]["id"])
    start_worker()
    (request,) = receiver.wait_for(1)
    assert request.header("webhook-id") == "event-1"
    (again,) = wait_dead(redis)
    assert again["reason"] == "malformed"
    assert again["json"] == b"{}"
    assert_queue_empty(redis)
