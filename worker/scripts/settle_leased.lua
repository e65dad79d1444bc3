#!lua flags=allow-oom
-- Stores the outcomes of leased deliveries. Each names the fence of its lease: an outcome whose
-- lease has passed on, or that is settled already (this was sent twice), is left alone.
--
-- KEYS  deliveries documents leases gates lanes lanes-shut dead dead-by-room dead-bytes
--       alerted-dead, then lane:<lane> of each lane, then holders:<stream id> of each large
--       document
-- ARGV  dead_max dead_max_bytes lane_max lanes_len, then per lane
--         fingerprint max_age_ms (0: none)
--       then per delivery: delivery_id fence lane holders, and one of
--         'done'
--         'retry' delay_ms record          the record as it was claimed, with another JSON, which
--                                          gets "due_at" in front
--         'release'                        back to its place
--         'renew' lease_ms                 a whole new lease
--         'dead' fields_len field value …  a dead letter
--       lane counts from 1 through the lanes, holders through the keys behind them; holders 0: the
--       document is in the record. Where that is not known they must be named.
-- reply as of settle_stream.lua
local first_lane = 11
--include settling

local ended, kept = {}, {} -- leases, changed last: by them it is known what is to be done

-- Gives the lease up, or keeps how many ran out.
local function end_lease(id, expired)
    if tonumber(expired) > 0 then
        kept[#kept + 1] = id
        kept[#kept + 1] = '- ' .. expired .. ' 0'
    else
        ended[#ended + 1] = id
    end
end

local function remove(id, lane, holders)
    redis.pcall('ZREM', lane_key(lane), id)
    redis.call('HDEL', deliveries, id)
    touch(lane)
    let_go(holders, id)
    end_lease(id, 0)
end

local function settle()
    local id, fence, lane, holders = next_arg(), next_arg(), tonumber(next_arg()), holders_key()
    local kind = next_arg()
    local was, expired, place = string.match(redis.call('HGET', leases, id) or '',
        '^(%S+) (%d+) (%S+)$')
    local ours = was == fence
    local more = (kind == 'retry' or kind == 'renew') and tonumber(next_arg())
    local record = kind == 'retry' and next_arg()
    local fields = kind == 'dead' and next_fields()
    if not ours then
        return false
    end
    if record then
        redis.call('HSET', deliveries, id, put_due(record, now + more))
        add(lane, id, now + more)
        end_lease(id, expired)
    elseif more then
        add(lane, id, now + more)
    elseif kind == 'release' then
        place = tonumber(place)
        add(lane, id, place and bounded(place) or math.min(ms_of(id), now))
        end_lease(id, expired)
    else
        if fields then
            write_letter(fields)
        end
        remove(id, lane, holders)
    end
    return true
end

local settled = {}
while at <= #ARGV do
    settled[#settled + 1] = settle() and 1 or 0
end
local out = settle_lanes()
if #kept > 0 then
    redis.call('HSET', leases, unpack(kept))
end
if #ended > 0 then
    redis.call('HDEL', leases, unpack(ended))
end
for i, one in ipairs(settled) do
    out[3 + i] = one
end
return out
