"""The programs of docs/clients, docs/receivers and docs/chat: what each needs, how it is built and
run."""

import os
import re
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import libraries
from libraries import (
    FOLDER, GO, JAVA, MATTERMOST, NODE, PHP, PYTHON, ROCKETCHAT, RUBY, RUST, TOP,
)  # fmt: skip

BUILD_S = 240
JSON, MSGPACK = "json", "msgpack"


class Skip(Exception):
    """What a program needs is not here."""


@dataclass(frozen=True)
class Program:
    file: str  # below docs/
    command: str  # {file}: that; {bin}: what build makes; see words()
    build: str = ""
    tools: tuple = ()
    libraries: object = None
    probe: tuple = ()  # succeeds when the libraries of Debian are there
    sends: tuple = (JSON,)  # of a client: the formats of its events, in order
    cgi: bool = False  # of a receiver: a web server runs it for each request
    environment: dict = field(default_factory=dict)
    called: str = ""  # another name than the file's
    block: str = ""  # of a page: the program is its block of this language
    beside: str = ""  # below tests/clients: what is compiled with that

    @property
    def name(self):
        return self.called or Path(self.file).stem.replace("_", "-")

    @property
    def path(self):
        return TOP / "docs" / self.file

    @property
    def source(self):
        """What is compiled and run: the file, or what was taken from the page."""
        if not self.block:
            return self.path
        return self.libraries.folder / f"{self.path.stem}.{self.block}"

    def _take_from_page(self):
        text = self.path.read_text(encoding="utf-8")
        blocks = re.findall(rf"^```{self.block}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        assert len(blocks) == 1, f"{len(blocks)} blocks of {self.block} in {self.file}"
        self.source.write_text(blocks[0], encoding="utf-8")
        if self.beside:
            shutil.copy(libraries.HERE / self.beside, self.source.parent)

    def words(self, text, build_folder):
        values = {"file": self.source, "folder": self.source.parent, "here": libraries.HERE,
                  "rocketchat": ROCKETCHAT.folder, "bin": FOLDER / "bin" / self.file,
                  "rust": RUST.folder,
                  "node": NODE.folder, "java": JAVA.folder,
                  "top": TOP, "build": build_folder, "stem": self.path.stem}  # fmt: skip
        return [word.format(**values) for word in shlex.split(text)]

    def prepare(self, build_folder):
        """Builds it; raises Skip when it cannot be run here."""
        for tool in self.tools:
            if not shutil.which(tool):
                raise Skip(f"no {tool}")
        if self.libraries and not self.libraries.are_there:
            tool = self.libraries.missing_tool()
            raise Skip(f"no {tool}" if tool else "its libraries are not fetched")
        if self.probe and subprocess.run(
            self.probe, env=self.full_environment(), stdin=subprocess.DEVNULL,
            capture_output=True, timeout=30, check=False,
        ).returncode:  # fmt: skip
            raise Skip("its libraries are not installed")
        if self.block:
            self._take_from_page()
        if self.build:
            (FOLDER / "bin" / self.file).parent.mkdir(parents=True, exist_ok=True)
            done = subprocess.run(
                self.words(self.build, build_folder),
                cwd=self.libraries.source if self.libraries else TOP,
                env=self.full_environment(), stdin=subprocess.DEVNULL, capture_output=True,
                text=True, timeout=BUILD_S, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"it does not build:\n{done.stdout}{done.stderr}"
        return self.words(self.command, build_folder)

    def full_environment(self, **more):
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("ROOMHOOK_", "REDIS"))}
        path = self.libraries.path() if self.libraries else os.environ["PATH"]
        return {**clean, **libraries.GO_BUILD, "PATH": path, **self.environment, **more}


def _cc(compiler, flags):
    return f"{compiler} -Wall -Wextra -Werror -O1 {{file}} -o {{bin}} {flags}"


