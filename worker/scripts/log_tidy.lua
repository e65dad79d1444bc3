#!lua flags=allow-oom
-- Deletes logs of lanes: those that expired, and, while all take more than they may, those that
-- were written longest ago.
--
-- KEYS  logs log-sizes hooks-recent, then log:<lane> of each candidate
-- ARGV  bytes that they may take; how long a log lasts, ms; how many candidates to name; 1 when all
--       attempts are logged, else what is known of the newest ones is deleted; then the candidates,
--       the one written longest ago first
-- reply {lane …}: the next candidates, none when all is tidy
local MAX, LASTS, LIMIT = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local logs, sizes, recent = KEYS[1], KEYS[2], KEYS[3]
local FIRST = 4
local time = redis.call('TIME')
local oldest = time[1] * 1000 + math.floor(time[2] / 1000) - LASTS

local function size_of(field)
    return tonumber(string.match(redis.call('HGET', sizes, field) or '0', '^%-?%d+$'))
end

local function total()
    return size_of('*')
end

if not total() then -- somebody wrote there by hand
    local sum = 0
    redis.call('HDEL', sizes, '*')
    for _, size in ipairs(redis.call('HVALS', sizes)) do
        sum = sum + (tonumber(size) or 0)
    end
    redis.call('HSET', sizes, '*', string.format('%.0f', sum))
end

if ARGV[4] ~= '1' then
    redis.call('DEL', recent)
end

for i = FIRST, #KEYS do
    local lane = ARGV[i + 1]
    local written = tonumber(redis.call('ZSCORE', logs, lane) or 0)
    if total() > MAX or written < oldest then
        redis.call('DEL', KEYS[i])
        redis.call('ZREM', logs, lane)
        redis.call('HINCRBY', sizes, '*', 0 - (size_of(lane) or 0))
        redis.call('HDEL', sizes, lane)
        redis.pcall('HDEL', recent, lane)
    end
end
if redis.call('ZCARD', logs) == 0 then
    redis.call('DEL', sizes, recent) -- nothing is left that it could be the size of
    return {}
end
if total() > MAX then
    return redis.call('ZRANGE', logs, 0, LIMIT - 1)
end
return redis.call('ZRANGEBYSCORE', logs, '-inf', '(' .. oldest, 'LIMIT', 0, LIMIT)
