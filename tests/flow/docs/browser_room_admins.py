"""docs/chat/room-admins.html in a real Chromium: what an admin of a room sees and does."""

import pytest
from browser import Browser
from receiver import Answer
from room_admins import ChatServer
from wait import wait_until
from webhook_queue import enqueue, key, message_event, set_hook, wait_dead

HOSTILE = "<img src=x onerror='window.hit=1'><script>window.hit=1</script>"
ROOM = "!a#b:matrix.org"


@pytest.fixture
def admin(redis, redis_server, receiver, start_worker, roomhook_bin, tmp_path):
    """A browser of the room's admin, whose receiver refused two messages."""
    receiver.script("/", [Answer(422, body=HOSTILE.encode()), Answer(422), Answer(200)])
    set_hook(redis, ROOM, "main", url=receiver.url(), description=HOSTILE)
    start_worker()
    for n in range(2):
        enqueue(redis, message_event(ROOM), id=f"event-{n}")
    wait_dead(redis, 2)
    wait_until(lambda: redis.exists(key(f"log:{ROOM}/main")), 10, "the attempts to be logged")
    server = ChatServer(roomhook_bin, redis_server.url, str(tmp_path / "tokens"),
                        {"s3cret": [ROOM]})  # fmt: skip
    with Browser() as browser:
        browser.origin = f"http://127.0.0.1:{server.port}"
        yield browser
    server.finish()


def test_an_admin_sees_what_failed_and_sends_it_again(admin, redis, receiver):
    page = f"{admin.origin}/room-admins?room=%21a%23b%3Amatrix.org"
    admin.open(page)
    admin.wait_text("#problem", "you are not an admin of this room")

    admin.driver.add_cookie({"name": "session", "value": "s3cret"})
    admin.open(page)
    admin.wait(lambda: admin.count("tr") == 2, "two attempts")
    assert admin.text("h2") == HOSTILE
    assert "422" in admin.text("tr") and "event-" in admin.text("tr")
    assert any("onerror" in row for row in admin.texts("tr")), "the answer"
    assert admin.run("return window.hit === undefined && !document.querySelector('main img')")

    def press(n):
        admin.run("document.querySelectorAll('button')[arguments[0]].click()", n)

    admin.run("window.asked = []; window.alert = (t) => asked.push(t);"
              "window.confirm = (t) => { asked.push(t); return true; };")  # fmt: skip
    press(2)
    receiver.wait_for(4)
    admin.wait(lambda: len(admin.run("return asked")) == 2, "the question and the outcome")
    assert admin.run("return asked") == ["Send 2 messages again?", "2 messages are sent again."]
    assert redis.xlen(key("dead")) == 0
    press(0)
    admin.wait(lambda: len(admin.run("return asked")) == 3, "the test's outcome")
    asked = admin.run("return asked")
    assert asked[2].startswith("Answered 200 after ")
    press(1)
    admin.wait(lambda: len(admin.run("return asked")) == 4, "that it was resumed")
    assert admin.text("#problem") == ""
