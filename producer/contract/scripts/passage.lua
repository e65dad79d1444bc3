-- How many deliveries pass a gate, and what it is afterwards. Needs lane.lua's names.
local AHEAD_MS = 100 -- places at a rate that are given ahead
local now_us = time[1] * 1000000 + time[2]

-- How many the gate lets through, and of a rate the first place in us.
local function allowance(wish, gate_at, kind)
    if wish.mode ~= 'due' then
        return wish.count
    elseif kind == 'disabled' or (gate_at > now and kind ~= 'rate') then
        return 0
    elseif SHUT[kind] then
        return 1
    elseif wish.interval == 0 then
        return wish.count
    end
    local place = math.max(gate_at * 1000, now_us)
    local places = math.floor((now_us + AHEAD_MS * 1000 - place) / wish.interval) + 1
    return math.max(0, math.min(places, wish.count)), place
end

-- The gate after this many passed it: closed behind a probe, or until the next place.
local function pass(lane, wish, counted, at, kind, place)
    if counted == 0 or wish.mode ~= 'due' or not (SHUT[kind] or place) then
        return at, kind
    end
    if SHUT[kind] then
        at, kind = now + wish.lease, 'open'
    else
        at, kind = (place + counted * wish.interval) / 1000, 'rate'
    end
    redis.call('HSET', gates, lane, string.format('%.3f %s %s', at, kind, wish.fingerprint))
    return at, kind
end
