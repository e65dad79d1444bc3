#!lua flags=allow-oom
-- Stores a new task. What may be removed of old ones is the caller's to know. allow-oom: there are
-- few, and purging is what a full Redis needs.
--
-- KEYS  tasks
-- ARGV  its record, ids of tasks to remove
-- reply its id
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for i = 2, #ARGV do
    redis.call('HDEL', KEYS[1], ARGV[i])
end
local n = 0
while redis.call('HEXISTS', KEYS[1], string.format('%.0f-%d', now, n)) == 1 do
    n = n + 1
end
local id = string.format('%.0f-%d', now, n)
redis.call('HSET', KEYS[1], id, ARGV[1])
return id
