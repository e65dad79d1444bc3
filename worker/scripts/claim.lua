#!lua flags=allow-oom
-- Leases the heads of lanes, as far as their gates allow: a delivery's score moves to the end of
-- the lease, so that another worker gets it if this one dies. Then each lane is due again when its
-- next head is. A lease that ran out is counted.
--
-- KEYS  deliveries documents leases gates lanes lanes-shut, then lane:<lane> of each lane
-- ARGV  consumer first_number most_deliveries most_bytes, then per lane
--         fingerprint ("-": not known) count lease_ms max_age_ms (0: none) interval_us (0: no
--         rate) lane_max, and
--         'due'       what is due: through an open gate that is due one, the probe; at a rate as
--                     many as there are places within 100 ms; what is expired passes any gate
--         'all'       whatever its gate and time, to bury it
--         'overflow'  the same, the oldest never-tried ones, and the newest if there is none; no
--                     more than the lane has over lane_max and as others do not bury already
-- reply {now_ms, {per lane {taken, word, next_ms, at}}, {delivery …}, {stream_id, document …}}
--       word: 'free', 'empty' (the same, and nothing is left), 'wrong' (the key was no sorted
--         set), 'probe' (the one taken is), or the kind of the gate in force
--       next_ms: when it is worth a look, rounded up; -1: it is empty
--       at: of a rate, the place of the first one taken, in us; else 0
--       delivery: {lane, id, expired leases, its place in ms, 1 when over max_age, record or nil}
--         in the order of their fences, "<consumer>:<first_number>" and on; of an overflow with
--         "!" behind it
--       document: those that are not in their records, once each; '' when it is missing
--       When most_bytes is reached the rest stays; one delivery comes in any case. Nothing is
--       healed here: a delivery without record or document comes as it is, to be buried.
local deliveries, documents, leases = KEYS[1], KEYS[2], KEYS[3]
local gates, lanes, shut = KEYS[4], KEYS[5], KEYS[6]
local me, number = ARGV[1], tonumber(ARGV[2])
local most, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
local FIRST, SKIPPED_MAX = 6, 32
local EXPIRED_MAX = 1000000 -- whatever somebody set by hand
local ID_MAX = 106 -- of a delivery; contract/lane.h
local LEAVING_MAX = 1000 -- leases that are looked through for those of an overflow
--include rights
--include lane
--include passage
-- A lease that is stored by half counts as one that ran out.
need({'HSET', leases, 'id', ''}, {'ZADD', KEYS[FIRST + 1] or lanes, '0', 'id'},
    {'ZADD', lanes, '0', 'lane'})
local out_lanes, out, out_documents = {}, {}, {}
local has_document = {}

