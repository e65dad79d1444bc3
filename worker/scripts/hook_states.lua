#!lua flags=no-writes
-- Reads what is known about hooks, with this server's time to compare it to.
--
-- KEYS  hooks-state
-- ARGV  fields
-- reply {now_ms, {JSON or nil per field}}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {now, redis.call('HMGET', KEYS[1], unpack(ARGV))}
