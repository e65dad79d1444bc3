-- What is known about a lane's hook, and the gate that follows from it. Needs states, the name of
-- {Q}:hooks-state, and lane.lua's names.
local KINDS = {
    at = 'number', ['until'] = 'number', failing_since = 'number', failures = 'number',
    failed_at = 'number', ok_at = 'number', status = 'number', opens = 'number',
    probe_at = 'number', disabled = 'boolean', reason = 'string', error = 'string',
    fingerprint = 'string', by = 'string',
}
-- A success is remembered for so long, so that a failure before it counts for nothing when it is
-- written later.
local NEWS_COUNT_MS = 3600000

-- How far ahead a time can be; what has happened is not ahead at all. One that is further away is
-- from before a clock went back: what is yet to come is void, what has happened was now.
local AHEAD_MOST = {['until'] = GATE_MOST.paused, probe_at = GATE_MOST.open}
local HAPPENED = {at = true, failing_since = true, failed_at = true, ok_at = true}

local function bound_times(state)
    for name, most in pairs(AHEAD_MOST) do
        if (state[name] or 0) - now > most then
            state[name] = nil
        end
    end
    for name in pairs(HAPPENED) do
        state[name] = state[name] and math.min(state[name], now)
    end
    return state
end

-- What somebody wrote by hand must not end a script.
local function clean(known)
    local state = {}
    for name, kind in pairs(KINDS) do
        local value = known[name]
        if type(value) == kind and (kind ~= 'number' or math.abs(value) < 2 ^ 53) then
            state[name] = value
        end
    end
    return bound_times(state)
end

local function decode(text)
    local ok, known = pcall(cjson.decode, text or '{}')
    return clean(ok and type(known) == 'table' and known or {})
end

-- Of another fingerprint nothing is known.
local function read_state(lane, fingerprint)
    local state = decode(redis.call('HGET', states, lane))
    return state.fingerprint == fingerprint and state or {fingerprint = fingerprint}
end

local function write_state(lane, state)
    if not state.disabled and (state['until'] or 0) <= now then
        state['until'], state.reason = nil, nil
    end
    local fingerprint = state.fingerprint
    state.fingerprint, state.at = nil, nil
    if next(state) == nil then
        redis.call('HDEL', states, lane)
    else
        state.fingerprint, state.at = fingerprint, now
        redis.call('HSET', states, lane, cjson.encode(state))
    end
    state.fingerprint = fingerprint
end

-- Its time and kind; 0 alone when nothing is in the way.
local function gate_of_state(state)
    local till, probe_at = state['until'] or 0, state.probe_at or 0
    if state.disabled then
        return now, 'disabled'
    elseif state.opens and till > probe_at and till > now then
        return till, 'paused-open'
    elseif state.opens then
        return probe_at, 'open'
    elseif till > now then
        return till, 'paused'
    end
    return 0
end

local function write_gate(lane, fingerprint, at, kind)
    if kind then
        redis.call('HSET', gates, lane, string.format('%.3f %s %s', at, kind, fingerprint))
    else
        redis.call('HDEL', gates, lane)
    end
end
