#!lua
-- Compares what is known of hooks with what was reported of them, and reports what is new: an
-- ordinary event with an inline hook for each alert, in the same step as the note that it was
-- reported. A full Redis refuses it (no allow-oom), and it is done later.
--
-- KEYS  hooks-state alerted alerted-dead events
-- ARGV  inline hook, its lane (nothing is reported about it), disable_after_ms (0: never),
--       page, cursors of hooks-state, of alerted and of alerted-dead
--       an empty hook: nobody is to be alerted
-- reply {alerts, the three next cursors}
--
-- alerted       lane -> failing, disable50, disable90 or disabled, what was reported last, or
--               "well <ms>" for an hour after it was reported to be well again;
--               "<lane> dead" -> when dead letters were reported last, ms
-- alerted-dead  lane -> dead letters since
local states, alerted, dead, events = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local HOOK, OWN_LANE, DISABLE_AFTER, PAGE = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4]
local HOUR_MS = 3600000
local LEVEL = {failing = 1, disable50 = 2, disable90 = 3, disabled = 4}
local TYPE = {
    failing = 'hook.failing', disable50 = 'hook.disable_soon', disable90 = 'hook.disable_soon',
    disabled = 'hook.disabled',
}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sent = 0

if HOOK == '' then
    redis.call('DEL', alerted, dead)
    return {0, '0', '0', '0'}
end

-- Where something else was put by hand nothing is known.
for _, key in ipairs({alerted, dead}) do
    if type(redis.pcall('HLEN', key)) ~= 'number' then
        redis.call('DEL', key)
    end
end

local function decode(text)
    local ok, state = pcall(cjson.decode, text or '{}')
    return ok and type(state) == 'table' and state or {}
end

local function number(value)
    return type(value) == 'number' and value >= 0 and value < 2 ^ 53 and value or nil
end

local function send(kind, lane, message)
    message.room, message.hook = string.match(lane, '^(.*)/([^/]*)$')
    message.createdAt = now
    local json = '{"type":"' .. kind .. '","message":' .. cjson.encode(message) ..
        ',"webhooks":[' .. HOOK .. ']}'
    redis.call('XADD', events, '*', 'json', json)
    sent = sent + 1
end

-- What is to be reported of a hook now, or nil.
local function level_of(state)
    local since = number(state.failing_since)
    if state.disabled == true then
        return 'disabled'
    elseif not since or not state.opens then
        return nil
    end
    local share = DISABLE_AFTER > 0 and (now - since) / DISABLE_AFTER or 0
    return share >= 0.9 and 'disable90' or share >= 0.5 and 'disable50' or 'failing'
end

local function describe(state, level)
    local since = number(state.failing_since)
    return {
        failingSince = since, status = number(state.status),
        error = type(state.error) == 'string' and state.error or nil,
        reason = level == 'disabled' and type(state.reason) == 'string' and state.reason or nil,
        disabledAt = since and DISABLE_AFTER > 0 and level ~= 'disabled' and
            since + DISABLE_AFTER or nil,
    }
end

local function page_of(key, cursor)
    local page = redis.pcall('HSCAN', key, cursor, 'COUNT', PAGE)
    return page.err and {'0', {}} or page
end

-- Before the states: what was reported of a hook that is well again, or forgotten.
local function look_back(lane, level)
    if string.sub(lane, -5) == ' dead' then
        if now - (tonumber(level) or 0) >= HOUR_MS then
            redis.call('HDEL', alerted, lane)
        end
        return
    end
    local well_at = tonumber(string.match(level, '^well (%d+)$'))
    if well_at then
        if math.abs(now - well_at) >= HOUR_MS then
            redis.call('HDEL', alerted, lane)
        end
        return
    end
    local state = decode(redis.call('HGET', states, lane))
    if state.disabled == true or state.failing_since then
        return
    elseif number(state.ok_at) then
        send('hook.recovered', lane, {recoveredAt = state.ok_at})
        redis.call('HSET', alerted, lane, string.format('well %.0f', now))
    else
        redis.call('HDEL', alerted, lane)
    end
end

local function look_at(lane, text)
    local state = decode(text)
    local level = level_of(state)
    local reported = redis.call('HGET', alerted, lane) or ''
    local known = LEVEL[reported] or 0
    if string.find(reported, '^well ') then
        known = LEVEL.failing -- one that fails and recovers in turns is not reported each time
    end
    if level and LEVEL[level] > known and lane ~= OWN_LANE then
        send(TYPE[level], lane, describe(state, level))
        redis.call('HSET', alerted, lane, level)
    end
end

-- At once, and then at most once an hour for a hook.
local function look_at_dead(lane, count)
    local field = lane .. ' dead'
    local last = tonumber(redis.call('HGET', alerted, field) or 0)
    if now - last < HOUR_MS then
        return
    end
    redis.call('HDEL', dead, lane)
    if string.sub(lane, 1, 1) ~= '/' then
        send('delivery.dead', lane, {count = tonumber(count)})
        redis.call('HSET', alerted, field, now)
    end
end

local function look_through(key, cursor, look)
    local page = page_of(key, cursor)
    for i = 1, #page[2], 2 do
        look(page[2][i], page[2][i + 1])
    end
    return page[1]
end

local back = look_through(alerted, ARGV[6], look_back)
local on = look_through(states, ARGV[5], look_at)
return {sent, on, back, look_through(dead, ARGV[7], look_at_dead)}
