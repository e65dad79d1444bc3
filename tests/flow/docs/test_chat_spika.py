"""docs/chat/spika.ts: compiled, called as Spika would, through Redis and a worker to a receiver."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from web_service import WebService

import node_packages
from webhook_queue import key, set_hook

CHAT = Path(__file__).resolve().parents[3] / "docs" / "chat"
HOSTILE = '</script>{{room.name}} "\\" \u202e\x00\ud83d <!channel> 日本\r\n'
USER = {"id": 12, "displayName": "Ana", "avatarFileId": 3, "isBot": False,
        "telephoneNumber": "+385911234567", "emailAddress": "ana@example.org"}  # fmt: skip
ROOM = {"id": 438, "name": "team", "avatarFileId": 0, "type": "group", "users": [{"user": USER}]}
SHOWN = {"fromUser": {"id": 12, "displayName": "Ana", "avatarFileId": 3},
         "room": {"name": "team", "avatarFileId": 0}}  # fmt: skip


def message(**changes):
    """One as Spika's sanitize(…).message() gives it."""
    return {
        "id": 24006, "roomId": 438, "fromUserId": 12, "totalUserCount": 3, "deliveredCount": 0,
        "seenCount": 0, "type": "text", "body": {"text": "hello"}, "createdAt": 1667548137257,
        "modifiedAt": 1667548137257, "localId": "a1", "replyId": None, "deleted": False, **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The program that TypeScript makes of it, in strict mode."""
    node_packages.install()
    folder = tmp_path_factory.mktemp("spika")
    (folder / "node_modules").symlink_to(node_packages.FOLDER / "node_modules")
    source = folder / "spika.ts"
    source.write_text((CHAT / "spika.ts").read_text(encoding="utf-8"), encoding="utf-8")
    done = subprocess.run(
        ["node", "node_modules/typescript/bin/tsc", "--strict", "--skipLibCheck",
         "--target", "es2022", "--module", "commonjs", source.name],
        cwd=folder, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return folder / "spika.js"


@pytest.fixture
def call(compiled, redis_server):
    """call([("announce", …), …], **environment) -> what each gave."""

    def run(calls, **changes):
        command, environment = node_packages.node("spika.js")
        lines = [json.dumps({"call": name, "args": args}) for name, *args in calls]
        done = subprocess.run(
            [*command, compiled], input="\n".join(lines), capture_output=True, text=True,
            env={**environment, "ROOMHOOK_REDIS": redis_server.url, **changes}, timeout=30,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


def test_announce(redis, receiver, start_worker, call):
    set_hook(redis, 438, "main", url=receiver.url())
    start_worker()
    bot = {**USER, "isBot": True}
    edited = message(body={"text": "hello again"}, modifiedAt=1667548200000)
    deleted = message(body={"text": "Deleted message"}, deleted=True)
    results = call([
        ("announce", "message.created", message(body={"text": HOSTILE}), USER, ROOM, "7"),
        ("announce", "message.updated", edited, USER, ROOM),
        ("announce", "message.deleted", deleted, USER, ROOM),
        ("announce", "message.created", message(id=24007), bot, ROOM, "3"),
        ("announce", "message.created", message(id=24008), bot, ROOM),
        ("announce", "message.created", message(id=24009), bot, ROOM, "-1"),
        ("announce", "message.created", message(roomId="438"), USER, ROOM),
        ("announce", "message.created", {}, USER, ROOM),
    ])  # fmt: skip
    assert ["error" in one for one in results] == [False] * 6 + [True] * 2
    assert results[4:6] == [{"result": None}] * 2, "a program that does not say its hops"
    assert results[6]["error"] == "a message needs id and roomId, integers"
    posts = {
        one.header("webhook-id"): (one.header("webhook-event"), one.header("webhook-hops"),
                                   json.loads(one.body)["data"])
        for one in receiver.wait_for(4)
    }  # fmt: skip
    assert posts == {
        "spika-24006": ("message.created", None,
                        {"message": message(body={"text": HOSTILE}), **SHOWN}),
        "spika-24006-1667548200000": ("message.updated", None, {"message": edited, **SHOWN}),
        "spika-24006-deleted": ("message.deleted", None,
                                {"message": message(body={}, deleted=True), **SHOWN}),
        "spika-24007": ("message.created", "3", {"message": message(id=24007), **SHOWN}),
    }  # fmt: skip


@pytest.fixture
def web(roomhook_bin, redis_server, tmp_path):
    """The environment of a Spika that has a roomhook-web with a token."""
    tokens = str(tmp_path / "tokens")
    token = subprocess.run(
        [roomhook_bin / "roomhook-web", "token", "create", "--tokens", tokens,
         "--role", "operate"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    service = WebService(roomhook_bin / "roomhook-web", redis_server.url, tokens=tokens,
                         actions=True)  # fmt: skip
    yield {"ROOMHOOK_WEB": f"http://127.0.0.1:{service.port}", "ROOMHOOK_WEB_TOKEN": token}
    service.finish()


def test_rows_of_the_table_become_hooks(redis, receiver, start_worker, call, web):
    start_worker()
    row = {"id": 7, "roomId": 438, "verifySignature": "9JOLCJUVylQxxdhX", "url": receiver.url("/a")}
    created = ("announce", "message.created", message(), USER, ROOM)
    assert call([("storeHook", "PUT", row), created], **web)[0] == {"result": None}
    assert receiver.wait_for(1)[0].header("Verification-Signature") == "9JOLCJUVylQxxdhX"

    assert json.loads(redis.hget(key("room:438"), "spika-7")) == {
        "url": row["url"], "verificationSignature": row["verifySignature"],
        "types": ["message.created"],
    }  # fmt: skip

    moved = {**row, "url": receiver.url("/b")}
    wrong = {**row, "url": "ftp://example.org/"}
    calls = [("storeHook", "PATCH", moved), created, ("storeHook", "PATCH", wrong)]
    results = call(calls, **web)
    assert results[0] == {"result": None} and "http" in results[2]["result"]
    receiver.wait_for(1, "/b")
    assert json.loads(redis.hget(key("room:438"), "spika-7"))["types"] == ["message.created"]
    assert call([("storeHook", "DELETE", row)], **web) == [{"result": None}]
    assert not redis.exists(key("room:438"))


def test_it_is_short():
    assert len((CHAT / "spika.ts").read_text(encoding="utf-8").splitlines()) <= 60


@pytest.mark.parametrize("page", ["spika.md", "rocketchat.md"])
def test_code_of_pages_is_typescript(compiled, page):
    blocks = re.findall(r"^```ts\n(.*?)^```", (CHAT / page).read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    program = """
        const ts = require("typescript");
        for (const text of JSON.parse(require("fs").readFileSync(0, "utf8")))
            for (const one of ts.transpileModule(text, { reportDiagnostics: true }).diagnostics)
                console.log(one.messageText);
    """
    command, environment = ["node", "-e", program], node_packages.ENVIRONMENT
    done = subprocess.run(command, input=json.dumps(blocks), capture_output=True, text=True,
                          env=environment, timeout=60, check=True)  # fmt: skip
    assert done.stdout == ""