def _msgpack_c():
    """msgpack-c is called otherwise since its version 6."""
    known = shutil.which("pkg-config") and [
        name for name in ("msgpack-c", "msgpack")
        if subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0
    ]  # fmt: skip
    return "-lmsgpack-c" if known and known[0] == "msgpack-c" else "-lmsgpackc"


def _loads(command, *modules):
    """A probe: a program of one line that loads these modules."""
    return (*command, "; ".join(f"require '{module}'" for module in modules))


def _includes(*headers):
    """A probe: the compiler finds these headers."""
    flags = [word for header in headers for word in ("-include", header)]
    return ("g++", "-std=c++20", "-E", *flags, "-x", "c++", "/dev/null")


def _php(*conditions):
    return ("php", "-r", f"exit({' && '.join(conditions)} ? 0 : 1);")


MSGPACK_OF_PHP = "extension_loaded('msgpack')"
PREDIS = "/usr/share/php/Predis/autoload.php"
GO_PROGRAM = {"command": "{bin}", "libraries": GO, "build": "go build -o {bin} {file}",
              "environment": {"GOPROXY": "off"}}  # fmt: skip
RUST_PROGRAM = {
    "command": "{rust}/target/debug/{stem}", "libraries": RUST,
    "build": "cargo build --quiet --offline --locked --target-dir {rust}/target --bin {stem}"
             " --manifest-path {top}/tests/clients/rust/Cargo.toml",
}  # fmt: skip
# Modules are looked for beside the file.
NODE_PROGRAM = {"command": "node {node}/{stem}.mjs", "libraries": NODE,
                "build": "cp {file} {node}/{stem}.mjs"}  # fmt: skip
JAVA_PROGRAM = {"command": "java -XX:TieredStopAtLevel=1 -cp {java}/* {file}", "libraries": JAVA}
LIBROOMHOOK = "-I{top}/include -I{build}/include -L{build}/lib -Wl,-rpath,{build}/lib -lroomhook"
BOTH = (JSON, MSGPACK)
PYPI = {"PYTHONPATH": str(PYTHON.folder)}

