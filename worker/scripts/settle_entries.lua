#!lua flags=allow-oom
-- Stores the outcomes of stream entries and acknowledges them: retries and leased records first,
-- dead letters, then XACK and XDEL as the last writes. An entry that another worker holds, or that
-- is acknowledged already (this batch was sent twice), is left alone.
--
-- KEYS  events retries deliveries dead
-- ARGV  group consumer dead_max, then per entry: id outcomes_len, then per outcome
--         'retry' delivery_id delay_ms record      waits; the due time is counted from now
--         'dead'  fields_len field value …         a dead letter
-- reply {dropped dead letters, 1 or 0 per entry}   1: settled, 0: not ours
local events, retries, deliveries, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, me, dead_max = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out, buried, at = {0}, false, 4

local function owned(id)
    local pending = redis.pcall('XPENDING', events, group, id, id, 1)
    if pending.err then
        -- Stream or group were deleted, and the entry with them.
        assert(string.find(pending.err, 'NOGROUP', 1, true), pending.err)
        return false
    end
    return pending[1] and pending[1][2] == me
end

local function outcome(ours)
    local kind = ARGV[at]
    if kind == 'retry' then
        if ours then
            redis.call('HSET', deliveries, ARGV[at + 1], ARGV[at + 3])
            redis.call('ZADD', retries, now + tonumber(ARGV[at + 2]), ARGV[at + 1])
        end
        at = at + 4
    else
        local fields = tonumber(ARGV[at + 1])
        if ours then
            redis.call('XADD', dead, '*', unpack(ARGV, at + 2, at + 1 + fields))
            buried = true
        end
        at = at + 2 + fields
    end
end

while at <= #ARGV do
    local id, outcomes = ARGV[at], tonumber(ARGV[at + 1])
    local ours = owned(id)
    at = at + 2
    for _ = 1, outcomes do
        outcome(ours)
    end
    if ours then
        redis.call('XACK', events, group, id)
        redis.call('XDEL', events, id)
    end
    out[#out + 1] = ours and 1 or 0
end
if buried then
    out[1] = redis.call('XTRIM', dead, 'MAXLEN', '~', dead_max)
end
return out
