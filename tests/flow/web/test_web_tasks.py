"""Bulk tasks: replay and purge of dead letters at a rate, worked on by roomhook-web in steps."""

import json
import time

import pytest
from wait import wait_until
from webhook_queue import dead_letters, key, message_event

REPLAY = "/v1/dead-letters/replay"
PURGE = "/v1/dead-letters/purge"
DOCUMENT = json.dumps(message_event())


def add_letters(redis, count, room=438, hook="main", **fields):
    """-> their ids"""
    pipe = redis.pipeline(transaction=False)
    for n in range(count):
        letter = {"reason": "exhausted", "room": room, "hook": hook, "event_id": f"m-{room}-{n}"}
        pipe.xadd(key("dead"), {**letter, "json": DOCUMENT, **fields})
    return [one.decode() for one in pipe.execute()]


def replayed(redis):
    """The ids of all events that were put back, in their order."""
    return [fields[b"id"].decode() for _, fields in redis.xrange(key("events"))]


@pytest.fixture
def tokens(make_token):
    """The tokens' file, and a token each."""

    class Tokens:
        operate = make_token("operate")
        room = make_token("room=438")
        file = make_token.file

    return Tokens


@pytest.fixture
def start_acting(start_web, tokens):
    def start(**settings):
        return start_web(tokens=tokens.file, actions=True, **settings)

    return start


@pytest.fixture
def ask(start_acting, tokens):
    """ask("POST", path) -> Answer, of one service, with the operator's token."""
    web = start_acting()

    def one(method, path, token=tokens.operate):
        return web.ask(method, path, token)

    one.web = web
    return one


def wait_task(ask_task, state="done", limit=15):
    wait_until(lambda: ask_task().json["state"] == state, limit, lambda: ask_task().body.decode())
    return ask_task().json


# --- what a task does ---


def test_a_rate_makes_a_task(ask, redis):
    add_letters(redis, 40)
    add_letters(redis, 1, json="x" * 4096, reason="too-large")
    others = add_letters(redis, 5, room=7)
    answer = ask("POST", REPLAY + "?room=438&rate=50/s&expect=40")
    made = answer.json
    assert answer.status == 202 and made["state"] == "running"
    assert (made["what"], made["room"], made["rate"], made["total"]) == ("replay", 438, 50, 40)
    assert (made["done"], made["by"], made["leased"]) == (0, "operate", False)
    late = add_letters(redis, 3)
    began = time.monotonic()
    done = wait_task(lambda: ask("GET", f"/v1/tasks/{made['id']}"))
    assert time.monotonic() - began > 0.6, "not at once"
    assert (done["done"], done["skipped"], done["failed"]) == (40, 1, 0)
    assert done["ended_at"] > done["made_at"] and not done["leased"]
    assert replayed(redis) == [f"m-438-{n}" for n in range(40)]
    left = [letter["id"] for letter in dead_letters(redis) if "id" in letter]
    assert redis.xlen(key("dead")) == 1 + len(others) + len(late), left
    assert [task["id"] for task in ask("GET", "/v1/tasks").json["data"]] == [made["id"]]
    wait_until(lambda: ask.web.logged("task_done", task=made["id"], done=40, skipped=1), 5, "it")


def test_a_purge_by_filter(ask, redis):
    add_letters(redis, 250, room=1)
    kept = add_letters(redis, 250, room=1, reason="gone")
    made = ask("POST", PURGE + "?room=1&reason=exhausted&rate=100000").json
    done = wait_task(lambda: ask("GET", f"/v1/tasks/{made['id']}"))
    assert (done["total"], done["done"]) == (250, 250)
    assert [id.decode() for id, _ in redis.xrange(key("dead"))] == kept
    assert redis.xlen(key("events")) == 0


def test_nothing_is_made_without_need(ask, redis):
    assert ask("POST", REPLAY + "?rate=5/s").json["count"] == 0
    add_letters(redis, 3)
    assert ask("POST", REPLAY + "?rate=5/s&dry_run=true").json["count"] == 3
    assert ask("POST", REPLAY + "?rate=5/s&expect=4").error == "conflict"
    for rate in ("0", "5/m", "1000001", "-1", "5/s/s", ""):
        assert ask("POST", f"{REPLAY}?rate={rate}").error == "parameter", rate
    assert redis.xlen(key("dead")) == 3 and not redis.exists(key("tasks"))


