"""Transports: client certificates, CAs and proxies of the settings file, named by hooks."""

import shutil
import signal
import ssl
import subprocess

import pytest
from certificates import Certificates, encrypted
from connect_proxy import ConnectProxy
from receiver import Receiver
from wait import wait_until
from webhook_queue import assert_queue_empty, dead_letters, enqueue, message_event, set_hook


@pytest.fixture
def ours(certificates):
    """(certificate, key) that receivers know us by"""
    return certificates.server("ours", "", usage="clientAuth")


@pytest.fixture
def strict(certificates):
    """A receiver that wants a certificate of its callers."""
    context = Certificates.server_context(certificates.good(), verify_mode=ssl.CERT_REQUIRED)
    context.load_verify_locations(certificates.ca)
    with Receiver(tls=context) as one:
        yield one


@pytest.fixture
def config(tmp_path):
    """config({"partner": {"cert": path}}) -> path of a settings file"""

    def write(transports):
        path = tmp_path / "worker.conf"
        sections = [
            f"[transport {name}]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
            for name, lines in transports.items()
        ]
        path.write_text("\n".join(sections))
        return path

    return write


def test_a_receiver_knows_us_by_our_certificate(
    redis, certificates, strict, ours, config, start_worker
):
    set_hook(redis, 1, "main", url=strict.url("/"), transport="partner")
    set_hook(redis, 2, "main", url=strict.url("/"))
    partner = {"cert": ours[0], "key": ours[1], "ca-file": certificates.ca}
    worker = start_worker(
        ca_file=certificates.ca, config=config({"partner": partner}), retry_schedule="1h"
    )
    enqueue(redis, message_event(room=1))
    (request,) = strict.wait_for(1)
    assert ((("commonName", "ours"),),) == request.tls.getpeercert()["subject"]
    assert_queue_empty(redis)
    # The connection is kept, but not for others.
    enqueue(redis, message_event(room=2))
    assert worker.wait_log("retry", room=2)["status"] == "0"
    enqueue(redis, message_event(room=1))
    assert strict.wait_for(2)[1].connection == request.connection


def test_each_trusts_its_own_authority(redis, certificates, config, start_worker):
    stranger = certificates.stranger()
    with Receiver(tls=Certificates.server_context(stranger.good())) as other:
        set_hook(redis, 1, "main", url=other.url("/"), transport="partner")
        set_hook(redis, 2, "main", url=other.url("/"))
        worker = start_worker(
            ca_file=certificates.ca,
            config=config({"partner": {"ca-file": stranger.ca}}),
            retry_schedule="1h",
        )
        enqueue(redis, message_event(room=1))
        other.wait_for(1)
        enqueue(redis, message_event(room=2))
        assert "certificate" in worker.wait_log("retry", room=2)["error"]
        assert len(other.requests()) == 1


def test_each_has_its_own_proxy(redis, receiver, config, start_worker):
    with ConnectProxy() as usual, ConnectProxy() as other:
        for room, transport in enumerate(["other", "direct", None], 1):
            extra = {"transport": transport} if transport else {}
            set_hook(redis, room, "main", url=receiver.url(f"/{room}"), **extra)
        transports = {"other": {"proxy": other.url}, "direct": {"proxy": ""}}
        start_worker(proxy=usual.url, config=config(transports))
        for room in (1, 2, 3):
            enqueue(redis, message_event(room=room))
            receiver.wait_for(1, f"/{room}")
        assert [target for _, target in other.asked()] == [receiver.url("/1")]
        assert [target for _, target in usual.asked()] == [receiver.url("/3")]


def test_an_unknown_one_is_waited_for(redis, receiver, config, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/"), transport="partner")
    worker = start_worker(retry_schedule="1s", retry_jitter="0%")
    enqueue(redis, message_event())
    retry = worker.wait_log("retry")
    assert retry["error"] == "connect: the worker's settings have no transport partner"
    assert not dead_letters(redis)
    worker.terminate()
    start_worker(config=config({"partner": {}}))
    receiver.wait_for(1)
    assert_queue_empty(redis)


def test_they_are_read_again(redis, certificates, strict, ours, config, start_worker):
    """A new one, another one of the same name, and one that is gone."""
    set_hook(redis, 438, "main", url=strict.url("/"), transport="partner")
    known = {"cert": ours[0], "key": ours[1], "ca-file": certificates.ca}
    path = config({})
    worker = start_worker(config=path, retry_schedule="1s", retry_jitter="0%")

    def reload(transports, n):
        config(transports)
        worker.signal(signal.SIGHUP)
        wait_until(lambda: len(worker.logged("settings_reloaded")) == n, 5, "the reload")

    enqueue(redis, message_event())
    worker.wait_log("retry")
    reload({"partner": known}, 1)
    (request,) = strict.wait_for(1)
    assert_queue_empty(redis)
    reload({"other": {}, "partner": known}, 2)
    enqueue(redis, message_event())
    assert strict.wait_for(2)[1].connection == request.connection
    assert_queue_empty(redis)
    reload({"partner": {"ca-file": certificates.ca}}, 3)
    enqueue(redis, message_event())
    wait_until(lambda: len(worker.logged("retry")) == 2, 5, "one without a certificate")
    assert len(strict.requests()) == 2


def run(roomhook_bin, path, *arguments):
    return subprocess.run(
        [roomhook_bin / "roomhook-worker", "--config", path, *arguments],
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip


def test_they_are_checked(roomhook_bin, certificates, ours, config, tmp_path):
    other_key = certificates.good()[1]
    for lines, expected in [
        ({"cert": "/nowhere", "key": ours[1]}, 'partner: cert "/nowhere" cannot be used'),
        ({"cert": ours[0], "key": other_key}, "mismatch"),
        ({"cert": ours[0], "key": encrypted(ours[1], tmp_path)}, "it is encrypted"),
        ({"cert": ours[0]}, "must be given together"),
        ({"ca-file": "/nowhere"}, 'ca "/nowhere" cannot be used'),
        ({"certificate": ours[0]}, "a transport has cert, key, ca-file and proxy"),
    ]:
        done = run(roomhook_bin, config({"partner": lines}), "--check")
        assert done.returncode == 2
        assert expected in done.stderr
        assert run(roomhook_bin, config({"partner": lines})).returncode != 0
    readable = tmp_path / "readable.key"
    shutil.copy(ours[1], readable)
    readable.chmod(0o644)
    path = config({"partner": {"cert": ours[0], "key": readable}})
    done = run(roomhook_bin, path, "--check")
    assert done.returncode == 0
    assert "every user of this machine may read it" in done.stderr
    assert f"[transport partner]\ncert = {ours[0]}\nkey = {readable}\n" in run(
        roomhook_bin, path, "--print-settings"
    ).stdout  # fmt: skip


def test_hook_set_stores_one(redis, cli):
    url = "https://a.example/"
    shown = cli("hook", "set", "--room", "1", "--url", url, "--transport", "partner").stdout
    assert "transport              partner\n" in shown
    refused = cli("hook", "set", "--room", "1", "--transport", "no name", check=False)
    assert refused.returncode == 2
    assert "transport: must be 1..64 of" in refused.stderr
    assert "transport" not in cli("hook", "set", "--room", "1", "--transport", "none").stdout
