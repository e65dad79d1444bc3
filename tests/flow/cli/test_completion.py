"""Completion in bash, zsh and fish: the real shells, the scripts that the build made."""

import os
import pty
import re
import select
import subprocess
import time
from pathlib import Path

import pytest
from wait import wait_until

BASH_COMPLETION = "/usr/share/bash-completion/bash_completion"
LIMIT_S = 20

ROOMS = ("438", "C024BE91L", "!kitchen:example.org")


@pytest.fixture
def scripts(roomhook_bin):
    """The folder with the scripts."""
    return roomhook_bin.parent / "scripts" / "manual"


@pytest.fixture
def environment(roomhook_bin, tmp_path):
    return {
        "PATH": f"{roomhook_bin}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }


def bash_words(line):
    """As readline splits a line: at blanks, and what is between them at = and :."""
    words = re.findall(r"[=:]+|[^\s=:]+", line)
    return words + [""] if line.endswith(" ") else words


def in_bash(line, scripts, environment, cwd):
    words = bash_words(line)
    quoted = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    script = f"""
        source {BASH_COMPLETION}
        source {scripts}/roomhook.bash
        compopt() {{ :; }}
        COMP_WORDS=({quoted}) COMP_CWORD={len(words) - 1} COMP_LINE=$1 COMP_POINT=${{#1}}
        _roomhook
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script, "bash", line], capture_output=True,
                          text=True, env=environment, cwd=cwd, timeout=LIMIT_S, check=True)
    assert done.stderr == ""
    # Readline puts them behind the last = or : that was typed.
    typed = line.rpartition(" ")[2]
    front = typed[: max(typed.rfind("="), typed.rfind(":")) + 1]
    return {front + word.replace("\\", "") for word in done.stdout.split()}


def in_fish(line, scripts, environment, cwd):
    command = f"source {scripts}/roomhook.fish; complete -C $argv[1]"
    done = subprocess.run(["fish", "--no-config", "-c", command, line], capture_output=True,
                          text=True, env=environment, cwd=cwd, timeout=LIMIT_S, check=True)
    assert done.stderr == ""
    return {row.split("\t")[0] for row in done.stdout.splitlines()}


class Zsh:
    """A zsh at a terminal: completion works nowhere else. A key prints what a TAB would offer.

    It looks at what is given to compadd, which is simple only without descriptions (verbose no).
    """

    SETUP = """
        PS1=; PROMPT_EOL_MARK=; stty -echo; unset zle_bracketed_paste
        fpath=({scripts} $fpath); autoload -Uz compinit; compinit -u -D
        offered() {{
            local -a candidates
            compadd() {{
                local -a these; builtin compadd -O these "$@"; builtin compadd "$@"
                if [[ -z ${{(M)@:#-[OAD]}} ]]; then candidates+=($IPREFIX$^these); fi
            }}
            _main_complete; unfunction compadd
            print -r -- "<<<$candidates>>>" >{answer}
            compstate[insert]= compstate[list]=
        }}
        zstyle ':completion:*' verbose no
        zle -C offered complete-word offered; bindkey '^T' offered; print ready
    """

    def __init__(self, scripts, environment, cwd):
        self.answer = Path(cwd, "answer")
        os.mkfifo(self.answer)
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(cwd)
            os.execvpe("zsh", ["zsh", "-f", "-i"], environment)
        setup = Path(cwd, "setup.zsh")
        setup.write_text(self.SETUP.format(scripts=scripts, answer=self.answer))
        os.write(self.terminal, f"source {setup}\n".encode())
        self.read_until(b"ready\r\n")

    def read_until(self, text):
        seen = b""
        deadline = time.monotonic() + LIMIT_S
        while text not in seen:
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.terminal], [], [], left)[0], seen
            seen += os.read(self.terminal, 4096)

    def offers(self, line):
        os.write(self.terminal, b"\x15" + line.encode() + b"\x14")
        with open(self.answer, encoding="utf-8") as answer:
            text = answer.read()
        return set(text.partition("<<<")[2].partition(">>>")[0].replace("\\", "").split())

    def end(self):
        os.close(self.terminal)
        os.waitpid(self.pid, 0)


@pytest.fixture(params=["bash", "zsh", "fish"])
def offers(request, scripts, environment, tmp_path):
    """offers(line) -> what the shell offers at its end."""
    if request.param == "zsh":
        zsh = Zsh(scripts, environment, tmp_path)
        yield zsh.offers
        zsh.end()
    else:
        shell = in_bash if request.param == "bash" else in_fish
        yield lambda line: shell(line, scripts, environment, tmp_path)


def help_flags(roomhook_bin, program, *words):
    text = subprocess.run([roomhook_bin / program, *words, "--help"], capture_output=True,
                          text=True, timeout=10, check=True).stdout
    return set(re.findall(r"^  (--[a-z-]+)", text, re.MULTILINE))


def all_commands(roomhook_bin):
    text = subprocess.run([roomhook_bin / "roomhook", "--help"], capture_output=True, text=True,
                          timeout=10, check=True).stdout
    return re.findall(r"^  ([a-z]+(?: [a-z]+)?)  ", text.partition("Flags")[0], re.MULTILINE)


def test_every_command_and_every_flag_of_the_help_is_offered(offers, roomhook_bin):
    commands = all_commands(roomhook_bin)
    assert len(commands) > 20
    first = {command.split()[0] for command in commands}
    assert offers("roomhook ") == first | {"help"}
    for family in first:
        second = {command.split()[1] for command in commands if command.startswith(family + " ")}
        if second:
            assert offers(f"roomhook {family} ") == second
    everywhere = help_flags(roomhook_bin, "roomhook") - {"--version"}
    assert {"--redis", "--queue", "--json"} <= everywhere
    for command in commands:
        of_command = help_flags(roomhook_bin, "roomhook", *command.split())
        assert offers(f"roomhook {command} --") == of_command | everywhere


def test_flags_of_the_daemons(offers, roomhook_bin):
    assert offers("roomhook-worker --") == help_flags(roomhook_bin, "roomhook-worker")
    assert offers("roomhook-web --") == help_flags(roomhook_bin, "roomhook-web")
    assert offers("roomhook-web ") == {"token"}
    create = help_flags(roomhook_bin, "roomhook-web", "token", "create")
    assert offers("roomhook-web token create --") == create


def test_values(offers, tmp_path):
    (tmp_path / "body.json").touch()
    assert offers("roomhook-worker --log-level ") == {"debug", "info", "warn", "error"}
    assert offers("roomhook-worker --log-level=de") == {"--log-level=debug"}
    assert offers("roomhook hook set --secret ") == {"auto", "none"}
    assert "body.json" in offers("roomhook hook set --template b")
    assert "body.json" in offers("roomhook send b")
    assert offers("roomhook --queue hook hook re") == {"remove", "resume"}
    assert offers("roomhook help hook ro") == {"rotate"}
    assert offers("roomhook hook list x") == set()


def test_rooms_and_hooks_come_from_redis(offers, redis, redis_server):
    for room in ROOMS:
        redis.hset("{webhooks}:room:" + room, "main", '{"url":"https://example.com/"}')
    redis.hset("{webhooks}:room:438", "audit", '{"url":"https://example.com/"}')
    roomhook = f"roomhook --redis redis://127.0.0.1:{redis_server.port}/0"
    expected = {
        "hook show --room ": set(ROOMS),
        "hook show --room C": {"C024BE91L"},
        "hook show --room=43": {"--room=438"},
        "hook show --room 438 --id ": {"main", "audit"},
        "hook show --room C024BE91L --id ": {"main"},
        "dead list --room 438 --hook au": {"audit"},
        "lane show 438/": {"438/main", "438/audit"},
    }
    for line, words in expected.items():
        # On a busy machine the query may end at its own limit, and is made once more.
        wait_until(lambda: offers(f"{roomhook} {line}") == words, LIMIT_S, f"offers for {line}")


def test_without_redis_nothing_is_offered_and_nothing_is_said(offers):
    assert offers("roomhook --redis redis://127.0.0.1:1/0 hook show --room ") == set()
