-- Entries that others than workers deleted, read or unread: of all that was ever added, what is
-- neither in the stream nor removed by workers. Needs events and meta.

local function read_stream()
    local info = redis.pcall('XINFO', 'STREAM', events)
    local stream = {}
    for i = 1, info.err and 0 or #info, 2 do
        stream[info[i]] = info[i + 1]
    end
    return stream['entries-added'], stream['length'], stream['max-deleted-entry-id']
end

-- has_new_group: no worker has removed anything from this stream, if it is another one.
-- As account.lua replies.
local function account(has_new_group)
    local added, length, last_deleted = read_stream()
    if not added then
        return {}
    end
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local known = redis.call('HMGET', meta, 'removed', 'missing', 'added', 'length', 'looked_at')
    for i, text in ipairs(known) do
        known[i] = tonumber(text or nil)
        if text and not known[i] then -- written by hand
            known = {}
            break
        end
    end
    local removed, missing = known[1] or 0, known[2]
    local is_other = added < (known[3] or 0) or
        (has_new_group and removed > 0 and last_deleted == '0-0')
    if is_other then
        removed, missing = has_new_group and 0 or added - length, 0
    end
    local missing_now = added - length - removed
    if not missing then -- the first look; without any XDEL workers have removed nothing
        missing = last_deleted == '0-0' and 0 or missing_now
    end
    redis.call('HSET', meta, 'removed', removed, 'missing', missing_now, 'added', added,
               'length', length, 'looked_at', now)
    return {
        math.max(missing_now - missing, 0), is_other and 1 or 0, known[4] or 0,
        now - (known[5] or now),
    }
end
