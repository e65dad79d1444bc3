#include "cli/terminal/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define FIRST_MS 1000
#define EVERY_MS 200

int64_t progress_now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void progress_begin(struct progress *progress, const char *what, bool prints_results)
{
    *progress = (struct progress){
        .what = what,
        .possible = isatty(STDERR_FILENO) && !(prints_results && isatty(STDOUT_FILENO)),
        .next_ms = progress_now_ms() + FIRST_MS,
    };
}

void progress_show(struct progress *progress, uint64_t done)
{
    if (!progress->possible || progress_now_ms() < progress->next_ms)
        return;
    (void)fprintf(stderr, "\r%" PRIu64 " %s", done, progress->what);
    progress->shown = true;
    progress->next_ms = progress_now_ms() + EVERY_MS;
}

void progress_end(struct progress *progress)
{
    if (progress->shown)
        (void)fputs("\r\033[K", stderr);
    progress->shown = false;
}
