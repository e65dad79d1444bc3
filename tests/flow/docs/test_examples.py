"""Every example of every page is run as it stands, against a queue of its own.

A shell sees the page's redis-cli, roomhook and roomhook-worker; they lead to a Redis of the test
alone. What cannot be run here is named in NOT_RUN, with the reason, and its syntax is checked.
"""

import configparser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import sanitizer
from child import end, free_port
from receiver import Answer
from redis_variants import tls_redis
from wait import wait_until
from waiting import put_in_lane
from webhook_queue import enqueue, key, message_event, now_ms, set_hook

TOP = Path(__file__).resolve().parents[3]
PAGES = [*sorted(TOP.glob("*.md")), TOP / "tests/README.md", *sorted((TOP / "docs").glob("*.md"))]
DOCUMENTED_REDIS = "redis://127.0.0.1:6379/0"
DOCUMENTED_LETTER = "1795496317082-0"
DOCUMENTED_EVENT = "6f1c1a34"
DOCUMENTED_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
FENCED = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(roomhook|roomhook-worker|redis-cli|scripts/\S+|ctest|cmake|\S*python3) ")

# A line of an example: why the example is not run.
NOT_RUN = {
    "sudo scripts/setup": "installs packages and the programs",
    "apt-get update": "installs packages; scripts/package runs it",
    "scripts/setup --demo": "installs packages and the programs; scripts/test-on runs it",
    "redis-cli ping || { redis-server --daemonize yes --save '' && sleep 1; }":
        "test_quickstart runs it, with a port of its own",
    "roomhook status": "test_quickstart runs it, behind the one before",
    "redis-cli --rdb /var/backups/redis/dump.rdb": "test_docs_backup runs it, in other folders",
    "percentage=$(redis-cli CONFIG GET auto-aof-rewrite-percentage | tail -n 1)":
        "test_docs_backup runs it, in other folders",
    "systemctl stop redis-server": "test_docs_backup runs it, with a server of its own",
    "roomhook-web token create --tokens /etc/roomhook/web-tokens --role operate --expires 90d":
        "flow/web does, with a file of tokens of the test",
    """curl -X POST -H "Authorization: Bearer $TOKEN" """
    "'http://127.0.0.1:8080/v1/rooms/438/tokens?expires=15m'": "flow/web asks for one",
}  # fmt: skip


class Example:
    def __init__(self, page, line, language, text):
        self.where = f"{page.relative_to(TOP)}:{line}"
        self.language = language
        self.text = text


def fenced():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for found in FENCED.finditer(text):
            line = text.count("\n", 0, found.start()) + 2
            yield Example(page, line, found[1], found[2])


def indented():
    """Lines of commands without a fence; what stands behind two blanks explains them."""
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        text = FENCED.sub(lambda found: "\n" * found[0].count("\n"), text)
        for number, line in enumerate(text.splitlines(), 1):
            command = re.split(r"  +", line[4:])[0] if line.startswith("    ") else ""
            if COMMAND.match(command + " "):
                yield Example(page, number, "sh", command)


FENCES, LINES = list(fenced()), list(indented())
SHELL = [one for one in FENCES if one.language == "sh"]


def parametrize(examples):
    return pytest.mark.parametrize("example", examples, ids=lambda example: example.where)


@parametrize([one for one in FENCES if one.language == "yaml"])
def test_yaml(example):
    """Prometheus, Kubernetes and Matrix have tests of their own; here, that it can be read."""
    assert isinstance(yaml.safe_load(example.text), dict)


def test_nothing_is_left_out():
    """Each kind of block has a test, and what is not run is still there."""
    kinds = {one.language for one in FENCES}
    assert kinds == {"sh", "python", "ini", "yaml", ""}, "a new kind needs a test"
    first_lines = [one.text.splitlines()[0] for one in SHELL]
    assert NOT_RUN.keys() <= set(first_lines)
    assert len(SHELL) - len([line for line in first_lines if line in NOT_RUN]) > 15
    assert len(LINES) > 20


