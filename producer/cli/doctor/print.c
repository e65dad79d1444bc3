#include "cli/doctor/print.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "admin/doctor/examine.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/screen.h"

#define TEXT_COLUMN 13 /* where texts begin, behind their level */
#define JSON_MAX_BYTES ((size_t)4 << 20)

static const char *const titles[PARTS] = {"Redis", "Queue", "Workers", "Hooks", "Dead letters"};

static void print_level(const struct screen *screen, enum level level)
{
    static const enum tone tones[LEVELS] = {[LEVEL_OK] = TONE_OK,
                                            [LEVEL_UNCHECKED] = TONE_WARNING,
                                            [LEVEL_WARNING] = TONE_WARNING,
                                            [LEVEL_ERROR] = TONE_ERROR};
    const char *name = level_name(level);

    (void)fputs("  ", stdout);
    screen_put(stdout, screen, tones[level], name);
    (void)printf("%*s", (int)(TEXT_COLUMN - 2 - strlen(name)), "");
}

static void print_more(const struct screen *screen, const char *text)
{
    (void)printf("%*s", TEXT_COLUMN, "");
    screen_put_wrapped(stdout, screen, TEXT_COLUMN, text);
}

/* Is there one advice for both, and are they of one kind? */
static bool is_one_group(const struct finding *a, const struct finding *b)
{
    return a->part == b->part && a->level == b->level && strcmp(a->check, b->check) == 0 &&
           strcmp(a->advice, b->advice) == 0;
}

/* Do they say the same of two things: "room 1 hook main: …"? */
static bool is_equal(const struct finding *a, const struct finding *b)
{
    const char *of_a = strstr(a->text, ": ");
    const char *of_b = strstr(b->text, ": ");

    return of_a && of_b && is_one_group(a, b) && strcmp(of_a, of_b) == 0;
}

typedef bool (*alike_fn)(const struct finding *a, const struct finding *b);

/* Is there one like it before? Then it was printed with that. */
static bool was_printed(const struct findings *findings, size_t i, alike_fn alike)
{
    for (size_t before = 0; before < i; before++) {
        if (alike(&findings->list[before], &findings->list[i]))
            return true;
    }
    return false;
}

/* A finding, and what all behind it that are equal say it of: "room 1 hook main, room 2 …: …". */
static void print_equal(const struct screen *screen, const struct findings *findings, size_t first)
{
    const struct finding *head = &findings->list[first];
    const char *said = strstr(head->text, ": ");
    struct buffer line;

    buffer_init(&line, FINDINGS_OF_A_CHECK * FINDING_TEXT_SIZE);
    buffer_append(&line, head->text, said ? (size_t)(said - head->text) : strlen(head->text));
    for (size_t i = first + 1; said && i < findings->len; i++) {
        const char *text = findings->list[i].text;
        if (!is_equal(head, &findings->list[i]))
            continue;
        buffer_append_text(&line, ", ");
        buffer_append(&line, text, (size_t)(strstr(text, ": ") - text));
    }
    buffer_append_text(&line, said ? said : "");
    screen_put_wrapped(stdout, screen, TEXT_COLUMN, buffer_failed(&line) ? head->text : line.data);
    buffer_release(&line);
}

/* This finding and all behind it of its group, and then what to do about them. */
static void print_group(const struct screen *screen, const struct findings *findings, size_t first)
{
    const struct finding *head = &findings->list[first];
    char line[FINDING_TEXT_SIZE + 8];
    int64_t more = 0;

    print_level(screen, head->level);
    print_equal(screen, findings, first);
    for (size_t i = first; i < findings->len; i++) {
        const struct finding *finding = &findings->list[i];
        if (!is_one_group(head, finding))
            continue;
        more += finding->more;
        if (i == first || was_printed(findings, i, is_equal))
            continue;
        (void)printf("%*s", TEXT_COLUMN, "");
        print_equal(screen, findings, i);
    }
    if (more > 0) {
        (void)snprintf(line, sizeof(line), "and %" PRId64 " more of this kind", more);
        print_more(screen, line);
    }
    if (head->advice[0] != '\0') {
        (void)snprintf(line, sizeof(line), "-> %s", head->advice);
        print_more(screen, line);
    }
}

static void print_part(const struct screen *screen, const struct findings *findings, enum part part)
{
    bool has_title = false;

    for (size_t i = 0; i < findings->len; i++) {
        if (findings->list[i].part != part || was_printed(findings, i, is_one_group))
            continue;
        if (!has_title)
            (void)puts(titles[part]);
        has_title = true;
        print_group(screen, findings, i);
    }
    if (has_title)
        (void)putchar('\n');
}

/* "1 error, 2 warnings, 9 ok", the worst first. */
static void print_summary(const struct findings *findings)
{
    const char *comma = "";

    if (!findings_are_bad(findings))
        (void)fputs("nothing is wrong: ", stdout);
    for (int level = LEVEL_ERROR; level >= LEVEL_OK; level--) {
        int64_t count = findings->counts[level];
        bool has_plural = level != LEVEL_OK && level != LEVEL_UNCHECKED;
        if (count == 0)
            continue;
        (void)printf("%s%" PRId64 " %s%s", comma, count, level_name((enum level)level),
                     has_plural && count != 1 ? "s" : "");
        comma = ", ";
    }
    (void)putchar('\n');
}

void doctor_print_text(const struct cli *cli, const struct findings *findings)
{
    struct screen screen = screen_of_stdout();
    char where[512];
    char line[640];

    (void)snprintf(line, sizeof(line), "queue %s on %s", cli->session.keys.queue,
                   redis_address_describe(&cli->session.address, where, sizeof(where)));
    screen_put_wrapped(stdout, &screen, 0, line);
    (void)putchar('\n');
    for (enum part part = 0; part < PARTS; part++)
        print_part(&screen, findings, part);
    print_summary(findings);
}

int doctor_print_json(const struct cli *cli, const struct findings *findings)
{
    struct buffer line;

    buffer_init(&line, JSON_MAX_BYTES);
    doctor_put_json(&line, cli->session.keys.queue, findings);
    int printed = object_print_whole(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}
