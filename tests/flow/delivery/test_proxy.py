"""Webhooks through a proxy: settings proxy, proxy-password-file, no-proxy."""

import pytest
from certificates import Certificates
from connect_proxy import ConnectProxy
from receiver import Answer, Receiver
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    enqueue,
    message_event,
    set_hook,
    wait_dead,
)

SIGNATURE = "abcdefghijkl"


@pytest.fixture
def secure(certificates):
    with Receiver(tls=Certificates.server_context(certificates.good())) as one:
        yield one


def deliver(redis, receiver, url=None):
    set_hook(redis, 438, "main", url=url or receiver.url("/"), verificationSignature=SIGNATURE)
    enqueue(redis, message_event())
    (request,) = receiver.wait_for(1)
    return request


def test_https_goes_through_a_tunnel(redis, certificates, secure, start_worker):
    with ConnectProxy() as proxy:
        start_worker(ca_file=certificates.ca, proxy=proxy.url)
        deliver(redis, secure)
        assert_queue_empty(redis)
        enqueue(redis, message_event())
        secure.wait_for(2)
        assert_queue_empty(redis)
        assert proxy.asked() == [("CONNECT", f"127.0.0.1:{secure.port}")]  # kept, and used again
        assert SIGNATURE.encode() not in proxy.heads()[0]


def test_http_is_passed_on(redis, receiver, start_worker):
    with ConnectProxy() as proxy:
        start_worker(proxy=proxy.url)
        deliver(redis, receiver)
        assert_queue_empty(redis)
        assert proxy.asked() == [("POST", receiver.url("/"))]


def test_it_looks_up_what_the_worker_cannot(redis, certificates, start_worker):
    """A name that only the proxy knows."""
    pair = certificates.server("far", "DNS:far.invalid")
    with Receiver(tls=Certificates.server_context(pair)) as far:
        with ConnectProxy(resolve=lambda host: "127.0.0.1") as proxy:
            start_worker(ca_file=certificates.ca, proxy=proxy.url, allow_address=None)
            deliver(redis, far, f"https://far.invalid:{far.port}/")
            assert proxy.asked() == [("CONNECT", f"far.invalid:{far.port}")]


@pytest.mark.parametrize(
    ("host", "reason"), [("127.0.0.1", "blocked"), ("[::1]", "blocked"), ("localhost", "exhausted")]
)
def test_private_receivers_are_refused(redis, receiver, start_worker, host, reason):
    with ConnectProxy() as proxy:
        worker = start_worker(proxy=proxy.url, allow_address=None, retry_schedule="1ms")
        set_hook(redis, 438, "main", url=f"http://{host}:{receiver.port}/")
        enqueue(redis, message_event())
        (letter,) = wait_dead(redis)
        assert letter["reason"] == reason
        blocked = worker.wait_log("blocked")
        assert blocked["host"] == host.strip("[]") and blocked["why"]
        assert not proxy.asked()
        assert not receiver.requests()


def test_the_proxy_may_want_a_password(redis, certificates, secure, start_worker, tmp_path):
    password = tmp_path / "password"
    password.write_text("top%41 secret:\n")
    password.chmod(0o600)
    with ConnectProxy(credentials=b"ana:top%41 secret:") as proxy:
        url = proxy.url.replace("//", "//ana@")
        worker = start_worker(ca_file=certificates.ca, proxy=url, proxy_password_file=password)
        request = deliver(redis, secure)
        assert not request.all("Proxy-Authorization")
        assert "secret" not in worker.log()


@pytest.mark.parametrize("status", [403, 407, 502])
def test_a_refusal_of_the_proxy_is_none_of_the_receiver(redis, secure, start_worker, status):
    with ConnectProxy(refuse=status) as proxy:
        worker = start_worker(proxy=proxy.url, retry_schedule="1h")
        set_hook(redis, 438, "main", url=secure.url("/"))
        enqueue(redis, message_event())
        retry = worker.wait_log("retry")
        assert retry["status"] == "0"
        assert retry["error"].startswith("connect: ") and str(status) in retry["error"]
        assert not dead_letters(redis)


def test_one_that_hangs_is_waited_for_as_any(redis, secure, start_worker):
    with ConnectProxy(hang=True) as proxy:
        worker = start_worker(proxy=proxy.url, timeout="500ms", retry_schedule="1h")
        set_hook(redis, 438, "main", url=secure.url("/"))
        enqueue(redis, message_event())
        assert worker.wait_log("retry")["error"].startswith("timeout: ")


def test_one_that_is_down(redis, secure, start_worker):
    with ConnectProxy() as proxy:
        url = proxy.url
    worker = start_worker(proxy=url, retry_schedule="1h")
    set_hook(redis, 438, "main", url=secure.url("/"))
    enqueue(redis, message_event())
    assert worker.wait_log("retry")["error"].startswith("connect: ")


def test_a_proxy_that_speaks_tls(redis, certificates, secure, start_worker):
    secure.script("/", Answer(200, (("Connection", "close"),)))
    with ConnectProxy(tls=Certificates.server_context(certificates.good())) as proxy:
        start_worker(ca_file=certificates.ca, proxy=proxy.url)
        deliver(redis, secure)
        enqueue(redis, message_event())
        requests = secure.wait_for(2)
        assert len(proxy.asked()) == 2
        assert not any(request.tls.session_reused for request in requests)


@pytest.mark.parametrize("exception", ["127.0.0.0/8", "localhost"])
def test_some_receivers_do_without(redis, receiver, start_worker, exception):
    host = exception if exception == "localhost" else "127.0.0.1"
    with ConnectProxy() as proxy:
        start_worker(proxy=proxy.url, no_proxy=f"elsewhere.example, {exception}")
        deliver(redis, receiver, receiver.url("/", host=host))
        assert not proxy.asked()


def test_without_a_proxy_such_receivers_are_judged_too(redis, receiver, start_worker):
    with ConnectProxy() as proxy:
        start_worker(proxy=proxy.url, no_proxy="127.0.0.1", allow_address=None)
        set_hook(redis, 438, "main", url=receiver.url("/"))
        enqueue(redis, message_event())
        assert wait_dead(redis)[0]["reason"] == "blocked"


def test_one_in_the_environment_is_warned_of(redis, receiver, start_worker):
    with ConnectProxy() as proxy:
        worker = start_worker(env={"HTTPS_PROXY": proxy.url, "http_proxy": proxy.url})
        deliver(redis, receiver)
        assert not proxy.asked()
    (warning,) = [line for line in worker.logged("setting") if "environment" in line["warning"]]
    assert warning["warning"].startswith("HTTPS_PROXY in the environment is not used")
