#!lua
-- Keeps documents of delivered events, so that they can be sent again, and deletes those that are
-- too old or too many: the oldest first. A full Redis refuses it (no allow-oom).
--
-- KEYS  delivered delivered-documents
-- ARGV  how long they are kept, ms; bytes that they may take; then per event
--         stream_id room hooks document
--       stream_id: padded; hooks: ids, with spaces between; document: its head, a newline, and the
--       document itself
-- reply 1: kept, 0: not all of what is to be deleted was, nothing was kept; to be sent again;
--       -1: not kept, it takes more than all may
--
-- delivered            an entry for each event that was delivered, or, where its hooks took it at
--                      different times, for each of these
-- delivered-documents  event -> document; "<event> last" -> the newest of its entries, when there
--                      are several; "*" -> bytes of all
local KEEPS, MAX = tonumber(ARGV[1]), tonumber(ARGV[2])
local delivered, documents = KEYS[1], KEYS[2]
local FIRST, EACH = 3, 4
local OF_ENTRY, OF_DOCUMENT = 64, 160 -- about what Redis needs besides the texts
local PAGE, PAGES = 50, 20            -- entries that are deleted in one call
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Keys of another type were put there by hand.
if type(redis.pcall('XLEN', delivered)) ~= 'number' then
    redis.call('DEL', delivered)
end
local sum = redis.pcall('HGET', documents, '*')
if type(sum) == 'table' then
    redis.call('DEL', documents)
    sum = nil
end
local total = tonumber(sum or 0) or tonumber(redis.call('MEMORY', 'USAGE', documents))

local function size_of(...)
    local size = OF_ENTRY
    for _, text in ipairs({...}) do
        size = size + #text
    end
    return size
end

local function forget(id, fields)
    local field = {}
    for i = 1, #fields, 2 do
        field[fields[i]] = fields[i + 1]
    end
    local event = field.event
    if not event or not field.room or not field.hooks then
        return -- put there by hand
    end
    total = total - size_of(event, field.room, field.hooks)
    local last = redis.call('HGET', documents, event .. ' last')
    if not last or last == id then
        local len = redis.call('HSTRLEN', documents, event)
        if redis.call('HDEL', documents, event, event .. ' last') > 0 then
            total = total - len - OF_DOCUMENT
        end
    end
end

-- The oldest ones, as long as they are too old, or what comes does not fit. Reply: true: enough.
local function forget_page(coming)
    local page = redis.call('XRANGE', delivered, '-', '+', 'COUNT', PAGE)
    local gone = {}
    for _, entry in ipairs(page) do
        if total + coming <= MAX and tonumber(string.match(entry[1], '^%d+')) >= now - KEEPS then
            break
        end
        forget(entry[1], entry[2])
        gone[#gone + 1] = entry[1]
    end
    if #gone > 0 then
        redis.call('XDEL', delivered, unpack(gone))
    end
    return #gone < PAGE
end

local coming = 0
for i = FIRST, #ARGV, EACH do
    coming = coming + size_of(ARGV[i], ARGV[i + 1], ARGV[i + 2]) + #ARGV[i + 3] + OF_DOCUMENT
end
local fits = coming <= MAX
if not fits then
    coming = 0 -- nothing is deleted for it
end
local enough = false
for _ = 1, PAGES do
    enough = forget_page(coming)
    if enough then
        break
    end
end
if redis.call('XLEN', delivered) == 0 then
    redis.call('DEL', delivered, documents)
    total = 0
end
total = math.max(total, 0) -- what was put there by hand was never counted

if enough and fits then
    for i = FIRST, #ARGV, EACH do
        local event, room, hooks = ARGV[i], ARGV[i + 1], ARGV[i + 2]
        local id = redis.call('XADD', delivered, '*', 'event', event, 'room', room, 'hooks', hooks)
        total = total + size_of(event, room, hooks)
        if redis.call('HSETNX', documents, event, ARGV[i + 3]) == 1 then
            total = total + #ARGV[i + 3] + OF_DOCUMENT
        else
            redis.call('HSET', documents, event .. ' last', id)
        end
    end
end
if total > 0 then
    redis.call('HSET', documents, '*', string.format('%.0f', total))
    redis.call('PEXPIRE', delivered, ARGV[1])
    redis.call('PEXPIRE', documents, ARGV[1])
end
return fits and (enough and 1 or 0) or -1
