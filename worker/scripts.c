#include "scripts.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "worker_lua.h"

int scripts_init(struct scripts *scripts)
{
    static const char *const texts[SCRIPTS] = {
        [SCRIPT_ACKNOWLEDGE] = lua_acknowledge,
        [SCRIPT_ADOPT] = lua_adopt,
        [SCRIPT_SETTLE_ENTRIES] = lua_settle_entries,
        [SCRIPT_CLAIM_RETRIES] = lua_claim_retries,
        [SCRIPT_SETTLE_RETRIES] = lua_settle_retries,
        [SCRIPT_HEARTBEAT] = lua_heartbeat,
        [SCRIPT_HOOK_STATE] = lua_hook_state,
        [SCRIPT_HOOK_STATES] = lua_hook_states,
        [SCRIPT_PERMIT] = lua_permit,
        [SCRIPT_COUNT] = lua_count,
        [SCRIPT_REAP] = lua_reap,
        [SCRIPT_TRIM_DEAD] = lua_trim_dead,
        [SCRIPT_PRUNE_HOOK_STATE] = lua_prune_hook_state,
        [SCRIPT_LONE_RUN] = lua_lone_run,
        [SCRIPT_LONE_LEASE] = lua_lone_lease,
        [SCRIPT_LEAVE] = lua_leave,
    };
    static const bool by_sha[SCRIPTS] = {
        [SCRIPT_ACKNOWLEDGE] = true,    [SCRIPT_ADOPT] = true,
        [SCRIPT_SETTLE_ENTRIES] = true, [SCRIPT_CLAIM_RETRIES] = true,
        [SCRIPT_SETTLE_RETRIES] = true, [SCRIPT_HEARTBEAT] = true,
        [SCRIPT_HOOK_STATES] = true,    [SCRIPT_PERMIT] = true,
    };
    unsigned char digest[EVP_MAX_MD_SIZE];
    for (int i = 0; i < SCRIPTS; i++) {
        struct redis_script *script = &scripts->script[i];
        script->number = i;
        script->text = texts[i];
        script->by_sha = by_sha[i];
        if (EVP_Digest(texts[i], strlen(texts[i]), digest, NULL, EVP_sha1(), NULL) != 1)
            return -1;
        for (size_t b = 0; b < 20; b++)
            snprintf(script->sha + 2 * b, 3, "%02x", digest[b]);
    }
    return 0;
}
