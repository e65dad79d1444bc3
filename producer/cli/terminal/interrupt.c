#include "cli/terminal/interrupt.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void wanted(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

int interrupt_open(struct interrupt *interrupt)
{
    sigset_t set;

    interrupt->fd = -1;
    wanted(&set);
    if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
        return -1;
    interrupt->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return interrupt->fd < 0 ? -1 : 0;
}

/* The signals stay held back: the command is at its end and has its own exit code to give. */
void interrupt_close(struct interrupt *interrupt)
{
    (void)close(interrupt->fd);
    interrupt->fd = -1;
}

bool interrupt_wait(const struct interrupt *interrupt, int64_t timeout_ms)
{
    struct pollfd fd = {.fd = interrupt->fd, .events = POLLIN};

    if (timeout_ms < 0) /* for poll it would mean for ever */
        timeout_ms = 0;
    return poll(&fd, 1, timeout_ms > INT_MAX ? INT_MAX : (int)timeout_ms) > 0;
}

bool interrupted(const struct interrupt *interrupt)
{
    return interrupt_wait(interrupt, 0);
}

bool interrupt_wait_input(const struct interrupt *interrupt, int fd)
{
    struct pollfd fds[] = {
        {.fd = interrupt->fd, .events = POLLIN},
        {.fd = fd, .events = POLLIN},
    };

    (void)poll(fds, 2, -1);
    return fds[0].revents != 0;
}
