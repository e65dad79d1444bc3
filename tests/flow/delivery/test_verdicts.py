"""Every row of the verdict table: what an attempt's result means."""

import datetime
import json

import pytest

from receiver import Answer, EndlessBody, Informational, Raw
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    encode,
    enqueue,
    gate_of,
    hook_states,
    key,
    message_event,
    now_ms,
    set_hook,
    wait_dead,
    wait_stat,
)
from wait import wait_until


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
    "informational answers first": Informational(10),
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
    ((lane, state),) = wait_until(lambda: hook_states(redis), 5, "the hook's state").items()
    assert lane == "438/main"
    assert state["disabled"] is True
    assert gate_of(redis, lane)[1:] == ("disabled", state["fingerprint"])
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


def test_accepted_statuses_are_delivered(redis, receiver, start_worker):
    """By the hook, as scripts behind a redirect need it, and by the worker's setting."""
    moved = Answer(302, (("Location", "https://elsewhere.example/?token=1"),))
    receiver.script("/hook", [moved])
    receiver.script("/setting", [Answer(303)])
    receiver.script("/neither", [moved, Answer(200)])
    set_hook(redis, 438, "hook", url=receiver.url("/hook"), acceptStatus=[301, 302])
    set_hook(redis, 438, "setting", url=receiver.url("/setting"))
    set_hook(redis, 438, "neither", url=receiver.url("/neither"), acceptStatus=[301])
    start_worker(retry_schedule="100ms", success_status="303")
    enqueue(redis, message_event())
    receiver.wait_for(2, "/neither")
    wait_stat(redis, "delivered", 3)
    assert_queue_empty(redis)
    wait_stat(redis, "retries", 1)
    assert len(receiver.requests()) == 4
    assert dead_letters(redis) == []


def test_a_redirect_is_shown_in_full_in_the_letter_only(redis, receiver, start_worker):
    target = "https://Login.Example/path?token=s3cret"
    locations = [
        [target],
        ["/relative?token=s3cret"],
        ["https://user:s3cret@host.example/"],
        ["https://a.example/" + "x" * 600],
        ["https://a.example/\xe9\x1b[31m"],
        ["https://a.example/", "https://b.example/"],
        [],
        ["https://login.example/#/sign-in"],
        ["https://login.example#sign-in"],
        ["#sign-in"],
    ]
    answers = [Answer(301, tuple(("Location", one) for one in some)) for some in locations]
    one_hook_for_each(redis, receiver, [*answers, Answer(404, (("Location", target),))])
    worker = start_worker(permanent_status="301,404")
    letters = {int(letter["room"]) - 1: letter for letter in wait_dead(redis, len(answers) + 1)}
    assert [letters[n].get("location") for n in range(len(letters))] == [
        target,
        "/relative?token=s3cret",
        "https://user:s3cret@host.example/",
        "https://a.example/" + "x" * (512 - 3 - 18) + "…",
        "https://a.example/??[31m",
        None,
        None,
        "https://login.example/#/sign-in",
        "https://login.example#sign-in",
        "#sign-in",
        None,
    ]
    login = "https://login.example:443"
    to = {0: login, 3: "https://a.example:443", 7: login, 8: login}
    for n, letter in letters.items():
        redirect = f", a redirect to {to[n]}" if n in to else ""
        assert letter["error"] == f"answered {letter['status']}{redirect}"
        assert letter["reason"] == "rejected"
    assert "s3cret" not in worker.log()


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
    start_worker(retry_schedule="20s")
    enqueue(redis, message_event())
    (letter,) = wait_dead(redis, timeout=2)  # at once: the retry would come too late
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
