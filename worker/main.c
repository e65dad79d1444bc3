/* For environ. */
#define _GNU_SOURCE 1
#include <roomhook/version.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/alive_file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/notify.h"
#include "contract/json_read.h"
#include "pool/pool.h"
#include "process/check.h"
#include "process/process.h"
#include "process/worker.h"
#include "settings/print.h"
#include "settings/read.h"

#define EXIT_USAGE 2
/* Connected or connecting sockets (two while IPv4 and IPv6 race), look-ups, Redis, log, spare. */
#define DESCRIPTORS_PER_TRANSFER 4
#define DESCRIPTORS_BESIDES 64

/* Takes what the system allows; warns when that cannot carry max-in-flight. */
static void raise_descriptor_limit(const struct settings *settings)
{
    struct rlimit limit;
    rlim_t wanted =
        (rlim_t)settings->max_in_flight * DESCRIPTORS_PER_TRANSFER + DESCRIPTORS_BESIDES;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
            getrlimit(RLIMIT_NOFILE, &limit);
    }
    if (limit.rlim_cur < wanted)
        log_at(LOG_WARN, "fd_limit_low", log_int("allowed", (int64_t)limit.rlim_cur),
               log_int("wanted", (int64_t)wanted),
               log_text("do", "raise LimitNOFILE or lower max-in-flight"));
}

/* What the environment says must be taken from it first: it is gone afterwards. */
static int harden(const struct settings *settings, int argc, char **argv,
                  struct notify_request *ret_request)
{
    struct error_text why;
    if (notify_request_read(ret_request, &why) != 0)
        log_at(LOG_WARN, "notify_ignored", log_text("why", why.text));
    process_hide(argc, argv, environ);
    if (process_harden(settings->core_dumps, &why) == 0)
        return 0;
    log_at(LOG_ERROR, "cannot_start", log_text("why", why.text));
    return -1;
}

static int run(struct settings *settings, int argc, char **argv)
{
    struct error_text warning;
    struct notify_request notify;
    if (harden(settings, argc, argv, &notify) != 0)
        return EXIT_FAILURE;
    for (int n = 0; settings_warning(settings, n, &warning) != NULL; n++)
        log_at(LOG_WARN, "setting", log_text("warning", warning.text));
    /* A receiver or Redis that closes first must not end the process. */
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit(settings);
    int processes = pool_processes(settings);
    if (processes > 1)
        return pool_run(settings, &notify, processes);
    return worker_run(settings, &notify, NULL);
}

static int check(const struct settings *settings)
{
    struct error_text warning;
    struct error_text why;
    if (check_files(settings, &why) != 0) {
        fprintf(stderr, "roomhook-worker: %s\n", why.text);
        return EXIT_USAGE;
    }
    for (int n = 0; settings_warning(settings, n, &warning) != NULL; n++)
        fprintf(stderr, "roomhook-worker: warning: %s\n", warning.text);
    puts("settings are valid");
    return EXIT_SUCCESS;
}

static int check_alive(const char *path)
{
    struct error_text why;
    if (alive_file_check(path, loop_now_ms(), &why) == 0)
        return EXIT_SUCCESS;
    fprintf(stderr, "roomhook-worker: %s: %s\n", path, why.text);
    return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    static struct settings settings;
    enum settings_action action;
    struct error_text why;
    if (settings_read(argc, argv, environ, &settings, &action, &why) != 0) {
        fprintf(stderr, "roomhook-worker: %s\n", why.text);
        return EXIT_USAGE;
    }
    switch (action) {
    case SETTINGS_ALIVE:
        return check_alive(settings.alive_file);
    case SETTINGS_HELP:
        settings_help(stdout);
        return EXIT_SUCCESS;
    case SETTINGS_VERSION:
        puts("roomhook-worker " RH_VERSION);
        return EXIT_SUCCESS;
    case SETTINGS_PRINT:
        settings_print(&settings, stdout);
        return EXIT_SUCCESS;
    case SETTINGS_PRINT_MARKDOWN:
        settings_print_markdown(stdout);
        return EXIT_SUCCESS;
    case SETTINGS_CHECK:
        return check(&settings);
    case SETTINGS_RUN:
        break;
    }
    log_configure(settings.log_level, settings.log_format);
    json_read_own_memory();
    int result = run(&settings, argc, argv);
    explicit_bzero(&settings, sizeof(settings)); /* holds the password of Redis */
    return result;
}
