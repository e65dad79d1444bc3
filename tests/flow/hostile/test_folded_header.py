"""An answer whose first header line begins with a blank, as if it went on with one before it.

libcurl before 8.1.0 takes it for the end of a header of the answer before, which it has freed by
then: a receiver could write into the worker's memory.
"""

import pytest
from receiver import Raw
from wait import wait_until
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook, stats

EVENTS = 200


@pytest.mark.parametrize("line", ["X-Folded: a", "a" * 4000, "\t"], ids=["header", "long", "blank"])
def test_it_harms_nobody(redis, receiver, start_worker, line):
    ordinary = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n"
    folded = f"HTTP/1.1 200 OK\r\n {line}\r\nContent-Length: 0\r\n\r\n".encode()
    receiver.script("/", [Raw(folded if n % 2 else ordinary, "close") for n in range(EVENTS)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(max_in_flight=4)
    for n in range(EVENTS):
        enqueue(redis, message_event(text=str(n)))
    wait_until(
        lambda: stats(redis).get("attempts", 0) >= EVENTS or not worker.is_running,
        20,
        lambda: f"{EVENTS} attempts: {stats(redis)}",
    )
    assert worker.is_running, worker.log()
    assert_queue_empty(redis)
