"""One bad endpoint harms nobody: places, lanes, backlogs, on real processes."""

import collections
import contextlib
import json
import time

import pytest

from receiver import Answer, Hang, Receiver
from wait import stays_true, wait_until
from webhook_queue import (
    DEFAULT_QUEUE,
    assert_queue_empty,
    delivery_id,
    enqueue,
    key,
    lane_key,
    message_event,
    now_ms,
    queue_state,
    records,
    set_hook,
    state_of,
    stats,
    wait_stat,
)

# slots


def test_unknown_endpoint_begins_with_two(redis, receiver, start_worker):
    receiver.script("/", [Hang()])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(timeout="2s", retry_schedule="20s")
    for _ in range(20):
        enqueue(redis, message_event())
    receiver.wait_for(2)
    wait_until(lambda: queue_state(redis)["deliveries"] >= 16, 5, "the others to make way")
    assert len(receiver.requests()) == 2


def test_many_hanging_receivers_leave_room(redis, receiver, start_worker):
    """Far more than a worker has slots, none of which ever answered: they are cut for others."""
    hanging = 60
    with Receiver() as bad:
        for room in range(hanging):
            bad.script(f"/{room}", [Hang()])
            set_hook(redis, 1000 + room, "main", url=bad.url(f"/{room}"))
        set_hook(redis, 1, "main", url=receiver.url())
        start_worker(max_in_flight=32, max_per_origin=32, timeout="30s", retry_schedule="60s")
        for room in range(hanging):
            enqueue(redis, message_event(room=1000 + room))
        for n in range(40):
            enqueue(redis, message_event(room=1), id=f"good-{n}")
        receiver.wait_for(40, timeout=15)
        wait_until(lambda: stats(redis).get("cut", 0) > 0, 5, "some to be cut")
        cut = [one for one in records(redis).values() if "needed its place" in one.get("error", "")]
        assert cut and all(one["attempts"] == 1 for one in cut)


def test_events_of_more_hooks_than_slots_do_not_wait_for_one_that_hangs(
    redis, receiver, start_worker
):
    """How many events are read follows from how many hooks the last ones had."""
    hooks = 20
    receiver.script("/hangs", [Hang()])
    set_hook(redis, 1, "main", url=receiver.url("/hangs"))
    for n in range(hooks):
        set_hook(redis, 2, f"hook-{n}", url=receiver.url(f"/{n}"))
    start_worker(max_in_flight=16, timeout="30s")
    for _ in range(50):
        enqueue(redis, message_event(room=2))
    assert_queue_empty(redis, timeout=30)
    enqueue(redis, message_event(room=1))
    receiver.wait_for(1, "/hangs")
    enqueue(redis, message_event(room=2))
    receiver.wait_for(51, "/0", timeout=5)


def test_slow_receiver_that_answers_is_not_cut(redis, receiver, start_worker):
    receiver.script("/slow", [Answer(200, delay=2.5)])
    set_hook(redis, 1, "main", url=receiver.url("/slow"))
    set_hook(redis, 2, "main", url=receiver.url("/fast"))
    start_worker(max_in_flight=8, timeout="10s")
    enqueue(redis, message_event(room=1))
    receiver.wait_for(1, "/slow")
    wait_stat(redis, "delivered", 1)
    for _ in range(5):
        enqueue(redis, message_event(room=1))
    for _ in range(200):
        enqueue(redis, message_event(room=2))
    receiver.wait_for(200, "/fast", timeout=10)
    assert_queue_empty(redis, timeout=60)
    assert stats(redis).get("cut", 0) == 0
    assert len(receiver.requests("/slow")) == 6


def test_event_with_many_hooks_waits_for_room(redis, receiver, start_worker):
    for n in range(100):
        set_hook(redis, 438, f"hook-{n}", url=receiver.url(f"/{n}"))
    start_worker(max_in_flight=16)
    for _ in range(20):
        enqueue(redis, message_event())
    wait_until(lambda: len(receiver.requests()) == 2000, 30, "all deliveries")
    assert_queue_empty(redis)
    assert {request.path for request in receiver.requests()} == {f"/{n}" for n in range(100)}


def test_event_with_many_hooks_gets_its_turn(redis, receiver, start_worker):
    """Others keep coming, so that there is never a moment at which nothing else is under way."""
    for room in range(100, 140):
        receiver.script(f"/{room}", [Answer(200, delay=0.1 + 0.023 * (room % 17))])
        set_hook(redis, room, "main", url=receiver.url(f"/{room}"))
    for n in range(60):
        set_hook(redis, 438, f"hook-{n}", url=receiver.url(f"/many-{n}"))
    for n in range(1500):
        if n == 100:
            enqueue(redis, message_event())
        enqueue(redis, message_event(room=100 + n % 40))
    start_worker(max_in_flight=16)
    receiver.wait_for(1, "/many-0", timeout=12)
    assert redis.xlen(key("events")) + redis.hlen(key("deliveries")) > 500
    wait_until(
        lambda: len([one for one in receiver.requests() if "many" in one.path]) == 60,
        12,
        "the others of the event",
    )


