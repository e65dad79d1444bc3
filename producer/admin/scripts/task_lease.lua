#!lua flags=allow-oom
-- Leases a task for the caller, or gives its lease back. A new fence bars the holder before.
--
-- KEYS  tasks
-- ARGV  its id, its fence, 1 to lease it or 0 to give the lease back
-- reply the record, or '' when another one has it, or it has ended
local tasks = KEYS[1]
--include task

local task = read_task(ARGV[1], ARGV[2])
if not task or (ARGV[3] == '1' and task.lease_until > now) then
    return ''
end
task.fence = task.fence + 1
task.lease_until = ARGV[3] == '1' and now + LEASE_MS or 0
return store_task(ARGV[1], task)
