#!lua flags=allow-oom
-- Stores the outcomes of stream entries, and acknowledges these last. An entry that another worker
-- holds, or that is acknowledged already (this was sent twice), is left alone.
--
-- KEYS  deliveries documents leases gates lanes lanes-shut dead dead-by-room dead-bytes
--       alerted-dead events meta, then lane:<lane> of each lane, then holders:<stream id> of each
--       large document
-- ARGV  dead_max dead_max_bytes lane_max lanes_len, then per lane
--         fingerprint max_age_ms (0: none)
--       then group consumer, then per entry
--         stream_id encoding document holders outcomes_len, and per outcome
--           'wait' delivery_id lane json                 waits for its turn
--           'retry' delivery_id lane json delay_ms       after a failed attempt
--           'lease' delivery_id lane json fence lease_ms its attempt goes on
--           'dead' fields_len field value …              a dead letter; encoding and document are
--                                                        added unless encoding is ''
--       lane counts from 1 through the lanes, holders through the keys behind them; holders 0: the
--       document is in the record.
--       json begins with {"; a retry's gets "due_at" in front. A document of over 4096 bytes must
--       have holders if a delivery of it waits.
-- reply {dropped letters, {lane, by how many it is over lane_max …},
--        {lane whose key was no sorted set and is made again …}, 1 or 0 per entry}
--       1: settled, 0: not ours
local first_lane = 13
--include settling
local events, meta = KEYS[11], KEYS[12]
local group, me = next_arg(), next_arg()
need({'XACK', events, group, '0-1'}, {'XDEL', events, '0-1'})
local acknowledged = {group}

local function owned(id)
    local pending = redis.pcall('XPENDING', events, group, id, id, 1)
    if pending.err then
        -- Stream or group were deleted, and the entry with them.
        assert(string.find(pending.err, 'NOGROUP', 1, true), pending.err)
        return false
    end
    return pending[1] and pending[1][2] == me
end

local function outcome(ours, encoding, document, holders)
    local kind = next_arg()
    if kind == 'dead' then
        local fields = next_fields()
        if ours then
            if encoding ~= '' then
                fields[#fields + 1] = encoding
                fields[#fields + 1] = document
            end
            write_letter(fields)
        end
        return
    end
    local id, lane, json = next_arg(), tonumber(next_arg()), next_arg()
    local more = kind ~= 'wait' and next_arg()
    local lease = kind == 'lease' and tonumber(next_arg())
    if not ours then
        return
    end
    local score = math.min(ms_of(id), now)
    if lease then
        redis.call('HSET', leases, id, string.format('%s 0 %.0f', more, score))
        score = now + lease
    elseif more then
        score = now + tonumber(more)
        json = put_due(json, score)
    end
    local is_held = hold(holders, id, document)
    redis.call('HSET', deliveries, id, is_held and json or json .. '\n' .. document)
    add(lane, id, score)
end

local settled = {}
while at <= #ARGV do
    local id, encoding, document, holders = next_arg(), next_arg(), next_arg(), holders_key()
    local ours = owned(id)
    for _ = 1, tonumber(next_arg()) do
        outcome(ours, encoding, document, holders)
    end
    if ours then
        acknowledged[#acknowledged + 1] = id
    end
    settled[#settled + 1] = ours and 1 or 0
end
local out = settle_lanes()
if #acknowledged > 1 then
    redis.call('XACK', events, unpack(acknowledged))
    local removed = redis.call('XDEL', events, unpack(acknowledged, 2))
    redis.pcall('HINCRBY', meta, 'removed', removed) -- never a reason to fail
end
for i, one in ipairs(settled) do
    out[3 + i] = one
end
return out
