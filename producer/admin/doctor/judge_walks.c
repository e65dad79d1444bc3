/* What is stored in several places and must go together. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/doctor/judge.h"

/* "1-0, 2-0, 3-0" */
static const char *examples(const struct walk *walk, char *out, size_t size)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < WALK_EXAMPLES_MAX && walk->examples[i][0] != '\0'; i++) {
        int added = snprintf(out + len, size - len, "%s%s", i > 0 ? ", " : "", walk->examples[i]);
        if (added < 0 || (size_t)added >= size - len)
            break;
        len += (size_t)added;
    }
    return out;
}

/* One walk: what all is well of, what is wrong with the found ones, and what to do. */
struct walk_words {
    enum walk_kind kind;
    enum question question;
    enum level level;
    const char *check;
    const char *well;
    const char *wrong;
    const char *advice;
};

static void judge_walk(struct findings *findings, const struct doctor_facts *facts,
                       const struct walk_words *words)
{
    const struct walk *walk = &facts->walks[words->kind];
    char shown[WALK_EXAMPLES_MAX * WALK_EXAMPLE_SIZE];

    if (!facts->asked[words->question].answered)
        return;
    if (walk->found > 0) {
        findings_add(findings, PART_QUEUE, words->check, words->level, "%s: %" PRId64 "%s, like %s",
                     words->wrong, walk->found, walk->cut ? " or more" : "",
                     examples(walk, shown, sizeof(shown)));
        findings_advise(findings, "%s", words->advice);
    } else if (walk->cut) {
        findings_add(findings, PART_QUEUE, words->check, LEVEL_NOTE,
                     "%s, of the first %" PRId64 "; no more were looked at", words->well,
                     walk->looked);
    } else {
        findings_add(findings, PART_QUEUE, words->check, LEVEL_OK, "%s (%" PRId64 ")", words->well,
                     walk->looked);
    }
}

void judge_walks(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys)
{
    char stored[FINDING_TEXT_SIZE];
    char gates[FINDING_TEXT_SIZE];
    const struct walk_words words[] = {
        {WALK_STORED, ASK_STORED, LEVEL_ERROR, "stored", "every entry that was read is pending",
         "entries that were read, but are pending for no consumer and would stay forever", stored},
        {WALK_PENDING, ASK_PENDING, LEVEL_ERROR, "pending", "every pending entry is stored",
         "entries that were deleted while pending, so that their events are lost",
         "find who uses MAXLEN, XTRIM or XDEL on the stream; workers drop these within minutes"},
        {WALK_RECORDS, ASK_DELIVERIES, LEVEL_WARNING, "records",
         "every record of a waiting delivery can be read",
         "records of waiting deliveries that cannot be read",
         "find who wrote them; workers make dead letters of these"},
        {WALK_PLACES, ASK_DELIVERIES, LEVEL_ERROR, "places",
         "every waiting delivery is in its lane",
         "waiting deliveries in no lane that workers look at, so they would not be attempted",
         "find who removed them; workers put these back within minutes"},
        {WALK_SHARED, ASK_DELIVERIES, LEVEL_ERROR, "shared",
         "every shared document is there and held",
         "waiting deliveries whose shared document is lost, or not held for them",
         "find who removed it; of a lost document workers make a dead letter without it"},
        {WALK_LANES, ASK_LANES, LEVEL_ERROR, "looks", "every lane is looked at in time",
         "lanes that workers would look at too late",
         "find who wrote there; workers repair these within minutes"},
        {WALK_MEMBERS, ASK_LANES, LEVEL_ERROR, "members",
         "what is next in each lane has its record",
         "deliveries in lanes without a record, so that they are lost",
         "find who deleted the records; workers drop these when they are due"},
        {WALK_GATES, ASK_GATES, LEVEL_WARNING, "gates", "every gate is of a known form",
         "gates of no known form, which keep nothing back", gates},
        {WALK_LEASES, ASK_LEASES, LEVEL_WARNING, "leases", "every lease is of a waiting delivery",
         "leases of deliveries that do not wait", "nothing: workers remove these in time"},
        {WALK_DOCUMENTS, ASK_DOCUMENTS, LEVEL_WARNING, "documents",
         "every shared document is needed",
         "shared documents without a holder, or that are held for deliveries that do not wait",
         "nothing: workers remove these in time"},
    };

    (void)snprintf(stored, sizeof(stored),
                   "find who used XACK or XGROUP DELCONSUMER; redis-cli XRANGE '%s' ID ID shows "
                   "one: send it again if it did not arrive, then XDEL it",
                   keys->events);
    (void)snprintf(gates, sizeof(gates),
                   "find who wrote them; redis-cli HDEL '%s' LANE removes one", keys->gates);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        judge_walk(findings, facts, &words[i]);
}
