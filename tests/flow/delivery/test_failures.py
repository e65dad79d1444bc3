"""Attempts without a proper answer: connections, TLS, hostile servers, answers too early."""

import shutil
import socket
import time

import pytest

from certificates import Certificates
from child import refused_port
from receiver import (
    Answer,
    Close,
    EarlyAnswer,
    Hang,
    Informational,
    Raw,
    Receiver,
    Reset,
    Trickle,
)
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    encode,
    enqueue,
    message_event,
    set_hook,
    wait_dead,
    wait_stat,
)

FAILURES = {
    "closed without an answer": Close(),
    "reset without an answer": Reset(),
    "never answered": Hang(),
    "half a status line": Raw(b"HTTP/1.1 2"),
    "not HTTP": Raw(b"SSH-2.0-OpenSSH_9.2\r\n", "close"),
    "HTTP/0.9": Raw(b"hello", "close"),
    "very many informational answers": Informational(2000),
    "informational answers without end": Informational(None, pause=0.01),
    "switching protocols": Raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "headers without end": Raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000, "close"),
}
# Whether the final status is reached depends on the limit for headers: either verdict is fine.
UNDECIDED = {"headers without end", "very many informational answers"}


@pytest.mark.parametrize("name", FAILURES)
def test_failures_without_an_answer_are_retried(redis, receiver, start_worker, name):
    receiver.script("/", [FAILURES[name], Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms", timeout="700ms")
    enqueue(redis, message_event())
    if name in UNDECIDED:
        receiver.wait_for(1)
    else:
        first, second = receiver.wait_for(2)
        assert first.header("webhook-id") == second.header("webhook-id")
        assert first.body == second.body
    assert_queue_empty(redis)
    assert dead_letters(redis) == []


def check_exhausted(letter, attempts=2):
    assert letter["reason"] == "exhausted", letter
    assert letter["attempts"] == str(attempts)
    assert letter["error"].strip()
    assert "status" not in letter
    assert letter["first_attempt_at"] < letter["last_attempt_at"]


def test_a_refused_connection(redis, start_worker):
    sock, port = refused_port()
    with sock:
        set_hook(redis, 438, "main", url=f"http://127.0.0.1:{port}/")
        start_worker(retry_schedule="100ms")
        enqueue(redis, message_event())
        (letter,) = wait_dead(redis)
        check_exhausted(letter)
        assert_queue_empty(redis)


def test_a_name_that_does_not_resolve(redis, start_worker):
    set_hook(redis, 438, "main", url="http://no-such-host.invalid/")
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis, timeout=20)
    check_exhausted(letter)
    assert_queue_empty(redis)


def test_a_connection_that_is_never_accepted(redis, start_worker):
    """A full backlog drops SYNs: connect-timeout ends it."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        fillers = []
        for _ in range(3):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
            fillers.append(filler)
        set_hook(redis, 438, "main", url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        start_worker(retry_schedule="100ms", timeout="2s", connect_timeout="300ms")
        started = time.monotonic()
        enqueue(redis, message_event())
        (letter,) = wait_dead(redis)
        check_exhausted(letter)
        assert 0.6 <= time.monotonic() - started < 2.5
        for filler in fillers:
            filler.close()


def test_one_deadline_over_everything(redis, receiver, start_worker):
    """A hook's timeout lowers the setting and covers an answer that trickles in."""
    receiver.script("/", [Trickle(pause=0.05), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url(), timeout="400ms")
    start_worker(retry_schedule="100ms", retry_jitter="0%", timeout="10s")
    enqueue(redis, message_event())
    first, second = receiver.wait_for(2)
    assert 0.4 <= second.arrived - first.arrived < 1.2


# TLS


def test_tls_with_a_trusted_certificate(redis, certificates, start_worker):
    with Receiver(tls=certificates.server_context(certificates.good())) as secure:
        set_hook(redis, 1, "ip", url=secure.url("/ip"))
        set_hook(redis, 1, "name", url=secure.url("/name", host="localhost"))
        start_worker(retry_schedule="100ms", ca_file=certificates.ca)
        enqueue(redis, message_event(room=1))
        secure.wait_for(2, timeout=5)
        assert_queue_empty(redis)
        assert len(secure.requests()) == 2


def test_another_ca_file(redis, certificates, tmp_path, start_worker):
    """It holds from the next heartbeats on, without a restart."""
    ca = tmp_path / "ca.pem"
    shutil.copy(Certificates(tmp_path / "others").ca, ca)
    with Receiver(tls=certificates.server_context(certificates.good())) as secure:
        set_hook(redis, 438, "main", url=secure.url())
        worker = start_worker(retry_schedule="200ms", retry_jitter="0%", heartbeat_ttl="3s",
                              ca_file=ca)  # fmt: skip
        enqueue(redis, message_event())
        assert "certificate" in wait_dead(redis)[0]["error"]
        new = tmp_path / "new.pem"
        shutil.copy(certificates.ca, new)
        new.rename(ca)
        worker.wait_log("ca_file_changed")
        enqueue(redis, message_event())
        secure.wait_for(1, timeout=10)
        assert_queue_empty(redis)


@pytest.mark.parametrize("fault", ["expired", "wrong_name", "unknown_ca", "not_tls"])
def test_tls_failures_send_nothing(redis, certificates, tmp_path, start_worker, fault):
    make = {"expired": certificates.expired, "wrong_name": certificates.wrong_name}
    pair = make.get(fault, certificates.good)()
    tls = None if fault == "not_tls" else certificates.server_context(pair)
    settings = {"timeout": "1s"}
    if fault != "unknown_ca":
        settings["ca_file"] = certificates.ca
    with Receiver(tls=tls) as secure:
        url = secure.url("/secret").replace("http://", "https://")
        set_hook(redis, 438, "main", url=url, verificationSignature="canary")
        start_worker(retry_schedule="100ms", **settings)
        enqueue(redis, message_event())
        (letter,) = wait_dead(redis)
        check_exhausted(letter)
        assert fault == "not_tls" or "tls" in letter["error"].lower()
        assert_queue_empty(redis)
        assert secure.requests() == []


# an answer before the request was read


def big_event():
    return message_event(text="x" * 200_000)


def test_an_early_2xx_does_not_count(redis, start_worker):
    with Receiver(narrow=True) as receiver:
        receiver.script("/", [EarlyAnswer(200), EarlyAnswer(200)])
        set_hook(redis, 438, "main", url=receiver.url())
        start_worker(retry_schedule="100ms", timeout="2s")
        enqueue(redis, big_event())
        (letter,) = wait_dead(redis)
        assert letter["reason"] == "exhausted"
        assert letter["attempts"] == "2"
        assert "early-response" in letter["error"]
        assert_queue_empty(redis)
        assert len(receiver.requests()) == 2


def test_an_early_2xx_counts_when_the_kernel_took_the_rest(redis, start_worker):
    """As docs/protocol.md says: nothing tells whether the receiver read what its kernel took."""
    with Receiver() as receiver:
        receiver.script("/", [EarlyAnswer(200)])
        set_hook(redis, 438, "main", url=receiver.url())
        start_worker(retry_schedule="100ms", timeout="2s")
        enqueue(redis, message_event(438))
        wait_stat(redis, "delivered", 1)
        (request,) = receiver.requests()
        assert request.body == b""
        assert_queue_empty(redis)


def test_an_early_2xx_is_retried_and_delivered(redis, start_worker):
    with Receiver(narrow=True) as receiver:
        receiver.script("/", [EarlyAnswer(200), Answer(200)])
        set_hook(redis, 438, "main", url=receiver.url(), format="bare")
        start_worker(retry_schedule="100ms", timeout="5s")
        event = big_event()
        enqueue(redis, event)
        _, second = receiver.wait_for(2)
        parts = {name: event[name] for name in ("message", "fromUser", "room")}
        assert second.body == encode(parts, "json")
        assert_queue_empty(redis)


def test_an_early_refusal_counts(redis, start_worker):
    with Receiver(narrow=True) as receiver:
        receiver.script("/", [EarlyAnswer(413), Answer(200)])
        set_hook(redis, 438, "main", url=receiver.url())
        start_worker(retry_schedule="100ms", timeout="2s")
        enqueue(redis, big_event())
        (letter,) = wait_dead(redis)
        assert (letter["reason"], letter["status"]) == ("rejected", "413")
        assert_queue_empty(redis)
