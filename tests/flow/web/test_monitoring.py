"""docs/monitoring: the alert rules, and the dashboard over real traffic in a real Prometheus."""

import json
import math
import re
from pathlib import Path

import pytest
import yaml
from prometheus import Prometheus, metrics_of, promtool, series_of
from receiver import Answer
from wait import wait_until
from webhook_queue import enqueue, message_event, set_hook

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "monitoring"
RULES = FOLDER / "alerts.yml"
BOARD = FOLDER / "dashboard.json"
METRIC = re.compile(r"\broomhook_[a-z0-9_]+")

# Of each alert: series that make it fire and ones that do not, as promtool writes numbers: "0x60"
# is 0 for an hour, "0+5x60" grows by 5 a minute. Looked at after MINUTES.
MINUTES = 50
ZERO = "0x60"
CASES = {
    "RoomhookNotScraped": ({}, {"redis_up": "1x60"}),
    "RoomhookRedisDown": ({"redis_up": "1x20 0x40"}, {"redis_up": "1x49 0 1x20"}),
    "RoomhookNoWorkers": ({"workers": "2x20 0x40"}, {"workers": "2x20 1x40"}),
    "RoomhookOutcomesNotStored": (
        {"worker_unstored_outcomes": "0x40 3x20"}, {"worker_unstored_outcomes": ZERO}),
    "RoomhookEventsLost": (
        {'events_lost_total{reason="unread"}': "0x40 7x20", 'events_lost_total{reason="pending"}':
         ZERO},
        {'events_lost_total{reason="unread"}': "7x60", 'events_lost_total{reason="pending"}': ZERO},
    ),
    "RoomhookQueueDeleted": (
        {"stream_deletions_total": "0x40 1x20"}, {"stream_deletions_total": "1x60"}),
    "RoomhookDeadLettersDropped": (
        {"dead_letters_dropped_total": "0+1x60"}, {"dead_letters_dropped_total": "9x60"}),
    "RoomhookEventsWait": (
        {"oldest_event_age_seconds": "1x40 61+60x20"}, {"oldest_event_age_seconds": "59x60"}),
    "RoomhookDeliveriesSlow": (
        {'delivery_seconds_bucket{le="10"}': "0+4x60", 'delivery_seconds_bucket{le="30"}': "0+9x60",
         'delivery_seconds_bucket{le="+Inf"}': "0+10x60"},
        {'delivery_seconds_bucket{le="10"}': "0+6x60", 'delivery_seconds_bucket{le="30"}': "0+9x60",
         'delivery_seconds_bucket{le="+Inf"}': "0+10x60"},
    ),
    "RoomhookAttemptsFail": (
        {"attempts_total": "0+100x60", "retries_total": "0+60x60"},
        {"attempts_total": "0+100x60", "retries_total": "0+40x60"},
    ),
    "RoomhookHooksShut": (
        {'lanes{state="shut"}': "5x40 25x20", 'lanes{state="not_shut"}': ZERO},
        {'lanes{state="shut"}': "25x60", 'lanes{state="not_shut"}': "0+1x60"},
    ),
    "RoomhookDeadLetters": (
        {'deliveries_total{outcome="dead"}': "5x30 6x30"},
        {'deliveries_total{outcome="dead"}': "5x60", 'deliveries_total{outcome="delivered"}':
         "0+9x60"},
    ),
    "RoomhookRedisErrors": (
        {'redis_errors_total{kind="oom"}': "0+2x60"},
        {'redis_errors_total{kind="oom"}': "0x20 3x40"},
    ),
    "RoomhookWorkerCrashed": (
        {'reclaimed_events_total{reason="dead"}': "0x30 4x30"},
        {'reclaimed_events_total{reason="dead"}': "4x60",
         'reclaimed_events_total{reason="own"}': "0+1x60"},
    ),
    "RoomhookWorkerShortage": (
        {"local_shortages_total": "0x40 1x20"}, {"local_shortages_total": "0x20 1x40"}),
    "RoomhookWorkerStalls": (
        {"worker_loop_lag_seconds": "0.01x40 1.5x20"}, {"worker_loop_lag_seconds": "0.2x60"}),
    "RoomhookInconsistent": (
        {"repairs_total": "0x40 1x20"},
        {"repairs_total": "1x60", 'reclaimed_events_total{reason="stuck"}': ZERO},
    ),
}  # fmt: skip
# A second way to fire.
MORE = {
    "RoomhookInconsistent": {
        "repairs_total": ZERO, 'reclaimed_events_total{reason="stuck"}': "0x40 2x20"},
}  # fmt: skip


def rules():
    """{name: rule}"""
    (group,) = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"]
    return {rule["alert"]: rule for rule in group["rules"]}


def labels_of(name, fired):
    """Of the alert: those of its series, summed up."""
    labels = {"severity": rules()[name]["labels"]["severity"]}
    if name != "RoomhookNotScraped":
        labels["queue"] = "webhooks"
    if name == "RoomhookRedisErrors":
        labels["kind"] = re.search('kind="([a-z]+)"', next(iter(fired)))[1]
    return labels


def as_scraped(name):
    """"lanes{state="x"}" -> as it is scraped, from an instance"""
    metric, _, labels = name.partition("{")
    return f'roomhook_{metric}{{queue="webhooks",instance="a"' + (
        f",{labels}" if labels else "}")


