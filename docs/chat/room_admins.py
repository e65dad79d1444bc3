"""What a chat server adds for the admins of its rooms: a token, and a way to roomhook-web.

    ROOMHOOK_WEB=127.0.0.1:8080 ROOMHOOK_WEB_TOKEN=… python3 room_admins.py 127.0.0.1:8000

An example that runs by itself. CHAT_SESSIONS, like {"a secret": ["438"]}, is here what the sessions
of a chat server are: the value of the cookie session, and the rooms that its user is admin of.
"""

import http.client
import http.server
import json
import os
import sys
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

WEB = os.environ.get("ROOMHOOK_WEB", "127.0.0.1:8080")
TOKEN = os.environ["ROOMHOOK_WEB_TOKEN"]
SESSIONS = json.loads(os.environ.get("CHAT_SESSIONS", "{}"))
FILES = {"/room-admins": "room-admins.html", "/room-admins.js": "room-admins.js"}
TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript"}
PASSED_ON = ("Authorization", "Content-Type", "Sec-Fetch-Site")
BODY_MAX = 256 << 10


class Handler(http.server.BaseHTTPRequestHandler):
    timeout = 10

    def handle_any(self):
        url, length = urlsplit(self.path), self.headers.get("Content-Length", "0")
        if not length.isascii() or not length.isdigit() or int(length) > BODY_MAX:
            self.refuse(413, f"a body has at most {BODY_MAX} bytes")
        elif self.command == "GET" and url.path in FILES:
            name = FILES[url.path]
            text = (Path(__file__).parent / name).read_bytes()
            self.answer(200, text, TYPES[name.rpartition(".")[2]])
        elif self.command == "POST" and url.path == "/room-token":
            self.room_token(parse_qs(url.query).get("room", [""])[0])
        elif url.path.startswith("/webhooks/v1/rooms/"):
            passed = {name: self.headers[name] for name in PASSED_ON if name in self.headers}
            path, body = self.path.removeprefix("/webhooks"), self.rfile.read(int(length))
            self.ask(self.command, path, passed, body)
        else:
            self.refuse(404, "there is nothing here")

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def room_token(self, room):
        """Only for its admins: the token allows everything within the room."""
        session = SimpleCookie(self.headers.get("Cookie", "")).get("session")
        if not session or room not in SESSIONS.get(session.value, []):
            return self.refuse(403, "you are not an admin of this room")
        path = f"/v1/rooms/{quote(room, safe='')}/tokens?expires=15m"
        return self.ask("POST", path, {"Authorization": f"Bearer {TOKEN}"}, b"")

    def ask(self, method, path, headers, body):
        connection = http.client.HTTPConnection(WEB, timeout=40)
        try:
            connection.request(method, path, body or None, headers)
            got = connection.getresponse()
            self.answer(got.status, got.read(), got.headers.get("Content-Type", TYPES["js"]))
        except OSError:
            self.refuse(502, "roomhook-web does not answer")
        finally:
            connection.close()

    def refuse(self, status, message):
        error = {"error": {"code": "chat", "message": message}}
        self.answer(status, json.dumps(error).encode(), "application/json")

    def answer(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", "default-src 'self'; img-src data:")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    host, _, port = sys.argv[1].rpartition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    print(f"listening on {host}:{server.server_address[1]}", flush=True)
    server.serve_forever()
