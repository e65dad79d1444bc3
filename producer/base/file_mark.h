/* What can be known of a file from outside: whether it is another one, or has other contents, than
 * when it was looked at last; which users may read it. */
#ifndef BASE_FILE_MARK_H
#define BASE_FILE_MARK_H

#include <stdbool.h>
#include <sys/stat.h>

/* Zeroed: it was never looked at. */
struct file_mark {
    bool looked;
    struct stat seen; /* zeroed: there was none */
};

/* Remembers what it sees. True at the first look too. A link is followed: one that leads elsewhere
 * is a change. */
bool file_mark_changed(struct file_mark *mark, const char *path);

/* May users other than its owner and group read it? False when there is none. */
bool file_is_open_to_all(const char *path);

#endif
