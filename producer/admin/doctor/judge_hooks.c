/* Rooms and their hooks: which cannot work, and why. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/doctor/judge.h"
#include "admin/hook/address.h"
#include "admin/hook/state.h"
#include "admin/human_text.h"
#include "contract/parse.h"

#define IN_SHELL_SIZE (ROOM_ID_MAX + 4)

/* " 438" or "='!a:b'", as it stands behind --room: quoted when a shell may take it for something
 * else, and in one word when it looks like a flag. */
static const char *in_shell(const struct room_id *room, char out[IN_SHELL_SIZE])
{
    bool is_plain = strpbrk(room->text, "!#$~") == NULL && strncmp(room->text, "--", 2) != 0;

    (void)snprintf(out, IN_SHELL_SIZE, is_plain ? " %s" : "='%s'", room->text);
    return out;
}

void judge_room(struct findings *findings, struct bytes name, const struct key_fact *key,
                int64_t hooks)
{
    char room[ROOM_ID_MAX + 1];
    struct room_id id;
    char age[HUMAN_TEXT_SIZE];

    bytes_printable(name, room, sizeof(room));
    if (room_id_of_text(name, &id) != 0) {
        findings_add(findings, PART_HOOKS, "room-id", LEVEL_WARNING,
                     "room:%s is for no room: no roomId is like that", room);
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

/* Refused unless a worker's settings open it, which are not known here. True when reported. */
static bool judge_address(struct findings *findings, const struct room_id *room,
                          const struct hook *hook)
{
    char origin[URL_ORIGIN_SIZE];
    struct error_text why;
    enum hook_address judged = hook_address_judge(&hook->url, &why);

    if (judged == HOOK_ADDRESS_FINE)
        return false;
    findings_add(findings, PART_HOOKS, "address", LEVEL_NOTE,
                 "room %s hook %s: workers refuse %s, unless allow-address opens it", room->text,
                 hook->id, url_origin(&hook->url, origin));
    findings_advise(findings, "see that each worker has allow-address for this %s",
                    judged == HOOK_ADDRESS_CLOSED ? "address and port" : "port");
    return true;
}

static void judge_url(struct findings *findings, const struct room_id *room,
                      const struct hook *hook)
{
    if (judge_address(findings, room, hook) || hook->url.https)
        return;
    if (!hook->verification_signature && hook->secrets_len == 0)
        return;
    findings_add(findings, PART_HOOKS, "plain-http", LEVEL_NOTE,
                 "room %s hook %s: has %s, but its URL is plain http: others can read %s",
                 room->text, hook->id, hook->verification_signature ? "a signature" : "a secret",
                 hook->verification_signature ? "it on the way" : "the events on the way");
    findings_advise(findings, "give it an https URL: roomhook hook set --room ROOM --id HOOK "
                              "--url https://...");
}

struct hook *judge_hook(struct findings *findings, const struct room_id *room, struct bytes id,
                        struct bytes json)
{
    struct error_text why;
    struct hook *hook;
    char name[NAME_SHOWN_SIZE];
    char shown[IN_SHELL_SIZE];

    int problem = hook_parse(id, json, &hook, &why);
    if (problem == HOOK_OK) {
        if (hook->enabled) {
            judge_url(findings, room, hook);
            return hook;
        }
        hook_free(hook);
        return NULL;
    }
    findings_add(findings, PART_HOOKS, problem == HOOK_BAD_URL ? "bad-url" : "bad-hook",
                 LEVEL_ERROR, "room %s hook %s: %s", room->text,
                 bytes_printable(id, name, sizeof(name)), why.text);
    if (parse_is_name(id))
        findings_advise(findings,
                        "roomhook hook remove --room%s --id %s, then hook set; "
                        "its events are dead letters",
                        in_shell(room, shown), name);
    else
        findings_advise(findings, "HDEL it from the room's key, then roomhook hook set; its events "
                                  "are dead letters");
    return NULL;
}

void judge_hook_state(struct findings *findings, const struct room_id *room, const char *hook_id,
                      const char *fingerprint, struct bytes json)
{
    struct stored_state state;
    struct buffer text;
    char shown[IN_SHELL_SIZE];

    hook_state_read(json, BYTES(""), NULL, &state);
    enum hook_condition condition = hook_state_condition(&state, 0);
    if (strcmp(state.fingerprint, fingerprint) != 0 ||
        (condition != HOOK_DISABLED && condition != HOOK_OPEN))
        return;
    bool is_open = condition == HOOK_OPEN;
    buffer_init(&text, FINDING_TEXT_SIZE);
    hook_state_put_text(&text, &state, condition);
    findings_add(findings, PART_HOOKS, hook_condition_name(condition),
                 is_open ? LEVEL_NOTE : LEVEL_WARNING, "room %s hook %s: %s", room->text, hook_id,
                 buffer_failed(&text) ? hook_condition_name(condition) : text.data);
    if (is_open)
        findings_advise(findings, "nothing, if its receiver comes back: probes find that out");
    else
        findings_advise(findings,
                        "roomhook hook resume --room%s --id %s if its receiver is well, "
                        "else hook remove",
                        in_shell(room, shown), hook_id);
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
        findings_advise(findings, "roomhook hook list --room ROOM looks at one of them");
    }
}
