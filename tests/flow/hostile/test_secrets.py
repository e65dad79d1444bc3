"""Nothing secret is told: canaries are planted in all that is, and looked for in all that is said.

A canary is a text that stands nowhere else, so that finding it tells what leaked and where.
"""

import base64
import json
import subprocess
from pathlib import Path

import pytest
from child import refused_port
from receiver import Answer, Reset
from wait import wait_until
from webhook_queue import dead_letters, enqueue, key, message_event, set_hook, stats

CANARIES = {
    "password of Redis": "canary-redis-password",
    "URL path": "canary-url-path",
    "URL query": "canary-url-query",
    "secret": "whsec_" + base64.b64encode(b"canary-secret-of-32-bytes-length").decode(),
    "old secret": "whsec_" + base64.b64encode(b"canary-older-secret-of-32-bytes-").decode(),
    "signature": "canary-verification-signature",
    "header": "canary-header-value",
    "message": "canary-message-text",
    "sender": "canary-sender-name",
    "answer": "canary-answer-body",
}
# How a secret could show when something decodes it first.
CANARIES["decoded secret"] = "canary-secret-of-32"


PATH = f"/{CANARIES['URL path']}?token={CANARIES['URL query']}"


def plant(redis, room, hook_id, origin, **more):
    hook = {
        "url": origin + PATH,
        "verificationSignature": CANARIES["signature"],
        "secret": [CANARIES["secret"], CANARIES["old secret"]],
        "headers": {"Authorization": f"Bearer {CANARIES['header']}"},
    }
    set_hook(redis, room, hook_id, **{**hook, **more})
    return hook


def event(room, **more):
    document = message_event(room, text=CANARIES["message"], **more)
    document["fromUser"]["displayName"] = CANARIES["sender"]
    return document


def assert_silent(what, text):
    text = text if isinstance(text, str) else text.decode("utf-8", "replace")
    found = [name for name, canary in CANARIES.items() if canary in text]
    assert not found, f"{what} tells {found}:\n{text}"


@pytest.fixture
def redis_with_password(own_redis):
    server = own_redis()
    server.client().config_set("requirepass", CANARIES["password of Redis"])
    return server


def url_of(server):
    return f"redis://:{CANARIES['password of Redis']}@127.0.0.1:{server.port}/0"


def enqueue_everything(redis, receiver):
    """An event for each way a delivery can go."""
    receiver.script(
        PATH,
        [Answer(200, body=CANARIES["answer"].encode()),
         Answer(503, body=CANARIES["answer"].encode()), Reset(), Answer(410)],
    )
    sock, port = refused_port()
    sock.close()
    hook = plant(redis, 1, "main", receiver.url(""))
    plant(redis, 2, "refused", f"http://127.0.0.1:{port}")
    plant(redis, 2, "no-tls", receiver.url("").replace("http:", "https:"))
    plant(redis, 2, "blocked", "http://169.254.169.254")
    plant(redis, 2, "bad-url", "ftp://host")
    plant(redis, 2, "bad-hook", receiver.url(""), secret=[CANARIES["secret"], "whsec_canary"])
    plant(redis, 2, "bad-header", receiver.url(""),
          headers={"X-Bad": f"{CANARIES['header']}\r\nX: y"})
    plant(redis, 2, "bad-key", receiver.url(""), unknown=CANARIES["secret"])
    redis.hset(key("room:2"), "no-json", '{"url":"' + hook["url"] + '", ' + CANARIES["secret"])
    enqueue(redis, event(1))
    enqueue(redis, event(2))
    enqueue(redis, {**event(3), "webhooks": [{**hook, "url": "http://10.0.0.1/"}]})
    enqueue(redis, (json.dumps(event(1))[:-1] + ', "' + CANARIES["message"]).encode())
    enqueue(redis, event(1))
    enqueue(redis, event(1))
    enqueue(redis, event(1), "msgpack")


