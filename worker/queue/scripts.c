#include "queue/scripts.h"

#include <stdbool.h>

#include "worker_lua.h"

/* A link remembers by one bit a script which texts it has sent. */
_Static_assert((int)SCRIPTS <= REDIS_SCRIPTS_MAX, "too many scripts");

int scripts_init(struct scripts *scripts)
{
    static const struct {
        const char *name;
        const char *text;
        bool by_sha;
    } known[SCRIPTS] = {
        [SCRIPT_ACKNOWLEDGE] = {"acknowledge", lua_acknowledge, true},
        [SCRIPT_RECLAIM_OWN] = {"reclaim_own", lua_reclaim_own, true},
        [SCRIPT_SETTLE_STREAM] = {"settle_stream", lua_settle_stream, true},
        [SCRIPT_SETTLE_LEASED] = {"settle_leased", lua_settle_leased, true},
        [SCRIPT_HOLD_LEASES] = {"hold_leases", lua_hold_leases, false},
        [SCRIPT_LOOK] = {"look", lua_look, true},
        [SCRIPT_CLAIM] = {"claim", lua_claim, true},
        [SCRIPT_RECHECK] = {"recheck", lua_recheck, false},
        [SCRIPT_GATE] = {"gate", lua_gate, true},
        [SCRIPT_TIDY_DEAD] = {"tidy_dead", lua_tidy_dead, false},
        [SCRIPT_PRUNE] = {"prune", lua_prune, false},
        [SCRIPT_WALK] = {"walk", lua_walk, true},
        [SCRIPT_HEAL] = {"heal", lua_heal, true},
        [SCRIPT_CONVERT_LOOK] = {"convert_look", lua_convert_look, true},
        [SCRIPT_CONVERT] = {"convert", lua_convert, true},
        [SCRIPT_UPGRADE] = {"upgrade", lua_upgrade, false},
        [SCRIPT_HEAL_KEYS] = {"heal_keys", lua_heal_keys, false},
        [SCRIPT_HEARTBEAT] = {"heartbeat", lua_heartbeat, true},
        [SCRIPT_OPEN_QUEUE] = {"open_queue", lua_open_queue, false},
        [SCRIPT_HOOK_STATES] = {"hook_states", lua_hook_states, true},
        [SCRIPT_COUNT] = {"count", lua_count, false},
        [SCRIPT_RECLAIM_DEAD] = {"reclaim_dead", lua_reclaim_dead, false},
        [SCRIPT_RECLAIM_STUCK] = {"reclaim_stuck", lua_reclaim_stuck, false},
        [SCRIPT_ACCOUNT] = {"account", lua_account, true},
        [SCRIPT_QUARANTINE_RUN] = {"quarantine_run", lua_quarantine_run, false},
        [SCRIPT_LOG_ATTEMPTS] = {"log_attempts", lua_log_attempts, true},
        [SCRIPT_LOG_TIDY] = {"log_tidy", lua_log_tidy, false},
        [SCRIPT_KEEP] = {"keep", lua_keep, true},
        [SCRIPT_KEEP_TIDY] = {"keep_tidy", lua_keep_tidy, false},
        [SCRIPT_ALERT] = {"alert", lua_alert, true},
        [SCRIPT_HISTORY] = {"history", lua_history, true},
        [SCRIPT_LEAVE] = {"leave", lua_leave, false},
    };
    for (int i = 0; i < SCRIPTS; i++) {
        struct redis_script *script = &scripts->script[i];
        script->number = i;
        script->name = known[i].name;
        script->text = known[i].text;
        script->by_sha = known[i].by_sha;
        if (redis_script_hash(script) != 0)
            return -1;
    }
    return 0;
}
