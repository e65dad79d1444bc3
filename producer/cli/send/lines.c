#include "cli/send/send.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/terminal/interrupt.h"
#include "cli/terminal/json_output.h"
#include "cli/terminal/line_reader.h"
#include "cli/terminal/progress.h"
#include "contract/event_codec.h"

#define BATCH_LINES 256
#define BATCH_BYTES ((size_t)1 << 20) /* a batch is sent when it holds so much */

/* msgpack is the larger form of real numbers alone: "1.0," takes 9 bytes instead of 4. */
#define TEXT_PER_LINE_MAX ((size_t)RH_EVENT_MAX_BYTES * 9 / 4)

/* As sed prints them: "301,303p;305p;", at most one range for two lines. */
#define RANGES_MAX ((size_t)BATCH_LINES / 2 * sizeof("18446744073709551615,18446744073709551615p;"))

/* A line of the batch: its document, or why it has none. */
struct item {
    uint64_t line;
    bool refused;
    size_t at; /* of the document in the batch's text */
    size_t len;
    char why[160];
};

struct sender {
    struct rh_producer *producer;
    const struct send_options *options;
    struct line_reader reader;
    struct interrupt interrupt;
    struct progress progress;
    struct buffer text; /* the batch's documents */
    struct item items[BATCH_LINES];
    size_t items_len;
    struct rh_event events[BATCH_LINES];
    struct rh_result results[BATCH_LINES];
    struct buffer json; /* one line of output */
    uint64_t sent;
    uint64_t refused;
    uint64_t unknown;     /* perhaps stored */
    uint64_t resume_line; /* first line that was neither sent nor refused; 0 while there is none */
    uint64_t gap_first;   /* of the last lines in a row that are to be sent again; 0: none */
    uint64_t gap_last;
    struct buffer gaps; /* such lines with others behind them that are not, as ranges */
    char stopped_why[256];
};

static void print_result(struct sender *sender, uint64_t line, const char *id, const char *why)
{
    if (!sender->options->json) {
        if (id)
            (void)puts(id);
        else
            (void)fprintf(stderr, "line %" PRIu64 ": %s\n", line, why);
        return;
    }
    object_begin(&sender->json);
    object_put_int(&sender->json, "line", (int64_t)line);
    object_put_text(&sender->json, id ? "id" : "error", bytes_of(id ? id : why));
    (void)object_print(&sender->json);
}

/* This line is not to be sent again. */
static void close_gap(struct sender *sender)
{
    if (sender->gap_first == 0)
        return;
    buffer_append_uint64(&sender->gaps, sender->gap_first);
    if (sender->gap_last != sender->gap_first)
        buffer_append_format(&sender->gaps, ",%" PRIu64, sender->gap_last);
    buffer_append_text(&sender->gaps, "p;");
    sender->gap_first = 0;
}

/* It is. */
static void add_to_gap(struct sender *sender, uint64_t line)
{
    if (sender->gap_first == 0)
        sender->gap_first = line;
    sender->gap_last = line;
}

/* Counts what became of a line. Only a faulty event lets the next lines go on; but those of its
 * batch are on their way, and Redis may store them: a full one has room again at any moment. */
static void finish_item(struct sender *sender, const struct item *item,
                        const struct rh_result *result)
{
    if (result && result->status == RH_OK) {
        sender->sent++;
        close_gap(sender);
        print_result(sender, item->line, result->id, NULL);
        return;
    }
    const char *why = result ? result->why : item->why;
    if (!result || result->status == RH_ERR_EVENT || result->status == RH_ERR_TOO_LARGE) {
        sender->refused++;
        close_gap(sender);
        print_result(sender, item->line, NULL, why);
        return;
    }
    add_to_gap(sender, item->line);
    if (result->status == RH_ERR_UNKNOWN)
        sender->unknown++;
    if (sender->options->json)
        print_result(sender, item->line, NULL, why);
    if (sender->resume_line == 0) {
        sender->resume_line = item->line;
        (void)snprintf(sender->stopped_why, sizeof(sender->stopped_why), "%s", why);
    }
}

/* Sends the batch and prints its results in the order of the lines. */
static void flush(struct sender *sender)
{
    size_t events_len = 0;
    size_t done = 0;

    for (size_t i = 0; i < sender->items_len; i++) {
        const struct item *item = &sender->items[i];
        if (item->refused)
            continue;
        sender->events[events_len++] = (struct rh_event){
            .encoding = sender->options->encoding,
            .document = sender->text.data + item->at,
            .document_len = item->len,
            .hook = sender->options->hook,
        };
    }
    (void)!rh_producer_send_many(sender->producer, sender->events, events_len, sender->results);
    for (size_t i = 0; i < sender->items_len; i++) {
        const struct item *item = &sender->items[i];
        finish_item(sender, item, item->refused ? NULL : &sender->results[done++]);
    }
    sender->items_len = 0;
    buffer_clear(&sender->text);
    (void)fflush(stdout);
    progress_show(&sender->progress, sender->sent);
}

