"""A new connection resumes the session of TLS that its receiver offered before, and no other's."""

import os
import shutil
import ssl

import pytest
from certificates import Certificates
from receiver import Answer, Receiver
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook

CLOSE = Answer(200, (("Connection", "close"),))


@pytest.fixture
def secure(certificates):
    """secure(pair, **options) -> Receiver over TLS that keeps no connection."""
    receivers = []

    def start(pair=None, **options):
        context = Certificates.server_context(pair or certificates.good(), **options)
        receivers.append(Receiver(tls=context))
        receivers[-1].script("/", CLOSE)
        return receivers[-1]

    yield start
    for receiver in receivers:
        receiver.stop()


def send(redis, receiver, n=1, room=438):
    """Sends n events one after the other; which of their connections resumed a session."""
    resumed = []
    for _ in range(n):
        before = len(receiver.requests())
        enqueue(redis, message_event(room))
        resumed.append(receiver.wait_for(before + 1)[-1].tls.session_reused)
    return resumed


def no_tickets():
    """Sessions that the server keeps and names by their ids."""
    return {"options": ssl.OP_ALL | ssl.OP_NO_TICKET}


@pytest.mark.parametrize(
    "options",
    [{}, {"maximum_version": ssl.TLSVersion.TLSv1_2},
     {"maximum_version": ssl.TLSVersion.TLSv1_2, **no_tickets()}],
    ids=["TLS 1.3", "TLS 1.2, tickets", "TLS 1.2, ids"],
)  # fmt: skip
def test_a_session_is_resumed(redis, certificates, secure, start_worker, options):
    receiver = secure(**options)
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(ca_file=certificates.ca)
    assert send(redis, receiver, 5) == [False, True, True, True, True]
    assert len({request.connection for request in receiver.requests()}) == 5
    assert_queue_empty(redis)


def test_not_with_another_receiver(redis, certificates, secure, start_worker):
    """Of the same certificate: another port, and another name of the same port."""
    pair = certificates.good()
    first, second = secure(pair), secure(pair)
    set_hook(redis, 1, "main", url=first.url())
    set_hook(redis, 2, "main", url=second.url())
    set_hook(redis, 3, "main", url=first.url(host="localhost"))
    start_worker(ca_file=certificates.ca)
    assert send(redis, first, 2, room=1) == [False, True]
    assert send(redis, second, 2, room=2) == [False, True]
    assert send(redis, first, 2, room=3) == [False, True]


def test_not_when_what_is_trusted_changed(redis, certificates, secure, start_worker, tmp_path):
    trusted = tmp_path / "ca.pem"
    shutil.copy(certificates.ca, trusted)
    receiver = secure()
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(ca_file=trusted, heartbeat_ttl="3s")
    assert send(redis, receiver, 2) == [False, True]
    shutil.copy(certificates.ca, tmp_path / "other.pem")
    os.replace(tmp_path / "other.pem", trusted)
    worker.wait_log("ca_file_changed")
    assert send(redis, receiver) == [False]


def test_a_failed_handshake_ends_it(redis, certificates, secure, start_worker):
    """A receiver whose certificate is for another name is resumed no more once it has mended it."""
    context = Certificates.server_context(
        certificates.wrong_name(), maximum_version=ssl.TLSVersion.TLSv1_2
    )
    with Receiver(tls=context) as receiver:
        receiver.script("/", CLOSE)
        set_hook(redis, 438, "main", url=receiver.url())
        worker = start_worker(ca_file=certificates.ca, retry_schedule="1h")
        enqueue(redis, message_event())
        worker.wait_log("retry")
        context.load_cert_chain(*certificates.good())
        assert send(redis, receiver, 2) == [False, True]
