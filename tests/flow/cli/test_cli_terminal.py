"""What the command line looks like on terminals of 80 and 120 columns."""

import json
import re
import unicodedata

import pytest

from terminal import Terminal, seen_on_terminal, without_colour
from wait import wait_until
from waiting import fingerprint, put_in_lane, shut_lane
from webhook_queue import GROUP, enqueue, key, message_event, now_ms, set_hook

LONG_ID = "a-hook-with-a-name-that-is-long-enough-to-fill-a-terminal-line"
URL = "https://receiver.example.com:8443/a/path/that/goes/on/and/on/and/on/until/it/ends?a=b"
WHY = "no connection: the receiver at 203.0.113.5 refused it, as it did the last 40 times"
WORKER = "a-machine-with-a-long-name.example.com-4711-0a1b2c3d"
GREEN, YELLOW, RED = "\x1b[32m", "\x1b[33m", "\x1b[31m"

DESCRIPTION = (
    "Gr\u00fc\u00dfe aus \u6771\u4eac, und noch viel mehr, bis die Zeile voll ist und weiter geht"
)

LISTINGS = [
    "dead list", "hook list --room 438", "hook list", "hook state", "lane list",
    "lane show 438/main", "status", "doctor", "log --room 438",
    f"hook show --room 438 --id {LONG_ID}",
]


def learn(redis, lane, url=URL, **state):
    redis.hset(key("hooks-state"), lane, json.dumps({"fingerprint": fingerprint(url), **state}))


@pytest.fixture
def filled(redis):
    """Something of each kind, as long as it gets."""
    now = now_ms(redis)
    for hook_id in ("main", LONG_ID, "second"):
        set_hook(redis, 438, hook_id, url=URL, rateLimit="10/s", timeout="5s", maxAge="1h",
                 headers={"X-Token": "secret", "X-Other": "secret"}, description=DESCRIPTION)
        redis.xadd(key("dead"), {
            "reason": "hook-disabled", "error": WHY, "status": 503, "attempts": 10, "room": 438,
            "hook": hook_id, "url": URL, "event_id": f"msg_{now}-0",
            "response": 'a \\"b\\"\\n\\u00e4',
        })  # fmt: skip
        redis.xadd(key(f"log:438/{hook_id}"), {
            "event": f"{LONG_ID[:40]}-1", "attempt": 3, "outcome": "retry", "reason": "",
            "status": 503, "error": WHY + ", and so on", "ms": 12, "answer": "",
        })  # fmt: skip
        redis.zadd(key("logs"), {f"438/{hook_id}": now})
    set_hook(redis, 438, "broken", url="https://user:secret@receiver.example/")
    for room in range(1, 7):
        set_hook(redis, room, "main", url="http://127.0.0.1:8000/hook")
    for n in range(3):
        put_in_lane(redis, "438/main", f"{now - 180_000}-{n}", now + 3_600_000, error=WHY,
                    event_id=f"{LONG_ID[:40]}-{n}")
    put_in_lane(redis, f"438/{LONG_ID}", f"{now - 180_000}-9")
    shut_lane(redis, f"438/{LONG_ID}", fingerprint(URL))
    learn(redis, f"438/{LONG_ID}", failing_since=now - 7_200_000, failures=40, error=WHY, status=0,
          opens=3, probe_at=now + 600_000, at=now)
    learn(redis, "438/second", failing_since=now - 180_000, failures=3, error="answered 503",
          status=503, at=now)
    redis.xgroup_create(key("events"), GROUP, "0", mkstream=True)
    enqueue(redis, message_event())
    redis.xreadgroup(GROUP, WORKER, {key("events"): ">"}, count=1)
    redis.set(key(f"worker:{WORKER}"), json.dumps({
        "contract": 2, "host": "a-machine-with-a-long-name.example.com", "pid": 4711,
        "version": "0.1.0", "in_flight": 512, "started_at": now - 7_200_000, "loop_lag_ms": 12,
        "refused": "noperm", "refused_what": "EVALSHA", "unstored": 40, "unstored_ms": 420_000,
    }), px=15_000)  # fmt: skip
    redis.hset(key("stats"), mapping={f"counter_{n}": n for n in range(30)})


