"""Where every event is at one instant: unread, pending, waiting, dead or done, and in one of them.

To be asked of a Redis that no worker is moving things in, at any moment, not only at the end.
"""

from history import number_of
from lane_invariants import check_invariants
from scripted_endpoints import is_success
from webhook_queue import GROUP, delivery_id, key


def _number_of_id(stream_id):
    ms, _, sequence = stream_id.partition(b"-")
    return int(ms), int(sequence)


class _Snapshot:
    """All whereabouts at once."""

    def __init__(self, client):
        with client.pipeline(transaction=True) as pipe:
            pipe.xrange(key("events"))
            pipe.hkeys(key("deliveries"))
            pipe.xrange(key("dead"))
            pipe.xinfo_groups(key("events"))
            pipe.xpending_range(key("events"), GROUP, "-", "+", 10000)
            # Before the first worker came there is no group.
            events, deliveries, dead, groups, pending = pipe.execute(raise_on_error=False)
        self.events = [stream_id for stream_id, _ in events]
        self.deliveries = {one.decode() for one in deliveries}
        self.dead = [self._decode(fields) for _, fields in dead]
        self.last_delivered = groups[0]["last-delivered-id"] if groups else b"0-0"
        self.pending = {one["message_id"] for one in pending} if groups else set()

    @staticmethod
    def _decode(fields):
        return {name.decode(): value for name, value in fields.items()}

    def unread(self):
        last = _number_of_id(self.last_delivered)
        return {one for one in self.events if _number_of_id(one) > last}

    def letters_for(self, intent, hook):
        return [
            letter for letter in self.dead
            if letter.get("hook", b"").decode() == hook and self._is_of(letter, intent)
        ]

    @staticmethod
    def _is_of(letter, intent):
        if "event_id" in letter:
            return letter["event_id"].decode() == intent.event_id
        return number_of(letter) == intent.number


def problems_of(history, client, misplaced=None):
    """What breaks the promise, in words; of each intent whose XADD was answered. The lane that is
    misplaced may lack its keys."""
    now = _Snapshot(client)
    problems = []
    try:
        check_invariants(client)
    except AssertionError as failure:
        wrong = str(failure).splitlines()
        problems += [line for line in wrong if misplaced is None or misplaced not in line]
    strays = set(now.events) - now.unread() - now.pending
    if strays:
        problems.append(f"read, but pending for nobody: {strays}")
    answered = {(one.number, one.path) for one in history.arrivals if is_success(one.answer)}
    for intent in history.intents.values():
        if intent.result == "ok":
            problems += _problems_of_intent(intent, now, answered)
    return problems


def _problems_of_intent(intent, now, answered):
    in_stream = intent.stream_id.encode() in now.events
    for hook, path in intent.targets.items() if intent.targets else [("", None)]:
        where = ["events"] * in_stream
        where += ["lane"] * (delivery_id(intent.stream_id, hook) in now.deliveries)
        where += ["dead"] * len(now.letters_for(intent, hook))
        if len(where) > 1:
            yield f"event {intent.number} hook {hook} is in {where}"
        if not where and (intent.number, path) not in answered:
            yield f"event {intent.number} hook {hook} is nowhere, and was not answered 2xx"
