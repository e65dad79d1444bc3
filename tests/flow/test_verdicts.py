"""Every row of the verdict table: what an attempt's result means."""

import datetime
import email.utils
import json
import socket
import time

import pytest

from receiver import (
    Answer,
    Close,
    EarlyAnswer,
    EndlessBody,
    Hang,
    Informational,
    Raw,
    Receiver,
    Reset,
    Trickle,
    refused_port,
)
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    due_ms,
    encode,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    records,
    set_hook,
    wait_dead,
    wait_stat,
)
from wait import wait_until

SLACK_S = 0.001  # clocks of two processes are read a little apart


def one_hook_for_each(redis, receiver, answers):
    """Room n+1 has hook "main" at /n answering answers[n]; one event is enqueued for each."""
    for n, answer in enumerate(answers):
        receiver.script(f"/{n}", [answer] if not isinstance(answer, list) else answer)
        set_hook(redis, n + 1, "main", url=receiver.url(f"/{n}"))
        enqueue(redis, message_event(room=n + 1))


def reasons(letters):
    return {int(letter["room"]) - 1: letter["reason"] for letter in letters}


# 2xx


def test_2xx_is_delivered(redis, receiver, start_worker):
    statuses = [200, 201, 202, 203, 204, 205, 206, 226, 299]
    empty = (204, 205)
    answers = [Answer(status, body=b"" if status in empty else b"thanks") for status in statuses]
    one_hook_for_each(redis, receiver, answers)
    start_worker(retry_schedule="100ms")
    receiver.wait_for(len(statuses))
    wait_stat(redis, "delivered", len(statuses))
    assert_queue_empty(redis)
    assert len(receiver.requests()) == len(statuses)
    assert dead_letters(redis) == []


DELIVERED_IN_THE_END = {
    "body larger than max-response-bytes": Answer(200, body=b"x" * 1_000_000),
    "body without end": EndlessBody(200),
    "gzip that is none": Answer(200, (("Content-Encoding", "gzip"),), b"not gzip"),
    "body cut short": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "close"),
    "body cut by a reset": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "reset"),
    "body that stalls": Raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc", "hang"),
    "broken chunks": Raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n", "close"
    ),
    "body until the end of the connection": Raw(b"HTTP/1.1 200 OK\r\n\r\nabc", "close"),
    "HTTP/1.0": Raw(b"HTTP/1.0 200 OK\r\n\r\nabc", "close"),
    "informational answers first": Informational(50),
    "100 Continue first": Informational(1, status=100),
}


def test_a_2xx_counts_whatever_follows(redis, receiver, start_worker):
    """Once a final status has arrived, it decides."""
    names = list(DELIVERED_IN_THE_END)
    one_hook_for_each(redis, receiver, DELIVERED_IN_THE_END.values())
    start_worker(retry_schedule="100ms", timeout="2s", max_response_bytes="4k")
    receiver.wait_for(len(names))
    assert_queue_empty(redis)
    assert {names[room]: why for room, why in reasons(dead_letters(redis)).items()} == {}
    twice = [names[n] for n in range(len(names)) if len(receiver.requests(f"/{n}")) != 1]
    assert twice == []
    wait_stat(redis, "delivered", len(names))


# 410