static void add_document(struct sender *sender, struct item *item, struct bytes line)
{
    struct error_text why;

    item->at = sender->text.len;
    if (sender->options->encoding == RH_JSON) {
        buffer_append_bytes(&sender->text, line);
    } else if (event_json_to_msgpack(line, &sender->text, &why) < 0) {
        item->refused = true;
        (void)snprintf(item->why, sizeof(item->why), "%s", why.text);
    }
    item->len = sender->text.len - item->at;
}

static bool is_blank(struct bytes line)
{
    for (size_t i = 0; i < line.len; i++) {
        if (line.data[i] != ' ' && line.data[i] != '\t')
            return false;
    }
    return true;
}

static void add_line(struct sender *sender, enum line_kind kind, struct bytes line)
{
    if (kind == LINE_TEXT && is_blank(line))
        return;
    struct item *item = &sender->items[sender->items_len++];
    *item = (struct item){.line = sender->reader.number, .refused = kind == LINE_TOO_LONG};
    if (kind == LINE_TOO_LONG)
        (void)snprintf(item->why, sizeof(item->why), "the line is longer than %d bytes",
                       RH_EVENT_MAX_BYTES);
    else
        add_document(sender, item, line);
    if (sender->items_len == BATCH_LINES || sender->text.len >= BATCH_BYTES)
        flush(sender);
}

static bool input_is_ready(int fd)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, 1, 0) > 0;
}

/* Reads on; lines that are complete do not wait for those to come. */
static void read_more(struct sender *sender)
{
    int fd = sender->reader.fd;

    if (sender->items_len > 0 && !input_is_ready(fd))
        flush(sender);
    if (sender->resume_line != 0)
        return;
    const char *why = NULL;
    if (interrupt_wait_input(&sender->interrupt, fd))
        why = "interrupted";
    else if (line_reader_fill(&sender->reader) < 0)
        why = strerror(errno);
    if (!why)
        return;
    flush(sender);
    if (sender->resume_line == 0) {
        sender->resume_line = sender->reader.number + 1;
        (void)snprintf(sender->stopped_why, sizeof(sender->stopped_why), "%s", why);
    }
}

static void send_all(struct sender *sender)
{
    struct bytes line = {NULL, 0};

    while (sender->resume_line == 0) {
        enum line_kind kind = line_reader_next(&sender->reader, &line);
        if (kind == LINE_END)
            break;
        if (kind == LINE_MORE)
            read_more(sender);
        else
            add_line(sender, kind, line);
    }
    if (sender->resume_line == 0)
        flush(sender);
}

/* Every line that was neither sent nor refused is to be sent, and no other. */
static int stopped(struct sender *sender)
{
    uint64_t rest = sender->gap_first != 0 ? sender->gap_first : sender->reader.number + 1;
    bool has_gaps = sender->gaps.len > 0;

    buffer_append_uint64(&sender->gaps, rest);
    return cli_failed("stopped at line %" PRIu64 ": %s; %" PRIu64 " sent, %" PRIu64
                      " refused, %" PRIu64 " without an answer; to resume, send %s%s%s",
                      sender->resume_line, sender->stopped_why, sender->sent, sender->refused,
                      sender->unknown, has_gaps ? "the lines that sed -n '" : "from line ",
                      sender->gaps.data, has_gaps ? ",$p' prints" : " on");
}

static int summary(struct sender *sender)
{
    if (sender->resume_line != 0)
        return stopped(sender);
    if (sender->refused > 0)
        return cli_failed("%" PRIu64 " sent, %" PRIu64 " refused", sender->sent, sender->refused);
    return CLI_DONE;
}

static int sender_init(struct sender *sender, int fd)
{
    buffer_init(&sender->text, BATCH_BYTES + TEXT_PER_LINE_MAX);
    buffer_reserve(&sender->text, BATCH_BYTES + TEXT_PER_LINE_MAX);
    buffer_init(&sender->gaps, RANGES_MAX);
    buffer_reserve(&sender->gaps, RANGES_MAX);
    buffer_init(&sender->json, 4096);
    progress_begin(&sender->progress, "sent", true);
    if (buffer_failed(&sender->text) || buffer_failed(&sender->gaps) ||
        interrupt_open(&sender->interrupt) < 0)
        return -1;
    return line_reader_init(&sender->reader, fd, RH_EVENT_MAX_BYTES);
}

int send_lines(struct rh_producer *producer, const struct send_options *options, int fd)
{
    int result;

    struct sender *sender = calloc(1, sizeof(*sender));
    if (!sender)
        return cli_failed("out of memory");
    sender->producer = producer;
    sender->options = options;
    if (sender_init(sender, fd) == 0) {
        send_all(sender);
        progress_end(&sender->progress);
        result = summary(sender);
    } else {
        result = cli_failed("cannot begin: %s", strerror(errno));
    }
    line_reader_release(&sender->reader);
    interrupt_close(&sender->interrupt);
    buffer_release(&sender->text);
    buffer_release(&sender->gaps);
    buffer_release(&sender->json);
    free(sender);
    return result;
}
