"""What goes wrong, drawn from a seed.

A fault is a generator: it does its harm, yields for how many seconds to leave it so, and undoes it.
So several can be under way at once. Each gets the Site it happens on and random numbers.
"""

import heapq
import random
import time

import redis

from redis_server import RedisServer
from wait import wait_until

QUICK = {"socket_timeout": 1.0, "socket_connect_timeout": 1.0}
LONG_S = 6.0  # longer than a worker waits for an answer of Redis
OVER_HEARTBEAT_S = 4.0  # longer than the workers' heartbeat-ttl


# workers


def kill_worker(site, numbers):
    worker = site.some_worker(numbers)
    site.kill(worker)
    yield numbers.choice((0.0, 0.3, 1.0))
    site.replace(worker)


def kill_all_workers(site, numbers):
    workers = site.running_workers()
    for worker in workers:
        site.kill(worker)
    yield numbers.choice((0.0, 0.5))
    for worker in workers:
        site.replace(worker)


def stop_worker(site, numbers):
    worker = site.some_worker(numbers)
    seconds = numbers.choice((0.2, 0.8, OVER_HEARTBEAT_S))
    worker.pause()
    if seconds == OVER_HEARTBEAT_S:
        site.crashes += 1  # others take it for dead
    yield seconds
    worker.resume()


def terminate_worker(site, numbers):
    worker = site.some_worker(numbers)
    site.terminate(worker)
    yield numbers.choice((0.0, 0.3))
    site.replace(worker)


# Redis


def restart_redis(site, numbers):
    with site.redis_to_itself() as server:
        if server is not None:
            server.shut_down()
            yield numbers.choice((0.0, 0.3, 1.0))
            server.start()


def crash_redis(site, numbers):
    """Nothing that was answered is lost: its file is synced always."""
    with site.redis_to_itself() as server:
        if server is not None:
            server.kill()
            yield numbers.choice((0.0, 0.3, 1.0))
            server.start()


def stop_redis(site, numbers):
    with site.redis_to_itself() as server:
        if server is not None:
            seconds = numbers.choice((0.2, 0.5, 1.5, LONG_S))
            server.pause()
            site.outages += seconds == LONG_S
            yield seconds
            server.resume()


def promote_replica(site, _):
    """A failover that loses nothing: the replica has all when it takes over."""
    with site.redis_to_itself() as server:
        if server is None:
            return
        replica = RedisServer(appendonly=True)
        site.servers.append(replica)
        old, new = server.client(), replica.client()
        old.config_set("repl-diskless-sync-delay", 0)
        new.replicaof(server.host, server.port)
        wait_until(lambda: _is_synced(new), 10, lambda: f"a replica's sync: {new.info()}")
        old.execute_command("CLIENT", "PAUSE", 10000, "WRITE")
        wait_until(lambda: _has_all(old, new), 10, "the replica to catch up")
        for proxy in site.proxies:
            proxy.refuse()
        server.kill()
        new.replicaof("NO", "ONE")
        site.server = replica
        for proxy in site.proxies:
            proxy.point_at(replica.host, replica.port)
            proxy.cut(how="rst")
            proxy.accept()
    yield 0.0


def _is_synced(replica):
    """Its own file included, which is written anew after the sync."""
    info = replica.info()
    return info.get("master_link_status") == "up" and not (
        info["aof_rewrite_in_progress"] or info["aof_rewrite_scheduled"]
    )


def _has_all(old, new):
    return old.info("replication")["master_repl_offset"] == (
        new.info("replication")["slave_repl_offset"]
    )


def flush_scripts(site, _):
    site.ask_redis("SCRIPT", "FLUSH")
    yield 0.0


def kill_clients(site, _):
    site.ask_redis("CLIENT", "KILL", "TYPE", "normal")
    yield 0.0


def flush_all(site, _):
    """The hooks are there again at once; what was queued is gone."""
    with site.server.client(**QUICK) as client, client.pipeline() as together:
        together.flushall()
        site.register_hooks(together)
        together.execute()
    site.gone_before = time.monotonic()
    yield 0.0


# the network between workers (or producer) and Redis


def cut_link(site, numbers):
    count = numbers.choice((None, None, 1, 2))
    numbers.choice(site.proxies).cut(numbers.choice(("rst", "fin")), count)
    yield 0.0


def cut_within(site, numbers):
    """In the middle of what is said, of an answer more often than of a command."""
    proxy = numbers.choice(site.proxies)
    direction = numbers.choice(("up", "down", "down"))
    proxy.cut_after(numbers.randrange(4000), direction, numbers.choice(("rst", "fin")))
    yield 0.0


def freeze_link(site, numbers):
    proxy = numbers.choice(site.proxies)
    proxy.freeze(*numbers.choice((("up",), ("down",), ("down",), ())))
    seconds = numbers.choice((0.3, 1.0, 1.5, LONG_S))
    site.outages += seconds == LONG_S
    yield seconds
    if numbers.random() < 0.5:
        proxy.cut("rst")
    proxy.thaw()


def slow_link(site, numbers):
    proxy = numbers.choice(site.proxies)
    proxy.delay(numbers.uniform(0.005, 0.05))
    yield 1.0
    proxy.delay(0.0)


def refuse_link(site, numbers):
    proxy = numbers.choice(site.proxies)
    proxy.refuse()
    proxy.cut("rst")
    yield numbers.uniform(0.2, 1.0)
    proxy.accept()


MIXED = (
    kill_worker, kill_worker, kill_worker, kill_all_workers, stop_worker, stop_worker,
    terminate_worker, terminate_worker, restart_redis, crash_redis, stop_redis, promote_replica,
    flush_scripts, kill_clients, kill_clients, cut_link, cut_link, cut_within, cut_within,
    cut_within, freeze_link, freeze_link, slow_link, refuse_link,
)
ALONE = "alone"  # one worker, to which nothing happens: what it starts, it starts in order
SCENARIOS = ("mixed",) * 16 + ("flushall",) * 2 + ("calm", ALONE)


def draw(seed, window_s):
    """(scenario, [(second, fault)]) of a seed."""
    numbers = random.Random(f"faults {seed}")
    scenario = numbers.choice(SCENARIOS)
    count = {"mixed": numbers.randint(3, 7), "flushall": numbers.randint(1, 3)}.get(scenario, 0)
    faults = (flush_all,) if scenario == "flushall" else MIXED
    times = sorted(numbers.uniform(0.1, window_s) for _ in range(count))
    return scenario, [(second, numbers.choice(faults)) for second in times]


def strike(site, plan, seed):
    """Carries a plan out and returns when the last fault is undone. site.note is told of each."""
    numbers = random.Random(f"strike {seed}")
    began = time.monotonic()
    agenda = []  # (when, number, name, generator)
    for number, (second, fault) in enumerate(plan):
        agenda.append((began + second, number, fault.__name__, fault(site, numbers)))
    heapq.heapify(agenda)
    while agenda:
        when, number, name, under_way = heapq.heappop(agenda)
        time.sleep(max(0.0, when - time.monotonic()))
        try:
            site.note("fault", name=name, number=number)
            heapq.heappush(agenda, (time.monotonic() + next(under_way), number, name, under_way))
        except StopIteration:
            pass
        except redis.RedisError as error:  # another fault keeps Redis from being asked
            site.note("fault missed", name=name, number=number, why=str(error))