@pytest.mark.parametrize("log_format", ["logfmt", "json"])
def test_worker_tells_no_secret(redis_with_password, receiver, start_worker, log_format):
    server = redis_with_password
    with server.client(password=CANARIES["password of Redis"]) as redis:
        enqueue_everything(redis, receiver)
        worker = start_worker(
            redis=url_of(server), wait_ready=False, log_level="debug", log_format=log_format,
            retry_schedule="50ms",
        )
        wait_until(
            lambda: {letter["reason"] for letter in dead_letters(redis)}
            >= {"blocked", "bad-url", "bad-hook", "malformed", "gone", "exhausted"},
            20,
            lambda: f"every kind of dead letter: {dead_letters(redis)}\n{worker.log()}",
        )
        wait_until(lambda: stats(redis).get("delivered"), 10, lambda: f"a delivery: {stats(redis)}")
        heartbeats = [redis.get(name) for name in redis.scan_iter(key("worker:*"))]
        assert len(heartbeats) == 1
        assert_silent("the heartbeat", heartbeats[0])
        assert_silent("the statistics", repr(stats(redis)))
        assert_silent("the hooks' state", repr(redis.hgetall(key("hooks-state"))))
        for name in ("cmdline", "environ", "status"):
            assert_silent(f"/proc/PID/{name}", Path(f"/proc/{worker.pid}/{name}").read_bytes())
        # Reasons are for everybody who reads dead letters; the URL and the answer stand beside.
        for letter in dead_letters(redis):
            assert_silent("a dead letter's error", letter["error"])
        assert_silent("the client's name", repr([c["name"] for c in redis.client_list()]))
    assert worker.terminate() == 0
    log = worker.log()
    assert "delivered" in log and "retry" in log and "gone" in log
    assert_silent("the log", log)


def test_refused_password_is_not_told(own_redis, start_worker):
    server = own_redis()
    worker = start_worker(redis=url_of(server), wait_ready=False, log_level="debug")
    worker.wait_log("redis_lost")
    assert_silent("the log", worker.log())


def test_settings_tell_no_secret(roomhook_bin):
    url = f"redis://:{CANARIES['password of Redis']}@127.0.0.1:1/0"
    for flags, env in (
        (["--help"], {}),
        (["--print-settings"], {"ROOMHOOK_REDIS": url}),
        (["--print-settings", "--redis", url], {}),
        (["--check", "--redis", url], {}),
        (["--redis", url + "/nonsense"], {}),
        (["--redis", f"--{url}"], {}),
        ([url], {}),
        (["--redis", url, "--redis-password-file", "/dev/null"], {}),
    ):
        done = subprocess.run(
            [roomhook_bin / "roomhook-worker", *flags], env=env, capture_output=True, text=True,
            timeout=20, check=False,
        )
        assert_silent(f"roomhook-worker {flags}", done.stdout + done.stderr)


def arguments_of(process):
    """What ps shows of it."""
    return Path(f"/proc/{process.pid}/cmdline").read_bytes()


def test_the_command_line_is_not_shown(redis_with_password, roomhook_bin):
    """A command that goes on shows no password of Redis and no secret to other users."""
    url = url_of(redis_with_password)
    listen = ["listen", "--port=0", "--secret", CANARIES["secret"]]
    for flags in (["--redis", url, "status", "--watch"], [f"--redis={url}", "status", "--watch"],
                  listen):  # fmt: skip
        with subprocess.Popen([roomhook_bin / "roomhook", *flags], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL) as process:  # fmt: skip
            try:
                assert process.stdout.readline(), "it runs"
                assert b"roomhook" in arguments_of(process)
                assert_silent(f"ps of {flags}", arguments_of(process))
            finally:
                process.kill()


def test_command_line_tells_no_secret(redis_with_password, cli):
    """Commands that show hooks and the queue; what hook set made itself it shows once."""
    server = redis_with_password
    url = url_of(server)
    with server.client(password=CANARIES["password of Redis"]) as redis:
        plant(redis, 438, "main", "https://receiver.example")
    for command in (
        ["hook", "list", "--room=438"],
        ["--json", "hook", "list", "--room=438"],
        ["status"],
        ["--json", "status"],
        ["dead", "list"],
        ["--help"],
        ["hook", "set", "--help"],
    ):
        done = cli(*command, redis=url)
        shown = done.stdout + done.stderr
        for name in ("password of Redis", "secret", "old secret", "header", "decoded secret",
                     "signature"):
            assert CANARIES[name] not in shown, f"{command} tells the {name}"
    done = cli("hook", "set", "--room=438", "--format=bare", redis=url)
    assert CANARIES["secret"] not in done.stdout
    for command in (["status"], ["send", "--room=1", "--text=a"]):
        done = cli(*command, redis=url.replace("canary-redis", "wrong-canary-redis"), check=False)
        assert done.returncode == 1
        assert "canary-redis-password" not in done.stdout + done.stderr
