#!lua flags=allow-oom
-- Brings deliveries that wait as contract 1 has it into lanes. What a worker of contract 1 holds or
-- changed meanwhile stays for later; sent twice nothing changes.
--
-- KEYS  deliveries documents leases gates lanes lanes-shut dead dead-by-room dead-bytes
--       alerted-dead retries, then lane:<lane> of each lane, then holders:<stream id> of each
--       delivery
-- ARGV  dead_max dead_max_bytes lane_max lanes_len, then per lane
--         fingerprint max_age_ms (0: none)
--       then per delivery: old_id, line 1 as it was read, and one of
--         'wait' delivery_id lane holders json  for its turn, it was not tried yet
--         'retry' delivery_id lane holders json when it is due; json gets "due_at"
--         'unreadable' lane                     of a lane where a claim finds it and buries it
--         'drop'                                it has no record, or one of today's
-- reply as of settle_stream.lua; 1: converted, 0: not now
local first_lane = 12
--include settling
local retries = KEYS[11]

-- The record if it still is what was read and nobody holds it.
local function read_record(id, line_1)
    local record, due = redis.call('HGET', deliveries, id), redis.call('ZSCORE', retries, id)
    if not record or not due or string.sub(record, 1, #line_1) ~= line_1 then
        return nil
    end
    local is_held = string.find(line_1, '^[^-]%S* %d+$') and tonumber(due) > now
    return not is_held and record, math.max(0, math.min(tonumber(due), 2 ^ 53))
end

local function move(old, line_1, target, record)
    local id, holders, json, score = target.id, target.holders, target.json, target.due
    local fence, expired = string.match(line_1, '^(%S+) (%d+)$')
    local document = string.match(record, '^[^\n]*\n[^\n]*\n(.*)$') or ''
    expired = tonumber(expired or 0) + (fence and fence ~= '-' and 1 or 0)
    if id ~= old and redis.call('HEXISTS', deliveries, id) == 1 then
        return -- this was sent twice
    elseif score then
        json = put_due(json, score)
    else
        score = math.min(ms_of(id), now)
    end
    local is_held = hold(holders, id, document)
    redis.call('HSET', deliveries, id, is_held and json or json .. '\n' .. document)
    if expired > 0 then
        redis.call('HSET', leases, id, '- ' .. expired .. ' 0')
    end
    add(target.lane, id, score)
end

local function convert()
    local old, line_1, kind = next_arg(), next_arg(), next_arg()
    if kind == 'drop' then
        local record = redis.call('HGET', deliveries, old)
        if record and string.sub(record, 1, 1) ~= '{' then
            return false
        end
        return redis.call('ZREM', retries, old) == 1
    end
    local record, due = read_record(old, line_1)
    if kind == 'unreadable' then
        local lane = tonumber(next_arg())
        if record then
            add(lane, old, math.min(ms_of(old), now))
            redis.call('ZREM', retries, old)
        end
        return record
    end
    local target = {id = next_arg(), lane = tonumber(next_arg()), holders = holders_key()}
    target.json, target.due = next_arg(), kind == 'retry' and due
    if record then
        move(old, line_1, target, record)
        if target.id ~= old then
            redis.call('HDEL', deliveries, old)
        end
        redis.call('ZREM', retries, old)
    end
    return record
end

local converted = {}
while at <= #ARGV do
    converted[#converted + 1] = convert() and 1 or 0
end
local out = settle_lanes()
for i, one in ipairs(converted) do
    out[3 + i] = one
end
return out
