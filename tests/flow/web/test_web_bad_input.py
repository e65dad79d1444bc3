"""What strangers send to the web service: it is refused with what is allowed, and costs nothing."""

import json
import socket
import time

import pytest
from wait import wait_until
from web_service import Answer, is_closed, read_all, routes

HOST = b"Host: 127.0.0.1\r\n"
GET = b"GET /livez HTTP/1.1\r\n" + HOST


@pytest.fixture
def web(start_web):
    return start_web()


@pytest.fixture
def acting(start_web, make_token):
    """-> (service, a token that may do all)"""
    token = make_token("operate")
    return start_web(tokens=make_token.file, actions=True), token


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),  # TLS
        (b"\x00" * 100, 400),
        (b"GET /livez HTTP/2.0\r\n" + HOST + b"\r\n", 400),
        (b"GET /livez\r\n\r\n", 400),
        (b"GET http://127.0.0.1/livez HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET * HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"CONNECT 127.0.0.1:80 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"BREW /livez HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"OPTIONS /v1/status HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"get /livez HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"GET /livez HTTP/1.1\r\n\r\n", 421),
        (GET + HOST + b"\r\n", 400),  # two hosts
        (GET + b"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 400),
        (GET + b" folded: x\r\n\r\n", 400),
        (GET + b"A : b\r\n\r\n", 400),
        (GET + b"A: b\x00c\r\n\r\n", 400),
        (GET + b"A: b\nB: c\r\n\r\n", 400),
        (GET + b"\r\n".join([b"A: b"] * 200) + b"\r\n\r\n", 431),
        (GET + b"A: " + b"x" * 20000 + b"\r\n\r\n", 431),
        (b"GET /" + b"x" * 20000, 431),
        (b"POST /livez HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
        (b"POST /livez HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: xchunked\r\n\r\n", 411),
        (b"POST /livez HTTP/1.1\r\n" + HOST
         + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc", 411),
        (b"POST /livez HTTP/1.1\r\n" + HOST
         + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
        (b"POST /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 3, 3\r\n\r\nabc", 400),
        (b"POST /livez HTTP/1.1\r\n" + HOST + b"Content-Length: -1\r\n\r\n", 400),
        (b"POST /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 262145\r\n\r\n", 413),
        (b"POST /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 99999999999999999999\r\n\r\n", 400),
    ],
)
def test_what_is_no_request(web, raw, status):
    answer = Answer(web.send(raw))
    assert answer.status == status
    assert answer.headers["connection"] == "close"
    assert answer.json["error"]["message"]
    assert web.get("/livez").status == 200


def test_a_large_body_that_is_refused_gets_its_answer(web):
    """The answer is not lost because the rest was not read."""
    head = b"POST /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 50000000\r\n\r\n"
    with web.connect() as one:
        one.sendall(head + b"x" * 500_000)
        assert Answer(read_all(one)).status == 413


def test_one_request_a_connection(web):
    """What is behind the first request is not another one."""
    raw = web.send(GET + b"\r\n" + GET + b"\r\n")
    assert raw.count(b"HTTP/1.1") == 1 and Answer(raw).body == b"alive\n"
    smuggled = b"POST /livez HTTP/1.1\r\n" + HOST + b"Content-Length: 4\r\n\r\nabcd" + GET + b"\r\n"
    assert web.send(smuggled).count(b"HTTP/1.1") == 1


def test_head_has_no_body(web):
    answer = web.ask("HEAD", "/livez")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "6")


def test_expect_continue(acting):
    web, token = acting
    body = json.dumps({"url": "https://example.com/"}).encode()
    head = (f"PUT /v1/rooms/1/hooks/main HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
            f"Authorization: Bearer {token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode()  # fmt: skip
    with web.connect() as one:
        one.sendall(head)
        assert one.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        one.sendall(body)
        assert Answer(read_all(one)).status == 201


# --- slow ones ---


@pytest.mark.parametrize("piece", [b"GET /livez HTTP/1.1\r\n", b""])
def test_slow_requests_are_cut(web, piece):
    """A byte now and then does not keep a connection: 10 s are for all of it."""
    with web.connect() as one:
        one.sendall(piece)
        began = time.monotonic()
        while time.monotonic() - began < 14 and not is_closed(one, 0.5):
            try:
                one.sendall(b"A" if piece else b"")
            except OSError:
                break
        assert 8 < time.monotonic() - began < 13
    assert web.get("/livez").status == 200


def test_thousands_of_idle_connections(web):
    """More than there are places for: the oldest go, and who asks is answered."""
    idle = []
    try:
        for _ in range(1500):
            idle.append(web.connect())
            idle[-1].sendall(b"GET ")
        began = time.monotonic()
        assert web.get("/livez").status == 200
        assert time.monotonic() - began < 2
        assert is_closed(idle[0], 5)
    finally:
        for one in idle:
            one.close()


def test_peers_that_go_away(web):
    for _ in range(50):
        with web.connect() as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            one.sendall(b"GET /v1/doctor HTTP/1.1\r\n" + HOST + b"\r\n")
    assert web.get("/livez").status == 200


# --- parameters, paths, bodies ---


@pytest.mark.parametrize(
    "path",
    [
        "/v1/lanes?limit=0", "/v1/lanes?limit=501", "/v1/lanes?limit=x", "/v1/lanes?limit=",
        "/v1/lanes?limit=1&limit=1", "/v1/lanes?nonsense=1", "/v1/lanes?limit", "/v1/lanes?=1",
        "/v1/lanes?iterator=x", "/v1/lanes?iterator=nan:1/a", "/v1/lanes?iterator=1:" + "x" * 500,
        "/v1/lanes?shut=yes", "/v1/lanes?limit=%3", "/v1/lanes?limit=%zz", "/v1/lanes?limit=1%00",
        "/v1/lanes?limit=99999999999999999999", "/v1/status?x=1",
        "/v1/dead-letters?reason=nonsense", "/v1/dead-letters?since=yesterday",
        "/v1/dead-letters?room=a/b", "/v1/dead-letters?hook=a%20b", "/v1/dead-letters?iterator=x",
        "/v1/dead-letters?since=2h&since=2h", "/v1/dead-letters/x", "/v1/dead-letters/1",
        "/v1/dead-letters/1-0?document=maybe", "/v1/hooks?iterator=-1",
        "/v1/hooks?iterator=1-0", "/v1/dead-letters?iterator=5",
        "/v1/rooms/../hooks", "/v1/rooms/%2e%2e/hooks", "/v1/rooms/a%2fb/hooks",
        "/v1/rooms/a%00/hooks", "/v1/rooms/a%20b/hooks", "/v1/rooms/" + "x" * 129 + "/hooks",
        "/v1/rooms/%ff/hooks", "/v1/rooms/1/hooks/a.b", "/v1/rooms/1/hooks/" + "x" * 65,
        "/v1/rooms/1/lanes/:xyz/deliveries", "/v1/rooms/1/lanes/:0123/deliveries",
        "/v1/rooms/1/lanes/main/deliveries?iterator=-1",
        "/v1/dead-letters?" + "&".join(f"since={n}h" for n in range(200)),
        "/v1/lanes?limit=" + "1" * 5000,
    ],
)  # fmt: skip
def test_parameters(web, path):
    answer = web.get(path)
    assert answer.status == 400 and answer.json["error"]["message"], answer.body


@pytest.mark.parametrize("path", ["//", "/v1", "/v1/", "/v1/status/", "/v1//status", "/v2/x",
                                  "/v1/rooms//hooks", "/v1/rooms", "/livez/x", "/%6civez",
                                  "/v1/statu%73", "/index", "/v1/status%00"])  # fmt: skip
def test_paths_that_are_none(web, path):
    answer = web.get(path)
    assert (answer.status, answer.error) == (404, "not_found")


def test_methods(web):
    for method, path, _ in routes(web):
        if method == "GET":
            where = path.format(room=1, hook="x", lane="x", letter="1-0", event="e-1", task="1-0")
            answer = web.ask("PATCH", where)
            assert answer.status in (405, 415), path  # 415: it is a route too, of JSON
            if answer.status == 405:
                assert "allow" in answer.headers


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", "body"), (b"{", "body"), (b"[]", "body"), (b"null", "body"), (b'"x"', "body"),
        (b"\xff\xfe", "body"), (b'{"url":"\xff"}', "body"), (b"{}{}", "body"),
        (b'{"url":1,"url":2}', "body"), (b'{"url":"\\u0000"}', "body"),
        (b'{"a":' * 30000 + b"1" + b"}" * 30000, "body"), (b"[" * 100000, "body"),
        (b"{}", "invalid"), (b'{"url":1}', "invalid"), (b'{"url":null}', "invalid"),
        (b'{"url":"ftp://x/"}', "invalid"), (b'{"url":"https://x/","nonsense":1}', "invalid"),
        (b'{"url":"https://x/","secret":"short"}', "invalid"),
        (b'{"url":"https://x/","secret":[]}', "invalid"),
        (b'{"url":"https://x/","headers":{"a":{"b":{"c":{"d":{"e":{"f":1}}}}}}}', "invalid"),
        (b'{"url":"https://x/","headers":{"a":"\\r\\nb: c"}}', "invalid"),
        (b'{"url":"https://x/","enabled":"yes"}', "invalid"),
        (b'{"url":"https://x/","maxAge":' + b"9" * 400 + b"}", "body"),
        (json.dumps({"url": "https://x/", "description": "x" * 200000}).encode(), "invalid"),
    ],
    ids=range(24),
)  # fmt: skip
def test_bodies(acting, redis, body, error):
    web, token = acting
    answer = web.ask("PUT", "/v1/rooms/1/hooks/main", token, body=body)
    assert (answer.status, answer.error) == (400, error), answer.body
    assert not redis.keys("*:room:*")


def test_a_body_of_another_type(acting):
    web, token = acting
    raw = (f"PUT /v1/rooms/1/hooks/main HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
           f"Authorization: Bearer {token}\r\n")  # fmt: skip
    for kind in ("", "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n"):
        assert Answer(web.send((raw + kind + "\r\n{}").encode())).status == 415
    answer = web.ask("POST", "/v1/rooms/1/hooks/main/enable", token, body={})
    assert (answer.status, answer.error) == (400, "body")


def test_half_written_things_in_redis(start_web, redis):
    """Whatever is stored: an answer, and the next one is as good."""
    redis.hset("{webhooks}:room:1", mapping={"a": "{", "b": b"\xff\x00", "c" * 100: "{}"})
    redis.set("{webhooks}:room:2", "no hash")
    redis.zadd("{webhooks}:lanes", {b"\xff\xfe": 1, "1/a": float("inf"), "x" * 500: 1})
    redis.set("{webhooks}:lane:1/a", "no set")
    redis.xadd("{webhooks}:dead", {b"\xff": b"\xff", "room": "1", "response": "\\u12"})
    redis.xadd("{webhooks}:dead", {"json": "{", "room": b"\xff"})
    redis.hset("{webhooks}:stats", mapping={"events": "many", b"\xff\"\n": "1"})
    web = start_web()
    for path in ("/v1/status", "/v1/hooks", "/v1/lanes", "/v1/dead-letters", "/v1/doctor",
                 "/v1/rooms/1/hooks", "/v1/rooms/2/hooks", "/v1/rooms/1/lanes", "/metrics",
                 "/v1/rooms/1/lanes/a/deliveries", "/v1/rooms/1/hooks/a"):  # fmt: skip
        answer = web.get(path)
        assert answer.status in (200, 409, 503), (path, answer.body)
        if path != "/metrics":
            answer.json  # noqa: B018: it is JSON
    letters = web.get("/v1/dead-letters").json["data"]
    assert len(letters) == 2
    for letter in letters:
        assert web.get(f"/v1/dead-letters/{letter['id']}?document=true").status == 200
    wait_until(lambda: web.get("/readyz").status == 200, 5, "it to be ready")
