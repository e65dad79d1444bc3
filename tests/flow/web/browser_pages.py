"""The pages of roomhook-web in a real Chromium: what they show, whatever strangers wrote."""

import hashlib
import json
import time

import pytest
from browser import Browser, Keys
from receiver import Answer
from webhook_queue import enqueue, key, message_event, set_hook, wait_dead, wait_stat

HOSTILE = (
    "<script>window.hit=1</script><img src=x onerror='window.hit=1'>"
    "{{7*7}} javascript:alert(1) \u202egnp.exe\u202c \u0007\u200b \U0001f600"
)
WRITTEN_OUT = ["U+202E", "U+202C", "U+0007", "U+200B"]
PAGE_BYTES = 200_000
LOADED = "return performance.getEntries().reduce((sum, e) => sum + (e.encodedBodySize || 0), 0)"


def asked(what):
    """A script that counts the questions to the API so far."""
    return (
        "return performance.getEntriesByType('resource')"
        f".filter(e => e.name.includes('{what}')).length"
    )


VIEWS = {
    "#/": "Delivering",
    "#/hooks": "need",
    "#/hooks?state=disabled": "need",
    "#/rooms/438": "Room 438",
    "#/rooms/438/hooks/main": "438 / main",
    "#/rooms/7/hooks/main": "7 / main",
    "#/messages": "Was it delivered?",
    "#/rooms/438/messages/ok-1": "ok-1",
    "#/lanes": "in 1 lane",
    "#/dead": "dead letter",
    "#/workers": "1 worker is alive",
    "#/doctor": "",
}


@pytest.fixture(scope="module")
def browser():
    with Browser() as one:
        yield one


@pytest.fixture
def chromium(browser):
    """A browser without a past."""
    browser.driver.get("about:blank")
    browser.command("Storage.clearDataForOrigin", origin="*", storageTypes="all")
    browser.resize(1280, 900)
    browser.scheme("light")
    browser.complaints()
    return browser


@pytest.fixture
def busy_queue(redis, receiver, start_worker):
    """Rooms 438 (delivers), 7 (fails, its hook opens), 9 (gone), 10 (refuses: dead letters)."""
    port = receiver.port
    receiver.script("/broken", [Answer(503, body=b"<h1>down</h1>")])
    receiver.script("/gone", [Answer(410)])
    receiver.script("/refuses", [Answer(422, body=HOSTILE.encode("utf-8", "replace"))])
    set_hook(redis, 438, "main", url=receiver.url("/fine"))
    set_hook(redis, 438, "audit", url=receiver.url("/fine"), description="the auditors",
             secret="whsec_" + "A" * 43 + "=")  # fmt: skip
    for room, path in ((7, "/broken"), (9, "/gone"), (10, "/refuses")):
        set_hook(redis, room, "main", url=receiver.url(path))
    worker = start_worker(allow_address=f"127.0.0.1/32:{port}", retry_schedule="1h,1h")
    enqueue(redis, message_event(438), id="ok-1")
    for n in range(6):
        enqueue(redis, message_event(7), id=f"broken-{n}")
    enqueue(redis, message_event(9), id="gone-1")
    for n in range(3):
        enqueue(redis, message_event(10), id=f"refused-{n}")
    wait_dead(redis, 4)
    wait_stat(redis, "delivered", 2)
    wait_stat(redis, "breaker_opened", 1)
    return worker


@pytest.fixture
def sign_in(chromium, start_web, make_token):
    """sign_in("operate", "#/lanes", **settings) -> the service; the page is open and signed in."""

    def start(role="operate", page="#/", redis=None, **settings):
        token = make_token(role)
        service = start_web(redis, tokens=make_token.file, **settings)
        service.page = f"http://127.0.0.1:{service.port}/"
        service.token = token
        show(chromium, service, page)
        return service

    return start


def show(chromium, service, page):
    sign = "&" if "?" in page else "?" if "/" in page else ""
    chromium.open(service.page + page + sign + "token=" + service.token)


def width_beyond(chromium):
    """By how much the page is wider than the window."""
    return chromium.run("return document.documentElement.scrollWidth - innerWidth")


# --- what is shown ---


def test_every_view(chromium, busy_queue, sign_in):
    service = sign_in(actions=True, environment="staging")
    for page, heading in VIEWS.items():
        show(chromium, service, page)
        chromium.wait_text("h1", heading)
        chromium.wait(lambda: chromium.count(".loading") == 0, "all panels")
        assert chromium.count(".fault") == 0, (page, chromium.text(".fault"))
        assert chromium.text(".env") == "staging"
        assert chromium.complaints() == [], page
        assert 10_000 < chromium.run(LOADED) < PAGE_BYTES, page


