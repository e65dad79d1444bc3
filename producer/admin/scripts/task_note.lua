#!lua flags=allow-oom
-- Notes why a step of a task failed, and that the next one is not at once.
--
-- KEYS  tasks
-- ARGV  its id, its fence, why, ms until the next step
-- reply the record, or '' when it is not the caller's (any more)
local tasks = KEYS[1]
--include task

local task = read_task(ARGV[1], ARGV[2])
if not task then
    return ''
end
task.error, task.error_at = ARGV[3], now
task.next_at, task.lease_until = now + tonumber(ARGV[4]), now + LEASE_MS
return store_task(ARGV[1], task)
