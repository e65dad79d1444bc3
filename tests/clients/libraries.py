"""The libraries that docs/clients, docs/receivers and docs/chat use, fetched into build/clients by
the package managers of their languages, at the versions that the files beside this one pin."""

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
FOLDER = TOP / "build" / "clients"
FETCH_S = 300
REASON_MAX = 160
GO_BUILD = {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}


@functools.cache
def runs(path):
    """rustup's stand-ins do not, where the toolchains are in the home of somebody else."""
    return subprocess.run(
        [path, "--version"], stdin=subprocess.DEVNULL, capture_output=True, timeout=30, check=False
    ).returncode == 0  # fmt: skip


@functools.cache
def rust_path():
    """PATH, where the first folder with a Rust that runs comes first."""
    path = os.environ["PATH"]
    for folder in path.split(os.pathsep):
        tools = [shutil.which(tool, path=folder) for tool in ("cargo", "rustc")]
        if all(tools) and all(map(runs, tools)):
            return folder + os.pathsep + path
    return ""


def _reason(output):
    """The first line that names an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    named = [line for line in lines if "error" in line.lower()]
    return (named or lines or ["no word of it"])[0][:REASON_MAX]


@dataclass(frozen=True)
class Libraries:
    name: str
    tools: tuple
    pins: tuple  # files below tests/clients
    steps: tuple  # commands; {here} is tests/clients, {to} where the libraries go
    path: Callable = lambda: os.environ["PATH"]  # in which the tools are

    @property
    def folder(self):
        return FOLDER / self.name

    @property
    def source(self):
        """Of the files that pin them."""
        return (HERE / self.pins[0]).parent

    def _pinned(self):
        return b"\0".join((HERE / pin).read_bytes() for pin in self.pins)

    @property
    def are_there(self):
        mark = self.folder / "fetched"
        return mark.exists() and mark.read_bytes() == self._pinned()

    def missing_tool(self):
        path = self.path()
        return next((tool for tool in self.tools if not shutil.which(tool, path=path)), None)

    def fetch(self):
        """Returns why it could not, None when the libraries are there."""
        if self.are_there:
            return None
        if tool := self.missing_tool():
            return f"no {tool}"
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for step in self.steps:
            argv = [word.format(here=HERE, to=self.folder) for word in step]
            try:
                done = subprocess.run(
                    argv, cwd=self.source,
                    env={**os.environ, "GOTOOLCHAIN": "local", "PATH": self.path()},
                    stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=FETCH_S,
                    check=False,
                )  # fmt: skip
            except subprocess.TimeoutExpired:
                return f"{argv[0]} took longer than {FETCH_S} s"
            if done.returncode != 0:
                return f"{argv[0]} failed: {_reason(done.stderr + done.stdout)}"
        (self.folder / "fetched").write_bytes(self._pinned())
        return None


PYTHON = Libraries(
    "python", ("python3",), ("requirements.txt",),
    (("python3", "-m", "pip", "install", "--quiet", "--target", "{to}", "--requirement",
      "{here}/requirements.txt"),),
)  # fmt: skip
NPM = (
    ("cp", "package.json", "package-lock.json", "{to}"),
    ("npm", "ci", "--prefix", "{to}", "--ignore-scripts", "--no-audit", "--no-fund",
     "--loglevel=error", "--fetch-retries=1"),
)  # fmt: skip
NODE = Libraries("node", ("node", "npm"), ("node/package-lock.json", "node/package.json"), NPM)
ROCKETCHAT = Libraries(
    "rocketchat", ("node", "npm"), ("rocketchat/package-lock.json", "rocketchat/package.json"), NPM
)
GO = Libraries(
    "go", ("go",), ("go/go.sum", "go/go.mod"),
    (("go", "mod", "download"),
     ("go", "build", "github.com/redis/go-redis/v9", "github.com/vmihailenco/msgpack/v5",
      "github.com/standard-webhooks/standard-webhooks/libraries/go")),
)  # fmt: skip
MATTERMOST = Libraries(
    "mattermost", ("go",), ("mattermost/go.sum", "mattermost/go.mod"),
    (("go", "build", "github.com/mattermost/mattermost/server/public/plugin/plugintest"),),
)  # fmt: skip
RUST = Libraries(
    "rust", ("cargo",), ("rust/Cargo.lock", "rust/Cargo.toml", "rust/lib.rs"),
    (("cargo", "build", "--quiet", "--locked", "--lib", "--target-dir", "{to}/target"),),
    path=rust_path,
)  # fmt: skip
JAVA = Libraries(
    "java", ("java", "javac", "mvn"), ("java/pom.xml",),
    (("mvn", "--quiet", "--batch-mode", "-Dstyle.color=never", "dependency:copy-dependencies",
      "-DoutputDirectory={to}"),),
)  # fmt: skip
PHP = Libraries(
    "php", ("php", "composer"), ("php/composer.json",),
    (("cp", "composer.json", "{to}"),
     ("composer", "install", "--working-dir={to}", "--no-interaction", "--no-plugins", "--quiet")),
)  # fmt: skip
RUBY = Libraries(
    "ruby", ("ruby", "gem"), ("libraries.py",),
    (("gem", "install", "--quiet", "--no-document", "--install-dir={to}",
      "standardwebhooks:~> 1.0"),),
)  # fmt: skip
ALL = (PYTHON, NODE, GO, RUST, JAVA, PHP, RUBY, MATTERMOST, ROCKETCHAT)
