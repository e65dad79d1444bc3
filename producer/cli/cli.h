/*
 * What all commands of the command line share: what a command is, where Redis is, how failures are
 * told and which exit code they have.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <roomhook/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "admin/session.h"
#include "base/flags.h"
#include "cli/terminal/progress.h"

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2
};

struct cli {
    const struct command *command;
    struct flags flags;
    bool json;             /* --json */
    const char *redis_url; /* without the passwords of files */
    bool has_password_file;
    bool has_sentinel_file;
    struct session session;
    struct progress progress; /* of what the session does */
    bool has_progress;
};

struct command {
    const char *name;     /* "hook set" */
    const char *operands; /* as help shows them: "[FILE | -]", or "" */
    const char *summary;  /* one line */
    const char *details;  /* more lines of its own help, each ended by \n; or "" */
    const struct flag_spec *flags;
    int (*run)(struct cli *cli); /* an exit code */
    bool without_redis;          /* it asks nothing there, so where it is need not be right */
};

extern const struct command command_send;
extern const struct command command_hook_set;
extern const struct command command_hook_rotate;
extern const struct command command_hook_list;
extern const struct command command_hook_show;
extern const struct command command_hook_remove;
extern const struct command command_hook_enable;
extern const struct command command_hook_disable;
extern const struct command command_hook_resume;
extern const struct command command_hook_state;
extern const struct command command_hook_test;
extern const struct command command_lane_list;
extern const struct command command_lane_show;
extern const struct command command_lane_drop;
extern const struct command command_dead_list;
extern const struct command command_dead_show;
extern const struct command command_dead_replay;
extern const struct command command_dead_purge;
extern const struct command command_resend;
extern const struct command command_log;
extern const struct command command_status;
extern const struct command command_listen;
extern const struct command command_doctor;

/* Flags every command takes. */
extern const struct flag_spec cli_global_flags[];

/* Reads the global flags and their environment variables. An exit code, failures are reported. */
int cli_init(struct cli *cli);
void cli_release(struct cli *cli);

/* Each reports a failure on stderr, in one line, and returns its exit code. */
int cli_usage(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
int cli_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));
void cli_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Values of flags that several commands have. CLI_DONE, or CLI_USAGE with the failure reported. */
int cli_rate(const struct cli *cli,
             int64_t *ret_rate); /* --rate, a second; unchanged if not given */
int cli_room(const struct cli *cli, struct room_id *ret_room); /* --room, required */
int cli_name(const struct cli *cli, const char *flag,
             const char **ret_name); /* an id; NULL if not given */

int cli_exit(enum admin_result result); /* an exit code */

#endif
