#include "admin/lane/find.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/scan.h"
#include "contract/parse.h"

#define FIRST_MAX 1000 /* in one reply */

struct finder {
    struct session *session;
    const struct lane_selection *selection;
    size_t limit;
    struct lanes_found found;
    size_t cap;
};

static double read_score(struct bytes score)
{
    return strtod(score.data ? score.data : "0", NULL);
}

static int64_t ms_of(double score)
{
    if (!(score > 0))
        return 0;
    return score < 9e15 ? (int64_t)score : INT64_C(9000000000000000);
}

int64_t lane_score_ms(struct bytes score)
{
    return ms_of(read_score(score));
}

/* --- places --- */

const char *lane_place_text(const struct lane_place *place, char out[LANE_PLACE_SIZE])
{
    (void)snprintf(out, LANE_PLACE_SIZE, "%.17g:%s", place->score, place->name);
    return out;
}

int lane_place_parse(struct bytes text, struct lane_place *ret_place)
{
    const char *colon = memchr(text.data, ':', text.len);
    char score[32];
    char *end;

    if (colon == NULL || colon == text.data)
        return -1;
    size_t len = (size_t)(colon - text.data);
    struct bytes name = {colon + 1, text.len - len - 1};
    if (name.len == 0 || !bytes_copy_text((struct bytes){text.data, len}, score, sizeof(score)) ||
        !bytes_copy_text(name, ret_place->name, sizeof(ret_place->name)) ||
        strspn(score, "0123456789.einf+-") != len)
        return -1;
    ret_place->score = strtod(score, &end);
    return *end == '\0' && !isnan(ret_place->score) ? 0 : -1;
}

static int compare_places(double score, const char *name, double other, const char *other_name)
{
    if (score != other)
        return score < other ? -1 : 1;
    return strcmp(name, other_name);
}

static bool is_behind(const struct lane_found *lane, const struct lane_place *place)
{
    return place == NULL || compare_places(lane->score, lane->name, place->score, place->name) > 0;
}

/* --- collecting --- */

static bool add(struct finder *finder, struct bytes name, struct bytes score, bool is_shut)
{
    struct lanes_found *found = &finder->found;
    struct lane_found lane = {.is_shut = is_shut, .score = read_score(score)};

    lane.next_ms = ms_of(lane.score);
    if (!bytes_copy_text(name, lane.name, sizeof(lane.name)) ||
        !is_behind(&lane, finder->selection->after))
        return true; /* longer than any lane's, by hand; or on a page before */
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

static bool count_others(struct finder *finder, const char *set, size_t shown)
{
    const struct bytes args[] = {BYTES("ZCARD"), bytes_of(set)};
    struct reply *reply;

    if (!session_ask(finder->session, args, 2, &reply))
        return false;
    int64_t others = reply_int(reply) - (int64_t)shown;
    finder->found.more += others > 0 ? others : 0;
    reply_free(reply);
    return true;
}

/* All lanes are meant: the first ones of the set behind the place. Those of its score that come
 * before it are passed over. */
static bool find_first(struct finder *finder, const char *set, bool is_shut)
{
    const struct lane_place *after = finder->selection->after;
    const size_t before = finder->found.len;
    char count[24];
    char offset[24];
    char from[40] = "-inf";
    size_t passed = 0;
    size_t len;

    (void)snprintf(count, sizeof(count), "%zu", finder->limit);
    if (after != NULL)
        (void)snprintf(from, sizeof(from), "%.17g", after->score);
    do {
        struct reply *pairs;
        (void)snprintf(offset, sizeof(offset), "%zu", passed);
        const struct bytes range[] = {BYTES("ZRANGEBYSCORE"), bytes_of(set),       bytes_of(from),
                                      BYTES("+inf"),          BYTES("WITHSCORES"), BYTES("LIMIT"),
                                      bytes_of(offset),       bytes_of(count)};
        if (!session_ask(finder->session, range, 8, &pairs))
            return false;
        len = reply_len(pairs) / 2;
        bool ok = add_pairs(finder, pairs, is_shut);
        reply_free(pairs);
        if (!ok)
            return false;
        passed += len;
    } while (len == finder->limit && finder->found.len - before < finder->limit);
    return after != NULL || count_others(finder, set, passed);
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

static bool find_in(struct finder *finder, bool is_shut)
{
    const struct lane_selection *selection = finder->selection;
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

    return compare_places(one->score, one->name, other->score, other->name);
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
    struct finder finder = {.session = session, .selection = selection, .limit = limit};

    if ((selection->sets != LANES_SHUT && !find_in(&finder, false)) ||
        (selection->sets != LANES_NOT_SHUT && !find_in(&finder, true))) {
        free(finder.found.list);
        return false;
    }
    tidy(&finder.found, limit);
    *ret_found = finder.found;
    return true;
}
