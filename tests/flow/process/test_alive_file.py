"""alive-file and roomhook-worker --alive: what an orchestrator's probe sees."""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest
import yaml
from child import free_port
from notify_socket import NotifySocket
from wait import stays_true, wait_until

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture
def alive(roomhook_bin, tmp_path):
    """alive() -> (status, what it printed); alive.file is the path"""

    def ask(path=None):
        done = subprocess.run(
            [roomhook_bin / "roomhook-worker", "--alive", path or ask.file],
            capture_output=True, text=True, timeout=20, check=False,
            env={"ROOMHOOK_MAX_IN_FLIGHT": "not read"},
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    ask.file = tmp_path / "alive"
    return ask


def age(path, seconds):
    """As if it had been written so long ago."""
    path.write_text(f"{(time.monotonic_ns() // 1_000_000) - int(seconds * 1000):019d}\n")


def is_renewed(path, before):
    return path.exists() and path.read_text() != before


def test_a_worker_renews_its_file(alive, redis_server, start_worker):
    worker = start_worker(alive_file=alive.file)
    assert alive() == (0, "")
    age(alive.file, 25)
    status, told = alive()
    assert status == 1 and told.startswith(f"roomhook-worker: {alive.file}: last written 2")
    old = alive.file.read_text()
    wait_until(lambda: is_renewed(alive.file, old), 10, "it to be written")
    assert alive() == (0, "")
    alive.file.unlink()
    wait_until(alive.file.exists, 10, "it to be made again")
    worker.pause()
    age(alive.file, 25)
    old = alive.file.read_text()
    stays_true(lambda: not is_renewed(alive.file, old), 6, "a stopped worker writes nothing")
    assert alive()[0] == 1
    worker.resume()
    wait_until(lambda: alive()[0] == 0, 10, "it to be written again")
    assert worker.terminate() == 0
    status, told = alive()
    assert status == 1 and "no process with this alive-file runs" in told


def test_a_worker_without_redis_is_alive(alive, start_worker):
    start_worker(redis=f"redis://127.0.0.1:{free_port()}/0", wait_ready=False,
                 alive_file=alive.file)  # fmt: skip
    wait_until(lambda: alive()[0] == 0, 10, "it to be written")


def test_a_pool_s_file_is_its_parent_s(alive, redis_server, start_worker):
    pool = start_worker(alive_file=alive.file, processes=2)
    assert alive() == (0, "")
    old = alive.file.read_text()
    wait_until(lambda: is_renewed(alive.file, old), 10, "it to be written")
    assert pool.terminate() == 0
    assert not alive.file.exists()


def test_a_pool_in_which_one_worker_hangs(alive, redis_server, start_worker, tmp_path):
    """With a watchdog of 2 s that is noticed within a second or two."""
    with NotifySocket(tmp_path / "notify") as manager:
        pool = start_worker(alive_file=alive.file, processes=2, env=manager.env(2))
        one = int(pool.wait_log("process_started")["pid"])
        try:
            os.kill(one, signal.SIGSTOP)
            wait_until(lambda: pool.logged("process_stalled"), 10, "it to be noticed")
            old = alive.file.read_text()
            stays_true(lambda: not is_renewed(alive.file, old), 2, "nothing is written")
        finally:
            os.kill(one, signal.SIGCONT)
        wait_until(lambda: is_renewed(alive.file, old), 10, "it to be written")


def probe_of_kubernetes():
    page = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"^```yaml\n(containers:.*?)^```", page, re.MULTILINE | re.DOTALL)
    (worker,) = yaml.safe_load(text)["containers"]
    path = {one["name"]: one["value"] for one in worker["env"]}["ROOMHOOK_ALIVE_FILE"]
    return path, worker["livenessProbe"]["exec"]["command"], worker["volumeMounts"][0]["mountPath"]


def probe_of_compose():
    worker = yaml.safe_load((TOP / "compose.yaml").read_text())["services"]["worker"]
    assert worker["healthcheck"]["test"][0] == "CMD"
    return (worker["environment"]["ROOMHOOK_ALIVE_FILE"], worker["healthcheck"]["test"][1:],
            worker["tmpfs"][0])  # fmt: skip


@pytest.mark.parametrize("told", [probe_of_kubernetes, probe_of_compose])
def test_the_documented_probes(told, redis_server, start_worker, roomhook_bin, tmp_path):
    path, command, folder = told()
    assert path.startswith(f"{folder}/") and command[-1] == path
    start_worker(env={"ROOMHOOK_ALIVE_FILE": str(tmp_path / "alive")})
    command = [str(roomhook_bin / command[0]), *command[1:-1], str(tmp_path / "alive")]
    assert subprocess.run(command, timeout=20, check=False).returncode == 0


def test_a_file_that_cannot_be_written(alive, redis_server, start_worker, tmp_path):
    worker = start_worker(alive_file=tmp_path / "nowhere" / "alive")
    assert len(worker.logged("alive_file_failed")) == 1
    assert alive(tmp_path / "nowhere" / "alive")[0] == 1
