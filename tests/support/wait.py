"""Waiting for something to become true, with a limit: the only way tests wait."""

import time

POLL_S = 0.01


def wait_until(predicate, timeout, what):
    """Returns the first true value of predicate(), or fails after timeout seconds.

    what says what was waited for; a callable is asked at the time of the failure.
    """
    deadline = time.monotonic() + timeout
    while True:
        value = predicate()
        if value:
            return value
        if time.monotonic() >= deadline:
            text = what() if callable(what) else what
            raise AssertionError(f"waited {timeout} s in vain for {text}")
        time.sleep(POLL_S)


def stays_true(predicate, seconds, what):
    """Fails if predicate() becomes false within seconds: to show that something does not happen."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert predicate(), f"no longer: {what}"
        time.sleep(POLL_S)
