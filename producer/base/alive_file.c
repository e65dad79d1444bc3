#include "base/alive_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "contract/parse.h"

#define TEXT_LEN 20 /* "1234567890123456789\n": always as long, so that writing needs no cut */

/* What is there at the path may be anything: no link is followed, no pipe waited for. */
static int open_it(const char *path, int flags)
{
    return open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0644);
}

/* 0, or -1 with errno. */
static int put(const char *path, int64_t now_ms)
{
    char text[TEXT_LEN + 1];
    int file = open_it(path, O_WRONLY | O_CREAT);

    if (file < 0)
        return -1;
    (void)snprintf(text, sizeof(text), "%0*" PRId64 "\n", TEXT_LEN - 1, now_ms);
    ssize_t written = pwrite(file, text, TEXT_LEN, 0);
    int error = written < 0 ? errno : ENOSPC;
    (void)close(file);
    errno = error;
    return written == TEXT_LEN ? 0 : -1;
}

void alive_file_write(struct alive_file *alive, int64_t now_ms)
{
    if (alive->path[0] == '\0')
        return;
    bool failed = put(alive->path, now_ms) != 0;
    if (failed && !alive->failed)
        log_at(LOG_WARN, "alive_file_failed", log_text("file", alive->path),
               log_text("why", strerror(errno)));
    alive->failed = failed;
}

void alive_file_remove(const struct alive_file *alive)
{
    if (alive->path[0] != '\0')
        (void)unlink(alive->path);
}

/* 0, or -1 with *why. */
static int get(const char *path, int64_t *ret_ms, struct error_text *why)
{
    char text[TEXT_LEN + 1];
    int file = open_it(path, O_RDONLY);
    ssize_t len = file < 0 ? -1 : pread(file, text, sizeof(text), 0);
    int error = errno;

    if (file >= 0)
        (void)close(file);
    if (len < 0) {
        error_text_set(why, "%s%s", strerror(error),
                       error == ENOENT ? ": no process with this alive-file runs" : "");
        return -1;
    }
    if (len == TEXT_LEN && text[TEXT_LEN - 1] == '\n' &&
        parse_int64((struct bytes){text, TEXT_LEN - 1}, 0, INT64_MAX, ret_ms) == 0)
        return 0;
    error_text_set(why, "it is not one that a worker has written");
    return -1;
}

int alive_file_check(const char *path, int64_t now_ms, struct error_text *why)
{
    int64_t written_ms;

    if (get(path, &written_ms, why) != 0)
        return -1;
    if (written_ms > now_ms) {
        error_text_set(why, "it was written before this machine was started");
        return -1;
    }
    if (now_ms - written_ms <= ALIVE_FILE_FRESH_MS)
        return 0;
    error_text_set(why,
                   "last written %" PRId64 " s ago, at most %d s are allowed: the process has "
                   "ended, or its event loop hangs",
                   (now_ms - written_ms) / 1000, ALIVE_FILE_FRESH_MS / 1000);
    return -1;
}
