"""The connection breaks as something is moved: before Redis did it, or before the worker heard.

What is sent again moves nothing twice, and nothing is forgotten.
"""

import pytest

from receiver import Answer
from redis_health import BACK_S
from refusing_redis import RefusingRedis, runs
from wait import stays_true, wait_until
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    message_event,
    set_hook,
)

LEASE_S = 1 + 5  # timeout + 5 s

# script whose answer is lost: what the receiver answers, the dead letter's reason
CASES = {
    "acknowledge": ("acknowledge", [200], None),
    "an entry's retry": ("settle_stream", [503, 200], None),
    "an entry's dead letter": ("settle_stream", [400], "rejected"),
    "a retry that was delivered": ("settle_leased", [503, 200], None),
    "a retry that failed again": ("settle_leased", [503, 503, 200], None),
    "a retry's dead letter": ("settle_leased", [503, 400], "rejected"),
    "a claim": ("claim", [503, 200], None),
}


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("case", CASES)
def test_a_move_whose_end_is_not_heard(
    redis_server, redis, receiver, start_worker, case, is_done
):
    script, statuses, reason = CASES[case]
    receiver.script("/", [Answer(status) for status in statuses])
    set_hook(redis, 438, "main", url=receiver.url())
    with RefusingRedis(redis_server) as way:
        worker = start_worker(redis=way.url, timeout="1s", retry_schedule="300ms,300ms")
        is_it = runs(script)
        if not is_done:
            way.lose_command(is_it)
        elif script == "claim":  # one that finds something
            way.lose_answer_to(lambda words, answer: is_it(words) and b"event-1" in answer)
        else:
            way.lose_answer_to(is_it)
        enqueue(redis, message_event(), id="event-1")
        receiver.wait_for(len(statuses), timeout=BACK_S + LEASE_S)
        assert_queue_empty(redis, timeout=BACK_S)
        wait_until(lambda: way.lost == 1, 5, "the break")
        stays_true(lambda: len(receiver.requests()) == len(statuses), 1.0, "no further POST")
        assert worker.terminate() == 0
    assert [letter["reason"] for letter in dead_letters(redis)] == ([reason] if reason else [])
    assert not worker.logged("fenced"), "nobody else held it"
