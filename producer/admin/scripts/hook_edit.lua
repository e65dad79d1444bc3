#!lua flags=allow-oom
-- As hook_swap.lua, for a hook that exists: it is disabled, and mended, also when Redis is full.
--include swap
