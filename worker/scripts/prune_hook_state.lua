#!lua flags=allow-oom
-- Forgets what is over: pauses that ended an hour ago, failures of hooks that were not sent
-- anything for a month, and places of hooks with a rate that are long past. What disables a hook
-- stays until the hook is set, enabled, resumed or removed.
--
-- KEYS  hooks-state hooks-pace
-- ARGV  cursor of hooks-state, cursor of hooks-pace
-- reply the next cursors
local HOUR = 3600 * 1000
local MONTH = 30 * 24 * HOUR
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function is_over(text)
    local ok, state = pcall(cjson.decode, text)
    if not ok or type(state) ~= 'table' or state.disabled then
        return false
    end
    if state.failing_since then
        return (tonumber(state.at) or 0) + MONTH < now
    end
    return (tonumber(state['until']) or 0) + HOUR < now
end

local states = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', 100)
for i = 1, #states[2], 2 do
    if is_over(states[2][i + 1]) then
        redis.call('HDEL', KEYS[1], states[2][i])
    end
end
local paces = redis.call('HSCAN', KEYS[2], ARGV[2], 'COUNT', 100)
for i = 1, #paces[2], 2 do
    if (tonumber(string.match(paces[2][i + 1], '^%d+')) or 0) / 1000 + HOUR < now then
        redis.call('HDEL', KEYS[2], paces[2][i])
    end
end
return {states[1], paces[1]}
