"""The scripts for what waits in lanes, one rule after the other; test_lane_random.py mixes them."""

import json

import pytest

from lane_invariants import check_invariants
from lane_scripts import LEASE_MS, LETTER, MAX_AGE_MS, LaneQueue, delivery_id, stream_of

LANE = "438/main"
LARGE = b"x" * 5000
FAR_MS = 60000


@pytest.fixture
def queue(redis):
    """Of which everything must hold at the end of each test."""
    one = LaneQueue(redis)
    yield one
    check_invariants(redis, print_of=one.print_of, max_age_of=one.max_age_of)


@pytest.fixture
def other(queue, redis):
    """Another worker of it."""
    return LaneQueue(redis, "w2")


def ids(claim):
    return [claimed.id for claimed in claim.deliveries]


def ms_of(stream_id):
    return int(stream_id.split("-")[0])


def dead(queue):
    return [{name.decode(): value for name, value in fields.items()}
            for _, fields in queue.redis.xrange(queue.key("dead"))]


# --- into a lane ---


def test_wait_goes_into_the_lane_once_and_the_entry_is_gone(queue, redis):
    stream_id = queue.put(LANE, document=b'{"message":1}')
    delivery = delivery_id(stream_id)
    assert redis.hget(queue.key("deliveries"), delivery).endswith(b'}\n{"message":1}')
    assert queue.score(LANE, delivery) == ms_of(stream_id)
    assert queue.lane_score(LANE) == ("lanes", ms_of(stream_id))
    assert redis.xlen(queue.key("events")) == 0
    assert redis.hget(queue.key("meta"), "removed") == b"1"


def test_wait_of_a_stream_id_ahead_of_the_clock_is_due_now(queue):
    ahead = queue.now() + 3600000
    queue.put(LANE, stream_id=f"{ahead}-1")
    assert queue.score(LANE, f"{ahead}-000001/main") <= queue.now()
    assert queue.claim(LANE).lanes[LANE][0] == 1


def test_padded_ids_keep_the_order_of_the_stream(queue):
    ms = queue.now()
    made = [queue.put(LANE, stream_id=f"{ms}-{seq}") for seq in (9, 10, 100, 99999)]
    assert ids(queue.claim(LANE)) == [delivery_id(stream_id) for stream_id in made]


def test_settle_stream_sent_twice_changes_nothing(queue, redis):
    stream_id = queue.event(LARGE)
    entry = (stream_id, LARGE, ("wait", "a", "438/a"), ("retry", "b", "438/b", FAR_MS),
             ("lease", "c", "438/c", "w1:1"), ("dead", LETTER))
    assert queue.settle_stream(entry).results == [1]
    before = {name: redis.dump(name) for name in redis.keys()}
    assert queue.settle_stream(entry).results == [0]
    assert {name: redis.dump(name) for name in redis.keys()} == before
    assert redis.xlen(queue.key("dead")) == 1


def test_entry_of_another_worker_is_left_alone(queue, other, redis):
    stream_id = other.event()
    assert queue.settle_stream((stream_id, b"{}", ("wait", "main", LANE))).results == [0]
    assert not redis.exists(queue.key("deliveries"))
    assert other.settle_stream((stream_id, b"{}", ("wait", "main", LANE))).results == [1]


def test_entries_of_a_deleted_stream_are_left_alone(queue, redis):
    stream_id = queue.event()
    redis.delete(queue.key("events"))
    assert queue.settle_stream((stream_id, b"{}", ("dead", LETTER))).results == [0]
    assert not redis.exists(queue.key("dead"))


def test_append_lowers_the_score_of_its_lane(queue):
    stream_id, later = queue.event(count=2)
    queue.settle_stream((later, b"{}", ("retry", "main", LANE, FAR_MS)))
    assert queue.lane_score(LANE)[1] > queue.now() + FAR_MS // 2
    queue.settle_stream((stream_id, b"{}", ("wait", "main", LANE)))
    assert queue.lane_score(LANE)[1] == ms_of(stream_id)


def test_lease_goes_on_in_its_lane_and_keeps_its_place(queue):
    stream_id = queue.event()
    queue.settle_stream((stream_id, b"{}", ("lease", "main", LANE, "w1:7")))
    assert queue.lane_score(LANE)[1] > queue.now() + LEASE_MS // 2
    assert ids(queue.claim(LANE)) == []

    class Detached:
        id, fence, lane, record, is_shared = delivery_id(stream_id), "w1:7", LANE, b"{}\n", False

    assert queue.settle_leased((Detached, "release")).results == [1]
    assert queue.score(LANE, Detached.id) == ms_of(stream_id)


def test_settles_when_redis_is_full(queue, redis):
    stream_id = queue.event()
    redis.config_set("maxmemory", "1")
    try:
        assert queue.settle_stream((stream_id, b"{}", ("wait", "main", LANE))).results == [1]
        queue.look()
        claim = queue.claim(LANE)
        queue.gate((LANE, "pause", 1))
        queue.resume(LANE)
        assert queue.settle_leased((claim.deliveries[0], "done")).results == [1]
    finally:
        redis.config_set("maxmemory", "0")


# --- claim and settle ---


@pytest.mark.parametrize("document", [b"{}", LARGE])
def test_claim_leases_and_done_removes(queue, redis, document):
    stream_id = queue.put(LANE, document=document)
    claim = queue.claim(LANE)
    (claimed,) = claim.deliveries
    assert (claimed.id, claimed.expired, claimed.place) == (
        delivery_id(stream_id), 0, ms_of(stream_id))
    assert claimed.document == document and claimed.json["lane"] == LANE
    assert queue.score(LANE, claimed.id) >= claim.now + LEASE_MS
    assert queue.lane_score(LANE)[1] >= claim.now + LEASE_MS
    assert ids(queue.claim(LANE)) == []
    assert queue.settle_leased((claimed, "done")).results == [1]
    assert queue.settle_leased((claimed, "done")).results == [0]
    assert {name.decode() for name in redis.keys()} == {queue.key("meta"), queue.key("events")}


def test_claim_takes_the_oldest_and_leaves_the_lane_due(queue):
    made = [queue.put(LANE) for _ in range(3)]
    claim = queue.claim(LANE, count=2)
    assert ids(claim) == [delivery_id(stream_id) for stream_id in made[:2]]
    assert claim.lanes[LANE][:3] == (2, "free", ms_of(made[2]))
    assert queue.lane_score(LANE) == ("lanes", ms_of(made[2]))


def test_claim_is_bound_by_deliveries_and_bytes(queue):
    for _ in range(3):
        queue.put(LANE, "438/b", document=LARGE)
    assert len(queue.claim(LANE, "438/b", most=1).deliveries) == 1
    claim = queue.claim(LANE, "438/b", most_bytes=1)
    assert len(claim.deliveries) == 1 and len(claim.documents) == 1
    claim = queue.claim(LANE, "438/b", most_bytes=2 * 6000)
    assert len(claim.documents) == 2 and len(claim.deliveries) == 2
    check_invariants(queue.redis)


def test_large_document_is_stored_and_claimed_once(queue, redis):
    lanes = [f"438/h{n}" for n in range(5)]
    stream_id = queue.put(*lanes, document=LARGE)
    stream = stream_of(delivery_id(stream_id))
    assert redis.hlen(queue.key("documents")) == 1
    assert redis.scard(queue.key(f"holders:{stream}")) == 5
    claim = queue.claim(*lanes)
    assert list(claim.documents) == [stream.encode()] and len(claim.deliveries) == 5
    queue.settle_leased((claim.deliveries[0], "retry", 0), (claim.deliveries[1], "release"),
                        *[(claimed, "done") for claimed in claim.deliveries[2:]])
    assert redis.scard(queue.key(f"holders:{stream}")) == 2
    check_invariants(redis)
    claim = queue.claim(*lanes)
    assert [claimed.document for claimed in claim.deliveries] == [LARGE, LARGE]
    queue.settle_leased((claim.deliveries[0], "done"), (claim.deliveries[1], "dead", LETTER))
    assert not redis.exists(queue.key("documents")) and not redis.keys(queue.key("holders:*"))


