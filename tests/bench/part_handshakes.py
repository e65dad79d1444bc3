"""handshakes: two a second with a peer that makes them costly; what do the hooks elsewhere feel?"""

import dataclasses
import socket
import threading

from costly_tls import chain, dhe_only, many_points, sends
from hostile_tls import NastyTls
from paced import steady
from part_deliver import alternate, pick
from report import at_least, at_most
from webhook_queue import enqueue, message_event, set_hook

HEALTHY = 20
FIRST_ROOM = 1000  # of the costly
PAUSE_S = 0.5
HOST = "127.0.0.1"


class Loopback:
    """A network and its name server, as NastyTls wants them: a port for each server."""

    def __init__(self):
        self.ports = []

    def listen(self, _port, _address):
        sock = socket.create_server((HOST, 0))
        self.ports.append(sock.getsockname()[1])
        return sock

    def set(self, _name, _records):
        pass


def peers(certificates):
    own = ("rsa-local", f"IP:{HOST}")
    dhe = dataclasses.replace(
        dhe_only(certificates, 10000),
        certificate=lambda ours: ours.server(*own, key=("rsa:2048",)),
    )
    points = sends("retry tls", chain(many_points(1000, 800)))
    return {"none": None, "DHE of 10,000 bits": dhe, "800 relative points": points}


def _attack(client, port, stopping):
    """Each time another hook: one that fails gets fewer and fewer attempts."""
    room = FIRST_ROOM
    while not stopping.wait(PAUSE_S):
        set_hook(client, room, "costly", url=f"https://{HOST}:{port}/{room}")
        enqueue(client, message_event(room=room))
        room += 1


def one(site, certificates, peer, rate, seconds):
    network = Loopback()
    servers = {"peer": peer} if peer else {}
    with site.run() as run, NastyTls(network, network, certificates, servers):
        run.hooks({n: run.sink.url(n, f"127.0.1.{n}") for n in range(1, HEALTHY + 1)})
        run.worker(ca_file=certificates.ca, retry_schedule="1h")
        stopping = threading.Event()
        arguments = (run.server.client(), network.ports[0] if peer else 0, stopping)
        attack = threading.Thread(target=_attack, args=arguments)
        if peer:
            attack.start()
        try:
            return steady(run, rate, seconds, HEALTHY, HEALTHY)
        finally:
            stopping.set()
            if peer:
                attack.join()


def run(site, scale, report):
    certificates = site.certificates()
    seconds = scale.number(15, 2)
    found = alternate(site, scale.rounds, [
        (name, lambda peer=peer: one(site, certificates, peer, 500, seconds))
        for name, peer in peers(certificates).items()
    ])  # fmt: skip
    for name, figures in found.items():
        report.row(f"{name}: p50", pick(figures, "p50"), "ms", at_most(2))
        report.row(f"{name}: p99", pick(figures, "p99"), "ms")
        report.row(f"{name}: delivered in time", pick(figures, "share"), "%", at_least(99))
