"""libroomhook as a program sees it: what is stored, and which code every kind of failure has."""

import json
import os
import socket
import subprocess
import threading
import time

import msgpack
import pytest
from certificates import Certificates, encrypted
from child import end, free_port, spawn
from redis_faults import FAULTS
from redis_server import RedisServer
from redis_variants import fail_over, replicated_redis, tls_redis
from scripted_redis import OK, ScriptedRedis, bulk
from webhook_queue import key, message_event

RH_OK = 0
ARGUMENT, EVENT, TOO_LARGE, UNREACHABLE, UNKNOWN, FULL, REFUSED, BUSY = range(-1, -9, -1)

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


class Driver:
    """tests/support/producer_driver.c as an object."""

    def __init__(self, program, **options):
        argv = [program] + [f"{name}={value}" for name, value in options.items()]
        self._process = spawn(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.opened = self._read()[1]

    def _read(self):
        """([(code, id, words) of each event], (code, words) of the call)"""
        results = []
        while True:
            line = self._process.stdout.readline().decode().rstrip("\n")
            assert line, "the driver ended"
            first, second, third = line.split("\t")
            if first == "=":
                return results, (int(second), third)
            results.append((int(first), second, third))

    def _call(self, *fields):
        line = b"\t".join(f if isinstance(f, bytes) else f.encode() for f in fields)
        assert b"\n" not in line
        self._process.stdin.write(line + b"\n")
        self._process.stdin.flush()
        return self._read()

    def send(self, document, encoding="json", id="-", hook="-", traceparent="-"):
        """(code, id, error)"""
        if encoding == "msgpack":
            document = document.hex()
        results, (code, error) = self._call("send", encoding, id, hook, traceparent, document)
        assert results[0][0] == code
        return code, results[0][1], error

    def many(self, documents):
        return self._call("many", *documents)

    def check(self, document):
        return self._call("check", document)[1]

    def close(self):
        if self._process.poll() is None:
            self._process.stdin.close()
        code = self._process.wait(10)
        self._process.stdout.close()
        assert code == 0


@pytest.fixture
def driver(roomhook_bin):
    """driver(redis=…, …) -> Driver"""
    drivers = []

    def start(**options):
        drivers.append(Driver(roomhook_bin.parent / "tests" / "producer_driver", **options))
        return drivers[-1]

    yield start
    for one in drivers:
        one.close()


def document(**message):
    return json.dumps(message_event(**message))


# --- what is stored ---


def test_send_json(redis_server, redis, driver):
    producer = driver(redis=redis_server.url)
    assert producer.opened == (RH_OK, "")
    code, stream_id, error = producer.send(document(), id="e-1", hook="main", traceparent=TRACE)
    assert (code, error) == (RH_OK, "")
    [(entry_id, fields)] = redis.xrange(key("events"))
    assert entry_id.decode() == stream_id
    assert list(fields.items()) == [
        (b"json", document().encode()),
        (b"id", b"e-1"),
        (b"hook", b"main"),
        (b"traceparent", TRACE.encode()),
    ]


def test_send_msgpack(redis_server, redis, driver):
    packed = msgpack.packb(message_event(text="\0"))
    code, _, _ = driver(redis=redis_server.url).send(packed, "msgpack")
    assert code == RH_OK
    [(_, fields)] = redis.xrange(key("events"))
    assert fields == {b"msgpack": packed}


def test_queue_and_database(redis_server, driver):
    url = f"redis://127.0.0.1:{redis_server.port}/3"
    assert driver(redis=url, queue="other").send(document())[0] == RH_OK
    with redis_server.client(db=3) as client:
        assert client.xlen(key("events", "other")) == 1


def test_unix_socket(own_redis, tmp_path, driver):
    path = tmp_path / "redis.sock"
    server = own_redis(unixsocket=str(path))
    assert driver(redis=f"unix://{path}?db=2").send(document())[0] == RH_OK
    assert server.client(db=2).xlen(key("events")) == 1


def test_connection_has_a_name(redis_server, redis, driver):
    producer = driver(redis=redis_server.url)
    producer.send(document())
    assert "roomhook-producer" in [client["name"] for client in redis.client_list()]


def test_many(redis_server, redis, driver):
    """Far more than what is outstanding at once: in order, ids ascending, in few writes."""
    producer = driver(redis=redis_server.url)
    documents = [document(text=str(i)) for i in range(1500)]
    redis.config_resetstat()
    results, (code, error) = producer.many(documents)
    assert (code, error) == (RH_OK, "")
    assert [result[0] for result in results] == [RH_OK] * 1500
    entries = redis.xrange(key("events"))
    assert [entry_id.decode() for entry_id, _ in entries] == [result[1] for result in results]
    assert [fields[b"json"].decode() for _, fields in entries] == documents
    assert redis.info("commandstats")["cmdstat_xadd"]["calls"] == 1500


def test_many_large(redis_server, redis, driver):
    """More bytes than what is outstanding at once."""
    documents = [document(text="x" * 200_000) for _ in range(30)]
    results, (code, _) = driver(redis=redis_server.url).many(documents)
    assert code == RH_OK
    assert redis.xlen(key("events")) == 30


def test_many_of_none(redis_server, driver):
    assert driver(redis=redis_server.url).many([]) == ([], (RH_OK, ""))


# --- what is refused here ---


def test_invalid_events_do_not_hold_back_others(redis_server, redis, driver):
    documents = [document(), "{}", document(), "[", document()]
    results, (code, error) = driver(redis=redis_server.url).many(documents)
    assert [result[0] for result in results] == [RH_OK, EVENT, RH_OK, EVENT, RH_OK]
    assert code == EVENT and error == results[1][2] != ""
    assert [bool(result[1]) for result in results] == [True, False, True, False, True]
    assert redis.xlen(key("events")) == 3


def test_event_fields_are_checked(redis_server, redis, driver):
    producer = driver(redis=redis_server.url)
    assert producer.send(document(), id="a b")[0] == EVENT
    assert producer.send(document(), hook="")[0] == EVENT
    assert producer.send(b"\xc1", "msgpack")[0] == EVENT
    assert redis.dbsize() == 0


def test_size_limit(redis_server, driver):
    assert driver(redis=redis_server.url).send(document(text="x" * 262_144))[0] == TOO_LARGE
    small = driver(redis=redis_server.url, max_event_bytes=200)
    code, _, error = small.send(document(text="x" * 200))
    assert code == TOO_LARGE and "200" in error
    assert small.send(document())[0] == RH_OK
    large = driver(redis=redis_server.url, max_event_bytes=1_000_000)
    assert large.send(document(text="x" * 500_000))[0] == RH_OK


def test_check(driver):
    producer = driver()
    assert producer.check(document()) == (RH_OK, "")
    code, why = producer.check("{}")
    assert code == EVENT and "message" in why


@pytest.mark.parametrize(
    "options, word",
    [
        ({"redis": "http://127.0.0.1"}, "redis"),
        ({"redis": "redis+sentinel://127.0.0.1"}, "redis"),
        ({"redis": "rediss://127.0.0.1", "tls_ca": "/nowhere"}, '"/nowhere" cannot be used: No'),
        ({"redis": "rediss://127.0.0.1", "tls_ca": os.devnull}, os.devnull),
        ({"redis": "rediss://127.0.0.1", "tls_cert": "/nowhere", "tls_key": "/nowhere"}, "No such"),
        ({"redis": "rediss://127.0.0.1", "tls_cert": "/nowhere"}, "together"),
        ({"redis": "rediss://127.0.0.1", "tls_key": "/nowhere"}, "together"),
        ({"redis": "redis://127.0.0.1", "tls_ca": "/nowhere"}, "rediss://"),
        ({"redis": "unix:///nowhere", "tls_cert": "/a", "tls_key": "/b"}, "rediss://"),
        ({"queue": "a b"}, "queue"),
        ({"queue": ""}, "queue"),
        ({"connect_timeout_ms": -1}, "timeout"),
        ({"command_timeout_ms": -1}, "timeout"),
        ({"password": "x" * 512}, "password"),
    ],
)
def test_bad_options(driver, options, word):
    code, error = driver(**options).opened
    assert code == ARGUMENT and word in error


# --- what Redis refuses ---


def test_full(redis_server, redis, driver):
    producer = driver(redis=redis_server.url)
    redis.config_set("maxmemory", 1)
    try:
        code, stream_id, error = producer.send(document())
        assert (code, stream_id) == (FULL, "") and "OOM" in error
        results, (code, _) = producer.many([document(), document()])
        assert [result[0] for result in results] == [FULL, FULL] and code == FULL
        assert redis.xlen(key("events")) == 0
    finally:
        redis.config_set("maxmemory", 0)
    assert producer.send(document())[0] == RH_OK


def test_wrong_type(redis_server, redis, driver):
    redis.set(key("events"), "a string")
    code, _, error = driver(redis=redis_server.url).send(document())
    assert code == REFUSED and "WRONGTYPE" in error


def test_read_only_then_master_again(redis_server, redis, driver):
    producer = driver(redis=redis_server.url)
    assert producer.send(document())[0] == RH_OK
    redis.replicaof("127.0.0.1", free_port())
    try:
        code, _, error = producer.send(document())
        assert code == BUSY and "READONLY" in error
    finally:
        redis.replicaof("NO", "ONE")
    assert producer.send(document())[0] == RH_OK


def test_read_only_connects_anew(driver):
    """A new connection may find the new master."""
    answers = [b"-READONLY You can't write against a read only replica.\r\n", bulk(b"1-0")]
    with ScriptedRedis(lambda command: answers.pop(0) if command[0] == b"XADD" else OK) as server:
        producer = driver(redis=server.url)
        assert producer.send(document())[0] == BUSY
        assert producer.send(document())[0] == RH_OK
        assert server.connections == 2


def test_not_enough_replicas(redis_server, redis, driver):
    redis.config_set("min-replicas-to-write", 1)
    try:
        assert driver(redis=redis_server.url).send(document())[0] == BUSY
    finally:
        redis.config_set("min-replicas-to-write", 0)


def test_too_many_clients(own_redis, driver):
    server = own_redis(maxclients="1")
    with server.client() as holder:
        holder.ping()
        code, _, error = driver(redis=server.url).send(document())
        assert code == BUSY and "max number of clients" in error


@pytest.mark.parametrize(
    "answer, code",
    [
        (b"-BUSYBODY\r\n", REFUSED),
        (b"-ERR \x1b[31m\r\n", REFUSED),
        (b"+" + b"1" * 60 + b"\r\n", UNKNOWN),
        (b"$-1\r\n", UNKNOWN),
        (b":1\r\n", UNKNOWN),
        (b"?\r\n", UNKNOWN),
    ],
)
def test_answers(driver, answer, code):
    with ScriptedRedis(lambda command: OK if command[0] == b"CLIENT" else answer) as server:
        got, stream_id, error = driver(redis=server.url).send(document())
        assert (got, stream_id) == (code, "")
        assert error and error.isprintable()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.words[:24])
