-- Records, and large documents that are stored once an event. Needs deliveries and documents, the
-- names of these keys, and ask.lua. A record is a line of JSON, and unless the document is in
-- documents a newline and the document.
local INLINE_MAX = 4096

-- 1667548137257-000000/main -> 1667548137257-000000
local function stream_of(id)
    return string.match(id, '^[^/]*')
end

-- Adds a holder of a large document, and the document, before what it stands for. False: the
-- document has to be in the record.
local function hold(holders, id, document)
    if not holders or #document <= INLINE_MAX then
        return false
    end
    if not ask('SCARD', holders) then
        redis.call('DEL', holders) -- no set: it names no holder
    end
    if redis.call('HEXISTS', documents, stream_of(id)) == 0 then
        redis.call('HSET', documents, stream_of(id), document)
    end
    redis.call('SADD', holders, id)
    return true
end

-- Removes a holder after what it stood for, and with the last one the document, first: done by half
-- it is done again. One that is not in the set says nothing about others: somebody changed the set.
local function let_go(holders, id)
    if not holders or redis.pcall('SISMEMBER', holders, id) ~= 1 then
        return
    end
    if redis.call('SCARD', holders) == 1 then
        redis.call('HDEL', documents, stream_of(id))
    end
    redis.call('SREM', holders, id)
end
