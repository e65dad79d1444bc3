"""What a worker says and counts of Redis' faults, and whether it delivers again."""

from wait import wait_until
from webhook_queue import assert_queue_empty, enqueue, message_event, stats

BACK_S = 15  # whatever waits for Redis asks again after at most some seconds
LINKS = 2  # control and reader: each tells of itself


def wait_counter(client, fault):
    wait_until(
        lambda: stats(client).get(f"redis_{fault}", 0) >= 1,
        BACK_S,
        lambda: f"counter redis_{fault}; counters are {stats(client)}",
    )
    assert stats(client)["redis_errors"] >= stats(client)[f"redis_{fault}"]


def assert_told_once(worker, fault):
    told = worker.logged("redis_error", fault=fault)
    assert len(told) == 1, told


def assert_links_told_once(worker, fault):
    told = worker.logged("redis_lost", fault=fault)
    assert sorted(line["link"] for line in told) == ["control", "reader"], told


def deliver(client, receiver, event_id, timeout=BACK_S):
    """One event, to one endpoint, without a failure."""
    seen = len(receiver.requests())
    enqueue(client, message_event(), id=event_id)
    receiver.wait_for(seen + 1, timeout=timeout)
    assert_queue_empty(client, timeout=BACK_S)
