"""docs/chat/room_admins.py, a chat server's part, before a roomhook-web of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path

from child import end, spawn
from web_service import WebService

SERVER = Path(__file__).resolve().parents[2] / "docs" / "chat" / "room_admins.py"


class ChatServer:
    """sessions: the value of the cookie "session" -> rooms."""

    def __init__(self, folder, redis_url, tokens, sessions):
        made = subprocess.run(
            [folder / "roomhook-web", "token", "create", "--tokens", tokens, "--role", "operate"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        self.web = WebService(folder / "roomhook-web", redis_url, tokens=tokens, actions=True)
        self.process = spawn(
            [sys.executable, SERVER, "127.0.0.1:0"], stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
            env={**os.environ, "ROOMHOOK_WEB": f"127.0.0.1:{self.web.port}",
                 "ROOMHOOK_WEB_TOKEN": made.stdout.strip(), "CHAT_SESSIONS": json.dumps(sessions)},
        )  # fmt: skip
        self.port = int(self.process.stdout.readline().rpartition(":")[2])

    def finish(self):
        end(self.process)
        self.process.stdout.close()
        self.web.finish()
