"""Hooks that keep failing, ask for rest or have a rate: what all workers know of them."""

import json
import re
import statistics
import time

import pytest

from lane_scripts import LaneQueue
from receiver import Answer, Hang
from wait import wait_until
from webhook_queue import (
    assert_queue_empty,
    enqueue,
    gate_of,
    hook_states,
    is_well,
    key,
    message_event,
    now_ms,
    queue_state,
    records,
    set_hook,
    state_of,
    stats,
    wait_stat,
)

FAILURES_TO_OPEN = 5  # BREAKER_ROW


def arrivals(receiver, path="/"):
    return [request.arrived for request in receiver.requests(path)]


def open_breaker(redis, receiver, room, path, workers):
    """A hook that answered 503 until a worker, each of which counts for itself, opened it."""
    receiver.script(path, [Answer(503)])
    set_hook(redis, room, "main", url=receiver.url(path))
    for n in range(FAILURES_TO_OPEN * workers):
        enqueue(redis, message_event(room=room), id=f"opener-{n}")
    return wait_until(
        lambda: (state := state_of(redis, room)).get("opens") and state, 10, "an open breaker"
    )


def let_all_hear():
    """Until all workers know of a change: three times what they may take."""
    heard = time.monotonic() + 0.3
    wait_until(lambda: time.monotonic() > heard, 1, "all workers to have heard")


def ids(receiver, path, prefix):
    """The different webhook-ids so far that begin so."""
    found = {request.header("webhook-id") for request in receiver.requests(path)}
    return {one for one in found if one.startswith(prefix)}


# the breaker


def test_failures_in_a_row_open_it_for_all_workers(redis, receiver, start_worker):
    """What comes then waits without a connection or an attempt; success closes it."""
    workers = [start_worker(retry_schedule="5s") for _ in range(2)]
    state = open_breaker(redis, receiver, 438, "/bad", workers=2)
    assert state["failures"] >= FAILURES_TO_OPEN and state["status"] == 503
    assert state["error"] == "answered 503"
    assert now_ms(redis) - 10000 < state["failing_since"] <= now_ms(redis)
    assert state["probe_at"] - state["at"] <= 1200
    let_all_hear()
    for n in range(50):
        enqueue(redis, message_event(), id=f"later-{n}")
    wait_until(lambda: redis.xlen(key("events")) == 0, 5, "the events to be put off")
    later = [one for one in records(redis).values() if one.get("event_id", "").startswith("later")]
    assert len(later) >= 48  # one or two may have been probes
    assert all(one.get("attempts", 0) == 0 for one in later if one.get("status") != 503)
    receiver.script("/bad", [Answer(200)])
    wait_until(lambda: len(ids(receiver, "/bad", "later-")) == 50, 20, "all that was put off")
    wait_stat(redis, "delivered", 50 + len(ids(receiver, "/bad", "opener-")))
    wait_until(lambda: is_well(redis, 438), 5, "a closed breaker")
    assert any(worker.logged("breaker_open", room=438) for worker in workers)
    assert any(worker.logged("breaker_closed", room=438) for worker in workers)


def test_probes_come_one_at_a_time_and_less_and_less_often(redis, receiver, start_worker):
    for _ in range(3):
        start_worker(retry_schedule="20s")
    open_breaker(redis, receiver, 438, "/bad", workers=3)
    let_all_hear()
    settled = len(receiver.requests("/bad"))
    for n in range(300):
        enqueue(redis, message_event(), id=f"later-{n}")
    receiver.wait_for(settled + 3, "/bad", timeout=20)
    probes = arrivals(receiver, "/bad")[settled:]
    gaps = [later - earlier for earlier, later in zip(probes, probes[1:])]
    assert gaps[0] >= 1.5 and gaps[1] >= 3.0, gaps
    assert state_of(redis, 438)["opens"] >= 3
    assert stats(redis)["breaker_opened"] <= 3  # by workers that saw it at the same moment


def test_open_hook_harms_no_other_hook_of_the_endpoint(redis, receiver, start_worker):
    """Someone registers your URL with another signature: only their hook is open."""

    def judge(request):
        return Answer(200) if request.header("Verification-Signature") == "good" else Answer(401)

    receiver.script("/", judge)
    set_hook(redis, 1, "main", url=receiver.url(), verificationSignature="good")
    set_hook(redis, 2, "main", url=receiver.url(), verificationSignature="bad")
    start_worker(retry_schedule="20s")
    for _ in range(FAILURES_TO_OPEN + 3):
        enqueue(redis, message_event(room=2))
    wait_until(lambda: state_of(redis, 2).get("opens"), 10, "an open breaker")
    for _ in range(10):
        enqueue(redis, message_event(room=1))
    wait_stat(redis, "delivered", 10)
    assert state_of(redis, 1) == {}