def test_refusals(driver, fault):
    """What each means for the caller, and whether the next event goes over a new connection."""
    refusal = f"-{fault.words}\r\n".encode()
    with ScriptedRedis(lambda command: OK if command[0] == b"CLIENT" else refusal) as server:
        producer = driver(redis=server.url)
        status = {"FULL": FULL, "BUSY": BUSY, "REFUSED": REFUSED}[fault.status]
        for _ in range(2):
            code, stream_id, error = producer.send(document())
            assert (code, stream_id) == (status, "")
            assert error == f"Redis answered: {fault.words}"
        assert server.connections == (2 if fault.reconnects else 1)


# --- who may ---


@pytest.fixture(scope="module")
def guarded_redis():
    """The default user needs a password; one user may do all, one all but XADD, one no CLIENT."""
    with RedisServer() as server:
        admin = server.client()
        admin.config_set("requirepass", "pa/ss")
        admin.execute_command("ACL SETUSER all on >a:b ~* +@all")
        admin.execute_command("ACL SETUSER reader on >r ~* +@all -xadd")
        admin.execute_command("ACL SETUSER writer on >w ~* +xadd")
        yield server


def with_credentials(server, credentials):
    return f"redis://{credentials}@127.0.0.1:{server.port}"


def test_login(guarded_redis, driver):
    for credentials in (":pa%2Fss", "all:a%3Ab", "writer:w"):
        url = with_credentials(guarded_redis, credentials)
        assert driver(redis=url).send(document())[0] == RH_OK


