"""How long a worker's loop stood still, as its heartbeats tell, and how many threads it had."""

import json
import os
import threading

from webhook_queue import DEFAULT_QUEUE, key

SAMPLE_S = 0.05
BEAT_S = 2.2  # a little more than two heartbeats at a heartbeat-ttl of 3 s


class Meter:
    """Samples while it is open; the worker's heartbeat-ttl must be 3s.

    The machine may have more to run than it has CPUs: time for which the worker was ready to run
    and had to wait for a CPU is taken off.
    """

    def __init__(self, redis, worker, queue=DEFAULT_QUEUE):
        self._redis = redis
        self._pid = worker.pid
        (consumer,) = worker.consumers(redis)
        self._key = key(f"worker:{consumer}", queue)
        self._samples = []  # (loop_lag_ms, waited for a CPU so far in ms)
        self._threads_max = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _waited_ms(self):
        path = f"/proc/{self._pid}/task/{self._pid}/schedstat"
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e6

    def _sample(self):
        beat = self._redis.get(self._key)
        if beat:
            self._samples.append((json.loads(beat)["loop_lag_ms"], self._waited_ms()))
        self._threads_max = max(self._threads_max, len(os.listdir(f"/proc/{self._pid}/task")))

    def _run(self):
        while not self._stop.wait(SAMPLE_S):
            self._sample()

    @property
    def beats(self):
        return len(self._samples) * SAMPLE_S

    def threads_max(self):
        return self._threads_max

    def lag_ms(self):
        """The longest turn of the loop that the worker had a CPU for."""
        window = int(BEAT_S / SAMPLE_S)
        return max(
            lag - (waited - self._samples[max(0, n - window)][1])
            for n, (lag, waited) in enumerate(self._samples)
        )

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