def test_inline_hook_opens_for_all_workers(redis, receiver, start_worker):
    """Another worker does not try what waits, only what it sends before it has seen for itself."""
    receiver.script("/bad", [Answer(503)])
    event = {**message_event(), "webhooks": [{"url": receiver.url("/bad")}]}
    first = start_worker(retry_schedule="60s")
    for _ in range(30):
        enqueue(redis, event)
    first.wait_log("breaker_open", hook="inline-0")
    wait_until(lambda: queue_state(redis)["events"] == 0, 5, "the events to wait")
    ((lane, state),) = wait_until(lambda: hook_states(redis), 5, "the hook's state").items()
    assert re.fullmatch("438/:[0-9a-f]{16}", lane) and state["opens"] >= 1
    assert gate_of(redis, lane)[1:] == ("open", state["fingerprint"])
    assert len(receiver.requests("/bad")) < 15
    first.terminate()

    start_worker(retry_schedule="60s")
    before = len(receiver.requests("/bad"))
    for _ in range(30):
        enqueue(redis, event)
    wait_until(lambda: queue_state(redis)["events"] == 0, 5, "the events to wait")
    let_all_hear()
    # It reads what others learnt of an inline hook only when it claims of its lane: so it sends
    # until it has seen for itself, one more may be under way by then, and one is the probe.
    assert len(receiver.requests("/bad")) - before <= FAILURES_TO_OPEN + 2
    receiver.script("/bad", [Answer(200)])
    untried = 60 - 2 * FAILURES_TO_OPEN
    wait_until(lambda: len(receiver.requests("/bad")) >= before + untried, 30, "what waited")
    wait_until(lambda: "failing_since" not in hook_states(redis)[lane], 5, "a closed breaker")


