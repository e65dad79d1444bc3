"""A server on loopback that speaks just enough of Redis' protocol to misbehave on purpose.

    with ScriptedRedis(lambda command: XADD_ID if command[0] == b"XADD" else OK) as server:
        ... server.url ...; server.commands

The script is called with each command, a list of bytes, and gives the bytes to answer, or None to
close the connection without an answer.
"""

import socket
import threading

OK = b"+OK\r\n"


def bulk(data):
    return b"$%d\r\n%s\r\n" % (len(data), data)


class ScriptedRedis:
    def __init__(self, script):
        self._script = script
        self.commands = []
        self.connections = 0
        self._connection = None  # of the client that is being served
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # stopped
                return
            self.connections += 1
            self._connection = connection
            with connection, connection.makefile("rb") as lines:
                self._serve(connection, lines)

    def _serve(self, connection, lines):
        while True:
            head = lines.readline()
            if not head:
                return
            command = []
            for _ in range(int(head[1:])):
                length = int(lines.readline()[1:])
                command.append(lines.read(length))
                lines.read(2)
            self.commands.append(command)
            answer = self._script(command)
            if answer is None:
                return
            try:
                connection.sendall(answer)
            except OSError:
                return

    def stop(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._connection:
            try:
                self._connection.shutdown(socket.SHUT_RDWR)
            except OSError:  # it has ended by itself
                pass
        self._thread.join(5)
        assert not self._thread.is_alive()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
