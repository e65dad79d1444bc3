"""A worker's network of its own: the whole Internet behind one cable, and all of it is ours.

    with Network() as network:
        network.world.listen(80)  # a socket that is reached by every address there is
        start_worker(redis=…, wrapper=network.wrapper(), allow_address=None)
        …
        assert set(network.attempts()) == {("93.184.216.34", 80)}

Two network namespaces joined by a veth pair. On the worker's side there is nothing but loopback and
the cable; on the other side, the world, every address is local, so that a connection to whatever
address can be accepted and seen. Public addresses are used, so that the production policy runs as
it is. Each TCP connection that the worker's side tries, on any port, is recorded from its first
packet, on the cable and on loopback.

The worker has a private /etc/resolv.conf besides. Redis is reached by a unix socket, which
namespaces do not part.

Needs root, or it fails and says so.
"""

import collections
import ctypes
import ipaddress
import os
import socket
import struct
import subprocess
import tempfile
import threading

import pytest

from wait import wait_until

CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)

WORKER_V4 = "93.184.215.2"
WORKER_V6 = "2606:2800:215::2"
GATEWAY_V4 = "93.184.215.1"
GATEWAY_V6 = "2606:2800:215::1"
NAME_SERVER = "93.184.216.53"
MARKER_PORT = 9

# Where the receivers of the tests are. Public, and not the worker's own.
GOOD_V4 = "93.184.216.34"
GOOD_V6 = "2606:2800:220:1:248:1893:25c8:1946"


def _checked(result, what):
    if result != 0:
        error = os.strerror(ctypes.get_errno())
        raise RuntimeError(f"{what}: {error}; these tests need root with CAP_SYS_ADMIN")


