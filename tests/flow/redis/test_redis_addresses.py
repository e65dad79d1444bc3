"""Every way to reach Redis: TLS, unix socket, users, Sentinels. And what is said when it fails."""

from pathlib import Path

import pytest

from certificates import Certificates, encrypted
from child import free_port
from receiver import Receiver
from redis_variants import fail_over, make_user, replicated_redis, tls_redis
from wait import stays_true, wait_until
from webhook_queue import enqueue, message_event, set_hook


def check_delivery(server, receiver):
    with server.client() as client:
        set_hook(client, 438, "main", url=receiver.url())
        seen = len(receiver.requests())
        enqueue(client, message_event())
    receiver.wait_for(seen + 1)


def test_tls(own_redis, certificates, receiver, start_worker):
    server, port = tls_redis(own_redis, certificates, certificates.good())
    for host in ("127.0.0.1", "localhost"):
        worker = start_worker(redis=f"rediss://{host}:{port}/0", redis_ca=certificates.ca,
                              wait_ready=False)  # fmt: skip
        worker.wait_log("ready")
        check_delivery(server, receiver)
        assert worker.terminate() == 0


def test_tls_with_our_certificate(own_redis, certificates, receiver, start_worker):
    """Redis wants to see one: with it the worker works, without it it says why it cannot."""
    pair = certificates.good()
    server, port = tls_redis(own_redis, certificates, pair, tls_auth_clients="yes")
    url = f"rediss://127.0.0.1:{port}/0"
    refused = start_worker(redis=url, redis_ca=certificates.ca, wait_ready=False)
    refused.expected_exit = None
    refused.wait_log("redis_lost")
    assert not refused.logged("ready")
    worker = start_worker(redis=url, redis_ca=certificates.ca, redis_cert=pair[0],
                          redis_key=pair[1], wait_ready=False)  # fmt: skip
    worker.wait_log("ready")
    check_delivery(server, receiver)


@pytest.mark.parametrize(
    "kind, why",
    [
        ("expired", "certificate has expired"),
        ("wrong_name", "mismatch"),
        ("unknown_ca", "certificate"),
    ],
)
def test_a_certificate_that_cannot_be_trusted(own_redis, tmp_path, certificates, start_worker,
                                              kind, why):  # fmt: skip
    pair = certificates.good() if kind == "unknown_ca" else getattr(certificates, kind)()
    _, port = tls_redis(own_redis, certificates, pair)
    ca = Certificates(tmp_path / "others").ca if kind == "unknown_ca" else certificates.ca
    worker = start_worker(redis=f"rediss://127.0.0.1:{port}/0", redis_ca=ca, wait_ready=False)
    worker.expected_exit = None
    line = worker.wait_log("redis_lost")
    assert why in line["why"], line
    stays_true(lambda: not worker.logged("redis_connected"), 1.0, "no connection is made")


def test_why_it_cannot_connect_again_is_told(own_redis, certificates, tmp_path, start_worker):
    """Redis goes, and comes back with a certificate that cannot be trusted: each is a line."""
    server, port = tls_redis(own_redis, certificates, certificates.good())
    worker = start_worker(redis=f"rediss://127.0.0.1:{port}/0", redis_ca=certificates.ca,
                          wait_ready=False)  # fmt: skip
    worker.expected_exit = None
    worker.wait_log("ready")
    server.shut_down()
    worker.wait_log("redis_lost", fault="unreachable", why="Connection refused")
    tls_redis(own_redis, certificates, Certificates(tmp_path / "others").good(), tls_port=port)
    wait_until(lambda: any("certificate is not accepted" in line["why"]
                           for line in worker.logged("redis_lost")), 15,
               "a line about the certificate")  # fmt: skip


def test_an_encrypted_key_is_refused(certificates, tmp_path, start_worker):
    """At once: nobody is asked for the pass phrase, at a terminal neither."""
    certificate, key_file = certificates.good()
    locked = encrypted(key_file, tmp_path)
    worker = start_worker(redis="rediss://127.0.0.1:1/0", redis_ca=certificates.ca,
                          redis_cert=certificate, redis_key=locked, wait_ready=False)  # fmt: skip
    worker.expected_exit = 1
    line = worker.wait_log("cannot_start")
    assert f'redis-key "{locked}" cannot be used: it is encrypted' in line["why"].replace("\\", "")
    wait_until(lambda: not worker.is_running, 10, "the worker to end")


def test_tls_files_that_cannot_be_used(own_redis, certificates, start_worker):
    worker = start_worker(redis="rediss://127.0.0.1:1/0", redis_ca="/does/not/exist",
                          wait_ready=False)  # fmt: skip
    worker.expected_exit = 1
    line = worker.wait_log("cannot_start")
    assert "redis-ca" in line["why"] and "/does/not/exist" in line["why"]
    wait_until(lambda: not worker.is_running, 10, "the worker to end")


def test_a_unix_socket(own_redis, tmp_path, receiver, start_worker):
    path = tmp_path / "redis.sock"
    server = own_redis(unixsocket=str(path))
    worker = start_worker(redis=f"unix://{path}?db=0", wait_ready=False)
    worker.wait_log("ready")
    check_delivery(server, receiver)


def test_a_user_and_a_password(own_redis, receiver, start_worker, tmp_path):
    """In the URL, and the password from a file."""
    server = own_redis()
    make_user(server, "hooks", "pa:ss@/%")
    password_file = tmp_path / "password"
    password_file.write_text("pa:ss@/%\n")
    address = f"127.0.0.1:{server.port}/0"
    for url, settings in (
        (f"redis://hooks:pa%3Ass%40%2F%25@{address}", {}),
        (f"redis://hooks@{address}", {"redis_password_file": str(password_file)}),
    ):
        worker = start_worker(redis=url, wait_ready=False, **settings)
        worker.wait_log("ready")
        with server.client() as client:
            assert {c["user"] for c in client.client_list() if c["name"]} == {"hooks"}
        check_delivery(server, receiver)
        assert worker.terminate() == 0


