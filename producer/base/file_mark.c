#include "base/file_mark.h"

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

bool file_mark_changed(struct file_mark *mark, const char *path)
{
    struct stat now;
    if (stat(path, &now) != 0)
        now = (struct stat){0};
    bool changed = !mark->looked || !same(&mark->seen, &now);
    mark->looked = true;
    mark->seen = now;
    return changed;
}

bool file_is_open_to_all(const char *path)
{
    struct stat now;
    return stat(path, &now) == 0 && S_ISREG(now.st_mode) && (now.st_mode & S_IROTH) != 0;
}
