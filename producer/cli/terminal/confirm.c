#include "cli/terminal/confirm.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

bool confirm_is_possible(void)
{
    return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool confirm(const struct interrupt *interrupt, const char *question)
{
    char answer[16] = "";

    (void)fprintf(stderr, "%s [y/N] ", question);
    if (interrupt_wait_input(interrupt, STDIN_FILENO)) {
        (void)fputc('\n', stderr);
        return false;
    }
    /* A terminal gives a line at a time. */
    ssize_t len = read(STDIN_FILENO, answer, sizeof(answer) - 1);
    if (len <= 0)
        (void)fputc('\n', stderr);
    answer[len > 0 ? len : 0] = '\0';
    answer[strcspn(answer, "\r\n")] = '\0';
    return strcasecmp(answer, "y") == 0 || strcasecmp(answer, "yes") == 0;
}