def test_retry_waits_until_it_is_due_and_keeps_its_document(queue):
    queue.put(LANE, document=b'{"message":2}')
    (claimed,) = queue.claim(LANE).deliveries
    settled = queue.settle_leased((claimed, "retry", FAR_MS))
    assert settled.results == [1]
    due = queue.score(LANE, claimed.id)
    assert queue.now() < due <= queue.now() + FAR_MS
    assert queue.lane_score(LANE)[1] <= due
    assert queue.claim(LANE).lanes[LANE] == (0, "free", due, 0)
    assert queue.lane_score(LANE) == ("lanes", due)
    record = queue.redis.hget(queue.key("deliveries"), claimed.id)
    assert json.loads(record.split(b"\n")[0])["due_at"] == due
    assert record.endswith(b'\n{"message":2}')
    assert ids(queue.claim(LANE)) == []
    assert queue.settle_leased((claimed, "retry", 0)).results == [0]


def test_settle_lowers_the_score_of_its_lane(queue):
    queue.put(LANE)
    (claimed,) = queue.claim(LANE).deliveries
    queue.settle_leased((claimed, "retry", 10))
    assert queue.lane_score(LANE)[1] <= queue.now() + 10


def test_release_gives_the_old_place_back(queue):
    first, second = queue.put(LANE), queue.put(LANE)
    claim = queue.claim(LANE)
    queue.settle_leased((claim.deliveries[1], "retry", 1))
    queue.settle_leased((claim.deliveries[0], "release"))
    assert queue.score(LANE, delivery_id(first)) == ms_of(first)
    assert queue.lane_score(LANE)[1] == ms_of(first)
    due = queue.score(LANE, delivery_id(second))
    while queue.now() < due:
        pass
    claim = queue.claim(LANE)
    assert ids(claim) == [delivery_id(first), delivery_id(second)]
    queue.settle_leased(*[(claimed, "release") for claimed in claim.deliveries])
    assert queue.score(LANE, delivery_id(second)) == due


def test_lease_that_ran_out_is_counted_and_its_holder_fenced(queue, other):
    stream_id = queue.put(LANE)
    (lost,) = queue.claim(LANE, lease_ms=0).deliveries
    (claimed,) = other.claim(LANE, lease_ms=0).deliveries
    assert (claimed.expired, claimed.place) == (1, ms_of(stream_id))
    for kind in (["done"], ["retry", 0], ["release"], ["renew"], ["dead", LETTER]):
        assert queue.settle_leased((lost, *kind)).results == [0]
    (again,) = queue.claim(LANE).deliveries
    assert again.expired == 2
    assert other.settle_leased((claimed, "done")).results == [0]
    queue.settle_leased((again, "release"))
    assert queue.score(LANE, again.id) == ms_of(stream_id)
    (again,) = other.claim(LANE).deliveries
    assert again.expired == 2
    other.settle_leased((again, "retry", 0))
    due = queue.score(LANE, again.id)
    (again,) = queue.claim(LANE).deliveries
    assert (again.expired, again.place) == (2, due)


def test_renew_gives_a_whole_lease(queue):
    queue.put(LANE)
    (claimed,) = queue.claim(LANE, lease_ms=1).deliveries
    assert queue.settle_leased((claimed, "renew")).results == [1]
    assert queue.score(LANE, claimed.id) > queue.now() + LEASE_MS // 2


def test_several_in_one_batch(queue):
    for _ in range(4):
        queue.put("438/a", "438/b")
    claim = queue.claim("438/a", "438/b")
    kinds = ["done", "release"] * 2 + ["dead", "retry"] * 2
    more = {"dead": [LETTER], "retry": [0]}
    settled = queue.settle_leased(*[(claimed, kind, *more.get(kind, []))
                                    for claimed, kind in zip(claim.deliveries, kinds)])
    assert settled.results == [1] * 8
    assert queue.redis.zcard(queue.key("lane:438/a")) == 2
    assert queue.redis.zcard(queue.key("lane:438/b")) == 2
    assert len(dead(queue)) == 2


# --- look ---


def test_look_finds_due_lanes_and_reserves_them(queue, other):
    queue.put(LANE)
    queue.put("439/main")
    queue.gate(("439/main", "failed", 0, 5, 503, "answered 503", 1, 0, 0))
    later = queue.event()
    queue.settle_stream((later, b"{}", ("retry", "main", "440/main", 2 * FAR_MS)))
    now, next_ms, due, shut = queue.look()
    assert list(due) == [LANE] and due[LANE] == ""
    assert list(shut) == ["439/main"] and shut["439/main"].split(" ")[1] == "open"
    assert next_ms == now + 1000
    assert other.look()[2:] == (other.look(0, 0)[2], {})
    assert queue.lane_score(LANE) == ("lanes", now + 1000)
    # What comes behind does not end that, a new head does.
    queue.put(LANE)
    assert queue.lane_score(LANE) == ("lanes", now + 1000)
    assert other.look()[2] == {}
    (claimed,) = queue.claim(LANE, count=1).deliveries
    queue.look()
    queue.settle_leased((claimed, "release"))
    assert list(other.look()[2]) == [LANE]


def test_append_makes_a_lane_that_is_missing_or_late_due_within_a_second(queue, redis):
    queue.put(LANE)
    redis.delete(queue.key("lanes"))
    queue.put(LANE)
    assert queue.lane_score(LANE)[1] <= queue.now() + 1000
    redis.zadd(queue.key("lanes"), {LANE: queue.now() + FAR_MS})
    queue.put(LANE)
    assert queue.lane_score(LANE)[1] <= queue.now() + 1000


def test_look_keeps_the_longest_name_and_no_longer_one(queue, redis):
    longest = f"{'r' * 128}/{'h' * 64}"
    queue.put(longest)
    redis.zadd(queue.key("lanes"), {longest + "h": 0})
    now, _, due, _ = queue.look()
    assert set(due) == {longest, longest + "h"}
    assert redis.zrange(queue.key("lanes"), 0, -1, withscores=True) == [
        (longest.encode(), now + 1000)]


def test_look_is_bound(queue):
    for room in range(60):
        queue.put(f"{room}/main")
    assert len(queue.look()[2]) == 48
    assert len(queue.look()[2]) == 12


def test_look_says_nothing_of_a_set_of_which_none_is_wished(queue):
    for lane in (LANE, "439/main"):
        queue.put(lane)
    queue.fail(LANE, opens=1)
    assert queue.look(48, 0)[1] > 0
    (claimed,) = queue.claim("439/main").deliveries
    queue.settle_leased((claimed, "done"))
    assert queue.look(48, 0)[1:] == (-1, {}, {})
    assert list(queue.look(48, 1)[3]) == [LANE]


def test_recheck_makes_gated_lanes_due(queue, redis):
    for lane in (LANE, "439/main", "440/main", "441/main"):
        queue.put(lane)
    queue.gate((LANE, "pause", 2 * FAR_MS), ("439/main", "pause", 2 * FAR_MS))
    queue.fail("440/main", opens=1, probe_ms=FAR_MS)
    queue.claim("441/main")
    leased = queue.lane_score("441/main")
    recheck = (queue.keys("gates lanes lanes-shut"), [LANE, "440/main", "441/main", "none/main"])
    assert queue.call("recheck", *recheck) == 2
    assert queue.lane_score(LANE) == ("lanes", pytest.approx(queue.now(), abs=1000))
    assert queue.lane_score("440/main") == ("lanes-shut", pytest.approx(queue.now(), abs=1000))
    assert queue.lane_score("439/main")[1] > queue.now() + FAR_MS
    assert queue.lane_score("441/main") == leased
    # The gate of the hook as it is holds.
    claim = queue.claim(LANE, "440/main")
    assert ids(claim) == [] and claim.lanes[LANE][1] == "paused"
    assert queue.lane_score(LANE)[1] > queue.now() + FAR_MS
    assert queue.lane_score("440/main")[1] > queue.now() + FAR_MS // 2


