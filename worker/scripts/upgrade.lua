#!lua flags=allow-oom
-- Makes a queue of contract 1 one of contract 2, unless a worker of contract 1 lives; from then on
-- none starts. It is converting until the worker that converted all removes that field.
--
-- KEYS  meta, then worker:<consumer> of each worker that may be of contract 1
-- ARGV  none
-- reply {contract, consumers that live, counted from 1 …}
local living = {}
for i = 2, #KEYS do
    if redis.call('EXISTS', KEYS[i]) == 1 then
        living[#living + 1] = i - 1
    end
end
local contract = redis.call('HGET', KEYS[1], 'contract') or ''
if contract == '1' and #living == 0 then
    redis.call('HSET', KEYS[1], 'contract', '2', 'converting', '1')
    contract = '2'
end
return {contract, unpack(living)}