def test_password_option(guarded_redis, driver):
    """It is taken as it is and wins over the URL's."""
    assert driver(redis=guarded_redis.url, password="pa/ss").send(document())[0] == RH_OK
    url = with_credentials(guarded_redis, "all:wrong")
    assert driver(redis=url, password="a:b").send(document())[0] == RH_OK


def test_user_alone(guarded_redis, driver):
    """The password comes apart. Without one it is still this user, never the default one."""
    url = with_credentials(guarded_redis, "all")
    assert driver(redis=url, password="a:b").send(document())[0] == RH_OK
    admin = guarded_redis.client(username="all", password="a:b")
    admin.execute_command("ACL SETUSER anybody on nopass ~* +@all")
    url = with_credentials(guarded_redis, "anybody")
    assert driver(redis=url).send(document())[0] == RH_OK


def test_login_refused(guarded_redis, driver):
    for url, word in (
        (guarded_redis.url, "NOAUTH"),
        (with_credentials(guarded_redis, ":wrong"), "WRONGPASS"),
        (with_credentials(guarded_redis, "all"), "WRONGPASS"),
        (with_credentials(guarded_redis, "reader:r"), "NOPERM"),
    ):
        code, _, error = driver(redis=url).send(document())
        assert code == REFUSED and word in error
        assert "wrong" not in error


