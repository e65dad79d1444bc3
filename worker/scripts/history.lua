#!lua
-- Adds a snapshot of the queue to its history, once a minute for all workers. A full Redis refuses
-- it (no allow-oom).
--
-- KEYS  history stats times events deliveries lanes lanes-shut dead
-- ARGV  how many snapshots are kept; how long they last, ms; how many names of stats; the names,
--       then those of times
-- reply 1, or 0 when there is one of this minute
local MINUTE = 60000
local history, stats, times = KEYS[1], KEYS[2], KEYS[3]
local KEPT, LASTS, OF_STATS = ARGV[1], ARGV[2], tonumber(ARGV[3])
local FIRST = 4
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local last = redis.pcall('XREVRANGE', history, '+', '-', 'COUNT', 1)
if last.err then
    redis.call('DEL', history) -- put there by hand
elseif last[1] and math.abs(now - tonumber(string.match(last[1][1], '^%d+'))) < MINUTE - 1000 then
    return 0
end

local snapshot = {}
local function put(name, value)
    snapshot[#snapshot + 1] = name
    snapshot[#snapshot + 1] = value or 0
end
local function len(command, key)
    local found = redis.pcall(command, key)
    return type(found) == 'number' and found or 0
end

local oldest = redis.pcall('XRANGE', KEYS[4], '-', '+', 'COUNT', 1)
put('backlog', len('XLEN', KEYS[4]))
put('oldest', oldest[1] and string.match(oldest[1][1], '^%d+'))
put('waiting', len('HLEN', KEYS[5]))
put('lanes', len('ZCARD', KEYS[6]))
put('lanes_shut', len('ZCARD', KEYS[7]))
put('letters', len('XLEN', KEYS[8]))
for i = FIRST, #ARGV do
    put(ARGV[i], redis.call('HGET', i < FIRST + OF_STATS and stats or times, ARGV[i]))
end
redis.call('XADD', history, 'MAXLEN', '~', KEPT, '*', unpack(snapshot))
redis.call('PEXPIRE', history, LASTS)
return 1
