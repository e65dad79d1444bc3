-- Adding delivered events of a room to the events once more, or counting them. Needs delivered,
-- documents, room and events, the names of these keys, ROOM, HOOK ('': each), PAGE, the entries to
-- look at, at most, and MOST, the deliveries after which it stops (0: only count).
local BYTES = 1048576 -- of documents, after which it stops
local count = {events = 0, deliveries = 0, gone = 0, removed = 0, unreadable = 0}
local bytes = 0

local function has_hook(hook)
    return string.find(hook, '^inline%-%d+$') or redis.call('HEXISTS', room, hook) == 1
end

-- Those of the entry's hooks that are meant and still there.
local function hooks_of(text)
    local hooks = {}
    for hook in string.gmatch(text, '[^ ]+') do
        if not string.find(hook, '^[%w_-]+$') or #hook > 64 then
            count.unreadable = count.unreadable + 1
        elseif HOOK ~= '' and hook ~= HOOK then
            -- of another one
        elseif has_hook(hook) then
            hooks[#hooks + 1] = hook
        else
            count.removed = count.removed + 1
        end
    end
    return hooks
end

local function read(document)
    local encoding, id, trace, at = string.match(document, '^(%l+) ([%w_-]+) ([%x-]+)\n()')
    if (encoding ~= 'json' and encoding ~= 'msgpack') or #id > 64 then
        return nil
    end
    local event = {encoding, string.sub(document, at), 'id', id, 'resent', '1'}
    if trace ~= '-' then
        event[7], event[8] = 'traceparent', trace
    end
    return event
end

local function send(event, hook)
    redis.call('XADD', events, '*', 'hook', hook, unpack(event))
    bytes = bytes + #event[2]
end

local function look_at(fields)
    local field = {}
    for i = 1, #fields, 2 do
        field[fields[i]] = fields[i + 1]
    end
    if not field.event or not field.room or not field.hooks then
        count.unreadable = count.unreadable + 1
        return
    elseif field.room ~= ROOM then
        return
    end
    local hooks = hooks_of(field.hooks)
    if #hooks == 0 then
        return
    end
    local event
    if MOST == 0 then
        event = redis.call('HEXISTS', documents, field.event) == 1 and {}
    else
        local document = redis.call('HGET', documents, field.event)
        event = document and (read(document) or 'unreadable')
    end
    if not event then
        count.gone = count.gone + #hooks
    elseif event == 'unreadable' then
        count.unreadable = count.unreadable + 1
    else
        count.events = count.events + 1
        count.deliveries = count.deliveries + #hooks
        for i = 1, MOST > 0 and #hooks or 0 do
            send(event, hooks[i])
        end
    end
end

-- From first to last_meant; the last entry that was looked at, '' when there are no more.
local function resend_page(first, last_meant)
    local page = redis.call('XRANGE', delivered, first, last_meant, 'COUNT', PAGE)
    local last = ''
    for i, entry in ipairs(page) do
        look_at(entry[2])
        if MOST > 0 and (count.deliveries >= MOST or bytes >= BYTES) then
            last = entry[1]
            break
        end
        if i == PAGE then
            last = entry[1]
        end
    end
    return last
end
