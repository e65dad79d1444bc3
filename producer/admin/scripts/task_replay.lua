#!lua
-- A step of a task that replays dead letters: they and the task's progress change together, and
-- only while its lease is the caller's. Not allow-oom: what it adds must respect maxmemory.
--
-- KEYS  dead events dead-by-room dead-bytes tasks
-- ARGV  bytes kept of a document that was too large, the task's id and fence, its cursor behind
--       this step, 1 when this is the last one, letters left out, ids of dead letters
-- reply the task's record, or '' when it is not the caller's (any more)
local dead, events, by_room, dead_bytes, tasks = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local kept = tonumber(ARGV[1])
--include letters
--include replay
--include task

local task = read_task(ARGV[2], ARGV[3])
if not task then
    return ''
end
local done, failed = 0, 0
for i = 7, #ARGV do
    local result = replay(ARGV[i])
    if string.find(result, '^%d+%-%d+$') then
        done = done + 1
    elseif result ~= '' then -- others may have moved it meanwhile
        failed = failed + 1
    end
end
advance_task(task, ARGV[4], ARGV[5] == '1', done, tonumber(ARGV[6]), failed)
return store_task(ARGV[2], task)
