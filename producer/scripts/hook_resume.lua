#!lua flags=allow-oom
-- Makes deliveries of a hook due that wait and that nobody holds; one that is due sooner stays so.
-- They come a millisecond apart, so that very many do not hide what else is due.
-- KEYS: retries, deliveries. ARGV: room, hook id, delay of the first in ms, delivery ids.
-- Returns how many ids were looked at, fewer than given when their records are large, and how many
-- deliveries are the hook's.
local BYTES_MAX = 1024 * 1024 -- of records in one run: Redis does nothing else meanwhile
local time = redis.call('TIME')
local due = time[1] * 1000 + math.floor(time[2] / 1000) + tonumber(ARGV[3])
local start = '{"room":' .. ARGV[1] .. ',"hook":"' .. ARGV[2] .. '"'
local looked, found, bytes = 0, 0, 0

for i = 4, #ARGV do
    local record = redis.call('HGET', KEYS[2], ARGV[i]) or ''
    local line_2 = string.match(record, '^%- %d+\n()')
    if line_2 and string.sub(record, line_2, line_2 + #start - 1) == start then
        redis.call('ZADD', KEYS[1], 'LT', due + found, ARGV[i])
        found = found + 1
    end
    looked = looked + 1
    bytes = bytes + #record
    if bytes > BYTES_MAX then
        break
    end
end
return {looked, found}
