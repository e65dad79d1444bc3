"""What the process does to itself before it meets strangers."""

import contextlib
import os
import resource
import signal
import subprocess
from pathlib import Path

import pytest
from child import end, spawn
from wait import wait_until
from webhook_queue import heartbeats

PASSWORD = "canary-of-the-password"
NOBODY = 65534


def status_of(worker, name):
    for line in Path(f"/proc/{worker.pid}/status").read_text(encoding="ascii").splitlines():
        key, _, value = line.partition(":")
        if key == name:
            return value.strip()
    raise AssertionError(f"no {name} in /proc/{worker.pid}/status")


def core_limits(worker):
    return resource.prlimit(worker.pid, resource.RLIMIT_CORE)


@pytest.fixture
def with_core_limit():
    """A wrapper that lets a worker begin with core dumps allowed, as far as the system lets us."""
    limit = resource.getrlimit(resource.RLIMIT_CORE)[1]
    shown = "unlimited" if limit == resource.RLIM_INFINITY else str(limit)
    return ("prlimit", f"--core={shown}:{shown}")


def test_no_exec_gains_privileges(redis_server, start_worker):
    worker = start_worker()
    assert status_of(worker, "NoNewPrivs") == "1"


def test_no_core_dump(redis_server, start_worker, with_core_limit, tmp_path):
    worker = start_worker(wrapper=(*with_core_limit, "env", f"--chdir={tmp_path}"))
    assert core_limits(worker) == (0, 0)
    assert status_of(worker, "CoreDumping") == "0"
    worker.expected_exit = -signal.SIGABRT
    worker.signal(signal.SIGABRT)
    worker.wait(10)
    assert list(tmp_path.iterdir()) == []


@contextlib.contextmanager
def unprivileged(binary, *flags):
    """A worker that is not root, whoever runs the test and however hidden the binary's folder."""
    options = {} if os.getuid() else {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    with open(binary, "rb") as file:
        process = spawn(
            [f"/proc/self/fd/{file.fileno()}", *flags],
            pass_fds=[file.fileno()], cwd="/", stderr=subprocess.DEVNULL, **options,
        )
    try:
        yield process
    finally:
        assert end(process) == 0


@pytest.mark.parametrize("core_dumps", [False, True])
def test_nobody_else_looks_into_it(roomhook_bin, redis_server, redis, core_dumps):
    """The kernel gives the files of a process to root when its own user may not look into it."""
    flags = ["--redis", redis_server.url, "--core-dumps", "yes" if core_dumps else "no"]
    with unprivileged(roomhook_bin / "roomhook-worker", *flags) as process:
        wait_until(lambda: heartbeats(redis), 10, "its heartbeat")
        owner = os.stat(f"/proc/{process.pid}/mem").st_uid
        assert owner == ((os.getuid() or NOBODY) if core_dumps else 0)


def test_core_dumps_when_told(redis_server, start_worker, with_core_limit):
    worker = start_worker(core_dumps="yes", wrapper=with_core_limit)
    assert core_limits(worker) == resource.getrlimit(resource.RLIMIT_CORE)[1:] * 2
    assert status_of(worker, "NoNewPrivs") == "1"


def test_environment_is_gone(redis_server, start_worker):
    worker = start_worker(env={"SSLKEYLOGFILE": "/nowhere/keys", "RES_OPTIONS": "debug"})
    assert Path(f"/proc/{worker.pid}/environ").read_bytes().strip(b"\0") == b""


@pytest.mark.parametrize("form", ["two words", "one word", "environment", "unix socket"])
def test_password_is_not_shown(roomhook_bin, own_redis, tmp_path, form):
    """However it was given, once the worker works it is neither in its command line nor around."""
    path = tmp_path / "redis.sock"
    server = own_redis(unixsocket=str(path))
    server.client().config_set("requirepass", PASSWORD)
    url = f"redis://:{PASSWORD}@127.0.0.1:{server.port}/0"
    argv, env = {
        "two words": (["--redis", url], {}),
        "one word": ([f"--redis={url}"], {}),
        "environment": ([], {"ROOMHOOK_REDIS": url}),
        "unix socket": (["--redis", f"unix://{path}?password={PASSWORD}"], {}),
    }[form]
    process = spawn([roomhook_bin / "roomhook-worker", *argv], env=env, stderr=subprocess.DEVNULL)
    try:
        with server.client(password=PASSWORD) as client:
            wait_until(lambda: heartbeats(client), 10, "its heartbeat")
        for name in ("cmdline", "environ"):
            assert PASSWORD.encode() not in Path(f"/proc/{process.pid}/{name}").read_bytes()
    finally:
        assert end(process) == 0


def test_other_arguments_stay_readable(redis_server, start_worker):
    """An operator tells workers apart by them."""
    worker = start_worker(max_in_flight=77)
    shown = Path(f"/proc/{worker.pid}/cmdline").read_bytes().split(b"\0")
    assert [redis_server.url.encode(), b"--max-in-flight", b"77"] == [
        word for word in shown if word in (redis_server.url.encode(), b"--max-in-flight", b"77")
    ]
