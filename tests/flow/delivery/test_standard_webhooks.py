"""What workers send is verified by the reference library of Standard Webhooks, from npm."""

import json
import subprocess

import node_packages
import pytest
from receiver import Answer
from wait import wait_until
from webhook_queue import enqueue, message_event, now_ms, set_hook

NEW = "whsec_bmV3ZXN0LXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg="
OLD = "whsec_b2xkZXItc2VjcmV0LW9mLTMyLWJ5dGVzLWxlbmd0aC4="
OTHER = "whsec_c29tZWJvZHktZWxzZSdzLW9mLTMyLWJ5dGVzLi4uLi4="


@pytest.fixture(scope="session")
def verify():
    """verify(secret, request) -> "verified", or the library's objection."""
    node_packages.install()
    command, environment = node_packages.node("verify.js")

    def run(secret, request):
        line = {"secret": secret, "headers": dict(request.headers), "body": request.body.decode()}
        done = subprocess.run(
            command, input=json.dumps(line) + "\n", capture_output=True, text=True,
            env=environment, timeout=60, check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.mark.parametrize("body_format", ["spika", "bare", "standard"])
def test_requests_are_verified(verify, redis, receiver, start_worker, body_format):
    start_worker()
    set_hook(redis, 438, "main", url=receiver.url(), secret=NEW, format=body_format,
             verificationSignature="9JOLCJUVylQxxdhX")
    enqueue(redis, message_event(text='žluťoučký "kůň" \U0001f40e \\ \x7f'))
    [request] = receiver.wait_for(1)
    assert verify(NEW, request) == "verified"
    assert verify(OTHER, request) == "No matching signature found"
    # The older kind of credential is always beside it.
    assert request.header("Verification-Signature") == "9JOLCJUVylQxxdhX"


def test_a_changed_request_is_not_verified(verify, redis, receiver, start_worker):
    start_worker()
    set_hook(redis, 438, "main", url=receiver.url(), secret=NEW)
    enqueue(redis, message_event(text="pay 100"))
    [request] = receiver.wait_for(1)
    headers = {name: value for name, value in request.headers}
    for changed in (
        {"body": request.body.replace(b"100", b"900")},
        {"headers": {**headers, "webhook-id": headers["webhook-id"] + "1"}},
        {"headers": {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) - 1)}},
    ):
        forged = type(request)(**{**vars(request), **changed})
        assert verify(NEW, forged) == "No matching signature found"


def test_every_attempt_is_signed_anew(verify, redis, receiver, start_worker):
    start_worker(retry_schedule="1100ms", retry_jitter="0%")
    receiver.script("/", [Answer(500), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url(), secret=NEW)
    enqueue(redis, message_event())
    first, second = receiver.wait_for(2)
    assert first.header("webhook-id") == second.header("webhook-id")
    assert first.header("webhook-timestamp") != second.header("webhook-timestamp")
    assert verify(NEW, first) == verify(NEW, second) == "verified"


def test_rotation_leaves_no_gap(verify, redis, receiver, start_worker, cli):
    """Before, between and after: one who knows either secret at the time verifies each request."""

    def next_request():
        seen = len(receiver.requests())
        enqueue(redis, message_event())
        return receiver.wait_for(seen + 1)[-1]

    worker = start_worker()
    set_hook(redis, 438, "main", url=receiver.url(), secret=OLD)
    before = next_request()
    assert verify(OLD, before) == "verified"
    worker.terminate()  # the next one has no hooks in its cache

    start_worker()
    new = json.loads(cli("--json", "hook", "rotate", "--room=438", "--keep=4s").stdout)["secret"]
    ends_at = now_ms(redis) + 4000
    between = next_request()
    assert verify(OLD, between) == verify(new, between) == "verified"
    wait_until(lambda: now_ms(redis) > ends_at, 10, "the old secret to end")
    after = next_request()
    assert verify(new, after) == "verified"
    assert verify(OLD, after) == "No matching signature found"
    assert len(after.header("webhook-signature").split(" ")) == 1
