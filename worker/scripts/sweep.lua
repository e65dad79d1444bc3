#!lua flags=allow-oom
-- Finds what no other rule does. Entries that were pending for far longer than anything takes,
-- although their worker lives: taken over, unless it says that Redis refuses its outcomes. Entries
-- that somebody else deleted from the stream, read or unread: of all that was ever added, what is
-- neither there nor removed by workers.
--
-- KEYS  events meta
-- ARGV  group consumer min_idle_ms limit, what the keys of heartbeats begin with
-- reply {deleted by others since the last look, of those taken over were deleted, ids taken over…}
local events, meta = KEYS[1], KEYS[2]
local group, me = ARGV[1], ARGV[2]
local keeps = {} -- by worker: it has outcomes that it cannot store yet

local function keeps_outcomes(owner)
    if keeps[owner] == nil then
        local heartbeat = redis.call('GET', ARGV[5] .. owner) or ''
        keeps[owner] = string.find(heartbeat, '"unstored":', 1, true) ~= nil
    end
    return keeps[owner]
end

local function deleted_by_others()
    local info = redis.pcall('XINFO', 'STREAM', events)
    if info.err then
        return 0
    end
    local stream = {}
    for i = 1, #info, 2 do
        stream[info[i]] = info[i + 1]
    end
    local removed = tonumber(redis.call('HGET', meta, 'removed') or 0)
    local missing = stream['entries-added'] - stream['length'] - removed
    local known = tonumber(redis.call('HGET', meta, 'missing') or missing)
    redis.call('HSET', meta, 'missing', missing)
    -- Less than before: the stream was made anew.
    return math.max(missing - known, 0)
end

local out = {deleted_by_others(), 0}
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
            out[2] = out[2] + 1
        end
    end
end
return out
