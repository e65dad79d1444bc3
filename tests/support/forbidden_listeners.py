"""Listeners that nobody may touch."""

import socket
import threading


class Traps:
    """Listens on every address of namespaces, on the ports given, and tells who came.

        traps = Traps([(network.worker, 80), (network.world, 80)])
        ...
        assert traps.touched() == []
    """

    def __init__(self, places):
        self._touched = []
        self._lock = threading.Lock()
        self._sockets = []
        self._threads = []
        for namespace, port in places:
            sock = namespace.listen(port)
            thread = threading.Thread(target=self._accept, args=(sock,), daemon=True)
            self._sockets.append(sock)
            self._threads.append(thread)
            thread.start()

    def _accept(self, sock):
        while True:
            try:
                connection, _ = sock.accept()
            except OSError:
                return  # closed
            address, port, *_ = connection.getsockname()
            with self._lock:
                self._touched.append((address.removeprefix("::ffff:"), port))
            connection.close()

    def touched(self):
        """(address, port) that connections were made to."""
        with self._lock:
            return list(self._touched)

    def close(self):
        for sock in self._sockets:
            sock.shutdown(socket.SHUT_RDWR)  # wakes accept()
            sock.close()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
