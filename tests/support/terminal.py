"""Commands on a terminal of a given size: a pseudo-terminal, as a user would see it."""

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading

from child import end, spawn

COLOUR = re.compile("\x1b\\[[0-9;]*m")


class Terminal:
    """A command whose standard output is a terminal of columns and rows."""

    def __init__(self, argv, columns, rows=50, **environment):
        here, there = pty.openpty()
        fcntl.ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {k: v for k, v in os.environ.items() if not k.startswith("ROOMHOOK_")}
        env.pop("NO_COLOR", None)
        env.update({"TERM": "xterm", **environment})
        self.process = spawn(
            argv, stdin=subprocess.DEVNULL, stdout=there, stderr=subprocess.PIPE, text=True, env=env
        )
        os.close(there)
        self._here = here
        self._bytes = b""
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        while True:
            try:
                some = os.read(self._here, 65536)
            except OSError:  # the other end is closed
                return
            if not some:
                return
            self._bytes += some

    def text(self):
        """All that was written so far."""
        return self._bytes.decode().replace("\r\n", "\n")

    def close(self):
        """Ends the command; its exit code."""
        code = end(self.process, signal.SIGINT)
        self._reader.join()
        os.close(self._here)
        self.process.stderr.close()
        return code


def seen_on_terminal(argv, columns, rows=50, **environment):
    """What a command that ends writes on a terminal, and its exit code."""
    terminal = Terminal(argv, columns, rows, **environment)
    terminal.process.wait(timeout=20)
    terminal._reader.join()
    text = terminal.text()
    return text, terminal.close()


def without_colour(text):
    return COLOUR.sub("", text)
