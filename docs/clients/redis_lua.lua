-- Enqueues an event with redis-lua, lua-cjson and lua-MessagePack, as JSON and as msgpack.
local cjson = require "cjson"
local msgpack = require "MessagePack"
local redis = require "redis"

redis.commands.xadd = redis.command("XADD")
local client = redis.connect("127.0.0.1", tonumber(os.getenv("REDIS_PORT") or 6379))

-- Adds an event. A full Redis has not taken it: the same event, with the same id, is sent again.
local function enqueue(...)
    local pause = 0.1
    while true do
        local taken, answer = pcall(client.xadd, client, "{webhooks}:events", "*", ...)
        if taken then
            return answer
        end
        if not tostring(answer):find("OOM", 1, true) or pause > 0.8 then
            error(answer)
        end
        require("socket").sleep(pause)
        pause = pause * 2
    end
end

local message = { id = 24006, roomId = "!abc:matrix.org", createdAt = 1667548137257,
                  type = "text", body = { text = "Grüße 👋" } }
local event = { message = message, fromUser = { displayName = "Ana" } }
print(enqueue("id", "msg-24006", "json", cjson.encode(event)))
print(enqueue("id", "msg-24007", "msgpack", msgpack.pack(event)))
