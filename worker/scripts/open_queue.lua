#!lua flags=allow-oom
-- Makes what a queue needs, also when Redis is full: the contract's version, the stream and its
-- group. The group begins at 0: at $ it would skip what came before it. The consumer is made too,
-- so that a worker is seen before its first event. When all that contract 1 left is converted this
-- is noted here.
--
-- KEYS  events meta
-- ARGV  group contract consumer, and 'converted' when all was
-- reply {contract of the queue, 1 when the group was made, else 0, 1 while it is converted, else 0,
--       1 when there was nothing of the queue, else 0, what account.lua replies, keys that Redis
--       evicted}
--       with another contract than ours nothing is made
local events, meta = KEYS[1], KEYS[2]
local group, ours, consumer, step = unpack(ARGV)
--include account
local is_new = redis.call('HSETNX', meta, 'contract', ours) == 1
local contract = redis.call('HGET', meta, 'contract')
if contract ~= ours then
    return {contract, 0, 0, 0, {}, 0}
elseif step == 'converted' then
    redis.call('HDEL', meta, 'converting')
end
local made = redis.pcall('XGROUP', 'CREATE', events, group, '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
    return made
end
redis.call('XGROUP', 'CREATECONSUMER', events, group, consumer)
local has_new_group, deleted = not made.err, {}
if has_new_group and is_new then
    redis.call('HSET', meta, 'missing', 0) -- no worker has removed anything
end
if has_new_group then
    deleted = account(true)
end
local info = redis.pcall('INFO', 'stats')
local evicted = has_new_group and not info.err and string.match(info, 'evicted_keys:(%d+)')
return {
    contract, has_new_group and 1 or 0, redis.call('HEXISTS', meta, 'converting'),
    is_new and has_new_group and 1 or 0, deleted, tonumber(evicted or 0),
}