def test_look_at_nothing(queue):
    assert queue.look()[1:] == (-1, {}, {})


def test_look_and_claim_with_scores_set_by_hand(queue, redis):
    delivery = delivery_id(queue.put(LANE))
    redis.zadd(queue.key("lanes"), {LANE: "-inf"})
    redis.zadd(queue.key(f"lane:{LANE}"), {delivery: "-inf"})
    assert list(queue.look()[2]) == [LANE]
    redis.zadd(queue.key("lanes"), {LANE: "+inf"})
    now, next_ms, *_ = queue.look()
    assert next_ms == now + FAR_MS
    (claimed,) = queue.claim(LANE).deliveries
    assert claimed.place == 0
    queue.settle_leased((claimed, "retry", 1))
    redis.zadd(queue.key(f"lane:{LANE}"), {delivery: "+inf"})
    assert queue.claim(LANE).lanes[LANE][:3] == (0, "free", 2**53)
    (claimed,) = queue.claim(LANE, mode="all").deliveries
    queue.settle_leased((claimed, "done"))


def test_acknowledging_counts_what_was_there(queue, other):
    first, second, third = queue.event(count=3)
    assert queue.acknowledge(first) == [1]
    other.settle_stream((second, b"{}"))
    assert queue.acknowledge(first, second, third) == [0, 1, 1]  # whoever holds it
    assert queue.acknowledge(second) == [0]
    assert queue.redis.xlen(queue.key("events")) == 0
    assert queue.redis.hget(queue.key("meta"), "removed") == b"3"


# --- gates ---


def test_pause_holds_back_and_is_never_shortened(queue):
    queue.put(LANE)
    queue.gate((LANE, "pause", FAR_MS))
    queue.gate((LANE, "pause", 1))
    until = queue.lane_score(LANE)[1]
    assert until > queue.now() + FAR_MS // 2 and queue.lane_score(LANE)[0] == "lanes"
    assert queue.look()[2] == {}
    claim = queue.claim(LANE)
    assert claim.lanes[LANE] == (0, "paused", until, 0)
    queue.put(LANE)
    assert queue.lane_score(LANE)[1] == until
    queue.gate((LANE, "ok", 0, 0))
    assert queue.claim(LANE).lanes[LANE][1] == "paused"


def test_pause_that_is_over_holds_nothing_back(queue):
    queue.put(LANE)
    queue.gate((LANE, "pause", 0))
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "free")


def test_open_lets_one_probe_pass_when_it_is_due(queue, other):
    for _ in range(3):
        queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    assert queue.lane_score(LANE)[0] == "lanes-shut"
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "open")
    queue.gate((LANE, "probe", 0))
    assert list(queue.look()[3]) == [LANE]
    claim = queue.claim(LANE)
    assert claim.lanes[LANE][:2] == (1, "probe")
    assert other.claim(LANE).lanes[LANE][:2] == (0, "open")
    assert queue.lane_score(LANE) == ("lanes-shut", claim.now + LEASE_MS)
    queue.fail(LANE, opens=2, probe_ms=FAR_MS)
    queue.settle_leased((claim.deliveries[0], "retry", 0))
    assert queue.lane_score(LANE)[0] == "lanes-shut"
    assert other.claim(LANE).lanes[LANE][:2] == (0, "open")
    queue.gate((LANE, "ok", 0, 0))
    assert queue.lane_score(LANE)[0] == "lanes"
    assert other.claim(LANE).lanes[LANE][:2] == (3, "free")


def test_late_failures_do_not_end_the_probe(queue):
    queue.put(LANE), queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=0)
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "probe")
    queue.fail(LANE)
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "open")


def test_two_workers_that_see_the_same_outage_open_it_once(queue, other):
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    gate = queue.redis.hget(queue.key("gates"), LANE)
    other.fail(LANE, opens=1, probe_ms=2 * FAR_MS)
    assert queue.redis.hget(queue.key("gates"), LANE) == gate
    state = json.loads(queue.redis.hget(queue.key("hooks-state"), LANE))
    assert (state["failures"], state["opens"], state["fingerprint"]) == (2, 1, queue.print_of(LANE))


def known_of(queue, lane=LANE):
    return json.loads(queue.redis.hget(queue.key("hooks-state"), lane))


def test_a_failure_before_a_success_is_no_news(queue, other):
    queue.put(LANE)
    queue.fail(LANE, ago_ms=900)
    other.gate((LANE, "ok", 400, 0))
    queue.fail(LANE, ago_ms=500)
    assert "failing_since" not in known_of(queue)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS, ago_ms=500)
    assert "opens" not in known_of(queue)
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "free")
    # The worker that takes the hook for open reads better.
    assert queue.redis.xlen(queue.key("hooks-changed")) == 1
    queue.fail(LANE, ago_ms=300)
    assert known_of(queue)["failures"] == 1


def test_a_success_before_a_failure_does_not_end_it(queue, other):
    queue.fail(LANE, ago_ms=900)
    since = known_of(queue)["failing_since"]
    queue.fail(LANE, opens=1, probe_ms=FAR_MS, ago_ms=100)
    other.gate((LANE, "ok", 400, 0))
    state = known_of(queue)
    assert state["opens"] == 1 and state["failing_since"] >= since + 400
    other.gate((LANE, "ok", 50, 0))
    assert "opens" not in known_of(queue)


def test_the_latest_failure_is_described(queue, other):
    queue.fail(LANE, ago_ms=100)
    other.gate((LANE, "failed", 200, 2, 0, "connect: refused", 0, 0, 0))
    state = known_of(queue)
    assert (state["failures"], state["status"], state["error"]) == (3, 503, "answered 503")


def test_what_one_worker_says_counts_in_its_order(queue):
    """Redis may have let it wait: then its times are no order."""
    queue.fail(LANE)
    queue.gate((LANE, "ok", 500, 0))
    assert "failing_since" not in known_of(queue)
    queue.fail(LANE, ago_ms=900)
    assert known_of(queue)["failures"] == 1


def test_a_failure_of_long_ago_is_no_news(queue):
    queue.fail(LANE, ago_ms=3600001)
    assert not queue.redis.exists(queue.key("hooks-state"))


def test_open_and_paused_waits_for_both_and_then_probes(queue):
    queue.put(LANE), queue.put(LANE)
    queue.gate((LANE, "pause", FAR_MS))
    queue.fail(LANE, opens=1, probe_ms=0)
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "paused-open")
    assert queue.lane_score(LANE)[0] == "lanes-shut"
    gate = f"{queue.now()}.000 paused-open {queue.print_of(LANE)}"
    queue.redis.hset(queue.key("gates"), LANE, gate)
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "probe")


def test_rate_gives_places_a_little_ahead(queue, other):
    for _ in range(20):
        queue.put(LANE)
    queue.intervals[LANE] = other.intervals[LANE] = 30000
    claim = queue.claim(LANE)
    taken, word, next_ms, place = claim.lanes[LANE]
    assert (taken, word) == (4, "rate") and place // 1000 == claim.now
    assert next_ms == -(-(place + 4 * 30000) // 1000)
    claim = other.claim(LANE)
    if claim.lanes[LANE][0]:  # time went by
        assert claim.lanes[LANE][3] == place + 4 * 30000
    while queue.now() < next_ms:
        pass
    assert 1 <= queue.claim(LANE).lanes[LANE][0] <= 5


def test_a_rate_that_was_raised_holds_nothing_back(queue):
    queue.put(LANE), queue.put(LANE)
    queue.intervals[LANE] = 3600000000
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "rate")
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "rate")
    queue.intervals[LANE] = 1000
    assert queue.claim(LANE).lanes[LANE][0] == 1
    queue.intervals[LANE] = 0
    queue.put(LANE)
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "free")


