-- Delivered events that are kept (delivered and delivered-documents, the first two keys): what they
-- take, and deleting the oldest.
--
-- delivered            an entry for each event that was delivered, or, where its hooks took it at
--                      different times, for each of these
-- delivered-documents  event -> document; "<event> last" -> the newest of its entries, when there
--                      are several; "*" -> bytes of all; "keep" -> how long they are kept, ms
local delivered, documents = KEYS[1], KEYS[2]
local OF_ENTRY, OF_DOCUMENT = 64, 160 -- about what Redis needs besides the texts
local PAGE, PAGES = 50, 20            -- entries that are deleted in one call
local LAST_MS = 3600000               -- longer than any is kept, for when no worker runs
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- Keys of another type were put there by hand.
if type(redis.pcall('XLEN', delivered)) ~= 'number' then
    redis.call('DEL', delivered)
end
local head = redis.pcall('HMGET', documents, '*', 'keep')
if head.err then
    redis.call('DEL', documents)
    head = {false, false}
end
local total = tonumber(head[1] or 0) or tonumber(redis.call('MEMORY', 'USAGE', documents))

local function size_of(event, room, hooks)
    return OF_ENTRY + #event + #room + #hooks
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

-- The oldest ones, as long as they are too old, or take more than max. Reply: true: enough.
local function forget_page(oldest, max)
    local page = redis.call('XRANGE', delivered, '-', '+', 'COUNT', PAGE)
    local gone = {}
    for _, entry in ipairs(page) do
        if total <= max and tonumber(string.match(entry[1], '^%d+')) >= oldest then
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

-- Reply: true: enough, false: to be called again.
local function forget_old(keep_ms, max)
    local enough = false
    for _ = 1, PAGES do
        enough = forget_page(now - keep_ms, max)
        if enough then
            break
        end
    end
    if redis.call('XLEN', delivered) == 0 then
        redis.call('DEL', delivered, documents)
        total = 0
    end
    total = math.max(total, 0) -- what was put there by hand was never counted
    return enough
end

local function note_total(keep_ms)
    if total > 0 then
        redis.call('HSET', documents, '*', string.format('%.0f', total), 'keep', keep_ms)
        redis.call('PEXPIRE', delivered, keep_ms + LAST_MS)
        redis.call('PEXPIRE', documents, keep_ms + LAST_MS)
    end
end
