"""The web service: what every answer carries, its probes, and who may do what."""

import json
import re
import signal
import stat
import subprocess
from pathlib import Path

import pytest
from notify_socket import NotifySocket
from prometheus import metrics_of, promtool, series_of
from wait import stays_true, wait_until
from webhook_queue import key, set_hook
from web_service import routes

WATCHDOG_S = 0.6
LABELS = {"queue", "result", "outcome", "reason", "kind", "state", "le"}


def test_every_answer_has_the_headers(start_web):
    web = start_web()
    for path in ("/livez", "/v1/status", "/nothing", "/metrics"):
        answer = web.get(path)
        assert answer.headers["connection"] == "close"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_probes_while_redis_goes_and_comes(start_web, own_redis):
    server = own_redis()
    web = start_web(redis=server)
    assert web.get("/readyz").status == 200
    server.process.kill()
    server.process.wait()
    wait_until(lambda: web.get("/readyz").status == 503, 10, "the service to notice")
    assert web.get("/livez").status == 200
    answer = web.get("/v1/status")
    assert (answer.status, answer.error) == (503, "redis")
    metrics = web.get("/metrics")
    assert metrics.status == 200 and b'roomhook_redis_up{queue="webhooks"} 0\n' in metrics.body
    server.start()
    wait_until(lambda: web.get("/readyz").status == 200, 10, "the service to come back")
    assert web.get("/v1/status").json["queue"] == "webhooks"


def test_livez_while_redis_stands_still(start_web, own_redis):
    server = own_redis()
    web = start_web(redis=server)
    assert web.get("/readyz").status == 200
    with server.client() as client:
        client.client_pause(3000)
        wait_until(lambda: web.get("/livez").status == 200, 1, "an answer")


def test_a_queue_of_another_contract(start_web, redis):
    redis.hset(key("meta"), "contract", "9")
    web = start_web()
    assert web.get("/readyz").status == 503
    answer = web.get("/v1/lanes")
    assert (answer.status, answer.error) == (503, "contract")
    assert web.get("/v1/status").status == 200


def test_redis_is_read_once_a_second_at_most(start_web, redis):
    web = start_web()
    web.get("/metrics")
    before = redis.info("commandstats").get("cmdstat_xlen", {"calls": 0})["calls"]
    for _ in range(50):
        web.get("/metrics")
        web.get("/v1/status")
    after = redis.info("commandstats")["cmdstat_xlen"]["calls"]
    assert after - before <= 2 * 5


def test_metrics(start_web, redis, start_worker):
    set_hook(redis, 1, "main", url="http://127.0.0.1:9/")
    start_worker()
    text = start_web().get("/metrics").body.decode()
    assert 'roomhook_workers{queue="webhooks"} 1\n' in text
    assert 'roomhook_redis_errors_total{queue="webhooks",kind="oom"} 0\n' in text
    assert text.endswith("\n")
    assert set(re.findall(r'[{,]([a-z_]+)="', text)) <= LABELS
    names = metrics_of(text)
    assert len(names) == text.count("# TYPE ") == text.count("# HELP ")
    assert all(name.startswith("roomhook_") for name in names)
    samples = [line.partition("{")[0] for line in text.splitlines() if line[0] != "#"]
    assert set(samples) <= series_of(names)
    assert promtool("check", "metrics", input=text) == (0, "")


# --- tokens ---


def fill(path, room="438"):
    return path.format(room=room, hook="main", lane="main", letter="1-0", event="e-1", task="1-0")


