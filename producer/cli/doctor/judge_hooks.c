/* Rooms and their hooks: which cannot work, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor/judge.h"
#include "cli/hook/address.h"
#include "cli/hook/state.h"
#include "cli/terminal/human_text.h"
#include "contract/parse.h"

/* "room:007" is not found by an event of room 7. */
static bool is_room_id(struct bytes name)
{
    char text[24];
    int64_t id;

    if (parse_int64(name, INT64_MIN, INT64_MAX, &id) < 0)
        return false;
    (void)snprintf(text, sizeof(text), "%" PRId64, id);
    return bytes_equal_text(name, text);
}

void judge_room(struct findings *findings, struct bytes name, const struct key_fact *key,
                int64_t hooks)
{
    char room[NAME_SHOWN_SIZE];
    char age[HUMAN_TEXT_SIZE];

    bytes_printable(name, room, sizeof(room));
    if (!is_room_id(name)) {
        findings_add(findings, PART_HOOKS, "room-id", LEVEL_WARNING,
                     "room:%s is for no room: a room's id is a whole number", room);
        findings_advise(findings, "register its hooks for the right room, then DEL the key");
    }
    if (strcmp(key->type, "hash") != 0) {
        findings_add(findings, PART_HOOKS, "room-type", LEVEL_ERROR,
                     "room %s: its key is a %s, it must be a hash; its events wait", room,
                     key->type);
        findings_advise(findings, "find who wrote it, DEL it, register its hooks again");
        return;
    }
    if (key->pttl_ms >= 0) {
        findings_add(findings, PART_HOOKS, "room-expiry", LEVEL_WARNING,
                     "room %s: its hooks expire in %s", room, human_age(key->pttl_ms, age));
        findings_advise(findings, "PERSIST the key; find who set an expiry on it");
    }
    if (hooks > HOOKS_PER_ROOM_MAX) {
        findings_add(findings, PART_HOOKS, "too-many", LEVEL_ERROR,
                     "room %s: %" PRId64 " hooks, of which workers take %d", room, hooks,
                     HOOKS_PER_ROOM_MAX);
        findings_advise(findings, "remove some; what goes to the others is a dead letter");
    }
}

/* Refused unless a worker's settings open it, which are not known here. True when told. */
static bool judge_address(struct findings *findings, int64_t room_id, const struct hook *hook)
{
    char origin[URL_ORIGIN_SIZE];
    struct error_text why;
    enum hook_address judged = hook_address_judge(&hook->url, &why);

    if (judged == HOOK_ADDRESS_FINE)
        return false;
    findings_add(findings, PART_HOOKS, "address", LEVEL_NOTE,
                 "room %" PRId64 " hook %s: workers refuse %s, unless allow-address opens it",
                 room_id, hook->id, url_origin(&hook->url, origin));
    findings_advise(findings, "see that each worker has allow-address for this %s",
                    judged == HOOK_ADDRESS_CLOSED ? "address and port" : "port");
    return true;
}

static void judge_url(struct findings *findings, int64_t room_id, const struct hook *hook)
{
    if (judge_address(findings, room_id, hook) || hook->url.https)
        return;
    if (!hook->verification_signature && hook->secrets_len == 0)
        return;
    findings_add(findings, PART_HOOKS, "plain-http", LEVEL_NOTE,
                 "room %" PRId64 " hook %s: has %s, but its URL is plain http: others can read %s",
                 room_id, hook->id, hook->verification_signature ? "a signature" : "a secret",
                 hook->verification_signature ? "it on the way" : "the events on the way");
    findings_advise(findings, "give it an https URL: roomhook hook set --room ROOM --id HOOK "
                              "--url https://...");
}

struct hook *judge_hook(struct findings *findings, int64_t room_id, struct bytes id,
                        struct bytes json)
{
    struct error_text why;
    struct hook *hook;
    char name[NAME_SHOWN_SIZE];

    int problem = hook_parse(id, json, &hook, &why);
    if (problem == HOOK_OK) {
        if (hook->enabled) {
            judge_url(findings, room_id, hook);
            return hook;
        }
        hook_free(hook);
        return NULL;
    }
    findings_add(findings, PART_HOOKS, problem == HOOK_BAD_URL ? "bad-url" : "bad-hook",
                 LEVEL_ERROR, "room %" PRId64 " hook %s: %s", room_id,
                 bytes_printable(id, name, sizeof(name)), why.text);
    if (parse_is_name(id))
        findings_advise(findings,
                        "roomhook hook remove --room %" PRId64 " --id %s, then hook set; "
                        "its events are dead letters",
                        room_id, name);
    else
        findings_advise(findings, "HDEL it from the room's key, then roomhook hook set; its events "
                                  "are dead letters");
    return NULL;
}

void judge_hook_state(struct findings *findings, int64_t room_id, const char *hook_id,
                      const char *fingerprint, struct bytes json)
{
    struct stored_state state;
    struct buffer text;

    hook_state_parse(json, &state);
    enum hook_condition condition = hook_state_condition(&state, 0);
    if (strcmp(state.fingerprint, fingerprint) != 0 ||
        (condition != HOOK_DISABLED && condition != HOOK_OPEN))
        return;
    bool is_open = condition == HOOK_OPEN;
    buffer_init(&text, FINDING_TEXT_SIZE);
    hook_state_put_text(&text, &state, condition);
    findings_add(findings, PART_HOOKS, hook_condition_name(condition),
                 is_open ? LEVEL_NOTE : LEVEL_WARNING, "room %" PRId64 " hook %s: %s", room_id,
                 hook_id, buffer_failed(&text) ? hook_condition_name(condition) : text.data);
    if (is_open)
        findings_advise(findings, "nothing, if its receiver comes back: probes find that out");
    else
        findings_advise(findings,
                        "roomhook hook resume --room %" PRId64 " --id %s if its receiver is well, "
                        "else hook remove",
                        room_id, hook_id);
    buffer_release(&text);
}

void judge_rooms(struct findings *findings, const struct doctor_facts *facts)
{
    const struct rooms_facts *rooms = &facts->rooms;

    if (!facts->asked[ASK_KEYS].answered)
        return;
    if (facts->asked[ASK_ROOMS].refusal[0] == '\0') /* not asked when there are no rooms */
        findings_add(findings, PART_HOOKS, "hooks", LEVEL_OK,
                     "looked at hooks: %" PRId64 ", of rooms: %" PRId64, rooms->hooks,
                     rooms->rooms);
    if (rooms->cut) {
        findings_add(findings, PART_HOOKS, "hooks-cut", LEVEL_NOTE,
                     "there are more rooms than are looked at; keys looked at: %" PRId64,
                     rooms->keys);
        findings_advise(findings, "roomhook hook list --room N looks at one of them");
    }
}