def test_what_the_hook_page_says(chromium, busy_queue, sign_in):
    sign_in(actions=True, page="#/rooms/7/hooks/main")
    chromium.wait_text(".verdict", "has answered 503 since")
    assert "6 deliveries wait and are kept" in chromium.text(".verdict")
    chromium.wait_for("details.answer")
    assert "<h1>down</h1>" not in chromium.text("td.flex")
    chromium.driver.find_element("css selector", "details.answer summary").click()
    assert "<h1>down</h1>" in chromium.text("details.answer pre")


def test_the_overview_names_what_fails(chromium, busy_queue, sign_in):
    sign_in()
    chromium.wait_text("h1", "3 hooks need attention")
    chromium.wait_for("section tbody tr", 3)
    is_open, failing, disabled = chromium.texts("section tbody tr")[:3]
    assert "Open" in is_open and "7 / main" in is_open and "503" in is_open
    assert "Failing" in failing and "10 / main" in failing and "422" in failing
    assert "Disabled" in disabled
    chromium.wait_text("ul.happened", "7 / main opened: answered 503")
    assert "9 / main was disabled" in chromium.text("ul.happened")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_narrow_and_in_both_colours(chromium, busy_queue, sign_in, scheme):
    chromium.scheme(scheme)
    chromium.resize(320, 640)
    service = sign_in(actions=True)
    for page in VIEWS:
        show(chromium, service, page)
        chromium.wait(lambda: chromium.text("h1") and chromium.count(".loading") == 0, "the page")
        assert width_beyond(chromium) <= 0, page
    red = chromium.run("return getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0]")
    assert int(red) > 200 if scheme == "light" else int(red) < 50


def test_the_theme_can_be_chosen(chromium, sign_in):
    sign_in()
    before = chromium.run("return getComputedStyle(document.body).backgroundColor")
    chromium.driver.find_element("css selector", "[data-do=theme]").click()
    chosen = chromium.run("return getComputedStyle(document.body).backgroundColor")
    assert chosen != before
    chromium.driver.refresh()
    assert chromium.run("return getComputedStyle(document.body).backgroundColor") == chosen


def test_below_a_base_path(chromium, busy_queue, start_web, make_token):
    token = make_token("read")
    service = start_web(tokens=make_token.file, base_path="/hooks/web")
    chromium.open(f"http://127.0.0.1:{service.port}/hooks/web#token={token}")
    chromium.wait_text("h1", "Delivering")
    assert chromium.run("return location.pathname") == "/hooks/web/"
    assert chromium.complaints() == []


def test_a_new_queue_says_how_to_begin(chromium, sign_in, start_worker):
    start_worker()
    sign_in()
    chromium.wait_text("h1", "Ready. No event has come yet.")
    assert "roomhook hook set --room 438" in chromium.text("main")


def test_the_history_is_drawn(chromium, redis, sign_in):
    now = int(time.time() * 1000) // 60000 * 60000
    for n in range(30):
        at = now - (29 - n) * 60000
        if n not in (10, 11):
            fields = {"delivered": n * 600, "retries": n, "dead": 0, "delivered_50": n * 600,
                      "breaker_opened": int(n > 20), "backlog": 5, "oldest": at - 800}  # fmt: skip
            redis.xadd(key("history"), fields, id=f"{at}-1")
    sign_in()
    chromium.wait_for("figure.chart .l1", 3)
    assert "delivered 10/s" in chromium.text("[data-chart=deliveries] .read")
    assert "5 events" in chromium.text("[data-chart=backlog] .read")
    assert chromium.count("[data-chart=deliveries] .gap") == 1
    assert chromium.count("[data-chart=deliveries] .mark") == 1
    assert "a hook opened" in chromium.text(".marks")
    plot = chromium.driver.find_element("css selector", "[data-chart=latency] .plot")
    chromium.run("arguments[0].focus()", plot)
    chromium.keys(Keys.ARROW_LEFT)
    chromium.wait_text("[data-chart=deliveries] .read", "at ")
    chromium.keys(Keys.ESCAPE)
    assert "at " not in chromium.text("[data-chart=deliveries] .read")


# --- strangers ---


