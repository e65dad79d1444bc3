#!lua flags=no-writes
-- All tasks.
--
-- KEYS  tasks meta
-- ARGV  how many there may be
-- reply Redis' time in ms, the contract or '' (also when meta is no hash), how many there are, and
--       unless these are more: ids and records in turn
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local is_hash = redis.call('TYPE', KEYS[2]).ok == 'hash'
local contract = is_hash and redis.call('HGET', KEYS[2], 'contract') or ''
local len = redis.call('HLEN', KEYS[1])
if len == 0 or len > tonumber(ARGV[1]) then
    return {now, contract, len}
end
return {now, contract, len, redis.call('HGETALL', KEYS[1])}
