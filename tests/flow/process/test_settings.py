"""Settings as an operator meets them: flags, environment, file, and what is said of them."""

import os
import re
import subprocess

import pytest

PASSWORD = "hunter2-and-more"


@pytest.fixture
def worker(roomhook_bin):
    """worker("--check", env={…}) runs roomhook-worker to its end -> CompletedProcess of texts."""

    def run(*arguments, env=None):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("ROOMHOOK_")}
        environment.pop("CREDENTIALS_DIRECTORY", None)
        environment.update(env or {})
        return subprocess.run(
            [roomhook_bin / "roomhook-worker", *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=environment,
            timeout=20,
            check=False,
        )

    return run


@pytest.fixture
def settings_file(tmp_path):
    """settings_file("queue = a", …) -> path of a settings file with these lines."""

    def write(*lines):
        path = tmp_path / "worker.ini"
        path.write_text("".join(line + "\n" for line in lines))
        return str(path)

    return write


def printed(done):
    """The output of --print-settings as a dict."""
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^([a-z-]+) =(?: (.*))?$", done.stdout, re.MULTILINE))


def assert_refused(done, *parts):
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("roomhook-worker: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr


# wrong settings

WRONG = [
    ("max-in-flight", "0", "a whole number from 1 to 65536"),
    ("max-per-endpoint", "many", "a whole number from 1 to 65536"),
    ("timeout", "6m", "a time from 100ms to 5m"),
    ("heartbeat-ttl", "1s", "a time from 3s to 5m"),
    ("max-event-bytes", "1t", "a number of bytes from 1k to 16m"),
    ("retry-jitter", "120%", "a share from 0% to 100%"),
    ("retry-schedule", "5s,soon", "a time from 1ms to 30d"),
    ("permanent-status", "200", "an HTTP status from 300 to 599"),
    ("allow-address", "10.0.0.1/8", "has address bits set after its first 8"),
    ("https-only", "perhaps", "yes or no"),
    ("processes", "65", "auto or a whole number from 1 to 64"),
    ("log-level", "loud", "debug, info, warn or error"),
    ("queue", "a b", "1 to 64 letters, digits, '_' or '-'"),
]


@pytest.mark.parametrize("name, value, allowed", WRONG, ids=[row[0] for row in WRONG])
def test_wrong_value_is_refused_from_every_source(worker, settings_file, name, value, allowed):
    variable = "ROOMHOOK_" + name.upper().replace("-", "_")
    path = settings_file("# first line", f"{name} = {value}")
    shown = f'{name} "{value}"'
    assert_refused(worker(f"--{name}", value), shown, "(flag)", allowed)
    assert_refused(worker(f"--{name}={value}"), shown, "(flag)", allowed)
    assert_refused(worker(env={variable: value}), shown, f"(environment {variable})", allowed)
    assert_refused(worker("--config", path), shown, "worker.ini:2)", allowed)


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["--max-in-fligth", "3"], ["unknown flag --max-in-fligth", "--max-in-flight?"]),
        (["--concurrency=3"], ["unknown flag --concurrency", "--help"]),
        (["--queue"], ["queue", "needs a value", "1 to 64 letters"]),
        (["work"], ["argument 1 is not a flag: --NAME VALUE"]),
        (["check"], ["argument 1 is not a flag, did you mean --check?"]),
        (["--queue", "a", "redsi", "b"], ["argument 3 is not a flag, did you mean --redis?"]),
        (["--connect-timeout", "20s"], ['connect-timeout "20s"', 'timeout, which is "15s"']),
        (["--config", "/does/not/exist"], ['"/does/not/exist"', "No such file"]),
        (["--redis", "rediss://h", "--redis-cert", "/c"], ["redis-key", "given together"]),
        (["--redis-ca", "/ca"], ["redis-ca", "are for rediss://"]),
    ],
    ids=lambda value: value[0] if value[0].startswith("-") else "",
)
def test_wrong_command_line_is_refused(worker, arguments, parts):
    assert_refused(worker(*arguments), *parts)


