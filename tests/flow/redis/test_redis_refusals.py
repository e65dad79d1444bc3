"""Every kind of refusal, put between a worker and Redis: waited out quietly, told once, counted."""

import json

import pytest

from receiver import Answer
from redis_health import BACK_S, assert_told_once, wait_counter
from refusing_redis import RefusingRedis
from wait import stays_true, wait_until
from webhook_queue import assert_queue_empty, dead_letters, enqueue, message_event, set_hook

OF_THE_SERVER = {
    "oom": "OOM command not allowed when used memory > 'maxmemory'.",
    "misconf": "MISCONF Errors writing to the AOF file: No space left on device",
    "busy": "BUSY Redis is busy running a script.",
    "clusterdown": "CLUSTERDOWN The cluster is down",
    "noreplicas": "NOREPLICAS Not enough good replicas to write.",
    "noperm": "NOPERM this user has no permissions to run the 'evalsha' command",
    "noreplicas": "NOREPLICAS Not enough good replicas to write.",
    "execabort": "EXECABORT Transaction discarded because of previous errors.",
}
OF_A_KEY = {
    "wrongtype": "WRONGTYPE Operation against a key holding the wrong kind of value",
    "other": "CROSSSLOT Keys in request don't hash to the same slot",
}
OF_THE_CONNECTION = {
    "loading": "LOADING Redis is loading the dataset in memory",
    "readonly": "READONLY You can't write against a read only replica.",
    "noauth": "NOAUTH Authentication required.",
}
REFUSALS = {**OF_THE_SERVER, **OF_A_KEY, **OF_THE_CONNECTION}


@pytest.mark.parametrize("fault", REFUSALS)
def test_a_refusal_of_everything(redis_server, redis, receiver, start_worker, cli, fault):
    """For 2 s, with an outcome to store and an event to read: both happen when it is over."""
    receiver.script("/", [Answer(503, delay=0.5), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    with RefusingRedis(redis_server) as way:
        worker = start_worker(redis=way.url, retry_schedule="200ms,200ms")
        enqueue(redis, message_event(), id="before")
        receiver.wait_for(1)
        cpu, lines = worker.cpu_seconds(), len(worker.log().splitlines())
        way.refuse(REFUSALS[fault])
        enqueue(redis, message_event(), id="meanwhile")
        stays_true(lambda: worker.is_running, 2.0, "the worker waits")
        assert 0 < way.refused < 100, "it asks again, but not all the time"
        assert worker.cpu_seconds() - cpu < 0.2
        if fault in OF_THE_SERVER:
            assert_told_once(worker, fault)
        elif fault in OF_A_KEY:
            told = [line["what"] for line in worker.logged("redis_error", fault=fault)]
            assert len(told) == len(set(told)) > 0
        else:
            # The reader asks for nothing while the other link is lost, so it may not have noticed.
            links = sorted(line["link"] for line in worker.logged("redis_lost", fault=fault))
            assert links in (["control"], ["control", "reader"])
        assert len(worker.log().splitlines()) - lines < 12, worker.log()
        way.allow()
        wait_until(lambda: len(receiver.requests()) >= 3, BACK_S, "the retry and the new event")
        assert_queue_empty(redis, timeout=BACK_S)
        wait_counter(redis, fault)
        counters = json.loads(cli("status", "--json").stdout)["counters"]
        assert counters[f"redis_{fault}"] >= 1
        assert worker.terminate() == 0
    assert sorted(r.header("webhook-id") for r in receiver.requests()) == [
        "before", "before", "meanwhile",
    ]  # fmt: skip
    assert dead_letters(redis) == []


def test_a_refusal_that_is_over_is_told_once_too(redis_server, redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    with RefusingRedis(redis_server) as way:
        worker = start_worker(redis=way.url)
        way.refuse(REFUSALS["misconf"])
        worker.wait_log("redis_error", fault="misconf")
        way.allow()
        line = worker.wait_log("redis_recovered", fault="misconf", timeout=30)
        assert int(line["refusals"]) >= 1
        assert_told_once(worker, "misconf")
        assert worker.terminate() == 0
