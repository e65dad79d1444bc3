"""The oracle itself: each thing that may go wrong is seen, and what faults explain is not."""

import json
import time

import pytest

from history import Arrival, History, Intent, fingerprint
from oracle import Allowance, given_up, judge, overtaken
from webhook_queue import GROUP, add_waiting, enqueue, key, lane_key, message_event

ATTEMPTS_MAX = 3
PATH = "/room/1/h0"


def document(number):
    return {"message": {"id": number, "roomId": 1}}


class Story:
    """A history in the making."""

    def __init__(self, redis):
        self.history = History()
        self.redis = redis

    def sent(self, number, result="ok", **fields):
        intent = Intent(
            number, f"event-{number}", fingerprint(document(number)), {"h0": PATH}, **fields
        )
        self.history.intend(intent)
        self.history.settle(intent, result, f"{number}-0" if result == "ok" else None)

    def arrived(self, number, answer="200", path=PATH, event_id=None, body=None):
        attempt = self.history.next_attempt(number, path)
        digest = fingerprint(body or document(number))
        event_id = event_id or f"event-{number}"
        self.history.arrive(
            Arrival(number, path, event_id, digest, attempt, answer, time.monotonic())
        )

    def died(self, number, reason="exhausted", attempts=ATTEMPTS_MAX, **fields):
        letter = {"reason": reason, "attempts": attempts, "event_id": f"event-{number}",
                  "json": json.dumps(document(number)), "hook": "h0", **fields}  # fmt: skip
        fields = {name: str(value) for name, value in letter.items() if value != ""}
        letter_id = self.redis.xadd(key("dead"), fields).decode()
        size = sum(len(name) + len(value) for name, value in fields.items())
        self.redis.zadd(key("dead-by-room"), {f" {letter_id} {size}": 0})
        for of in ("", "*"):
            self.redis.hincrby(key("dead-bytes"), of, size)

    def judge(self, **allowed):
        allowance = {"attempts_max": ATTEMPTS_MAX, "faults": 0, "repeats_max": 0, **allowed}
        return judge(self.history, self.redis, Allowance(**allowance))


@pytest.fixture
def story(redis):
    return Story(redis)


def test_a_good_story(story):
    """Delivered, delivered late, refused for good, given up, not understood, of unknown result."""
    story.sent(1)
    story.arrived(1)
    story.sent(2)
    story.arrived(2, "500")
    story.arrived(2, "204")
    story.sent(3)
    story.arrived(3, "400")
    story.died(3, "rejected", 1)
    story.sent(4)
    for _ in range(ATTEMPTS_MAX):
        story.arrived(4, "500")
    story.died(4)
    story.sent(5, malformed=True)
    story.died(5, "malformed", hook="")
    story.sent(6, "unknown")
    story.sent(7, "unknown")
    story.arrived(7)
    story.sent(8, "failed")
    findings = story.judge()
    assert findings.problems == []
    assert (findings.events, findings.ok, findings.unknown, findings.failed) == (8, 5, 2, 1)
    assert (findings.dead, findings.duplicates, findings.lost) == (3, 0, 0)


def never_arrived(story):
    story.sent(1)


def never_answered_well(story):
    story.sent(1)
    story.arrived(1, "500")


def malformed_without_a_letter(story):
    story.sent(1, malformed=True)


@pytest.mark.parametrize(
    "tell", [never_arrived, never_answered_well, malformed_without_a_letter]
)
def test_what_is_lost(story, tell):
    tell(story)
    findings = story.judge(faults=5, repeats_max=100)
    assert findings.lost == 1 and "lost" in findings.problems[0]


def test_what_a_fault_deleted_is_not_lost(story):
    story.sent(1)
    assert story.judge(gone_before=time.monotonic()).problems == []


def changed(story):
    story.sent(1)
    story.arrived(1, body={"message": {"id": 1, "roomId": 2}})


def of_nobody(story):
    story.arrived(1)


def by_another_name(story):
    story.sent(1)
    story.arrived(1, event_id="event-2")


def at_a_wrong_endpoint(story):
    story.sent(1)
    story.arrived(1)
    story.arrived(1, path="/room/2/h0")


def although_it_was_refused(story):
    story.sent(1, "failed")
    story.arrived(1)


def too_often(story):
    story.sent(1)
    for _ in range(ATTEMPTS_MAX + 1):
        story.arrived(1, "500")
    story.arrived(1)


def twice(story):
    story.sent(1)
    story.arrived(1)
    story.arrived(1)