@pytest.mark.parametrize(
    "line, part",
    [
        ("[worker]", "a section is"),
        ("max-in-fligth = 3", 'did you mean "max-in-flight"?'),
        ("queue", 'not "name = value"'),
        ("ca-file = /" + "p" * 200, "longer than 197 bytes"),
    ],
)
def test_wrong_line_of_the_file_is_refused(worker, settings_file, line, part):
    path = settings_file("max-in-flight = 3", "", line)
    assert_refused(worker("--config", path), "worker.ini:3: ", part)


# precedence and printing


def test_flag_overrides_environment_overrides_file_overrides_default(worker, settings_file):
    path = settings_file(
        "queue = of-file",
        "max-in-flight = 1",
        "max-per-origin = 1",
        "allow-address = 10.0.0.0/8",
        "allow-address = 192.168.0.0/16",
    )
    env = {
        "ROOMHOOK_CONFIG": path,
        "ROOMHOOK_QUEUE": "of-environment",
        "ROOMHOOK_MAX_IN_FLIGHT": "2",
        "ROOMHOOK_UNKNOWN": "is ignored",
        "ROOMHOOK_MAX_AGE": "",
    }
    settings = printed(worker("--print-settings", "--queue=of-flag", env=env))
    assert settings["queue"] == "of-flag"
    assert settings["max-in-flight"] == "2"
    assert settings["max-per-origin"] == "1"
    assert settings["max-per-endpoint"] == "16"
    assert settings["max-age"] == "5d"
    assert settings["allow-address"] == "10.0.0.0/8,192.168.0.0/16"
    settings = printed(worker("--print-settings", "--allow-address=127.0.0.0/8", env=env))
    assert settings["allow-address"] == "127.0.0.0/8"


def test_printed_settings_are_a_settings_file(worker, settings_file):
    first = worker("--print-settings", "--https-only", "--retry-schedule", ",".join(["7d"] * 64),
                   "--allow-address", "[fd00::/8]:8080-8090", "--allow-address", "127.0.0.1/32",
                   "--permanent-status=none", "--redis", "unix:///run/redis.sock?db=3")
    assert first.returncode == 0
    second = worker("--print-settings", "--config", settings_file(*first.stdout.splitlines()))
    assert second.returncode == 0, second.stderr
    assert second.stdout == first.stdout


def test_check_says_that_all_is_well_and_warns(worker):
    done = worker("--check")
    assert done.returncode == 0
    done = worker("--check", "--max-age", "3d", "--allow-address", "0.0.0.0/0")
    assert done.returncode == 0
    assert "retry-schedule adds up to 75h or more" in done.stderr
    assert "allow-address holds 0.0.0.0/0" in done.stderr


def test_check_looks_into_files_of_certificates(worker, tmp_path):
    empty = tmp_path / "empty.pem"
    empty.write_text("hello\n")
    done = worker("--check", f"--ca-file={empty}")
    assert done.returncode == 0 and f'ca-file "{empty}" holds no certificates' in done.stderr
    for flags, part in (
        (["--redis-ca", str(empty)], f'redis-ca "{empty}" cannot be used: no certificate'),
        (["--redis-ca", "/nowhere"], 'redis-ca "/nowhere" cannot be used: No such file'),
        (["--redis-cert", str(empty), "--redis-key", str(empty)], f'redis-cert "{empty}" cannot'),
    ):
        assert_refused(worker("--check", "--redis", "rediss://127.0.0.1", *flags), part)


def test_help_lists_every_setting_within_80_columns(worker):
    names = set(printed(worker("--print-settings")))
    done = worker("--help", env={"ROOMHOOK_MAX_IN_FLIGHT": "whatever"})
    assert done.returncode == 0 and done.stderr == ""
    flags = set(re.findall(r"^  --([a-z-]+)", done.stdout, re.MULTILINE))
    assert len(names) >= 25 and names <= flags
    assert max(map(len, done.stdout.splitlines())) <= 80
    table = worker("--print-settings-table").stdout
    assert set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE)) == names