def test_rejections_do_not_open_it(redis, receiver, start_worker):
    receiver.script("/", [Answer(400)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    for _ in range(20):
        enqueue(redis, message_event())
    wait_stat(redis, "dead", 20)
    assert len(receiver.requests()) == 20
    assert state_of(redis, 438) == {}


def test_a_probe_that_is_cut_off_is_made_by_another(redis, receiver, start_worker):
    """Its worker ends while it waits for the answer: the gate does not stay shut for a lease."""
    worker = start_worker(
        retry_schedule="60s", timeout="30s", connect_timeout="5s", drain_timeout="300ms"
    )
    open_breaker(redis, receiver, 438, "/bad", workers=1)
    for n in range(3):
        enqueue(redis, message_event(), id=f"later-{n}")
    before = len(receiver.requests("/bad"))
    receiver.script("/bad", [Hang(), Answer(200)])
    receiver.wait_for(before + 1, "/bad", timeout=5)  # the probe
    start_worker(retry_schedule="60s")
    worker.terminate()
    receiver.wait_for(before + 4, "/bad", timeout=3)
    assert len(ids(receiver, "/bad", "later-")) == 3
    wait_until(lambda: is_well(redis, 438), 5, "a closed breaker")


# disabling


def test_hook_that_failed_for_long_is_disabled(redis, receiver, start_worker):
    receiver.script("/", [Answer(500)])
    set_hook(redis, 438, "main", url=receiver.url())
    worker = start_worker(retry_schedule="200ms,200ms,200ms,200ms", disable_after="1s")
    enqueue(redis, message_event(), id="first")
    wait_until(lambda: state_of(redis, 438).get("failing_since"), 5, "a failure to be known")
    wait_until(
        lambda: enqueue(redis, message_event()) and state_of(redis, 438).get("disabled"),
        20,
        lambda: f"the hook to be disabled: {state_of(redis, 438)}",
    )
    assert state_of(redis, 438)["reason"] == "failing"
    worker.wait_log("hook_disabled", reason="failing")
    assert_queue_empty(redis, timeout=20)  # what waited is dead, what comes is not delivered
    before = len(receiver.requests())
    enqueue(redis, message_event())
    wait_until(lambda: stats(redis).get("hook_disabled", 0) >= 1, 5, "an event not delivered")
    assert len(receiver.requests()) == before


def test_success_keeps_a_hook_from_being_disabled(redis, receiver, start_worker):
    """It fails again and again for longer than disable-after, but not always."""
    receiver.script("/", [Answer(200 if n % 3 else 500) for n in range(10000)])
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker(retry_schedule="100ms,100ms,100ms,100ms", disable_after="1s")
    began = time.monotonic()
    n = 0
    while time.monotonic() - began < 4:
        n += 1
        enqueue(redis, message_event())
        wait_until(lambda: queue_state(redis)["events"] == 0, 5, "the event to be read")
        receiver.wait_for(n, timeout=5)
    assert not state_of(redis, 438).get("disabled")


# Retry-After on all workers


@pytest.mark.parametrize("is_inline", [False, True])
def test_retry_after_stops_all_workers_within_moments(redis, receiver, start_worker, is_inline):
    """One worker hears it; the others, who know the hook, stop too. No other hook does."""
    heard = []

    def judge(request):
        if not heard and len(receiver.requests("/busy")) > 40:
            heard.append(request.arrived)
            return Answer(429, (("Retry-After", "3"),))
        return Answer(200)

    receiver.script("/busy", judge)
    busy, free = message_event(room=1), message_event(room=2)
    if is_inline:
        busy["webhooks"] = [{"url": receiver.url("/busy")}]
        free["webhooks"] = [{"url": receiver.url("/free")}]
    else:
        set_hook(redis, 1, "main", url=receiver.url("/busy"))
        set_hook(redis, 2, "main", url=receiver.url("/free"))
    for _ in range(3):
        start_worker(retry_schedule="20s")
    ends = time.monotonic() + 6
    while time.monotonic() < ends and (not heard or time.monotonic() < heard[0] + 2.5):
        enqueue(redis, busy)
        enqueue(redis, free)
        wait_until(lambda: redis.xlen(key("events")) < 10, 5, "workers to keep up")
    assert heard
    too_early = [at for at in arrivals(receiver, "/busy") if heard[0] + 0.3 < at < heard[0] + 3.0]
    assert not too_early
    others = [at for at in arrivals(receiver, "/free") if heard[0] + 0.3 < at < heard[0] + 2.0]
    assert len(others) > 20


def test_state_that_somebody_wrote_harms_nobody(redis, receiver, start_worker):
    """Members of the wrong type: they say nothing, and what other hooks learnt is kept."""
    receiver.script("/bad", [Answer(503)])
    for room in (1, 2):
        set_hook(redis, room, "main", url=receiver.url("/bad"))
    start_worker(retry_schedule="20s", max_per_endpoint=64)
    for room in (1, 2):
        enqueue(redis, message_event(room=room))
    wait_until(lambda: state_of(redis, 1) and state_of(redis, 2), 5, "both hooks' states")
    known = {"fingerprint": state_of(redis, 1)["fingerprint"]}
    strange = {"failing_since": "x", "failures": [], "until": {}, "opens": "5", "probe_at": None}
    redis.hset(key("hooks-state"), "1/main", json.dumps({**known, **strange}))
    redis.hset(key("gates"), "1/main", "soon open")
    for _ in range(FAILURES_TO_OPEN + 3):
        for room in (1, 2):
            enqueue(redis, message_event(room=room))
    for room in (1, 2):
        wait_until(lambda: state_of(redis, room).get("opens") == 1, 5, f"an open hook of {room}")
    # An open hook of which nobody knows when to probe it is probed.
    unclear = {**known, "opens": 1, "probe_at": "soon"}
    redis.hset(key("hooks-state"), "1/main", json.dumps(unclear))
    redis.hset(key("gates"), "1/main", f"soon open {known['fingerprint']}")
    redis.xadd(key("hooks-changed"), {"room": 1, "hook": "main"})
    let_all_hear()
    enqueue(redis, message_event(room=1), id="after")
    wait_until(lambda: ids(receiver, "/bad", "after"), 3, "an attempt")


def test_states_are_kept_when_nobody_can_be_told(redis, receiver, start_worker):
    redis.set(key("hooks-changed"), "not a stream")
    failed = ("failed", 0, 5, 503, "answered 503", 1, 1000, 0)
    LaneQueue(redis).gate(*[(f"{room}/main", *failed) for room in (1, 2)])
    assert state_of(redis, 1)["opens"] == state_of(redis, 2)["opens"] == 1
    assert gate_of(redis, "1/main")[1] == gate_of(redis, "2/main")[1] == "open"


# rates


def check_places(times, began, interval, bunch=0):
    """None came before its place, but for what may come at once at the beginning. A busy machine is
    late, and then has some at once; half of all are apart on any."""
    ahead = 0.1  # places are given so long before, and what was given is waited for
    early = [n for n, at in enumerate(times) if at < began + (n - bunch) * interval - ahead]
    assert not early, [at - began for at in times]
    rest = times[bunch:]
    gaps = [later - earlier for earlier, later in zip(rest, rest[1:])]
    assert statistics.median(gaps) >= interval / 2, gaps


def test_rate_is_shared_and_spread(redis, receiver, start_worker):
    """20/s over two workers: 50 ms between any two."""
    set_hook(redis, 438, "main", url=receiver.url(), rateLimit="20/s")
    for _ in range(2):
        start_worker()
    began = time.monotonic()
    for _ in range(60):
        enqueue(redis, message_event())
    requests = receiver.wait_for(60, timeout=15)
    times = sorted(request.arrived for request in requests)
    check_places(times, began, 0.05)
    assert times[-1] - began <= 2 * 59 * 0.05 + 2
    assert_queue_empty(redis)


def test_each_is_sent_at_its_place(redis, receiver, start_worker):
    """What is claimed at a time is not sent at a time."""
    set_hook(redis, 438, "main", url=receiver.url(), rateLimit="20/s")
    start_worker()
    began = time.monotonic()
    for _ in range(40):
        enqueue(redis, message_event())
    receiver.wait_for(40, timeout=15)
    check_places(arrivals(receiver), began, 0.05)


def test_missed_places_do_not_bunch(redis, receiver, start_worker):
    """No worker runs while places pass by: what waited is spread anew."""
    set_hook(redis, 438, "main", url=receiver.url(), rateLimit="20/s")
    worker = start_worker()
    for _ in range(60):
        enqueue(redis, message_event())
    receiver.wait_for(3)
    wait_until(lambda: redis.xlen(key("events")) == 0, 5, "all to have a place")
    worker.pause()
    paused = time.monotonic()
    wait_until(lambda: time.monotonic() > paused + 4, 6, "their places to pass")
    resumed = time.monotonic()
    worker.resume()
    receiver.wait_for(60, timeout=15)
    times = [at for at in arrivals(receiver) if at > resumed]
    assert len(times) > 30
    # The 20 places of the last second, and what was claimed before, may come at once.
    check_places(times, resumed, 0.05, bunch=26)


def test_changed_rate_begins_a_new_row(redis, receiver, cli, start_worker):
    """Places that were taken at a rate that was a slip do not keep what comes later waiting."""
    set_hook(redis, 438, "main", url=receiver.url(), rateLimit="1/h")
    start_worker()
    for _ in range(5):
        enqueue(redis, message_event())
    wait_until(lambda: queue_state(redis)["deliveries"] == 4, 5, "the others to have places")
    cli("hook", "set", "--room", "438", "--rate-limit", "50/s")
    let_all_hear()
    enqueue(redis, message_event(), id="later")
    wait_until(lambda: ids(receiver, "/", "later"), 5, "what came after the change")
    cli("hook", "resume", "--room", "438")
    receiver.wait_for(6, timeout=10)
    assert_queue_empty(redis)


def test_rate_of_one_hook_is_no_others(redis, receiver, start_worker):
    set_hook(redis, 1, "main", url=receiver.url("/slow"), rateLimit="1/s")
    set_hook(redis, 2, "main", url=receiver.url("/fast"))
    start_worker()
    for _ in range(20):
        enqueue(redis, message_event(room=1))
        enqueue(redis, message_event(room=2))
    receiver.wait_for(20, "/fast", timeout=5)
    assert len(receiver.requests("/slow")) <= 3


def test_probe_of_a_hook_with_a_rate_takes_a_place(redis, receiver, start_worker):
    """What is sent after it comes an interval later, on every worker."""
    receiver.script("/", [Answer(503)] * FAILURES_TO_OPEN + [Answer(200)])
    set_hook(redis, 438, "main", url=receiver.url(), rateLimit="2/s")
    for _ in range(2):
        start_worker(retry_schedule="20s")
    for n in range(FAILURES_TO_OPEN + 4):
        enqueue(redis, message_event(), id=f"event-{n}")
    receiver.wait_for(FAILURES_TO_OPEN + 4, timeout=15)
    times = arrivals(receiver)
    gaps = [later - earlier for earlier, later in zip(times, times[1:])]
    assert min(gaps) >= 0.35, gaps  # a place may be given 0.1 s ahead
    wait_until(lambda: is_well(redis, 438), 5, "a closed breaker")
    assert gate_of(redis, "438/main")[1] == "rate"
