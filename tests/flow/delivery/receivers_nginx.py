"""nginx in front of a receiver, alone and with the core rules of ModSecurity at paranoia level 2.

Needs packages that no other test does (scripts/setup --receivers); run by ctest --preset receivers.
"""

import shutil
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from child import free_port
from wait import wait_until
from webhook_queue import assert_queue_empty, dead_letters, enqueue, message_event, set_hook

NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
MODULES = Path("/etc/nginx/modules-enabled")
FORMATS = ["spika", "bare", "standard", "cloudevents", "slack", "discord", "mattermost"]
SECRET = "whsec_bmV3ZXN0LXNlY3JldC1vZi0zMi1ieXRlcy1sZW5ndGg="

CONFIGURATION = """
include {modules}/*.conf;
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 4;
    server {{
        listen 127.0.0.1:{port};
        {rules}
        location / {{ proxy_pass http://127.0.0.1:{behind}; }}
    }}
}}
"""

RULES = """
Include /etc/nginx/modsecurity.conf
SecRuleEngine On
SecAuditEngine RelevantOnly
SecAuditLogType Serial
SecAuditLog {folder}/audit.log
SecAction "id:900000,phase:1,nolog,pass,t:none,\\
    setvar:tx.paranoia_level=2,setvar:tx.blocking_paranoia_level=2"
Include /etc/modsecurity/crs/crs-setup.conf
Include /usr/share/modsecurity-crs/rules/*.conf
"""


class Nginx:
    def __init__(self, folder, behind, with_rules):
        assert Path(NGINX).is_file(), "nginx is missing: scripts/setup --receivers"
        self.folder = folder
        self.port = free_port()
        rules = ""
        if with_rules:
            (folder / "rules.conf").write_text(RULES.format(folder=folder))
            rules = f"modsecurity on; modsecurity_rules_file {folder}/rules.conf;"
        configuration = folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                modules=MODULES, folder=folder, port=self.port, behind=behind, rules=rules
            )
        )
        self.process = subprocess.Popen([NGINX, "-c", configuration, "-e", folder / "error.log"])
        wait_until(lambda: self.status("/") is not None, 20, self.log)

    def log(self):
        return (self.folder / "error.log").read_text(errors="replace")

    def url(self, path):
        return f"http://localhost:{self.port}{path}"

    def status(self, path):
        """Of a GET; None when nobody answers."""
        request = urllib.request.Request(self.url(path), headers={"Accept": "*/*"})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            assert self.process.poll() is None, self.log()
            return None


@pytest.fixture
def nginx(tmp_path, receiver):
    """nginx(with_rules) starts one in front of the receiver."""
    started = []

    def start(with_rules):
        started.append(Nginx(tmp_path, receiver.port, with_rules))
        return started[-1]

    yield start
    for one in started:
        one.process.kill()
        one.process.wait()


def test_events_pass_nginx(redis, receiver, start_worker, nginx):
    """Also when it closes a kept connection after each few requests."""
    server = nginx(with_rules=False)
    set_hook(redis, 438, "main", url=server.url("/hook"), secret=SECRET)
    start_worker()
    ids = {f"event-{n}" for n in range(40)}
    for event_id in ids:
        enqueue(redis, message_event(text="x" * 1000), id=event_id)
    wait_until(lambda: len(receiver.requests("/hook")) >= len(ids), 20, "all events")
    assert_queue_empty(redis)
    assert {one.header("webhook-id") for one in receiver.requests("/hook")} == ids
    assert {one.header("webhook-attempt") for one in receiver.requests("/hook")} == {"1"}
    assert dead_letters(redis) == []


def test_core_rules_let_deliveries_through(redis, receiver, start_worker, nginx):
    server = nginx(with_rules=True)
    assert server.status("/?q=<script>alert(1)</script>") == 403, "the rules are in force"
    for name in FORMATS:
        set_hook(redis, 438, name, url=server.url(f"/{name}"), secret=SECRET, format=name,
                 verificationSignature="9JOLCJUVylQxxdhX")
    start_worker(retry_schedule="100ms")
    enqueue(redis, message_event(text="Lunch at 12:30? The soup is fine, I hear.",
                                 createdAt=1667548137257), id="event-1")  # fmt: skip
    for name in FORMATS:
        (request,) = receiver.wait_for(1, f"/{name}")
        assert request.header("Verification-Signature") == "9JOLCJUVylQxxdhX"
    assert_queue_empty(redis)
    assert dead_letters(redis) == [], server.log()
    assert "POST" not in server.log(), "no rule says anything about a delivery"
