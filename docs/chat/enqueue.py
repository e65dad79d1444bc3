"""Takes payloads of a chat server and adds their events to Roomhook's queue.

    python3 matrix.py < payload.json           one payload; exit code 65: refused, 75: not stored
    python3 matrix.py --listen 127.0.0.1:8009  each POST or PUT; 400: refused, 503: not stored

ROOMHOOK_REDIS and ROOMHOOK_QUEUE say where the queue is. With --listen, CHAT_TOKEN is what a
request must carry as "Authorization: Bearer …". A payload is stored as a whole before it is
answered, or not at all: a chat server that repeats it until it is answered 200 loses nothing.
"""

import argparse
import hashlib
import hmac
import http.server
import json
import os
import re
import sys

import redis

PAYLOAD_MAX = 16 << 20
EX_DATAERR, EX_TEMPFAIL = 65, 75


class RefusedError(ValueError):
    """A payload that is not what the chat server documents."""


def need(where, name, kind=str):
    """A member that each such payload has; without it there is nothing to announce."""
    value = where.get(name) if isinstance(where, dict) else None
    if not isinstance(value, kind) or isinstance(value, bool) or value == "":
        raise RefusedError(f"payload refused: {name} is missing or of a wrong type")
    return value


def part(where, name, kind=dict):
    """A member that users may have written: of another type it is as good as absent."""
    value = where.get(name)
    return value if isinstance(value, kind) else kind()


def event_id(*parts):
    """The same for the same change of the same message, so that receivers know one sent twice."""
    text = "-".join(str(part) for part in parts)
    allowed = re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text)
    return text if allowed else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def event(change, kind, count, message, user, room=None):
    """An event entry of the queue: the id of the change, and the document. None is left out."""

    def present(members):
        return {name: value for name, value in members.items() if value is not None}

    document = {"type": kind, "hops": count, "message": present(message)}
    document["fromUser"] = present(user)
    if room:
        document["room"] = {"name": room}
    return event_id(*change), document


def hops(by_program, carried):
    """How many webhooks led to a message, None when a program posted it without saying so.

    Only programs are believed: a person's message starts at 0, whatever is in it.
    """
    if not by_program:
        return 0
    return carried if type(carried) is int and 0 <= carried <= 1000 else None


def parse(payload):
    def no_number(text):
        raise RefusedError(f"payload refused: {text} is no JSON")

    try:
        return json.loads(payload, parse_constant=no_number)
    except RefusedError:
        raise
    except (ValueError, RecursionError) as error:
        raise RefusedError(f"payload refused: not JSON: {error}") from None


class Queue:
    def __init__(self, convert):
        url = os.environ.get("ROOMHOOK_REDIS", "redis://127.0.0.1:6379/0")
        self.client = redis.Redis.from_url(url, socket_timeout=5, socket_connect_timeout=5)
        self.stream = "{%s}:events" % os.environ.get("ROOMHOOK_QUEUE", "webhooks")
        self.convert = convert

    def add(self, payload):
        """Adds the events of a payload, all or none; how many."""
        events = list(self.convert(parse(payload)))
        with self.client.pipeline(transaction=True) as pipeline:
            for identity, document in events:
                pipeline.xadd(self.stream, {"id": identity, "json": json.dumps(document)})
            pipeline.execute()
        return len(events)


class Handler(http.server.BaseHTTPRequestHandler):
    """One request a connection: its answer comes when the payload is stored."""

    timeout = 10
    queue = None
    token = ""

    def do_POST(self):
        given = self.headers.get("Authorization", "").removeprefix("Bearer ")
        length = self.headers.get("Content-Length", "")
        if not hmac.compare_digest(given.encode(), self.token.encode()):
            self.answer(403, "the token is not that of CHAT_TOKEN")
        elif not re.fullmatch("[0-9]{1,8}", length) or int(length) > PAYLOAD_MAX:
            self.answer(413, f"Content-Length must be there, and at most {PAYLOAD_MAX}")
        else:
            status, text, _ = store(self.queue, self.rfile.read(int(length)))
            self.answer(status, text)

    do_PUT = do_POST

    def answer(self, status, text):
        body = json.dumps({} if status == 200 else {"errcode": "M_UNKNOWN", "error": text}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def store(queue, payload):
    """HTTP status, text and exit code of what became of a payload."""
    try:
        return 200, f"{queue.add(payload)} events added", 0
    except RefusedError as error:
        return 400, str(error), EX_DATAERR
    except redis.RedisError as error:
        return 503, f"not stored: {error}", EX_TEMPFAIL


def main(convert):
    parser = argparse.ArgumentParser(description="Adds events of a chat server to a queue.")
    parser.add_argument("--listen", metavar="ADDRESS:PORT")
    listen = parser.parse_args().listen
    queue = Queue(convert)
    if not listen:
        status, text, code = store(queue, sys.stdin.buffer.read())
        print(text, file=sys.stdout if status == 200 else sys.stderr)
        sys.exit(code)
    Handler.queue, Handler.token = queue, os.environ.get("CHAT_TOKEN", "")
    if not Handler.token:
        parser.error("--listen needs CHAT_TOKEN")
    host, _, port = listen.rpartition(":")
    server = http.server.ThreadingHTTPServer((host, int(port)), Handler)
    print(f"listening on {host}:{server.server_address[1]}", flush=True)
    server.serve_forever()