def test_a_probe_waits_for_its_place_at_a_rate(queue):
    queue.put(LANE), queue.put(LANE)
    queue.intervals[LANE] = 3600000000
    queue.claim(LANE)
    queue.fail(LANE, opens=1, probe_ms=1)
    claim = queue.claim(LANE)
    assert claim.lanes[LANE][:2] == (0, "open") and queue.lane_score(LANE)[0] == "lanes-shut"
    gate = queue.redis.hget(queue.key("gates"), LANE)
    assert float(gate.split(b" ")[0]) > claim.now + 3500000


def test_rate_after_a_probe_begins_an_interval_later(queue):
    queue.put(LANE), queue.put(LANE)
    queue.intervals[LANE] = 3600000000
    queue.fail(LANE, opens=1, probe_ms=0)
    (claimed,) = queue.claim(LANE).deliveries
    queue.gate((LANE, "ok", 0, 3600000000))
    queue.settle_leased((claimed, "done"))
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "rate")


def test_lane_of_a_disabled_hook_is_claimed_to_be_buried(queue):
    stream_ids = queue.event(count=3)
    for stream_id in stream_ids:
        queue.settle_stream((stream_id, b"{}", ("retry", "main", LANE, FAR_MS)))
    queue.gate((LANE, "gone"))
    assert list(queue.look()[3]) == [LANE]
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "disabled")
    claim = queue.claim(LANE, mode="all", count=2)
    assert len(claim.deliveries) == 2
    assert queue.lane_score(LANE) == ("lanes-shut", claim.now)
    queue.settle_leased(*[(claimed, "dead", LETTER) for claimed in claim.deliveries])
    queue.gate((LANE, "ok", 0, 0))
    assert queue.claim(LANE).lanes[LANE][1] == "disabled"
    queue.resume(LANE)
    assert queue.lane_score(LANE)[0] == "lanes"


def test_all_leaves_what_is_held(queue, other):
    queue.put(LANE), queue.put(LANE)
    held = ids(queue.claim(LANE, count=1))
    assert set(ids(other.claim(LANE, mode="all"))).isdisjoint(held)
    assert other.claim(LANE, mode="all").lanes[LANE][2] > queue.now()


def test_disabled_by_what_was_learnt(queue):
    queue.put(LANE)
    assert queue.fail(LANE, disable_after_ms=3600000) == []
    queue.redis.hset(queue.key("hooks-state"), LANE, json.dumps(
        {"failing_since": 1, "failures": 3, "fingerprint": queue.print_of(LANE)}))
    assert queue.fail(LANE, disable_after_ms=3600000) == [LANE]
    assert queue.lane_score(LANE)[0] == "lanes-shut"
    assert queue.claim(LANE).lanes[LANE][1] == "disabled"
    queue.resume(LANE)
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "free")
    queue.gate((LANE, "gone"))
    assert queue.redis.xlen(queue.key("hooks-changed")) == 3


def test_gate_of_another_fingerprint_is_void(queue):
    queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    assert queue.lane_score(LANE)[0] == "lanes-shut"
    queue.prints[LANE] = "ffffffff"
    later = queue.event()
    queue.settle_stream((later, b"{}", ("retry", "main", LANE, FAR_MS)))
    # Moved, with the score of what waited there.
    name, score = queue.lane_score(LANE)
    assert name == "lanes" and score <= queue.now() + 1000
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "free")


def test_claim_of_another_fingerprint_moves_the_lane(queue):
    queue.put(LANE)
    queue.gate((LANE, "gone"))
    queue.prints[LANE] = "ffffffff"
    assert queue.claim(LANE, count=0).lanes[LANE][1] == "free"
    assert queue.lane_score(LANE)[0] == "lanes"


@pytest.mark.parametrize("gate", [
    "", "x", "1 2 3", "99999999999999 open 0123abcd", "99999999999999 rate 0123abcd",
    "99999999999999 paused 0123abcd", "-5 open 0123abcd", "5 removed 0123abcd", "nan open 0123abcd",
])
def test_gate_set_by_hand_or_of_a_clock_that_went_back_is_void(queue, redis, gate):
    queue.put(LANE)
    redis.hset(queue.key("gates"), LANE, gate)
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "free")
    redis.hdel(queue.key("gates"), LANE)


@pytest.mark.parametrize("news, word", [
    (("pause", FAR_MS), "paused"), (("failed", 0, 1, 503, "answered 503", 1, FAR_MS, 0), "open"),
])
def test_hook_state_of_a_clock_that_went_back_does_not_keep_news_out(queue, redis, news, word):
    """Its times are in a far future; of what has happened too."""
    queue.put(LANE)
    far = queue.now() + 365 * 86400000
    redis.hset(queue.key("hooks-state"), LANE, json.dumps({
        "until": far, "opens": 3, "probe_at": far, "ok_at": far, "failed_at": far, "at": far,
        "failing_since": far, "by": "w2", "fingerprint": queue.print_of(LANE)}))
    queue.gate((LANE, "ok", 0, 0))
    state = json.loads(redis.hget(queue.key("hooks-state"), LANE))
    assert {"until", "opens", "probe_at"}.isdisjoint(state) and state["ok_at"] <= queue.now()
    queue.gate((LANE, *news))
    assert queue.claim(LANE).lanes[LANE][:2] == (0, word)


def test_open_hook_whose_probe_is_too_far_away_is_probed_now(queue, redis):
    queue.put(LANE)
    redis.hset(queue.key("hooks-state"), LANE, json.dumps({
        "opens": 3, "probe_at": queue.now() + 365 * 86400000, "failing_since": 1,
        "fingerprint": queue.print_of(LANE)}))
    queue.gate((LANE, "pause", 0))
    assert queue.claim(LANE).lanes[LANE][:2] == (1, "probe")
    queue.fail(LANE, opens=4, probe_ms=FAR_MS)
    queue.put(LANE)
    assert queue.claim(LANE).lanes[LANE][:2] == (0, "open")


@pytest.mark.parametrize("state", [
    "", "x", "[]", "1", '{"until":"x","opens":[],"fingerprint":"0123abcd"}', '{"opens":1e999}',
])
def test_hook_state_set_by_hand(queue, redis, state):
    queue.put(LANE)
    redis.hset(queue.key("hooks-state"), LANE, state)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    assert queue.claim(LANE).lanes[LANE][1] == "open"


# --- expiry ---


def test_a_shut_lane_is_looked_at_when_its_head_expires(queue):
    queue.max_ages[LANE] = 30
    first, second = queue.put(LANE), queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    assert queue.lane_score(LANE) == ("lanes-shut", ms_of(first) + 30)
    while queue.now() < ms_of(second) + 30:
        pass
    claim = queue.claim(LANE)
    assert [claimed.is_over_age for claimed in claim.deliveries] == [True, True]
    assert claim.lanes[LANE][1] == "open"
    queue.settle_leased(*[(claimed, "dead", LETTER) for claimed in claim.deliveries])


def test_what_is_expired_is_no_probe(queue):
    queue.max_ages[LANE] = 30
    first = queue.put(LANE)
    while queue.now() < ms_of(first) + 30:
        pass
    queue.put(LANE), queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=0)
    claim = queue.claim(LANE)
    assert [claimed.is_over_age for claimed in claim.deliveries] == [True, False]
    assert claim.lanes[LANE][1] == "probe"


