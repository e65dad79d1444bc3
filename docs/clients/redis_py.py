"""Enqueues an event with redis-py, as JSON and as msgpack: pip install redis msgpack"""
import json
import os
import time

import msgpack
import redis

client = redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0"))


def enqueue(fields):
    """Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again."""
    for pause in (0.1, 0.2, 0.4, 0.8, None):
        try:
            return client.xadd("{webhooks}:events", fields).decode()
        except redis.ResponseError as error:
            if pause is None or "maxmemory" not in str(error):
                raise
            time.sleep(pause)


event = {
    "message": {"id": 24006, "roomId": "!abc:matrix.org", "createdAt": 1667548137257,
                "type": "text", "body": {"text": "Grüße 👋"}},
    "fromUser": {"displayName": "Ana"},
}  # fmt: skip
print(enqueue({"id": "msg-24006", "json": json.dumps(event)}))
print(enqueue({"id": "msg-24007", "msgpack": msgpack.packb(event)}))
