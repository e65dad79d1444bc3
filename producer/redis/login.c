#include "redis/login.h"

#include <stdio.h>

#include "redis/version.h"
#include <string.h>

static struct login_command *add(struct login *login, enum login_step step, const char *command)
{
    struct login_command *added = &login->commands[login->len++];

    *added = (struct login_command){.step = step, .args = {bytes_of(command)}, .args_len = 1};
    return added;
}

static void add_arg(struct login_command *command, const char *arg)
{
    command->args[command->args_len++] = bytes_of(arg);
}

static void add_auth(struct login *login, const struct redis_address *address)
{
    if (address->password[0] == '\0' && address->user[0] == '\0')
        return;
    struct login_command *auth = add(login, LOGIN_AUTH, "AUTH");
    if (address->user[0] != '\0')
        add_arg(auth, address->user);
    add_arg(auth, address->password);
}

void login_init(struct login *login, const struct redis_address *address, const char *client_name,
                unsigned wants)
{
    login->len = 0;
    add_auth(login, address);
    if (address->db != 0) {
        (void)snprintf(login->db, sizeof(login->db), "%d", address->db);
        add_arg(add(login, LOGIN_SELECT, "SELECT"), login->db);
    }
    struct login_command *name = add(login, LOGIN_NAME, "CLIENT");
    add_arg(name, "SETNAME");
    add_arg(name, client_name);
    if ((wants & LOGIN_TO_MASTER) != 0)
        (void)add(login, LOGIN_ROLE, "ROLE");
    if ((wants & LOGIN_TO_READY) != 0) {
        struct login_command *script = add(login, LOGIN_SCRIPT, "EVAL");
        add_arg(script, REDIS_VERSION_SCRIPT);
        add_arg(script, "0");
    }
}

/* Is it the command alone that is refused, by an ACL, a proxy, or because it is renamed? */
static bool is_of_the_command(enum redis_fault fault, const struct reply *reply)
{
    struct bytes words = reply_error_text(reply);

    return fault == FAULT_NOPERM ||
           (fault == FAULT_OTHER && words.len >= 4 && memcmp(words.data, "ERR ", 4) == 0);
}

enum redis_fault login_judge(enum login_step step, const struct reply *reply,
                             struct error_text *why)
{
    enum redis_fault fault = redis_fault_of(reply);
    bool is_cosmetic = step == LOGIN_NAME || step == LOGIN_ROLE;
    char words[160];

    if (step == LOGIN_SCRIPT && redis_version_is_too_old(reply, why))
        return FAULT_OTHER;
    if (fault != FAULT_NONE) {
        if (is_cosmetic && is_of_the_command(fault, reply))
            return FAULT_NONE;
        bytes_printable(reply_error_text(reply), words, sizeof(words));
        error_text_set(why, "%s", words);
        return fault;
    }
    if (step == LOGIN_ROLE && !bytes_equal_text(reply_text(reply_at(reply, 0)), "master")) {
        error_text_set(why, "it is not the master (any more)");
        return FAULT_READONLY;
    }
    return FAULT_NONE;
}
