"""An HTTP server on loopback that runs a CGI program (RFC 3875) for each request."""

import os
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ANSWER_S = 20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        environment = {os.fsencode(k): os.fsencode(v) for k, v in self.server.environment.items()}
        for name, value in self.headers.items():
            variable = "HTTP_" + name.upper().replace("-", "_")
            environment[variable.encode()] = value.encode("latin-1")
        environment |= {
            b"GATEWAY_INTERFACE": b"CGI/1.1", b"REQUEST_METHOD": b"POST",
            b"PATH_INFO": self.path.encode(), b"CONTENT_LENGTH": str(len(body)).encode(),
        }  # fmt: skip
        done = subprocess.run(
            self.server.argv, input=body, env=environment, capture_output=True, timeout=ANSWER_S,
            check=False,
        )  # fmt: skip
        self.server.errors += done.stderr
        first = done.stdout.split(b"\r\n")[0].split()
        status = int(first[1]) if done.returncode == 0 and first[:1] == [b"Status:"] else 500
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class CgiServer:
    def __init__(self, argv, environment):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.argv, self._server.environment = argv, environment
        self._server.errors = b""
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def errors(self):
        return self._server.errors.decode(errors="replace")

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