def test_origins_of_one_address_that_hang_make_way(redis, receiver, start_worker):
    """Each hangs at its first request, before it is known where it leads: those count as well."""
    set_hook(redis, 1, "main", url=receiver.url())
    with contextlib.ExitStack() as stack:
        for room in range(100, 112):
            bad = stack.enter_context(Receiver())
            bad.script("/", [Hang()])
            set_hook(redis, room, "main", url=bad.url())
        start_worker(max_per_address=8, timeout="30s", retry_schedule="60s")
        enqueue(redis, message_event(room=1))
        receiver.wait_for(1)
        for room in range(100, 112):
            enqueue(redis, message_event(room=room))
        wait_until(lambda: queue_state(redis)["pending"] >= 8, 5, "them to hang")
        enqueue(redis, message_event(room=1))
        receiver.wait_for(2, timeout=10)


def test_many_names_of_one_address_count_as_one(redis, start_worker):
    """Eight origins on one address have four places together; nobody loses an attempt."""
    with contextlib.ExitStack() as stack:
        receivers = [stack.enter_context(Receiver()) for _ in range(8)]
        for room, one in enumerate(receivers):
            one.script("/", [Answer(200, delay=0.8)])
            set_hook(redis, room, "main", url=one.url())
        start_worker(max_per_address=4)
        for room in range(8):
            enqueue(redis, message_event(room=room))
        wait_until(lambda: sum(len(one.requests()) for one in receivers) >= 4, 5, "four places")
        stays_true(lambda: sum(len(one.requests()) for one in receivers) == 4, 0.5, "four")
        assert all(one.get("attempts", 0) == 0 for one in records(redis).values())
        for one in receivers:
            one.wait_for(1, timeout=20)
        assert_queue_empty(redis)
        assert sum(len(one.requests()) for one in receivers) == 8


# attackers

ATTACKERS, ATTACKS_A_SECOND, HEALTHY_A_SECOND, ATTACK_S = 200, 100, 60, 6
CALM = "calm"  # a queue that nobody attacks, with a worker of its own


def hangs(request):
    return Hang()


def answers_after_14_s(request):
    return Answer(200, delay=14)


def flips():
    """Each attacker's answers come at once and never, in turn."""
    seen = collections.Counter()

    def answer(request):
        attacker = request.header("Verification-Signature")
        seen[attacker] += 1
        return Answer(200) if seen[attacker] % 2 else Hang()

    return answer


def start_beside_calm(redis, receiver, start_worker):
    """A worker that is attacked, and another that shows how fast the machine is meanwhile."""
    set_hook(redis, 1, "main", url=receiver.url("/calm"), queue=CALM)
    for queue in (DEFAULT_QUEUE, CALM):
        start_worker(queue=queue, retry_schedule="10s,60s")


def attack(redis, attacker_hook, healthy_rooms):
    """Events of attackers and of healthy hooks, some seconds long, with an event of the calm queue
    for each healthy one. Returns id -> when it was sent, of the healthy and the calm ones;
    attacker_hook(n) is the hook of room 1000 + n."""
    began = time.monotonic()
    sent, attacks, healthy = {}, 0, 0

    def send_what_is_due():
        nonlocal attacks, healthy
        now = time.monotonic() - began
        while attacks < now * ATTACKS_A_SECOND:
            n = attacks % ATTACKERS
            event = {**message_event(room=1000 + n), "webhooks": [attacker_hook(n)]}
            enqueue(redis, event, id=f"attack-{attacks}")
            attacks += 1
        while healthy < now * HEALTHY_A_SECOND:
            sent[f"good-{healthy}"] = sent[f"calm-{healthy}"] = time.time()
            enqueue(redis, message_event(room=healthy_rooms[healthy % 3]), id=f"good-{healthy}")
            enqueue(redis, message_event(room=1), queue=CALM, id=f"calm-{healthy}")
            healthy += 1
        return now > ATTACK_S

    wait_until(send_what_is_due, ATTACK_S + 10, "all to be sent")
    return sent


def check_in_time(receivers, sent):
    """The healthy ones start 3 s later than the calm ones at most, and all but one in a hundred
    1.5 s later."""

    def arrived():
        return {
            name: request.arrived_wall
            for receiver in receivers
            for request in receiver.requests()
            if (name := request.header("webhook-id")) in sent
        }

    wait_until(lambda: len(arrived()) == len(sent), 30, lambda: f"{len(sent)}: {len(arrived())}")
    waits = collections.defaultdict(list)
    for name, at in arrived().items():
        waits[name.split("-")[0]].append(at - sent[name])
    good, calm = sorted(waits["good"]), sorted(waits["calm"])
    most = len(good) * 99 // 100
    assert good[-1] <= 3.0 + calm[-1] and good[most] <= 1.5 + calm[most], (good[-10:], calm[-10:])