# --- shells ---


@pytest.fixture
def server(own_redis):
    return own_redis(appendonly=True)


@pytest.fixture
def environment(server, roomhook_bin, tmp_path):
    """Where redis-cli, roomhook and roomhook-worker lead to the server."""
    folder = tmp_path / "bin"
    folder.mkdir()
    wrapper = folder / "redis-cli"
    wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("redis-cli")} -p {server.port} "$@"\n')
    wrapper.chmod(0o755)
    return {
        **os.environ,
        "PATH": f"{folder}:{roomhook_bin}:{os.environ['PATH']}",
        "ROOMHOOK_REDIS": server.url,
    }


@pytest.fixture
def queue(server, receiver, start_worker):
    """What the examples name: hooks, an event that one of them refused, a lane and a letter."""
    client = server.client()
    receiver.script("/", Answer(200))
    set_hook(client, 438, "main", url=receiver.url())
    set_hook(client, 438, "audit", url=receiver.url(), secret=DOCUMENTED_SECRET)
    set_hook(client, 438, "busy", url=receiver.url("/busy"))
    receiver.script("/busy", Answer(503))
    put_in_lane(client, "438/main", f"{now_ms(client)}-7", score=now_ms(client) + 3_600_000)
    fields = {"reason": "exhausted", "room": "438", "hook": "main", "event_id": "a-letter",
              "json": json.dumps(message_event())}  # fmt: skip
    client.xadd(key("dead"), fields, id=DOCUMENTED_LETTER)
    start_worker(redis=server, keep_delivered="1h")
    enqueue(client, message_event(), id=DOCUMENTED_EVENT)
    receiver.wait_for(3)
    hooks = ("main", "audit", "busy")
    wait_until(lambda: client.exists(*(key(f"log:438/{hook}") for hook in hooks)) == len(hooks), 10,
               "its attempts to be logged")  # fmt: skip
    wait_until(lambda: client.exists(key("delivered")), 10, "it to be kept")
    return client


def run_shell(commands, environment):
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        env=environment, cwd=TOP, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{commands}\n{done.stdout}{done.stderr}"
    return done.stdout


def check_syntax(commands):
    subprocess.run(["bash", "-n", "-c", commands], check=True)


def run_until(command, environment, port):
    """One that runs until it is told to end, which it does well."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"], env=environment, cwd=TOP, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        for line in process.stdout:
            if "msg=ready" in line or f":{port}" in line:
                break
        else:
            raise AssertionError(f"{command} ended with {process.wait()}")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) in (0, -signal.SIGTERM)
    finally:
        end(process)


@parametrize(SHELL)
def test_blocks_of_commands(example, environment, queue, server):
    commands = example.text.replace(DOCUMENTED_REDIS, server.url)
    if commands.splitlines()[0] in NOT_RUN:
        check_syntax(commands)
    elif commands.startswith("roomhook-worker "):
        run_until(commands.strip(), environment, server.port)
    elif commands.startswith("roomhook doctor"):
        run_shell(f"{commands.strip()} || test $? = 1", environment)  # 1: it found something
    else:
        run_shell(commands, environment)


def test_quickstart(environment):
    """The README's, pasted as it stands, but for the ports and the installed programs."""
    page = (TOP / "README.md").read_text(encoding="utf-8")
    section = page.partition("\n## Quickstart\n")[2].partition("\n## ")[0]
    packages, source, *rest = (found[2] for found in FENCED.finditer(section))
    assert "apt-get install" in packages and source.startswith("scripts/setup")
    commands = "".join(rest).replace("8000", str(free_port()))
    printed = run_shell(f"set +e\n{commands}", environment)  # as a terminal does
    shown = re.search(r"^    POST /hook\n.*?\n\n.*?\n\n.*?delivered\n", section, re.M | re.S)[0]
    lines = [line.strip() for line in printed.splitlines()]
    varies = re.compile(r"Host|Verification|webhook-(id|timestamp)|\S*(Verification|createdAt)")
    for line in shown.splitlines():
        if not varies.match(line.strip().strip('"')):
            assert line.strip() in lines, printed


