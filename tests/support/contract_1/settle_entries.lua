#!lua flags=allow-oom
-- Stores the outcomes of stream entries and acknowledges them: retries and leased records first,
-- dead letters, then XACK and XDEL as the last writes. An entry that another worker holds, or that
-- is acknowledged already (this batch was sent twice), is left alone.
--
-- KEYS  events retries deliveries dead meta
-- ARGV  group consumer dead_max, then per entry: id encoding document outcomes_len, and per outcome
--         'retry' delivery_id delay_ms lines       waits; the due time is counted from now
--         'dead'  fields_len field value …         a dead letter
--       The document comes once, however many outcomes it has: a record is lines .. document, a
--       letter gets the field encoding unless that is ''.
-- reply {dropped dead letters, 1 or 0 per entry}   1: settled, 0: not ours
local events, retries, deliveries, dead = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, me, dead_max = ARGV[1], ARGV[2], ARGV[3]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local out, buried, removed, at = {0}, false, 0, 4

local function owned(id)
    local pending = redis.pcall('XPENDING', events, group, id, id, 1)
    if pending.err then
        -- Stream or group were deleted, and the entry with them.
        assert(string.find(pending.err, 'NOGROUP', 1, true), pending.err)
        return false
    end
    return pending[1] and pending[1][2] == me
end

local function bury(from, to, encoding, document)
    local letter = {unpack(ARGV, from, to)}
    if encoding ~= '' then
        letter[#letter + 1] = encoding
        letter[#letter + 1] = document
    end
    redis.call('XADD', dead, '*', unpack(letter))
    buried = true
end

local function outcome(ours, encoding, document)
    local kind = ARGV[at]
    if kind == 'retry' then
        if ours then
            redis.call('HSET', deliveries, ARGV[at + 1], ARGV[at + 3] .. document)
            redis.call('ZADD', retries, now + tonumber(ARGV[at + 2]), ARGV[at + 1])
        end
        at = at + 4
    else
        local fields = tonumber(ARGV[at + 1])
        if ours then
            bury(at + 2, at + 1 + fields, encoding, document)
        end
        at = at + 2 + fields
    end
end

while at <= #ARGV do
    local id, encoding, document = ARGV[at], ARGV[at + 1], ARGV[at + 2]
    local outcomes = tonumber(ARGV[at + 3])
    local ours = owned(id)
    at = at + 4
    for _ = 1, outcomes do
        outcome(ours, encoding, document)
    end
    if ours then
        redis.call('XACK', events, group, id)
        removed = removed + redis.call('XDEL', events, id)
    end
    out[#out + 1] = ours and 1 or 0
end
redis.pcall('HINCRBY', KEYS[5], 'removed', removed) -- never a reason to fail
if buried then
    out[1] = redis.call('XTRIM', dead, 'MAXLEN', '~', dead_max)
end
return out
