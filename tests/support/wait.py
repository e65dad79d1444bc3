"""Waiting for something to become true, with a limit: the only way tests wait."""

import time

POLL_S = 0.01
STARVED_MOST = 3  # times the timeout that a machine without a free CPU may add to it


def wait_until(predicate, timeout, what):
    """Returns the first true value of predicate(), or fails after timeout seconds.

    The time for which this process wanted to run again, but got no CPU, is no part of these: what
    it waits for got none either. what says what was waited for; a callable is asked at the time of
    the failure.
    """
    began = time.monotonic()
    starved = 0.0
    while True:
        value = predicate()
        if value:
            return value
        before_sleep = time.monotonic()
        if before_sleep - began >= timeout + min(starved, STARVED_MOST * timeout):
            text = what() if callable(what) else what
            raise AssertionError(f"waited {before_sleep - began:.1f} s in vain for {text}")
        time.sleep(POLL_S)
        starved += max(0.0, time.monotonic() - before_sleep - POLL_S)


def stays_true(predicate, seconds, what):
    """Fails if predicate() becomes false within seconds: to show that something does not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"no longer: {what}"
        time.sleep(POLL_S)
