"""Names that nobody answers for: they stop neither the loop nor anybody else's deliveries."""

import pytest

from batch import Batch
from loop_lag import Meter
from name_server import Records, Silence
from network import GOOD_V4
from receiver import Receiver
from wait import stays_true, wait_until
from webhook_queue import enqueue, message_event, set_hook, stats

LOOKUPS_MAX = 128
KEPT = 32  # of them, for hosts that were answered for


@pytest.fixture
def world(network, names):
    """Answers 200 on ports 80 and 8080 of every address."""
    names.set("*.dead", Silence())
    names.set("*.good", Records(a=(GOOD_V4,)))
    with Receiver(sock=network.world.listen(80)) as receiver:
        with Receiver(sock=network.world.listen(8080)) as other:
            receiver.other = other
            yield receiver


def test_200_black_holed_names_beside_1000_good_deliveries(redis, world, names, start_far_worker):
    """The loop does not stop, also not when look-ups are given up; threads have a limit."""
    batch = Batch(redis)
    worker = start_far_worker(heartbeat_ttl="3s", connect_timeout="1s", timeout="2s")
    for n in range(20):
        set_hook(redis, n, "main", url=f"http://h{n % 4}.good/{n}")
        enqueue(redis, message_event(room=n))
    world.wait_for(20)
    for n in range(200):
        batch.add(f"dead {n}", f"http://h{n}.dead/")
    with Meter(redis, worker) as meter:
        batch.send()
        with redis.pipeline(transaction=False) as pipeline:
            for n in range(1000):
                enqueue(pipeline, message_event(room=n % 20))
            pipeline.execute()
        world.wait_for(1020, timeout=10)
        wait_until(
            lambda: len(batch.outcomes()) >= LOOKUPS_MAX - KEPT,
            10,
            lambda: f"look-ups to be given up; {batch.outcomes()}",
        )
        meter.wait_beats()
    assert meter.lag_ms() <= 50
    assert LOOKUPS_MAX - KEPT < meter.threads_max() <= LOOKUPS_MAX + 1
    assert len(world.requests()) == 1020, "each good delivery once"
    assert set(batch.outcomes().values()) == {"retry timeout"}
    assert len(batch.outcomes()) < 150, "the others have to wait, without an attempt"
    assert stats(redis)["waited"] > 50


def test_a_room_of_hanging_names_leaves_lookups_to_others(redis, world, names, start_far_worker):
    """Each name is asked for the first time, there and elsewhere."""
    hanging = [[{"url": f"http://h{n}-{m}.dead/"} for m in range(60)] for n in range(5)]
    start_far_worker(retry_schedule="1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s")
    for hooks in hanging:
        enqueue(redis, {**message_event(room=1), "webhooks": hooks})
    dead = [f"h{n}-{m}.dead" for n in range(5) for m in range(60)]
    wait_until(lambda: sum(names.asked(name) > 0 for name in dead) >= 10, 5, "its look-ups")
    for n in range(10):
        set_hook(redis, 100 + n, "main", url=f"http://new{n}.good/{n}")
        enqueue(redis, message_event(room=100 + n))
        world.wait_for(n + 1, timeout=1)


def test_a_host_that_was_never_answered_has_one_lookup(redis, world, names, start_far_worker):
    batch = Batch(redis)
    for n in range(30):
        batch.add(f"dead {n}", f"http://one.dead/{n}")
    batch.add("good", "http://h.good/")
    worker = start_far_worker(heartbeat_ttl="3s", connect_timeout="1s", timeout="2s")
    with Meter(redis, worker) as meter:
        batch.send()
        wait_until(lambda: "good" in batch.outcomes(), 5, "the good delivery")
        wait_until(lambda: len(batch.outcomes()) >= 2, 5, "a look-up to be given up")
    assert batch.outcomes()["good"] == "delivered"
    assert meter.threads_max() <= 1 + 1 + 1
    assert len(batch.outcomes()) == 2


def test_many_deliveries_to_a_new_host_need_few_lookups(redis, world, names, start_far_worker):
    """Those without a look-up wait for the ones that run, and not in their lanes."""
    names.set("slow.good", Records(a=(GOOD_V4,), delay=0.1))
    batch = Batch(redis)
    for n in range(30):
        batch.add(str(n), f"http://slow.good/{n}")
    start_far_worker()
    assert set(batch.run().values()) == {"delivered"}
    assert names.asked("slow.good") <= 2
    assert "waited" not in stats(redis)


def test_a_lookup_has_its_place_until_its_thread_ends(redis, world, network, start_far_worker):
    """Not until curl gave up; and then it is free again."""
    network.set_name_server("nameserver 93.184.216.53", "options timeout:2 attempts:1")
    batch = Batch(redis)
    for n in range(LOOKUPS_MAX):
        batch.add(str(n), f"http://h{n}.dead/")
    worker = start_far_worker(connect_timeout="200ms", timeout="1s", heartbeat_ttl="3s")
    first = LOOKUPS_MAX - KEPT
    with Meter(redis, worker) as meter:
        batch.send()
        wait_until(lambda: len(batch.outcomes()) >= first, 5, "the first look-ups to be given up")
        stays_true(lambda: len(batch.outcomes()) == first, 0.8, "their threads still run")
        wait_until(lambda: len(batch.outcomes()) == LOOKUPS_MAX, 10, lambda: str(batch.outcomes()))
    assert meter.threads_max() <= first + 1
    assert set(batch.outcomes().values()) == {"retry timeout"}
    network.set_name_server("93.184.216.53")


def test_hosts_that_were_answered_for_keep_their_places(redis, world, names, start_far_worker):
    """For another port libcurl looks a name up anew."""
    batch = Batch(redis)
    batch.add("known", "http://known.good/")
    start_far_worker(connect_timeout="2s", timeout="3s")
    assert batch.run() == {"known": "delivered"}
    for n in range(LOOKUPS_MAX):
        batch.add(f"dead {n}", f"http://h{n}.dead/")
    batch.send()
    wait_until(lambda: names.asked(f"h{LOOKUPS_MAX - KEPT - 1}.dead"), 5, "the places to be taken")
    batch.add("known again", "http://known.good:8080/")
    batch.add("unknown", "http://unknown.good/")
    batch.send()
    world.other.wait_for(1, timeout=1)
    assert names.asked("known.good") == 2
    assert names.asked("unknown.good") == 0
