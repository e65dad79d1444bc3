"""A producer in another language: redis-py and msgpack, no library of ours."""

import json

import msgpack

from webhook_queue import assert_queue_empty


def test_a_pipeline_of_a_hundred(redis, receiver, start_worker):
    redis.hset("{webhooks}:room:438", "main", json.dumps({"url": receiver.url("/py")}))
    start_worker()
    pipeline = redis.pipeline(transaction=False)
    for n in range(100):
        document = {
            "message": {"id": n, "roomId": 438, "type": "text", "body": {"text": f"hello {n} ž"}},
            "fromUser": {"displayName": "Ana"},
        }
        pipeline.xadd("{webhooks}:events", {"msgpack": msgpack.packb(document)})
    stream_ids = [stream_id.decode() for stream_id in pipeline.execute()]
    requests = receiver.wait_for(100)
    assert_queue_empty(redis)
    assert len(receiver.requests()) == 100
    got = {request.header("webhook-id"): json.loads(request.body)["data"] for request in requests}
    assert set(got) == {f"msg_{stream_id}" for stream_id in stream_ids}
    for n, stream_id in enumerate(stream_ids):
        data = got[f"msg_{stream_id}"]
        assert data["message"]["id"] == n
        assert data["message"]["body"] == {"text": f"hello {n} ž"}
        assert data["fromUser"] == {"displayName": "Ana"}


def test_several_producers_with_options(redis, receiver, start_worker):
    """Both encodings, with and without ids, in one transaction."""
    hook = json.dumps({"url": receiver.url("/1"), "format": "bare"})
    redis.hset("{webhooks}:room:1", "main", hook)
    start_worker()
    transaction = redis.pipeline(transaction=True)
    transaction.xadd("{webhooks}:events", {"json": '{"message":{"roomId":1}}', "id": "a"})
    packed = msgpack.packb({"message": {"roomId": 1}})
    transaction.xadd("{webhooks}:events", {"id": "b", "msgpack": packed})
    transaction.execute()
    receiver.wait_for(2)
    assert_queue_empty(redis)
    got = {request.header("webhook-id"): request.body for request in receiver.requests()}
    assert got == {"a": b'{"message":{"roomId":1}}', "b": b'{"message":{"roomId":1}}'}
