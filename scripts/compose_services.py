"""Runs the services of compose.yaml without a container engine, for scripts/container: with their
commands, variables, users, secrets and health checks, in the root folder that is the image.

    docker-compose config | compose_services.py ROOT USER STOPSIGNAL ENTRYPOINT NAME=VALUE

A service with an image of somebody else runs its command of this machine. All share the network of
this machine; a service's name leads to 127.0.0.1.
"""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import yaml

WAIT_S = 60
DATA = "/srv/data"
ROOT, USER, STOP_SIGNAL, ENTRYPOINT, VARIABLE = sys.argv[1:]
KNOWN = set(
    "build cap_drop command deploy entrypoint environment healthcheck image ports read_only restart"
    " secrets security_opt stop_grace_period tmpfs user volumes".split()
)


def wait_until(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline, f"waited too long for {what}"
        time.sleep(0.1)


def seconds(text):
    return sum(int(n) * {"m": 60, "s": 1}[unit] for n, unit in re.findall(r"(\d+)([ms])", text))


class Container:
    def __init__(self, service, secrets):
        self.service = service
        mounts = [f"mount -t tmpfs -o mode=1777 tmpfs {ROOT}{path}" for path in self.tmpfs(service)]
        mounts += [f"mount --bind {shlex.quote(secrets[name]['file'])} {ROOT}/run/secrets/{name}"
                   for name in self.secrets(service)]  # fmt: skip
        command = service.get("entrypoint", [ENTRYPOINT]) + service.get("command", [])
        script = " && ".join([*mounts, "exec " + shlex.join(self.contained(command))])
        self.process = subprocess.Popen(["unshare", "--mount", "sh", "-c", script])

    @staticmethod
    def tmpfs(service):
        return service.get("tmpfs", [])

    @staticmethod
    def secrets(service):
        listed = service.get("secrets", [])
        return [one["source"] if isinstance(one, dict) else one for one in listed]

    def contained(self, command):
        user = str(self.service.get("user", USER))
        variables = [f"{name}={value}" for name, value in self.service["environment"].items()]
        return ["chroot", f"--userspec={user if ':' in user else f'{user}:0'}", "--groups=", ROOT,
                "/usr/bin/env", "-i", "PATH=/usr/bin", VARIABLE, *variables, *command]  # fmt: skip

    def is_healthy(self):
        kind, *command = self.service["healthcheck"]["test"]
        assert kind == "CMD", kind
        inside = ["nsenter", f"--target={self.process.pid}", "--mount", *self.contained(command)]
        limit = seconds(self.service["healthcheck"]["timeout"])
        return subprocess.run(inside, timeout=limit, check=False).returncode == 0

    def stop(self):
        self.process.send_signal(getattr(signal, STOP_SIGNAL))
        status = self.process.wait(seconds(self.service.get("stop_grace_period", "10s")))
        assert status == 0, f"{self.service} ended with {status}"


def redis(*command):
    done = subprocess.run(["redis-cli", *command], capture_output=True, text=True, check=False)
    return done.stdout.strip()


def web_answers(ports):
    address, _, inside = ports[0].rpartition(":")
    assert address == "127.0.0.1:8080" and inside.removesuffix("/tcp") == "8080", ports
    with contextlib.suppress(OSError):
        return urllib.request.urlopen("http://127.0.0.1:8080/readyz", timeout=5).status == 200
    return False


def prepare_root(services):
    """What an engine makes in a container's root before it is read-only."""
    subprocess.run(["mount", "-o", "remount,bind,rw", ROOT], check=True)
    Path(ROOT, "etc/hosts").write_text(f"127.0.0.1 localhost {' '.join(services)}\n")
    Path(ROOT, "run/secrets").mkdir(exist_ok=True)
    for service in services.values():
        for path in Container.tmpfs(service):
            Path(ROOT + path).mkdir(exist_ok=True)
        for name in Container.secrets(service):
            Path(ROOT, "run/secrets", name).touch()
    subprocess.run(["mount", "-o", "remount,bind,ro", ROOT], check=True)


def check_works(services, containers):
    wait_until(lambda: web_answers(services["web"]["ports"]), "the web service")
    workers = [one for one in containers if one.service is services["worker"]]
    assert len(workers) == services["worker"]["deploy"]["replicas"] == 2
    wait_until(lambda: len(redis("--scan", "--pattern", "{webhooks}:worker:*").split()) == 2,
               "two workers")  # fmt: skip
    wait_until(lambda: all(one.is_healthy() for one in workers), "health of the workers")
    redis("XADD", "{webhooks}:events", "*", "json", '{"message":{"roomId":438}}')
    wait_until(lambda: redis("XLEN", "{webhooks}:events") == "0", "an event to be done")
    assert redis("CONFIG", "GET", "appendonly").endswith("yes")
    assert redis("CONFIG", "GET", "maxmemory-policy").endswith("noeviction")


def main():
    config = yaml.safe_load(sys.stdin)
    services = config["services"]
    for name, service in services.items():
        assert service.keys() <= KNOWN, f"{name}: {service.keys() - KNOWN} is not known here"
    prepare_root(services)
    os.makedirs(DATA)
    of_others = [one for one in services.values() if "build" not in one]
    others = [subprocess.Popen(one["command"], cwd=DATA) for one in of_others]
    wait_until(lambda: redis("PING") == "PONG", "Redis")
    containers = [
        Container(service, config["secrets"])
        for service in services.values() if "build" in service
        for _ in range(service.get("deploy", {}).get("replicas", 1))
    ]  # fmt: skip
    check_works(services, containers)
    for one in containers:
        one.stop()
    for process in others:
        process.terminate()
        assert process.wait(WAIT_S) == 0


main()