def test_a_retry_is_as_old_as_its_event(queue):
    stream_id = queue.event()
    queue.settle_stream((stream_id, b"{}", ("retry", "main", LANE, 0)))
    queue.max_ages[LANE] = 1
    while queue.now() <= ms_of(stream_id) + 1:
        pass
    assert queue.claim(LANE).deliveries[0].is_over_age


def test_append_to_a_shut_lane_is_looked_at_when_it_expires(queue):
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    queue.max_ages[LANE] = 1000
    stream_id = queue.put(LANE)
    assert queue.lane_score(LANE) == ("lanes-shut", ms_of(stream_id) + 1000)


# --- resume ---


def test_resume_opens_and_makes_retries_due_in_their_order(queue, redis):
    made = queue.event(count=5)
    for stream_id, delay in zip(made, (FAR_MS, FAR_MS, 2 * FAR_MS, 0, FAR_MS)):
        queue.settle_stream((stream_id, b"{}", ("retry", "main", LANE, delay)))
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    known, due, after = queue.resume_page(LANE, most=2)
    assert (known, due) == (1, 2) and after
    assert queue.lane_score(LANE)[0] == "lanes" and queue.lane_score(LANE)[1] <= queue.now()
    assert queue.resume(LANE) == 2
    assert queue.resume(LANE) == 0
    assert sorted(ids(queue.claim(LANE))) == [delivery_id(stream_id) for stream_id in made]
    assert not redis.exists(queue.key("gates"), queue.key("hooks-state"))


def test_resume_leaves_what_is_held(queue):
    for _ in range(7):
        queue.put(LANE)
    held = queue.claim(LANE, count=6).deliveries
    queue.settle_leased((held[5], "retry", 2 * FAR_MS))
    assert queue.resume(LANE, most=2) == 1
    assert sorted(ids(queue.claim(LANE))) == sorted(
        [held[5].id, delivery_id(queue.redis.xinfo_stream(queue.key("events"))
                                 ["last-generated-id"].decode())])
    assert queue.settle_leased(*[(claimed, "done") for claimed in held[:5]]).results == [1] * 5


def test_resume_of_a_hook_that_failed_again_leaves_it_shut(queue):
    for stream_id in queue.event(count=3):
        queue.settle_stream((stream_id, b"{}", ("retry", "main", LANE, FAR_MS)))
    _, _, after = queue.resume_page(LANE, most=1)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    assert queue.resume_page(LANE, after)[1] == 2
    assert queue.lane_score(LANE)[0] == "lanes-shut"


def test_resume_of_nothing(queue, redis):
    assert queue.resume_page(LANE) == (0, 0, "")
    assert not redis.exists(queue.key("lanes"))
    redis.set(queue.key(f"lane:{LANE}"), "x")
    assert queue.resume_page(LANE) == (0, 0, "")


# --- bounds ---


def test_a_lane_over_its_bound_is_told_and_its_oldest_untried_given(queue):
    queue.lane_max = 3
    tried = queue.event()
    queue.settle_stream((tried, b"{}", ("retry", "main", LANE, 1)))
    made = queue.event(count=4)
    settled = queue.settle_stream(*[(one, b"{}", ("wait", "main", LANE)) for one in made])
    assert settled.over == {LANE: 2}
    claim = queue.claim(LANE, count=2, mode="overflow")
    assert ids(claim) == [delivery_id(stream_id) for stream_id in made[:2]]
    assert queue.settle_leased(*[(claimed, "dead", {**LETTER, "reason": "overflow"})
                                 for claimed in claim.deliveries]).over == {}


def test_overflow_without_untried_ones_gives_the_newest(queue):
    made = queue.event(count=3)
    for delay, stream_id in enumerate(made):
        queue.settle_stream((stream_id, b"{}", ("retry", "main", LANE, FAR_MS + delay)))
    queue.lane_max = 2
    assert ids(queue.claim(LANE, count=3, mode="overflow")) == [delivery_id(made[2])]


def test_overflow_leaves_a_shut_lane_where_it_is(queue, other):
    """What shortens the lane does not know its hook, nor how long its deliveries may wait."""
    queue.put(LANE), queue.put(LANE), queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    queue.max_ages[LANE] = 5000
    queue.claim(LANE)  # by the age of the first it is worth a look sooner
    place, gate = queue.lane_score(LANE), queue.redis.hget(queue.key("gates"), LANE)
    other.lane_max, other.prints[LANE] = 1, "-"
    claim = other.claim(LANE, count=2, mode="overflow")
    assert len(claim.deliveries) == 2 and claim.lanes[LANE][1] == "open"
    other.settle_leased((claim.deliveries[0], "dead", LETTER), (claim.deliveries[1], "release"))
    assert place[0] == "lanes-shut" and queue.lane_score(LANE) == place
    assert queue.redis.hget(queue.key("gates"), LANE) == gate


def test_overflow_takes_no_more_than_is_over(queue, other):
    """Two workers were told of it: what one has taken is still in the lane, or is gone."""
    queue.lane_max = other.lane_max = 3
    held = queue.put(LANE)
    queue.claim(LANE)  # leased to be sent: it stays
    made = [queue.put(LANE) for _ in range(6)]
    claim = queue.claim(LANE, count=2, mode="overflow")
    rest = other.claim(LANE, count=100, mode="overflow")
    assert ids(claim) + ids(rest) == [delivery_id(stream_id) for stream_id in made[:4]]
    assert ids(other.claim(LANE, count=100, mode="overflow")) == []
    for worker, taken in ((queue, claim), (other, rest)):
        outcomes = [(one, "dead", LETTER) for one in taken.deliveries]
        assert all(worker.settle_leased(*outcomes).results)
    assert ids(other.claim(LANE, count=100, mode="overflow")) == []
    assert queue.redis.zcard(queue.key(f"lane:{LANE}")) == 3
    assert queue.score(LANE, delivery_id(held))


def letter_of(room, size=10):
    return ("dead", {"reason": "exhausted", "room": room, "response": "x" * size})


def rooms_of(queue):
    return [letter[b"room".decode()].decode() for letter in dead(queue)]


def test_a_room_with_more_than_its_share_of_letters_loses_its_own(queue):
    queue.dead_max = 50
    for room in range(20):
        queue.settle_stream((queue.event(), b"{}", letter_of(f"room{room}")))
    for _ in range(20):
        settled = queue.settle_stream(
            (queue.event(), b"{}", *[letter_of("flood") for _ in range(10)]))
    rooms = rooms_of(queue)
    assert len(rooms) == 50 and settled.dropped == 10
    assert len(set(rooms)) == 21


def test_a_room_with_few_large_letters_loses_its_own(queue):
    queue.dead_max_bytes = 100000
    for room in range(90):
        queue.settle_stream((queue.event(), b"{}", letter_of(f"room{room}")))
    for _ in range(10):
        queue.settle_stream((queue.event(), b"{}", letter_of("flood", 20000)))
    rooms = rooms_of(queue)
    assert len(set(rooms)) == 91 and rooms.count("flood") == 4


def test_without_a_large_room_the_oldest_letter_goes(queue):
    queue.dead_max = 30
    for room in range(40):
        queue.settle_stream((queue.event(), b"{}", letter_of(f"room{room}")))
    assert sorted(rooms_of(queue)) == sorted(f"room{room}" for room in range(10, 40))


def test_letters_without_a_room_count_as_one(queue):
    queue.dead_max = 5
    for _ in range(10):
        queue.settle_stream((queue.event(), b"{}", ("dead", {"reason": "malformed"})))
    assert len(dead(queue)) == 5


def test_letters_get_the_document(queue):
    queue.settle_stream((queue.event(LARGE), LARGE, ("dead", LETTER)))
    assert dead(queue)[0]["json"] == LARGE
    assert not queue.redis.exists(queue.key("documents"))


