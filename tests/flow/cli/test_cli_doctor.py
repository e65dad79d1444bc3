"""roomhook doctor: finds what is wrong, says what to do, and says nothing where all is well."""

import itertools
import json
import re
import shutil
import socket

import pytest
import redis as redis_py
from child import free_port
from receiver import Answer
from redis_server import RedisServer
from scripted_redis import ScriptedRedis
from wait import wait_until
from waiting import fingerprint, put_in_lane, shut_lane
from webhook_queue import (
    GROUP,
    assert_queue_empty,
    enqueue,
    hook_states,
    key,
    message_event,
    now_ms,
    queue_state,
    set_hook,
)

SENT_MS = 1667548137257
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
GOOD_SETTINGS = {"appendonly": True, "appendfsync": "everysec", "maxmemory": "512mb"}


@pytest.fixture(scope="module")
def module_redis():
    """Set as docs/operations.md says, so that the server has no findings."""
    with RedisServer(**GOOD_SETTINGS) as server:
        yield server


class Report:
    def __init__(self, done):
        assert done.returncode in (0, 1) and done.stderr == "", done
        self.exit_code = done.returncode
        self.json = json.loads(done.stdout)
        self.findings = self.json["findings"]

    def levels(self):
        """{check: level} of what is not ok. That a test's Redis needs no password is a note, of
        which test_access is.
        """
        return {f["check"]: f["level"] for f in self.findings
                if f["level"] != "ok" and (f["check"], f["level"]) != ("access", "note")}

    def of(self, check):
        """The only finding of a check."""
        (finding,) = [f for f in self.findings if f["check"] == check]
        return finding

    def all(self, check):
        return [f for f in self.findings if f["check"] == check]

    def has(self, check, level, *words):
        finding = self.of(check)
        assert finding["level"] == level, finding
        for word in words:
            assert word in finding["text"], finding
        assert level == "ok" or finding["advice"], finding
        return True


@pytest.fixture
def doctor(cli):
    def run(*arguments, **options):
        return Report(cli("doctor", "--json", *arguments, check=False, **options))

    return run


@pytest.fixture
def make_group(redis):
    redis.xgroup_create(key("events"), GROUP, "0", mkstream=True)


def read(redis, consumer, count):
    """Takes events as a worker would; their ids."""
    ((_, entries),) = redis.xreadgroup(GROUP, consumer, {key("events"): ">"}, count=count)
    return [entry_id.decode() for entry_id, _ in entries]


# --- nothing wrong ---


def test_nothing_there(redis, doctor):
    report = doctor()
    assert report.exit_code == 0
    assert report.levels() == {"contract": "note", "alive": "note"}
    assert redis.dbsize() == 0


def test_idle_worker(redis, doctor, start_worker):
    """It is a consumer of the group before its first event."""
    start_worker()
    assert len(redis.xinfo_consumers(key("events"), GROUP)) == 1
    report = doctor()
    assert report.exit_code == 0 and report.levels() == {}
    assert report.has("alive", "ok", "1 alive", "version 0.1.0")


def test_busy_queue(redis, doctor, receiver, start_worker):
    """Under load, with retries under way, no look finds anything wrong."""
    receiver.script("/flaky", [Answer(503), Answer(200)] * 50)
    receiver.script("/slow", Answer(200, delay=0.02))
    for _ in range(2):
        start_worker(retry_schedule="100ms,100ms,100ms,100ms,100ms,100ms,100ms", max_in_flight=16)
    pipe = redis.pipeline(transaction=False)
    for i in range(4000):
        path = "/flaky" if i % 4 == 0 else "/slow"
        event = {**message_event(text="x" * 500), "webhooks": [{"url": receiver.url(path)}]}
        enqueue(pipe, event)
    pipe.execute()
    seen = {"pending": 0, "lanes": 0, "unread": 0}
    looks = 0
    while any(queue_state(redis).values()):
        report = doctor()
        assert report.levels() == {} and report.exit_code == 0, report.findings
        state = queue_state(redis)
        seen = {"pending": max(seen["pending"], state["pending"]),
                "lanes": max(seen["lanes"], state["lanes"]),
                "unread": max(seen["unread"], state["events"] - state["pending"])}
        looks += 1
    assert looks >= 5 and all(seen.values()), (looks, seen)
    assert_queue_empty(redis, timeout=30)
    assert doctor().levels() == {}


