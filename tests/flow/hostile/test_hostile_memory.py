"""What hostile receivers answer takes next to no memory, and leaves nothing behind."""

import pytest

from batch import Batch, wrong
from hostile_http import FLOODED, NASTY
from memory import Memory
from network import GOOD_V4


def test_no_bomb_takes_memory(redis, nasties, start_tough_worker):
    """Each alone, and once more: what the first took is used again."""
    worker = start_tough_worker(timeout="1s")
    memory = Memory(worker)
    grown = {}
    first = Batch(redis)
    first.add("first", nasties.url("version-1-0", host=GOOD_V4))
    first.run()
    for turn in range(2):
        for name in (name for name, behaviour in NASTY.items() if behaviour.bomb):
            batch = Batch(redis)
            batch.add(name, nasties.url(name, host=GOOD_V4))
            FLOODED.clear()
            with memory.growth() as growth:
                assert wrong(batch.run(), {name: NASTY[name]}) == {}
            grown[name, turn] = growth
            assert FLOODED["bytes"] < 64 << 20, f"{name} was not cut"
    mebibyte = 1024
    assert {at: growth for at, growth in grown.items() if growth.peak_kb >= mebibyte} == {}
    assert {at: growth for at, growth in grown.items() if growth.reserved_kb > 4 * mebibyte} == {}
    assert sum(growth.kept_kb for (_, turn), growth in grown.items() if turn == 1) < mebibyte


@pytest.mark.parametrize("nasties", ["https"], indirect=True)
def test_hostile_answers_leave_nothing_behind(redis, nasties, start_tough_worker):
    """All at once, again and again: once it is warm, a worker's memory grows no more."""
    worker = start_tough_worker(timeout="1s")
    memory = Memory(worker)
    batch = Batch(redis)
    for name, behaviour in NASTY.items():
        pauses = name.startswith("retry-after-")  # its hook, for the next time
        if not pauses and not behaviour.large and not behaviour.plain_only:
            batch.add(name, nasties.url(name))
    used = []
    for _ in range(6):
        batch.again()
        batch.run(20)
        used.append(memory.used_kb())
    assert used[5] - used[3] < 1024, used