def test_hostile_texts_stay_text(chromium, redis, busy_queue, sign_in):
    redis.hset(key("room:66"), "bad", json.dumps({"url": "https://e.example/" + HOSTILE}))
    redis.hset(key("room:66"), HOSTILE, json.dumps({"url": "https://e.example/"}))
    state = {"at": 1, "failing_since": 1, "failures": 3, "status": 500, "error": HOSTILE}
    redis.hset(key("hooks-state"), "438/main", json.dumps(state))
    redis.xadd(key("dead"), {"reason": HOSTILE, "error": HOSTILE, "room": "438", "hook": "main",
                             "event_id": HOSTILE, "response": HOSTILE, "attempts": HOSTILE,
                             "json": json.dumps(message_event(438, text=HOSTILE))})  # fmt: skip
    redis.xadd(key("log:438/main"), {"event": "ok-1", "attempt": 2, "status": 500, "ms": 1,
                                     "outcome": HOSTILE, "reason": HOSTILE, "error": HOSTILE,
                                     "answer": HOSTILE})  # fmt: skip
    redis.zadd(key("logs"), {"438/main": time.time() * 1000})
    task = {"what": "<b>x</b>", "state": "running", "by": "<img src=x>", "room": "7", "from": "-",
            "until": "1-1", "cursor": "-", "rate": 0, "done": 0, "skipped": 0, "failed": 0,
            "made_at": 1, "next_at": 0, "lease_until": 0, "fence": 0,
            "error": "<script>window.hit=1</script>"}  # fmt: skip
    redis.hset(key("tasks"), mapping={"1-1": json.dumps(task), HOSTILE: HOSTILE})
    redis.xadd(key("happened"), {"kind": HOSTILE, "lane": HOSTILE, "why": HOSTILE})
    redis.xadd(key("happened"), {"kind": HOSTILE, "worker": HOSTILE, "why": HOSTILE})
    heartbeat = {"host": HOSTILE, "version": HOSTILE, "refused": HOSTILE}
    redis.setex(key(f"worker:{HOSTILE}"), 60, json.dumps(heartbeat))
    service = sign_in(actions=True, environment="<b>staging</b>")
    more = ["#/rooms/66", "#/rooms/66/hooks/bad", "#/dead?room=%3Cscript%3E&reason=%3Cb%3E"]
    for page in [*VIEWS, *more]:
        show(chromium, service, page)
        chromium.wait(lambda: chromium.text("h1") and chromium.count(".loading") == 0, "the page")
        for one in chromium.run("return [...document.querySelectorAll('details')]"):
            chromium.run("arguments[0].open = true", one)
        assert chromium.run("return window.hit ?? null") is None, page
        assert chromium.count("main img, main script, main iframe, main b b") == 0, page
        shown = chromium.page_text()
        assert not any(c in shown for c in "\u202e\u202c\u0007\u200b"), page
        assert width_beyond(chromium) <= 0, page
    show(chromium, service, "#/dead")
    chromium.wait_text("main", "<script>window.hit=1</script>")
    for name in WRITTEN_OUT[:2]:
        assert name in chromium.page_text()
    assert [m for m in chromium.complaints() if "status of 4" not in m] == []


# --- tokens ---


def test_a_token_is_asked_for_once(chromium, busy_queue, start_web, make_token):
    token = make_token("read")
    service = start_web(tokens=make_token.file)
    page = f"http://127.0.0.1:{service.port}/"
    chromium.open(page)
    chromium.wait_text("h1", "Sign in")
    assert chromium.focused() == "input token"
    chromium.keys("rh_wrong", Keys.ENTER)
    chromium.wait_text(".refused", "a valid token is needed")
    chromium.keys(token, Keys.ENTER)
    chromium.wait_text("h1", "Delivering")
    chromium.driver.refresh()
    chromium.wait_text("h1", "Delivering")
    assert chromium.run("return document.cookie + localStorage.length") == "0"
    chromium.click("sign out")
    chromium.wait_text("h1", "Sign in")
    assert token not in chromium.run("return JSON.stringify(sessionStorage)")


@pytest.mark.parametrize("fragment", ["#token={}", "#/lanes?token={}", "#/dead?room=438&token={}"])
def test_a_token_leaves_the_address(chromium, busy_queue, start_web, make_token, fragment):
    token = make_token("read")
    service = start_web(tokens=make_token.file)
    chromium.open(f"http://127.0.0.1:{service.port}/{fragment.format(token)}")
    chromium.wait(lambda: chromium.text("h1") not in ("", "Sign in"), "the page")
    assert token not in chromium.driver.current_url
    chromium.driver.refresh()
    chromium.wait(lambda: chromium.text("h1") not in ("", "Sign in"), "the page again")


