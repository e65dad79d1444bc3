#include "web/route.h"

#include <stdio.h>
#include <string.h>

/* Cuts the first segment off, with the '/' in front of it. */
static struct bytes next_segment(struct bytes *path)
{
    struct bytes rest = {path->data + 1, path->len - 1};
    const char *end = rest.len > 0 ? memchr(rest.data, '/', rest.len) : NULL;
    struct bytes segment = {rest.data, end != NULL ? (size_t)(end - rest.data) : rest.len};

    *path = (struct bytes){segment.data + segment.len, rest.len - segment.len};
    return segment;
}

static bool is_variable(struct bytes segment)
{
    return segment.len > 2 && segment.data[0] == '{';
}

static bool fits(const char *pattern, struct bytes path)
{
    struct bytes rest = bytes_of(pattern);

    while (rest.len > 0 && path.len > 0) {
        struct bytes expected = next_segment(&rest);
        struct bytes segment = next_segment(&path);
        if (is_variable(expected) ? segment.len == 0 : !bytes_equal(expected, segment))
            return false;
    }
    return rest.len == 0 && path.len == 0;
}

static size_t count_variables(const char *pattern)
{
    size_t count = 0;

    for (const char *c = pattern; *c != '\0'; c++)
        count += *c == '{';
    return count;
}

/* The pattern that fits with the fewest variables: "/letters/purge" is no letter. NULL: none. */
static const char *find_pattern(struct bytes path)
{
    const char *best = NULL;

    for (size_t i = 0; i < routes_len; i++) {
        if (fits(routes[i].path, path) &&
            (best == NULL || count_variables(routes[i].path) < count_variables(best)))
            best = routes[i].path;
    }
    return best;
}

const struct route *route_find(struct bytes method, struct bytes path,
                               char ret_allow[ANSWER_ALLOW_SIZE])
{
    const char *pattern = find_pattern(path);
    size_t len = 0;

    if (bytes_equal_text(method, "HEAD"))
        method = BYTES("GET");
    ret_allow[0] = '\0';
    for (size_t i = 0; pattern != NULL && i < routes_len; i++) {
        if (strcmp(routes[i].path, pattern) != 0)
            continue;
        if (bytes_equal_text(method, routes[i].method))
            return &routes[i];
        int written = snprintf(ret_allow + len, ANSWER_ALLOW_SIZE - len, "%s%s",
                               len > 0 ? ", " : "", routes[i].method);
        len += written > 0 && (size_t)written < ANSWER_ALLOW_SIZE - len ? (size_t)written : 0;
    }
    return NULL;
}

struct bytes route_part(const struct route *route, struct bytes path, const char *name)
{
    struct bytes rest = bytes_of(route->path);

    while (rest.len > 0 && path.len > 0) {
        struct bytes expected = next_segment(&rest);
        struct bytes segment = next_segment(&path);
        struct bytes inside = {expected.data + 1, expected.len - 2};
        if (is_variable(expected) && bytes_equal_text(inside, name))
            return segment;
    }
    return (struct bytes){NULL, 0};
}
