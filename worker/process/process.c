#include "process/process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* A password stands in front of the host, or of a unix socket behind its path. */
static void hide_credentials(char *argument)
{
    char *url = strstr(argument, "://");
    if (url == NULL || (strchr(url, '@') == NULL && strstr(url, "password=") == NULL))
        return;
    url += strlen("://");
    memset(url, 'x', strlen(url));
}

void process_hide(int argc, char **argv, char **environment)
{
    for (int i = 1; i < argc; i++)
        hide_credentials(argv[i]);
    /* Emptying alone would leave the texts where the kernel shows them. */
    for (; *environment != NULL; environment++)
        explicit_bzero(*environment, strlen(*environment));
    (void)clearenv();
}

static int refused(struct error_text *why, const char *what)
{
    error_text_set(why, "%s: %s", what, strerror(errno));
    return -1;
}

int process_harden(bool core_dumps, struct error_text *why)
{
    const struct rlimit none = {0, 0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return refused(why, "new privileges cannot be ruled out");
    if (core_dumps)
        return 0;
    /* A sandbox may forbid to change limits: ignoring, the flag below suffices by itself. */
    (void)setrlimit(RLIMIT_CORE, &none);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return refused(why, "core dumps cannot be ruled out");
    return 0;
}
