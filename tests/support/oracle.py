"""Judges a history by what the receivers and Redis say at the end, when everything is quiet.

Every event whose XADD was answered must have been answered 2xx at each of its hooks, or lie on the
dead stream for a reason that the receivers gave; nothing may have been made up, changed, or left
behind; and nothing may have come more often than the faults explain.
"""

import collections
import re
from dataclasses import dataclass, field
from pathlib import Path

import redis

from history import number_of
from lane_invariants import check_invariants
from scripted_endpoints import is_success
from webhook_queue import GROUP, dead_letters, key, queue_state
from worker_process import parse_logfmt

# What a dead letter's reason needs to have been answered by its receiver.
PERMANENT = "400"
PROTOCOL = Path(__file__).resolve().parent.parent.parent / "docs" / "protocol.md"
TYPES = {"stream": "stream", "sorted": "zset", "hash": "hash", "set": "set", "string": "string"}


def key_types():
    """[(pattern of a key's name, its type)] by the table of docs/protocol.md."""
    found = []
    for line in PROTOCOL.read_text(encoding="utf-8").splitlines():
        names, _, rest = line.partition(" | ")
        kind = re.match(r"(stream|sorted|hash|set|string)", rest)
        for name in re.findall(r"`\{Q\}:([^`]+)`", names) if kind else []:
            pattern = re.sub(r"<[^>]+>", ".+", name)  # nothing else in a name is special
            found.append((re.compile(re.escape(key("")) + pattern), TYPES[kind[1]]))
    return found


@dataclass(frozen=True)
class Allowance:
    """What the scenario permits."""

    attempts_max: int  # the retry schedule's length + 1
    faults: int
    repeats_max: int  # deliveries whose outcome a crash or outage may have taken along
    gone_before: float = 0.0  # intents before this moment were deleted by a fault
    given_up: collections.Counter = field(default_factory=collections.Counter)
    overtaken: tuple = ()  # what a worker started in a wrong order, where that must not be


@dataclass
class Findings:
    events: int = 0
    ok: int = 0
    failed: int = 0
    unknown: int = 0
    posts: int = 0
    dead: int = 0
    duplicates: int = 0
    lost: int = 0
    problems: list = field(default_factory=list)

    def complain(self, text):
        self.problems.append(text)


def given_up(logs):
    """(webhook-id, hook id) -> attempts whose answer came too late for the worker, or never."""
    counts = collections.Counter()
    for log in logs:
        for fields in map(parse_logfmt, log.splitlines()):
            if fields.get("error", "").startswith("timeout"):
                counts[fields.get("event"), fields.get("hook")] += 1
    return counts


def overtaken(log):
    """Deliveries that a worker started for the first time after a later one of their lane, as its
    log has it on level debug: (lane, stream id, the later one's)."""
    last, seen, found = {}, set(), []
    for fields in map(parse_logfmt, log.splitlines()):
        if fields.get("msg") != "starts" or fields["attempts"] != "0":
            continue
        lane, entry = fields["lane"], tuple(map(int, fields["entry"].split("-")))
        if (lane, entry) in seen:
            continue
        seen.add((lane, entry))
        if entry < last.get(lane, entry):
            found.append((lane, entry, last[lane]))
        last[lane] = max(entry, last.get(lane, entry))
    return found


def judge(history, client, allowance):
    """The findings; all is well when there are no problems."""
    findings = Findings()
    results = collections.Counter(intent.result for intent in history.intents.values())
    findings.events = len(history.intents)
    findings.ok, findings.failed = results["ok"], results["failed"]
    findings.unknown = results["unknown"]
    findings.posts = len(history.arrivals)
    letters = _letters_by_delivery(history, client, findings)
    answers = collections.defaultdict(list)  # (number, path) -> names of the answers, in order
    for arrival in history.arrivals:
        answers[arrival.number, arrival.path].append(arrival.answer)
        _judge_arrival(arrival, history.intents.get(arrival.number), findings)
    for intent in history.intents.values():
        _judge_intent(intent, answers, letters, allowance, findings)
    _judge_letters(history, answers, letters, allowance, findings)
    _judge_repeats(history, answers, allowance, findings)
    _judge_leftovers(client, findings)
    if allowance.overtaken:
        findings.complain(f"started after later ones of their lanes: {allowance.overtaken[:5]}")
    return findings


def _letters_by_delivery(history, client, findings):
    """(number, hook id or "") -> dead letters"""
    numbers = {intent.event_id: intent.number for intent in history.intents.values()}
    letters = collections.defaultdict(list)
    for letter in dead_letters(client):
        findings.dead += 1
        number = numbers.get(letter.get("event_id"), number_of(letter))
        if number not in history.intents:
            findings.complain(f"a dead letter of an event nobody sent: {letter}")
        letters[number, letter.get("hook", "")].append(letter)
    return letters