def scenario(name, numbers, fires):
    rule = rules()[name]
    expected = [{"exp_labels": labels_of(name, numbers), "exp_annotations": rule["annotations"]}]
    return {
        "interval": "1m",
        "input_series": [{"series": as_scraped(one), "values": values}
                         for one, values in numbers.items()],
        "alert_rule_test": [{"eval_time": f"{MINUTES}m", "alertname": name,
                             "exp_alerts": expected if fires else []}],
    }  # fmt: skip


def test_the_rules_are_valid():
    status, told = promtool("check", "rules", RULES)
    assert status == 0, told
    for name, rule in rules().items():
        assert rule["labels"]["severity"] in ("critical", "warning"), name
        assert set(rule["annotations"]) == {"summary", "do"}, name


def test_the_configuration_of_the_page(tmp_path):
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    (config,) = re.findall(r"^```yaml\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    path = tmp_path / "prometheus.yml"
    path.write_text(config.replace("/etc/prometheus/roomhook-alerts.yml", str(RULES)))
    status, told = promtool("check", "config", path)
    assert status == 0 and f"{len(rules())} rules found" in told, told


@pytest.mark.parametrize("name", sorted(rules()))
def test_an_alert_fires_when_it_should_and_else_not(name, tmp_path):
    fires, quiet = CASES[name]
    tests = [scenario(name, fires, True), scenario(name, quiet, False)]
    if name in MORE:
        tests.append(scenario(name, MORE[name], True))
    path = tmp_path / "rules.test.json"
    path.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m",
                                "tests": tests}), encoding="utf-8")  # fmt: skip
    status, told = promtool("test", "rules", path)
    assert status == 0, told


def queries_of_board():
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    return [(panel["title"], target["expr"]) for panel in board["panels"]
            for target in panel["targets"]]  # fmt: skip


def send_all(redis, receiver):
    """Traffic of all kinds, to a hook that answers, one that fails and one that refuses."""
    receiver.script("/fails", [Answer(503)])
    receiver.script("/refuses", [Answer(422)])
    for n, path in enumerate(("/", "/fails", "/refuses")):
        set_hook(redis, n, "main", url=receiver.url(path))
    for n in range(40):
        enqueue(redis, message_event(n % 4))  # of room 3 there is no hook


def test_each_query_of_the_dashboard_has_data(redis, receiver, start_worker, start_web, tmp_path):
    start_worker()
    web = start_web()
    prometheus = Prometheus(tmp_path, f"127.0.0.1:{web.port}", RULES)
    try:
        def number(metric):
            return sum(value for _, value in prometheus.query(metric))

        wait_until(lambda: number("count_over_time(roomhook_redis_up[1m])") > 1, 20, "two scrapes")
        send_all(redis, receiver)
        wait_until(lambda: number('roomhook_deliveries_total{outcome=~"delivered|dead"}') == 20 and
                   number("roomhook_deliveries_waiting") == 10, 30,
                   lambda: prometheus.query("roomhook_deliveries_total"))  # fmt: skip
        queries = queries_of_board()
        assert len(queries) > 40
        for title, expression in queries:
            asked = expression.replace("$queue", "webhooks").replace("$__rate_interval", "1m")
            assert "$" not in asked, title
            found = prometheus.query(asked)
            assert found and not any(math.isnan(value) for _, value in found), (title, asked)
        assert prometheus.ask("label/queue/values", **{"match[]": "roomhook_redis_up"}) == [
            "webhooks"]
        for bound in ("60", "+Inf"):
            assert number(f'roomhook_delivery_seconds_bucket{{le="{bound}"}}') == 10
            assert number(f'roomhook_attempt_seconds_bucket{{le="{bound}"}}') == number(
                "roomhook_attempt_seconds_count") >= 20
        wait_until(lambda: {rule["health"] for group in prometheus.ask("rules")["groups"]
                            for rule in group["rules"]} == {"ok"}, 20,
                   lambda: prometheus.ask("rules"))  # fmt: skip
        wait_until(lambda: "RoomhookDeadLetters" in {
            alert["labels"]["alertname"] for alert in prometheus.ask("alerts")["alerts"]}, 20,
                   "the alert about dead letters")  # fmt: skip
    finally:
        prometheus.finish()


def test_rules_dashboard_and_page_speak_of_real_metrics(start_web, start_worker):
    start_worker()
    web = start_web()
    wait_until(lambda: b"roomhook_attempt_seconds_count" in web.get("/metrics").body, 10, "them")
    metrics = metrics_of(web.get("/metrics").body.decode())
    real = series_of(metrics)
    board = {name for _, expression in queries_of_board() for name in METRIC.findall(expression)}
    used = {name for rule in rules().values() for name in METRIC.findall(rule["expr"])}
    assert used and used <= real, used - real
    assert board and board <= real, board - real
    text = web.get("/metrics").body.decode()
    for rule in rules().values():
        for name, matcher in re.findall(r"(roomhook_\w+)\{(\w+=\"\w+\")\}", rule["expr"]):
            assert re.search(rf"^{name}\{{.*{matcher}.*\}} ", text, re.MULTILINE), (name, matcher)
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `(roomhook_\w+)", page, re.MULTILINE))
    assert told == set(metrics), told ^ set(metrics)
    assert set(re.findall(r"^\| `(Roomhook\w+)`", page, re.MULTILINE)) == set(rules())
