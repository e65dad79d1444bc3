/* What the doctor's unit tests ask of findings. */
#ifndef TEST_CLI_DOCTOR_H
#define TEST_CLI_DOCTOR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#include "admin/doctor/findings.h"

/* The first finding of a check; NULL when there is none. */
static inline const struct finding *found(const struct findings *findings, const char *check)
{
    for (size_t i = 0; i < findings->len; i++) {
        if (strcmp(findings->list[i].check, check) == 0)
            return &findings->list[i];
    }
    return NULL;
}

/* The check has one finding, of this level, with this in its text; advice comes with all but ok. */
static inline void assert_found(const struct findings *findings, const char *check,
                                enum level level, const char *text)
{
    const struct finding *finding = found(findings, check);

    if (!finding)
        fail_msg("no finding of %s", check);
    if (finding->level != level || !strstr(finding->text, text))
        fail_msg("%s is %s: %s", check, level_name(finding->level), finding->text);
    if (level > LEVEL_NOTE)
        assert_string_not_equal(finding->advice, "");
}

/* Nothing but these levels was found. */
static inline void assert_worst(const struct findings *findings, enum level worst)
{
    for (size_t i = 0; i < findings->len; i++) {
        if (findings->list[i].level > worst)
            fail_msg("%s: %s", findings->list[i].check, findings->list[i].text);
    }
}

#endif