@pytest.mark.parametrize(
    ("behave", "share"),
    [
        (hangs, "url"),
        (hangs, "origin"),
        (answers_after_14_s, "url"),
        (answers_after_14_s, "address"),
        (flips, "origin"),  # of a URL's 16 places they take longer to be told apart
        (flips, "address"),
    ],
)
def test_healthy_hooks_are_in_time_beside_attackers(redis, receiver, start_worker, behave, share):
    """200 hooks of other rooms that share a limit with them, and come with their events."""
    answer = flips() if behave is flips else behave
    with Receiver() as elsewhere:
        theirs = elsewhere if share == "address" else receiver

        def judge(request):
            is_good = request.header("webhook-id").startswith("good")
            return Answer(200) if is_good else answer(request)

        paths = ["/"] if share == "url" else [f"/{n}" for n in range(ATTACKERS)]
        for path in paths:
            theirs.script(path, judge)
        for room in (1, 2, 3):
            path = "/" if share == "url" else f"/good-{room}"
            set_hook(redis, room, "main", url=receiver.url(path), verificationSignature=str(room))
        start_beside_calm(redis, receiver, start_worker)

        def attacker_hook(n):
            return {"url": theirs.url(paths[n % len(paths)]), "verificationSignature": f"bad-{n}"}

        check_in_time([receiver], attack(redis, attacker_hook, [1, 2, 3]))


def test_a_stranger_with_your_url_does_not_starve_you(redis, receiver, start_worker):
    """Its hook came with its events and hangs; yours is of the same URL, and is used later."""

    def is_mine(request):
        return request.header("webhook-id").startswith("mine")

    receiver.script("/", lambda request: Answer(200) if is_mine(request) else Hang())
    set_hook(redis, 438, "main", url=receiver.url(), verificationSignature="mine")
    start_worker(retry_schedule="10s")
    strange = {**message_event(room=7), "webhooks": [{"url": receiver.url()}]}
    for _ in range(200):
        enqueue(redis, strange, id="strange")
    receiver.wait_for(2)
    for n in range(73):
        enqueue(redis, message_event(), id=f"mine-{n}")
    wait_until(
        lambda: sum(map(is_mine, receiver.requests())) == 73,
        10,  # the others hang for 15 s
        lambda: f"all of mine; {len(receiver.requests())} arrived",
    )


def test_what_waits_for_places_keeps_nothing_unread(redis, receiver, start_worker):
    """200 hooks wait at one origin's limit; the event behind theirs is of another."""
    with Receiver() as bad:
        for room in range(200):
            bad.script(f"/{room}", [Hang()])
            set_hook(redis, 1000 + room, "main", url=bad.url(f"/{room}"))
        set_hook(redis, 1, "main", url=receiver.url())
        start_worker(max_in_flight=32, max_per_origin=4, timeout="30s", retry_schedule="60s")
        for room in range(200):
            enqueue(redis, message_event(room=1000 + room))
        enqueue(redis, message_event(room=1))
        receiver.wait_for(1, timeout=3)


# backlogs


def add_waiting(redis, room, count, due):
    """Deliveries that were attempted once and are due."""
    document = json.dumps(message_event(room=room))
    line = json.dumps({"lane": f"{room}/main", "attempts": 1, "encoding": "json"},
                      separators=(",", ":"))
    with redis.pipeline() as together:
        for n in range(count):
            delivery = delivery_id(f"{due}-{n}")
            together.hset(key("deliveries"), delivery, f"{line}\n{document}")
            together.zadd(lane_key(f"{room}/main"), {delivery: due})
        together.zadd(key("lanes"), {f"{room}/main": due}, lt=True)
        together.execute()


def test_backlog_of_a_dead_receiver_hides_no_retries(redis, receiver, start_worker):
    """20,000 deliveries of a dead receiver are due, and then one of another hook behind them."""
    with Receiver() as dead:
        set_hook(redis, 1, "main", url=dead.url())
        set_hook(redis, 2, "main", url=receiver.url())
    start = now_ms(redis)
    add_waiting(redis, 1, 20000, start - 60000)
    start_worker(max_in_flight=64, retry_schedule="60s")
    wait_until(lambda: state_of(redis, 1).get("opens"), 10, "an open breaker")
    for _ in range(5):
        due = now_ms(redis)
        add_waiting(redis, 2, 1, due)
        before = len(receiver.requests())
        (*_, request) = receiver.wait_for(before + 1, timeout=5)
        assert request.arrived_wall * 1000 - due < 3000  # not behind 20,000 others
    assert stats(redis).get("attempts", 0) < 100


def test_backlog_drains_when_the_receiver_is_back(redis, receiver, start_worker):
    """At a rate its places allow, and others' events do not wait behind it."""
    set_hook(redis, 1, "main", url=receiver.url("/back"))
    set_hook(redis, 2, "main", url=receiver.url("/other"))
    add_waiting(redis, 1, 5000, now_ms(redis) - 60000)
    start_worker(max_in_flight=64, retry_schedule="60s")
    for n in range(20):
        enqueue(redis, message_event(room=2))
        receiver.wait_for(n + 1, "/other", timeout=2)
    receiver.wait_for(5000, "/back", timeout=40)
    assert_queue_empty(redis)
    assert len(receiver.requests("/back")) == 5000
