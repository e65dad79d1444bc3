"""A receiver in Node, as many are: express, with the libraries of Standard Webhooks and of Svix."""

import json
import queue
import subprocess
import threading

import node_packages
import pytest
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook, wait_stat

NEW = "whsec_bmV3ZXN0LXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg="
OTHER = "whsec_c29tZWJvZHktZWxzZSdzLW9mLTMyLWJ5dGVzLi4uLi4="
VERIFIED = {"standard": "verified", "svix": "verified"}
REFUSED = {"standard": "No matching signature found", "svix": "No matching signature found"}
HOOKS = {
    **{name: {"format": name} for name in ("spika", "bare", "standard", "cloudevents")},
    **{name: {"format": name} for name in ("slack", "discord", "mattermost")},
    "template": {"template": {"text": "{{message.body.text}}", "by": ["{{fromUser.displayName}}"]}},
}
TEXT = 'žluťoučký "kůň" \U0001f40e \\ \x7f \x00 <&>'


class Express:
    def __init__(self, secrets):
        command, environment = node_packages.node("receiver.js")
        self.process = subprocess.Popen(
            [*command, json.dumps(secrets)], stdout=subprocess.PIPE, env=environment
        )
        self.lines = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = self.next()["port"]

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def next(self):
        """What it says of the next request."""
        return self.lines.get(timeout=20)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}/{path}"


@pytest.fixture
def express():
    """express(name=secret, …) starts one."""
    node_packages.install()
    started = []

    def start(**secrets):
        started.append(Express(secrets))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_every_format_is_verified_by_both_libraries(redis, start_worker, express):
    receiver = express(right=NEW, wrong=OTHER)
    for name, hook in HOOKS.items():
        set_hook(redis, 438, name, url=receiver.url(name), secret=NEW, **hook)
    start_worker()
    enqueue(redis, message_event(text=TEXT), id="event-1")
    got = {one["path"][1:]: one for one in (receiver.next() for _ in HOOKS)}
    assert set(got) == set(HOOKS)
    for name, one in got.items():
        assert one["verdicts"] == {"right": VERIFIED, "wrong": REFUSED}, name
        assert (one["id"], one["event"], one["attempt"]) == ("event-1", "message.created", "1")
        cloud = "cloudevents+" if name == "cloudevents" else ""
        assert one["kind"] == f"application/{cloud}json"
    assert got["bare"]["body"] == message_event(text=TEXT)
    assert got["template"]["body"] == {"text": TEXT, "by": ["Ana"]}
    wait_stat(redis, "delivered", len(HOOKS))
    assert_queue_empty(redis)


def test_who_has_another_secret_refuses(redis, start_worker, express):
    receiver = express(wrong=OTHER)
    set_hook(redis, 438, "main", url=receiver.url("main"), secret=NEW)
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    assert [receiver.next()["attempt"] for _ in range(2)] == ["1", "2"]
    wait_stat(redis, "dead", 1)


def test_rotation_leaves_no_gap(redis, start_worker, cli, express):
    """The receiver that knows the old secret takes what comes until its owner has changed it."""
    old = json.loads(cli("--json", "hook", "set", "--room=438", "--url=http://127.0.0.1:1/",
                         "--secret=auto").stdout)["secret"]  # fmt: skip
    before = express(old=old)
    cli("hook", "set", "--room=438", f"--url={before.url('a')}")
    start_worker()
    enqueue(redis, message_event())
    assert before.next()["verdicts"] == {"old": VERIFIED}
    new = json.loads(cli("--json", "hook", "rotate", "--room=438").stdout)["secret"]
    enqueue(redis, message_event())
    assert before.next()["verdicts"] == {"old": VERIFIED}
    after = express(old=old, new=new)
    cli("hook", "set", "--room=438", f"--url={after.url('b')}")
    enqueue(redis, message_event())
    assert after.next()["verdicts"] == {"old": VERIFIED, "new": VERIFIED}
    cli("hook", "set", "--room=438", f"--secret={new}")
    enqueue(redis, message_event())
    assert after.next()["verdicts"] == {"old": REFUSED, "new": VERIFIED}
    wait_stat(redis, "delivered", 4)
    assert_queue_empty(redis)
