#include "cli/status/text.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <string.h>

#include "admin/human_text.h"
#include "cli/terminal/table.h"
#include "contract/json_read.h"
#include "contract/parse.h"

#define VALUE_COLUMN 12
#define LINE_SIZE 640
#define NUMBER_SIZE 24

static const struct table_column columns[] = {
    {.title = "WORKER", .least = 12},
    {.title = "UP"},
    {.title = "IN FLIGHT"},
    {.title = "SENT/S", .is_optional = true},
    {.title = "LAG", .is_optional = true},
    {.title = "VERSION", .is_optional = true},
    {.title = "REDIS REFUSES", .least = 13},
};

/* Where it goes. */
struct page {
    FILE *out;
    const struct screen *screen;
};

/* "backlog     4", its value broken at spaces where it is too long. */
static void put_row(const struct page *page, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void put_row(const struct page *page, const char *name, const char *format, ...)
{
    char value[LINE_SIZE];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(value, sizeof(value), format, args);
    va_end(args);
    (void)fprintf(page->out, "%-*s", VALUE_COLUMN, name);
    screen_put_wrapped(page->out, page->screen, VALUE_COLUMN, value);
}

static const char *number(int64_t n, char out[NUMBER_SIZE])
{
    (void)snprintf(out, NUMBER_SIZE, n == STATUS_UNKNOWN ? "?" : "%" PRId64, n);
    return out;
}

/* --- workers --- */

static int64_t number_of(const json_t *heartbeat, const char *name)
{
    const json_t *value = json_object_get(heartbeat, name);

    return json_is_integer(value) ? json_integer_value(value) : -1;
}

static void add_number(struct table *table, int64_t number)
{
    if (number >= 0)
        table_add_number(table, number);
    else
        table_add(table, BYTES(""));
}

static void add_rate(struct table *table, const json_t *per_second)
{
    char text[32] = "";

    if (json_is_number(per_second))
        (void)snprintf(text, sizeof(text), "%.1f", json_number_value(per_second));
    table_add(table, bytes_of(text));
}

static void add_lag(struct table *table, int64_t lag_ms)
{
    char text[32] = "";

    if (lag_ms >= 0)
        (void)snprintf(text, sizeof(text), "%" PRId64 " ms", lag_ms);
    table_add(table, bytes_of(text));
}

/* "noperm EVALSHA, 3 outcomes wait for 7m" */
static void add_refused(struct table *table, const json_t *heartbeat)
{
    int64_t unstored = number_of(heartbeat, "unstored");
    int64_t unstored_ms = number_of(heartbeat, "unstored_ms");
    struct bytes what = json_text_of(json_object_get(heartbeat, "refused_what"));
    char age[HUMAN_TEXT_SIZE];
    struct buffer text;

    buffer_init(&text, LINE_SIZE);
    buffer_append_bytes(&text, json_text_of(json_object_get(heartbeat, "refused")));
    if (what.len > 0)
        buffer_append_char(&text, ' ');
    buffer_append_bytes(&text, what);
    if (unstored > 0)
        buffer_append_format(&text, ", %" PRId64 " outcome%s wait%s for %s", unstored,
                             unstored == 1 ? "" : "s", unstored == 1 ? "s" : "",
                             human_age(unstored_ms, age));
    table_add_toned(table, buffer_failed(&text) ? BYTES("?") : buffer_bytes(&text), TONE_ERROR);
    buffer_release(&text);
}

static void add_worker(struct table *table, const struct status_worker *worker, int64_t now_ms)
{
    struct bytes text = reply_text(worker->heartbeat);
    json_t *heartbeat = json_loadb(text.data ? text.data : "", text.len, 0, NULL);
    int64_t started_ms = number_of(heartbeat, "started_at");
    char age[HUMAN_TEXT_SIZE] = "";

    if (started_ms >= 0)
        human_age(now_ms > started_ms ? now_ms - started_ms : 0, age);
    table_add(table, worker->name);
    table_add(table, bytes_of(age));
    add_number(table, number_of(heartbeat, "in_flight"));
    add_rate(table, json_object_get(heartbeat, "delivered_per_s"));
    add_lag(table, number_of(heartbeat, "loop_lag_ms"));
    table_add(table, json_text_of(json_object_get(heartbeat, "version")));
    add_refused(table, heartbeat);
    json_decref(heartbeat);
}

static int print_workers(const struct page *page, const struct status *status)
{
    struct table table;

    if (status->knows_workers)
        put_row(page, "workers", "%zu alive", status->workers_len);
    else
        put_row(page, "workers", "?");
    if (status->workers_len == 0)
        return CLI_DONE;
    (void)fputc('\n', page->out);
    table_init(&table, columns, sizeof(columns) / sizeof(columns[0]));
    for (size_t i = 0; i < status->workers_len; i++)
        add_worker(&table, &status->workers[i], status->now_ms);
    int result = table_write(&table, page->out, page->screen);
    table_release(&table);
    (void)fputc('\n', page->out);
    return result < 0 ? cli_failed("out of memory") : CLI_DONE;
}

static void print_pools(const struct page *page, const struct status_pools *pools)
{
    for (size_t i = 0; i < pools->len; i++) {
        const struct status_pool *pool = &pools->list[i];
        put_row(page, "pool",
                "%s/%" PRId64 ": %" PRId64 " of %" PRId64 " workers alive, restarts %" PRId64
                ", in flight %" PRId64,
                pool->host, pool->pid, pool->alive, pool->processes, pool->restarts,
                pool->in_flight);
    }
}

/* --- the queue --- */

static void print_waiting(const struct page *page, const struct status *status)
{
    const struct status_waiting *waiting = &status->waiting;
    char lanes[NUMBER_SIZE], due[NUMBER_SIZE], shut[NUMBER_SIZE];
    char age[HUMAN_TEXT_SIZE];

    put_row(page, "waiting", "%s%s%s", number(waiting->deliveries, lanes),
            waiting->oldest_ms > 0 ? ", the oldest " : "",
            waiting->oldest_ms > 0 ? human_age(status_waiting_age_ms(status), age) : "");
    put_row(page, "lanes", "%s, %s due, %s shut", number(waiting->lanes, lanes),
            number(waiting->lanes_due, due), number(waiting->lanes_shut, shut));
}

static void print_rates(const struct page *page, const struct rates *rates)
{
    const double *per_second = rates->per_second;

    if (rates->known)
        put_row(page, "a second", "%s %.1f, %s %.1f, %s %.1f, %s %.1f", rates_names[0],
                per_second[0], rates_names[1], per_second[1], rates_names[2], per_second[2],
                rates_names[3], per_second[3]);
}

/* Why something is not known, and what helps. */
static void print_missing(const struct page *page, const struct cli *cli,
                          const struct status_rights *missing)
{
    char rights[LINE_SIZE] = "";
    size_t len = 0;

    for (size_t i = 0; i < missing->len && len < sizeof(rights); i++)
        len += (size_t)snprintf(rights + len, sizeof(rights) - len, " %s", missing->names[i]);
    if (missing->len > 0 && missing->of_keys)
        put_row(page, "unknown", "what is ?: give the user the keys ~{%s}:*",
                cli->session.keys.queue);
    else if (missing->len > 0)
        put_row(page, "unknown", "what is ?: give the user%s", rights);
}

static void print_counters(const struct page *page, const struct reply *counters)
{
    char name[64];

    if (reply_len(counters) > 0)
        (void)fputs("counters\n", page->out);
    for (size_t i = 0; i + 1 < reply_len(counters); i += 2) {
        bytes_printable(reply_text(reply_at(counters, i)), name, sizeof(name));
        (void)fprintf(page->out, "  %-16s %" PRId64 "\n", name,
                      reply_int(reply_at(counters, i + 1)));
    }
}

int status_text(const struct cli *cli, const struct status *status, const struct rates *rates,
                FILE *out, const struct screen *screen)
{
    const struct page page = {out, screen};
    char where[512];
    char at[32];
    char age[HUMAN_TEXT_SIZE];
    char text[NUMBER_SIZE];

    put_row(&page, "queue", "%s on %s at %s", cli->session.keys.queue,
            redis_address_describe(&cli->session.address, where, sizeof(where)),
            format_iso8601(status->now_ms, at, sizeof(at)));
    put_row(&page, "backlog", "%s", number(status->backlog, text));
    put_row(&page, "in flight", "%s", number(status->in_flight, text));
    put_row(&page, "oldest", "%s",
            status->oldest_age_ms >= 0                ? human_age(status->oldest_age_ms, age)
            : status->oldest_age_ms == STATUS_UNKNOWN ? "?"
                                                      : "-");
    print_waiting(&page, status);
    put_row(&page, "dead", "%s", number(status->dead, text));
    print_rates(&page, rates);
    int result = print_workers(&page, status);
    print_pools(&page, &status->pools);
    print_missing(&page, cli, &status->missing);
    print_counters(&page, status->counters);
    return result;
}
