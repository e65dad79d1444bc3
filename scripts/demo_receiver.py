#!/usr/bin/env python3
"""The receiver of scripts/demo: a webhook server on loopback that writes down what it gets.

    demo_receiver.py FOLDER

It puts its port into FOLDER/port. The answers of /<name> stand in FOLDER/<name>.answers, which is
read at each request, as statuses parted by blanks: one for each request, the last one again and
again; 200 without a file. The n-th request leaves <name>.<n>.body and then <name>.<n>.request, the
rest of it, in FOLDER; those of a name that begins with "stay" leave nothing.
"""

import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


SAYS = {
    422: '{"error":"body.text may not be empty"}',
    429: '{"error":"slow down"}',
    503: "<h1>503 Service Unavailable</h1>",
}


def write_file(path, data):
    """All at once, so that nobody reads half of it."""
    draft = path.with_name("." + path.name)
    draft.write_bytes(data)
    draft.rename(path)


class Receiver(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), Handler)
        self.folder = folder
        self.lock = threading.Lock()
        self.seen = {}  # name -> how many requests came
        self.started = time.monotonic()

    def answer(self, name, number):
        try:
            answers = (self.folder / f"{name}.answers").read_text().split()
        except FileNotFoundError:
            return 200
        return int(answers[min(number, len(answers)) - 1])

    def take(self, name, headers, body):
        """Writes a request down and returns the status to answer."""
        with self.lock:
            number = self.seen[name] = self.seen.get(name, 0) + 1
            status = self.answer(name, number)
            if name.startswith("stay"):
                return status
            seconds = time.monotonic() - self.started
            lines = [f"at {seconds:.2f}", f"answered {status}"]
            lines += [f"{key}: {value}" for key, value in headers.items()]
            write_file(self.folder / f"{name}.{number}.body", body)
            write_file(self.folder / f"{name}.{number}.request", "\n".join(lines).encode())
            return status


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.take(self.path.strip("/"), self.headers, body)
        text = b"" if status < 400 else SAYS.get(status, "no").encode()
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "600")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


def main():
    folder = Path(sys.argv[1])
    with Receiver(folder) as receiver:
        write_file(folder / "port", str(receiver.server_port).encode())
        receiver.serve_forever()


main()
