"""Fixtures of the flow tests: a real Redis, a real worker, a scripted receiver."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS / "support"))

from certificates import Certificates  # noqa: E402
from lateness import Lateness  # noqa: E402
from name_server import NameServer  # noqa: E402
from network import NAME_SERVER, Network  # noqa: E402
from receiver import Receiver  # noqa: E402
from redis_server import RedisServer  # noqa: E402
from redis_variants import Sentinel  # noqa: E402
from webhook_queue import DEFAULT_QUEUE  # noqa: E402
from worker_process import Worker  # noqa: E402


@pytest.fixture(scope="session")
def roomhook_bin():
    """The folder of the binaries under test: $ROOMHOOK_BIN, else build/dev/bin."""
    built = TESTS.parent / "build" / "dev" / "bin"
    folder = Path(os.environ.get("ROOMHOOK_BIN") or built).resolve()
    if not (folder / "roomhook-worker").exists():
        pytest.fail(f"no roomhook-worker in {folder}: build first, or set ROOMHOOK_BIN")
    return folder


@pytest.fixture(scope="module")
def module_redis():
    with RedisServer() as server:
        yield server


@pytest.fixture
def redis_server(module_redis):
    """An empty Redis; the process is shared by the module's tests."""
    with module_redis.client() as client:
        client.flushall()
        client.config_resetstat()
    return module_redis


@pytest.fixture
def redis(redis_server):
    """A client of redis_server."""
    with redis_server.client() as client:
        yield client


@pytest.fixture
def receiver():
    with Receiver() as one:
        yield one


@pytest.fixture
def lateness():
    """Watches how late this machine is; lateness.of_a_post_s() belongs to a limit of time."""
    with Lateness() as one:
        yield one


@pytest.fixture
def own_redis():
    """own_redis(**settings) -> RedisServer of this test alone, for tests that harm it."""
    servers = []

    def start(**settings):
        servers.append(RedisServer(**settings))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def sentinel_of(tmp_path):
    """sentinel_of(port of a master, **settings) -> Sentinel"""
    sentinels = []

    def start(master_port, **settings):
        sentinels.append(Sentinel(tmp_path, master_port, **settings))
        return sentinels[-1]

    yield start
    for sentinel in sentinels:
        sentinel.stop()


WORKERS = pytest.StashKey()


@pytest.fixture
def start_worker(roomhook_bin, own_redis, request):
    """start_worker(**settings) -> Worker on redis_server, or on the server or URL given as redis=.

    All are ended, and their logs and exit codes checked, at the end of the test.
    """
    workers = request.node.stash.setdefault(WORKERS, [])

    def start(redis=None, **settings):
        server = redis or request.getfixturevalue("redis_server")
        url = server if isinstance(server, str) else server.url
        worker = Worker(roomhook_bin / "roomhook-worker", url, **settings)
        workers.append(worker)
        return worker

    yield start
    failures = []
    for worker in workers:
        try:
            worker.finish()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n\n".join(failures)


@pytest.fixture(scope="module")
def network():
    """A network that holds a worker and, in every other address, the tests."""
    with Network() as one:
        yield one


@pytest.fixture(scope="module")
def names(network):
    """The name server of that network."""
    with NameServer(network.world, NAME_SERVER) as one:
        yield one


@pytest.fixture
def start_far_worker(start_worker, redis_server, network):
    """start_far_worker(**settings) -> Worker in the network, with the address policy as shipped."""

    def start(**settings):
        settings = {"allow_address": None, "retry_schedule": "1h", **settings}
        return start_worker(redis=redis_server.unix_url, wrapper=network.wrapper(), **settings)

    return start


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Shows the workers' logs beside a failure."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for worker in item.stash.get(WORKERS, []):
            last_lines = "\n".join(worker.log().splitlines()[-100:])
            report.sections.append((f"log of worker {worker.pid}", last_lines))


@pytest.fixture
def cli(roomhook_bin, request):
    """cli("dead", "list") runs roomhook -> CompletedProcess of texts.

    It runs on redis_server, or on the server or URL given as redis=. A code other than 0 fails the
    test unless check is False.
    """

    def run(*arguments, redis=None, queue=DEFAULT_QUEUE, input=None, check=True, timeout=20):
        server = redis or request.getfixturevalue("redis_server")
        url = server if isinstance(server, str) else server.url
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROOMHOOK_")}
        done = subprocess.run(
            [roomhook_bin / "roomhook", "--redis", url, "--queue", queue, *arguments],
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            text=True,
            env=environment,
            timeout=timeout,
            check=False,
        )
        assert not check or done.returncode == 0, f"{done.args}:\n{done.stdout}{done.stderr}"
        return done

    return run


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return Certificates(tmp_path_factory.mktemp("certificates"))
