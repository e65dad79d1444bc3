#!lua flags=allow-oom
-- Finds lanes that are worth a look now, of both sets, and reserves them for a second, so that
-- other workers find others.
--
-- KEYS  lanes lanes-shut gates
-- ARGV  most_of_lanes most_of_shut
-- reply {now_ms, next_ms, {lane, gate or '' …} of lanes, {lane, gate or '' …} of lanes-shut}
--       next_ms: when the next lane is due, -1: there is none; a set of which none is wished
--       says nothing. gate is "<not before ms> <kind>
--       <fingerprint>", whether it is in force or not.
local RESERVED_MS = 1000
local FAR_MS = 60000 -- the next time is asked for again long before
local NAME_MAX = 193 -- of a lane; contract/lane.h
local gates = KEYS[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local next_at

-- What no worker can name is not looked at again: the walk gives its deliveries another lane.
local function reserve(set, lane)
    if #lane > NAME_MAX or string.find(lane, '%z') then
        redis.call('ZREM', set, lane)
    else
        redis.call('ZADD', set, now + RESERVED_MS, lane)
    end
end

local function look(set, most)
    if most == 0 then
        return {}
    end
    local found = redis.call('ZRANGEBYSCORE', set, '-inf', now, 'LIMIT', 0, most)
    local out = {}
    if #found > 0 then
        local texts = redis.call('HMGET', gates, unpack(found))
        for i, lane in ipairs(found) do
            out[2 * i - 1], out[2 * i] = lane, texts[i] or ''
            reserve(set, lane)
        end
    end
    local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
    if first[2] then
        next_at = math.min(next_at or math.huge, tonumber(first[2]))
    end
    return out
end

local of_lanes, of_shut = look(KEYS[1], tonumber(ARGV[1])), look(KEYS[2], tonumber(ARGV[2]))
if next_at then -- as an integer, whatever somebody set by hand
    next_at = math.max(0, math.min(math.ceil(next_at), now + FAR_MS))
end
return {now, next_at or -1, of_lanes, of_shut}
