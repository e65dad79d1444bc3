/* What is stored in two places and must be the same in both. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/doctor/judge.h"

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
    enum question question;
    const char *check;
    const char *well;
    const char *wrong;
    const char *advice;
};

static void judge_walk(struct findings *findings, const struct doctor_facts *facts,
                       const struct walk_words *words)
{
    const struct walk *walk = &facts->walks[words->question];
    char shown[WALK_EXAMPLES_MAX * WALK_EXAMPLE_SIZE];

    if (!facts->asked[words->question].answered)
        return;
    if (walk->found > 0) {
        findings_add(findings, PART_QUEUE, words->check, LEVEL_ERROR, "%s: %" PRId64 "%s, like %s",
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

/* No walk over the records: there are as many of them, and none was found missing. */
static bool are_alike(const struct doctor_facts *facts)
{
    return facts->asked[ASK_RETRIES].answered && !facts->asked[ASK_DELIVERIES].answered &&
           facts->asked[ASK_DELIVERIES].refusal[0] == '\0' && facts->walks[ASK_RETRIES].found == 0;
}

static void judge_alike(struct findings *findings, const struct doctor_facts *facts)
{
    const struct walk *walk = &facts->walks[ASK_RETRIES];

    if (walk->cut)
        findings_add(findings, PART_QUEUE, "due-times", LEVEL_OK,
                     "as many due times as records (%" PRId64 "), the same in the first %" PRId64,
                     facts->queue.retries, walk->looked);
    else
        findings_add(findings, PART_QUEUE, "due-times", LEVEL_OK,
                     "every waiting delivery has a due time and a record (%" PRId64 ")",
                     walk->looked);
}

void judge_walks(struct findings *findings, const struct doctor_facts *facts,
                 const struct keys *keys)
{
    char stored[FINDING_TEXT_SIZE];
    char deliveries[FINDING_TEXT_SIZE];
    const struct walk_words words[] = {
        {ASK_STORED, "stored", "every entry that was read is pending",
         "entries that were read, but are pending for nobody and would stay for ever", stored},
        {ASK_PENDING, "pending", "every pending entry is stored",
         "entries that were deleted while pending, so that their events are lost",
         "find who uses MAXLEN, XTRIM or XDEL on the stream; workers drop these within minutes"},
        {ASK_RETRIES, "due-times", "every due time has its record",
         "due times without a record, so that their deliveries are lost",
         "find who deleted the records; workers drop these when they are due"},
        {ASK_DELIVERIES, "records", "every record has its due time",
         "records without a due time, which nobody would attempt", deliveries},
    };

    (void)snprintf(stored, sizeof(stored),
                   "find who used XACK or XGROUP DELCONSUMER; redis-cli XRANGE '%s' ID ID shows "
                   "one: send it again if it did not arrive, then XDEL it",
                   keys->events);
    (void)snprintf(deliveries, sizeof(deliveries),
                   "redis-cli ZADD '%s' NX $(date +%%s%%3N) ID makes one due now; find who removed "
                   "them",
                   keys->retries);
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (words[i].question == ASK_RETRIES && are_alike(facts))
            judge_alike(findings, facts);
        else
            judge_walk(findings, facts, &words[i]);
    }
}
