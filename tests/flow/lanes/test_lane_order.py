"""A hook's deliveries start in the order of the stream, also those that wait in its lane."""

from receiver import Answer, Hang
from webhook_queue import enqueue, message_event, set_hook


def test_another_hook_of_its_event_neither_delays_nor_reorders_what_waits(
    redis, receiver, start_worker
):
    """A hook with a rate takes everything from its lane. Of the first event another hook hangs: it
    is settled later than the second one, which has no other."""
    receiver.script("/hangs", Hang())
    receiver.script("/paced", Answer(200))
    set_hook(redis, 438, "hangs", url=receiver.url("/hangs"))
    set_hook(redis, 438, "paced", url=receiver.url("/paced"), rateLimit="50/s")
    start_worker()
    for _ in range(5):
        seen = len(receiver.requests("/paced"))
        with redis.pipeline(transaction=True) as together:
            enqueue(together, message_event(), id="both")
            enqueue(together, message_event(), id="one", hook="paced")
            together.execute()
        requests = receiver.wait_for(seen + 2, "/paced", timeout=0.8)[seen:]
        assert [request.header("webhook-id") for request in requests] == ["both", "one"]
