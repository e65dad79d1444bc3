"""How late a busy machine runs what is due, to stretch limits of time by it."""

import threading
import time

SAMPLE_S = 0.005
HOPS = 8  # worker, Redis and receiver wait for a CPU so often between a due time and a POST


class Lateness:
    """Watches while it is open: how long one that only sleeps had to wait for a CPU, at most."""

    def __init__(self):
        self._longest_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        while True:
            began = time.monotonic()
            if self._stop.wait(SAMPLE_S):
                return
            self._longest_s = max(self._longest_s, time.monotonic() - began - SAMPLE_S)

    def of_a_post_s(self):
        return HOPS * self._longest_s

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