def in_thread(function):
    """Runs function in a thread of its own, whose namespace may be changed; gives its result."""
    result = []

    def run():
        try:
            result.append((function(), None))
        except BaseException as error:  # handed to the caller
            result.append((None, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    value, error = result[0]
    if error:
        raise error
    return value


class Namespace:
    """A network namespace without a name; it goes when this process and its children are gone."""

    def __init__(self):
        self._fd = in_thread(self._make)

    @staticmethod
    def _make():
        _checked(_LIBC.unshare(CLONE_NEWNET), "cannot make a network namespace")
        return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)

    @property
    def path(self):
        """By which nsenter(1) finds it, while this object lives."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    def call(self, function):
        """Runs function inside and gives its result: sockets it makes stay inside."""

        def run():
            _checked(_LIBC.setns(self._fd, CLONE_NEWNET), "cannot enter a network namespace")
            return function()

        return in_thread(run)

    def run(self, command):
        """Runs a command inside and gives what it prints."""
        argv = ["nsenter", f"--net={self.path}", *command.split()]
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr or done.stdout}"
        return done.stdout

    def set(self, name, value):
        """A setting of the kernel for this namespace: set("ipv4/tcp_wmem", "4096 16384 65536")"""

        def run():
            with open(f"/proc/sys/net/{name}", "w", encoding="ascii") as file:
                file.write(value)

        self.call(run)

    def listen(self, port, address=None, backlog=4096, prepare=lambda sock: None):
        """A listening socket inside: on one address, or on all of both families."""

        def run():
            family = socket.AF_INET if address and ":" not in address else socket.AF_INET6
            sock = socket.socket(family)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            prepare(sock)
            sock.bind((address or "::", port))
            sock.listen(backlog)
            return sock

        return self.call(run)

    def udp(self, port, address):
        def run():
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.bind((address, port))
            return sock

        return self.call(run)

    def close(self):
        os.close(self._fd)


class Watcher:
    """Sees each TCP connection that is begun on an interface: its first packet."""

    def __init__(self, namespace, interface):
        self._seen = []
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._socket = namespace.call(lambda: self._open(interface))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(interface):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0003))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        sock.bind((interface, 0))
        sock.settimeout(0.1)
        return sock

    def _run(self):
        while not self._closing.is_set():
            try:
                target = syn_target(self._socket.recv(200))
            except TimeoutError:
                continue
            if target:
                with self._lock:
                    self._seen.append(target)

    def seen(self):
        """(address, port) of each, in order; a repeated packet counts again."""
        with self._lock:
            return list(self._seen)

    def close(self):
        self._closing.set()
        self._thread.join()
        self._socket.close()


def syn_target(packet):
    """(address, port) of a packet that begins a TCP connection, else None."""
    if len(packet) >= 40 and packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
        tcp, address = packet[(packet[0] & 15) * 4:], packet[16:20]
    elif len(packet) >= 60 and packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
        tcp, address = packet[40:], packet[24:40]
    else:
        return None
    if len(tcp) < 14 or tcp[13] & 0x12 != 0x02:  # SYN without ACK
        return None
    return str(ipaddress.ip_address(address)), struct.unpack("!H", tcp[2:4])[0]


class Network:
    def __init__(self):
        if os.geteuid() != 0:
            pytest.fail("these tests make network namespaces: run them as root", pytrace=False)
        self.worker = Namespace()
        self.world = Namespace()
        self._folder = tempfile.TemporaryDirectory(prefix="roomhook-network-")
        self._lay_cable()
        self.cable = Watcher(self.world, "w1")
        self.loopback = Watcher(self.worker, "lo")
        self.set_name_server(NAME_SERVER)

    def _lay_cable(self):
        for command in (
            "ip link add w0 type veth peer name w1",
            f"ip link set w1 netns {self.world.path}",
            "ip link set lo up",
            "ip link set w0 up",
            f"ip address add {WORKER_V4}/24 dev w0",
            f"ip address add {WORKER_V6}/64 dev w0 nodad",
        ):
            self.worker.run(command)
        for command in (
            "ip link set lo up",
            "ip link set w1 up",
            f"ip address add {GATEWAY_V4}/24 dev w1",
            f"ip address add {GATEWAY_V6}/64 dev w1 nodad",
            # Every other address is local. Not in the table of local addresses, which goes before
            # the way back to the worker.
            "ip route add local 0.0.0.0/0 dev lo table main",
            "ip -6 route add local ::/0 dev lo table main",
        ):
            self.world.run(command)
        # A body of some 100 KB does not fit into the kernel: the worker notices who reads it.
        self.worker.set("ipv4/tcp_wmem", "4096 16384 65536")
        # A router tells of routes that lead nowhere.
        self.world.set("ipv4/conf/all/forwarding", "1")
        self.worker.run(f"ip route add default via {GATEWAY_V4}")
        self.worker.run(f"ip -6 route add default via {GATEWAY_V6}")

    # what the worker is started by

    def set_name_server(self, *lines):
        """What /etc/resolv.conf says to workers started from now on: addresses, or whole lines."""
        lines = [line if " " in line else f"nameserver {line}" for line in lines]
        self._write("resolv.conf", "".join(f"{line}\n" for line in lines))
        self._write("nsswitch.conf", "hosts: files dns\n")
        self._write("hosts", "127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")

    def _write(self, name, text):
        with open(self._path(name), "w", encoding="ascii") as file:
            file.write(text)

    def _path(self, name):
        return os.path.join(self._folder.name, name)

    def wrapper(self):
        """For Worker(wrapper=…): puts it behind the cable, with files in /etc of its own."""
        script = (
            'for name in resolv.conf nsswitch.conf hosts; do mount --bind "$0/$name" "/etc/$name" '
            '|| exit 1; done; exec "$@"'
        )
        enter = ("nsenter", f"--net={self.worker.path}", "unshare", "--mount")
        return (*enter, "sh", "-c", script, self._folder.name)

    # what was tried

    def attempts(self):
        """Counter of (address, port) that the worker's side tried to connect to so far."""
        self._catch_up()
        seen = self.cable.seen() + self.loopback.seen()
        return collections.Counter(
            target for target in seen if target != (GATEWAY_V4, MARKER_PORT)
        )

    def _catch_up(self):
        """Waits until the watcher has seen what was sent before now."""

        def mark():
            with socket.socket() as sock:
                sock.connect_ex((GATEWAY_V4, MARKER_PORT))

        before = self.cable.seen().count((GATEWAY_V4, MARKER_PORT))
        self.worker.call(mark)
        wait_until(
            lambda: self.cable.seen().count((GATEWAY_V4, MARKER_PORT)) > before,
            5,
            "the watcher of the cable",
        )

    def close(self):
        self.cable.close()
        self.loopback.close()
        self.worker.close()
        self.world.close()
        self._folder.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