def test_without_tokens_everybody_reads(chromium, busy_queue, start_web):
    service = start_web()
    chromium.open(f"http://127.0.0.1:{service.port}/#/rooms/438/hooks/main")
    chromium.wait_text("h1", "438 / main")
    assert chromium.button("Send test").get_attribute("disabled")
    assert "roomhook-web runs without --actions" in chromium.text("main")


def test_a_rooms_token_shows_that_room(chromium, busy_queue, sign_in):
    service = sign_in("room=438", page="#", actions=True)
    chromium.wait_text("h1", "Room 438: 2 hooks")
    assert chromium.count("nav.pages:not([hidden])") == 0
    chromium.click("438 / main")
    chromium.wait_text(".verdict", "Delivering.")
    show(chromium, service, "#/rooms/7/hooks/main")
    chromium.wait_text(".fault", "this token is for room 438 only")


# --- what does not answer ---


def test_one_panel_fails_alone(chromium, redis, busy_queue, sign_in, redis_server):
    redis.acl_setuser("few", enabled=True, passwords=["+pass"], keys=["*"], channels=["*"],
                      commands=["+@all", "-xrevrange"])  # fmt: skip
    url = redis_server.url.replace("redis://", "redis://few:pass@")
    sign_in(redis=url)
    chromium.wait_text(".fault", "This panel could not be read.")
    assert "xrevrange" in chromium.text(".fault").lower()
    chromium.wait_text("h1", "3 hooks need attention")
    chromium.wait(lambda: chromium.count(".fault") == 2, "the charts, and what happened lately")
    redis.acl_setuser("few", commands=["+xrevrange"], enabled=True)
    chromium.click("Try again")
    chromium.wait(lambda: chromium.count(".fault") == 0, "both panels again")


def test_redis_away_and_back(chromium, sign_in, own_redis, start_worker):
    server = own_redis()
    start_worker(redis=server)
    service = sign_in(redis=server, actions=True, page="#/workers")
    chromium.wait_text("h1", "1 worker is alive")
    server.kill()
    chromium.wait_text(".notice", "Redis has not answered since")
    assert "1 worker is alive" in chromium.text("h1"), "what was there stays"
    assert chromium.driver.title.startswith("Away: ")
    assert chromium.text("[data-do=live]") == "Away"
    server.restart()
    chromium.wait(lambda: chromium.text(".notice") == "", "no notice")
    chromium.wait_text("h1", "worker")
    assert not chromium.driver.title.startswith("Away")
    assert service.process.poll() is None


def test_nothing_is_asked_while_hidden(chromium, busy_queue, sign_in):
    sign_in(page="#/workers")
    chromium.wait_text("h1", "1 worker")
    questions = asked("/v1/")
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => true})"
    chromium.run(hide)
    before = chromium.run(questions)
    chromium.driver.set_script_timeout(20)
    chromium.driver.execute_async_script("setTimeout(arguments[0], 6000)")  # longer than a poll
    assert chromium.run(questions) == before
    chromium.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    chromium.wait(lambda: chromium.run(questions) > before, "a question")


def test_a_message_says_when_its_next_attempt_is(chromium, redis, busy_queue, sign_in):
    delivery, _ = redis.zrange(key("lane:7/main"), -1, -1, withscores=True)[0]
    record = redis.hget(key("deliveries"), delivery)
    event = json.loads(record.split(b"\n")[0])["event_id"]
    soon = time.time() * 1000 + 600_000
    redis.zadd(key("lane:7/main"), {delivery: soon})
    sign_in(page=f"#/rooms/7/messages/{event}")
    chromium.wait_text(".verdict", "1 hook waits for the next attempt, in ")
    assert "min" in chromium.text(".verdict") and "next attempt in " in chromium.text("table")
    redis.zadd(key("lane:7/main"), {delivery: soon + 7_200_000})
    chromium.wait_text(".verdict", "for the next attempt, at ")


# --- the editor of a hook ---


def field(name, what="input"):
    return f"{what}#field-{name}"


def choose(chromium, name, value):
    chromium.run(
        "const s = document.querySelector(arguments[0]); s.value = arguments[1];"
        "s.dispatchEvent(new Event('change'))",
        field(name, "select"), value,
    )  # fmt: skip


def stored_hook(redis, room, hook="main"):
    return json.loads(redis.hget(key(f"room:{room}"), hook) or b"{}")