def test_tidy_dead_counts_old_letters_and_forgets_removed_ones(queue, redis):
    for room in ("438", "439", "440"):
        redis.xadd(queue.key("dead"), {"reason": "exhausted", "room": room})
    queue.settle_stream((queue.event(), b"{}", ("dead", LETTER), ("dead", LETTER)))
    redis.xdel(queue.key("dead"), redis.xrevrange(queue.key("dead"))[0][0])
    redis.zadd(queue.key("dead-by-room"), {"nonsense": 0, "438 1-1 x": 0})
    assert queue.tidy_dead("-") == 0
    check_invariants(redis)
    queue.dead_max = 2
    assert queue.tidy_dead() == 2


def test_letters_are_purged_and_replayed(queue, redis):
    queue.settle_stream((queue.event(LARGE), LARGE, ("dead", LETTER), ("dead", LETTER)))
    old = redis.xadd(queue.key("dead"), {"reason": "exhausted", "room": "438"})
    first, second = [letter for letter, _ in redis.xrange(queue.key("dead"), count=2)]
    purge = queue.keys("dead dead-by-room dead-bytes")
    assert queue.call("purge", purge, [first, old, "1-1"]) == [1, 1, 0]
    check_invariants(redis)
    keys = queue.keys("dead events dead-by-room dead-bytes")
    (new, gone) = queue.call("replay", keys, [4096, second, first])
    assert gone == b"" and redis.xrange(queue.key("events"), new, new)[0][1] == {
        b"json": LARGE, b"hook": b"main"}
    assert not redis.exists(queue.key("dead-by-room"), queue.key("dead-bytes"))
    redis.delete(queue.key("events"))


def test_tidy_dead_after_all_letters_are_gone(queue, redis):
    queue.settle_stream((queue.event(), b"{}", ("dead", LETTER)))
    redis.delete(queue.key("dead"))
    queue.tidy_dead()
    assert not redis.exists(queue.key("dead-by-room"), queue.key("dead-bytes"))


# --- what somebody set by hand, and what stopped half-way ---


def test_lane_of_a_wrong_type_is_made_again(queue, redis):
    redis.set(queue.key(f"lane:{LANE}"), "x")
    stream_id = queue.event()
    settled = queue.settle_stream((stream_id, b"{}", ("wait", "main", LANE)))
    assert (settled.results, settled.wrong) == ([1], [LANE])
    (claimed,) = queue.claim(LANE).deliveries
    redis.delete(queue.key(f"lane:{LANE}"))
    redis.set(queue.key(f"lane:{LANE}"), "x")
    assert queue.settle_leased((claimed, "done")).results == [1]


def test_lane_that_lost_its_deliveries_gets_them_again(queue, redis):
    made = [queue.put(LANE) for _ in range(2)]
    queue.claim(LANE, count=1)
    redis.delete(queue.key(f"lane:{LANE}"))
    redis.lpush(queue.key(f"lane:{LANE}"), "x")
    assert queue.claim(LANE).lanes[LANE] == (0, "wrong", -1, 0)
    assert queue.lane_score(LANE) is None
    assert set(queue.heal()) == {*[("place", delivery_id(one)) for one in made], ("lane", LANE)}
    assert queue.heal() == []
    # Somebody may still be sending the other.
    assert ids(queue.claim(LANE)) == [delivery_id(made[1])]


def test_healed_retry_is_due_when_it_was(queue, redis):
    stream_id = queue.event()
    queue.settle_stream((stream_id, b"{}", ("retry", "main", LANE, FAR_MS)))
    due = queue.score(LANE, delivery_id(stream_id))
    redis.delete(queue.key(f"lane:{LANE}"))
    queue.heal()
    assert queue.score(LANE, delivery_id(stream_id)) == due


@pytest.mark.parametrize("harm", ["missing", "late", "both", "shut"])
def test_lane_that_is_not_looked_at_is_healed(queue, redis, harm):
    queue.put(LANE)
    if harm == "missing":
        redis.delete(queue.key("lanes"))
    elif harm == "late":
        redis.zadd(queue.key("lanes"), {LANE: queue.now() + FAR_MS})
    else:
        redis.zadd(queue.key("lanes-shut"), {LANE: 1})
    if harm == "shut":
        redis.delete(queue.key("lanes"))
    assert queue.heal() == [("lane", LANE)]
    assert queue.heal() == []
    assert queue.claim(LANE).lanes[LANE][0] == 1


def test_heal_leaves_a_shut_lane_and_a_reserved_one(queue):
    queue.put(LANE)
    queue.put("439/main")
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    queue.look()
    assert queue.heal() == []


def test_delivery_without_a_record_comes_to_be_buried(queue, redis):
    queue.put(LANE, document=LARGE)
    redis.delete(queue.key("deliveries"))
    (claimed,) = queue.claim(LANE).deliveries
    assert claimed.record is None
    queue.settle_leased((claimed, "dead", {**LETTER, "reason": "malformed"}))
    assert not redis.exists(queue.key("documents"), queue.key("lanes"))


def test_delivery_without_a_document_comes_to_be_buried(queue, redis):
    queue.put(LANE, document=LARGE)
    redis.delete(queue.key("documents"))
    assert queue.heal()[0][0] == "document"
    (claimed,) = queue.claim(LANE).deliveries
    assert claimed.is_shared and claimed.document is None
    queue.settle_leased((claimed, "dead", {**LETTER, "reason": "malformed"}))


@pytest.mark.parametrize("record", [b"", b"x", b"{", b"[1]", b'{"lane":1}\n', b"\xff\xfe\n{}"])
def test_record_that_cannot_be_read_is_found(queue, redis, record):
    redis.hset(queue.key("deliveries"), "0000000000001-000000/main", record)
    assert ("place", "0000000000001-000000/main") in queue.heal()
    claim = queue.claim("unreadable", mode="all")
    redis.hset(queue.key("deliveries"), "0000000000001-000000/main", b"{}\n{}")
    reply = queue.call(
        "settle_leased",
        queue.keys("deliveries documents leases gates lanes lanes-shut dead dead-by-room"
                   " dead-bytes alerted-dead", ["unreadable"], ["0000000000001-000000"]),
        [1000, 1000000, 1000, 1, "-", 0, "0000000000001-000000/main",
         f"w1:{queue.number - 64}", 1, 1, "done"])
    assert claim.lanes["unreadable"][0] == 1 and reply[3] == 1


def test_member_that_is_no_delivery_comes_to_be_buried(queue, redis):
    redis.zadd(queue.key(f"lane:{LANE}"), {"nonsense": 1})
    (claimed,) = queue.claim(LANE).deliveries
    assert (claimed.id, claimed.record) == ("nonsense", None)
    queue.settle_leased((claimed, "dead", {**LETTER, "reason": "malformed"}))
    assert not redis.exists(queue.key("lanes"))


@pytest.mark.parametrize("lease", ["", "x", "w1:1 x 1", "w1:1 0", "w1:1 0 inf", "- 1 nan"])
def test_lease_set_by_hand(queue, redis, lease):
    delivery = delivery_id(queue.put(LANE))
    redis.hset(queue.key("leases"), delivery, lease)
    (claimed,) = queue.claim(LANE).deliveries
    assert queue.settle_leased((claimed, "done")).results == [1]


@pytest.mark.parametrize("place", ["nan", "-nan", "inf", "-inf", "1e400", "-5", "x"])
def test_place_set_by_hand_of_a_lease_that_is_released(queue, redis, place):
    released, other = [delivery_id(queue.put(LANE)) for _ in range(2)]
    claimed, _ = queue.claim(LANE).deliveries
    redis.hset(queue.key("leases"), released, f"{claimed.fence} 0 {place}")
    settled = queue.settle_leased((claimed, "release"))
    assert (settled.results, settled.wrong) == ([1], [])
    assert 0 <= queue.score(LANE, released) <= 2**53
    assert queue.score(LANE, other) > queue.now()  # still leased


