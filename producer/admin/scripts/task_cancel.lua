#!lua flags=allow-oom
-- Cancels a task.
--
-- KEYS  tasks
-- ARGV  its id, its fence as it was read
-- reply the record, or '' when it has another fence by now, or has ended
local tasks = KEYS[1]
--include task

local task = read_task(ARGV[1], ARGV[2])
if not task then
    return ''
end
end_task(task, 'cancelled')
return store_task(ARGV[1], task)
