"""Posts of Mattermost, as its WebSocket has them (posted, post_edited, post_deleted), as events."""

from enqueue import event, hops, main, need, parse, part

TYPES = {
    "posted": "message.created",
    "post_edited": "message.updated",
    "post_deleted": "message.deleted",
}


def convert(payload):
    kind = TYPES.get(need(payload, "event"))
    if kind is None:
        return  # typing, reactions, users who come and go
    data = need(payload, "data", dict)
    post = parse(need(data, "post"))
    message = {
        "id": need(post, "id"),
        "roomId": need(post, "channel_id"),
        "type": part(post, "type", str) or "text",
        "body": {"text": post.get("message")},
        "createdAt": need(post, "create_at", int),
        "threadId": post.get("root_id") or None,
    }
    change = [message["id"]]
    if kind == "message.updated":
        message["modifiedAt"] = need(post, "edit_at", int)
        change.append(message["modifiedAt"])
        if message["modifiedAt"] == 0:
            return  # pinned, or its preview was made: the text is the same
    if kind == "message.deleted":
        message.update(deleted=True, body={})
        change.append("deleted")
    if message["type"].startswith("system_"):
        return

    props = part(post, "props")
    by_program = any(props.get(mark) for mark in ("from_webhook", "from_bot", "from_plugin"))
    count = hops(by_program, props.get("webhook_hops"))
    if count is None:
        return
    user = {"id": need(post, "user_id")}
    if "sender_name" in data:
        user["displayName"] = need(data, "sender_name").removeprefix("@")
    yield event(change, kind, count, message, user, data.get("channel_display_name"))


if __name__ == "__main__":
    main(convert)
