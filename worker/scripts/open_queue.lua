#!lua flags=allow-oom
-- Makes what a queue needs, also when Redis is full: the contract's version, the stream and its
-- group. The group begins at 0: at $ it would skip what came before it. The consumer is made too,
-- so that a worker is seen before its first event.
--
-- KEYS  events meta
-- ARGV  group contract consumer
-- reply {contract of the queue, 1 when the group was made, else 0}; with another contract than ours
--       nothing is made
redis.call('HSETNX', KEYS[2], 'contract', ARGV[2])
local contract = redis.call('HGET', KEYS[2], 'contract')
if contract ~= ARGV[2] then
    return {contract, 0}
end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], '0', 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then
    return made
end
redis.call('XGROUP', 'CREATECONSUMER', KEYS[1], ARGV[1], ARGV[3])
return {contract, made.err and 0 or 1}
