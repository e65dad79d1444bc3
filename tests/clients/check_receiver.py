"""Runs a receiver of docs/receivers with its real library: it must take what a real worker
sends, and refuse with 400 or 401 what is forged, incomplete or malformed."""

import base64
import hashlib
import hmac
import http.client
import json
import socket
import subprocess
import tempfile
import time

from cgi_server import CgiServer
from child import end, free_port, spawn
from redis_server import RedisServer
from wait import wait_until
from webhook_queue import enqueue, key, set_hook, wait_stat
from worker_process import Worker

READY_S = 30
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
OTHER_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
PASSWORD = "9JOLCJUVylQxxdhX"
OTHER_PASSWORD = "9JOLCJUVylQxxdhY"
EVENT = {"message": {"roomId": 438, "body": {"text": "Grüße 👋"}}}
BODY = json.dumps(EVENT, ensure_ascii=False).encode()
REFUSED = (400, 401)


def sign(secret, event_id, sent_at, body):
    content = f"{event_id}.{sent_at}.".encode() + body
    digest = hmac.new(base64.b64decode(secret[6:]), content, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def signed_headers(sent_at=None, secret=SECRET, body=BODY):
    sent_at = str(int(time.time()) if sent_at is None else sent_at)
    return {
        "webhook-id": "msg-24006",
        "webhook-timestamp": sent_at,
        "webhook-signature": sign(secret, "msg-24006", sent_at, body),
    }


def accepted_signatures():
    valid = signed_headers()
    signature = valid["webhook-signature"]
    other = sign(OTHER_SECRET, "msg-24006", valid["webhook-timestamp"], BODY)
    yield "as signed", valid
    yield "beside that of another secret", {**valid, "webhook-signature": f"{other} {signature}"}
    yield "before it", {**valid, "webhook-signature": f"{signature} {other}"}
    yield "names in capitals", {name.title(): value for name, value in valid.items()}
    yield "four minutes ago", signed_headers(int(time.time()) - 240)


def refused_signatures():
    """(what, headers): all of them with the right body."""
    valid = signed_headers()
    signature = valid["webhook-signature"]
    for name in valid:
        yield f"no {name}", {other: value for other, value in valid.items() if other != name}
        yield f"empty {name}", {**valid, name: ""}
    yield "no header at all", {}
    yield "another secret", signed_headers(secret=OTHER_SECRET)
    yield "another body", signed_headers(body=BODY + b" ")
    yield "another id", {**valid, "webhook-id": "msg-24007"}
    earlier = int(valid["webhook-timestamp"]) - 1
    yield "another time", {**valid, "webhook-timestamp": str(earlier)}
    yield "too old", signed_headers(int(time.time()) - 310)
    yield "too new", signed_headers(int(time.time()) + 360)
    for bad in ("x", "-1", "0x10", "1e400", "nan", "9" * 12, "9" * 30, "9" * 400, "é", "1.5"):
        yield f"time {bad[:20]}", {**valid, "webhook-timestamp": bad}
    digest = signature[3:]
    for bad in (
        "v1", "v1,", ",", " ", "v1,,", "x", digest, f"v2,{digest}", f"v1a,{digest}", "v1,é", "é",
        f"v1,{digest[:-2]}", f"v1,AAAA{digest}", f"v1,{digest[:8]}", f"v1,{digest.swapcase()}",
        "v1,====", "v1,%%%%", "v1," + "A" * 5000, " ".join(["v1,AAAA"] * 500), f"v1 {digest}",
    ):  # fmt: skip
        yield f"signature {bad[:20]}", {**valid, "webhook-signature": bad}


def refused_passwords():
    yield "no password", {}
    others = (PASSWORD[:-1], PASSWORD + "x", PASSWORD.lower(), "é", "x" * 5000)
    for bad in ("", OTHER_PASSWORD, *others):
        yield f"password {bad[:20]}", {"Verification-Signature": bad}


class Running:
    """The receiver as a process, or behind a CGI server."""

    def __init__(self, program, argv):
        secrets = {"WEBHOOK_SECRET": SECRET, "VERIFICATION_SIGNATURE": PASSWORD}
        self._cgi = self._process = None
        self._log = tempfile.TemporaryFile()
        if program.cgi:
            self._cgi = CgiServer(argv, program.full_environment(**secrets))
            self.port = self._cgi.port
            return
        self.port = free_port()
        argv = [word.replace("PORT", str(self.port)) for word in argv]
        self._process = spawn(
            argv, stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            env=program.full_environment(**secrets, PORT=str(self.port)),
        )  # fmt: skip
        try:
            wait_until(self._listens, READY_S, lambda: f"it to listen:\n{self.log()}")
        except BaseException:
            self.stop()
            raise

    def _listens(self):
        assert self._process.poll() is None, f"it ended:\n{self.log()}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        if self._cgi:
            return self._cgi.errors
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def stop(self):
        if self._cgi:
            self._cgi.stop()
        elif self._process.poll() is None:
            end(self._process)

    def url(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def post(self, path, headers, body=BODY):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.putrequest("POST", path, skip_accept_encoding=True)
            connection.putheader("Content-Length", str(len(body)))
            for name, value in headers.items():
                connection.putheader(name, value.encode("latin-1"))
            connection.endheaders(body)
            return connection.getresponse().status
        finally:
            connection.close()


def check_requests(running):
    """Returns how many were refused."""
    accepted = [("/signed", *case) for case in accepted_signatures()]
    accepted.append(("/password", "as set", {"Verification-Signature": PASSWORD}))
    for path, what, headers in accepted:
        status = running.post(path, headers)
        assert status == 204, f"{path}: {what}: {status}, not 204:\n{running.log()}"
    refused = 0
    for path, cases in (("/signed", refused_signatures()), ("/password", refused_passwords())):
        for what, headers in cases:
            status = running.post(path, headers)
            assert status in REFUSED, f"{path}: {what}: {status}, not 401:\n{running.log()}"
            refused += 1
    assert running.post("/signed", signed_headers()) == 204, "it takes nothing any more"
    return refused


def status_of_test_event(redis, hook):
    """What the receiver answered to a test event for this hook of room 439."""
    stream_id = enqueue(redis, {"message": {"roomId": 439}}, hook=hook, test="1")
    reply = wait_until(lambda: redis.get(key(f"reply:{stream_id}")), 20, f"a reply for {hook}")
    return json.loads(reply).get("status")


def check_deliveries(running, build_folder):
    """Those of a real worker: of hooks with the right secrets, and of hooks with others."""
    signed, password = running.url("/signed"), running.url("/password")
    with RedisServer() as server:
        redis = server.client()
        set_hook(redis, 438, "signed", url=signed, secret=[OTHER_SECRET, SECRET])
        set_hook(redis, 438, "password", url=password, verificationSignature=PASSWORD)
        set_hook(redis, 439, "signed", url=signed, secret=OTHER_SECRET)
        set_hook(redis, 439, "password", url=password, verificationSignature=OTHER_PASSWORD)
        worker = Worker(build_folder / "bin" / "roomhook-worker", server.url)
        try:
            enqueue(redis, EVENT)
            wait_stat(redis, "delivered", 2, timeout=20)
            for hook in ("signed", "password"):
                status = status_of_test_event(redis, hook)
                assert status in REFUSED, f"a worker with another {hook}: {status}"
        finally:
            worker.finish()


def check(program, argv, build_folder):
    running = Running(program, argv)
    try:
        check_deliveries(running, build_folder)
        refused = check_requests(running)
    finally:
        running.stop()
    return f"takes deliveries, refuses {refused} others"
