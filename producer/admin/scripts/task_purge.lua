#!lua flags=allow-oom
-- A step of a task that purges dead letters. As task_replay.lua is called and replies; nothing is
-- added to events.
local dead, by_room, dead_bytes, tasks = KEYS[1], KEYS[3], KEYS[4], KEYS[5]
--include letters
--include task

local task = read_task(ARGV[2], ARGV[3])
if not task then
    return ''
end
for i = 7, #ARGV do
    drop_letter(ARGV[i])
end
advance_task(task, ARGV[4], ARGV[5] == '1', dropped, tonumber(ARGV[6]), 0)
return store_task(ARGV[2], task)