def test_a_refusal_to_write_to_a_lane_leaves_it_as_it_is(queue, monkeypatch):
    """Another refusal than that the key is no lane."""
    queue.put(LANE)
    (claimed,) = queue.claim(LANE).deliveries
    score = queue.score(LANE, claimed.id)
    monkeypatch.setattr("lane_scripts.LEASE_MS", "nan")
    with pytest.raises(Exception, match="not a valid float"):
        queue.settle_leased((claimed, "renew"))
    assert queue.score(LANE, claimed.id) == score


def test_holders_of_a_wrong_type_are_replaced(queue, redis):
    stream_id = queue.event(LARGE)
    holders = queue.key(f"holders:{stream_of(delivery_id(stream_id))}")
    redis.set(holders, "x")
    queue.settle_stream((stream_id, LARGE, ("wait", "main", LANE)))
    (claimed,) = queue.claim(LANE).deliveries
    assert claimed.is_shared and claimed.document == LARGE
    assert redis.smembers(holders) == {claimed.id.encode()}
    queue.settle_leased((claimed, "done"))
    assert not redis.exists(holders) and not redis.exists(queue.key("documents"))


def test_holder_and_document_of_nothing_are_removed(queue, redis):
    stream = "0000000000001-000000"
    redis.hset(queue.key("documents"), stream, LARGE)
    redis.sadd(queue.key(f"holders:{stream}"), f"{stream}/main")
    redis.hset(queue.key("documents"), "0000000000002-000000", LARGE)
    redis.hset(queue.key("leases"), f"{stream}/main", "w1:1 0 5")
    unheld = "0000000000002-000000"
    assert sorted(queue.heal()) == [
        ("holder", unheld), ("orphan-document", stream), ("orphan-lease", f"{stream}/main")]
    # It may be held: the next walk adds what waits.
    assert redis.hkeys(queue.key("documents")) == [unheld.encode()]
    while queue.now() <= queue.whole_ms + 1:
        pass
    assert queue.heal() == [("orphan-document", unheld)]
    assert not redis.exists(queue.key(f"holders:{unheld}"), queue.key("documents"))


def test_document_that_is_gone_since_the_walk_leaves_no_holders(queue, redis):
    stream = "0000000000003-000000"
    assert queue.heal_page([], [stream.encode()], []) == []
    assert not redis.exists(queue.key(f"holders:{stream}"))


def test_holders_that_are_missing_are_added(queue, redis):
    stream = stream_of(delivery_id(queue.put("438/a", "438/b", document=LARGE)))
    redis.delete(queue.key(f"holders:{stream}"))
    found = queue.heal()
    assert {("holder", f"{stream}/a"), ("holder", f"{stream}/b")} <= set(found)
    for lane in ("438/a", "438/b"):
        (claimed,) = queue.claim(lane).deliveries
        assert claimed.document == LARGE
        queue.settle_leased((claimed, "done"))
    while queue.now() <= queue.whole_ms + 1:
        pass
    queue.heal()
    assert not redis.exists(queue.key("documents"), queue.key(f"holders:{stream}"))


def test_holders_that_were_deleted_keep_the_document_for_all(queue, redis):
    """One is done before the walk comes to the other."""
    stream = stream_of(delivery_id(queue.put("438/a", "438/b", document=LARGE)))
    redis.delete(queue.key(f"holders:{stream}"))
    (claimed,) = queue.claim("438/a").deliveries
    queue.settle_leased((claimed, "done"))
    queue.heal()
    (claimed,) = queue.claim("438/b").deliveries
    assert claimed.document == LARGE


def test_a_batch_that_was_refused_is_settled_when_sent_again(queue, redis):
    first, second = queue.event(LARGE, count=2)
    entries = [(one, LARGE, ("wait", "main", LANE), ("dead", LETTER)) for one in (first, second)]
    redis.set(queue.key("dead"), "x")
    with pytest.raises(Exception, match="WRONGTYPE"):
        queue.settle_stream(*entries)
    assert redis.hlen(queue.key("deliveries")) == 0  # all or nothing
    redis.delete(queue.key("dead"))
    assert queue.settle_stream(*entries).results == [1, 1]
    claim = queue.claim(LANE)
    assert len(claim.deliveries) == 2
    redis.rename(queue.key("documents"), queue.key("kept"))
    redis.set(queue.key("documents"), "x")
    outcomes = [(claimed, "done") for claimed in claim.deliveries]
    with pytest.raises(Exception, match="WRONGTYPE"):
        queue.settle_leased(*outcomes)
    redis.rename(queue.key("kept"), queue.key("documents"))
    assert queue.settle_leased(*outcomes).results == [1, 1]
    assert not redis.exists(queue.key("documents"), queue.key(f"lane:{LANE}"))


@pytest.mark.parametrize("name", ["dead-by-room", "dead-bytes"])
def test_letters_that_cannot_be_counted_are_stored_and_trimmed(queue, redis, name):
    queue.dead_max = 100
    redis.set(queue.key(name), "x")
    for _ in range(30):
        queue.settle_stream((queue.event(), b"{}", *[letter_of("438") for _ in range(10)]))
    assert 100 <= len(dead(queue)) <= 200
    assert heal_keys(queue) == [name]
    queue.tidy_dead("-")
    redis.delete(queue.key("dead"), queue.key("dead-by-room"), queue.key("dead-bytes"))


TYPES = {"gates": "hash", "lanes": "zset", "lanes-shut": "zset", "leases": "hash",
         "documents": "hash", "deliveries": "hash", "dead-by-room": "zset", "dead-bytes": "hash"}


def heal_keys(queue):
    removed = queue.call("heal_keys", [queue.key(name) for name in TYPES], list(TYPES.values()))
    return [key.decode().split(":")[1] for key in removed]


@pytest.mark.parametrize("name", TYPES)
def test_key_of_a_wrong_type_is_healed(queue, redis, name):
    queue.put(LANE, document=LARGE)
    queue.put(LANE)
    queue.claim(LANE, count=1, lease_ms=0)
    queue.fail(LANE, opens=1, probe_ms=FAR_MS)
    assert heal_keys(queue) == []
    redis.delete(queue.key(name))
    redis.lpush(queue.key(name), "x")
    assert heal_keys(queue) == [name]
    queue.heal()
    queue.heal()
    if name == "deliveries":
        queue.gate((LANE, "ok", 0, 0))
        claim = queue.claim(LANE)
        assert [claimed.record for claimed in claim.deliveries] == [None, None]
        queue.settle_leased(*[(claimed, "dead", LETTER) for claimed in claim.deliveries])
        queue.heal()
    elif name == "documents":
        claim = queue.claim(LANE, mode="all")
        assert {claimed.document for claimed in claim.deliveries} == {None, b"{}"}
        queue.settle_leased(*[(claimed, "dead", LETTER) for claimed in claim.deliveries])


def test_of_a_too_large_entry_only_the_beginning_is_given(queue):
    small, large = queue.event(), queue.event(LARGE)
    arguments = ["workers", "w1", 100, 1000000, small, large, "1-1"]
    reply = queue.call("reclaim_own", queue.keys("events"), arguments)
    assert [item[1] for item in reply] == [b"entry", b"too-large", b"other"]
    assert reply[1][3] == [b"json", LARGE[:4096]] and reply[1][4] == len(LARGE) + len("json")
    assert queue.redis.xlen(queue.key("events")) == 2  # it is buried by the worker


# --- what is over ---


def test_prune_forgets_gates_that_ended_an_hour_ago(queue, redis):
    queue.put(LANE)
    queue.fail(LANE, opens=1, probe_ms=0)
    gates = {LANE: f"1.000 open {queue.print_of(LANE)}", "1/a": "1.000 paused x", "1/b": "nonsense",
             "1/c": f"{queue.now()}.000 rate x", "1/d": f"{queue.now() + FAR_MS}.000 paused x"}
    redis.hset(queue.key("gates"), mapping=gates)
    queue.prune()
    assert sorted(redis.hkeys(queue.key("gates"))) == [b"1/c", b"1/d", LANE.encode()]