# --- connections ---


def test_unreachable(driver):
    producer = driver(redis=f"redis://user:secret@127.0.0.1:{free_port()}/1")
    for _ in range(2):
        code, _, error = producer.send(document())
        assert code == UNREACHABLE and "refused" in error and "secret" not in error
    results, (code, _) = producer.many([document(), "{}", document()])
    assert [result[0] for result in results] == [UNREACHABLE, EVENT, UNREACHABLE]


def test_no_answer_to_the_login_is_unreachable(own_redis, driver):
    server = own_redis()
    producer = driver(redis=server.url, command_timeout_ms=100)
    server.pause()
    code, _, _ = producer.send(document())
    server.resume()
    assert code == UNREACHABLE
    assert producer.send(document())[0] == RH_OK
    assert server.client().xlen(key("events")) == 1


def test_no_answer_is_unknown(own_redis, driver):
    """The event is stored once: what has no answer is not sent again."""
    server = own_redis()
    producer = driver(redis=server.url, command_timeout_ms=100)
    assert producer.send(document())[0] == RH_OK
    server.pause()
    code, _, error = producer.send(document())
    assert code == UNKNOWN and "100 ms" in error
    server.resume()
    assert producer.send(document())[0] == RH_OK
    assert server.client().xlen(key("events")) in (2, 3)


def test_restart_between_sends(own_redis, driver):
    """A connection that died meanwhile is noticed before anything is sent on it."""
    server = own_redis(appendonly=True)
    producer = driver(redis=server.url)
    for _ in range(3):
        assert producer.send(document())[0] == RH_OK
        server.restart()
    assert producer.many([document()] * 3)[1][0] == RH_OK
    assert server.client().xlen(key("events")) == 6


