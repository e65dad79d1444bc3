"""The systemd unit: valid, closed, and no tighter than the worker needs."""

import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
import sanitizer
from notify_socket import NotifySocket
from receiver import Receiver
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook

TOP = Path(__file__).resolve().parents[3]
UNIT = TOP / "scripts" / "systemd" / "roomhook-worker@.service"
# Of 10; what is left: it uses the network, netlink and unix sockets, in the host's root directory.
EXPOSURE_MAX = 1.1

# Refused with EPERM and done without: the unit sets the limits itself.
REFUSED = {"prlimit64"}


def unit_values(name):
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return [line.partition("=")[2] for line in lines if line.startswith(name + "=")]


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )


def drop_ins():
    """The changes that the page for operators proposes."""
    page = (TOP / "docs" / "operations.md").read_text(encoding="utf-8")
    return re.findall(r"^```ini\n(\[Service\]\n.*?)^```", page, re.MULTILINE | re.DOTALL)


def test_there_are_drop_ins():
    assert len(drop_ins()) == 3


@pytest.mark.parametrize("drop_in", ["", *drop_ins()])
def test_it_is_valid(roomhook_bin, tmp_path, drop_in):
    """Every line is one that systemd knows; the program is looked for in its usual places."""
    [command] = unit_values("ExecStart")
    assert command.split()[0] == "roomhook-worker"
    text = UNIT.read_text(encoding="utf-8") + drop_in
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("ExecStart=", f"ExecStart={roomhook_bin}/"), encoding="utf-8")
    instance = tmp_path / UNIT.name.replace("@.", "@1.")
    done = analyze("verify", "--man=no", "--recursive-errors=no", str(instance))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_starts_nothing_before_it_is_configured():
    [condition] = unit_values("ConditionPathExists")
    [command] = unit_values("ExecStart")
    assert command.split()[1:] == ["--config", condition]


def test_it_is_closed():
    done = analyze(
        "security", "--offline=true", f"--threshold={round(EXPOSURE_MAX * 10)}", str(UNIT)
    )
    found = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert found and float(found[1]) <= EXPOSURE_MAX, done.stdout + done.stderr
    assert done.returncode == 0


def system_calls(group):
    """The names of a group of system calls, those of the groups in it included."""
    done = analyze("syscall-filter", group)
    assert done.returncode == 0, done.stderr
    names = set()
    for word in done.stdout.split("\n")[1:]:
        word = word.strip()
        if word.startswith("@"):
            names |= system_calls(word)
        elif word and not word.startswith("#"):
            names.add(word)
    return names


def allowed_by_unit():
    """SystemCallFilter=: the first list allows, one that begins with ~ takes away."""
    names = set(system_calls("@default"))
    for line in unit_values("SystemCallFilter"):
        removes = line.startswith("~")
        for group in line.lstrip("~").split():
            calls = system_calls(group) if group.startswith("@") else {group}
            names = names - calls if removes else names | calls
    return names


@pytest.fixture
def traced(tmp_path):
    """A wrapper that runs a worker under strace, and the system calls it made."""
    trace = tmp_path / "trace"

    def calls():
        text = trace.read_text(encoding="utf-8", errors="replace")
        return set(re.findall(r"^(?:\[pid +\d+\] |\d+ +)?(\w+)\(", text, re.MULTILINE))

    return ("strace", "-f", "-D", "-qq", "-o", str(trace)), calls


@pytest.fixture
def name_of_loopback(tmp_path):
    """A name that a file tells (localhost libcurl knows by itself), and a wrapper that sees it."""
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 receiver.test\n")
    mount = f'mount --bind {shlex.quote(str(hosts))} /etc/hosts && exec "$@"'
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    return "receiver.test", ("unshare", "--mount", *user, "sh", "-c", mount, "sh")


@pytest.fixture
def deliver(redis, receiver, certificates, start_worker, name_of_loopback):
    """deliver(wrapper): a delivery by address, by name and over TLS, and a good end."""
    name, name_wrapper = name_of_loopback

    def run(wrapper):
        wrapper = (*name_wrapper, *wrapper)
        worker = start_worker(wrapper=wrapper, ca_file=certificates.ca, env=sanitizer.traced())
        with Receiver(tls=certificates.server_context(certificates.good())) as secure:
            by_name = receiver.url("/b").replace("127.0.0.1", name)
            set_hook(redis, 438, "by-address", url=receiver.url("/a"))
            set_hook(redis, 438, "by-name", url=by_name)
            set_hook(redis, 438, "secure", url=secure.url("/c"))
            enqueue(redis, message_event())
            receiver.wait_for(1, "/a")
            receiver.wait_for(1, "/b")
            secure.wait_for(1, "/c")
            assert_queue_empty(redis)
            assert worker.terminate() == 0

    return run


def test_it_allows_what_the_worker_does(deliver, traced):
    wrapper, calls = traced
    deliver(wrapper)
    assert {"connect", "sendto", "prctl", "clone3"} <= calls()
    assert calls() - allowed_by_unit() <= REFUSED


def test_the_worker_bears_what_it_refuses(roomhook_bin, deliver, traced):
    if sanitizer.is_built_in(roomhook_bin / "roomhook-worker"):
        pytest.skip("AddressSanitizer itself does not bear it")
    wrapper, calls = traced
    deliver((*wrapper, *[f"--inject={name}:error=EPERM" for name in REFUSED]))
    assert REFUSED <= calls()


def test_it_allows_what_a_pool_does(redis_server, start_worker, traced, tmp_path):
    """Its parent starts a worker again, tells systemd, and ends both."""
    wrapper, calls = traced
    with NotifySocket(tmp_path / "notify") as manager:
        env = {**sanitizer.traced(), **manager.env(watchdog_s=5)}
        for processes in ("auto", "2"):
            pool = start_worker(processes=processes, wrapper=wrapper, env=env, wait_ready=False)
            by_it = lambda one, pid=pool.pid: one["pid"] == pid  # noqa: E731
            manager.wait("of readiness", lambda one: by_it(one) and "READY" in one, timeout=20)
            if processes == "2":
                [first] = pool.logged("process_started", process=2)
                os.kill(int(first["pid"]), signal.SIGKILL)
                again = pool.wait_log("process_started", process=2, restarts=1)
                pool.wait_log("process_state", pid=again["pid"], state="working")
            assert pool.terminate() == 0
            assert calls() - allowed_by_unit() <= REFUSED
    assert {"wait4", "rt_sigtimedwait", "kill", "getppid"} <= calls()
