"""docs/chat/room_admins.py: who gets a token for a room, and what the proxy lets through."""

import http.client
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from room_admins import ChatServer
from webhook_queue import set_hook

CHAT = Path(__file__).resolve().parents[3] / "docs" / "chat"
NAMED = "!OGEhHVWSdvArJzumhm:matrix.org"


@pytest.fixture
def ask(redis, redis_server, roomhook_bin, tmp_path):
    """ask("GET", path, session, **headers) -> status, JSON or bytes."""
    for room in (438, 439, NAMED):
        set_hook(redis, room, "main", url="http://127.0.0.1:9/")
    server = ChatServer(roomhook_bin, redis_server.url, str(tmp_path / "tokens"),
                        {"ana": ["438", NAMED]})  # fmt: skip

    def run(method, path, session=None, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        if session:
            headers["Cookie"] = f"theme=dark; session={session}"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        kind = answer.getheader("Content-Type")
        return answer.status, json.loads(text) if kind == "application/json" and text else text

    yield run
    server.finish()


@pytest.mark.parametrize("room", ["438", NAMED])
def test_admins_get_a_token_for_their_room_only(ask, room):
    status, given = ask("POST", f"/room-token?room={quote(room, safe='')}", "ana")
    assert status == 201 and str(given["room"]) == room
    bearer = f"Bearer {given['token']}"
    hooks = f"/webhooks/v1/rooms/{quote(room, safe='')}/hooks"
    status, answer = ask("GET", hooks, Authorization=bearer)
    assert status == 200 and [hook["id"] for hook in answer["data"]] == ["main"]
    assert ask("GET", "/webhooks/v1/rooms/439/hooks", Authorization=bearer)[0] == 403
    disable = f"{hooks}/main/disable"
    cross_site = {"Authorization": bearer, "Sec_Fetch_Site": "cross-site"}
    assert ask("POST", disable, **cross_site)[0] == 403
    assert ask("POST", disable, Authorization=bearer)[0] == 200
    hook = json.dumps({"url": "ftp://example.org/"})
    typed = {"Authorization": bearer, "Content_Type": "application/json"}
    status, answer = ask("PATCH", f"{hooks}/main", body=hook, **typed)
    assert status == 400 and "http" in answer["error"]["message"]
    assert ask("DELETE", f"{hooks}/main", Authorization=bearer)[0] == 204


def test_nobody_else_gets_one(ask):
    for room, session in (("438", None), ("438", "eve"), ("439", "ana"), ("", "ana")):
        assert ask("POST", f"/room-token?room={room}", session)[0] == 403, (room, session)
    assert ask("POST", "/room-token", "ana")[0] == 403
    assert ask("GET", "/room-token?room=438", "ana")[0] == 404
    assert ask("GET", "/webhooks/v1/rooms/438/hooks", "ana")[0] == 401, "the cookie is no token"


def test_nothing_else_is_served(ask):
    others = ("/", "/webhooks/v1/status", "/webhooks/metrics", "/room_admins.py", "/../README.md")
    for path in others:
        assert ask("GET", path, "ana")[0] == 404, path
    assert ask("GET", "/room-admins")[1] == (CHAT / "room-admins.html").read_bytes()
    assert ask("POST", "/room-token?room=438", "ana", Content_Length="x")[0] == 413


def test_the_page_is_short():
    names = ("room-admins.html", "room-admins.js")
    lines = sum(len((CHAT / name).read_text(encoding="utf-8").splitlines()) for name in names)
    assert lines <= 100