@parametrize([one for one in LINES if one.text.startswith("roomhook")])
def test_lines_of_commands(example, environment, queue, server, tmp_path):
    password = tmp_path / "password"
    password.write_text("worker-password\n")
    password.chmod(0o600)
    queue.acl_setuser("roomhook-worker", enabled=True, passwords=["+worker-password"], keys=["*"],
                      channels=["*"], categories=["+@all"])  # fmt: skip
    command = example.text.replace("host/0", f"127.0.0.1:{server.port}/0")
    command = command.replace("/etc/roomhook/password", str(password))
    command = command.replace("whsec_…", DOCUMENTED_SECRET)
    if command.startswith("roomhook listen"):
        port = free_port()
        command = re.sub(r" --port \d+", "", command) + f" --port {port}"
        run_until(command, environment, port)
    elif command.startswith("roomhook-worker "):
        run_until(command, environment, server.port)
    else:
        run_shell(command, environment)


# --- what builds and tests: that it names what is there ---


def check_script(words):
    """scripts/test --quick: the script is there, and knows the option."""
    script = TOP / words[0]
    assert os.access(script, os.X_OK)
    text = script.read_text(encoding="utf-8")
    if text.startswith("#!/usr/bin/env bash"):
        check_syntax(text)
    else:
        compile(text, script, "exec")
    for option in (word for word in words[1:] if word.startswith("--")):
        assert option in text, option


def check_preset(words):
    presets = json.loads((TOP / "CMakePresets.json").read_text(encoding="utf-8"))
    kind = "testPresets" if words[0] == "ctest" else "workflowPresets"
    name = words[words.index("--preset") + 1]
    assert name in [preset["name"] for preset in presets[kind]]


def check_pytest(words):
    done = subprocess.run(
        [sys.executable, *words[1:3], "--collect-only", "-q", *words[3:]],
        cwd=TOP, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "::" in done.stdout, done.stdout + done.stderr


@parametrize([one for one in LINES if not one.text.startswith("roomhook")])
def test_commands_of_developers(example):
    words = example.text.split()
    if words[0].startswith("scripts/"):
        check_script(words)
    elif words[0] in ("ctest", "cmake"):
        check_preset(words)
    else:
        check_pytest(words)


# --- programs ---


@parametrize([one for one in FENCES if one.language == "python"])
def test_python(example, server, queue):
    program = example.text.replace(DOCUMENTED_REDIS, server.url)
    before = queue.xinfo_stream(key("events"))["entries-added"]
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
    after = queue.xinfo_stream(key("events"))["entries-added"]
    assert after - before == program.count(".xadd(")


# --- files of settings ---


@parametrize([one for one in FENCES if one.language == "ini"])
def test_settings(example, roomhook_bin, tmp_path):
    """What is for systemd is tried by test_unit_file."""
    if example.text.startswith("[Service]"):
        configparser.RawConfigParser(strict=False, delimiters=("=",)).read_string(example.text)
        return
    config = tmp_path / "worker.conf"
    config.write_text(example.text)
    subprocess.run([roomhook_bin / "roomhook-worker", "--config", config, "--check"], check=True)


@parametrize([one for one in FENCES if one.language == ""])
def test_settings_of_redis(example, own_redis, certificates):
    """A server takes them, and speaks TLS."""
    settings = dict(line.split(" ", 1) for line in example.text.splitlines())
    assert settings.pop("port") == "0"
    assert settings.pop("tls-port") == "6380"
    names = ("tls-cert-file", "tls-key-file", "tls-ca-cert-file")
    assert all(settings.pop(name).startswith("/etc/redis/") for name in names)
    server, port = tls_redis(own_redis, certificates, certificates.good(), **settings)
    done = subprocess.run(
        ["redis-cli", "--tls", "--cacert", certificates.ca, "-h", "localhost", "-p", str(port),
         "PING"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "PONG\n"
    wait_until(lambda: server.client().ping(), 5, "the server")
