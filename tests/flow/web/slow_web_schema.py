"""schemathesis against /openapi.json: no 5xx, every answer as described, what is valid is taken."""

import json
import subprocess

import pytest
import python_packages
from webhook_queue import key, message_event, set_hook

VERSION = "4.32.5"


@pytest.fixture(scope="module")
def schemathesis():
    return python_packages.program("schemathesis", VERSION)


@pytest.mark.parametrize(
    ("methods", "arguments"),
    [
        (["GET", "POST", "DELETE"], []),
        # What makes a hook valid is more than a schema says.
        (["PUT", "PATCH"], ["--exclude-checks", "positive_data_acceptance"]),
    ],
)
def test_the_service_is_as_described(
    schemathesis, start_web, make_token, redis, tmp_path, methods, arguments
):
    token = make_token("operate")
    set_hook(redis, 438, "main", url="https://example.com/")
    document = json.dumps(message_event())
    redis.xadd(key("dead"), {"reason": "gone", "room": "438", "hook": "main", "json": document})
    web = start_web(tokens=make_token.file, actions=True)
    only = [word for method in methods for word in ("--include-method", method)]
    done = subprocess.run(
        [schemathesis, "run", f"http://127.0.0.1:{web.port}/openapi.json",
         "-H", f"Authorization: Bearer {token}", "-n", "60", "--phases", "coverage,fuzzing",
         "--exclude-operation-id", "testHook", "--warnings", "off", "--seed", "1",
         *only, *arguments],
        capture_output=True, text=True, timeout=600, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    assert web.get("/readyz").status == 200