def test_a_hook_is_registered_and_changed(chromium, redis, sign_in):
    sign_in(actions=True, page="#/hooks")
    chromium.click("New hook")
    chromium.wait_text("h1", "New hook")
    chromium.fill(field("room"), "77")
    chromium.fill(field("url"), "ftp://example.com/x")
    chromium.fill(field("rateLimit"), "10/s")
    chromium.fill(field("types"), "message.created, reaction.*")
    chromium.fill(field("headers", "textarea"), "X-Token: hush: hush\nX-B: 1")
    choose(chromium, "format", "template")
    chromium.fill(field("template", "textarea"), '{"text":')
    chromium.click("Register")
    chromium.wait_text("#error-template", "is not JSON")
    chromium.fill(field("template", "textarea"), '{"text": "{{type}}"}')
    chromium.click("Register")
    chromium.wait_text("#error-url", "must start with")
    assert chromium.focused().endswith("field-url")
    assert chromium.count("#error-template:not([hidden])") == 0 and not stored_hook(redis, 77)
    chromium.fill(field("url"), "https://example.com/x")
    chromium.keys(Keys.ENTER)
    chromium.wait_text("h1", "Stored")
    hook = stored_hook(redis, 77)
    assert chromium.text("pre.once") == hook.pop("secret"), "shown once"
    assert hook == {
        "url": "https://example.com/x", "rateLimit": "10/s", "template": {"text": "{{type}}"},
        "types": ["message.created", "reaction.*"],
        "headers": {"X-Token": "hush: hush", "X-B": "1"},
    }
    chromium.click("To the hook")
    chromium.wait_text("h1", "77 / main")
    assert "whsec_" not in chromium.page_text()

    chromium.click("Edit")
    chromium.wait_for("form.edit")
    chromium.fill(field("timeout"), "5s")
    chromium.fill(field("rateLimit"), "")
    chromium.fill(field("description"), "for us")
    choose(chromium, "format", "bare")
    chromium.run("document.querySelector('label.check input').click()")
    chromium.click("Store")
    chromium.wait(lambda: chromium.count("form.edit") == 0, "the page of the hook")
    hook = stored_hook(redis, 77)
    assert hook.pop("secret")
    assert hook == {
        "url": "https://example.com/x", "timeout": "5s", "description": "for us", "format": "bare",
        "types": ["message.created", "reaction.*"], "headers": {"X-B": "1"},
    }


def test_a_hook_is_not_replaced_by_a_new_one(chromium, redis, sign_in):
    set_hook(redis, 77, "main", url="https://example.com/first")
    sign_in("room=77", actions=True, page="#")
    chromium.wait_text("h1", "Room 77")
    chromium.click("New hook")
    chromium.wait_for("form.edit")
    assert chromium.count(field("room")) == 0 and chromium.count(field("transport")) == 0
    chromium.fill(field("url"), "https://example.com/other")
    chromium.click("Register")
    chromium.wait_text("#error-id", "has a hook main already")
    assert chromium.focused().endswith("field-id")
    assert stored_hook(redis, 77) == {"url": "https://example.com/first"}
    chromium.fill(field("id"), "second")
    choose(chromium, "secret", "none")
    chromium.click("Register")
    chromium.wait_text("h1", "77 / second")
    assert stored_hook(redis, 77, "second")["url"] == "https://example.com/other"


def test_the_editor_holds_hostile_texts(chromium, redis, sign_in):
    names = {"X-A": "<img src=x onerror='window.hit=1'>"}
    hook = {"url": "https://e.example/" + "<script>window.hit=1</script>".replace("<", "%3C"),
            "headers": names, "description": "<img src=x onerror='window.hit=1'> \"'>"}
    set_hook(redis, 77, "main", **hook)
    sign_in(actions=True, page="#/rooms/77/hooks/main/edit")
    chromium.wait_for("form.edit")
    value = chromium.run("return document.querySelector('#field-description').value")
    assert value == hook["description"]
    assert chromium.run("return window.hit ?? null") is None and chromium.count("main img") == 0
    assert names["X-A"] not in chromium.page_text(), "values of headers are not shown"
    chromium.resize(320, 640)
    assert width_beyond(chromium) <= 0
    chromium.fill(field("timeout"), "<b>")
    chromium.click("Store")
    chromium.wait_text("#error-timeout", "must be a duration")
    assert stored_hook(redis, 77) == hook


