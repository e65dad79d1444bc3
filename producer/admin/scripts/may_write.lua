#!lua flags=allow-oom
-- Writes nothing, but does not say so beforehand: Redis answers as it would to a write of a worker,
-- and refuses it while too few replicas follow or its disk is full.
-- Returns 1.
return 1