def test_410_disables_the_hook(redis, receiver, start_worker):
    receiver.script("/gone", [Answer(410, body=b"bye"), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url("/gone"))
    set_hook(redis, 438, "other", url=receiver.url("/other"))
    worker = start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(), id="first")
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "gone"
    assert letter["status"] == "410"
    assert letter["attempts"] == "1"
    assert (letter["room"], letter["hook"], letter["event_id"]) == ("438", "main", "first")
    ((field, state),) = wait_until(lambda: hook_states(redis), 5, "the hook's state").items()
    assert field.startswith("438/main/")
    assert len(field) == len("438/main/") + 8
    assert state["disabled"] is True
    assert json.loads(redis.hget(key("room:438"), "main")) == {"url": receiver.url("/gone")}

    enqueue(redis, message_event(), id="second")
    receiver.wait_for(2, "/other")
    wait_stat(redis, "hook_disabled", 1)
    worker.terminate()
    start_worker()  # another worker knows it from Redis
    enqueue(redis, message_event(), id="third")
    receiver.wait_for(3, "/other")
    wait_stat(redis, "hook_disabled", 2)
    assert_queue_empty(redis)
    assert len(receiver.requests("/gone")) == 1
    assert len(dead_letters(redis)) == 1

    redis.delete(key("hooks-state"))  # what `roomhook hook enable` clears
    set_hook(redis, 439, "main", url=receiver.url("/gone"))
    enqueue(redis, message_event(room=439), id="fourth")
    (_, fourth) = receiver.wait_for(2, "/gone")
    assert fourth.header("webhook-id") == "fourth"


# statuses that are permanent, and those that are not


def test_permanent_statuses_are_rejected(redis, receiver, start_worker):
    statuses = [400, 405, 411, 413, 414, 415, 422, 431, 501]
    answers = [Answer(status, body=b"no: %d" % status) for status in statuses]
    one_hook_for_each(redis, receiver, answers)
    start_worker(retry_schedule="100ms")
    letters = wait_dead(redis, len(statuses))
    assert_queue_empty(redis)
    got = {
        statuses[int(letter["room"]) - 1]: (letter["reason"], letter["status"], letter["response"])
        for letter in letters
    }
    assert got == {status: ("rejected", str(status), f"no: {status}") for status in statuses}
    assert {letter["attempts"] for letter in letters} == {"1"}
    assert len(receiver.requests()) == len(statuses)


def test_permanent_statuses_are_a_setting(redis, receiver, start_worker):
    one_hook_for_each(redis, receiver, [[Answer(404)], [Answer(400), Answer(200)]])
    start_worker(retry_schedule="100ms", permanent_status="404,403")
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["status"]) == ("rejected", "404")
    receiver.wait_for(2, "/1")
    assert_queue_empty(redis)


def test_all_other_statuses_are_retried(redis, receiver, start_worker):
    """Among them redirects, which are never followed."""
    moved = (("Location", receiver.url("/elsewhere")),)
    statuses = [300, 301, 302, 303, 304, 307, 308, 401, 402, 403, 404, 406, 407, 408, 409, 412, 416]
    statuses += [417, 418, 421, 423, 425, 426, 428, 429, 451, 499]
    statuses += [500, 502, 503, 504, 505, 507, 511, 520, 599]
    answers = [Answer(status, moved if status < 400 else ()) for status in statuses]
    one_hook_for_each(redis, receiver, [[answer, Answer(200)] for answer in answers])
    start_worker(retry_schedule="100ms")
    receiver.wait_for(2 * len(statuses))
    assert_queue_empty(redis)
    assert dead_letters(redis) == []
    assert receiver.requests("/elsewhere") == []
    wrong = {}
    for n, status in enumerate(statuses):
        ids = [request.header("webhook-id") for request in receiver.requests(f"/{n}")]
        if len(ids) != 2 or ids[0] != ids[1]:
            wrong[status] = ids
    assert wrong == {}
    wait_stat(redis, "retries", len(statuses))


