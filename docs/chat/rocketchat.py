"""Messages of Rocket.Chat, as an app gets them from the Apps-Engine, as events."""

from datetime import datetime

from enqueue import RefusedError, event, hops, main, need, part

TYPES = {"sent": "message.created", "updated": "message.updated", "deleted": "message.deleted"}


def milliseconds(where, name):
    text = need(where, name)
    try:
        return round(datetime.fromisoformat(text).timestamp() * 1000)
    except ValueError:
        raise RefusedError(f"payload refused: {name} is not a time of ISO 8601") from None


def convert(payload):
    kind = TYPES.get(need(payload, "event"))
    if kind is None:
        raise RefusedError(f"payload refused: event must be one of {', '.join(TYPES)}")
    sent = need(payload, "message", dict)
    room, sender = need(sent, "room", dict), need(sent, "sender", dict)
    message = {
        "id": need(sent, "id"),
        "roomId": need(room, "id"),
        "type": "text",
        "body": {"text": sent.get("text")},
        "createdAt": milliseconds(sent, "createdAt"),
        "threadId": sent.get("threadId"),
    }
    change = [message["id"]]
    if kind == "message.updated":
        message["modifiedAt"] = milliseconds(sent, "editedAt")
        change.append(message["modifiedAt"])
    if kind == "message.deleted":
        message.update(deleted=True, body={})
        change.append("deleted")
    if sent.get("type"):
        return  # a system message, or an encrypted one

    by_program = sender.get("type") in ("bot", "app") or "bot" in part(sender, "roles", list)
    count = hops(by_program, part(sent, "customFields").get("webhookHops"))
    if count is None:
        return
    user = {"id": need(sender, "id"), "displayName": sender.get("name") or sender.get("username")}
    yield event(change, kind, count, message, user, room.get("displayName"))


if __name__ == "__main__":
    main(convert)
