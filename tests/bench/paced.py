"""A steady load, and what some of the endpoints get of it."""

import time

WARM_S = 2  # until all have a connection; not counted
GRACE_S = 1  # what has come so long after the last event was not held up
LATE_S = 30  # for those that were


def steady(run, rate, seconds, rooms, watched):
    """rate events a second for the rooms 1 to rooms; figures of the endpoints 1 to watched.

    Those that never came count by how long they have been waited for: the latencies are then no
    more than a lower bound.
    """
    load = run.start_load(rate * seconds, rate=rate, first_room=1, rooms=rooms)
    time.sleep(min(WARM_S, seconds / 4))
    run.sink.forget_latencies()
    assert load.wait(seconds * 3 + 30) == 0, "the producer has failed"
    ended = time.monotonic()
    sent = rate * seconds * watched // rooms
    time.sleep(GRACE_S)
    in_time = run.sink.report(1, watched)["requests"]
    report = run.sink.wait(lambda one: one["requests"] >= sent, LATE_S, 1, watched)
    waited_ms = (time.monotonic() - ended) * 1000
    latency = {name: report["latency_us"][name] / 1000 for name in ("p50", "p99")}
    missing = 1 - report["requests"] / sent
    if missing > 0.01:
        latency["p99"] = max(latency["p99"], waited_ms)
    if missing > 0.5:
        latency["p50"] = max(latency["p50"], waited_ms)
    return {"share": 100 * in_time / sent, **latency}