@pytest.mark.parametrize("right", ["xack", "xdel"])
def test_a_worker_that_cannot_store_outcomes(own_redis, doctor, cli, receiver, start_worker,
                                             right):
    """Its user lacks a right: events are pending, and all else looks well."""
    server = own_redis(**GOOD_SETTINGS)
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    client.execute_command("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all", f"-{right}")
    url = server.url.replace("redis://", "redis://worker:secret@")
    start_worker(redis=url, heartbeat_ttl="3s")
    assert doctor(redis=server).exit_code == 0
    enqueue(client, message_event())
    report = wait_until(
        lambda: (look := doctor(redis=server)).exit_code == 1 and look, 10, "doctor to see it"
    )
    assert report.levels() == {"unstored": "error", "address": "note"}
    assert report.has("unstored", "error", "cannot store 1 outcome", "noperm", "reads nothing")
    assert right.upper() in report.of("unstored")["text"]
    assert f"give its user +{right}, or" in report.of("unstored")["advice"]
    shown = cli("status", redis=server).stdout
    assert re.search(r"  noperm .*, 1 outcome waits for \d", shown)

    client.execute_command("ACL", "SETUSER", "worker", f"+{right}")
    assert_queue_empty(client, timeout=10)
    wait_until(lambda: "unstored" not in doctor(redis=server).levels(), 10, "that to be over")


def test_a_worker_that_is_refused_something(own_redis, doctor, start_worker):
    """It cannot read events; there is nothing yet that it could not store."""
    server = own_redis(**GOOD_SETTINGS)
    client = server.client()
    client.execute_command("ACL", "SETUSER", "worker", "on", ">secret", "~*", "+@all",
                           "-xreadgroup")  # fmt: skip
    start_worker(redis=server.url.replace("redis://", "redis://worker:secret@"), heartbeat_ttl="3s")
    report = wait_until(
        lambda: (look := doctor(redis=server)).exit_code == 1 and look, 10, "doctor to see it"
    )
    assert report.levels() == {"refused": "warning"}
    assert report.has("refused", "warning", "noperm")


def test_an_entry_that_is_held_for_long(redis, doctor, make_group):
    """Pending for a worker that lives."""
    enqueue(redis, message_event())
    name = "alive-1-00000000"
    (entry,) = read(redis, name, 1)
    redis.set(key(f"worker:{name}"), '{"version":"0.1.0"}', px=15000)
    assert "held" not in doctor().levels()
    redis.xclaim(key("events"), GROUP, name, 0, [entry], idle=420000, justid=True)
    report = doctor()
    assert report.exit_code == 1
    assert report.has("held", "warning", "1 pending", "7m ago")


def test_only_reads(redis, doctor, make_group):
    set_hook(redis, 438, "main", url="http://10.0.0.1/")
    for _ in range(3):
        enqueue(redis, message_event())
    read(redis, "dead-1-00000000", 2)
    put_in_lane(redis, "1/main", f"{SENT_MS}-0", shared=True, lease="- 1 0")
    redis.hset(key("deliveries"), "b/main", "- 0\n{}\n{}")
    changes = redis.info("persistence")["rdb_changes_since_last_save"]
    assert doctor().exit_code == 1
    assert redis.info("persistence")["rdb_changes_since_last_save"] == changes


def test_text(redis_server, redis, cli):
    redis.set(key("meta"), "x")
    done = cli("doctor", check=False)
    assert done.returncode == 1 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == f"queue webhooks on {redis_server.url}"
    titles = [line for line in lines if line and not line.startswith(" ")]
    assert titles[1:-1] == ["Redis", "Queue", "Workers", "Hooks", "Dead letters"]
    at = lines.index("  error      {webhooks}:meta is a string; it must be a hash")
    assert lines[at + 1].startswith("             -> ")
    assert lines[-1].startswith("1 error, 2 notes, ") and lines[-1].endswith(" ok")
    redis.delete(key("meta"))
    assert cli("doctor").stdout.splitlines()[-1].startswith("nothing is wrong: 3 notes, ")


def test_wrong_usage(cli):
    for arguments in (["--dead-max=0"], ["--dead-max=x"], ["--dead-max-bytes=1x"], ["operand"]):
        done = cli("doctor", *arguments, check=False)
        assert done.returncode == 2 and done.stdout == "" and done.stderr.count("\n") == 1


# --- Redis ---


