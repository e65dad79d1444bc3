#include "cli/doctor/print.h"

#include <inttypes.h>
#include <stdio.h>

#include "cli/terminal/json_output.h"
#include "contract/json_text.h"

#define JSON_MAX_BYTES ((size_t)4 << 20)

static const char *const titles[PARTS] = {"Redis", "Queue", "Workers", "Hooks", "Dead letters"};

static void print_finding(const struct finding *finding)
{
    (void)printf("  %-9s  %s\n", level_name(finding->level), finding->text);
    if (finding->advice[0] != '\0')
        (void)printf("  %-9s  -> %s\n", "", finding->advice);
    if (finding->more > 0)
        (void)printf("  %-9s  and %" PRId64 " more of this kind\n", "", finding->more);
}

static void print_part(const struct findings *findings, enum part part)
{
    bool has_title = false;

    for (size_t i = 0; i < findings->len; i++) {
        if (findings->list[i].part != part)
            continue;
        if (!has_title)
            (void)puts(titles[part]);
        has_title = true;
        print_finding(&findings->list[i]);
    }
    if (has_title)
        (void)putchar('\n');
}

/* "1 error, 2 warnings, 9 ok", the worst first. */
static void print_summary(const struct findings *findings)
{
    const char *comma = "";

    if (findings_exit_code(findings) == CLI_DONE)
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
    char where[512];

    (void)printf("queue %s on %s\n\n", cli->keys.queue,
                 redis_address_describe(&cli->address, where, sizeof(where)));
    for (enum part part = 0; part < PARTS; part++)
        print_part(findings, part);
    print_summary(findings);
}

static void put_finding(struct buffer *out, const struct finding *finding)
{
    object_begin(out);
    object_put_text(out, "level", bytes_of(level_name(finding->level)));
    object_put_text(out, "part", bytes_of(part_name(finding->part)));
    object_put_text(out, "check", bytes_of(finding->check));
    object_put_text(out, "text", bytes_of(finding->text));
    if (finding->advice[0] != '\0')
        object_put_text(out, "advice", bytes_of(finding->advice));
    if (finding->more > 0)
        object_put_int(out, "more", finding->more);
    buffer_append_char(out, '}');
}

/* Part by part, as for eyes. */
static void put_findings(struct buffer *out, const struct findings *findings)
{
    const char *comma = "";

    for (enum part part = 0; part < PARTS; part++) {
        for (size_t i = 0; i < findings->len; i++) {
            if (findings->list[i].part != part)
                continue;
            buffer_append_text(out, comma);
            put_finding(out, &findings->list[i]);
            comma = ",";
        }
    }
}

int doctor_print_json(const struct cli *cli, const struct findings *findings)
{
    struct buffer line;

    buffer_init(&line, JSON_MAX_BYTES);
    object_begin(&line);
    object_put_text(&line, "queue", bytes_of(cli->keys.queue));
    for (int level = LEVEL_ERROR; level >= LEVEL_OK; level--)
        object_put_int(&line, level_name((enum level)level), findings->counts[level]);
    object_put_json(&line, "findings", BYTES("["));
    put_findings(&line, findings);
    buffer_append_char(&line, ']');
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}
