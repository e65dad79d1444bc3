"""The manual pages that the build made: valid, and complete by the help of the programs."""

import re
import subprocess

import pytest

PAGES = {"roomhook": "roomhook.1", "roomhook-worker": "roomhook-worker.8",
         "roomhook-web": "roomhook-web.8"}


@pytest.fixture
def page(roomhook_bin):
    return lambda program: roomhook_bin.parent / "scripts" / "manual" / PAGES[program]


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)


def as_read(path):
    """Its text as man shows it, on a wide terminal."""
    return run("groff", "-man", "-Tascii", "-P-cbou", "-rLL=1000n", path).stdout


@pytest.mark.parametrize("program", PAGES)
def test_groff_has_nothing_to_say(program, page):
    done = run("groff", "-man", "-ww", "-Tutf8", "-z", page(program))
    assert done.stderr == ""


@pytest.mark.parametrize("program", PAGES)
def test_it_begins_with_its_name(program, page):
    text = as_read(page(program))
    assert re.search(rf"^NAME\n +{program} - [a-z]", text, re.MULTILINE)


def entries(text):
    """The flags of a help: each with its value, and its explanation as one line."""
    rows = re.findall(r"^  (--\S+(?: \S+)*)((?:  +.*)?(?:\n {20}.*)*)$", text, re.MULTILINE)
    return [(flag, " ".join(explanation.split())) for flag, explanation in rows]


def section(text, heading):
    return re.search(rf"^ +{heading}\n(.*?)(?=^ {{0,3}}\S|\Z)", text, re.M | re.S)[1]


def test_each_command_with_its_flags_as_the_help_explains_them(roomhook_bin, page):
    cli = roomhook_bin / "roomhook"
    text = as_read(page("roomhook"))
    front = run(cli, "--help").stdout
    commands = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", front.partition("Flags")[0], re.M)
    assert len(commands) > 20
    assert len(entries(front)) > 8
    for flag, explanation in entries(front):
        assert f"{flag} {explanation}" in " ".join(text.split())
    for command in commands:
        of_command = " ".join(section(text, command).split())
        usage, *paragraphs = run(cli, *command.split(), "--help").stdout.partition(
            "\nFlags:")[0].split("\n\n")
        assert usage.removeprefix("Usage: ") in of_command
        for paragraph in paragraphs:
            if not paragraph.startswith("Where Redis is"):
                assert " ".join(paragraph.split()) in of_command
        for flag, explanation in entries(run(cli, *command.split(), "--help").stdout):
            assert f"{flag} {explanation}" in of_command, command


def test_each_setting_of_the_worker(roomhook_bin, page):
    worker = roomhook_bin / "roomhook-worker"
    text = " ".join(as_read(page("roomhook-worker")).split())
    rows = run(worker, "--print-settings-table").stdout.splitlines()[2:]
    assert len(rows) > 30
    for row in rows:
        name, default, allowed, reloads, meaning = [
            cell.strip() for cell in row.strip("| ").split(" | ")]
        name = name.strip("`")
        assert re.search(rf"--{name} [^ ]+ {re.escape(meaning)}", text), name
        assert f"Allowed: {allowed}. Variable: ROOMHOOK_{name.upper().replace('-', '_')}." in text
        if default:
            assert f"{meaning}. Default: {default.strip('`')}." in text
        if reloads:
            assert f"ROOMHOOK_{name.upper().replace('-', '_')}. Read again at SIGHUP" in text
    for flag in re.findall(r"^  (--[a-z-]+)", run(worker, "--help").stdout, re.M):
        assert f"{flag} " in text


def test_each_flag_of_the_web_service(roomhook_bin, page):
    web = roomhook_bin / "roomhook-web"
    text = " ".join(as_read(page("roomhook-web")).split())
    for words in ([], ["token", "create"]):
        for flag in re.findall(r"^  (--[a-z-]+(?: \S+)?)  ", run(web, *words, "--help").stdout,
                               re.M):
            assert f"{flag} " in text
