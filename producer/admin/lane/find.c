#include "admin/lane/find.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/scan.h"
#include "contract/parse.h"

#define FIRST_MAX 1000 /* in one reply */

struct finder {
    struct session *session;
    size_t limit;
    struct lanes_found found;
    size_t cap;
};

int64_t lane_score_ms(struct bytes score)
{
    double ms = strtod(score.data ? score.data : "0", NULL);

    if (!(ms > 0))
        return 0;
    return ms < 9e15 ? (int64_t)ms : INT64_C(9000000000000000);
}

static bool add(struct finder *finder, struct bytes name, struct bytes score, bool is_shut)
{
    struct lanes_found *found = &finder->found;
    struct lane_found lane = {.is_shut = is_shut, .next_ms = lane_score_ms(score)};

    if (!bytes_copy_text(name, lane.name, sizeof(lane.name)))
        return true; /* longer than any lane's, by hand */
    if (found->len == finder->cap) {
        size_t cap = finder->cap > 0 ? finder->cap * 2 : 64;
        struct lane_found *list = reallocarray(found->list, cap, sizeof(*list));
        if (!list) {
            session_failed(finder->session, "out of memory");
            return false;
        }
        found->list = list;
        finder->cap = cap;
    }
    found->list[found->len++] = lane;
    return true;
}

static bool add_pairs(struct finder *finder, const struct reply *pairs, bool is_shut)
{
    for (size_t i = 0; i + 1 < reply_len(pairs); i += 2) {
        if (!add(finder, reply_text(reply_at(pairs, i)), reply_text(reply_at(pairs, i + 1)),
                 is_shut))
            return false;
    }
    return true;
}

static bool find_exact(struct finder *finder, const char *set, const char *name, bool is_shut)
{
    const struct bytes args[] = {BYTES("ZSCORE"), bytes_of(set), bytes_of(name)};
    struct reply *score;

    if (!session_ask(finder->session, args, 3, &score))
        return false;
    bool ok = reply_is_nil(score) || add(finder, bytes_of(name), reply_text(score), is_shut);
    reply_free(score);
    return ok;
}

/* All lanes are meant: the first ones of the set, and how many there are. */
static bool find_first(struct finder *finder, const char *set, bool is_shut)
{
    char last[24];
    const struct bytes count[] = {BYTES("ZCARD"), bytes_of(set)};
    struct reply *reply;

    (void)snprintf(last, sizeof(last), "%zu", finder->limit - 1);
    const struct bytes range[] = {BYTES("ZRANGE"), bytes_of(set), BYTES("0"), bytes_of(last),
                                  BYTES("WITHSCORES")};
    if (!session_ask(finder->session, count, 2, &reply))
        return false;
    int64_t lanes = reply_int(reply);
    reply_free(reply);
    if (!session_ask(finder->session, range, 5, &reply))
        return false;
    bool ok = add_pairs(finder, reply, is_shut);
    int64_t shown = (int64_t)reply_len(reply) / 2;
    finder->found.more += lanes > shown ? lanes - shown : 0;
    reply_free(reply);
    return ok;
}

static bool find_matching(struct finder *finder, const char *set, const char *pattern, bool is_shut)
{
    const struct reply *pairs;
    struct scan scan;
    bool ok = true;
    int more;

    scan_begin(&scan, finder->session, BYTES("ZSCAN"), set, pattern);
    while (ok && (more = scan_next(&scan, &pairs)) != 0)
        ok = more > 0 && add_pairs(finder, pairs, is_shut);
    scan_end(&scan);
    return ok;
}

static bool find_in(struct finder *finder, const struct lane_selection *selection, bool is_shut)
{
    const struct keys *keys = &finder->session->keys;
    const char *set = is_shut ? keys->lanes_shut : keys->lanes;

    if (selection->exact[0] != '\0')
        return find_exact(finder, set, selection->exact, is_shut);
    if (strcmp(selection->pattern, "*") == 0 && finder->limit <= FIRST_MAX)
        return find_first(finder, set, is_shut);
    return find_matching(finder, set, selection->pattern, is_shut);
}

static int compare(const void *a, const void *b)
{
    const struct lane_found *one = a;
    const struct lane_found *other = b;

    if (one->next_ms != other->next_ms)
        return one->next_ms < other->next_ms ? -1 : 1;
    return strcmp(one->name, other->name);
}

/* Sorted; a scan may bring a lane twice. */
static void tidy(struct lanes_found *found, size_t limit)
{
    size_t len = 0;

    if (found->len > 0)
        qsort(found->list, found->len, sizeof(*found->list), compare);
    for (size_t i = 0; i < found->len; i++) {
        if (len == 0 || strcmp(found->list[len - 1].name, found->list[i].name) != 0)
            found->list[len++] = found->list[i];
    }
    if (len > limit) {
        found->more += (int64_t)(len - limit);
        len = limit;
    }
    found->len = len;
}

bool lanes_find(struct session *session, const struct lane_selection *selection, size_t limit,
                struct lanes_found *ret_found)
{
    struct finder finder = {.session = session, .limit = limit};

    if ((!selection->shut_only && !find_in(&finder, selection, false)) ||
        !find_in(&finder, selection, true)) {
        free(finder.found.list);
        return false;
    }
    tidy(&finder.found, limit);
    *ret_found = finder.found;
    return true;
}
