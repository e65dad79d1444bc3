#!lua flags=allow-oom
-- Repairs what walk.lua found, where something is missing: a delivery's place in its lane, the
-- lane's in its set, a holder; removes documents and leases of nothing. Where holders of a document
-- were missing, "-<ms>" is one of them, since when: the document stays until a walk that began
-- after that has added what waits.
--
-- KEYS  deliveries documents leases gates lanes lanes-shut retries, then lane:<lane> of each lane,
--       then holders:<stream id>
-- ARGV  lanes_len began_ms (of the last walk that came to its end, maybe with these; 0: none), then
--       per item
--         'delivery' delivery_id lane holders
--         'document' stream_id holders
--         'lease' delivery_id holders
--       lane and holders count as in settle_leased.lua; holders 0: it has no event's name. What
--       has no lane that can be read is given one, "unreadable", where a claim finds it. lane 0: a
--       record of contract 1.
-- reply {what was wrong, of which …}: 'place' (missing or too late), 'holder', 'retry' and
--       'document' (it is missing: a claim finds that) of a delivery_id, 'lane' of a lane,
--       'orphan-document' of a stream_id, 'orphan-lease' of a delivery_id
local deliveries, documents, leases = KEYS[1], KEYS[2], KEYS[3]
local gates, lanes, shut, retries = KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local FIRST, lanes_len, began = 7, tonumber(ARGV[1]), tonumber(ARGV[2])
local LEASE_MOST_MS = 600000
--include lane
--include documents
local out, at = {}, 3
local seen = {} -- lanes of deliveries

local function next_arg()
    at = at + 1
    return ARGV[at - 1]
end

-- nil: the name has no event's form.
local function holders_of(number)
    return number > 0 and KEYS[FIRST + lanes_len + number] or nil
end

local function report(what, which)
    out[#out + 1] = what
    out[#out + 1] = which
end

-- The latest that a delivery can have: a lease that nobody knows the end of may go on.
local function place_of(id, record)
    if string.find(redis.call('HGET', leases, id) or '- ', '^[^-]') then
        return now + LEASE_MOST_MS
    end
    return tonumber(string.match(record, '^{"due_at":(%d+)')) or math.min(ms_of(id), now)
end

-- Of which fingerprint the hook is now a claim knows.
local function heal_lane(key)
    local lane = lane_of(key)
    local gate_at, kind = read_gate(redis.call('HGET', gates, lane), '-')
    local head = head_of(key)
    local in_lanes, in_shut = redis.call('ZSCORE', lanes, lane), redis.call('ZSCORE', shut, lane)
    local score = tonumber(in_lanes or in_shut)
    local is_late = not score or score > math.max(head, gate_at, now + RESERVED_MS)
    if is_late or (in_shut and (in_lanes or not SHUT[kind])) then
        remove_lane(lane)
        place_lane(lane, math.min(score or head, head), kind)
        report('lane', lane)
    end
end

-- The set is incomplete.
local function mark(holders)
    redis.call('SADD', holders, string.format('-%.0f', now))
end

local function heal_holder(id, holders)
    if redis.call('HEXISTS', documents, stream_of(id)) == 0 then
        report('document', id)
        return
    end
    local added = ask('SADD', holders, id)
    if not added then -- somebody put something else there
        redis.call('DEL', holders)
        added = redis.call('SADD', holders, id)
    end
    if added == 1 then
        mark(holders)
        report('holder', id)
    end
end

local function heal_delivery(id, lane, holders)
    local record = redis.call('HGET', deliveries, id)
    if not record then
        return
    elseif lane == 0 then
        if redis.call('ZADD', retries, 'NX', now, id) == 1 then
            report('retry', id)
        end
        return
    end
    local key = KEYS[FIRST + lane]
    head_of(key)
    local score, place = redis.call('ZSCORE', key, id), place_of(id, record)
    if not score or tonumber(score) > place then
        redis.call('ZADD', key, place, id)
        report('place', id)
    end
    seen[key] = true
    if holders_of(holders) and not string.find(record, '\n', 1, true) then
        heal_holder(id, holders_of(holders))
    end
end

-- Removes holders that do not wait. Returns whether there was a set, one that waits, and since when
-- the set may be incomplete.
local function look_through(holders)
    local held = ask('SMEMBERS', holders)
    local since, is_held
    if not held then
        redis.call('DEL', holders)
        return false
    end
    for _, id in ipairs(held) do
        local at = tonumber(string.match(id, '^%-(%d+)$'))
        if at then
            since = math.max(since or 0, at)
        elseif redis.call('HEXISTS', deliveries, id) == 1 then
            is_held = true
        else
            redis.call('SREM', holders, id)
        end
    end
    return #held > 0, is_held, since
end

local function heal_document(stream, holders)
    if redis.call('HEXISTS', documents, stream) == 0 then -- its last holder is done by now
        return
    elseif not holders then
        redis.call('HDEL', documents, stream)
        return report('orphan-document', stream)
    end
    local was_there, is_held, since = look_through(holders)
    if not was_there then
        mark(holders)
        report('holder', stream)
    elseif not is_held and (since or 0) < began then
        redis.call('DEL', holders)
        redis.call('HDEL', documents, stream)
        report('orphan-document', stream)
    end
end

local function heal_lease(id, holders)
    if redis.call('HEXISTS', deliveries, id) == 0 and redis.call('HDEL', leases, id) == 1 then
        let_go(holders, id)
        report('orphan-lease', id)
    end
end

while at <= #ARGV do
    local kind, name = next_arg(), next_arg()
    if kind == 'delivery' then
        heal_delivery(name, tonumber(next_arg()), tonumber(next_arg()))
    elseif kind == 'document' then
        heal_document(name, holders_of(tonumber(next_arg())))
    else
        heal_lease(name, holders_of(tonumber(next_arg())))
    end
end
for key in pairs(seen) do
    heal_lane(key)
end
return out
