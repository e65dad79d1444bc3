"""Sending delivered events again from the page of a hook, in a real Chromium."""

import json

from browser_pages import browser, chromium, show, sign_in  # fixtures, and how a page is opened
from webhook_queue import key, message_event, set_hook

__all__ = ["browser", "chromium", "sign_in"]


def keep(redis, count):
    """Delivered events as workers keep them."""
    for n in range(count):
        event = f"{n + 1:013d}-000000"
        document = f"json m-{n} -\n{json.dumps(message_event(438))}"
        redis.hset(key("delivered-documents"), event, document)
        redis.xadd(key("delivered"), {"event": event, "room": 438, "hooks": "main gone"})


def test_what_a_hook_took_is_sent_again(chromium, redis, sign_in, start_worker, receiver):
    set_hook(redis, 438, "main", url=receiver.url("/fine"))
    service = sign_in("room=438", actions=True, page="#/rooms/438/hooks/main")
    chromium.click("Send again…")
    chromium.wait_text("dialog h2", "Send again what main took?")
    chromium.click("Count")
    chromium.wait_text("dialog .refused", "keep-delivered")
    keep(redis, 20)
    chromium.click("Count")
    chromium.wait_text("dialog h2", "Send 20 deliveries again?")
    chromium.run("document.querySelector('dialog select').value = '10/s'")
    chromium.click("Send 20")
    chromium.wait_text(".tasks", "Sending again 20 deliveries of room 438, hook main")
    chromium.driver.refresh()
    start_worker(allow_address=f"127.0.0.1/32:{receiver.port}")
    receiver.wait_for(20, "/fine")
    chromium.wait_text(".tasks", "Sent again 20 deliveries of room 438, hook main")
    show(chromium, service, "#/rooms/438/dead")
    chromium.wait_text(".tasks", "Sent again 20 deliveries")
    assert [m for m in chromium.complaints() if "status of 4" not in m] == []