def test_down_then_up(own_redis, driver):
    server = own_redis(appendonly=True)
    producer = driver(redis=server.url)
    assert producer.send(document())[0] == RH_OK
    end(server.process)
    assert producer.send(document())[0] == UNREACHABLE
    server.start()
    assert producer.send(document())[0] == RH_OK


def test_broken_midway(driver):
    """Answered: stored. Sent without answer: unknown. Not yet sent: unreachable. Nothing twice."""

    def script(command):
        if command[0] != b"XADD":
            return OK
        xadds = sum(1 for one in server.commands if one[0] == b"XADD")
        if xadds <= 300:
            return bulk(b"%d-0" % xadds)
        return b"" if xadds < 512 else None

    with ScriptedRedis(script) as server:
        documents = [document(text=str(i)) for i in range(1000)]
        results, (code, error) = driver(redis=server.url).many(documents)
        assert code == UNKNOWN and error
        expected = [RH_OK] * 300 + [UNKNOWN] * 212 + [UNREACHABLE] * 488
        assert [result[0] for result in results] == expected
        assert [result[1] for result in results[:300]] == [f"{i}-0" for i in range(1, 301)]
        assert not any(result[1] for result in results[300:])
        assert all(result[2] for result in results[300:])
        assert [one[4].decode() for one in server.commands if one[0] == b"XADD"] == documents[:512]
        assert server.connections == 1


# --- TLS ---


def test_tls(own_redis, certificates, driver):
    """By address and by name; more in one go than a TLS record holds; one connection for all."""
    server, port = tls_redis(own_redis, certificates, certificates.good())
    for host, db in (("127.0.0.1", 0), ("localhost", 1)):
        client = server.client(db=db)
        connections = client.info("stats")["total_connections_received"]
        producer = driver(redis=f"rediss://{host}:{port}/{db}", tls_ca=certificates.ca)
        assert producer.send(document())[0] == RH_OK
        assert producer.many([document(text="x" * 500)] * 2000)[1] == (RH_OK, "")
        assert producer.send(document(text="x" * 200_000))[0] == RH_OK
        assert client.xlen(key("events")) == 2002
        assert client.info("stats")["total_connections_received"] == connections + 1


@pytest.mark.parametrize(
    "kind, why",
    [
        ("expired", "certificate has expired"),
        ("wrong_name", "IP address mismatch"),
        ("unknown_ca", "certificate"),
        ("system_ca", "certificate"),
    ],
)
def test_tls_certificate_that_cannot_be_trusted(own_redis, tmp_path, certificates, driver, kind,
                                                why):  # fmt: skip
    pair = getattr(certificates, kind)() if hasattr(certificates, kind) else certificates.good()
    server, port = tls_redis(own_redis, certificates, pair)
    options = {"tls_ca": certificates.ca}
    if kind == "unknown_ca":
        options = {"tls_ca": Certificates(tmp_path / "others").ca}
    if kind == "system_ca":
        options = {}
    code, _, error = driver(redis=f"rediss://127.0.0.1:{port}", **options).send(document())
    assert code == UNREACHABLE and "its certificate is not accepted: " in error and why in error
    assert server.client().dbsize() == 0


def test_tls_name_that_does_not_match(own_redis, certificates, driver):
    _, port = tls_redis(own_redis, certificates, certificates.wrong_name())
    producer = driver(redis=f"rediss://localhost:{port}", tls_ca=certificates.ca)
    code, _, error = producer.send(document())
    assert code == UNREACHABLE and "ostname mismatch" in error


def test_tls_with_our_certificate(own_redis, certificates, driver):
    certificate, key_file = certificates.good()
    _, port = tls_redis(own_redis, certificates, (certificate, key_file), tls_auth_clients="yes")
    options = {"redis": f"rediss://127.0.0.1:{port}", "tls_ca": certificates.ca}
    code, _, error = driver(**options).send(document())
    assert code == UNREACHABLE and "TLS:" in error and "certificate required" in error
    options |= {"tls_cert": certificate, "tls_key": key_file}
    assert driver(**options).send(document())[0] == RH_OK