-- ids and scores of what may be taken
local function candidates(key, wish, allowed)
    local last = wish.count + SKIPPED_MAX - 1
    if wish.count <= 0 or #out >= most or (allowed == 0 and wish.max_age == 0) then
        return {}
    elseif wish.mode == 'due' then
        local till = allowed > 0 and now or now - wish.max_age
        return redis.pcall('ZRANGEBYSCORE', key, '-inf', till, 'WITHSCORES', 'LIMIT', 0, wish.count)
    end
    local found = redis.pcall('ZRANGE', key, 0, last, 'WITHSCORES')
    if wish.mode == 'all' or found.err then
        return found
    end
    local untried = {}
    for i = 1, #found, 2 do
        if tonumber(found[i + 1]) <= ms_of(found[i]) then
            untried[#untried + 1] = found[i]
            untried[#untried + 1] = found[i + 1]
        end
    end
    return #untried > 0 and untried or redis.call('ZREVRANGE', key, 0, last, 'WITHSCORES')
end

-- How many a lane has over lane_max, but for those that another overflow took.
local function excess(key, wish)
    local count = redis.pcall('ZCARD', key)
    if type(count) == 'table' then
        return 0
    end
    local leased = redis.call('ZRANGEBYSCORE', key, '(' .. now, now + wish.lease, 'LIMIT', 0,
        LEAVING_MAX)
    for _, lease in ipairs(#leased > 0 and redis.call('HMGET', leases, unpack(leased)) or {}) do
        if lease and string.find(lease, '^%S+! ') then
            count = count - 1
        end
    end
    return math.max(0, count - wish.lane_max)
end

-- Whether it fits into the reply, with its document.
local function fits(id, record)
    local bytes, stream = 0, string.match(id, '^[^/]*')
    if record then
        bytes = #record
        if not has_document[stream] and not string.find(record, '\n', 1, true) then
            local size = redis.call('HSTRLEN', documents, stream)
            if #out > 0 and bytes + size > budget then
                return false
            end
            out_documents[#out_documents + 1] = stream
            out_documents[#out_documents + 1] = redis.call('HGET', documents, stream) or ''
            has_document[stream] = true
            bytes = bytes + size
        end
    end
    if #out > 0 and bytes > budget then
        return false
    end
    budget = budget - bytes
    return true
end

-- A name that no worker can use is replaced, with what belongs to it; the new one is no delivery's
-- name either, so that the next claim makes a dead letter of it.
local function rename(key, id, score, record)
    local new = 'unnamed-' .. redis.sha1hex(id)
    if record then
        redis.call('HSET', deliveries, new, record)
        redis.call('HDEL', deliveries, id)
    end
    redis.call('HDEL', leases, id)
    redis.call('ZADD', key, score, new)
    redis.call('ZREM', key, id)
end

local function is_usable(id)
    return #id <= ID_MAX and not string.find(id, '%z')
end

-- Leases what may be taken of a lane. Returns how many, and how many of them its gate counts.
local function take(lane, key, wish, allowed)
    local found, ids = candidates(key, wish, allowed), {}
    for i = 1, #found, 2 do
        ids[#ids + 1] = found[i]
    end
    if #ids == 0 then
        return 0, 0
    end
    local records = redis.call('HMGET', deliveries, unpack(ids))
    local held = redis.call('HMGET', leases, unpack(ids))
    local new_leases, new_scores, counted = {}, {}, 0
    for i, id in ipairs(ids) do
        local score = tonumber(found[2 * i])
        local fence, expired, place = string.match(held[i] or '', '^(%S+) (%d+) (%S+)$')
        local was_leased = fence and fence ~= '-'
        place = was_leased and tonumber(place) or score
        place = bounded(place)
        local is_over = wish.max_age > 0 and math.min(place, ms_of(id)) + wish.max_age <= now
        if #new_leases >= 2 * wish.count or #out >= most or
            (not is_over and counted >= allowed) then
            break
        end
        if not is_usable(id) then
            rename(key, id, found[2 * i], records[i])
        elseif not was_leased or score <= now then
            if not fits(id, records[i]) then
                most = 0
                break
            end
            expired = math.min(tonumber(expired or 0), EXPIRED_MAX) + (was_leased and 1 or 0)
            counted = counted + (is_over and 0 or 1)
            new_leases[#new_leases + 1] = id
            new_leases[#new_leases + 1] = string.format('%s:%d%s %d %.0f', me, number,
                wish.mode == 'overflow' and '!' or '', expired, place)
            new_scores[#new_scores + 1] = now + wish.lease
            new_scores[#new_scores + 1] = id
            number = number + 1
            out[#out + 1] = {lane, id, expired, place, is_over and 1 or 0, records[i] or nil}
        end
    end
    if #new_leases > 0 then
        redis.call('HSET', leases, unpack(new_leases))
        redis.call('ZADD', key, unpack(new_scores))
    end
    return #new_leases / 2, counted
end

-- An overflow does not know the lane's hook, nor how long its deliveries may wait: the lane stays
-- in its set, no later than it was.
local function keep_place(key, lane, at, kind, max_age)
    local head, is_wrong = head_of(key)
    if not head then
        remove_lane(lane)
        return nil, is_wrong
    end
    place_lane(lane, score_of(head, at, max_age), kind, 'LT')
    return tonumber(redis.call('ZSCORE', SHUT[kind] and shut or lanes, lane))
end

local function claim(i, key, wish)
    local lane = lane_of(key)
    if wish.mode == 'overflow' then
        wish.count = math.min(wish.count, excess(key, wish))
    end
    local at, kind = read_gate(redis.call('HGET', gates, lane), wish.fingerprint)
    if kind == 'rate' and
        (wish.interval == 0 or at - now > wish.interval / 1000 + AHEAD_MS) then
        at, kind = 0, nil -- of another rate
    end
    local allowed, place = allowance(wish, at, kind)
    local taken, counted = take(i, key, wish, allowed)
    local was_shut = SHUT[kind]
    at, kind = pass(lane, wish, counted, at, kind, place)
    local next_at, is_wrong
    if wish.mode == 'overflow' then
        next_at, is_wrong = keep_place(key, lane, at, kind, wish.max_age)
    else
        next_at, is_wrong = settle_lane(key, lane, at, kind, wish.max_age)
    end
    if next_at and wish.mode == 'all' and taken > 0 then
        next_at = now -- there is more of it
        place_lane(lane, next_at, kind)
    end
    local word = (at > now or SHUT[kind]) and kind or 'free'
    if not next_at then
        word = is_wrong and 'wrong' or (word == 'free' and 'empty' or word)
    elseif was_shut and counted > 0 and wish.mode == 'due' then
        word = 'probe'
    end
    next_at = next_at and math.max(0, math.min(math.ceil(next_at), 2 ^ 53)) or -1
    out_lanes[i] = {taken, word, next_at, counted > 0 and place or 0}
end

for i = 1, #KEYS - FIRST do
    local at = 7 * i - 2
    claim(i, KEYS[FIRST + i], {
        fingerprint = ARGV[at],
        count = tonumber(ARGV[at + 1]),
        lease = tonumber(ARGV[at + 2]),
        max_age = tonumber(ARGV[at + 3]),
        interval = tonumber(ARGV[at + 4]),
        lane_max = tonumber(ARGV[at + 5]),
        mode = ARGV[at + 6],
    })
end
return {now, out_lanes, out, out_documents}
