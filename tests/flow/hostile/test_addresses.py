"""Where webhooks may go: a refused address or URL is a dead letter, and no connection is made."""

import pytest

from receiver import Receiver
from sanitizer import preload
from webhook_queue import assert_queue_empty, enqueue, message_event, set_hook, wait_dead


def check_blocked(redis, receiver, n):
    """All n hooks have a letter that tells nothing but that."""
    letters = wait_dead(redis, n, timeout=20)
    assert {letter["reason"] for letter in letters} == {"blocked"}
    for letter in letters:
        assert letter["error"].strip()
        assert "status" not in letter
    assert_queue_empty(redis)
    assert receiver.connections == 0


def test_loopback_is_blocked_by_default(redis, start_worker):
    with Receiver(host="0.0.0.0") as receiver:
        hosts = {
            "plain": "127.0.0.1",
            "other": "127.9.9.9",
            "decimal": "2130706433",
            "hex": "0x7f000001",
            "octal": "0177.0.0.1",
            "short": "127.1",
            "any": "0.0.0.0",
            "mapped": "[::ffff:127.0.0.1]",
            "six": "[::1]",
            "any-six": "[::]",
        }
        for name, host in hosts.items():
            set_hook(redis, 438, name, url=receiver.url(host=host))
        start_worker(allow_address=None)
        enqueue(redis, message_event())
        check_blocked(redis, receiver, len(hosts))


def test_without_a_guard_that_is_asked_no_worker_starts(redis_server, roomhook_bin, start_worker):
    """Whatever the rules open: it finds out by itself, before it takes an event."""
    deaf = roomhook_bin.parent / "tests" / "libdeaf_libcurl.so"
    worker = start_worker(env=preload(deaf), wait_ready=False)
    worker.expected_exit = 1
    assert "the address guard did not refuse" in worker.wait_log("cannot_start")["why"]
    assert worker.wait(10) == 1


def test_a_rule_opens_no_more_than_it_says(redis, receiver, start_worker):
    with Receiver() as other_port, Receiver(host="127.0.0.2") as other_address:
        set_hook(redis, 1, "a", url=receiver.url("/"))
        set_hook(redis, 2, "port", url=other_port.url("/"))
        set_hook(redis, 2, "address", url=other_address.url("/"))
        start_worker(allow_address=f"127.0.0.1/32:{receiver.port}")
        enqueue(redis, message_event(room=1))
        receiver.wait_for(1)
        enqueue(redis, message_event(room=2))
        check_blocked(redis, other_port, 2)
        assert other_address.connections == 0


def test_private_and_metadata_addresses_are_blocked(redis, receiver, start_worker):
    """A rule for loopback opens nothing else. These are refused before any packet."""
    hosts = ["10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.100.100.200"]
    hosts += ["224.0.0.1", "255.255.255.255"]
    hosts += ["[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]", "[ff02::1]"]
    for n, host in enumerate(hosts):
        set_hook(redis, 438, f"h{n}", url=f"http://{host}/")
    start_worker()
    enqueue(redis, message_event())
    check_blocked(redis, receiver, len(hosts))


def bad_port_receiver():
    """A receiver on a port that a browser would refuse, too."""
    for port in (10080, 6697, 6669, 6668, 6667, 6666, 6665, 6566, 5061, 5060, 4190):
        try:
            return Receiver(port=port)
        except OSError:
            continue
    pytest.skip("all the ports for this test are taken")


def test_ports_of_other_protocols_are_blocked(redis, start_worker):
    with bad_port_receiver() as receiver:
        set_hook(redis, 438, "main", url=receiver.url())
        start_worker()
        enqueue(redis, message_event())
        check_blocked(redis, receiver, 1)


def test_our_own_redis_is_blocked(redis, redis_server, receiver, start_worker):
    """Whatever the rules say, and by whatever address of its machine."""
    port = redis_server.port
    hosts = ("127.0.0.1", "127.0.0.2", "[::1]")
    for n, host in enumerate(hosts):
        set_hook(redis, 438, f"h{n}", url=f"http://{host}:{port}/")
    start_worker(allow_address=["127.0.0.0/8", f"127.0.0.0/8:{port}", f"[::1]:{port}"])
    enqueue(redis, message_event())
    check_blocked(redis, receiver, len(hosts))


def test_a_proxy_in_the_environment_is_not_used(redis, receiver, start_worker):
    with Receiver() as proxy:
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")
        set_hook(redis, 438, "main", url=receiver.url("/direct"))
        start_worker(env={name: proxy.url() for name in names})
        enqueue(redis, message_event())
        receiver.wait_for(1, "/direct")
        assert proxy.connections == 0


def test_https_only(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(https_only="yes")
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis)
    assert letter["reason"] in ("blocked", "bad-url")
    assert_queue_empty(redis)
    assert receiver.connections == 0
