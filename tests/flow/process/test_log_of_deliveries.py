"""What the log says of deliveries at level info: that there were some, and which there were not."""

from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook, stats, wait_stat


def test_one_that_is_tried_by_hand_is_seen(redis, receiver, start_worker):
    set_hook(redis, 1, "main", url=receiver.url())
    set_hook(redis, 2, "main", url=receiver.url(), enabled=False)
    worker = start_worker()
    set_hook(redis, 4, "main", url=receiver.url(), types=["reaction.*"])
    for room in (1, 2, 3, 4):
        enqueue(redis, message_event(room=room), id=f"event-{room}")
    line = worker.wait_log("delivered", event="event-1")
    assert (line["level"], line["status"], line["hook"]) == ("info", "200", "main")
    line = worker.wait_log("skipped", event="event-2")
    assert (line["level"], line["reason"], line["hook"]) == ("info", "hook-disabled", "main")
    line = worker.wait_log("skipped", event="event-3")
    assert (line["level"], line["reason"], line["room"]) == ("info", "no-hook", "3")
    line = worker.wait_log("skipped", event="event-4")
    assert (line["level"], line["reason"], line["hook"]) == ("info", "type", "main")
    assert len(worker.logged("delivered")) == 1, "what was skipped was not delivered"


def test_many_are_no_flood(redis, receiver, start_worker):
    set_hook(redis, 1, "main", url=receiver.url())
    worker = start_worker()
    for n in range(200):
        enqueue(redis, message_event(room=1 + n % 2))
    wait_stat(redis, "delivered", 100)
    wait_stat(redis, "no_hook", 100)
    assert_queue_empty(redis)
    for msg in ("delivered", "skipped"):
        assert 10 <= len(worker.logged(msg)) <= 13, worker.log()
    assert stats(redis)["delivered"] == 100


def test_all_are_seen_by_who_debugs(redis, receiver, start_worker):
    set_hook(redis, 1, "main", url=receiver.url())
    worker = start_worker(log_level="debug")
    for n in range(60):
        enqueue(redis, message_event(room=1 + n % 2))
    wait_stat(redis, "delivered", 30)
    assert_queue_empty(redis)
    assert len(worker.logged("delivered", level="debug")) == 30
    assert len(worker.logged("skipped", level="debug", reason="no-hook")) == 30


def test_nothing_at_level_warn(redis, receiver, start_worker):
    set_hook(redis, 1, "main", url=receiver.url())
    worker = start_worker(log_level="warn")
    for room in (1, 2):
        enqueue(redis, message_event(room=room))
    wait_stat(redis, "delivered", 1)
    wait_stat(redis, "no_hook", 1)
    assert not worker.logged("delivered") and not worker.logged("skipped")
