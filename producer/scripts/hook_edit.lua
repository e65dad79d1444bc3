#!lua flags=allow-oom
-- As hook_swap.lua, for a hook that exists: it can be disabled, and mended, also when Redis is full.
--include swap