def test_what_takes_long_goes_on_as_a_task(ask, redis):
    """Without a rate too: nobody waits for it."""
    add_letters(redis, 350)
    redis.execute_command("CLIENT", "PAUSE", "3500", "WRITE")
    answer = ask("POST", REPLAY + "?expect=350")
    assert answer.status == 202, answer.body
    made = answer.json
    assert (made["done"], made["total"], made["rate"]) == (100, 350, None)
    assert wait_task(lambda: ask("GET", f"/v1/tasks/{made['id']}"))["done"] == 350
    assert replayed(redis) == [f"m-438-{n}" for n in range(350)]


# --- cancelling ---


def test_a_task_is_cancelled(ask, redis):
    add_letters(redis, 50)
    made = ask("POST", REPLAY + "?rate=20/s").json
    path = f"/v1/tasks/{made['id']}"
    wait_until(lambda: ask("GET", path).json["done"] >= 4, 10, "some")
    cancelled = ask("POST", path + "/cancel").json
    assert cancelled["state"] == "cancelled" and 4 <= cancelled["done"] < 50
    last = add_letters(redis, 3, room=9)  # done meanwhile: the first would have gone on
    more = ask("POST", REPLAY + "?room=9&rate=3/s").json
    wait_task(lambda: ask("GET", f"/v1/tasks/{more['id']}"))
    assert redis.xlen(key("events")) == cancelled["done"] + len(last)
    assert redis.xlen(key("dead")) == 50 - cancelled["done"]
    assert ask("GET", path).json["done"] == cancelled["done"]
    assert ask("POST", path + "/cancel").error == "conflict"
    assert ask("POST", "/v1/tasks/1-1/cancel").error == "not_found"
    assert ask("GET", "/v1/tasks/1-1").error == "not_found"
    assert ask("GET", "/v1/tasks/x").error == "task"


# --- services that end, stall, and are two ---


@pytest.mark.parametrize("how", ["finish", "kill"])
def test_a_task_goes_on_after_a_restart(start_acting, tokens, redis, how):
    """Each letter is replayed exactly once: in Redis it is moved and counted in one step."""
    add_letters(redis, 60)
    first = start_acting()
    made = first.ask("POST", REPLAY + "?rate=30/s", tokens.operate).json
    path = f"/v1/tasks/{made['id']}"
    wait_until(lambda: first.get(path, tokens.operate).json["done"] >= 6, 10, "some")
    getattr(first, how)()
    done = json.loads(redis.hget(key("tasks"), made["id"]))["done"]
    assert 6 <= done < 60
    if how == "kill":  # its lease would end by itself, in 15 s
        record = json.loads(redis.hget(key("tasks"), made["id"]))
        assert record["lease_until"] > 0
        redis.hset(key("tasks"), made["id"], json.dumps({**record, "lease_until": 1}))
    second = start_acting()
    assert wait_task(lambda: second.get(path, tokens.operate))["done"] == 60
    assert replayed(redis) == [f"m-438-{n}" for n in range(60)]
    assert redis.xlen(key("dead")) == 0


def test_of_two_services_one_works_on_a_task(start_acting, tokens, redis):
    add_letters(redis, 40)
    services = [start_acting(), start_acting()]
    made = services[0].ask("POST", REPLAY + "?rate=20/s", tokens.operate).json
    path = f"/v1/tasks/{made['id']}"
    wait_until(lambda: services[1].get(path, tokens.operate).json["leased"], 10, "a lease")
    fence = json.loads(redis.hget(key("tasks"), made["id"]))["fence"]
    began = time.monotonic()
    done = wait_task(lambda: services[1].get(path, tokens.operate))
    assert time.monotonic() - began > 1, "the rate is that of both"
    assert json.loads(redis.hget(key("tasks"), made["id"]))["fence"] == fence, "one lease"
    assert done["done"] == 40 and replayed(redis) == [f"m-438-{n}" for n in range(40)]
    wait_until(lambda: any(one.logged("task_done") for one in services), 5, "its line")
    assert sum(len(one.logged("task_done")) for one in services) == 1


