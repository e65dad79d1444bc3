#include "cli/dead/survey.h"

#include <inttypes.h>
#include <stdio.h>

#include "contract/parse.h"

static void note(struct dead_survey *survey, const struct dead_entry *entry)
{
    if (survey->letters++ == 0)
        (void)bytes_copy_text(entry->id, survey->first, sizeof(survey->first));
    (void)bytes_copy_text(entry->id, survey->last, sizeof(survey->last));
}

bool dead_survey_take(struct dead_scan *scan, const struct interrupt *interrupt,
                      struct dead_survey *ret_survey)
{
    struct dead_entry entries[SESSION_BATCH];
    size_t len;
    int more;

    *ret_survey = (struct dead_survey){0};
    while ((more = dead_scan_next(scan, entries, &len)) != 0) {
        if (more < 0)
            return false;
        for (size_t i = 0; i < len; i++)
            note(ret_survey, &entries[i]);
        ret_survey->stopped = interrupted(interrupt);
        if (ret_survey->stopped)
            break;
    }
    dead_scan_again(scan);
    return true;
}

static const char *time_of(const char *id, char *out, size_t size)
{
    uint64_t ms;
    uint64_t seq;

    if (parse_stream_id(bytes_of(id), &ms, &seq) < 0 || ms > INT64_MAX)
        return id;
    return format_iso8601((int64_t)ms, out, size);
}

void dead_survey_print(const struct dead_survey *survey)
{
    char first[32];
    char last[32];

    if (survey->letters == 0)
        return;
    (void)fprintf(stderr, "%" PRIu64 " dead letter%s, died from %s to %s\n", survey->letters,
                  survey->letters == 1 ? "" : "s", time_of(survey->first, first, sizeof(first)),
                  time_of(survey->last, last, sizeof(last)));
}
