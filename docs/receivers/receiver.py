"""Receives webhooks, with the library of Standard Webhooks: pip install standardwebhooks"""
import hmac
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

WEBHOOK = Webhook(os.environ["WEBHOOK_SECRET"])
PASSWORD = os.environ["VERIFICATION_SIGNATURE"]


def is_signed(headers, body):
    try:
        WEBHOOK.verify(body, dict(headers), json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: what is no signature at all
        return False
    return True


def has_password(headers):
    given = headers.get("Verification-Signature", "")
    return hmac.compare_digest(given.encode(), PASSWORD.encode())


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = self.path == "/signed"
        valid = is_signed(self.headers, body) if signed else has_password(self.headers)
        # Store the event here, then answer; act on it later.
        self.send_response(204 if valid else 401)
        self.end_headers()


ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Handler).serve_forever()
