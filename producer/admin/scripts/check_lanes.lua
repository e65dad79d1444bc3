#!lua flags=no-writes
-- What is wrong with lanes, and with the deliveries that are next in each.
--
-- KEYS  deliveries gates lanes lanes-shut, then lane:<lane> of each
-- ARGV  how many deliveries of each are looked at
-- reply {how many were, what, which …}
--       'lane' with one that is in both sets, or is looked at later than its first delivery and its
--       gate ask for, or is no sorted set; 'member' with a delivery id that has no record
local deliveries, gates, lanes, shut = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local FIRST = 4
local SLACK_MS = 1000 -- a look reserves a lane for so long
--include lane
local out = {0}

local function report(what, which)
    out[#out + 1] = what
    out[#out + 1] = which
end

-- Of which fingerprint the hook is now a claim knows.
local function is_late(lane, score, head)
    local gate_at = read_gate(redis.call('HGET', gates, lane), '-')
    return score > math.max(head, gate_at, now + SLACK_MS)
end

local function check(key)
    local lane = lane_of(key)
    local in_lanes, in_shut = redis.call('ZSCORE', lanes, lane), redis.call('ZSCORE', shut, lane)
    local page = ask('ZRANGE', key, 0, ARGV[1] - 1, 'WITHSCORES')
    if not in_lanes and not in_shut then
        return -- emptied since
    elseif not page or (in_lanes and in_shut) or
        (#page > 0 and is_late(lane, tonumber(in_lanes or in_shut), tonumber(page[2]))) then
        report('lane', lane)
    end
    for i = 1, page and #page or 0, 2 do
        out[1] = out[1] + 1
        if redis.call('HEXISTS', deliveries, page[i]) == 0 then
            report('member', page[i])
        end
    end
end

for i = FIRST + 1, #KEYS do
    check(KEYS[i])
end
return out
