"""roomhook over every way to reach Redis: TLS, unix socket, users, Sentinels."""

import os
import subprocess

import pytest

from certificates import Certificates, encrypted
from child import free_port
from redis_variants import fail_over, make_user, replicated_redis, tls_redis
from webhook_queue import key

SEND = ("send", "--room=438", "--text=a")

# One of each family of commands, and send, which has a connection of its own.
COMMANDS = [
    SEND,
    ("hook", "set", "--room=438", "--url=https://example.com/"),
    ("hook", "list", "--room=438"),
    ("dead", "list"),
    ("status",),
]


def check_commands(cli, url, *flags):
    for command in COMMANDS:
        cli(*command, *flags, redis=url)


def check_refused(cli, url, *flags):
    """All fail, each in one line -> that line, which is the same for all."""
    lines = set()
    for command in COMMANDS:
        done = cli(*command, *flags, redis=url, check=False)
        assert done.returncode == 1 and done.stdout == "", (command, done)
        lines.add(done.stderr)
    assert len(lines) == 1, lines
    line = lines.pop()
    assert line.startswith("roomhook: cannot connect to rediss://") and line.count("\n") == 1
    return line


def test_tls(own_redis, certificates, cli):
    server, port = tls_redis(own_redis, certificates, certificates.good())
    for host in ("127.0.0.1", "localhost"):
        check_commands(cli, f"rediss://{host}:{port}/0", "--redis-ca", certificates.ca)
    assert server.client().xlen(key("events")) == 2


def test_tls_by_the_environment(own_redis, certificates, roomhook_bin):
    pair = certificates.good()
    server, port = tls_redis(own_redis, certificates, pair, tls_auth_clients="yes")
    environment = {
        **os.environ,
        "ROOMHOOK_REDIS": f"rediss://127.0.0.1:{port}",
        "ROOMHOOK_REDIS_CA": certificates.ca,
        "ROOMHOOK_REDIS_CERT": pair[0],
        "ROOMHOOK_REDIS_KEY": pair[1],
    }
    subprocess.run([roomhook_bin / "roomhook", *SEND], env=environment, check=True, timeout=20)
    assert server.client().xlen(key("events")) == 1


@pytest.mark.parametrize(
    "kind, why",
    [
        ("expired", "certificate has expired"),
        ("wrong_name", "mismatch"),
        ("unknown_ca", "certificate"),
    ],
)
def test_a_certificate_that_cannot_be_trusted(own_redis, tmp_path, certificates, cli, kind, why):
    pair = certificates.good() if kind == "unknown_ca" else getattr(certificates, kind)()
    server, port = tls_redis(own_redis, certificates, pair)
    ca = Certificates(tmp_path / "others").ca if kind == "unknown_ca" else certificates.ca
    line = check_refused(cli, f"rediss://127.0.0.1:{port}", "--redis-ca", ca)
    assert "its certificate is not accepted: " in line and why in line
    assert server.client().dbsize() == 0


def test_tls_with_our_certificate(own_redis, certificates, cli):
    """Redis wants to see one."""
    certificate, key_file = certificates.good()
    _, port = tls_redis(own_redis, certificates, (certificate, key_file), tls_auth_clients="yes")
    url = f"rediss://127.0.0.1:{port}"
    flags = ("--redis-ca", certificates.ca)
    assert "certificate required" in check_refused(cli, url, *flags)
    check_commands(cli, url, *flags, "--redis-cert", certificate, "--redis-key", key_file)


def test_an_encrypted_key_is_refused(certificates, tmp_path, cli):
    certificate, key_file = certificates.good()
    locked = encrypted(key_file, tmp_path)
    flags = ("--redis-cert", certificate, "--redis-key", locked)
    done = cli("status", *flags, redis="rediss://127.0.0.1:1", check=False)
    assert done.returncode == 2
    assert f'redis-key "{locked}" cannot be used: it is encrypted' in done.stderr


def test_a_unix_socket(own_redis, tmp_path, cli):
    path = tmp_path / "redis.sock"
    server = own_redis(unixsocket=str(path))
    check_commands(cli, f"unix://{path}?db=2")
    assert server.client(db=2).xlen(key("events")) == 1


def test_a_user_with_a_password_file(own_redis, tmp_path, cli):
    """The password is in no address, over TCP and over a unix socket."""
    path = tmp_path / "redis.sock"
    server = own_redis(unixsocket=str(path))
    make_user(server, "hooks", "pa:ss@/%")
    server.client().config_set("requirepass", "of the default user")
    password_file = tmp_path / "password"
    password_file.write_text("pa:ss@/%\n")
    for url in (f"redis://hooks@127.0.0.1:{server.port}/0", f"unix://{path}?user=hooks"):
        check_commands(cli, url, "--redis-password-file", str(password_file))
        done = cli("status", redis=url, check=False)
        assert done.returncode == 1 and "WRONGPASS" in done.stderr
    with server.client(username="hooks", password="pa:ss@/%") as client:
        assert client.xlen(key("events")) == 2


def test_sentinels_lead_to_the_master_after_a_failover(own_redis, sentinel_of, cli):
    first, second, sentinel = replicated_redis(own_redis, sentinel_of)
    url = f"redis+sentinel://127.0.0.1:{free_port()},127.0.0.1:{sentinel.port}/main/0"
    check_commands(cli, url)
    fail_over(first, second, sentinel)
    check_commands(cli, url)
    assert second.client().xlen(key("events")) == 2


def test_sentinels_with_a_password_of_their_own(own_redis, sentinel_of, cli, tmp_path):
    server = own_redis()
    sentinel = sentinel_of(server.port, password="hunter2")
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/main"
    for command in (SEND, ("status",)):
        done = cli(*command, redis=url, check=False)
        assert done.returncode == 1 and "NOAUTH" in done.stderr
    password_file = tmp_path / "password"
    password_file.write_text("hunter2\n")
    check_commands(cli, url, f"--sentinel-password-file={password_file}")
    check_commands(cli, f"{url}?sentinel-password=hunter2")
    assert server.client().xlen(key("events")) == 2


def test_a_master_that_sentinels_do_not_know(own_redis, sentinel_of, cli):
    sentinel = sentinel_of(own_redis().port)
    url = f"redis+sentinel://127.0.0.1:{sentinel.port}/other"
    for command in COMMANDS:
        done = cli(*command, redis=url, check=False)
        assert done.returncode == 1 and "it does not know a master of this name" in done.stderr


def test_help_has_the_forms_of_addresses(roomhook_bin):
    done = subprocess.run([roomhook_bin / "roomhook", "--help"], capture_output=True, text=True,
                          check=True)  # fmt: skip
    for form in ("redis://", "rediss://", "unix://", "redis+sentinel://", "rediss+sentinel://"):
        assert form in done.stdout
