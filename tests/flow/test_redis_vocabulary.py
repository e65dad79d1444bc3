"""The table of what Redis refuses with, redis_faults.def, before a worker and the command line."""

import pytest

from redis_faults import FAULTS
from redis_health import BACK_S, wait_counter
from refusing_redis import RefusingRedis
from scripted_redis import OK, ScriptedRedis
from wait import wait_until
from webhook_queue import enqueue, message_event, stats

each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.words[:24])
COUNTERS = {f"redis_{fault.name}" for fault in FAULTS}


@each_fault
def test_a_worker(redis_server, redis, start_worker, fault):
    """It counts and logs this fault and no other, and connects again where that heals."""
    with RefusingRedis(redis_server) as way:
        worker = start_worker(redis=way.url)
        way.refuse(fault.words)
        enqueue(redis, message_event())  # the reader asks for the next
        wait_until(lambda: way.refused, BACK_S, "a refusal")
        line = worker.wait_log("redis_lost" if fault.reconnects else "redis_refuses")
        assert line["fault"] == fault.name
        way.allow()
        wait_counter(redis, fault.name)
        assert COUNTERS & stats(redis).keys() == {f"redis_{fault.name}"}
        assert worker.terminate() == 0


@each_fault
def test_the_command_line(cli, fault):
    refusal = f"-{fault.words}\r\n".encode()
    with ScriptedRedis(lambda command: OK if command[0] == b"CLIENT" else refusal) as server:
        done = cli("send", "--room=438", "--text=a", redis=server.url, check=False)
        assert done.returncode == 1 and f"Redis answered: {fault.words}" in done.stderr
        done = cli("status", redis=server.url, check=False)
        assert done.returncode == (0 if fault.name == "nogroup" else 1), done
