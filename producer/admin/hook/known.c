#include "admin/hook/known.h"

#include "admin/scan.h"

struct walk {
    struct session *session;
    hook_known_fn *fn;
    void *context;
    bool is_of_recent; /* the hash that is walked; the other one is asked */
};

/* Some fields of one hash, with the values that the other has for them. */
static bool see_some(const struct walk *walk, const struct reply *pairs, size_t first, size_t end)
{
    const struct keys *keys = &walk->session->keys;
    const char *other = walk->is_of_recent ? keys->hooks_state : keys->hooks_recent;
    struct bytes args[2 + SESSION_BATCH] = {BYTES("HMGET"), bytes_of(other)};
    struct reply *others;
    size_t len = 2;
    bool goes_on = true;

    for (size_t i = first; i < end; i += 2)
        args[len++] = reply_text(reply_at(pairs, i));
    if (!session_ask(walk->session, args, len, &others))
        return false;
    for (size_t i = first; i < end && goes_on; i += 2) {
        struct bytes lane = reply_text(reply_at(pairs, i));
        struct bytes value = reply_text(reply_at(pairs, i + 1));
        struct bytes of_other = reply_text(reply_at(others, (i - first) / 2));
        if (!walk->is_of_recent)
            goes_on = walk->fn(walk->context, lane, value, of_other);
        else if (of_other.len == 0) /* else it came with what was learnt */
            goes_on = walk->fn(walk->context, lane, BYTES(""), value);
    }
    reply_free(others);
    return goes_on;
}

static bool see_page(const struct walk *walk, const struct reply *pairs)
{
    size_t len = reply_len(pairs) & ~(size_t)1;
    bool goes_on = true;
    size_t end;

    for (size_t first = 0; first < len && goes_on; first = end) {
        end = len - first < 2 * SESSION_BATCH ? len : first + 2 * SESSION_BATCH;
        goes_on = see_some(walk, pairs, first, end);
    }
    return goes_on;
}

bool hooks_known_each(struct session *session, const char *pattern, int64_t most, hook_known_fn *fn,
                      void *context, bool *ret_is_cut)
{
    const char *const hashes[] = {session->keys.hooks_state, session->keys.hooks_recent};
    struct walk walk = {.session = session, .fn = fn, .context = context};
    const struct reply *pairs;
    struct scan scan;
    bool goes_on = true;

    *ret_is_cut = false;
    for (int i = 0; i < 2 && goes_on; i++) {
        int64_t looked = 0;
        int more = 0;
        walk.is_of_recent = i == 1;
        scan_begin(&scan, session, BYTES("HSCAN"), hashes[i], pattern);
        while (goes_on && looked < most && (more = scan_next(&scan, &pairs)) > 0) {
            looked += (int64_t)reply_len(pairs) / 2;
            goes_on = see_page(&walk, pairs);
        }
        scan_end(&scan);
        goes_on = goes_on && more >= 0;
        *ret_is_cut = *ret_is_cut || more > 0;
    }
    return goes_on;
}