@pytest.fixture
def on_terminal(redis_server, roomhook_bin):
    """on_terminal("dead list", 80) -> what is seen, with its colours."""

    def run(command, columns, rows=50, **environment):
        argv = [roomhook_bin / "roomhook", "--redis", redis_server.url, *command.split()]
        return seen_on_terminal(argv, columns, rows, **environment)[0]

    return run


def rows_of(text):
    """A table's rows by their first word."""
    return {line.split()[0]: line for line in without_colour(text).splitlines() if line.strip()}


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
@pytest.mark.parametrize("command", LISTINGS)
def test_no_line_is_wider_than_the_terminal(filled, on_terminal, command, columns):
    text = without_colour(on_terminal(command, columns))
    assert text.count("\n") > 2
    wide = [line for line in text.splitlines() if len(line) > columns]
    assert [line for line in wide if len(line.split()) > 2] == [], "one word is not broken"


@pytest.mark.parametrize("command", LISTINGS)
def test_elsewhere_nothing_is_cut_and_nothing_coloured(filled, cli, command):
    text = cli(*command.split(), check=False).stdout
    assert "\x1b" not in text and ".." not in text.replace("...", "")
    assert max(map(len, text.splitlines())) > 100


@pytest.mark.parametrize("columns", [80, 120])
def test_what_one_goes_on_with_is_whole(redis, filled, on_terminal, columns):
    """Ids that the next command is given, states, and when."""
    for letter_id, _ in redis.xrange(key("dead")):
        line = rows_of(on_terminal("dead list", columns))[letter_id.decode()]
        assert re.search(r"  (now|\ds ago) +hook-disabled  438  ", line)
    listed = without_colour(on_terminal("hook list --room 438", columns))
    assert re.search(r"\n438 +main +healthy  .*https://receiver", listed)
    assert re.search(r"\n438 +broken +not valid  ", listed)
    states = rows_of(on_terminal("hook state", columns))
    assert all(line.startswith("438") for name, line in states.items() if name != "ROOM")
    assert "  failing  3m ago  -" in on_terminal("hook state", columns, NO_COLOR="1")
    lanes = rows_of(on_terminal("lane list", columns))
    assert re.match(r"438/main +3 +waits +3m ago +in 59m", lanes["438/main"])
    workers = without_colour(on_terminal("status", columns))
    assert "  2h  512" in re.sub(" +", "  ", workers)


def width_of(line):
    """In columns of a terminal."""
    return sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in line)


@pytest.mark.parametrize("columns", [80, 120])
def test_text_of_people_is_shown_as_they_wrote_it(filled, on_terminal, columns):
    shown = on_terminal(f"hook show --room 438 --id {LONG_ID}", columns, LC_ALL="C.UTF-8")
    assert " ".join(shown.split("url ")[0].split("description ")[1].split()) == DESCRIPTION
    lines = [line for line in shown.splitlines() if len(line.split()) > 2]
    assert len(lines) > 2 and all(width_of(line) <= columns for line in lines)
    listed = without_colour(on_terminal("hook list --room 438", 300, LC_ALL="C.UTF-8"))
    assert DESCRIPTION[:16] in listed
    at = {width_of(line[: line.index("https://")]) for line in listed.splitlines()[1:]
          if "https://receiver.example.com" in line}  # fmt: skip
    assert len(at) == 1, "columns stand below each other"


def test_text_of_people_is_ascii_where_the_locale_is(filled, on_terminal):
    shown = on_terminal(f"hook show --room 438 --id {LONG_ID}", 300, LC_ALL="C")
    assert shown.isascii() and "Gr??e aus ??, und noch" in shown
    assert on_terminal("hook list --room 438", 300, LC_ALL="C").isascii()