def test_a_service_that_lost_its_lease_changes_nothing(ask, redis):
    add_letters(redis, 100)
    made = ask("POST", REPLAY + "?rate=20/s").json
    path = f"/v1/tasks/{made['id']}"
    wait_until(lambda: ask("GET", path).json["done"] >= 2, 10, "some")

    def take(pipe):
        """Another one has it now, for long. Repeated when a step came between."""
        record = json.loads(pipe.hget(key("tasks"), made["id"]))
        record |= {"fence": record["fence"] + 1, "lease_until": record["lease_until"] * 2}
        pipe.multi()
        pipe.hset(key("tasks"), made["id"], json.dumps(record))
        return record

    record = redis.transaction(take, key("tasks"), value_from_callable=True)
    last = add_letters(redis, 3, room=9)  # done meanwhile: the service is at work
    more = ask("POST", REPLAY + "?room=9&rate=3/s").json
    wait_task(lambda: ask("GET", f"/v1/tasks/{more['id']}"))
    assert redis.xlen(key("events")) == record["done"] + len(last)
    assert json.loads(redis.hget(key("tasks"), made["id"])) == record


def test_redis_away_and_back(start_acting, tokens, own_redis):
    server = own_redis(appendonly=True)
    with server.client() as redis:
        add_letters(redis, 60)
    web = start_acting(redis=server)
    made = web.ask("POST", REPLAY + "?rate=30/s", tokens.operate).json
    path = f"/v1/tasks/{made['id']}"
    wait_until(lambda: web.get(path, tokens.operate).json["done"] >= 3, 10, "some")
    server.kill()
    wait_until(lambda: web.logged("tasks_wait"), 10, "it to notice")
    server.restart()
    wait_until(lambda: web.get(path, tokens.operate).status == 200, 10, "Redis")
    assert wait_task(lambda: web.get(path, tokens.operate))["done"] == 60
    with server.client() as redis:
        assert replayed(redis) == [f"m-438-{n}" for n in range(60)]
    assert len(web.logged("tasks_wait")) == 1


def test_a_full_redis_is_told_and_waited_for(ask, redis):
    add_letters(redis, 20)
    made = ask("POST", REPLAY + "?rate=5/s").json
    path = f"/v1/tasks/{made['id']}"
    redis.config_set("maxmemory", "1")
    try:
        wait_until(lambda: "error" in ask("GET", path).json, 10, "the refusal")
        assert "OOM" in ask("GET", path).json["error"]
        assert ask("GET", path).json["state"] == "running"
        assert ask("POST", path + "/cancel").json["state"] == "cancelled", "that needs no memory"
    finally:
        redis.config_set("maxmemory", "0")


# --- rooms ---


def test_a_rooms_token_has_its_own_tasks(ask, tokens, redis):
    add_letters(redis, 40)
    add_letters(redis, 10, room=439)
    mine, path = tokens.room, "/v1/rooms/438"
    made = ask("POST", f"{path}/dead-letters/replay?rate=5/s", mine).json
    assert (made["room"], made["by"], made["total"]) == (438, "room", 40)
    again = ask("POST", f"{path}/dead-letters/purge?rate=5/s", mine)
    assert (again.status, again.error) == (409, "conflict"), "one at a time"
    of_operator = ask("POST", REPLAY + "?room=438&rate=1/s").json
    of_other = ask("POST", REPLAY + "?room=439&rate=1/s").json
    of_all = ask("POST", REPLAY + "?rate=1/s").json
    listed = ask("GET", f"{path}/tasks", mine).json["data"]
    assert [task["id"] for task in listed] == [of_operator["id"], made["id"]]
    for task, status in ((made, 200), (of_operator, 200), (of_other, 404), (of_all, 404)):
        assert ask("GET", f"{path}/tasks/{task['id']}", mine).status == status
    for task, status in ((of_operator, 409), (of_other, 404), (of_all, 404), (made, 200)):
        assert ask("POST", f"{path}/tasks/{task['id']}/cancel", mine).status == status
    for task in (of_operator, of_other, of_all):
        assert ask("POST", f"/v1/tasks/{task['id']}/cancel").json["state"] == "cancelled"


