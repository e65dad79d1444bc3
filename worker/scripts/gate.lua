#!lua flags=allow-oom
-- Stores what was learnt about the hooks of lanes, sets their gates to it, and reports to the other
-- workers what changes what they may send. A lane goes to the set of its gate here, with the score
-- that the gate gives it.
--
-- KEYS  hooks-state hooks-changed happened gates lanes lanes-shut, then lane:<lane> of each item
-- ARGV  consumer, then per item: room hook fingerprint max_age_ms (0: none), then one of
--         'pause' ms                    the receiver asked for it; never shortens a pause
--         'gone'                        answered 410
--         'ok' ago_ms interval_us       a success, then: it does not fail any more; its rate, 0 for
--                                       none
--         'failed' ago_ms n status error opens probe_ms disable_after_ms
--                                       n failures, the last of which, then, is described; opens
--                                       > 0: it is open for the opens-th time in a row, next probe
--                                       in probe_ms
--         'probe' ms                    a probe was not made after all: another may be, in ms
--       room is '' when the hook came with its event: then the report names the lane. An item may
--       come for a lane again. Successes and failures count in the order in which they happened,
--       whenever they are written.
-- reply {lane that is disabled from now on …}
local KEPT = 1000 -- entries of hooks-changed; a worker forgets a room within seconds anyway
local states, changed, happened = KEYS[1], KEYS[2], KEYS[3]
local gates, lanes, shut = KEYS[4], KEYS[5], KEYS[6]
local FIRST = 6
local me = ARGV[1]
--include lane
--include state
--include happened
local WORDS = {pause = 1, gone = 0, ok = 2, failed = 7, probe = 1}
local disabled = {}

-- Each changes the state and returns whether others have to know at once, and if it is more than
-- the state says, the gate.
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

-- What another worker wrote before may have happened later. Of one worker all comes in order, which
-- its times need not show when Redis let it wait.
local function is_older(at, than, state)
    return than and at < than and state.by ~= me
end

function learn.ok(state, at)
    local ended, interval_us = now - tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    local was_open = state.opens ~= nil
    state.ok_at = math.max(state.ok_at or 0, ended)
    if is_older(ended, state.failed_at, state) then
        state.failing_since = math.max(state.failing_since or 0, ended)
        return false
    end
    state.failing_since, state.failures, state.status, state.error = nil, nil, nil, nil
    state.failed_at, state.opens, state.probe_at = nil, nil, nil
    state.by = me
    if was_open and interval_us > 0 then -- the probe had a place
        return true, now + interval_us / 1000, 'rate'
    end
    return was_open
end

local function open(state, opens, probe_ms)
    -- Two workers may see the same outage: the first one opens it.
    local is_known = (state.opens or 0) >= opens and (state.probe_at or 0) > now
    if opens == 0 or is_known then
        return false
    end
    state.opens, state.probe_at = opens, now + probe_ms
    return true
end

function learn.failed(state, at, lane)
    local ended, opens = now - tonumber(ARGV[at]), tonumber(ARGV[at + 4])
    local disable_after = tonumber(ARGV[at + 6])
    if is_older(ended, state.ok_at, state) or ended < now - NEWS_COUNT_MS then
        return opens > 0 -- its worker takes the hook for open
    end
    state.failing_since = state.failing_since or ended
    state.failures = (state.failures or 0) + tonumber(ARGV[at + 1])
    if not is_older(ended, state.failed_at, state) then
        state.status = ARGV[at + 2] ~= '0' and tonumber(ARGV[at + 2]) or nil
        state.error, state.failed_at, state.by = ARGV[at + 3], ended, me
    end
    local news = open(state, opens, tonumber(ARGV[at + 5]))
    if disable_after > 0 and not state.disabled and now - state.failing_since >= disable_after then
        state.disabled, state.reason = true, 'failing'
        disabled[#disabled + 1] = lane
        news = true
    end
    return news
end

function learn.probe(state, at)
    if state.opens then
        state.probe_at = now + tonumber(ARGV[at])
    end
    return false
end

-- The gate to be: what was learnt, but no sooner than the place or the probe it waits for already.
local function next_gate(state, was_at, was, news, kind, at, new)
    if new then
        return at, new
    end
    at, new = gate_of_state(state)
    if new ~= 'disabled' and was == 'rate' then
        return math.max(at, was_at), new or was
    elseif new == 'open' and was == 'open' and not news and kind ~= 'probe' then
        return math.max(at, was_at), new
    end
    return at, new
end

local function note_change(lane, state, was_open, was_disabled)
    if state.disabled and not was_disabled then
        note_happened('hook-disabled', 'lane', lane, state.error or state.reason)
    elseif state.opens and not was_open then
        note_happened('hook-opened', 'lane', lane, state.error)
    elseif was_open and not state.opens then
        note_happened('hook-recovered', 'lane', lane)
    end
end

local function apply(key, room, hook, fingerprint, max_age, kind, at)
    local lane = lane_of(key)
    local state = read_state(lane, fingerprint)
    local was_at, was = read_gate(redis.call('HGET', gates, lane), fingerprint)
    local was_open, was_disabled = state.opens, state.disabled
    local news, gate_at, gate = learn[kind](state, at, lane)
    gate_at, gate = next_gate(state, was_at, was, news, kind, gate_at, gate)
    write_state(lane, state)
    note_change(lane, state, was_open, was_disabled)
    if settle_lane(key, lane, gate_at, gate, max_age) and gate == 'disabled' then
        place_lane(lane, now, gate) -- what waits is buried soon, not when it is due
    end
    if gate ~= was or gate_at ~= was_at then
        write_gate(lane, fingerprint, gate_at, gate)
    end
    if not news then
        return
    end
    local of = room ~= '' and {'room', room, 'hook', hook, 'by', me} or {'lane', lane}
    -- Otherwise it is seen a little later.
    redis.pcall('XADD', changed, 'MAXLEN', '~', KEPT, '*', unpack(of))
end

local at, item = 2, 1
while at <= #ARGV do
    local kind = ARGV[at + 4]
    apply(KEYS[FIRST + item], ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), kind,
        at + 5)
    at, item = at + 5 + WORDS[kind], item + 1
end
return disabled
