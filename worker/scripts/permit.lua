#!lua flags=allow-oom
-- Says whether a delivery may be attempted now, where workers have to agree on it.
--
-- KEYS  hooks-state hooks-pace
-- ARGV  per delivery: field, then one of
--         'probe' lease_ms                     of a hook that is open: one probe at a time. If the
--                                              prober is never heard of, another may go then
--         'pace' interval_us slot_ms most_ms   of a hook with a rate: the next free place in a row
--                                              of places interval_us apart. slot_ms: the place it
--                                              was given before, 0 for none; missed by over a
--                                              second it is lost. No place is taken that is more
--                                              than most_ms away
-- reply {wait_ms, slot_ms} per delivery; wait_ms 0: now, -1: now, and the hook is not open
local MISSED_MS = 1000
local EARLY_MS = 10 -- clocks are read in whole milliseconds, on two machines
-- As in breaker.h, the longest interval: what is further away is from before the clock went back.
local PROBE_MOST_MS = 72000
local PROBING_MS = 2000 -- a probe is under way: it will be known sooner than its lease ends
local states, pace = KEYS[1], KEYS[2]
local time = redis.call('TIME')
local now_us = time[1] * 1000000 + time[2]
local now = math.floor(now_us / 1000)
local out, at = {}, 1

local function probe(field, lease)
    local text = redis.call('HGET', states, field)
    local ok, state = pcall(cjson.decode, text or '{}')
    if not ok or type(state) ~= 'table' or type(state.probe_at) ~= 'number' then
        return {-1, 0}
    end
    local is_near = state.probe_at - now <= math.max(PROBE_MOST_MS, lease)
    if state.probe_at > now and is_near then
        local wait = state.probe_at - now
        return {state.probing and math.min(wait, PROBING_MS) or wait, 0}
    end
    state.probe_at, state.probing = now + lease, true
    redis.call('HSET', states, field, cjson.encode(state))
    return {0, 0}
end

local function place(field, interval_us, slot, most)
    if slot > 0 and slot - now <= EARLY_MS and now - slot <= MISSED_MS then
        return {0, 0}
    end
    local free, was = string.match(redis.call('HGET', pace, field) or '', '^(%d+) ?(%d*)$')
    -- A hook whose rate was changed begins a new row.
    local same = was == '' or tonumber(was) == interval_us
    local free_us = math.max(same and tonumber(free) or 0, now_us)
    -- Rounded up, so that who comes back at that time is not too early.
    local wait = math.ceil((free_us - now_us) / 1000)
    if wait > most then
        return {wait, 0}
    end
    redis.call('HSET', pace, field, string.format('%.0f %.0f', free_us + interval_us, interval_us))
    return {wait, wait > 0 and now + wait or 0}
end

while at <= #ARGV do
    if ARGV[at + 1] == 'probe' then
        out[#out + 1] = probe(ARGV[at], tonumber(ARGV[at + 2]))
        at = at + 3
    else
        out[#out + 1] = place(ARGV[at], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]),
            tonumber(ARGV[at + 4]))
        at = at + 5
    end
end
return out
