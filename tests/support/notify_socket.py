"""A service manager's end of sd_notify(3): the socket that NOTIFY_SOCKET names."""

import socket
import struct
import threading
import time

from wait import wait_until

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid: struct ucred


class NotifySocket:
    """Listens on path, or with abstract=True under a name that is in no file system.

    env(watchdog_s) is what a service is started with. messages() are those that came so far, as
    dicts; each has its time ("at") and the sender's "pid" besides what it said.
    """

    def __init__(self, path, abstract=False):
        self.name = f"@{path}" if abstract else str(path)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self._socket.bind(f"\0{path}" if abstract else str(path))
        self._changed = threading.Condition()
        self._messages = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join(5)
        self._socket.close()

    def env(self, watchdog_s=None):
        found = {"NOTIFY_SOCKET": self.name}
        if watchdog_s is not None:
            found["WATCHDOG_USEC"] = str(int(watchdog_s * 1e6))
        return found

    def _run(self):
        while True:
            text, ancillary, _, _ = self._socket.recvmsg(4096, socket.CMSG_SPACE(64))
            if not text:
                return
            message = dict(line.split("=", 1) for line in text.decode().split("\n"))
            message["at"] = time.monotonic()
            for _, kind, data in ancillary:
                if kind == socket.SCM_CREDENTIALS:
                    message["pid"] = _CREDENTIALS.unpack(data)[0]
            with self._changed:
                self._messages.append(message)
                self._changed.notify_all()

    def messages(self, **wanted):
        """Those that say all of wanted: messages(READY="1")."""
        with self._changed:
            return [one for one in self._messages if wanted.items() <= one.items()]

    def wait(self, what, predicate, timeout=10):
        """Waits until a message fulfils predicate and returns the first that does."""
        return wait_until(
            lambda: [one for one in self.messages() if predicate(one)],
            timeout,
            lambda: f"a message {what}; they are {self.messages()}",
        )[0]
