"""roomhook listen: a receiver for trying things."""

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import pytest
from child import end, spawn
from wait import wait_until
from webhook_queue import enqueue, message_event, set_hook, wait_stat

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
OTHER_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"


class Listener:
    """roomhook listen, with what it printed."""

    def __init__(self, binary, folder, *arguments):
        self.out = folder / "listen.out"
        with self.out.open("wb") as out:
            self.process = spawn(
                [binary, "listen", *arguments], stdout=out, stderr=subprocess.PIPE, text=True,
                env={**os.environ, "ROOMHOOK_REDIS": "not an address"},
            )  # fmt: skip
        self.port = int(re.search(r"http://127\.0\.0\.1:(\d+) ", self.process.stderr.readline())[1])
        self.url = f"http://127.0.0.1:{self.port}/hook"

    def text(self):
        return self.out.read_text()

    def requests(self, n):
        """Of --json, when there are n."""
        wait_until(lambda: self.text().count("\n") == n, 10, f"{n} requests")
        return [json.loads(line) for line in self.text().splitlines()]

    def post(self, body=b"{}", **headers):
        """The status that is answered."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url, data=body, headers=named)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture
def listen(roomhook_bin, tmp_path):
    listeners = []

    def start(*arguments):
        listeners.append(Listener(roomhook_bin / "roomhook", tmp_path, "--port=0", *arguments))
        return listeners[-1]

    yield start
    for listener in listeners:
        end(listener.process, signal.SIGKILL)
        listener.process.stderr.close()


def signed(secret, body, at=None, event_id="msg_1"):
    at = str(int(time.time() if at is None else at))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{event_id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {
        "webhook_id": event_id, "webhook_timestamp": at,
        "webhook_signature": "v1," + base64.b64encode(digest).decode(),
    }  # fmt: skip


def test_a_delivery_is_shown_and_verified(redis, listen, start_worker):
    listener = listen("--secret", SECRET, "--json")
    set_hook(redis, 438, "main", url=listener.url, secret=SECRET, format="bare")
    start_worker()
    enqueue(redis, message_event(438), id="order-66")
    [shown] = listener.requests(1)
    assert shown["method"] == "POST" and shown["target"] == "/hook"
    assert ["webhook-id", "order-66"] in shown["headers"]
    assert json.loads(shown["body"])["message"]["roomId"] == 438
    assert shown["signature_valid"] is True and shown["answered"] == 200
    wait_stat(redis, "delivered", 1)


def test_another_answer_is_a_retry(redis, listen, start_worker):
    listener = listen("--answer", "503", "--json")
    set_hook(redis, 438, "main", url=listener.url)
    start_worker(retry_schedule="100ms,1h")
    enqueue(redis, message_event(438))
    first, second = listener.requests(2)
    assert first["answered"] == second["answered"] == 503
    assert "signature_valid" not in first
    ids = [dict(one["headers"])["webhook-id"] for one in (first, second)]
    assert ids[0] == ids[1]


def test_text_for_eyes(listen):
    listener = listen("--secret", SECRET)
    body = b'{"message":{"roomId":438}}'
    assert listener.post(body, **signed(SECRET, body)) == 200
    wait_until(lambda: "answered" in listener.text(), 10, "the request")
    text = listener.text()
    assert re.match(r"\d{4}-\d\d-\d\dT[0-9:.]+Z from 127\.0\.0\.1:\d+\nPOST /hook\n", text)
    assert "\nwebhook-id: msg_1\n" in text.lower()
    assert '\n\n{\n  "message": {\n    "roomId": 438\n  }\n}\n\nsignature valid\n' in text
    assert text.endswith("\nanswered 200\n\n")


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({}, "there is no webhook-id"),
        (signed(OTHER_SECRET, b"{}"), "another secret"),
        (signed(SECRET, b"{ }"), "the request was changed"),
        (signed(SECRET, b"{}", at=time.time() - 1000), "s off, 300 are allowed"),
        ({**signed(SECRET, b"{}"), "webhook_timestamp": "now"}, "not a number"),
    ],
)
def test_what_is_wrong_with_a_signature_is_said(listen, headers, why):
    listener = listen("--secret", SECRET, "--json")
    assert listener.post(b"{}", **headers) == 200
    [shown] = listener.requests(1)
    assert shown["signature_valid"] is False and why in shown["signature_error"]


def test_one_of_several_secrets_is_enough(listen):
    listener = listen("--secret", OTHER_SECRET, "--secret", SECRET, "--json")
    listener.post(b"{}", **signed(SECRET, b"{}"))
    assert listener.requests(1)[0]["signature_valid"] is True


def test_a_silent_connection_and_a_broken_one_hold_up_nobody(listen):
    listener = listen("--json")
    with (
        socket.create_connection(("127.0.0.1", listener.port)) as silent,
        socket.create_connection(("127.0.0.1", listener.port), timeout=10) as broken,
    ):
        silent.sendall(b"POST / HTTP/1.1\r\n")
        broken.sendall(b"hello\r\n\r\n")
        assert broken.recv(100).startswith(b"HTTP/1.1 400 ")
        assert listener.post() == 200
        silent.sendall(b"Content-Length: 2\r\n\r\n{}")
        assert silent.recv(100).startswith(b"HTTP/1.1 200 ")
    assert [one["target"] for one in listener.requests(2)] == ["/hook", "/"]


def test_what_a_stranger_sends_does_not_steer_the_terminal(listen):
    listener = listen()
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as one:
        one.sendall(b"POST / HTTP/1.1\r\nA: \xc2\x9b2J \xff\r\n")
        one.sendall(b"Content-Length: 2\r\n\r\n\x1b\xff")
        assert one.recv(100).startswith(b"HTTP/1.1 200 ")
    wait_until(lambda: "answered" in listener.text(), 10, "the request")
    assert not re.search(r"[^\n -~\ufffd]", listener.text())


def test_a_signal_ends_it(listen):
    for number in (signal.SIGINT, signal.SIGTERM):
        listener = listen()
        listener.process.send_signal(number)
        assert listener.process.wait(timeout=10) == 0


@pytest.mark.parametrize("arguments", [["--answer=99"], ["--port=65536"], ["--secret=mine"]])
def test_wrong_usage(cli, arguments):
    done = cli("listen", *arguments, check=False)
    assert done.returncode == 2 and arguments[0].partition("=")[0] in done.stderr


def test_a_port_in_use_is_said(cli, listen):
    done = cli("listen", f"--port={listen().port}", check=False)
    assert done.returncode == 1 and "Address already in use" in done.stderr
