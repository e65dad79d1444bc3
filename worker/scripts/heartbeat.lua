#!lua flags=allow-oom
-- Says that this worker lives, also when Redis is full, and takes or keeps the maintenance lease.
-- What it returns about the queue is all that is known after the queue was deleted.
--
-- KEYS  worker:<consumer> leader events deliveries meta happened
-- ARGV  consumer ttl_ms value
-- reply {1 when the key was still there, else 0; 1 when this worker leads, else 0; now in ms;
--       events and waiting deliveries, when there is a queue}
local me, ttl = ARGV[1], ARGV[2]
local happened = KEYS[6]
--include happened
local had = redis.call('EXISTS', KEYS[1])
redis.call('SET', KEYS[1], ARGV[3], 'PX', ttl)
if had == 0 then
    note_happened('worker-started', 'worker', me)
end
local leader = redis.pcall('GET', KEYS[2])
if type(leader) == 'table' then
    if not string.find(leader.err, 'WRONGTYPE', 1, true) then
        return leader
    end
    redis.call('DEL', KEYS[2]) -- put there by hand
    leader = false
end
if not leader then
    note_happened('leader', 'worker', me)
end
if not leader or leader == me then
    redis.call('SET', KEYS[2], me, 'PX', ttl)
    leader = me
end
local time = redis.call('TIME')
local function len(command, key)
    local found = redis.pcall(command, key) -- of another type: nothing of the queue is in it
    return type(found) == 'number' and found or 0
end
local out = {had, leader == me and 1 or 0, time[1] * 1000 + math.floor(time[2] / 1000)}
if redis.pcall('HEXISTS', KEYS[5], 'contract') == 1 then
    out[4], out[5] = len('XLEN', KEYS[3]), len('HLEN', KEYS[4])
end
return out