def test_a_service_that_only_reads_works_on_nothing(start_web, start_acting, tokens, redis):
    add_letters(redis, 3)
    acting = start_acting()
    made = acting.ask("POST", REPLAY + "?rate=1/s", tokens.operate).json
    acting.finish()
    reading = start_web(tokens=tokens.file)
    path = f"/v1/tasks/{made['id']}"
    assert not reading.get(path, tokens.operate).json["leased"]
    assert reading.ask("POST", path + "/cancel", tokens.operate).error == "actions"


# --- records that nobody of ours wrote ---


def test_a_bad_record_is_reported_and_left_alone(ask, redis, cli):
    add_letters(redis, 3)
    good = ask("POST", REPLAY + "?rate=1/s").json
    record = json.loads(redis.hget(key("tasks"), good["id"]))
    bad = {
        "1-1": "no JSON", "1-2": "[]", "1-3": json.dumps({**record, "fence": "x"}),
        "1-4": json.dumps({**record, "cursor": "nowhere", "lease_until": 0}),
        "1-5": json.dumps({**record, "what": "conquer", "lease_until": 0}), "noid": "{}",
    }  # fmt: skip
    redis.hset(key("tasks"), mapping=bad)
    wait_task(lambda: ask("GET", f"/v1/tasks/{good['id']}"))
    states = {task["id"]: task["state"] for task in ask("GET", "/v1/tasks").json["data"]}
    assert states == {"1-1": "invalid", "1-2": "invalid", "1-3": "invalid", "1-4": "invalid",
                      "1-5": "running", "noid": "invalid", good["id"]: "done"}  # fmt: skip
    stored = {name.decode(): text.decode() for name, text in redis.hgetall(key("tasks")).items()}
    assert {name: stored[name] for name in bad} == bad, "as they were"
    assert ask("POST", "/v1/tasks/1-1/cancel").error == "conflict"
    assert ask("POST", "/v1/tasks/1-5/cancel").json["state"] == "cancelled"
    assert not ask.web.logged("tasks_wait")
    found = cli("doctor", check=False).stdout
    assert "tasks: 5 records cannot be read" in found and "HDEL '{webhooks}:tasks'" in found


def test_too_much_in_the_key_is_refused(ask, redis):
    redis.hset(key("tasks"), mapping={f"x{n}": "{}" for n in range(501)})
    add_letters(redis, 1)
    for method, path in (("GET", "/v1/tasks"), ("POST", REPLAY + "?rate=1/s")):
        answer = ask(method, path)
        assert (answer.status, answer.error) == (409, "conflict"), answer.body
    wait_until(lambda: ask.web.logged("tasks_wait"), 5, "a warning")
    assert redis.hlen(key("tasks")) == 501


def test_tasks_that_ended_are_kept_for_a_while(ask, redis):
    now = int(time.time() * 1000)
    ended = {"what": "replay", "state": "done", "by": "operate", "from": "-", "until": "1-1",
             "cursor": "-", "rate": 1, "done": 1, "skipped": 0, "failed": 0, "next_at": 0,
             "lease_until": 0, "fence": 1}  # fmt: skip
    for n in range(120):
        redis.hset(key("tasks"), f"{now - n}-0",
                   json.dumps({**ended, "made_at": now - n, "ended_at": now - n}))  # fmt: skip
    old = now - 8 * 24 * 3600 * 1000
    redis.hset(key("tasks"), f"{old}-0", json.dumps({**ended, "made_at": old, "ended_at": old}))
    wait_until(lambda: redis.hlen(key("tasks")) == 100, 5, "the others to go")
    listed, iterator = [], ""
    while iterator is not None:
        page = ask("GET", f"/v1/tasks?limit=40{iterator and '&iterator='}{iterator}").json
        assert len(page["data"]) <= 40 and page["done"] == (page["iterator"] is None)
        listed, iterator = listed + page["data"], page["iterator"]
    assert [task["id"] for task in listed] == [f"{now - n}-0" for n in range(100)]
    assert len(ask("GET", "/v1/tasks").json["data"]) == 50


