#!lua flags=allow-oom
-- One page of the leader's walk over hook states and gates: forgets what is over, and brings what
-- workers of contract 1 wrote into today's form.
--
-- KEYS  hooks-state gates lanes lanes-shut hooks-pace
-- ARGV  cursor of hooks-state, of gates, of hooks-pace
-- reply {the next cursors, how many were converted}
local HOUR = 3600 * 1000
local DAY = 24 * HOUR
local states, gates, lanes, shut, paces = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
--include lane
--include state
local converted = 0

-- "438/main/0123abcd" of contract 1
local function old_lane(field)
    return string.match(field, '^(%-?%d+/[^/]+)/(%x%x%x%x%x%x%x%x)$')
end

-- With the score it has: that is not too late.
local function move_lane(lane, kind)
    local score = redis.call('ZSCORE', lanes, lane) or redis.call('ZSCORE', shut, lane)
    if score then
        place_lane(lane, score, kind)
    end
end

-- "438/:0123456789abcdef" of a hook that came with its event: the name is today's, but what is
-- known does not name the fingerprint.
local function fingerprint_of(lane)
    return string.match(lane, '/:(%x%x%x%x%x%x%x%x)%x%x%x%x%x%x%x%x$')
end

local function store_state(lane, state, fingerprint)
    state.fingerprint = fingerprint
    redis.call('HSET', states, lane, cjson.encode(state))
    local at, kind = gate_of_state(state)
    write_gate(lane, fingerprint, at, kind)
    move_lane(lane, kind)
end

-- Of several fingerprints the newest state counts.
local function convert_state(field, old, lane, fingerprint)
    local known = decode(redis.call('HGET', states, lane))
    if (known.at or 0) < (old.at or 1) then
        store_state(lane, old, fingerprint)
    end
    redis.call('HDEL', states, field)
    converted = converted + 1
end

local function is_over(lane, state)
    local at = state.at or 0
    if state.disabled then
        return false
    elseif state.failing_since then
        return at + (string.find(lane, '/:', 1, true) and 1 or 30) * DAY < now
    end
    return math.max((state['until'] or 0) + HOUR, (state.ok_at or 0) + NEWS_COUNT_MS) < now
end

local function prune_state(field, text)
    local lane, fingerprint = old_lane(field)
    local state = decode(text)
    if lane then
        convert_state(field, state, lane, fingerprint)
    elseif is_over(field, state) then
        redis.call('HDEL', states, field)
    elseif not state.fingerprint and fingerprint_of(field) then
        store_state(field, state, fingerprint_of(field))
        converted = converted + 1
    end
end

local function prune_gate(lane, text)
    local at = tonumber(string.match(text, '^%S+'))
    if (not at or at + HOUR < now) and not redis.call('ZSCORE', shut, lane) then
        redis.call('HDEL', gates, lane)
    end
end

local function convert_pace(field, text)
    local lane, fingerprint = old_lane(field)
    lane, fingerprint = lane or field, fingerprint or fingerprint_of(field)
    local at = tonumber(string.match(text, '^%d+'))
    if fingerprint and at and at / 1000 > now and redis.call('HEXISTS', gates, lane) == 0 then
        write_gate(lane, fingerprint, at / 1000, 'rate')
    end
    redis.call('HDEL', paces, field)
    converted = converted + 1
end

local function walk(key, cursor, visit)
    local page = redis.call('HSCAN', key, cursor, 'COUNT', 100)
    for i = 1, #page[2], 2 do
        visit(page[2][i], page[2][i + 1])
    end
    return page[1]
end

return {
    walk(states, ARGV[1], prune_state), walk(gates, ARGV[2], prune_gate),
    walk(paces, ARGV[3], convert_pace), converted,
}