def test_the_editor_without_rights(chromium, redis, sign_in):
    set_hook(redis, 77, "main", url="https://example.com/first")
    sign_in("read", actions=True, page="#/rooms/77/hooks/main/edit")
    chromium.wait_for("form.edit")
    assert chromium.button("Store").get_attribute("disabled")
    assert "this token only reads" in chromium.text("form.edit")


# --- by keyboard ---


def test_by_keyboard_alone(chromium, busy_queue, sign_in):
    sign_in(actions=True, page="#/workers")
    chromium.wait_text("h1", "1 worker")
    chromium.run("document.activeElement.blur()")
    body = chromium.driver.find_element("css selector", "body")
    body.send_keys(Keys.TAB)
    assert chromium.focused() == "a Skip to content"
    chromium.keys(Keys.ENTER)
    assert chromium.focused().startswith("main main")
    chromium.keys("/")
    assert chromium.focused() == "input find"
    chromium.keys("7/main", Keys.ENTER)
    chromium.wait_text("h1", "7 / main")
    chromium.wait_for("button.primary")
    seen = []
    for _ in range(40):
        chromium.keys(Keys.TAB)
        seen.append(chromium.focused())
        outline = chromium.run("return getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", seen[-1]
        if seen[-1] == "button Disable…":
            break
    assert "button Disable…" in seen
    chromium.keys(Keys.ENTER)
    chromium.wait_text("dialog h2", "Disable")
    assert chromium.focused() == "button Cancel"
    chromium.keys(Keys.ESCAPE)
    chromium.wait(lambda: chromium.count("dialog") == 0, "no dialog")
    assert chromium.focused() == "button Disable…"


def test_focus_and_opened_answers_survive_a_poll(chromium, busy_queue, sign_in):
    sign_in(actions=True, page="#/rooms/7/hooks/main")
    chromium.wait_for("details.answer")
    chromium.driver.find_element("css selector", "details.answer summary").click()
    chromium.run("document.querySelector('button.primary').focus()")
    questions = asked("/deliveries")
    before = chromium.run(questions)
    chromium.wait(lambda: chromium.run(questions) > before + 1, "another poll")
    assert chromium.focused() == "button Resume now"
    assert chromium.count("details.answer[open]") == 1


# --- actions ---


def test_test_rotate_disable_enable(chromium, busy_queue, sign_in, receiver):
    sign_in(actions=True, page="#/rooms/438/hooks/audit")
    chromium.wait_text(".verdict", "Delivering.")
    chromium.click("Send test")
    chromium.wait_text(".toast", "Test: answered 200")
    chromium.click("Rotate secret")
    chromium.wait_text("dialog h2", "Rotate the secret of audit?")
    chromium.click("Rotate")
    chromium.wait_text("dialog pre", "whsec_")
    chromium.click("Done")
    assert "whsec_" not in chromium.page_text()
    chromium.click("Disable")
    chromium.wait_text("dialog h2", "Disable audit of room 438?")
    chromium.click("Disable")
    chromium.wait_text(".verdict", "Disabled by hand")
    chromium.click("Enable")
    chromium.wait(lambda: "Disabled" not in chromium.text(".verdict"), "enabled")


def test_resume(chromium, busy_queue, sign_in, receiver):
    sign_in(actions=True, page="#/rooms/7/hooks/main")
    chromium.wait_text(".verdict", "has answered 503")
    receiver.script("/broken", [Answer(200)])
    chromium.click("Resume now")
    chromium.wait_text(".toast", "Resumed: 6 deliveries are due now")
    chromium.wait_text(".verdict", "Delivering.")


def test_replay_and_purge_say_first_how_many(chromium, redis, busy_queue, sign_in):
    sign_in(actions=True, page="#/dead?room=10")
    chromium.wait_for("tbody tr", 3)
    chromium.click("Purge all that match")
    chromium.wait_text("dialog h2", "Purge 3 letters for good?")
    assert chromium.focused().startswith("input")
    assert chromium.button("Purge 3").get_attribute("disabled")
    chromium.keys("3")
    redis.xadd(key("dead"), {"reason": "rejected", "room": "10", "hook": "main", "json": "{}"})
    chromium.click("Purge 3")
    chromium.wait_text("dialog .refused", "4 letters match, not 3: nothing was done")
    assert redis.xlen(key("dead")) == 5
    chromium.click("Cancel")
    chromium.click("Purge all that match")
    chromium.wait_text("dialog h2", "Purge 4 letters for good?")
    chromium.keys("4", Keys.ENTER)
    chromium.wait_text(".toast", "Purged 4")
    chromium.wait_text("main", "No letter matches.")
    assert redis.xlen(key("dead")) == 1


def test_chosen_letters_are_replayed(chromium, redis, busy_queue, sign_in, receiver):
    receiver.script("/refuses", [Answer(200)])
    sign_in(actions=True, page="#/dead?room=10")
    chromium.wait_for("tbody tr", 3)
    for box in chromium.driver.find_elements("css selector", "tbody .pick input")[:2]:
        box.click()
    chromium.click("Replay 2")
    chromium.wait_text("dialog h2", "Replay 2 letters?")
    chromium.click("Replay 2")
    chromium.wait_text(".toast", "Replayed 2")
    chromium.wait(lambda: chromium.count("tbody tr") == 1, "one letter left")


def test_one_letter_is_replayed_or_purged(chromium, redis, busy_queue, sign_in, receiver):
    receiver.script("/refuses", [Answer(200)])
    sign_in(actions=True, page="#/dead?room=10")
    chromium.wait_for("tbody tr", 3)
    chromium.click("Replay…")
    chromium.wait_text("dialog h2", "Replay refused-2?")
    assert chromium.focused() == "button Cancel" and "Room 10, hook main" in chromium.text("dialog")
    chromium.click("Replay")
    chromium.wait_text(".toast", "Replayed")
    chromium.wait(lambda: chromium.count("tbody tr") == 2, "two letters left")
    chromium.click("Purge…")
    chromium.wait_text("dialog h2", "Purge refused-1 for good?")
    chromium.click("Purge")
    chromium.wait_text(".toast", "Purged")
    chromium.wait(lambda: chromium.count("tbody tr") == 1, "one letter left")
    chromium.driver.find_element("css selector", "tbody .pick input").click()
    chromium.click("Purge 1")
    chromium.wait_text("dialog h2", "Purge 1 letter for good?")
    chromium.click("Purge 1")
    chromium.wait_text("main", "No letter matches.")
    assert redis.xlen(key("dead")) == 1, "of room 9"


def test_the_letters_of_a_room_for_its_token(chromium, redis, busy_queue, sign_in):
    sign_in("room=10", page="#", actions=True)
    chromium.wait_text("h1", "Room 10: 1 hook")
    chromium.click("dead letters")
    chromium.wait_text("h1", "Dead letters of room 10")
    chromium.wait_for("tbody tr", 3)
    assert chromium.count(".fault") == 0 and chromium.count("input[name=room]") == 0
    assert chromium.count("tbody a[href='#/rooms/10/hooks/main']") == 3
    chromium.click("Look")
    chromium.click("Show it")
    chromium.wait_text("dialog pre", '"roomId": 10')
    chromium.click("Done")
    chromium.click("Purge all")
    chromium.wait_text("dialog h2", "Purge 3 letters for good?")
    chromium.keys("3", Keys.ENTER)
    chromium.wait_text("main", "No dead letters.")
    assert [letter["room"] for letter in wait_dead(redis, 1)] == ["9"]
    chromium.click("Room 10")
    chromium.click("10 / main")
    chromium.click("letters of this hook")
    chromium.wait_text("main", "No letter matches.")
    assert [m for m in chromium.complaints() if "status of 4" not in m] == []


def test_a_task_shows_how_far_it_is(chromium, redis, busy_queue, sign_in, receiver):
    set_hook(redis, 77, "main", url=receiver.url("/fine"))
    pipe = redis.pipeline(transaction=False)
    for n in range(300):
        pipe.xadd(key("dead"), {"reason": "exhausted", "room": 77, "hook": "main",
                                "json": json.dumps(message_event(77))})  # fmt: skip
    pipe.execute()
    service = sign_in(actions=True, page="#/dead?room=77")
    chromium.click("Replay all that match")
    chromium.wait_text("dialog h2", "Replay 300 letters?")
    chromium.run("document.querySelector('dialog select').value = '10/s'")
    chromium.click("Replay 300")
    chromium.wait_text(".toast", "It goes on as a task")
    chromium.wait_text(".tasks", "Replaying 300 dead letters of room 77, at most 10/s")
    chromium.wait(lambda: chromium.run("return document.querySelector('progress').value") > 5,
                  "progress")  # fmt: skip
    assert " left." in chromium.text(".tasks") and width_beyond(chromium) <= 0
    show(chromium, service, "#/")
    chromium.wait_text(".tasks-note", "Replaying 300 dead letters of room 77")
    chromium.driver.refresh()
    chromium.wait_text(".tasks-note a", "Dead letters")
    chromium.resize(320)
    chromium.driver.find_element("css selector", ".tasks-note a").click()
    chromium.wait_text(".tasks", "Replaying 300")
    assert width_beyond(chromium) <= 0
    chromium.click("Cancel…")
    chromium.wait_text("dialog h2", "Cancel this task?")
    assert chromium.focused() == "button Let it go on"
    chromium.click("Cancel the task")
    chromium.wait_text(".toast", "Cancelled: ")
    chromium.wait_text(".tasks", "then cancelled")
    assert 4 < redis.xlen(key("dead")) < 304
    show(chromium, service, "#/")
    chromium.wait_text("h1", "Delivering")
    chromium.wait(lambda: chromium.count(".tasks-note") == 0, "no task runs")


def test_the_content_of_a_letter_is_shown_when_asked_for(chromium, busy_queue, sign_in):
    service = sign_in(page="#/dead?room=10")
    chromium.wait_for("tbody tr", 3)
    assert not service.logged("document_shown")
    chromium.click("Look")
    chromium.click("Show it")
    chromium.wait_text("dialog pre", '"roomId": 10')
    service.wait_log("document_shown")


def test_a_token_that_reads_sees_why_nothing_can_be_done(chromium, busy_queue, sign_in):
    sign_in("read", page="#/rooms/7/hooks/main", actions=True)
    chromium.wait_text(".verdict", "has answered 503")
    for name in ("Send test", "Rotate secret", "Disable", "Resume now"):
        assert chromium.button(name).get_attribute("disabled"), name
    assert "this token only reads" in chromium.text("main")


# --- many ---


def test_lanes_page_by_page(chromium, redis, sign_in):
    """250 that are served, 20 that are shut: 100 and 20 are shown, then the rest."""
    for n in range(270):
        redis.zadd(key("lanes" if n < 250 else "lanes-shut"), {f"{n}/main": n})
        waiting = {f"{1667548137257 + m}-0/main": m for m in range(n % 3 + 1)}
        redis.zadd(key(f"lane:{n}/main"), waiting)
        redis.hset(key("deliveries"), mapping={f"{n}-{m}/main": "{}" for m in waiting})
    sign_in(page="#/lanes")
    rows = lambda: chromium.count("main tbody:not(.group) tr")  # noqa: E731
    chromium.wait(lambda: rows() == 120, "the first pages")
    assert "the 100 of 250 looked at next" in chromium.text("p.pager")
    assert "Of the 120 lanes" in chromium.text("section.parts")
    for n in (220, 270):
        chromium.run("document.querySelector('p.pager button').click()")
        chromium.wait(lambda wanted=n: rows() == wanted, f"{n} rows")
    assert chromium.count("p.pager") == 0
    assert chromium.complaints() == []


def test_many_hooks_and_letters(chromium, redis, sign_in):
    pipe = redis.pipeline(transaction=False)
    for n in range(100_000):
        pipe.hset(key(f"room:{n}"), "main", json.dumps({"url": f"https://h{n}.example/"}))
        pipe.xadd(key("dead"), {"reason": "rejected", "error": "answered 422", "room": n,
                                "hook": "main", "event_id": f"e-{n}", "json": "{}"})  # fmt: skip
        if n < 10_000:
            of_hook = hashlib.sha256(f"https://h{n}.example/\0\0".encode()).hexdigest()[:8]
            state = {"fingerprint": of_hook, "failing_since": n + 1, "failures": 9, "opens": 1,
                     "status": 503, "error": "answered 503", "probe_at": 1}  # fmt: skip
            pipe.hset(key("hooks-state"), f"{n}/main", json.dumps(state))
            pipe.zadd(key("lanes-shut"), {f"{n}/main": n})
            pipe.zadd(key(f"lane:{n}/main"), {f"1667548137257-{n}/main": n})
            pipe.hset(key("deliveries"), f"1667548137257-{n}/main", "{}")
        if n % 10_000 == 0:
            pipe.execute()
    pipe.execute()
    service = sign_in(actions=True)
    chromium.wait_text("[data-count=attention]", "10,000")
    for page in ("#/", "#/hooks", "#/dead", "#/lanes"):
        began = time.monotonic()
        show(chromium, service, page)
        chromium.wait(lambda: chromium.text("h1") and chromium.count(".loading") == 0, "the page")
        assert time.monotonic() - began < 3, page
        assert chromium.run(LOADED) < PAGE_BYTES, page