def dead_without_a_cause(story):
    story.sent(1)
    story.arrived(1, "500")
    story.died(1)
    story.died(1, "rejected", 1)


def given_up_too_early(story):
    story.sent(1)
    story.arrived(1, "500")
    story.died(1, attempts=1)


def dead_twice(story):
    story.sent(1)
    for _ in range(ATTEMPTS_MAX):
        story.arrived(1, "500")
    story.died(1)
    story.died(1)


def dead_though_nobody_sent_it(story):
    story.died(1)


def left_in_the_stream(story):
    enqueue(story.redis, message_event())


def left_pending(story):
    enqueue(story.redis, message_event())
    story.redis.xgroup_create(key("events"), GROUP, id="0")
    story.redis.xreadgroup(GROUP, "one", {key("events"): ">"})
    story.redis.xtrim(key("events"), maxlen=0)


def left_waiting(story):
    add_waiting(story.redis, "1-0", room=1, hook="h0")


def left_out_of_its_lane(story):
    identity = add_waiting(story.redis, "1-0", room=1, hook="h0")
    story.redis.zrem(lane_key("1/h0"), identity)


def left_in_a_lane_nobody_looks_at(story):
    add_waiting(story.redis, "1-0", room=1, hook="h0")
    story.redis.zrem(key("lanes"), "1/h0")


def left_leased(story):
    story.redis.hset(key("leases"), "0000000000001-000000/h0", "worker:1 0 1")


def left_as_a_document(story):
    story.redis.hset(key("documents"), "0000000000001-000000", "{}")


def left_as_a_holder(story):
    story.redis.sadd(key("holders:0000000000001-000000"), "0000000000001-000000/h0")


def dead_but_not_counted(story):
    story.sent(1)
    story.arrived(1, "400")
    story.died(1, "rejected", 1)
    story.redis.delete(key("dead-by-room"))


def left_of_a_wrong_type(story):
    story.redis.rpush(key("log:1/h0"), "x")


def left_of_an_unknown_name(story):
    story.redis.set(key("what"), "x")


def left_as_a_log_that_no_bound_counts(story):
    story.redis.xadd(key("log:1/h0"), {"event": "e1"})


@pytest.mark.parametrize(
    "tell",
    [changed, of_nobody, by_another_name, at_a_wrong_endpoint, although_it_was_refused, too_often,
     twice, dead_without_a_cause, given_up_too_early, dead_twice, dead_though_nobody_sent_it,
     dead_but_not_counted, left_in_the_stream, left_pending, left_waiting, left_out_of_its_lane,
     left_in_a_lane_nobody_looks_at, left_leased, left_as_a_document, left_as_a_holder,
     left_of_a_wrong_type, left_of_an_unknown_name, left_as_a_log_that_no_bound_counts],
)  # fmt: skip
def test_what_is_wrong(story, tell):
    tell(story)
    findings = story.judge()
    assert findings.problems and findings.lost == 0, findings


def test_repeats_that_are_explained(story):
    """By a crash, or because a worker stopped waiting for the first answer; not both by one."""
    for number in (1, 2):
        story.sent(number)
        story.arrived(number)
        story.arrived(number)
    log = (
        "time=2022-11-04T08:28:57.257Z level=info msg=retry event=event-1 hook=h0 attempts=1"
        ' status=0 error="timeout: Operation timed out after 1001 milliseconds"'
    )
    assert len(story.judge().problems) == 1
    assert len(story.judge(repeats_max=1).problems) == 1
    assert len(story.judge(given_up=given_up([log])).problems) == 1
    assert story.judge(repeats_max=2).problems == []
    findings = story.judge(repeats_max=1, given_up=given_up([log]))
    assert findings.problems == [] and findings.duplicates == 2


def start(entry, lane="1/h0", attempts=0):
    return f"time=2022-11-04T08:28:57.257Z level=debug msg=starts entry={entry} lane={lane} " \
        f"attempts={attempts}"


def test_what_was_overtaken():
    """By a later one of its lane; not by its own retry, another lane's, or when it starts again."""
    good = [start("9-0"), start("10-0"), start("10-1"), start("3-0", lane="2/h0"),
            start("9-0", attempts=1), start("9-0")]  # fmt: skip
    assert overtaken("\n".join(good)) == []
    assert overtaken("\n".join([*good, start("9-1")])) == [("1/h0", (9, 1), (10, 1))]


def test_what_must_not_be_overtaken(story):
    assert story.judge(overtaken=[("1/h0", (9, 1), (10, 1))]).problems
