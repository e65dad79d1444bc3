"""Messages in a transaction that a Matrix homeserver sends to an application service, as events."""

from enqueue import event, hops, main, need, part

HOPS = "org.example.webhook_hops"  # in a namespace of your own


def convert(payload):
    for one in need(payload, "events", list):
        kind, content = need(one, "type"), part(one, "content")
        if kind == "m.room.message" and "msgtype" in content:  # redacted ones have none
            yield from posted(one, content)
        elif kind == "m.room.redaction":
            removed = one.get("redacts") or content.get("redacts")
            yield change(one, "message.deleted", 0, {"id": removed, "deleted": True})


def posted(one, content):
    count = hops(content["msgtype"] == "m.notice", content.get(HOPS))
    if count is None:
        return
    relation = part(content, "m.relates_to")
    kind, related = relation.get("rel_type"), relation.get("event_id")
    edited = kind == "m.replace"
    shown = part(content, "m.new_content") if edited else content
    message = {
        "id": related if edited else need(one, "event_id"),
        "type": part(shown, "msgtype", str).removeprefix("m."),
        "body": {"text": part(shown, "body", str)},
        "threadId": related if kind == "m.thread" else None,
        "replyId": part(relation, "m.in_reply_to").get("event_id"),
    }
    yield change(one, "message.updated" if edited else "message.created", count, message)


def change(one, kind, count, message):
    sender = need(one, "sender")
    message["roomId"] = need(one, "room_id")
    time = "modifiedAt" if kind == "message.updated" else "createdAt"
    message[time] = one.get("origin_server_ts")
    user = {"id": sender, "displayName": sender}
    return event([need(one, "event_id").removeprefix("$")], kind, count, message, user)


if __name__ == "__main__":
    main(convert)
