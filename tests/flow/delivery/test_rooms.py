"""Rooms with names, as chat systems have them, through the whole queue; and what is none."""

import json

import msgpack
import pytest

from lane_invariants import check_invariants
from receiver import Answer
from wait import wait_until
from waiting import lane_of, place_of
from webhook_queue import (
    assert_queue_empty,
    dead_letters,
    delivery_id,
    encode,
    enqueue,
    gate_of,
    hook_states,
    is_well,
    key,
    message_event,
    record_of,
    set_hook,
    state_of,
    wait_dead,
)

MATRIX = "!OGEhHVWSdvArJzumhm:matrix.org"
XMPP = "room@conference.example.org"
LONGEST = ":" + "r" * 127
ROOMS = {
    "Matrix": MATRIX,
    "alias in Matrix": "#general:matrix.org",
    "Slack": "C024BE91L",
    "Discord": "1234567890123456789",
    "Mattermost": "4xp9fdt77pncbef59f4k1qe83o",
    "Rocket.Chat": "ByehQjC44FwMeiLbX",
    "XMPP": XMPP,
    "all characters": "a.B_9:!@#$+=~-",
    "like an inline hook's lane": ":0123456789abcdef",
    "like an option": "--room",
    "the longest": LONGEST,
    "number beyond 2^53": 1234567890123456789,
    "least number": -(2**63),
    "greatest number": 2**64 - 1,
    "zeros in front": "007",
}


def text_of(room):
    return str(room)


