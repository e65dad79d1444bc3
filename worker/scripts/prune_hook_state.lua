#!lua flags=allow-oom
-- Forgets pauses that ended an hour ago. What disables a hook stays until the hook is set, enabled
-- or removed.
--
-- KEYS  hooks-state
-- ARGV  cursor
-- reply the next cursor
local HOUR = 3600 * 1000
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local page = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 100)
for i = 1, #page[2], 2 do
    local ok, state = pcall(cjson.decode, page[2][i + 1])
    if ok and type(state) == 'table' and state.disabled ~= true then
        local till = tonumber(state['until'])
        if till and till + HOUR < now then
            redis.call('HDEL', KEYS[1], page[2][i])
        end
    end
end
return page[1]