def test_every_route_wants_a_token(start_web, make_token):
    make_token("read")
    web = start_web(tokens=make_token.file, actions=True)
    assert len(routes(web)) > 25
    for method, path, _ in routes(web):
        for token in (None, "rh_" + "0" * 64, "rhr_" + "0" * 64 + "/9999999999/webhooks/438", "x"):
            answer = web.ask(method, fill(path), token)
            assert (answer.status, answer.error) == (401, "token"), (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_room_token_is_for_its_room(start_web, make_token):
    """Over every route: of another room, or of all rooms, it sees and does nothing."""
    operate = make_token("operate")
    web = start_web(tokens=make_token.file, actions=True)
    room = web.ask("POST", "/v1/rooms/438/tokens", operate).json["token"]
    for token in (room, make_token("room=438")):
        wait_until(lambda one=token: web.get("/v1/rooms/438/hooks", one).status == 200, 5, "it")
        for method, path, operation in routes(web):
            body = {"url": "https://example.com/"} if "requestBody" in operation else None
            if operation["operationId"] == "getService":
                told = web.get(path, token).json
                assert (told["role"], told["room"]) == ("room", 438)
                continue
            if "{room}" not in path:
                answer = web.ask(method, fill(path), token, body=body)
                assert (answer.status, answer.error) == (403, "room"), (method, path)
                continue
            answer = web.ask(method, fill(path, "439"), token, body=body)
            assert (answer.status, answer.error) == (403, "room"), (method, path)
            answer = web.ask(method, fill(path, "438"), token, body=body)
            may = "makeRoomToken" != operation["operationId"]
            assert (answer.status not in (401, 403)) == may, (method, path, answer.body)


def test_a_reading_token_changes_nothing(start_web, make_token):
    read = make_token("read")
    web = start_web(tokens=make_token.file, actions=True)
    for method, path, operation in routes(web):
        body = {"url": "https://example.com/"} if "requestBody" in operation else None
        answer = web.ask(method, fill(path), read, body=body)
        assert (answer.status == 403) == (method != "GET"), (method, path)


def test_what_the_service_is(start_web, make_token):
    web = start_web(environment="staging", tokens=make_token.file if make_token("read") else None)
    told = web.get("/v1/service", make_token("operate")).json
    assert told["environment"] == "staging" and told["queue"] == "webhooks"
    assert (told["role"], told["actions"]) == ("operate", False)


def test_without_actions_nothing_is_changed(start_web, make_token):
    operate = make_token("operate")
    web = start_web(tokens=make_token.file)
    for method, path, operation in routes(web):
        if method == "GET" or operation["operationId"] == "makeRoomToken":
            continue
        body = {"url": "https://example.com/"} if "requestBody" in operation else None
        answer = web.ask(method, fill(path), operate, body=body)
        assert (answer.status, answer.error) == (403, "actions"), (method, path)
    assert web.ask("POST", "/v1/rooms/438/tokens", operate).status == 201


def test_tokens_end(start_web, make_token):
    operate = make_token("operate")
    short = make_token("read", "--expires", "1s")
    web = start_web(tokens=make_token.file, actions=True)
    room = web.ask("POST", "/v1/rooms/438/tokens?expires=1s", operate).json["token"]
    wait_until(lambda: web.get("/v1/status", short).status == 401, 5, "the token to end")
    wait_until(lambda: web.get("/v1/rooms/438/hooks", room).status == 401, 5, "the other one")
    for expires in ("2h", "0", "x", "-1s"):
        assert web.ask("POST", f"/v1/rooms/438/tokens?expires={expires}", operate).status == 400


def test_a_token_of_another_queue_is_none(start_web, make_token):
    operate = make_token("operate")
    web = start_web(tokens=make_token.file)
    other = start_web(tokens=make_token.file, queue="other")
    token = other.ask("POST", "/v1/rooms/438/tokens", operate).json["token"]
    assert other.get("/v1/rooms/438/hooks", token).status == 200
    assert web.get("/v1/rooms/438/hooks", token).status == 401
    forged = token.replace("/other/", "/webhooks/")
    assert web.get("/v1/rooms/438/hooks", forged).status == 401
    assert web.get("/v1/rooms/439/hooks", token.replace("/438", "/439")).status == 401


def test_a_token_that_is_taken_out_ends(start_web, make_token):
    token = make_token("read")
    web = start_web(tokens=make_token.file)
    assert web.get("/v1/status", token).status == 200
    Path(make_token.file).write_text("# none\n", encoding="utf-8")
    wait_until(lambda: web.get("/v1/status", token).status == 401, 5, "the token to end")
    Path(make_token.file).write_text("nonsense\n", encoding="utf-8")
    wait_until(lambda: web.get("/v1/status", token) and web.logged("tokens_unreadable"), 5, "it")
    assert web.get("/v1/status", token).status == 401


def test_the_file_of_tokens(make_token):
    token = make_token("operate")
    path = Path(make_token.file)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert token not in path.read_text(encoding="utf-8")
    make_token("read")
    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines] == ["key", "operate", "read"]


@pytest.mark.parametrize(
    "arguments",
    [["--actions"], ["--listen", "0.0.0.0:0"], ["--listen", "nowhere"], ["--base-path", "x"],
     ["--host", "a/b"], ["--queue", "a b"], ["--log-level", "loud"], ["--nonsense"], ["extra"],
     ["token", "create"], ["token", "create", "--tokens", "t", "--role", "king"]],
)  # fmt: skip
def test_wrong_flags(roomhook_bin, arguments):
    done = subprocess.run([roomhook_bin / "roomhook-web", *arguments], capture_output=True,
                          text=True, timeout=20, check=False)
    assert done.returncode == 2 and done.stderr.startswith("roomhook-web: ")


# --- the service manager ---


def test_the_service_manager_hears_of_it(start_web, tmp_path):
    with NotifySocket(tmp_path / "notify") as manager:
        web = start_web(env=manager.env(WATCHDOG_S))
        ready = manager.wait("of readiness", lambda one: one.get("READY") == "1")
        assert ready["STATUS"] == f"listening on {web.address}"
        assert ready["pid"] == web.process.pid
        wait_until(lambda: len(manager.messages(WATCHDOG="1")) >= 5, 10, "five signs of life")
        times = [one["at"] for one in manager.messages(WATCHDOG="1")]
        assert max(b - a for a, b in zip(times, times[1:])) < WATCHDOG_S
        web.process.send_signal(signal.SIGSTOP)
        before = len(manager.messages())
        stays_true(lambda: len(manager.messages()) <= before + 1, 2 * WATCHDOG_S, "silence")
        web.process.send_signal(signal.SIGCONT)
        web.process.terminate()
        manager.wait("that it stops", lambda one: one.get("STOPPING") == "1")
        assert web.process.wait(timeout=15) == 0