CLIENTS = (
    Program("clients/redis_py.py", "python3 {file}", libraries=PYTHON, sends=BOTH,
            environment=PYPI),
    Program("clients/redis_py.py", "/usr/bin/python3 {file}", sends=BOTH, called="redis-py-debian",
            probe=("/usr/bin/python3", "-c", "import redis, msgpack")),
    Program("clients/ioredis.mjs", sends=BOTH, **NODE_PROGRAM),
    Program("clients/node_redis.mjs", sends=BOTH, **NODE_PROGRAM),
    Program("clients/go_redis.go", **GO_PROGRAM),
    Program("clients/go_redis_msgpack.go", sends=(MSGPACK,), **GO_PROGRAM),
    Program("clients/redis_cli.sh", "bash {file}", tools=("redis-cli",)),
    Program("clients/libroomhook.c", "{bin}", _cc("cc", LIBROOMHOOK), tools=("cc",)),
    Program("clients/hiredis.c", "{bin}", _cc("cc", "-lhiredis"), tools=("cc",)),
    Program("clients/hiredis_msgpack.c", "{bin}", _cc("cc", f"-lhiredis {_msgpack_c()}"),
            tools=("cc",), sends=(MSGPACK,), probe=_includes("msgpack.h")),
    Program("clients/phpredis.php", "php {file}", tools=("php",), sends=BOTH,
            probe=_php("extension_loaded('redis')", MSGPACK_OF_PHP)),
    Program("clients/predis.php", "php {file}", tools=("php",), sends=BOTH,
            environment={"PREDIS_AUTOLOAD": PREDIS},
            probe=_php(f"file_exists('{PREDIS}')", MSGPACK_OF_PHP)),
    Program("clients/redis_rb.rb", "ruby {file}", tools=("ruby",), sends=BOTH,
            probe=_loads(("ruby", "-e"), "redis", "msgpack")),
    Program("clients/jedis.java", **JAVA_PROGRAM),
    Program("clients/jedis_msgpack.java", sends=(MSGPACK,), **JAVA_PROGRAM),
    Program("clients/lettuce.java", **JAVA_PROGRAM),
    Program("clients/lettuce_msgpack.java", sends=(MSGPACK,), **JAVA_PROGRAM),
    Program("clients/redis_rs.rs", sends=BOTH, **RUST_PROGRAM),
    Program("clients/redis_perl.pl", "perl {file}", tools=("perl",), sends=BOTH,
            probe=("perl", "-MRedis", "-MData::MessagePack", "-e", "1")),
    Program("clients/hiredis.cpp", "{bin}", _cc("g++ -std=c++20", "-lhiredis"), tools=("g++",),
            sends=BOTH, probe=_includes("nlohmann/json.hpp"),
            called="hiredis-cpp"),
    Program("clients/redis_plus_plus.cpp", "{bin}", _cc("g++ -std=c++20", "-lredis++ -lhiredis"),
            tools=("g++",), sends=BOTH,
            probe=_includes("sw/redis++/redis++.h", "nlohmann/json.hpp")),
    Program("clients/redis_lua.lua", "lua5.3 {file}", tools=("lua5.3",), sends=BOTH,
            probe=_loads(("lua5.3", "-e"), "redis", "cjson", "MessagePack")),
)  # fmt: skip
RECEIVERS = (
    Program("receivers/receiver.py", "python3 {file}", libraries=PYTHON, environment=PYPI,
            called="receiver-python"),
    Program("receivers/receiver.mjs", called="receiver-node", **NODE_PROGRAM),
    Program("receivers/receiver.go", called="receiver-go", **GO_PROGRAM),
    Program("receivers/receiver.c", "{bin}", _cc("cc", "-lcrypto"), tools=("cc",), cgi=True,
            called="receiver-c"),
    Program("receivers/receiver.php", "php -S 127.0.0.1:PORT {file}", tools=("php",),
            called="receiver-php"),
    Program("receivers/receiver.rb", "ruby {file}", tools=("ruby",), called="receiver-ruby",
            probe=_loads(("ruby", "-e"), "webrick")),
    Program("receivers/standardwebhooks.php", "php -S 127.0.0.1:PORT {file}", tools=("php",),
            libraries=PHP, called="receiver-php-library",
            environment={"COMPOSER_AUTOLOAD": str(PHP.folder / "vendor" / "autoload.php")}),
    Program("receivers/standardwebhooks.rb", "ruby {file}", tools=("ruby",), libraries=RUBY,
            environment={"GEM_HOME": str(RUBY.folder)}, probe=_loads(("ruby", "-e"), "webrick"),
            called="receiver-ruby-library"),
    Program("receivers/receiver.java", called="receiver-java", **JAVA_PROGRAM),
    Program("receivers/receiver.rs", called="receiver-rust", **RUST_PROGRAM),
    Program("receivers/receiver.pl", "perl {file}", tools=("perl",), cgi=True,
            called="receiver-perl"),
    Program("receivers/receiver.lua", "lua5.3 {file}", tools=("lua5.3",), cgi=True,
            called="receiver-lua",
            probe=_loads(("lua5.3", "-e"), "openssl.hmac", "openssl.rand", "mime")),
)  # fmt: skip
PLUGINS = (
    Program("chat/mattermost.md", "{bin} -test.count=1", block="go", libraries=MATTERMOST,
            beside="mattermost/drive_test.go", environment={"GOPROXY": "off"},
            build="go test -c -o {bin} {file} {folder}/drive_test.go", called="mattermost-plugin"),
    Program("chat/rocketchat.md", "node {here}/rocketchat/drive.cjs {folder}/rocketchat.js",
            block="ts", libraries=ROCKETCHAT, called="rocketchat-app",
            build="node {rocketchat}/node_modules/typescript/bin/tsc --strict --skipLibCheck"
                  " --target es2022 --module commonjs {file}"),
)  # fmt: skip
