-- Lanes, gates and scores. Needs lanes, shut and gates, the names of these keys.
--include ask
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local RESERVED_MS = 1000
-- The longest that a gate can be ahead; one that is further away is from before a clock went back.
-- A probe may wait for its place at a rate. admin/hook/gate.c has the same.
local GATE_MOST = {
    paused = 30 * 86400000, ['paused-open'] = 30 * 86400000, open = 3601000, rate = 3601000,
    disabled = math.huge,
}
-- Their lanes are in lanes-shut.
local SHUT = {open = true, ['paused-open'] = true, disabled = true}

-- {Q}:lane:438/main -> 438/main
local function lane_of(key)
    return string.sub(key, string.find(key, ':lane:', 1, true) + 6)
end

-- When the gate lets something through, and its kind; 0 alone when none is in force. With "-", when
-- the hook is not known, its fingerprint is taken as it is.
local function read_gate(text, fingerprint)
    local at, kind, of = string.match(text or '', '^(%d+%.?%d*) ([%l-]+) (%S+)$')
    local is_its = of == fingerprint or fingerprint == '-'
    if not at or not is_its or tonumber(at) - now > (GATE_MOST[kind] or -math.huge) then
        return 0
    end
    return tonumber(at), kind
end

-- When a lane is worth a look: its head or its gate, but no later than its never-tried ones expire,
-- which are not older than the head's score.
local function score_of(head, gate_at, max_age)
    local at = math.max(head, gate_at)
    return max_age > 0 and math.min(at, head + max_age) or at
end

local function ms_of(id)
    return tonumber(string.match(id, '^(%d+)%-')) or 0
end

-- A place that somebody may have set by hand, as a score that Redis takes; what is no number is 0.
local function bounded(place)
    return math.max(0, math.min(place, 2 ^ 53)) -- min(nan, x) is nan, max(0, nan) is 0
end

-- The score of a lane's first delivery, or nil and whether the key was no lane: then it holds no
-- delivery, and is removed.
local function head_of(key)
    local first = ask('ZRANGE', key, 0, 0, 'WITHSCORES')
    if not first then
        redis.call('DEL', key)
        return nil, true
    end
    return first[2] and tonumber(first[2])
end

local function remove_lane(lane)
    redis.call('ZREM', lanes, lane)
    redis.call('ZREM', shut, lane)
end

-- Gives a lane its score in the set of its gate; with 'LT' it is only lowered.
local function place_lane(lane, score, kind, lower)
    local set, other = lanes, shut
    if SHUT[kind] then
        set, other = shut, lanes
    end
    local added
    if lower then
        added = redis.call('ZADD', set, lower, score, lane)
    else
        added = redis.call('ZADD', set, score, lane)
    end
    if added == 1 then
        redis.call('ZREM', other, lane)
    end
end

-- After deliveries were given scores, the lowest of which is this. Behind its head they leave a
-- lane the second for which a look reserved it, else one that much comes to would be found again
-- and again, before others.
local function lower_lane(lane, lowest, head, gate_at, kind, max_age)
    local score = score_of(head, gate_at, max_age)
    if lowest > head then
        score = math.max(score, now + RESERVED_MS)
    end
    place_lane(lane, score, kind, 'LT')
end

-- Scores a lane by its head and gate, also later than it was, or removes it. Returns the score, or
-- nil and whether the key was no lane.
local function settle_lane(key, lane, gate_at, kind, max_age)
    local head, is_wrong = head_of(key)
    if not head then
        remove_lane(lane)
        return nil, is_wrong
    end
    local score = score_of(head, gate_at, max_age)
    place_lane(lane, score, kind)
    return score
end
