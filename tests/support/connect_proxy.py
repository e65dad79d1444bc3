"""An HTTP proxy on loopback: CONNECT, and requests in absolute form.

    with ConnectProxy(credentials=b"user:password") as proxy:
        ... a client is told of proxy.url ...
        assert proxy.asked() == [("CONNECT", "receiver.example:443")]

It connects to what resolve(host) says, the host itself by default. refuse is a status that it
answers everything with; with hang it takes requests and answers nothing. tls is a server-side
ssl.SSLContext.
"""

import base64
import select
import socket
import threading

HEAD_MAX = 65536


class ConnectProxy:
    def __init__(
        self, credentials=None, refuse=None, hang=False, tls=None, resolve=lambda host: host
    ):
        self._wanted = credentials and b"Basic " + base64.b64encode(credentials)
        self._refuse = refuse
        self._hang = hang
        self._tls = tls
        self._resolve = resolve
        self._asked = []
        self._heads = []
        self._open = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()

    def asked(self):
        """(method, target) of each request so far."""
        return list(self._asked)

    def heads(self):
        """What came before the blank line of each request."""
        return list(self._heads)

    def stop(self):
        for one in [self._listener, *self._open]:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        try:
            if self._tls:
                connection = self._tls.wrap_socket(connection, server_side=True)
            while self._exchange(connection):
                pass
        except OSError:
            pass
        finally:
            connection.close()

    def _exchange(self, connection):
        """One request. Whether another may come."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(HEAD_MAX)
            if not data:
                return False
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ", 2)
        self._asked.append((method, target))
        self._heads.append(head)
        if self._hang:
            return connection.recv(1) != b""
        given = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            given[name.lower()] = value.strip()
        if self._wanted and given.get(b"proxy-authorization") != self._wanted:
            return self._answer(connection, 407, b"Proxy-Authenticate: Basic realm=x\r\n")
        if self._refuse:
            return self._answer(connection, self._refuse)
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
        else:
            origin = target.split("/", 3)[2]
            host, _, port = origin.rpartition(":")
        with socket.create_connection((self._resolve(host.strip("[]")), int(port))) as far:
            if method == "CONNECT":
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n" + rest)
            else:
                path = "/" + target.split("/", 3)[3]
                head = head.replace(target.encode(), path.encode(), 1)
                far.sendall(head + b"\r\n\r\n" + rest)
            self._pass_on(connection, far)
        return False

    @staticmethod
    def _answer(connection, status, headers=b""):
        connection.sendall(b"HTTP/1.1 %d Refused\r\n%sContent-Length: 0\r\n"
                           b"Connection: close\r\n\r\n" % (status, headers))  # fmt: skip
        return False

    @staticmethod
    def _pass_on(one, other):
        to = {one: other, other: one}
        while True:
            ready = [one] if getattr(one, "pending", lambda: 0)() else None
            for source in ready or select.select([one, other], [], [])[0]:
                data = source.recv(HEAD_MAX)
                if not data:
                    return
                to[source].sendall(data)
