"""How long a worker's loop was stalled, by its heartbeats, and how many threads it had."""

import json
import os
import threading

from wait import wait_until
from webhook_queue import DEFAULT_QUEUE, key

SAMPLE_S = 0.05


class Meter:
    """Watches while it is open. The worker's heartbeat-ttl must be 3s: it beats each second then.

    The machine may have more to run than it has CPUs: the time for which the worker was ready to
    run, but had to wait for a CPU, is taken off.
    """

    def __init__(self, redis, worker, queue=DEFAULT_QUEUE):
        self._redis = redis
        self._pid = worker.pid
        (consumer,) = worker.consumers(redis)
        self._key = key(f"worker:{consumer}", queue)
        self._lags = []  # of each heartbeat, in ms
        self._threads_max = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _waited_ms(self):
        path = f"/proc/{self._pid}/task/{self._pid}/schedstat"
        with open(path, encoding="ascii") as file:
            return int(file.read().split()[1]) / 1e6

    def _run(self):
        left_ms = 0
        samples = [self._waited_ms()]  # since before the heartbeat before
        while not self._stop.wait(SAMPLE_S):
            samples.append(self._waited_ms())
            with self._redis.pipeline() as pipeline:
                now_left_ms, beat = pipeline.pttl(self._key).get(self._key).execute()
            if beat and now_left_ms > left_ms:  # a new one: it tells of the time since the last
                self._lags.append(json.loads(beat)["loop_lag_ms"] - (samples[-1] - samples[0]))
                samples = samples[-2:]
            left_ms = now_left_ms
            tasks = len(os.listdir(f"/proc/{self._pid}/task"))
            self._threads_max = max(self._threads_max, tasks)

    def wait_beats(self, count=1):
        """For so many heartbeats from now on: the first tells of what was until now."""
        wanted = len(self._lags) + count
        wait_until(lambda: len(self._lags) >= wanted, 10 + 2 * count, "heartbeats")

    def threads_max(self):
        return self._threads_max

    def lag_ms(self):
        """The longest turn of the loop that the worker had a CPU for."""
        return max(self._lags[1:])

    def __enter__(self):
        self._thread.start()
        self.wait_beats()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()
