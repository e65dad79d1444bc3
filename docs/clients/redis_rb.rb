# Enqueues an event with redis-rb, as JSON and as msgpack: gem install redis msgpack
require "json"
require "msgpack"
require "redis"

REDIS = Redis.new(url: ENV.fetch("REDIS_URL", "redis://127.0.0.1:6379/0"))

# Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
def enqueue(fields)
  pause = 0.1
  begin
    REDIS.xadd("{webhooks}:events", fields)
  rescue Redis::CommandError => e
    raise if !e.message.start_with?("OOM") || pause > 0.8

    sleep pause
    pause *= 2
    retry
  end
end

event = {
  message: { id: 24_006, roomId: "!abc:matrix.org", createdAt: 1_667_548_137_257,
             type: "text", body: { text: "Grüße 👋" } },
  fromUser: { displayName: "Ana" }
}
puts enqueue({ id: "msg-24006", json: JSON.generate(event) })
puts enqueue({ id: "msg-24007", msgpack: event.to_msgpack })