def test_prune_forgets_states_by_their_age(queue, redis):
    day = 86400000
    states = {
        "1/new": {"at": queue.now() - 20 * day, "failing_since": 1},
        "1/old": {"at": queue.now() - 31 * day, "failing_since": 1},
        "1/:0123456789abcdef": {"at": queue.now() - 2 * day, "failing_since": 1},
        "1/over": {"until": queue.now() - day}, "1/paused": {"until": queue.now() + day},
        "1/gone": {"disabled": True}, "1/well": {"ok_at": queue.now() - day // 24 - 1000},
        "1/well-lately": {"ok_at": queue.now() - day // 24 + 60000},
    }
    redis.hset(queue.key("hooks-state"),
               mapping={lane: json.dumps(state) for lane, state in states.items()})
    queue.prune()
    assert sorted(redis.hkeys(queue.key("hooks-state"))) == [
        b"1/gone", b"1/new", b"1/paused", b"1/well-lately"]


# --- contract 1 ---


def old_delivery(queue, redis, identity, due_in_ms=0, fence="-", claims=0, document=b"{}",
                 attempts=1, **more):
    meta = json.dumps({"room": 438, "hook": identity.split("/")[1], "attempts": attempts, **more})
    redis.hset(queue.key("deliveries"), identity,
               f"{fence} {claims}\n{meta}\n".encode() + document)
    redis.zadd(queue.key("retries"), {identity: queue.now() + due_in_ms})


def test_convert_brings_retries_into_lanes(queue, redis):
    old_delivery(queue, redis, "1667548137257-5/main", FAR_MS, claims=2)
    old_delivery(queue, redis, "1667548137257-6/main", FAR_MS, document=LARGE)
    old_delivery(queue, redis, "1667548137257-7/other", FAR_MS, attempts=0)
    due = redis.zscore(queue.key("retries"), "1667548137257-5/main")
    count, page = queue.convert_page()
    assert count == 3 and queue.convert(page) == [1, 1, 1]
    assert queue.convert(page) == [0, 0, 0]
    assert not redis.exists(queue.key("retries"))
    assert queue.score(LANE, "1667548137257-000005/main") == due
    assert queue.score("438/other", "1667548137257-000007/other") == 1667548137257
    check_invariants(redis)
    queue.max_ages = {LANE: 0, "438/other": 0}
    claim = queue.claim(LANE, "438/other", mode="all")
    assert [(claimed.expired, claimed.document) for claimed in claim.deliveries] == [
        (2, b"{}"), (0, LARGE), (0, b"{}")]
    queue.settle_leased(*[(claimed, "done") for claimed in claim.deliveries])


def test_convert_leaves_what_a_worker_of_contract_1_holds_or_changed(queue, redis):
    old_delivery(queue, redis, "1667548137257-5/main", FAR_MS, fence="old:1")
    old_delivery(queue, redis, "1667548137257-6/main", -1, fence="old:2")
    old_delivery(queue, redis, "1667548137257-7/main")
    assert queue.convert_all() == (2, 1)
    claim = queue.claim(LANE)
    assert [claimed.expired for claimed in claim.deliveries] == [1, 0]
    queue.settle_leased(*[(claimed, "done") for claimed in claim.deliveries])
    _, page = queue.convert_page()
    old_delivery(queue, redis, "1667548137257-5/main", claims=1)
    assert queue.convert(page) == [0]
    assert queue.convert_all() == (1, 0)


def test_convert_is_resumed_page_by_page(queue, redis):
    for seq in range(25):
        old_delivery(queue, redis, f"1667548137257-{seq}/main", fence="x:1" if seq < 5 else "-",
                     due_in_ms=FAR_MS)
    assert queue.convert_all(most=10) == (20, 5)


def test_convert_puts_what_cannot_be_read_where_a_claim_finds_it(queue, redis):
    old_delivery(queue, redis, "1667548137257-5/main")
    redis.hset(queue.key("deliveries"), mapping={
        "1667548137257-5/main": "x" * 9000, "nonsense": "- 0\n{}\n{}"})
    redis.zadd(queue.key("retries"), {"nonsense": "-inf", "1-1/gone": 1})
    assert queue.convert_all() == (3, 0)
    assert not redis.exists(queue.key("retries"))
    claim = queue.claim("unreadable", mode="all")
    assert {claimed.id: claimed.record for claimed in claim.deliveries} == {
        "1667548137257-5/main": b"x" * 9000, "nonsense": b"- 0\n{}\n{}"}
    queue.settle_leased(*[(claimed, "dead", LETTER) for claimed in claim.deliveries])
    assert len(dead(queue)) == 2 and not redis.exists(queue.key("deliveries"))


def test_convert_of_an_id_that_stays_as_it_is(queue, redis):
    old_delivery(queue, redis, "1667548137257-100000/main", document=b"[]")
    assert queue.convert_all() == (1, 0)
    assert queue.claim(LANE).deliveries[0].document == b"[]"


def test_record_of_contract_1_without_a_due_time_is_converted_later(queue, redis):
    old_delivery(queue, redis, "1667548137257-5/main")
    redis.delete(queue.key("retries"))
    assert queue.heal() == [("retry", "1667548137257-5/main")]
    assert queue.convert_all() == (1, 0)


def test_prune_converts_states_and_places(queue, redis):
    queue.put(LANE)
    now = queue.now()
    states = {
        "438/main/0123abcd": {"at": now, "opens": 2, "probe_at": now + FAR_MS, "probing": True,
                              "failing_since": now - 5, "failures": 7},
        "438/main/ffffffff": {"at": now - 1, "until": now + FAR_MS, "reason": "retry-after"},
        "438/other/0123abcd": "nonsense",
        "438/gone/0123abcd": {"at": now, "disabled": True, "reason": "gone"},
    }
    redis.hset(queue.key("hooks-state"),
               mapping={field: json.dumps(state) for field, state in states.items()})
    redis.hset(queue.key("hooks-pace"), mapping={
        "438/rated/0123abcd": f"{(now + FAR_MS) * 1000} 1000000",
        "438/past/0123abcd": f"{(now - FAR_MS) * 1000}", "inline/0123abcd": "1 1"})
    assert queue.prune() == 7
    assert queue.prune() == 0
    assert not redis.exists(queue.key("hooks-pace"))
    assert sorted(redis.hkeys(queue.key("hooks-state"))) == [b"438/gone", b"438/main"]
    gates = {lane.decode(): text.decode() for lane, text in
             redis.hgetall(queue.key("gates")).items()}
    assert gates["438/main"] == f"{now + FAR_MS}.000 open 0123abcd"
    assert gates["438/rated"] == f"{now + FAR_MS}.000 rate 0123abcd"
    assert gates["438/gone"].split(" ")[1] == "disabled" and len(gates) == 3
    assert queue.lane_score(LANE)[0] == "lanes-shut"
    assert queue.claim(LANE).lanes[LANE][1] == "open"


def test_upgrade_waits_for_workers_of_contract_1(queue, redis):
    keys = queue.keys("meta worker:a worker:b")
    redis.hset(queue.key("meta"), "contract", 1)
    redis.set(queue.key("worker:b"), "{}")
    assert queue.call("upgrade", keys, []) == [b"1", 2]
    redis.delete(queue.key("worker:b"))
    assert queue.call("upgrade", keys, []) == [b"2"]
    assert redis.hget(queue.key("meta"), "converting") == b"1"
    redis.hdel(queue.key("meta"), "converting")
    assert queue.call("upgrade", keys, []) == [b"2"]
    assert not redis.hexists(queue.key("meta"), "converting")