def test_tls_key_that_cannot_be_used(certificates, driver, tmp_path):
    """Of another certificate, or encrypted: nobody is asked for its password."""
    certificate, key_file = certificates.good()
    locked = encrypted(key_file, tmp_path)
    for bad, why in ((certificates.expired()[1], "key values mismatch"), (locked, "is encrypted")):
        options = {"tls_ca": certificates.ca, "tls_cert": certificate, "tls_key": bad}
        code, error = driver(redis="rediss://127.0.0.1", **options).opened
        assert code == ARGUMENT and f'redis-key "{bad}" cannot be used: ' in error and why in error


def test_tls_not_spoken(driver):
    """A port that answers something else, and one that says nothing: bounded by the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as plain:
        url = f"rediss://127.0.0.1:{plain.getsockname()[1]}"
        greet = lambda: plain.accept()[0].sendall(b"-ERR no TLS here\r\n")  # noqa: E731
        greeter = threading.Thread(target=greet, daemon=True)
        greeter.start()
        code, _, error = driver(redis=url).send(document())
        greeter.join()
        assert code == UNREACHABLE and "TLS: wrong version number" in error
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"rediss://127.0.0.1:{silent.getsockname()[1]}"
        code, _, error = driver(redis=url, connect_timeout_ms=200).send(document())
        assert code == UNREACHABLE and "200 ms" in error


def test_tls_no_answer_is_unknown(own_redis, certificates, driver):
    server, port = tls_redis(own_redis, certificates, certificates.good())
    producer = driver(
        redis=f"rediss://127.0.0.1:{port}", tls_ca=certificates.ca, command_timeout_ms=200
    )
    assert producer.send(document())[0] == RH_OK
    server.pause()
    code, _, error = producer.send(document())
    assert code == UNKNOWN and "200 ms" in error
    server.resume()
    assert producer.send(document())[0] == RH_OK
    assert server.client().xlen(key("events")) in (2, 3)


def test_tls_restart_between_sends(own_redis, certificates, driver):
    server, port = tls_redis(own_redis, certificates, certificates.good(), appendonly=True)
    producer = driver(redis=f"rediss://127.0.0.1:{port}", tls_ca=certificates.ca)
    for _ in range(2):
        for _ in range(2):
            assert producer.send(document())[0] == RH_OK
        server.restart()
    assert producer.many([document()] * 3)[1][0] == RH_OK
    assert server.client().xlen(key("events")) == 7
    server.shut_down()
    code, _, error = producer.send(document())
    assert code == UNREACHABLE and "refused" in error


# --- Sentinels ---


def address_answer(port):
    return b"*2\r\n$9\r\n127.0.0.1\r\n" + bulk(str(port).encode())


def sentinel_url(*ports, scheme="redis+sentinel", master="main"):
    return f"{scheme}://{','.join(f'127.0.0.1:{port}' for port in ports)}/{master}"


def test_sentinel_failover_between_sends(own_redis, sentinel_of, driver):
    """The first Sentinel of the list does not answer at all."""
    first, second, sentinel = replicated_redis(own_redis, sentinel_of)
    producer = driver(redis=sentinel_url(free_port(), sentinel.port))
    assert producer.send(document())[0] == RH_OK
    fail_over(first, second, sentinel)
    assert producer.send(document())[0] == RH_OK
    assert second.client().xlen(key("events")) == 2


def test_sentinels_over_tls(own_redis, sentinel_of, certificates, driver):
    pair = certificates.good()
    server, port = tls_redis(own_redis, certificates, pair)
    sentinel_port = free_port()
    sentinel = sentinel_of(
        port, tls_port=sentinel_port, tls_replication="yes", tls_cert_file=pair[0],
        tls_key_file=pair[1], tls_ca_cert_file=certificates.ca, tls_auth_clients="no",
    )  # fmt: skip
    url = sentinel_url(sentinel_port, scheme="rediss+sentinel")
    assert driver(redis=url, tls_ca=certificates.ca).send(document())[0] == RH_OK
    assert server.client().xlen(key("events")) == 1
    code, _, error = driver(redis=url).send(document())
    assert code == UNREACHABLE and f"Sentinel 127.0.0.1:{sentinel_port}: its certificate" in error
    assert sentinel.master_port() == port


def test_sentinel_names_a_replica(own_redis, driver):
    """What it says of the role decides, and the Sentinel is asked again for the next event."""
    master = own_redis()
    replica = own_redis(replicaof=f"127.0.0.1 {master.port}")
    answers = [address_answer(replica.port), address_answer(master.port)]
    with ScriptedRedis(lambda command: answers.pop(0)) as sentinel:
        producer = driver(redis=sentinel_url(sentinel.port))
        code, _, error = producer.send(document())
        assert code == UNREACHABLE and f"127.0.0.1:{replica.port}: it is not the master" in error
        assert producer.send(document())[0] == RH_OK
        assert sentinel.commands == [[b"SENTINEL", b"get-master-addr-by-name", b"main"]] * 2


def test_sentinel_and_a_user_who_may_only_add(guarded_redis, driver):
    with ScriptedRedis(lambda command: address_answer(guarded_redis.port)) as sentinel:
        url = f"redis+sentinel://writer:w@127.0.0.1:{sentinel.port}/main"
        assert driver(redis=url).send(document())[0] == RH_OK


def test_read_only_asks_the_sentinel_again(driver):
    answers = [b"-READONLY You can't write against a read only replica.\r\n", bulk(b"1-0")]

    def script(command):
        if command[0] == b"ROLE":
            return b"*1\r\n" + bulk(b"master")
        return answers.pop(0) if command[0] == b"XADD" else OK

    with ScriptedRedis(script) as server, ScriptedRedis(
        lambda command: address_answer(server.port)
    ) as sentinel:
        producer = driver(redis=sentinel_url(sentinel.port))
        assert producer.send(document())[0] == BUSY
        assert producer.send(document())[0] == RH_OK
        assert sentinel.connections == server.connections == 2


@pytest.mark.parametrize(
    "answer, why",
    [
        (b"*-1\r\n", "does not know a master"),
        (b"-NOAUTH Authentication required.\r\n", "NOAUTH"),
        (b"*2\r\n$1\r\na\r\n$5\r\n99999\r\n", "not an address"),
        (b"*2\r\n$0\r\n\r\n$1\r\n1\r\n", "not an address"),
        (b"*2\r\n$300\r\n" + b"a" * 300 + b"\r\n$1\r\n1\r\n", "not an address"),
        (b":1\r\n", "not an address"),
        (b"HTTP/1.1 400 Bad Request\r\n", "Protocol error"),
        (None, "closed"),
    ],
)
def test_sentinel_answers(driver, answer, why):
    with ScriptedRedis(lambda command: answer) as sentinel:
        code, _, error = driver(redis=sentinel_url(sentinel.port)).send(document())
        assert code == UNREACHABLE and why in error and error.isprintable()
        assert f"Sentinel 127.0.0.1:{sentinel.port}" in error


def test_sentinel_that_hangs(redis_server, redis, driver):
    """It is given a second; the next one is asked."""
    with socket.create_server(("127.0.0.1", 0)) as silent, ScriptedRedis(
        lambda command: address_answer(redis_server.port)
    ) as sentinel:
        producer = driver(redis=sentinel_url(silent.getsockname()[1], sentinel.port))
        start = time.monotonic()
        assert producer.send(document())[0] == RH_OK
        assert 0.9 < time.monotonic() - start < 3
    assert redis.xlen(key("events")) == 1