def test_unreachable(cli):
    done = cli("doctor", redis=f"redis://127.0.0.1:{free_port()}/0", check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "cannot connect" in done.stderr and done.stderr.count("\n") == 1


def test_password_is_missing(own_redis, cli):
    server = own_redis()
    server.client().config_set("requirepass", "secret")
    done = cli("doctor", redis=server, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "NOAUTH" in done.stderr and done.stderr.count("\n") == 1


def test_access(own_redis, doctor):
    """What a client without a password may do is seen with any rights."""
    server = own_redis(protected_mode="yes", **GOOD_SETTINGS)
    client = server.client()
    client.execute_command("ACL", "SETUSER", "some", "reset", "on", ">pw", "~*", "+client|setname")
    some = f"redis://some:pw@{server.host}:{server.port}/0"
    unix = f"unix://{server.folder}/redis.sock"
    report = doctor(redis=server)
    assert report.has("access", "note", "every client on Redis' own machine")
    assert report.exit_code == 0

    client.config_set("protected-mode", "no")
    assert doctor(redis=server).has("access", "note", "on Redis' own machine")  # bound to loopback
    client.config_set("bind", "0.0.0.0 -::")
    for url in (server, some, unix):
        report = doctor(redis=url)
        assert report.has("access", "warning", "every client that reaches Redis")
        assert "ACL SETUSER default resetpass" in report.of("access")["advice"]
        assert report.exit_code == 1
    client.config_set("protected-mode", "yes")
    assert doctor(redis=some).has("access", "note")

    # Its way to Redis is what is known when the settings may not be looked at.
    client.config_set("protected-mode", "no")
    client.execute_command("ACL", "SETUSER", "admin", "reset", "on", ">pw", "~*", "&*", "+@all")
    admin = redis_py.Redis.from_url(f"redis://admin:pw@{server.host}:{server.port}/0")
    with admin:
        admin.execute_command("ACL", "SETUSER", "default", "-config")
        assert doctor(redis=some).has("access", "note")
        assert doctor(redis=f"{unix}?user=some&password=pw").has("access", "note")

        # Without a way in, or without a right to the queue.
        for rules in (["-@all", "+ping"], ["+@all", "off"], ["on", "resetpass", ">secret"]):
            admin.execute_command("ACL", "SETUSER", "default", *rules)
            assert doctor(redis=some).has("access", "ok", "needs a password"), rules


def test_settings(own_redis, doctor):
    server = own_redis(maxmemory="20mb", maxmemory_policy="allkeys-lru")
    client = server.client()
    report = doctor(redis=server)
    assert report.exit_code == 1
    assert report.has("persistence", "warning", "appendonly is off")
    assert report.has("eviction", "error", "allkeys-lru")
    assert report.has("memory", "ok", "of 20.0 MB")

    client.config_set("appendonly", "yes")
    client.config_set("appendfsync", "no")
    client.config_set("maxmemory", "0")
    report = doctor(redis=server)
    assert report.has("persistence", "warning", "appendfsync is no")
    assert report.has("eviction", "warning", "allkeys-lru")
    assert report.has("memory", "note", "no maxmemory")

    client.config_set("appendfsync", "always")
    client.config_set("maxmemory-policy", "noeviction")
    report = doctor(redis=server)
    assert report.has("persistence", "ok", "appendfsync always")
    assert report.exit_code == 0


def test_memory(own_redis, doctor):
    """Also a Redis that is full lets itself be looked at."""
    server = own_redis(appendonly=True)
    client = server.client()
    client.setrange("x", 10_000_000, "x")  # what is sent would take memory too, for a while
    used = client.info("memory")["used_memory"]
    client.config_set("maxmemory", int(used / 0.9))
    report = doctor(redis=server)
    assert report.levels()["memory"] == "warning" and report.exit_code == 1
    client.config_set("maxmemory", used // 2)
    report = doctor(redis=server)
    assert report.has("memory", "error", "events are refused")
    assert report.has("keys", "ok")


def test_evicted_keys(own_redis, doctor):
    server = own_redis(**GOOD_SETTINGS)
    client = server.client()
    for i in range(20):
        client.setrange(f"x{i}", 100_000, "x")
    client.config_set("maxmemory-policy", "allkeys-random")
    client.config_set("maxmemory", client.info("memory")["used_memory"] - 500_000)
    client.set("y", "y")
    wait_until(lambda: client.info("stats")["evicted_keys"] > 0, 5, "evicted keys")
    client.config_set("maxmemory", "512mb")
    client.config_set("maxmemory-policy", "noeviction")
    assert doctor(redis=server).has("evicted", "warning", "were evicted")
    client.config_resetstat()
    assert "evicted" not in doctor(redis=server).levels()


def test_failed_snapshot(own_redis, doctor):
    server = own_redis(maxmemory="512mb")
    client = server.client()
    shutil.rmtree(server.folder)
    client.bgsave()
    wait_until(lambda: client.info("persistence")["rdb_last_bgsave_status"] == "err", 10,
               "a failed snapshot")  # fmt: skip
    assert doctor(redis=server).has("snapshot", "error", "the last snapshot failed")


def test_replica(own_redis, doctor):
    master = own_redis(repl_diskless_sync_delay="0", **GOOD_SETTINGS)
    replica = own_redis(replicaof=f"127.0.0.1 {master.port}", **GOOD_SETTINGS)
    with replica.client() as client:
        wait_until(lambda: client.info("replication")["master_link_status"] == "up", 15,
                   "the replica to be in step")  # fmt: skip
    assert doctor(redis=replica).has("role", "error", "slave")
    with master.client() as client:
        wait_until(lambda: client.info("replication")["slave0"]["state"] == "online", 15,
                   "the replica to be online")  # fmt: skip
    report = doctor(redis=master)
    assert report.has("role", "ok", "1 replica") and report.exit_code == 0


def test_no_replica_follows(own_redis, doctor, receiver, start_worker):
    """Redis is up, the queue is empty and the worker lives; but no write is taken."""
    server = own_redis(**GOOD_SETTINGS)
    client = server.client()
    set_hook(client, 438, "main", url=receiver.url())
    start_worker(redis=server)
    assert doctor(redis=server).has("writes", "ok")
    client.config_set("min-replicas-to-write", 1)
    report = doctor(redis=server)
    assert report.exit_code == 1
    assert report.has("writes", "error", "NOREPLICAS", "no write is taken")
    assert "min-replicas-to-write" in report.of("writes")["advice"]
    client.config_set("min-replicas-to-write", 0)
    assert doctor(redis=server).has("writes", "ok")


def test_cluster(own_redis, cli, doctor):
    server = own_redis(cluster_enabled="yes", cluster_port=str(free_port()), **GOOD_SETTINGS)
    client = server.client()
    done = cli("doctor", redis=server, check=False)
    assert done.returncode == 1 and "CLUSTERDOWN" in done.stderr
    client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)
    wait_until(lambda: b"cluster_state:ok" in client.execute_command("CLUSTER", "INFO"), 10,
               "the cluster to be up")  # fmt: skip
    report = doctor(redis=server)
    assert report.levels()["cluster"] == "warning" and "unchecked" not in report.levels().values()


def read_answer(lines):
    """One answer of Redis as the bytes that it is."""
    head = lines.readline()
    if head[:1] == b"$" and head[1:2] != b"-":
        return head + lines.read(int(head[1:]) + 2)
    if head[:1] == b"*":
        return head + b"".join(read_answer(lines) for _ in range(int(head[1:])))
    return head


@pytest.fixture
def changed_answers(redis_server):
    """changed_answers({b"TIME": change}) -> ScriptedRedis that passes all on, with some changed."""
    upstream = socket.create_connection((redis_server.host, redis_server.port))
    lines = upstream.makefile("rb")
    servers = []

    def start(changes):
        def answer(command):
            words = b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in command)
            upstream.sendall(b"*%d\r\n%s" % (len(command), words))
            return changes.get(command[0], lambda same: same)(read_answer(lines))

        servers.append(ScriptedRedis(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()
    lines.close()
    upstream.close()


def shifted(seconds):
    def change(answer):
        parts = answer.split(b"\r\n")
        now = b"%d" % (int(parts[2]) + seconds)
        return b"\r\n".join([parts[0], b"$%d" % len(now), now, *parts[3:]])

    return change


def test_clock(doctor, changed_answers):
    for seconds, level, words in (
        (0, "ok", "agrees"), (-1, "ok", "agrees"), (10, "warning", "behind"),
        (-10, "warning", "ahead of"), (90, "error", "behind"), (-90, "error", "1m ahead of"),
    ):  # fmt: skip
        server = changed_answers({b"TIME": shifted(seconds)})
        assert doctor(redis=server).has("clock", level, words)


def test_old_version(doctor, changed_answers):
    def old(answer):
        # As long as the true one: the length of the answer stands before it.
        return re.sub(
            rb"(?<=redis_version:)[0-9.]+", lambda now: b"7.0.4".rjust(len(now[0]), b"0"), answer
        )

    report = doctor(redis=changed_answers({b"INFO": old}))
    assert report.has("version", "error", "7.0.4") and report.exit_code == 1


def test_connection_that_breaks(cli, changed_answers):
    """What was found so far is not shown as if it were all."""
    done = cli("doctor", redis=changed_answers({b"SCAN": lambda _: None}), check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert "no answer from" in done.stderr and done.stderr.count("\n") == 1


# --- what may not be looked at ---


@pytest.mark.parametrize(
    "taken, unchecked",
    [
        ("-info", {"info"}),
        ("-time", {"clock", "queue", "looks", "tasks"}),
        ("-scan", {"hooks"}),
        ("-xinfo|groups", {"queue"}),
        ("-xinfo|consumers", {"workers"}),
        ("-memory|usage", {"dead-max-bytes"}),
        ("-hexists", {"places", "looks", "leases", "documents"}),
        ("-zscore", {"places", "looks"}),
        ("-sismember", {"places"}),
        ("-smembers", {"documents"}),
        ("-zscan", {"looks"}),
        ("-hscan", {"places", "gates", "leases", "documents"}),
        ("-xpending", {"stored", "pending"}),
        ("-hlen", {"queue", "hooks", "tasks"}),
        ("-hmget", {"counters", "disabled"}),
        ("-eval", {"queue", "workers", "hooks", "places", "looks", "leases", "documents",
                   "tasks", "writes"}),
    ],
)
def test_rights_that_are_missing(redis_server, redis, cli, doctor, make_group, taken, unchecked):
    set_hook(redis, 438, "main", url="https://receiver.example/")
    enqueue(redis, message_event())
    read(redis, "dead-1-00000000", 1)
    put_in_lane(redis, "438/main", f"{SENT_MS}-0", shared=True, lease="- 1 0")
    redis.execute_command("ACL", "SETUSER", "some", "reset", "on", ">pw", "~*", "+@all", taken)
    report = doctor(redis=f"redis://some:pw@127.0.0.1:{redis_server.port}/0")
    assert {c for c, level in report.levels().items() if level == "unchecked"} == unchecked
    for check in unchecked:
        for finding in report.all(check):
            assert finding["level"] == "unchecked" and "could not check" in finding["text"]
            assert taken.replace("-", "+", 1) in finding["advice"], finding
    assert report.exit_code == 1 and report.json["unchecked"] == len(unchecked)


def test_no_rights_at_all(redis_server, redis, doctor):
    redis.execute_command("ACL", "SETUSER", "some", "reset", "on", ">pw", "~*", "+client|setname")
    report = doctor(redis=f"redis://some:pw@127.0.0.1:{redis_server.port}/0")
    assert report.json["ok"] == 0 and report.json["unchecked"] > 8 and report.exit_code == 1
    assert report.has("appendfsync", "note", "could not check appendfsync", "NOPERM")


def test_idle_worker_is_found_without_a_scan(redis_server, redis, doctor, start_worker):
    """When the group was made anew by others, a worker without an event is no consumer."""
    worker = start_worker()
    (consumer,) = worker.consumers(redis)
    redis.xgroup_delconsumer(key("events"), GROUP, consumer)
    redis.execute_command("ACL", "SETUSER", "some", "reset", "on", ">pw", "~*", "+@all", "-scan")
    report = doctor(redis=f"redis://some:pw@127.0.0.1:{redis_server.port}/0")
    assert report.has("alive", "ok", "1 alive")


def test_refused_half_way(redis, doctor, changed_answers, make_group):
    """What was looked at in part is not called well."""
    for _ in range(300):
        enqueue(redis, message_event())
    read(redis, "some-1-00000000", 300)
    scripts = itertools.count(1)  # the queue, then pages of 100 entries

    def refuse_the_third(answer):
        return b"-ERR not now\r\n" if next(scripts) == 3 else answer

    report = doctor(redis=changed_answers({b"EVAL": refuse_the_third}))
    assert report.has("stored", "unchecked", "could not check", "ERR not now")
    assert report.has("pending", "ok", "(300)")


def test_keys_that_may_not_be_read(redis_server, redis, doctor):
    redis.execute_command("ACL", "SETUSER", "some", "reset", "on", ">pw", "~other", "+@all")
    report = doctor(redis=f"redis://some:pw@127.0.0.1:{redis_server.port}/0")
    assert "the keys ~{webhooks}:*" in report.of("counters")["advice"]


# --- the queue ---


def test_contract(redis, doctor):
    redis.hset(key("meta"), "contract", "3")
    assert doctor().has("contract", "error", "contract 3")


def test_types(redis, doctor):
    names = ("events", "deliveries", "documents", "leases", "lanes", "lanes-shut", "gates", "dead",
             "dead-by-room", "dead-bytes", "meta", "hooks-state", "hooks-changed", "retries",
             "hooks-pace", "stats", "leader", "hooks-recent")  # fmt: skip
    for name in names:
        redis.lpush(key(name), "x")
    report = doctor()
    told = report.all("type")
    assert len(told) + told[-1]["more"] == len(names) and report.exit_code == 1
    assert any("{webhooks}:events is a list; it must be a stream" == finding["text"]
               for finding in report.all("type"))  # fmt: skip


def test_expiry(redis, doctor, make_group):
    redis.expire(key("events"), 3600)
    assert doctor().has("expiry", "error", "{webhooks}:events expires in")
    redis.persist(key("events"))
    redis.set(key("leader"), "somebody")
    assert doctor().has("expiry", "error", "{webhooks}:leader never expires")


def test_no_group(redis, doctor):
    enqueue(redis, message_event())
    report = doctor()
    assert report.has("group", "warning", "no group workers")
    assert report.has("alive", "error", "no worker is alive; waiting events: 1")


def test_other_group(redis, doctor, make_group):
    redis.xgroup_create(key("events"), "audit\x1b[31m", "0")
    assert doctor().has("other-groups", "warning", "audit?[31m")


def test_old_events(redis, doctor, make_group):
    redis.set(key("worker:vm-1-00000000"), '{"version":"0.1.0"}', px=60000)
    redis.xadd(key("events"), {"json": "{}"}, id=f"{now_ms(redis) - 600_000}-0")
    assert doctor().has("unread", "warning", "1 unread, the oldest for 10m")
    read(redis, "vm-1-00000000", 1)
    enqueue(redis, message_event())
    assert doctor().has("unread", "ok", "1 unread, 1 pending")


def test_overdue_lanes(redis, doctor):
    put_in_lane(redis, "1/main", f"{now_ms(redis) - 600_000}-0")
    put_in_lane(redis, "2/main", f"{SENT_MS}-0", now_ms(redis) + 3_600_000, shut=True)
    put_in_lane(redis, "3/main", f"{SENT_MS}-1", now_ms(redis) + 3_600_000)
    assert doctor().has("lanes", "warning", "1 due, the first for 10m")
    redis.zadd(key("lanes"), {"1/main": now_ms(redis)})
    report = doctor()
    assert report.has("lanes", "ok", "deliveries: 3; lanes: 2, 1 due, and 1 shut")
    assert report.has("places", "ok", "(3)") and report.has("looks", "ok", "(3)")


def test_entries_that_nobody_will_get(redis, doctor, make_group):
    """Acknowledged and not deleted; over more than one page, and pending ones between them."""
    for _ in range(700):
        enqueue(redis, message_event())
    ids = read(redis, "some-1-00000000", 600)
    redis.xack(key("events"), GROUP, *ids[::2])
    report = doctor()
    assert report.has("stored", "error", ": 300, like " + ", ".join(ids[0:6:2]))
    assert report.has("pending", "ok", "(300)")
    assert report.of("unread")["text"] == "events: 400 unread, 300 pending"
    redis.xgroup_delconsumer(key("events"), GROUP, "some-1-00000000")
    assert doctor().has("stored", "error", ": 600, like")


def test_pending_entries_that_were_deleted(redis, doctor, make_group):
    for _ in range(300):
        enqueue(redis, message_event())
    ids = read(redis, "some-1-00000000", 300)
    redis.xtrim(key("events"), maxlen=50, approximate=False)
    report = doctor()
    assert report.has("pending", "error", ": 250, like " + ", ".join(ids[:3]))
    assert report.has("stored", "ok", "(50)")


def fill_lanes(redis, lanes=3, each=700):
    """Healthy ones, some of which share their documents; the ids by lane."""
    pipe = redis.pipeline(transaction=False)
    ids = {f"{room}/main": [put_in_lane(pipe, f"{room}/main", f"{SENT_MS + n}-{room}",
                                        SENT_MS + n, shared=n % 5 == 0,
                                        lease="- 1 0" if n % 7 == 0 else None)
                            for n in range(each)] for room in range(lanes)}
    pipe.execute()
    return ids


WALKS = ("records", "places", "shared", "looks", "members", "gates", "leases", "documents")


def wrong(report):
    """{check: what it says} of the walks over what waits that found something."""
    return {one["check"]: one["text"].partition(": ")[2] for one in report.findings
            if one["check"] in WALKS and one["level"] != "ok"}


def test_lanes_on_which_all_is_well(redis, doctor):
    fill_lanes(redis)
    later = now_ms(redis) + 5000
    redis.hset(key("gates"), "1/main", f"{later}.125 paused 0123abcd")
    redis.zadd(key("lanes"), {"1/main": later})
    shut_lane(redis, "2/main", "0123abcd")
    report = doctor()
    assert wrong(report) == {}
    for check, looked in (("records", 2100), ("places", 2100), ("shared", 420), ("looks", 3),
                          ("members", 60), ("gates", 2), ("leases", 300), ("documents", 420)):
        assert report.has(check, "ok", f"({looked})")


def test_deliveries_that_nobody_would_attempt(redis, doctor):
    """Without a place in their lane, or in a lane that is in neither set."""
    ids = fill_lanes(redis)
    redis.zrem(key("lane:1/main"), *ids["1/main"][:300])
    assert wrong(doctor()).keys() == {"places"}
    assert wrong(doctor())["places"].startswith("300, like ")
    redis.zrem(key("lanes"), "2/main")
    assert wrong(doctor())["places"].startswith("1000, like ")
    redis.delete(key("lane:1/main"))
    redis.set(key("lane:1/main"), "x")
    found = wrong(doctor())
    assert found["places"].startswith("1400, like ") and found["looks"] == "1, like 1/main"


def test_lanes_that_are_looked_at_too_late(redis, doctor):
    fill_lanes(redis, lanes=200, each=1)
    later = now_ms(redis) + 60_000
    redis.zadd(key("lanes"), {"7/main": later})
    assert wrong(doctor()) == {"looks": "1, like 7/main"}
    redis.hset(key("gates"), "7/main", f"{later}.000 rate 0123abcd")
    assert wrong(doctor()) == {}
    redis.hset(key("gates"), "7/main", f"{later + 10**9}.000 open 0123abcd")  # a clock went back
    assert wrong(doctor()) == {"looks": "1, like 7/main"}
    redis.zadd(key("lanes"), {"7/main": 1})
    redis.zadd(key("lanes-shut"), {"8/main": 1, "9/main": 1})
    assert wrong(doctor())["looks"].startswith("4, like ")  # each is met twice


def test_places_without_a_record(redis, doctor):
    ids = fill_lanes(redis)
    redis.hdel(key("deliveries"), *ids["0/main"][:10])
    found = wrong(doctor())
    assert found["members"].startswith("10, like ") and found["leases"].startswith("2, like ")
    assert found["documents"].startswith("2, like ") and found.keys() == {
        "members", "leases", "documents",
    }


def test_shared_documents(redis, doctor):
    ids = fill_lanes(redis)
    streams = [name.split("/")[0] for name in ids["0/main"][::5]]
    redis.hdel(key("documents"), *streams[:3])
    redis.srem(key(f"holders:{streams[4]}"), ids["0/main"][20])
    redis.sadd(key(f"holders:{streams[5]}"), "nobody")
    redis.hset(key("documents"), f"{SENT_MS}-000099", "{}")
    found = wrong(doctor())
    assert found["shared"].startswith("4, like ") and found["documents"].startswith("3, like ")
    assert found.keys() == {"shared", "documents"}
    assert "nobody" in found["documents"] and f"{SENT_MS}-000099" in found["documents"]


def test_records_gates_and_leases_by_hand(redis, doctor):
    fill_lanes(redis, each=3)
    for n, record in enumerate(("", "{", "[]", '{"lane":7}', "x\x1b")):
        redis.hset(key("deliveries"), f"{SENT_MS}-00000{n}/\x1b", record)
    redis.hset(key("gates"), mapping={"1/main": "soon", "x\x1b": "1 odd 0"})
    redis.hset(key("leases"), mapping={f"nobody{n}": "x" for n in range(600)})
    found = wrong(doctor())
    assert found["records"].startswith("5, like ") and found["gates"].startswith("2, like ")
    assert found["leases"].startswith("600, like ") and "\x1b" not in str(found)
    assert found.keys() == {"records", "gates", "leases"}


def test_deliveries_of_contract_1(redis, doctor):
    """They wait to be converted."""
    redis.hset(key("meta"), mapping={"contract": "2", "converting": "1"})
    for n in range(3):
        redis.hset(key("deliveries"), f"{SENT_MS}-{n}/main", '- 0\n{"room":1,"hook":"main"}\n{}')
    redis.zadd(key("retries"), {f"{SENT_MS}-0/main": 1, f"{SENT_MS}-1/main": 1})
    report = doctor()
    assert report.has("contract", "note", "being converted")
    assert report.has("converting", "note", "contract 1 has it: 2")
    assert wrong(report) == {"places": f"1, like {SENT_MS}-2/main"}
    redis.hset(key("meta"), "contract", "1")
    assert doctor().has("contract", "note", "has contract 1, this version converts it")


def test_counters(redis, doctor):
    counts = {"lost": 3, "deleted_externally": 7, "dead_dropped": 12, "dead": 99}
    redis.hset(key("stats"), mapping=counts)
    report = doctor()
    assert report.has("lost", "warning", "7 (counter deleted_externally), pending ones: 3 (lost)")
    assert report.has("dead-dropped", "warning", "12 letters")


def test_other_queue(redis, doctor, make_group):
    enqueue(redis, message_event())
    assert doctor(queue="other").exit_code == 0
    assert doctor().exit_code == 1


# --- workers ---


def test_dead_worker_and_nobody_else(redis, doctor, receiver, start_worker):
    receiver.script("/", Answer(200, delay=30))
    worker = start_worker(heartbeat_ttl="3s")
    enqueue(redis, {**message_event(), "webhooks": [{"url": receiver.url("/")}]})
    receiver.wait_for(1, "/")
    assert doctor().exit_code == 0
    (name,) = worker.consumers(redis)
    worker.kill()
    wait_until(lambda: worker.consumers(redis) == [], 10, "the heartbeat to end")
    report = doctor()
    assert report.has("alive", "error", "waiting events: 1, 1 of them pending for dead workers")
    assert report.has("dead-worker", "note", name, "pending entries: 1")


def test_dead_worker_is_taken_over(redis, doctor, receiver, start_worker):
    receiver.script("/", [Answer(200, delay=30), Answer(200)])
    dying = start_worker(heartbeat_ttl="3s")
    enqueue(redis, {**message_event(), "webhooks": [{"url": receiver.url("/")}]})
    receiver.wait_for(1, "/")
    (name,) = dying.consumers(redis)
    dying.kill()
    wait_until(lambda: dying.consumers(redis) == [], 10, "the heartbeat to end")
    # A heartbeat alone takes nothing over, so that there is time to look.
    redis.set(key("worker:vm-1-00000000"), '{"version":"0.1.0"}', px=60000)
    report = doctor()
    assert report.has("dead-worker", "note", name, "others take over its pending entries: 1")
    assert report.exit_code == 0
    start_worker(heartbeat_ttl="3s")
    assert_queue_empty(redis, timeout=20)
    wait_until(lambda: doctor().levels() == {}, 20, "the dead worker to be forgotten")


def test_stuck_heartbeat(redis, doctor, make_group):
    enqueue(redis, message_event())
    read(redis, "vm-1-00000000", 1)
    redis.set(key("worker:vm-1-00000000"), '{"version":"0.1.0"}')
    assert doctor().has("heartbeat", "error", "vm-1-00000000 never expires")


def test_different_versions(redis, doctor, start_worker):
    start_worker()
    redis.set(key("worker:vm-1-00000000"), '{"version":"0.0.9"}', px=60000)
    report = doctor()
    assert report.has("versions", "note", "2 alive", "0.0.9") and report.exit_code == 0


# --- hooks ---


def test_hooks_that_cannot_work(redis, doctor):
    good = "https://receiver.example/"
    set_hook(redis, 1, "good", url=good, secret=SECRET)
    set_hook(redis, 1, "unknown-key", url=good, colour="red")
    redis.hset(key("room:2"), "no-json", "{")
    redis.hset(key("room:2"), "long", json.dumps({"url": good, "x": "y" * 70000}))
    set_hook(redis, 3, "url", url="ftp://receiver.example/")
    set_hook(redis, 4, "private", url="https://10.1.2.3/")
    set_hook(redis, 5, "plain", url="http://receiver.example/", verificationSignature="x")
    set_hook(redis, 6, "off", url="http://10.1.2.3/", enabled=False)
    redis.set(key("room:7"), "x")
    set_hook(redis, "0 08", "main", url=good)
    set_hook(redis, "!a:matrix.org", "strange", url="ftp://receiver.example/")
    redis.hset(key("room:9"), mapping={f"h{i}": json.dumps({"url": good}) for i in range(257)})
    redis.expire(key("room:9"), 7200)
    report = doctor()
    assert sorted(finding["text"].partition(":")[0] for finding in report.all("bad-hook")) == [
        "room 1 hook unknown-key", "room 2 hook long", "room 2 hook no-json",
    ]  # fmt: skip
    assert sorted(finding["text"].partition(": ")[0] for finding in report.all("bad-url")) == [
        "room !a:matrix.org hook strange", "room 3 hook url",
    ]  # fmt: skip
    assert report.has("address", "note", "room 4 hook private", "https://10.1.2.3:443")
    assert report.has("plain-http", "note", "room 5 hook plain")
    assert report.has("room-type", "error", "room 7")
    assert report.has("room-id", "warning", "room:0 08")
    assert report.has("too-many", "error", "room 9: 257 hooks")
    assert report.has("room-expiry", "warning", "room 9: its hooks expire in 1h")
    assert report.exit_code == 1
    assert not any("off" in finding["text"] for finding in report.findings)


def test_gone_hook(redis, cli, doctor, receiver, start_worker):
    receiver.script("/gone", Answer(410))
    set_hook(redis, 438, "main", url=receiver.url("/gone"))
    start_worker()
    enqueue(redis, message_event())
    wait_until(lambda: hook_states(redis), 10, "the hook to be disabled")
    assert_queue_empty(redis)
    report = doctor()
    assert report.has("disabled", "warning", "room 438 hook main: disabled: gone")
    assert report.exit_code == 1
    cli("hook", "resume", "--room", "438")
    report = doctor()
    assert report.levels() == {"address": "note"} and report.exit_code == 0


def test_many_rooms(redis, doctor):
    """More rooms, hooks and states than go into one script or command."""
    pipe = redis.pipeline(transaction=False)
    for room in range(1200):
        set_hook(pipe, room, "one", url="https://receiver.example/1")
        set_hook(pipe, room, "two", url="ftp://receiver.example/2")
        pipe.set(f"another key {room}", "x")
    pipe.execute()
    report = doctor()
    assert report.has("hooks", "ok", "hooks: 2400, of rooms: 1200")
    told = report.all("bad-url")
    assert len(told) == 10 and told[-1]["more"] == 1190 and report.json["error"] == 1200


def test_large_hooks_come_in_parts(redis, doctor):
    """50 rooms with 10 MB of hooks, of which one script gives up to 4."""
    headers = {f"X-{i}": "y" * 1000 for i in range(32)}
    large = json.dumps({"url": "https://receiver.example/", "headers": headers})
    pipe = redis.pipeline(transaction=False)
    for room in range(120):
        pipe.hset(key(f"room:{room}"), mapping={f"h{i}": large for i in range(6)})
    pipe.execute()
    assert doctor().has("hooks", "ok", "hooks: 720, of rooms: 120")


def test_many_disabled_hooks(redis, doctor):
    """More states than one command asks for, in one room and in one batch of rooms."""
    url = "https://receiver.example/"
    state = json.dumps({"disabled": True, "fingerprint": fingerprint(url)})
    pipe = redis.pipeline(transaction=False)
    for room, hook in itertools.product((1, 2, 3), range(250)):
        set_hook(pipe, room, f"h{hook}", url=url)
        pipe.hset(key("hooks-state"), f"{room}/h{hook}", state)
    pipe.execute()
    report = doctor()
    assert report.json["warning"] == 750 and len(report.all("disabled")) == 10


# --- dead letters ---


def test_letters_near_the_cap(redis, doctor):
    for _ in range(95):
        redis.xadd(key("dead"), {"reason": "gone", "json": "x" * 1000})
    report = doctor()
    assert report.has("dead-max", "ok", "95, the cap is 100000") and report.exit_code == 0
    assert doctor("--dead-max", "100").has("dead-max", "warning", "95, the cap is 100")
    assert doctor("--dead-max-bytes", "64k").has("dead-max-bytes", "warning", "64.0 KB")
