"""A Redis reached in another way than by its plain port: over TLS, as a user, through Sentinels."""

import subprocess

import redis

from child import end, free_port, spawn
from wait import wait_until


def tls_redis(own_redis, certificates, pair, **settings):
    """A Redis with a TLS port besides the plain one -> (server, TLS port).

    It is a free one, unless tls_port names it.
    """
    port = int(settings.pop("tls_port", 0)) or free_port()
    certificate, key = pair
    server = own_redis(
        tls_port=str(port),
        tls_cert_file=certificate,
        tls_key_file=key,
        tls_ca_cert_file=certificates.ca,
        **{"tls_auth_clients": "no", **settings},
    )
    return server, port


def make_user(server, name, password):
    """A user who may do all, beside the default one."""
    with server.client() as client:
        client.acl_setuser(name, enabled=True, passwords=[f"+{password}"], keys=["*"],
                           categories=["+@all"])  # fmt: skip


class Sentinel:
    """A redis-sentinel that watches one master by the name main; password is its own."""

    def __init__(self, folder, master_port, password=None, **settings):
        self.port = free_port()
        config = folder / f"sentinel-{self.port}.conf"
        config.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {folder}\n"
            f"sentinel monitor main 127.0.0.1 {master_port} 1\n"
            "sentinel down-after-milliseconds main 1000\n"
            "sentinel failover-timeout main 5000\n"
            + (f"requirepass {password}\n" if password else "")
            + "".join(f"{name.replace('_', '-')} {value}\n" for name, value in settings.items())
        )
        self.process = spawn(["redis-server", str(config), "--sentinel"],
                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # fmt: skip
        self.client = redis.Redis(port=self.port, password=password, socket_timeout=5)
        wait_until(self._is_ready, 10, "a ready Sentinel")

    def _is_ready(self):
        try:
            return self.client.ping()
        except redis.ConnectionError:
            return False

    def replicas(self):
        return self.client.execute_command("SENTINEL", "REPLICAS", "main")

    def master_port(self):
        return int(self.client.execute_command("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "main")[1])

    def stop(self):
        self.client.close()
        end(self.process)


def replicated_redis(own_redis, sentinel_of):
    """(master, its replica in step, a Sentinel that knows both)"""
    master = own_redis(repl_diskless_sync_delay="0")
    replica = own_redis(replicaof=f"127.0.0.1 {master.port}")
    sentinel = sentinel_of(master.port)
    wait_until(lambda: len(sentinel.replicas()) == 1, 15, "the Sentinel to see the replica")
    with replica.client() as client:
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", 15,
                   "the replica to be in step")  # fmt: skip
    return master, replica, sentinel


def fail_over(master, replica, sentinel):
    """The replica gets everything, the master dies, the Sentinel makes the replica the master."""
    with master.client() as client, replica.client() as other:
        offset = client.info("replication")["master_repl_offset"]
        wait_until(lambda: other.info("replication")["slave_repl_offset"] >= offset, 10,
                   "the replica to have everything")  # fmt: skip
    master.kill()
    wait_until(lambda: sentinel.master_port() == replica.port, 30, "the failover")
    with replica.client() as client:
        wait_until(lambda: client.role()[0] == b"master", 10, "the replica to be the master")