# Retry-After


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retry_after_seconds_is_not_undercut(redis, receiver, start_worker, status):
    receiver.script("/", [Answer(status, (("Retry-After", "2"),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    first, second = receiver.wait_for(2, timeout=5)
    assert second.arrived - first.arrived >= 2.0 - SLACK_S
    assert second.arrived - first.arrived <= 2.0 * 1.2 + 0.5
    assert_queue_empty(redis)


def test_retry_after_date_is_not_undercut(redis, receiver, start_worker):
    not_before = int(time.time()) + 3
    date = email.utils.formatdate(not_before, usegmt=True)
    receiver.script("/", [Answer(503, (("Retry-After", date),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event())
    _, second = receiver.wait_for(2, timeout=8)
    assert second.arrived_wall >= not_before - SLACK_S


def test_retry_after_does_not_shorten_the_schedule(redis, receiver, start_worker):
    receiver.script("/", [Answer(503, (("Retry-After", "1"),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="2s", retry_jitter="0%")
    enqueue(redis, message_event())
    first, second = receiver.wait_for(2, timeout=6)
    assert second.arrived - first.arrived >= 2.0 - SLACK_S


def test_retry_after_pauses_the_hook_on_every_worker(redis, receiver, start_worker):
    """Other events of the hook wait too, without using an attempt; other hooks do not."""
    receiver.script("/busy", [Answer(429, (("Retry-After", "2"),)), Answer(200)])
    set_hook(redis, 1, "main", url=receiver.url("/busy"))
    set_hook(redis, 2, "main", url=receiver.url("/free"))
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(room=1))
    (first,) = receiver.wait_for(1, "/busy")
    ((field, state),) = wait_until(lambda: hook_states(redis), 5, "the hook's state").items()
    assert field.startswith("1/main/")
    assert state["until"] >= now_ms(redis) + 1000
    start_worker(retry_schedule="100ms")
    for n in range(6):
        enqueue(redis, message_event(room=1), id=f"later-{n}")
    enqueue(redis, message_event(room=2))
    (free,) = receiver.wait_for(1, "/free")
    assert free.arrived - first.arrived < 1.5
    wait_until(lambda: redis.xlen(key("events")) == 0, 5, "the events to be put off")
    waiting = [record for record in records(redis).values() if record.get("event_id")]
    assert [record.get("attempts", 0) for record in waiting] == [0] * 6
    requests = receiver.wait_for(8, "/busy", timeout=20)
    for request in requests[1:]:
        assert request.arrived - first.arrived >= 2.0 - SLACK_S
    assert_queue_empty(redis)
    assert len(receiver.requests("/busy")) == 8


def test_retry_after_has_a_cap(redis, receiver, start_worker):
    receiver.script("/", [Answer(503, (("Retry-After", "999999999999"),))])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms")
    stream_id = enqueue(redis, message_event())
    receiver.wait_for(1)
    due = wait_until(lambda: due_ms(redis, f"{stream_id}/main"), 5, "the retry to wait")
    day_ms = 24 * 3600 * 1000
    assert day_ms - 5000 <= due - now_ms(redis) <= day_ms * 1.2 + 5000


@pytest.mark.parametrize("value", ["", "-5", "soon", "1.5", "Thu, 99 Foo 2022 99:99:99 GMT"])
def test_a_senseless_retry_after_is_ignored(redis, receiver, start_worker, value):
    receiver.script("/", [Answer(503, (("Retry-After", value),)), Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="200ms")
    enqueue(redis, message_event())
    first, second = receiver.wait_for(2, timeout=3)
    assert second.arrived - first.arrived < 1.4
    assert_queue_empty(redis)


# failures of the connection

FAILURES = {
    "closed without an answer": Close(),
    "reset without an answer": Reset(),
    "never answered": Hang(),
    "half a status line": Raw(b"HTTP/1.1 2"),
    "not HTTP": Raw(b"SSH-2.0-OpenSSH_9.2\r\n", "close"),
    "HTTP/0.9": Raw(b"hello", "close"),
    "informational answers without end": Informational(None, pause=0.01),
    "switching protocols": Raw(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    "headers without end": Raw(b"HTTP/1.1 200 OK\r\n" + b"X-A: b\r\n" * 200_000, "close"),
}
UNDECIDED = {"headers without end"}  # its status did arrive: either verdict is fine, no crash


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


def test_https_only(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(https_only="yes")
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis)
    assert letter["reason"] in ("blocked", "bad-url")
    assert_queue_empty(redis)
    assert receiver.connections == 0


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


# addresses


def check_blocked(redis, receiver, n):
    letters = wait_dead(redis, n, timeout=20)
    not_blocked = {
        letter["hook"]: letter["reason"] for letter in letters if letter["reason"] != "blocked"
    }
    assert not_blocked == {}
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
            "name": "localhost",
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
    """Whatever the rules say."""
    set_hook(redis, 438, "main", url=f"http://127.0.0.1:{redis_server.port}/")
    start_worker(allow_address=["127.0.0.0/8", f"127.0.0.1/32:{redis_server.port}"])
    enqueue(redis, message_event())
    check_blocked(redis, receiver, 1)


def test_a_proxy_in_the_environment_is_not_used(redis, receiver, start_worker):
    with Receiver() as proxy:
        names = ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY")
        set_hook(redis, 438, "main", url=receiver.url("/direct"))
        start_worker(env={name: proxy.url() for name in names})
        enqueue(redis, message_event())
        receiver.wait_for(1, "/direct")
        assert proxy.connections == 0


# the end of the schedule


def parse_time(text):
    assert text.endswith("Z") and len(text) == len("2022-11-04T08:28:57.257Z"), text
    return datetime.datetime.fromisoformat(text).timestamp()


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_the_dead_letter_of_an_exhausted_delivery(redis, receiver, start_worker, encoding):
    receiver.script(
        "/path",
        [
            Answer(503),
            Answer(404, body=b"not here"),
            Answer(500, body=b'sorry "\xc5\xbe" \x00\x01\xff\r\nnext' + b"x" * 5000),
        ],
    )
    set_hook(redis, 438, "main", url=receiver.url("/path"))
    worker = start_worker(retry_schedule="100ms,100ms")
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    stream_id = enqueue(redis, message_event(), encoding, traceparent=trace)
    (letter,) = wait_dead(redis)
    first, _, third = receiver.wait_for(3)
    assert letter["reason"] == "exhausted"
    assert letter["status"] == "500"
    assert letter["attempts"] == "3"
    assert letter["error"].strip()
    assert (letter["room"], letter["hook"]) == ("438", "main")
    assert letter["url"] == receiver.url("/path")
    assert letter["event_id"] == f"msg_{stream_id}"
    assert letter["worker"].split("-")[-2] == str(worker.pid)
    assert letter["traceparent"] == trace
    assert letter[encoding] == encode(message_event(), encoding)
    assert abs(parse_time(letter["queued_at"]) - int(stream_id.split("-")[0]) / 1000) < 0.002
    assert abs(parse_time(letter["first_attempt_at"]) - first.arrived_wall) < 0.5
    assert abs(parse_time(letter["last_attempt_at"]) - third.arrived_wall) < 0.5
    response = letter["response"]
    assert response.startswith("sorry ")
    assert "next" in response
    assert response.isprintable(), "escaped: readable by eye"
    assert 1000 <= len(response) <= 1200
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 3
    wait_stat(redis, "dead", 1)


def test_expired_by_the_setting(redis, receiver, start_worker):
    receiver.script("/", [Answer(500)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="600ms,600ms,600ms,600ms,600ms", retry_jitter="0%", max_age="1s")
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "expired"
    assert letter["attempts"] == "2"
    assert letter["status"] == "500"
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 2


def test_expired_by_the_hook(redis, receiver, start_worker):
    receiver.script("/", [Answer(500)])
    set_hook(redis, 438, "main", url=receiver.url(), maxAge="1s")
    start_worker(retry_schedule="5s")
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis)
    assert (letter["reason"], letter["attempts"]) == ("expired", "1")


def test_expired_before_the_first_attempt(redis, receiver, start_worker):
    """The age counts from the entry's stream id."""
    receiver.script("/", [Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url())
    old = now_ms(redis) - 60_000
    redis.xadd(key("events"), {"json": encode(message_event(), "json")}, id=f"{old}-0")
    start_worker(max_age="30s")
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "expired"
    assert letter["event_id"] == f"msg_{old}-0"
    assert_queue_empty(redis)
    assert receiver.connections == 0
