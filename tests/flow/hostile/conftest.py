"""Fixtures of the tests with hostile receivers."""

import pytest
from hostile_http import TIMEOUT_S, NastyHosts


@pytest.fixture(params=["http", "https"])
def nasties(request, network, names, certificates):
    with NastyHosts(network.world, names, certificates, request.param) as hosts:
        yield hosts


@pytest.fixture
def start_tough_worker(start_far_worker, certificates):
    def start(**settings):
        defaults = {
            "ca_file": certificates.ca,
            "timeout": f"{TIMEOUT_S:.0f}s",
            "heartbeat_ttl": "3s",
            "max_event_bytes": "1m",
        }
        settings = {**defaults, **settings}
        return start_far_worker(connect_timeout=settings["timeout"], **settings)

    return start
