"""A real Prometheus that scrapes one service every second, and promtool."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from child import end, free_port, spawn
from wait import wait_until

READY_S = 20.0


def tool(name):
    found = shutil.which(name)
    assert found, f"{name} is missing: scripts/setup installs it"
    return found


def promtool(*arguments, **options):
    """-> (status, what it printed)"""
    done = subprocess.run([tool("promtool"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=60, check=False, **options)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def metrics_of(text):
    """{name: type} of an answer in the text format"""
    return dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))


def series_of(metrics):
    """The names of the samples that these may have: a histogram has three."""
    ends = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + end for name, kind in metrics.items() for end in ends.get(kind, ("",))}


class Prometheus:
    """Starts on construction and waits until it answers. rules is a file of rules."""

    def __init__(self, folder, target, rules):
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(rules)],
            "scrape_configs": [
                {"job_name": "roomhook", "static_configs": [{"targets": [target]}]}
            ],
        }
        path = folder / "prometheus.json"  # JSON is YAML
        path.write_text(json.dumps(config), encoding="utf-8")
        self.port = free_port()
        self.log = folder / "prometheus.log"
        with self.log.open("wb") as log:
            self.process = spawn(
                [tool("prometheus"), f"--config.file={path}", f"--storage.tsdb.path={folder}/data",
                 f"--web.listen-address=127.0.0.1:{self.port}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        wait_until(self._is_ready, READY_S, lambda: f"Prometheus:\n{self.log.read_text()}")

    def _is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/-/ready", timeout=5):
                return True
        except (urllib.error.URLError, ConnectionError):
            return False

    def ask(self, path, **parameters):
        """The data of an answer of its API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from error

    def query(self, expression):
        """-> [(labels, number)]"""
        found = self.ask("query", query=expression)["result"]
        return [(one["metric"], float(one["value"][1])) for one in found]

    def finish(self):
        end(self.process)