def test_a_letter_is_shown_in_the_words_of_its_error(redis, on_terminal):
    letter = redis.xadd(key("dead"), {
        "reason": "rejected", "error": DESCRIPTION, "room": 438, "response": "a\u202eb\x1b[2J",
    }).decode()  # fmt: skip
    shown = on_terminal(f"dead show {letter}", 80, LC_ALL="C.UTF-8")
    assert DESCRIPTION in " ".join(shown.split())
    assert all(width_of(line) <= 80 for line in shown.splitlines())
    assert '"a\\u202eb\\u001b[2J"' in shown
    shown = on_terminal(f"dead show {letter}", 80, LC_ALL="C")
    assert shown.isascii() and "Gr\\u00fc\\u00dfe aus \\u6771\\u4eac" in shown


def test_a_wide_terminal_shows_more(filled, on_terminal):
    titles = {
        columns: on_terminal("hook list --room 438", columns).splitlines()[0].split()
        for columns in (80, 120, 300)
    }
    assert titles[80][:3] == ["ROOM", "ID", "STATE"] and titles[80][-1] == "WHY"
    assert len(titles[80]) < len(titles[120])
    assert titles[300] == [
        "ROOM", "ID", "STATE", "FORMAT", "SECRETS", "LIMITS", "HEADERS", "SIGNATURE",
        "DESCRIPTION", "URL", "WHY",
    ]
    wide = on_terminal("hook list --room 438", 300)
    assert "10/s, timeout 5s, max-age 1h" in wide and "X-Token, X-Other" in wide
    assert "secret" not in wide


def test_states_and_levels_have_colour(filled, on_terminal):
    assert RED + "open" in on_terminal("hook state", 120)
    assert YELLOW + "failing" in on_terminal("hook state", 120)
    assert GREEN + "healthy" in on_terminal("hook list --room 438", 120)
    assert RED + "not valid" in on_terminal("hook list --room 438", 120)
    assert RED + "open" in on_terminal("lane list", 120)
    assert RED + "noperm EVALSHA, 40 outcomes wait for 7m" in on_terminal("status", 200)
    doctor = on_terminal("doctor", 80)
    assert GREEN + "ok" in doctor and RED + "error" in doctor


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
@pytest.mark.parametrize("command", LISTINGS)
def test_no_colour_where_it_is_not_wanted(filled, on_terminal, command, environment):
    assert "\x1b" not in on_terminal(command, 80, **environment)


def test_doctor_says_what_to_do_once(filled, cli, on_terminal):
    """Six hooks of one kind are one note with one advice, and no word is broken."""
    text = cli("doctor", check=False).stdout
    assert text.count("workers refuse http://127.0.0.1:8000") == 1
    assert sorted(re.findall(r"room (\d) hook main(?:,|: workers refuse)", text)) == [*"123456"]
    assert text.count("see that each worker has allow-address") == 1
    seen = without_colour(on_terminal("doctor", 80))
    words = [re.sub(r"\d[\d.]*", "N", one).split() for one in (text, seen)]  # memory grows
    assert words[0] == words[1]


def test_watch_keeps_the_top(filled, redis_server, roomhook_bin):
    argv = [roomhook_bin / "roomhook", "--redis", redis_server.url, "status", "--watch",
            "--interval=100ms"]  # fmt: skip
    terminal = Terminal(argv, 80, rows=20)
    try:
        wait_until(lambda: terminal.text().count("\x1b[H\x1b[J") > 2, 10, "two looks")
    finally:
        assert terminal.close() == 0
    _, first, second, *_ = without_colour(terminal.text()).split("\x1b[H\x1b[J")
    for look in (first, second):
        lines = look.splitlines()
        assert len(lines) <= 19 and lines[0].startswith("queue ")
        assert re.fullmatch(r"\.\.\. \d+ more lines", lines[-1])
    assert "a second " in second


def test_response_of_a_letter_is_escaped_once(filled, cli):
    first = json.loads(cli("dead", "list", "--json", "--limit=1").stdout)
    assert first["response"] == 'a "b"\n\u00e4'
    shown = json.loads(cli("dead", "show", "--json", first["id"]).stdout)
    assert shown["response"] == first["response"]