def put(path, text):
    """Replaces a file at once, as tools for secrets do."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.rename(path)


def disconnect_all(server):
    with server.client() as client:
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def test_another_password_in_the_file(own_redis, receiver, start_worker, tmp_path):
    """It is read at the next connect. A file that is gone meanwhile leaves the old one in use."""
    server = own_redis()
    make_user(server, "hooks", "old")
    password_file = tmp_path / "password"
    password_file.write_text("old\n")
    worker = start_worker(redis=f"redis://hooks@127.0.0.1:{server.port}/0", wait_ready=False,
                          redis_password_file=password_file)  # fmt: skip
    worker.wait_log("ready")
    password_file.unlink()
    disconnect_all(server)
    assert "cannot be read" in worker.wait_log("redis_files_kept")["why"]
    check_delivery(server, receiver)
    with server.client() as client:
        client.execute_command("ACL", "SETUSER", "hooks", ">new", "<old")
    disconnect_all(server)
    worker.wait_log("redis_lost", fault="noauth")
    put(password_file, "new\n")
    check_delivery(server, receiver)
    assert len(worker.logged("redis_files_kept")) == 1, worker.log()


def test_another_certificate_authority(own_redis, certificates, tmp_path, receiver, start_worker):
    """Redis comes back with a certificate of another one; the worker's file follows."""
    ca = tmp_path / "ca.pem"
    ca.write_text(Path(certificates.ca).read_text())
    server, port = tls_redis(own_redis, certificates, certificates.good())
    worker = start_worker(redis=f"rediss://127.0.0.1:{port}/0", redis_ca=ca, wait_ready=False)
    worker.wait_log("ready")
    server.shut_down()
    others = Certificates(tmp_path / "others")
    server, _ = tls_redis(own_redis, others, others.good(), tls_port=port)
    wait_until(lambda: any("certificate is not accepted" in line["why"]
                           for line in worker.logged("redis_lost")), 15,
               "a line about the certificate")  # fmt: skip
    put(ca, "no certificate")
    assert "redis-ca" in worker.wait_log("redis_files_kept")["why"]
    put(ca, Path(others.ca).read_text())
    check_delivery(server, receiver)


def test_another_line_in_the_hosts_file(own_redis, receiver, start_worker, tmp_path):
    """Redis' name leads elsewhere at the next connect."""
    server = own_redis(bind="127.0.0.1 127.0.0.2")
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.1 redis.example\n")
    mount = f'mount --bind {hosts} /etc/hosts; exec "$0" "$@"'
    worker = start_worker(redis=f"redis://redis.example:{server.port}/0", wait_ready=False,
                          wrapper=["unshare", "--mount", "sh", "-c", mount])  # fmt: skip
    worker.wait_log("ready")
    hosts.write_text("127.0.0.2 redis.example\n")
    disconnect_all(server)
    check_delivery(server, receiver)
    with server.client() as client:
        (name,) = worker.consumers(client)
        ours = [c for c in client.client_list() if c["name"] == f"roomhook-worker-{name}"]
    assert len(ours) == 2 and all(c["laddr"].startswith("127.0.0.2:") for c in ours), ours


def test_sentinels_lead_to_the_master_after_each_failover(own_redis, sentinel_of, start_worker):
    """The first Sentinel of the list does not answer. The master dies; its replica takes over."""
    with Receiver() as receiver:
        first, second, sentinel = replicated_redis(own_redis, sentinel_of)
        url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/main/0"
        worker = start_worker(redis=url, wait_ready=False)
        worker.wait_log("ready")
        check_delivery(first, receiver)
        fail_over(first, second, sentinel)
        check_delivery(second, receiver)
        assert worker.is_running


def test_sentinels_with_a_password_of_their_own(own_redis, sentinel_of, start_worker, receiver,
                                                tmp_path):
    """By a file, which is read again at each connect, and in the URL."""
    server = own_redis()
    server.client().config_set("requirepass", "of-redis")
    sentinel = sentinel_of(server.port, password="of/the-sentinels",
                           sentinel="auth-pass main of-redis")  # fmt: skip
    url = f"redis+sentinel://:of-redis@127.0.0.1:{sentinel.port}/main"
    password_file = tmp_path / "sentinels"
    password_file.write_text("wrong\n")
    worker = start_worker(redis=url, wait_ready=False, log_level="debug",
                          sentinel_password_file=password_file)  # fmt: skip
    assert "WRONGPASS" in worker.wait_log("redis_lost")["why"]
    (tmp_path / "new").write_text("of/the-sentinels\n")
    (tmp_path / "new").rename(password_file)
    worker.wait_log("ready")
    given = start_worker(redis=f"{url}?sentinel-user=default&sentinel-password=of%2Fthe-sentinels",
                         wait_ready=False)  # fmt: skip
    given.wait_log("ready")
    for one in (worker, given):
        assert not any(word in one.log() for word in ("of/the", "of%2Fthe", "wrong"))
        assert one.terminate() == 0


def test_a_master_that_sentinels_do_not_know(own_redis, sentinel_of, start_worker):
    server = own_redis()
    sentinel = sentinel_of(server.port)
    worker = start_worker(redis=f"redis+sentinel://127.0.0.1:{sentinel.port}/other",
                          wait_ready=False)  # fmt: skip
    worker.expected_exit = None
    assert "does not know a master" in worker.wait_log("redis_lost")["why"]
