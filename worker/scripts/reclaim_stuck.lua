#!lua flags=allow-oom
-- Takes over entries that were pending for far longer than anything takes, although their worker
-- lives, unless it says that Redis refuses its outcomes.
--
-- KEYS  events
-- ARGV  group consumer min_idle_ms limit, what the keys of heartbeats begin with
-- reply {how many of those to take over were deleted, ids taken over…}
local events = KEYS[1]
local group, me = ARGV[1], ARGV[2]
local keeps = {} -- by worker: it has outcomes that it cannot store yet

local function keeps_outcomes(owner)
    if keeps[owner] == nil then
        local heartbeat = redis.pcall('GET', ARGV[5] .. owner)
        keeps[owner] = type(heartbeat) == 'string' and
            string.find(heartbeat, '"unstored":', 1, true) ~= nil
    end
    return keeps[owner]
end

local out = {0}
local pending = redis.pcall('XPENDING', events, group, 'IDLE', ARGV[3], '-', '+', ARGV[4])
if pending.err then
    return out
end
for _, entry in ipairs(pending) do
    local id, owner = entry[1], entry[2]
    if owner ~= me and not keeps_outcomes(owner) then
        -- It stays as old as it is: a young one could be on its way to the reader. One that was
        -- deleted meanwhile leaves the list here.
        local claimed = redis.call('XCLAIM', events, group, me, 0, id, 'IDLE', entry[3],
                                   'RETRYCOUNT', entry[4], 'JUSTID')
        if #claimed > 0 then
            out[#out + 1] = id
        else
            out[1] = out[1] + 1
        end
    end
end
return out
