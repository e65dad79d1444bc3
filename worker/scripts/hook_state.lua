#!lua flags=allow-oom
-- Shares what was learnt about hooks, and tells the others when it changes what they may send.
--
-- KEYS  hooks-state hooks-changed
-- ARGV  per hook: room hook field, then one of
--         'pause' ms                    the receiver asked for it; never shortens a pause
--         'gone'                        answered 410
--         'ok'                          a success: it does not fail any more
--         'failed' n status error opens probe_ms disable_after_ms
--                                       n failures, the last of which is told; opens > 0: it is
--                                       open for the opens-th time in a row, next probe in probe_ms
--       room is '' when the hook has none. Times are those of this server.
-- reply the fields of hooks that are disabled from now on
local KEPT = 1000 -- entries of hooks-changed; a worker forgets a room within seconds anyway
local states, changed = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local disabled = {}

local KINDS = {
    ['until'] = 'number', failing_since = 'number', failures = 'number', status = 'number',
    opens = 'number', probe_at = 'number', disabled = 'boolean', probing = 'boolean',
    reason = 'string', error = 'string',
}

-- What somebody wrote by hand must not end the script: it carries what others learnt too.
local function read(field)
    local ok, known = pcall(cjson.decode, redis.call('HGET', states, field) or '{}')
    local state = {}
    for name, kind in pairs(ok and type(known) == 'table' and KINDS or {}) do
        local value = known[name]
        if type(value) == kind and (kind ~= 'number' or math.abs(value) < 2 ^ 53) then
            state[name] = value
        end
    end
    return state
end

local function write(field, state)
    if not state.disabled and (state['until'] or 0) <= now then
        state['until'], state.reason = nil, nil
    end
    if next(state) == nil then
        redis.call('HDEL', states, field)
    else
        state.at = now
        redis.call('HSET', states, field, cjson.encode(state))
    end
end

-- Each changes the state and returns whether others have to know at once.
local learn = {}

function learn.pause(state, at)
    local till = now + tonumber(ARGV[at])
    if state.disabled or (state['until'] or 0) >= till then
        return false
    end
    state['until'], state.reason = till, 'retry-after'
    return true
end

function learn.gone(state)
    local already = state.disabled
    state.disabled, state.reason = true, 'gone'
    return not already
end

function learn.ok(state)
    local was_open = state.opens ~= nil
    state.failing_since, state.failures, state.status, state.error = nil, nil, nil, nil
    state.opens, state.probe_at, state.probing = nil, nil, nil
    return was_open
end

function learn.failed(state, at, field)
    local opens, disable_after = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 5])
    local news = false
    state.failing_since = state.failing_since or now
    state.failures = (state.failures or 0) + tonumber(ARGV[at])
    state.status = ARGV[at + 1] ~= '0' and tonumber(ARGV[at + 1]) or nil
    state.error = ARGV[at + 2]
    -- Two workers may see the same outage: the first one opens it.
    local is_known = (state.opens or 0) >= opens and (state.probe_at or 0) > now
    if opens > 0 and not is_known then
        state.opens, state.probe_at = opens, now + tonumber(ARGV[at + 4])
        state.probing = nil
        news = true
    end
    if disable_after > 0 and not state.disabled and now - state.failing_since >= disable_after then
        state.disabled, state.reason = true, 'failing'
        disabled[#disabled + 1] = field
        news = true
    end
    return news
end

local words = {pause = 1, gone = 0, ok = 0, failed = 6}
local at = 1
while at <= #ARGV do
    local room, hook, field, kind = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
    local state = read(field)
    local news = learn[kind](state, at + 4, field)
    write(field, state)
    if news and room ~= '' then
        -- Untold it is seen a little later.
        redis.pcall('XADD', changed, 'MAXLEN', '~', KEPT, '*', 'room', room, 'hook', hook)
    end
    at = at + 4 + words[kind]
end
return disabled
