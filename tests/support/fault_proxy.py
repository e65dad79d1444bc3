"""A TCP proxy on loopback that cuts, freezes, delays or refuses connections on command.

    with FaultProxy(server.host, server.port) as proxy:
        ... let something connect to proxy.url ...
        proxy.freeze("down")     # answers no longer arrive
        proxy.thaw()
        proxy.cut("rst")

Directions: "up" is from the client to the server, "down" the way back.
"""

import asyncio
import contextlib
import socket
import struct
import threading

CHUNK = 65536
COMMAND_S = 10.0
DIRECTIONS = ("up", "down")


class _Pair:
    """One client's connection and the connection to the server made for it."""

    def __init__(self, client, server):
        self.writers = {"up": server, "down": client}

    def cut(self, how):
        for writer in self.writers.values():
            if writer.is_closing():  # it has ended by itself
                continue
            if how == "rst":
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            else:
                writer.close()


class FaultProxy:
    """Listens as soon as it is made; use it as a context manager or call stop()."""

    def __init__(self, server_host, server_port):
        self._server_address = (server_host, server_port)
        self.host = "127.0.0.1"
        self.port = 0
        self.connections = 0  # how many were ever accepted
        self._pairs = []
        self._tasks = set()
        self._delay_s = 0.0
        self._fuse = None  # (direction, bytes left, how): cuts the connection that burns it down
        self._listener = None
        self._loop = asyncio.new_event_loop()
        self._open = {direction: asyncio.Event() for direction in DIRECTIONS}
        self._thread = threading.Thread(target=self._run, name="fault proxy", daemon=True)
        self._thread.start()
        self.thaw()
        self.accept()

    @property
    def url(self):
        return f"redis://{self.host}:{self.port}/0"

    # commands

    def cut(self, how="rst", count=None):
        """Ends connections, the oldest first, by a reset ("rst") or a proper close ("fin")."""
        self._do(self._cut, how, count)

    def cut_after(self, n_bytes, direction, how="rst"):
        """Lets n more bytes pass, over all connections, and cuts the one they end on. Once."""
        self._do(setattr, self, "_fuse", (direction, n_bytes, how))

    def freeze(self, *directions):
        """Nothing passes any more, no end of a connection either; nobody is told."""
        for direction in directions or DIRECTIONS:
            self._do(self._open[direction].clear)

    def thaw(self):
        for event in self._open.values():
            self._do(event.set)

    def delay(self, seconds):
        """How long each piece of data takes from now on."""
        self._do(setattr, self, "_delay_s", seconds)

    def refuse(self):
        """New connections are refused; those there are stay."""
        self._do(self._close_listener)

    def accept(self):
        """Listens (again), on the same port as before."""
        if self._listener is None:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(COMMAND_S)

    def point_at(self, server_host, server_port):
        """Where new connections go."""
        self._server_address = (server_host, server_port)

    def stop(self):
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(COMMAND_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(COMMAND_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # what runs on the loop's thread

    def _run(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.close()

    def _do(self, function, *arguments):
        async def call():
            function(*arguments)

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(COMMAND_S)

    async def _listen(self):
        self._listener = await asyncio.start_server(
            self._serve, self.host, self.port, reuse_address=True
        )
        self.port = self._listener.sockets[0].getsockname()[1]

    def _close_listener(self):
        if self._listener is not None:
            self._listener.close()
        self._listener = None

    async def _end(self):
        self._close_listener()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _cut(self, how, count):
        for pair in self._pairs[:count]:
            pair.cut(how)

    async def _serve(self, client_reader, client_writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        writers = [client_writer]
        pair = None
        try:
            server_reader, server_writer = await asyncio.open_connection(*self._server_address)
            writers.append(server_writer)
            pair = _Pair(client_writer, server_writer)
            self._pairs.append(pair)
            pumps = [
                asyncio.create_task(self._pump(pair, client_reader, "up")),
                asyncio.create_task(self._pump(pair, server_reader, "down")),
            ]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        except OSError:
            pass  # the server is not there
        except asyncio.CancelledError:
            pass  # the proxy stops
        finally:
            for writer in writers:
                writer.close()
            if pair in self._pairs:
                self._pairs.remove(pair)
            self._tasks.discard(task)

    async def _pump(self, pair, reader, direction):
        writer = pair.writers[direction]
        with contextlib.suppress(ConnectionError, OSError):
            while True:
                data = await reader.read(CHUNK)
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                await self._open[direction].wait()
                if not data:
                    return
                passed, how = self._burn(data, direction)
                writer.write(passed)
                await writer.drain()
                if how:
                    pair.cut(how)
                    return

    def _burn(self, data, direction):
        """What of data passes the fuse, and how to cut the connection behind it (None: not)."""
        if self._fuse is None or self._fuse[0] != direction:
            return data, None
        _, left, how = self._fuse
        if len(data) < left:
            self._fuse = (direction, left - len(data), how)
            return data, None
        self._fuse = None
        return data[:left], how
