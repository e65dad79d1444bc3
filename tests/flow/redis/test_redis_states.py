"""Faults that Redis and the way to it really have: healed without a restart, told once, counted."""

import contextlib
import socket
import threading
import time

import pytest
import redis as redis_library

from child import free_port
from fault_proxy import FaultProxy
from receiver import Answer
from recovery import check_it_waits
from redis_health import (
    BACK_S,
    LINKS,
    assert_links_told_once,
    assert_told_once,
    deliver,
    wait_counter,
)
from redis_variants import make_user
from refusing_redis import RefusingRedis
from wait import stays_true, wait_until
from webhook_queue import assert_queue_empty, enqueue, key, message_event, set_hook, wait_stat

CANNOT_COMPILE = (
    "ERR Error compiling script (new function): user_script:1: unexpected symbol near '#' "
)


def wait_lost(worker, fault):
    """The lines of both links about this fault."""
    wait_until(lambda: len(worker.logged("redis_lost", fault=fault)) == LINKS, 5,
               f"both links to say {fault}")  # fmt: skip
    return worker.logged("redis_lost", fault=fault)


def test_redis_is_away(own_redis, receiver, start_worker):
    """Each link says once that it is lost, and once why it cannot be made, however many tries."""
    server = own_redis(appendonly=True)
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    server.shut_down()
    # A server that exits resets the connections on which it has not read everything.
    closed = {"Redis closed the connection", "Connection reset by peer"}
    assert {line["why"] for line in wait_lost(worker, "lost")} <= closed
    refused = wait_lost(worker, "unreachable")
    assert all("Connection refused" in line["why"] for line in refused), refused
    stays_true(lambda: worker.is_running, 2.0, "the worker waits")
    server.start()
    client = server.client()
    deliver(client, receiver, "after")
    wait_counter(client, "lost")
    wait_counter(client, "unreachable")
    assert_links_told_once(worker, "lost")
    assert_links_told_once(worker, "unreachable")
    assert len(worker.logged("redis_lost")) == 2 * LINKS, worker.log()
    assert len(worker.logged("redis_connected")) == 2 * LINKS


def test_redis_hangs(own_redis, receiver, start_worker):
    """SIGSTOP for longer than any deadline, with an outcome to store."""
    server = own_redis()
    client = server.client()
    receiver.script("/", [Answer(200, delay=0.3)])
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    enqueue(client, message_event(), id="before")
    receiver.wait_for(1)
    server.pause()
    wait_until(lambda: len(worker.logged("redis_lost", fault="timeout")) == LINKS, 15,
               "both links to miss a deadline")  # fmt: skip
    server.resume()
    deliver(client, receiver, "after")
    wait_counter(client, "timeout")
    assert_links_told_once(worker, "timeout")
    assert [r.header("webhook-id") for r in receiver.requests()] == ["before", "after"]


@pytest.mark.parametrize("directions", [("down",), ("up", "down")])
def test_a_half_open_connection(own_redis, receiver, start_worker, directions):
    """Nothing arrives any more and no end either. What Redis gave into it is taken up again."""
    server = own_redis()
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    with FaultProxy(server.host, server.port) as way:
        worker = start_worker(redis=way.url)
        deliver(client, receiver, "before")
        wait_until(lambda: client.info("clients")["blocked_clients"] == 1, 5, "a blocking read")
        way.freeze(*directions)
        enqueue(client, message_event(), id="into-the-void")
        wait_until(lambda: len(worker.logged("redis_lost", fault="timeout")) == LINKS, 15,
                   "both links to miss a deadline")  # fmt: skip
        way.thaw()
        receiver.wait_for(2, timeout=BACK_S)
        assert_queue_empty(client, timeout=BACK_S)
        deliver(client, receiver, "after")
        wait_counter(client, "timeout")
        wait_stat(client, "reclaimed_own", 1)  # it was given into the dead connection
        assert worker.terminate() == 0
    seen = [r.header("webhook-id") for r in receiver.requests()]
    assert seen == ["before", "into-the-void", "after"]


