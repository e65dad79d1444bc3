"""Fixtures of the web service."""

import subprocess

import pytest
from web_service import WebService


@pytest.fixture
def start_web(roomhook_bin, request):
    """start_web(redis=…, **settings) -> WebService on redis_server, or the server or URL given."""
    services = []

    def start(redis=None, **settings):
        server = redis or request.getfixturevalue("redis_server")
        url = server if isinstance(server, str) else server.url
        services.append(WebService(roomhook_bin / "roomhook-web", url, **settings))
        return services[-1]

    yield start
    for service in services:
        service.finish()


@pytest.fixture
def make_token(roomhook_bin, tmp_path):
    """make_token("operate", "--expires", "1h") -> a token of make_token.file."""

    def make(role, *arguments):
        done = subprocess.run(
            [roomhook_bin / "roomhook-web", "token", "create", "--tokens", make.file,
             "--role", role, *arguments],
            capture_output=True, text=True, timeout=20, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    make.file = str(tmp_path / "tokens")
    return make
