"""What the incoming webhooks of chats demand of a body, as they document it; and what would make
them notify somebody.

    problems("discord", headers, body) -> []

Each emulation refuses what the service refuses: other content types, unknown or missing fields,
wrong types, texts that are too long.
"""

import json
import re

LIMITS = {"slack": 40000, "discord": 2000, "mattermost": 16383}
TEXT = {"slack": "text", "discord": "content", "mattermost": "text"}
# Fields that are documented, and the types of their values.
FIELDS = {
    "slack": {"text": str, "blocks": list, "attachments": list, "thread_ts": str, "mrkdwn": bool,
              "username": str, "icon_url": str, "icon_emoji": str, "channel": str},
    "discord": {"content": str, "username": str, "avatar_url": str, "tts": bool, "embeds": list,
                "allowed_mentions": dict, "flags": int, "thread_name": str},
    "mattermost": {"text": str, "channel": str, "username": str, "icon_url": str,
                   "icon_emoji": str, "attachments": list, "type": str, "props": dict,
                   "priority": dict},
}  # fmt: skip
MENTIONS = {
    "slack": [r"<[!@#]"],
    "discord": [r"@everyone", r"@here", r"<@[!&]?\d+>"],
    "mattermost": [r"(?i)@(all|channel|here)\b"],
}
ENTITIES = re.compile(r"&(?:amp|lt|gt);")


def utf16_len(text):
    return len(text.encode("utf-16-le")) // 2


def load(body):
    """JSON as strict receivers read it: no half of a surrogate pair, no doubled key."""

    def no_doubles(pairs):
        assert len(dict(pairs)) == len(pairs), "a key is doubled"
        return dict(pairs)

    value = json.loads(body.decode(), object_pairs_hook=no_doubles)
    json.dumps(value, ensure_ascii=False).encode()
    return value


def _mentions(chat, value):
    text = value[TEXT[chat]]
    if chat == "discord" and value.get("allowed_mentions") == {"parse": []}:
        return []
    return [pattern for pattern in MENTIONS[chat] if re.search(pattern, text)]


def problems(chat, content_type, body):
    """What the service would object to, as a list of sentences."""
    try:
        value = load(body)
    except (ValueError, AssertionError) as error:
        return [f"no JSON: {error}"]
    if not isinstance(value, dict):
        return ["no object"]
    found = []
    if content_type.split(";")[0] != "application/json":
        found.append(f"content type {content_type}")
    for name, one in value.items():
        if not isinstance(one, FIELDS[chat].get(name, ())):
            found.append(f"field {name}")
    text = value.get(TEXT[chat])
    if not isinstance(text, str) or not text.strip():
        return [*found, "no text"]
    if utf16_len(text) > LIMITS[chat]:
        found.append(f"{utf16_len(text)} characters")
    if "\0" in text:
        found.append("NUL")
    if chat == "slack" and re.search(r"[<>&]", ENTITIES.sub("", text)):
        found.append("markup that is not escaped")
    return found + [f"mentions {pattern}" for pattern in _mentions(chat, value)]


def shown(chat, body):
    """The text as people see it, without what is invisible."""
    text = load(body)[TEXT[chat]].replace("\u200b", "")
    if chat == "slack":
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text
