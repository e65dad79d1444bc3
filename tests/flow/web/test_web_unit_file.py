"""The systemd unit of the web service: valid, and closed."""

import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[3]
UNIT = TOP / "scripts" / "systemd" / "roomhook-web.service"
EXPOSURE_MAX = 1.1  # of 10; what is left: it uses the network and unix sockets


def analyze(*arguments):
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_it_is_valid(roomhook_bin, tmp_path):
    text = UNIT.read_text(encoding="utf-8")
    assert "\nExecStart=roomhook-web " in text
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("ExecStart=", f"ExecStart={roomhook_bin}/"), encoding="utf-8")
    done = analyze("verify", "--man=no", "--recursive-errors=no", str(copy))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_it_is_closed():
    done = analyze(
        "security", "--offline=true", f"--threshold={round(EXPOSURE_MAX * 10)}", str(UNIT)
    )
    found = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert found and float(found[1]) <= EXPOSURE_MAX, done.stdout + done.stderr


def test_the_page_s_environment_file_names_variables_that_there_are(roomhook_bin):
    page = (TOP / "docs" / "web.md").read_text(encoding="utf-8")
    told = subprocess.run(
        [roomhook_bin / "roomhook-web", "--help"], capture_output=True, text=True, check=True
    ).stdout
    named = set(re.findall(r"ROOMHOOK_[A-Z_]+", page))
    assert named and named <= set(re.findall(r"ROOMHOOK_[A-Z_]+", told))