def test_a_manager_that_cannot_be_reached(start_web):
    web = start_web(env={"NOTIFY_SOCKET": "relative"})
    assert web.logged("notify_ignored") and web.get("/livez").status == 200


# --- where it listens ---


def test_a_unix_socket(start_web, tmp_path):
    path = str(tmp_path / "web.sock")
    web = start_web(listen=path)
    assert web.get("/livez", host="localhost").status == 200
    web.process.kill()
    web.process.wait()
    again = start_web(listen=path)  # in place of the socket that was left
    assert again.get("/livez").status == 200
    web.finish = lambda: None


def test_a_base_path(start_web):
    web = start_web(base_path="/hooks/")
    assert web.get("/hooks/v1/status").status == 200
    assert web.get("/v1/status").status == 200  # a proxy may take it away
    assert web.get("/openapi.json").json["servers"] == [{"url": "/hooks"}]


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "a:b:c",
                                  "[::1", "[::1]x", "127.0.0.1:80a", "x" * 300])  # fmt: skip
def test_another_host(start_web, host):
    answer = start_web(host="hooks.example.com").get("/v1/status", host=host)
    assert (answer.status, answer.error) == (421, "host")


@pytest.mark.parametrize("host", ["127.0.0.1:1234", "localhost", "LOCALHOST:1", "[::1]:80",
                                  "hooks.example.com", "Hooks.Example.COM:8443"])  # fmt: skip
def test_its_hosts(start_web, host):
    assert start_web(host="hooks.example.com").get("/livez", host=host).status == 200


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ([], True),
        (["Sec-Fetch-Site: same-origin"], True),
        (["Sec-Fetch-Site: cross-site"], False),
        (["Sec-Fetch-Site: same-site"], False),
        (["Sec-Fetch-Site: none"], False),
        (["Origin: http://127.0.0.1"], True),
        (["Origin: https://127.0.0.1"], True),
        (["Origin: http://127.0.0.1:81"], False),
        (["Origin: http://evil.example"], False),
        (["Origin: null"], False),
        (["Sec-Fetch-Site: same-origin", "Origin: http://evil.example"], True),
    ],
)
def test_pages_of_other_origins(start_web, make_token, headers, admitted):
    operate = make_token("operate")
    web = start_web(tokens=make_token.file, actions=True)
    answer = web.ask("POST", "/v1/rooms/438/tokens", operate, headers=headers)
    assert (answer.status, answer.json.get("error", {}).get("code")) == (
        (201, None) if admitted else (403, "cross_site"))
    assert web.get("/livez", headers=headers).status == 200


def test_it_stops_while_requests_wait(start_web, own_redis):
    server = own_redis()
    web = start_web(redis=server)
    assert web.get("/readyz").status == 200
    with server.client() as client:
        client.client_pause(1500)
        waiting = [web.connect() for _ in range(10)]
        for one in waiting:
            one.sendall(b"GET /v1/hooks HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: web.get("/livez").status == 200, 5, "an answer")
        web.process.terminate()
        assert web.process.wait(timeout=15) == 0
        for one in waiting:
            one.close()


# --- the users of Redis ---


def test_the_reading_user_is_enough(start_web, own_redis, roomhook_bin):
    """What docs/web.md gives it: every route that reads works, and nothing was written."""
    page = (Path(__file__).resolve().parents[3] / "docs" / "web.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^redis-cli (ACL SETUSER .*?[^\\])\n", page, re.MULTILINE | re.DOTALL)
    server = own_redis()
    subprocess.run(["bash", "-euc", f"redis-cli -p {server.port} {command}"], check=True,
                   capture_output=True, timeout=20)
    with server.client() as admin:
        set_hook(admin, 438, "main", url="https://example.com/")
        admin.zadd(key("lanes"), {"438/main": 1})
        admin.zadd(key("lane:438/main"), {"1667548137257-000000/main": 1})
        letter = admin.xadd(key("dead"), {"reason": "gone", "room": "438", "hook": "main"}).decode()
        task = "1-0"
        admin.hset(key("tasks"), task, json.dumps({
            "what": "replay", "state": "running", "by": "room", "room": "438", "from": "-",
            "until": "1-1", "cursor": "-", "rate": 1, "done": 0, "skipped": 0, "failed": 0,
            "made_at": 1, "next_at": 0, "lease_until": 0, "fence": 0}))  # fmt: skip
        before = sorted(admin.keys())
        admin.acl_log_reset()
        web = start_web(redis=f"redis://roomhook-web:web-password@{server.host}:{server.port}/0")
        for method, path, _ in routes(web):
            if method == "GET":
                where = path.format(room=438, hook="main", lane="main", letter=letter, event="e-1",
                                    task=task)  # fmt: skip
                answer = web.get(where)
                assert answer.status == 200, (where, answer.body)
        assert web.get("/metrics").status == 200
        assert sorted(admin.keys()) == before
        refused = {entry["object"] for entry in admin.acl_log()}
    assert refused <= {"config|get", "set", "hello"}, refused
