"""A peer chooses much of what a handshake costs. None may cost so much that others wait for it, and
what is refused for that has an error that names the cause."""

import struct

import pytest

from batch import Batch
from costly_tls import costly, dhe_only, ordinary
from hostile_tls import NastyTls
from sanitizer import preload
from wait import wait_until

CALL_MAX_MS = 20


@pytest.fixture
def call_cpu(roomhook_bin, tmp_path):
    """call_cpu.longest_ms() of a worker started with env=call_cpu.env, since it was asked last."""

    class CallCpu:
        path = tmp_path / "call_cpu"
        env = {
            **preload(roomhook_bin.parent / "tests" / "libcall_cpu.so"),
            "CALL_CPU": str(path),
        }

        def longest_ms(self):
            with open(self.path, "r+b") as file:
                (longest_ns,) = struct.unpack("=q", file.read())
                file.seek(0)
                file.write(bytes(8))
            return longest_ns / 1e6

    CallCpu.path.write_bytes(bytes(8))
    return CallCpu()


@pytest.fixture
def start_tls_worker(start_far_worker, certificates, call_cpu):
    def start(**settings):
        settings = {"timeout": "3s", "connect_timeout": "3s", **settings}
        return start_far_worker(ca_file=certificates.ca, env=call_cpu.env, **settings)

    return start


def test_no_peer_sets_the_price(redis, network, names, certificates, start_tls_worker, call_cpu):
    """One at a time: of each the longest call, which is nearly all there is."""
    peers = costly(certificates)
    servers = {name: server for name, (server, _) in peers.items()}
    took_ms, outcomes, errors = {}, {}, {}
    with NastyTls(network.world, names, certificates, servers) as running:
        start_tls_worker()
        for name in peers:
            call_cpu.longest_ms()
            batch = Batch(redis)
            batch.add(name, running.url(name))
            outcomes |= batch.run(60)
            took_ms[name] = call_cpu.longest_ms()
            errors[name] = (batch.record(name) or {"error": "none"})["error"]
            print(f"{name}: {took_ms[name]:.1f} ms, {errors[name]}")
    assert outcomes == {name: server.expected for name, server in servers.items()}
    assert {name: ms for name, ms in took_ms.items() if ms >= CALL_MAX_MS} == {}
    untold = [name for name, (_, told) in peers.items() if told not in errors[name]]
    assert untold == [], errors


def test_what_offers_only_dhe_is_retried_and_the_letter_says_why(
    redis, network, names, certificates, start_tls_worker
):
    with NastyTls(network.world, names, certificates, {"dhe": dhe_only(certificates, 2048)}) as run:
        worker = start_tls_worker(retry_schedule="100ms")
        batch = Batch(redis)
        batch.add("dhe", run.url("dhe"))
        batch.send()
        wait_until(lambda: batch.letters(), 10, "the dead letter")
    letter = batch.letters()["dhe"]
    assert (letter["reason"], letter["attempts"]) == ("exhausted", "2")
    assert "TLS 1.2 with ECDHE" in letter["error"]
    assert "TLS 1.2 with ECDHE" in worker.wait_log("retry")["error"]


def test_ordinary_receivers_are_served(
    redis, network, names, certificates, start_tls_worker, call_cpu
):
    servers = ordinary()
    with NastyTls(network.world, names, certificates, servers) as running:
        batch = Batch(redis)
        for name in servers:
            batch.add(name, running.url(name))
        start_tls_worker(timeout="30s", connect_timeout="30s")
        call_cpu.longest_ms()
        assert set(batch.run(40).values()) == {"delivered"}
    assert call_cpu.longest_ms() < CALL_MAX_MS
