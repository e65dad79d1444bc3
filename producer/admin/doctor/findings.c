#include "admin/doctor/findings.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "admin/session.h"

const char *level_name(enum level level)
{
    static const char *const names[] = {"ok", "note", "unchecked", "warning", "error"};

    return names[level];
}

const char *part_name(enum part part)
{
    static const char *const names[] = {"redis", "queue", "workers", "hooks", "dead"};

    return names[part];
}

static bool is_like(const struct finding *finding, const char *check, enum level level)
{
    return finding->level == level && strcmp(finding->check, check) == 0;
}

/* Room for one more of this check: the next one, or NULL when there are enough of it. */
static struct finding *take_room(struct findings *findings, const char *check, enum level level)
{
    struct finding *last_like = NULL;
    size_t like = 0;

    for (size_t i = 0; i < findings->len; i++) {
        if (is_like(&findings->list[i], check, level)) {
            last_like = &findings->list[i];
            like++;
        }
    }
    if (like < FINDINGS_OF_A_CHECK && findings->len < FINDINGS_MAX)
        return &findings->list[findings->len++];
    if (last_like)
        last_like->more++;
    return NULL;
}

static bool is_known(const struct findings *findings, const struct finding *new)
{
    for (size_t i = 0; i < findings->len; i++) {
        const struct finding *old = &findings->list[i];
        if (is_like(old, new->check, new->level) && strcmp(old->text, new->text) == 0)
            return true;
    }
    return false;
}

void findings_add(struct findings *findings, enum part part, const char *check, enum level level,
                  const char *format, ...)
{
    struct finding new = {.part = part, .level = level, .check = check};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(new.text, sizeof(new.text), format, args);
    va_end(args);
    findings->last = NULL;
    if (is_known(findings, &new))
        return;
    findings->counts[level]++;
    findings->last = take_room(findings, check, level);
    if (findings->last)
        *findings->last = new;
}

void findings_advise(struct findings *findings, const char *format, ...)
{
    va_list args;

    if (!findings->last)
        return;
    va_start(args, format);
    (void)vsnprintf(findings->last->advice, sizeof(findings->last->advice), format, args);
    va_end(args);
}

bool findings_are_bad(const struct findings *findings)
{
    const int64_t *counts = findings->counts;

    return counts[LEVEL_UNCHECKED] + counts[LEVEL_WARNING] + counts[LEVEL_ERROR] > 0;
}