def test_files_that_others_can_read_are_named(worker, cli, tmp_path):
    """Those that hold a secret."""
    secret = tmp_path / "password"
    secret.write_text("hunter2\n")
    key_file = tmp_path / "key.pem"
    key_file.write_text("")
    config = tmp_path / "worker.conf"
    config.write_text("redis = redis://:hunter2@127.0.0.1\n")
    for mode, flags, named in (
        (0o644, ["--redis-password-file", secret], f'redis-password-file "{secret}"'),
        (0o604, ["--config", config], f'config "{config}"'),
        (0o640, ["--redis-password-file", secret], None),
        (0o600, ["--config", config], None),
        (0o644, ["--config", config, "--redis", "redis://h"], None),
    ):
        for file in (secret, config, key_file):
            file.chmod(mode)
        done = worker("--check", *map(str, flags))
        assert done.returncode == 0, done.stderr
        assert ("every user of this machine may read it" in done.stderr) == bool(named), flags
        assert named is None or named in done.stderr
    secret.chmod(0o604)
    done = cli("status", f"--redis-password-file={secret}", check=False)
    assert "warning: every user of this machine may read the password file" in done.stderr
    secret.chmod(0o600)
    assert "warning" not in cli("status", f"--redis-password-file={secret}", check=False).stderr


def test_misspelt_variables_are_named(worker, roomhook_bin):
    """Their values are not: they may be secret."""
    env = {"ROOMHOOK_MAXINFLIGHT": "7", "ROOMHOOK_PORT_6379_TCP": "8", "ROOMHOOK_CONFIG": "",
           "ROOMHOOK_QUEUE": "q"}  # fmt: skip
    done = worker("--check", env=env)
    assert done.returncode == 0
    assert ("warning: no settings: ROOMHOOK_MAXINFLIGHT (did you mean ROOMHOOK_MAX_IN_FLIGHT?), "
            "ROOMHOOK_PORT_6379_TCP\n") in done.stderr  # fmt: skip
    assert "warning" not in worker("--check", env={"ROOMHOOK_DEAD_MAX": "7"}).stderr
    environment = {"ROOMHOOK_REDISS": "redis://:hunter2@h", "ROOMHOOK_MAX_IN_FLIGHT": "7",
                   "ROOMHOOK_REDIS": "redis://127.0.0.1:1"}  # fmt: skip
    done = subprocess.run([roomhook_bin / "roomhook", "status"], env=environment, timeout=20,
                          capture_output=True, text=True, check=False)  # fmt: skip
    assert "warning: ROOMHOOK_REDISS is not known, did you mean ROOMHOOK_REDIS?" in done.stderr
    assert done.stderr.count("warning") == 1 and "hunter2" not in done.stderr


# the password


def test_password_is_never_printed(worker, tmp_path):
    secret = tmp_path / "redis-password"
    secret.write_text(PASSWORD + "\n")
    url = f"redis://ana:{PASSWORD}@127.0.0.1:6379/0"
    runs = [
        worker("--print-settings", "--redis", url),
        worker("--print-settings", env={"ROOMHOOK_REDIS": url}),
        worker("--print-settings", "--redis-password-file", str(secret)),
        worker("--print-settings", env={"CREDENTIALS_DIRECTORY": str(tmp_path)}),
        worker("--check", "--redis", url.replace("127.0.0.1", "db.example")),
        worker("--redis", url + "x"),
        worker("--redis", url, "--redis-password-file", str(secret)),
        worker("--reddis", url),
        worker(url),
        worker("--redis", url.replace("redis:", "rediz:")),
    ]
    assert [done.returncode for done in runs] == [0] * 5 + [2] * 5
    for done in runs:
        assert PASSWORD not in done.stdout + done.stderr


def test_password_file_opens_redis_and_stays_out_of_the_log(start_worker, own_redis, tmp_path):
    secret = tmp_path / "redis-password"
    secret.write_text(PASSWORD + "\n")
    server = own_redis()
    server.client().config_set("requirepass", PASSWORD)
    worker = start_worker(
        redis=server.url, redis_password_file=str(secret), log_level="debug", wait_ready=False
    )
    worker.wait_log("ready")
    worker.terminate()
    assert PASSWORD not in worker.log()


def test_what_makes_no_alert_hook_is_named(worker, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hunter2\n")
    secret.chmod(0o600)
    done = worker("--check", "--alert-url", "https://a.example/", "--alert-secret-file", secret)
    assert done.returncode == 2 and "alert-secret-file" in done.stderr
    assert "hunter2" not in done.stderr
    done = worker("--check", "--alert-url", "ftp://a.example/")
    assert done.returncode == 2 and "alert-url" in done.stderr