def objects(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def room_of(request):
    """roomId as the receiver got it, with its type."""
    return json.loads(request.body)["data"]["message"]["roomId"]


def set_by_cli(cli, room, url):
    cli("hook", "set", f"--room={room}", "--url", url)


@pytest.mark.parametrize("encoding", ["json", "msgpack"])
def test_each_room_gets_its_events_as_they_were_written(
    redis, receiver, start_worker, cli, encoding
):
    rooms = list(ROOMS.values())
    for n, room in enumerate(rooms):
        set_by_cli(cli, text_of(room), receiver.url(f"/{n}"))
    start_worker()
    for room in rooms:
        enqueue(redis, message_event(room=room), encoding)
    receiver.wait_for(len(rooms))
    for n, room in enumerate(rooms):
        # The number and the string of its digits are one room.
        expected = sorted(map(repr, (one for one in rooms if text_of(one) == text_of(room))))
        got = [repr(room_of(request)) for request in receiver.requests(f"/{n}")]
        last = max(i for i, one in enumerate(rooms) if text_of(one) == text_of(room))
        assert sorted(got) == (expected if n == last else []), room
    assert_queue_empty(redis)
    assert dead_letters(redis) == []


def test_a_number_and_its_digits_are_one_room(redis, receiver, start_worker):
    set_hook(redis, 438, "main", url=receiver.url("/438"))
    set_hook(redis, "007", "main", url=receiver.url("/007"))
    set_hook(redis, 7, "main", url=receiver.url("/7"))
    start_worker()
    for room in (438, "438", "007", 7, "7"):
        enqueue(redis, message_event(room=room))
    enqueue(redis, message_event(room=438.0), "msgpack")
    enqueue(redis, message_event(room=7.0, createdAt=1667548137257.0), "msgpack")
    receiver.wait_for(7)
    assert sorted(repr(room_of(one)) for one in receiver.requests("/438")) == [
        "'438'", "438", "438",
    ]  # fmt: skip
    assert [room_of(one) for one in receiver.requests("/007")] == ["007"]
    assert sorted(repr(room_of(one)) for one in receiver.requests("/7")) == ["'7'", "7", "7"]
    assert any(b'"createdAt":1667548137257}' in one.body for one in receiver.requests("/7"))


def test_a_float_of_msgpack_is_the_time_of_a_standard_body(redis, receiver, start_worker):
    set_hook(redis, MATRIX, "main", url=receiver.url(), format="standard")
    start_worker()
    enqueue(redis, message_event(room=MATRIX, createdAt=1667548137257.0), "msgpack")
    (request,) = receiver.wait_for(1)
    assert json.loads(request.body)["timestamp"] == "2022-11-04T07:48:57.257Z"


@pytest.mark.parametrize("room", [MATRIX, LONGEST])
def test_waiting_retry_and_what_the_command_line_shows(redis, receiver, start_worker, cli, room):
    receiver.script("/", [Answer(503), Answer(200)])
    set_by_cli(cli, room, receiver.url())
    worker = start_worker(retry_schedule="1h")
    stream_id = enqueue(redis, message_event(room=room))
    receiver.wait_for(1)
    lane, waiting = f"{room}/main", delivery_id(stream_id)
    wait_until(lambda: lane_of(redis, lane), 5, "the delivery to wait in its lane")
    wait_until(lambda: state_of(redis, room).get("failures"), 5, "the failure to be known")
    assert record_of(redis, waiting)["lane"] == lane
    assert place_of(redis, lane)[0] == "lanes"
    check_invariants(redis)
    worker.wait_log("retry", room=room)

    for arguments in (["--room", room], ["--room", room, "--hook", "main"], []):
        (row,) = objects(cli("lane", "list", "--json", *arguments))
        assert (row["lane"], row["room"], row["hook"], row["waiting"]) == (lane, room, "main", 1)
    assert stream_id in cli("lane", "show", lane).stdout
    assert stream_id in cli("lane", "show", "--room", room, "--hook", "main").stdout
    (row,) = objects(cli("hook", "state", "--json", "--room", room))
    assert (row["room"], row["id"], row["state"]) == (room, "main", "failing")
    (row,) = objects(cli("hook", "list", "--json", "--room", room))
    assert (row["room"], row["id"], row["failures"]) == (room, "main", 1)
    (row,) = objects(cli("hook", "show", "--json", "--room", room))
    assert (row["room"], row["waiting"]) == (room, 1)
    assert cli("hook", "list").stdout.splitlines()[1].split()[0] == room
    report = objects(cli("doctor", "--json", check=False))
    assert not [one for one in report if one.get("level") == "error"], report

    cli("hook", "resume", "--room", room)
    receiver.wait_for(2)
    assert_queue_empty(redis)
    wait_until(lambda: is_well(redis, room), 5, "the hook to be well")


def test_a_paused_room_and_one_whose_name_begins_the_same(redis, receiver, start_worker):
    """Gates, news and states are of one room, whatever other names look like."""
    rooms = ["!a:b", "!a:b.", "!a:b!", "!a", "!a:b:c"]
    receiver.script("/0", [Answer(429, headers=[("Retry-After", "3600")])])
    for n, room in enumerate(rooms):
        set_hook(redis, room, "main", url=receiver.url(f"/{n}"))
    workers = [start_worker(), start_worker()]
    enqueue(redis, message_event(room=rooms[0]))
    gate = wait_until(lambda: gate_of(redis, "!a:b/main"), 5, "the room to be paused")
    assert gate[1] == "paused"
    assert list(redis.hgetall(key("gates"))) == [b"!a:b/main"]
    assert list(hook_states(redis)) == ["!a:b/main"]
    for _ in workers:
        for room in rooms:
            enqueue(redis, message_event(room=room))
    receiver.wait_for(2 * len(rooms) - 1)
    wait_until(lambda: len(lane_of(redis, "!a:b/main")) == 3, 5, "the paused ones to wait")
    assert [len(receiver.requests(f"/{n}")) for n in range(len(rooms))] == [1, 2, 2, 2, 2]
    check_invariants(redis)


def test_an_open_hook_of_a_named_room_is_probed(redis, receiver, start_worker, cli):
    receiver.script("/", [Answer(500)] * 5 + [Answer(200)])
    set_hook(redis, MATRIX, "main", url=receiver.url())
    worker = start_worker(retry_schedule="10ms", retry_jitter="0%")
    for _ in range(5):
        enqueue(redis, message_event(room=MATRIX))
    wait_until(lambda: state_of(redis, MATRIX).get("opens"), 5, "the hook to open")
    worker.wait_log("breaker_open", room=MATRIX)
    assert place_of(redis, f"{MATRIX}/main")[0] == "lanes-shut"
    assert_queue_empty(redis, timeout=10)
    worker.wait_log("breaker_closed", room=MATRIX)


def test_a_change_of_a_named_room_is_heard(redis, receiver, start_worker, cli):
    set_by_cli(cli, MATRIX, receiver.url("/old"))
    start_worker()
    enqueue(redis, message_event(room=MATRIX))
    receiver.wait_for(1, "/old")
    set_by_cli(cli, MATRIX, receiver.url("/new"))
    _, news = redis.xrevrange(key("hooks-changed"), count=1)[0]
    assert news == {b"room": MATRIX.encode(), b"hook": b"main"}
    enqueue(redis, message_event(room=MATRIX))
    receiver.wait_for(1, "/new")
    assert cli("hook", "disable", "--room", MATRIX).returncode == 0
    enqueue(redis, message_event(room=MATRIX))
    assert_queue_empty(redis)
    assert cli("hook", "enable", "--room", MATRIX).returncode == 0
    enqueue(redis, message_event(room=MATRIX))
    receiver.wait_for(2, "/new")
    assert cli("hook", "remove", "--room", MATRIX).returncode == 0
    assert redis.exists(key(f"room:{MATRIX}")) == 0
    assert len(receiver.requests()) == 3


@pytest.mark.parametrize("room", [MATRIX, LONGEST, "a", "a!"])
def test_dead_letters_and_their_replay(redis, receiver, start_worker, cli, room):
    receiver.script("/", [Answer(400), Answer(200), Answer(200)])
    for name in (room, f"{room[:-1]}!", room[:-1] or "b"):
        set_hook(redis, name, "main", url=receiver.url("/" if name == room else "/other"))
    receiver.script("/other", [Answer(400)] * 2 + [Answer(200)] * 2)
    start_worker()
    others = {f"{room[:-1]}!", room[:-1] or "b"} - {room}
    for name in (room, *others):
        enqueue(redis, message_event(room=name))
    letters = {letter["room"]: letter for letter in wait_dead(redis, 1 + len(others))}
    assert letters.keys() == {room, *others}
    members = {member.decode().rpartition(" ")[0] for member in redis.zrange(
        key("dead-by-room"), 0, -1)}
    assert members == {f"{name} {letter['id']}" for name, letter in letters.items()}
    assert {name.decode() for name in redis.hkeys(key("dead-bytes"))} == {"*", *letters}

    (row,) = objects(cli("dead", "list", "--json", "--room", room))
    assert (row["room"], row["id"]) == (room, letters[room]["id"])
    assert room in cli("dead", "show", row["id"]).stdout
    assert cli("dead", "replay", "--all", "--room", room).stdout == "1 replayed\n"
    receiver.wait_for(2, "/")
    assert_queue_empty(redis)
    assert {letter["room"] for letter in dead_letters(redis)} == others
    assert {name.decode() for name in redis.hkeys(key("dead-bytes"))} == {"*", *others}
    cli("dead", "purge", "--all", "--yes")
    assert redis.exists(key("dead-bytes"), key("dead-by-room")) == 0


def test_a_room_with_too_many_letters_loses_its_own(redis, receiver, start_worker):
    """"a!" comes right behind "a" in the index, and is not taken for it."""
    receiver.script("/", [Answer(400)] * 30)
    for room in ("a", "a!", "a:b"):
        set_hook(redis, room, "main", url=receiver.url())
    start_worker(dead_max="10")
    for room in ["a!", "a:b"]:
        enqueue(redis, message_event(room=room))
    wait_dead(redis, 2)
    for _ in range(20):
        enqueue(redis, message_event(room="a!"))
    receiver.wait_for(22)
    assert_queue_empty(redis)
    enqueue(redis, message_event(room="a"))
    receiver.wait_for(23)
    assert_queue_empty(redis)
    rooms = [letter["room"] for letter in dead_letters(redis)]
    assert sorted(rooms) == ["a"] + ["a!"] * 8 + ["a:b"]
    check_invariants(redis)


@pytest.mark.parametrize("room", [MATRIX, ":a:", None])
def test_inline_hooks_wait_in_lanes_of_their_rooms(redis, receiver, start_worker, cli, room):
    receiver.script("/", [Answer(503), Answer(200)])
    event = message_event(room=room)
    if room is None:
        del event["message"]["roomId"]
    event["webhooks"] = [{"url": receiver.url()}]
    start_worker(retry_schedule="1h")
    stream_id = enqueue(redis, event)
    record = wait_until(lambda: record_of(redis, delivery_id(stream_id, "inline-0")), 5,
                        "the delivery to wait")
    before, slash, behind = record["lane"].rpartition("/")
    assert (before, slash, behind[0], len(behind)) == (room or "", "/", ":", 17)
    (row,) = objects(cli("lane", "list", "--json"))
    assert (row.get("room"), row["hook"]) == (room, behind)
    assert cli("lane", "drop", "--yes", record["lane"]).stdout == "1 dropped\n"
    (letter,) = dead_letters(redis)
    assert letter.get("room") == room
    assert objects(cli("dead", "list", "--json"))[0].get("room") == room


def test_send_and_its_outcome(redis, receiver, start_worker, cli):
    set_by_cli(cli, MATRIX, receiver.url())
    start_worker()
    assert "delivered" in cli("send", "--room", MATRIX, "--text=hello", "--wait").stdout
    assert room_of(receiver.requests()[0]) == MATRIX
    assert objects(cli("hook", "test", "--room", MATRIX, "--json"))[0]["room"] == MATRIX
    assert room_of(receiver.requests()[1]) == MATRIX
    set_by_cli(cli, "1234567890123456789", receiver.url())
    cli("send", "--room=1234567890123456789", "--text=hello", "--encoding=msgpack")
    assert room_of(receiver.wait_for(3)[2]) == "1234567890123456789"


@pytest.mark.parametrize("room", ["", "r" * 129, "a b", "a/b", ".", "..", 1.5, 2**64, True, None])
def test_what_is_no_room_is_refused_with_what_is(redis, start_worker, cli, room):
    """By the library, which the command line uses, and by a worker."""
    document = {"message": {"roomId": room}}
    done = cli("send", "-", input=json.dumps(document) + "\n", check=False)
    assert done.returncode == 1 and done.stdout == ""
    start_worker()
    enqueue(redis, encode(document, "json"))
    (letter,) = wait_dead(redis)
    assert letter["reason"] == "malformed"
    for text in (letter["error"], done.stderr):
        assert "message.roomId: must be an integer from -2^63 to 2^64-1 or a string" in text
