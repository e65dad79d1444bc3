#!lua
-- Writes into the logs of lanes what attempts came to. A full Redis refuses it (no allow-oom): the
-- log is the first to do without.
--
-- KEYS  logs log-sizes, then log:<lane> of each lane
-- ARGV  entries that a log keeps, at least; how long it lasts after the last, ms; then per lane:
--       lane n, and n times: event attempt status ms outcome reason error answer
-- reply bytes of all logs
local KEPT, LASTS = ARGV[1], ARGV[2]
local logs, sizes = KEYS[1], KEYS[2]
local FIRST = 3
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local function add(key, at)
    return redis.pcall('XADD', key, 'MAXLEN', '~', KEPT, '*',
        'event', ARGV[at], 'attempt', ARGV[at + 1], 'status', ARGV[at + 2], 'ms', ARGV[at + 3],
        'outcome', ARGV[at + 4], 'reason', ARGV[at + 5], 'error', ARGV[at + 6],
        'answer', ARGV[at + 7])
end

local grown = 0
local at = 3
for i = FIRST, #KEYS do
    local key, lane, n = KEYS[i], ARGV[at], tonumber(ARGV[at + 1])
    at = at + 2
    for _ = 1, n do
        local added = add(key, at)
        if type(added) == 'table' and added.err then
            if not string.find(added.err, 'WRONGTYPE', 1, true) then
                return added
            end
            redis.call('DEL', key) -- put there by hand
            add(key, at)
        end
        at = at + 8
    end
    redis.call('PEXPIRE', key, LASTS)
    redis.call('ZADD', logs, now, lane)
    local size = redis.call('MEMORY', 'USAGE', key)
    grown = grown + size - (tonumber(redis.call('HGET', sizes, lane) or 0) or 0)
    redis.call('HSET', sizes, lane, size)
end
local all = redis.pcall('HINCRBY', sizes, '*', string.format('%.0f', grown))
return type(all) == 'number' and all or 0 -- no number: log_tidy.lua adds up