def _judge_arrival(arrival, intent, findings):
    if intent is None:
        findings.complain(f"arrived, but nobody sent it: {arrival}")
        return
    expected_id = intent.event_id or (intent.stream_id and f"msg_{intent.stream_id}")
    if arrival.hash != intent.hash:
        findings.complain(f"arrived changed: {arrival}, sent {intent}")
    if expected_id is not None and arrival.webhook_id != expected_id:
        findings.complain(f"arrived as {arrival.webhook_id} instead of {expected_id}: {arrival}")
    if arrival.path not in intent.targets.values():
        findings.complain(f"arrived at a wrong endpoint: {arrival}, sent {intent}")
    if intent.result == "failed":
        findings.complain(f"arrived although its XADD was refused: {arrival}")


def _judge_intent(intent, answers, letters, allowance, findings):
    if intent.result != "ok" or intent.at <= allowance.gone_before:
        return
    if intent.malformed:
        if len(letters[intent.number, ""]) != 1:
            findings.lost += 1
            findings.complain(f"lost: {intent} has {letters[intent.number, '']}, not one letter")
        return
    for hook, path in intent.targets.items():
        answered = any(is_success(name) for name in answers[intent.number, path])
        if not answered and not letters[intent.number, hook]:
            findings.lost += 1
            findings.complain(
                f"lost: event {intent.number} ({intent.event_id or intent.stream_id}) for {path}: "
                f"answered {answers[intent.number, path]}, and no dead letter"
            )


def _judge_letters(history, answers, letters, allowance, findings):
    for (number, hook), found in letters.items():
        intent = history.intents.get(number)
        if len(found) > 1:
            findings.complain(f"event {number} hook {hook} has {len(found)} dead letters: {found}")
        for letter in found:
            if intent is not None and not _is_explained(letter, intent, answers, allowance):
                findings.complain(f"a dead letter without a cause: {letter}, sent {intent}")


def _is_explained(letter, intent, answers, allowance):
    answered = answers[intent.number, intent.targets.get(letter.get("hook"))]
    if letter["reason"] == "malformed":
        return intent.malformed
    if letter["reason"] == "rejected":
        return PERMANENT in answered
    if letter["reason"] == "exhausted":
        return int(letter["attempts"]) == allowance.attempts_max and bool(answered)
    return False


def _judge_repeats(history, answers, allowance, findings):
    """A connection that is dropped may make curl send again by itself, so drops do not count."""
    unexplained = 0
    for (number, path), names in answers.items():
        repeats = max(0, sum(map(is_success, names)) - 1)
        findings.duplicates += repeats
        if repeats and number in history.intents:
            unexplained += max(0, repeats - _given_up(history, number, path, allowance))
        counted = sum(name != "drop" for name in names)
        if counted > allowance.attempts_max + allowance.faults:
            findings.complain(f"event {number} was sent {len(names)} times to {path}: {names}")
    if unexplained > allowance.repeats_max:
        findings.complain(
            f"{unexplained} duplicates that no worker had given up before; what was in flight at "
            f"crashes and outages explains {allowance.repeats_max}"
        )


def _given_up(history, number, path, allowance):
    """How often a worker stopped waiting for this delivery's answer."""
    hooks = [hook for hook, its in history.intents[number].targets.items() if its == path]
    ids = {arrival.webhook_id for arrival in history.arrivals if arrival.number == number}
    return sum(allowance.given_up[one, hook] for one in ids for hook in hooks)


def _judge_keys(client, findings):
    """Every key is one of docs/protocol.md, of its type; the sizes of the logs are those there."""
    known = key_types()
    for name in client.scan_iter(key("*"), count=1000):
        name = name.decode()
        kind = client.type(name).decode()
        if kind not in {type_ for pattern, type_ in known if pattern.fullmatch(name)}:
            findings.complain(f"{name} is a {kind}")
    sizes = {lane.decode(): int(size) for lane, size in client.hgetall(key("log-sizes")).items()}
    total = sizes.pop("*", 0)
    logs = {name.decode().split(":", 2)[2] for name in client.scan_iter(key("log:*"), count=1000)}
    lanes = {lane.decode() for lane in client.zrange(key("logs"), 0, -1)}
    if not logs == lanes == set(sizes) or total != sum(sizes.values()):
        findings.complain(f"logs {logs ^ lanes}, {lanes ^ set(sizes)}; {total} of {sizes}")


def _judge_leftovers(client, findings):
    left = queue_state(client)
    if any(left.values()):
        findings.complain(f"not empty at the end: {left}")
    try:
        check_invariants(client)
    except AssertionError as failure:
        findings.complain(f"Redis' keys do not fit together at the end: {failure}")
    _judge_keys(client, findings)
    try:
        consumers = client.xinfo_consumers(key("events"), GROUP)
    except redis.ResponseError:
        return  # neither stream nor group
    for consumer in consumers:
        if consumer["pending"]:
            findings.complain(f"consumer {consumer['name'].decode()} has pending entries")