def test_a_connection_that_is_never_made(start_worker):
    """SYNs are dropped, as by a firewall or a machine that is gone: given up, and tried again."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(3):
            fillers.append(socket.socket())
            fillers[-1].setblocking(False)
            fillers[-1].connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        worker = start_worker(redis=f"redis://127.0.0.1:{port}/0", wait_ready=False)
        worker.expected_exit = None
        line = worker.wait_log("redis_lost", fault="unreachable", timeout=8)
        assert "within 5s" in line["why"]
        check_it_waits(worker, 2.0, share=0.05)
        for filler in fillers:
            filler.close()


def test_a_connection_that_always_breaks_is_tried_less_and_less(own_redis, start_worker):
    """It is greeted well and cut at once, again and again: no busy loop, no flood of lines."""
    server = own_redis()
    with FaultProxy(server.host, server.port) as way:
        worker = start_worker(redis=way.url, wait_ready=False)
        worker.wait_log("ready")
        before, cpu = way.connections, worker.cpu_seconds()
        until = time.monotonic() + 4
        while time.monotonic() < until:
            way.cut("rst")
            time.sleep(0.02)
        assert way.connections - before < 30
        assert worker.cpu_seconds() - cpu < 0.3
        assert worker.terminate() in (0, 1)
        worker.expected_exit = None


# Redis itself refuses


def test_the_master_becomes_a_replica_and_master_again(own_redis, receiver, start_worker):
    server = own_redis()
    client = server.client()
    receiver.script("/", [Answer(200, delay=0.5)])
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    enqueue(client, message_event(), id="before")
    receiver.wait_for(1)
    client.replicaof("127.0.0.1", free_port())
    wait_until(lambda: len(worker.logged("redis_lost")) >= LINKS, 10, "both links to be lost")
    stays_true(lambda: worker.is_running, 1.5, "the worker waits")
    client.replicaof("NO", "ONE")
    deliver(client, receiver, "after")
    wait_counter(client, "readonly")
    assert [r.header("webhook-id") for r in receiver.requests()] == ["before", "after"]


def test_redis_was_full_before_the_first_worker_came(own_redis, receiver, start_worker):
    """There is no group yet, and the worker must make it to drain what is there."""
    server = own_redis(maxmemory_policy="noeviction")
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    for n in range(5):
        enqueue(client, message_event(), id=f"event-{n}")
    client.config_set("maxmemory", "1")
    with pytest.raises(redis_library.exceptions.ResponseError, match="OOM|maxmemory"):
        enqueue(client, message_event())
    start_worker(redis=server)
    receiver.wait_for(5)
    assert_queue_empty(client)
    assert client.hget(key("meta"), "contract") == b"2"


def test_the_group_is_destroyed_while_redis_is_full(own_redis, receiver, start_worker):
    server = own_redis(maxmemory_policy="noeviction")
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    worker.pause()
    enqueue(client, message_event(), id="event-1")
    client.config_set("maxmemory", "1")
    client.xgroup_destroy(key("events"), "workers")
    worker.resume()
    receiver.wait_for(1, timeout=BACK_S)
    assert_queue_empty(client)
    wait_counter(client, "nogroup")
    assert_told_once(worker, "nogroup")


def test_a_user_who_may_not_read(own_redis, receiver, start_worker):
    server = own_redis()
    client = server.client()
    make_user(server, "hooks", "secret")
    client.execute_command("ACL", "SETUSER", "hooks", "-xreadgroup")
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=f"redis://hooks:secret@127.0.0.1:{server.port}/0")
    enqueue(client, message_event(), id="event-1")
    line = worker.wait_log("redis_error", fault="noperm")
    assert "xreadgroup" in line["error"]
    stays_true(lambda: receiver.connections == 0, 1.0, "the event waits")
    client.execute_command("ACL", "SETUSER", "hooks", "+xreadgroup")
    receiver.wait_for(1, timeout=BACK_S)
    assert_queue_empty(client)
    wait_counter(client, "noperm")
    assert_told_once(worker, "noperm")


def test_a_user_who_may_not_do_what_a_script_does(own_redis, receiver, start_worker):
    """The delivery was made: its acknowledgement waits, it is not POSTed again."""
    server = own_redis()
    client = server.client()
    make_user(server, "hooks", "secret")
    client.execute_command("ACL", "SETUSER", "hooks", "-xdel")
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=f"redis://hooks:secret@127.0.0.1:{server.port}/0")
    enqueue(client, message_event(), id="event-1")
    receiver.wait_for(1)
    worker.wait_log("redis_error", fault="noperm")
    client.execute_command("ACL", "SETUSER", "hooks", "+xdel")
    assert_queue_empty(client, timeout=BACK_S)
    wait_counter(client, "noperm")
    assert len(receiver.requests()) == 1


def test_a_script_of_somebody_runs_for_long(own_redis, receiver, start_worker):
    """-BUSY: everything waits until it has ended."""
    server = own_redis(lua_time_limit="100")
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    worker = start_worker(redis=server)
    deliver(client, receiver, "before")
    busy = server.client(socket_timeout=30)

    def run():
        with contextlib.suppress(redis_library.RedisError):
            busy.eval("while true do end", 0)

    thread = threading.Thread(target=run)
    thread.start()
    worker.wait_log("redis_error", fault="busy")
    time.sleep(1)  # the fault itself
    killer = server.client()
    killer.execute_command("SCRIPT", "KILL")
    thread.join(10)
    deliver(client, receiver, "after")
    wait_counter(client, "busy")
    assert_told_once(worker, "busy")


def names_flags(words):
    """A script that does; Redis before 7.0 cannot compile it."""
    return words[0] == b"EVAL" and words[1].startswith(b"#!")


@pytest.mark.parametrize("version", [None, b"7.0.4"])
def test_redis_is_too_old(redis_server, start_worker, version):
    """The worker names the version that is needed; it waits, for Redis may be upgraded."""
    with RefusingRedis(redis_server) as way:
        if version is None:
            way.refuse(CANNOT_COMPILE, names_flags)
        else:
            way.answer(b"$%d\r\n%s\r\n" % (len(version), version), names_flags)
        worker = start_worker(redis=way.url, wait_ready=False)
        line = worker.wait_log("redis_lost", fault="other")
        assert "Redis 7.0.5 or later is needed" in line["why"], line
        assert (version or b"unexpected symbol").decode() in line["why"], line
        check_it_waits(worker, 1.0, share=0.05)
        way.allow()
        worker.wait_log("ready")
        assert worker.terminate() == 0


def test_the_command_line_on_a_redis_that_is_too_old(redis_server, cli):
    with RefusingRedis(redis_server) as way:
        way.refuse(CANNOT_COMPILE, names_flags)
        done = cli("hook", "set", "--room=1", "--url=https://a.example/", redis=way.url,
                   check=False)  # fmt: skip
        assert done.returncode == 1
        assert "Redis 7.0.5 or later is needed" in done.stderr, done.stderr


def test_too_few_replicas_to_write(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker()
    deliver(redis, receiver, "before")
    enqueue(redis, message_event(), id="after")
    redis.config_set("min-replicas-to-write", 1)
    try:
        line = worker.wait_log("redis_error", fault="noreplicas")
        assert "NOREPLICAS" in line["error"]
    finally:
        redis.config_set("min-replicas-to-write", 0)
    receiver.wait_for(2, timeout=BACK_S)
    assert_queue_empty(redis, timeout=BACK_S)
    wait_counter(redis, "noreplicas")


def test_credentials_are_never_told(own_redis, start_worker):
    """AUTH on a Redis without a password is refused: the line tells what, not which password."""
    server = own_redis()
    url = server.url.replace("redis://", "redis://:hunter2@")
    worker = start_worker(redis=url, wait_ready=False)
    worker.wait_log("redis_lost", fault="other")
    stays_true(lambda: worker.is_running, 1.0, "the worker waits")
    assert "hunter2" not in worker.log()
    worker.expected_exit = None
