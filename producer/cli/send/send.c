#include "cli/send/send.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/send/document.h"
#include "cli/send/wait.h"
#include "cli/terminal/json_output.h"
#include "contract/event_codec.h"
#include "contract/parse.h"

#define WAIT_MS 30000
#define WAIT_LEAST_MS 1000
#define WAIT_MOST_MS (24 * 3600 * INT64_C(1000))

static const struct flag_spec send_specs[] = {
    {"room", "ROOM", "send one message to this room", false},
    {"text", "TEXT", "its text", false},
    {"from", "NAME", "its sender's display name", false},
    {"id", "ID", "its event id, what receivers see as webhook-id", false},
    {"hook", "ID", "only for this hook of the room", false},
    {"wait", "[TIME]", "wait for the outcome, up to 30s or TIME, and print it", false},
    {"encoding", "json|msgpack", "how documents are stored; default json", false},
    {NULL, NULL, NULL, false},
};

static int parse_encoding(const struct cli *cli, enum rh_encoding *ret_encoding)
{
    const char *name = flags_value(&cli->flags, "encoding");

    if (!name || strcmp(name, "json") == 0)
        *ret_encoding = RH_JSON;
    else if (strcmp(name, "msgpack") == 0)
        *ret_encoding = RH_MSGPACK;
    else
        return cli_usage(cli, "--encoding is json or msgpack");
    return CLI_DONE;
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Sends the document that is in json, in the event's encoding; msgpack is made in the buffer. */
static int send_document(struct cli *cli, struct rh_producer *producer, struct rh_event *event,
                         struct bytes json, struct buffer *msgpack, char id[RH_STREAM_ID_SIZE])
{
    struct error_text why;

    event->document = json.data;
    event->document_len = json.len;
    if (event->encoding == RH_MSGPACK) {
        if (event_json_to_msgpack(json, msgpack, &why) < 0)
            return cli_failed("%s", why.text);
        event->document = msgpack->data;
        event->document_len = msgpack->len;
    }
    if (rh_producer_send(producer, event, id) != RH_OK)
        return cli_failed("%s", rh_producer_error(producer));
    if (!cli->json) {
        (void)puts(id);
        return CLI_DONE;
    }
    struct buffer line;
    buffer_init(&line, 256);
    object_begin(&line);
    object_put_text(&line, "id", bytes_of(id));
    int printed = object_print(&line);
    buffer_release(&line);
    return printed < 0 ? cli_failed("out of memory") : CLI_DONE;
}

/* 0: it was not asked for. */
static int wait_time(const struct cli *cli, int64_t *ret_ms)
{
    const char *text = flags_value(&cli->flags, "wait");

    *ret_ms = flags_has(&cli->flags, "wait") ? WAIT_MS : 0;
    if (text && parse_duration_ms(bytes_of(text), WAIT_LEAST_MS, WAIT_MOST_MS, ret_ms) < 0)
        return cli_usage(cli, "--wait is not a time from 1s to 1d, like 30s");
    return CLI_DONE;
}

static int send_one(struct cli *cli, struct rh_producer *producer, struct rh_event *event)
{
    struct document document = {
        .text = flags_value(&cli->flags, "text"),
        .from = flags_value(&cli->flags, "from"),
        .created_at_ms = now_ms(),
    };
    struct buffer json;
    struct buffer msgpack;
    struct error_text why;
    char id[RH_STREAM_ID_SIZE];
    int64_t wait_ms;

    int failed = cli_room(cli, &document.room);
    if (failed == CLI_DONE)
        failed = wait_time(cli, &wait_ms);
    if (failed != CLI_DONE)
        return failed;
    if (!document.text)
        return cli_usage(cli, "--text is needed with --room");

    buffer_init(&json, RH_EVENT_MAX_BYTES);
    buffer_init(&msgpack, RH_EVENT_MAX_BYTES);
    if (document_write(&document, &json, &why) < 0)
        failed = cli_failed("%s", why.text);
    else
        failed = send_document(cli, producer, event, buffer_bytes(&json), &msgpack, id);
    buffer_release(&json);
    buffer_release(&msgpack);
    if (failed != CLI_DONE || wait_ms == 0)
        return failed;
    const struct sent_event sent = {&document.room, event->hook, id, event->id};
    (void)fflush(stdout);
    return send_wait(cli, &sent, wait_ms);
}

static int send_file(struct cli *cli, struct rh_producer *producer, const struct rh_event *event)
{
    const char *path = cli->flags.operands[0];
    const struct send_options options = {event->encoding, event->hook, cli->json};

    if (strcmp(path, "-") == 0)
        return send_lines(producer, &options, STDIN_FILENO);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return cli_failed("cannot read the file: %s", strerror(errno));
    int result = send_lines(producer, &options, fd);
    (void)close(fd);
    return result;
}

static int check_usage(const struct cli *cli, struct rh_event *event)
{
    static const char *const of_one[] = {"room", "text", "from", "id", "wait"};
    bool one = flags_has(&cli->flags, "room") || flags_has(&cli->flags, "text");

    if (one == (cli->flags.operands_len > 0) || cli->flags.operands_len > 1)
        return cli_usage(cli, "give --room and --text, or one FILE, or - for standard input");
    for (size_t i = 0; !one && i < sizeof(of_one) / sizeof(of_one[0]); i++) {
        if (flags_has(&cli->flags, of_one[i]))
            return cli_usage(cli, "--%s does not go with a file", of_one[i]);
    }
    if (cli_name(cli, "id", &event->id) != CLI_DONE ||
        cli_name(cli, "hook", &event->hook) != CLI_DONE)
        return CLI_USAGE;
    return parse_encoding(cli, &event->encoding);
}

static int run_send(struct cli *cli)
{
    const struct rh_producer_options options = {
        .redis = cli->redis_url,
        .queue = cli->session.keys.queue,
        .connect_timeout_ms = SESSION_TIMEOUT_MS,
        .command_timeout_ms = SESSION_TIMEOUT_MS,
        .password = cli->has_password_file ? cli->session.address.password : NULL,
        .tls_ca = cli->session.tls.ca,
        .tls_cert = cli->session.tls.cert,
        .tls_key = cli->session.tls.key,
        .sentinel_password = cli->has_sentinel_file ? cli->session.address.sentinel_password : NULL,
    };
    struct rh_event event = {0};
    struct rh_producer *producer;

    int result = check_usage(cli, &event);
    if (result != CLI_DONE)
        return result;
    if (rh_producer_open(&options, &producer) != RH_OK)
        result = cli_failed("%s", producer ? rh_producer_error(producer) : "out of memory");
    else if (cli->flags.operands_len > 0)
        result = send_file(cli, producer, &event);
    else
        result = send_one(cli, producer, &event);
    rh_producer_close(producer);
    return result;
}

const struct command command_send = {
    .name = "send",
    .operands = "[FILE | -]",
    .summary = "Puts events on the queue and prints their stream ids.",
    .details =
        "With --room and --text one message is sent; --wait prints for each hook of the room\n"
        "whether it was delivered, skipped, or why not, and exits with 1 if one was not\n"
        "delivered; it needs the rights of an operator. A FILE, or - for standard input, has\n"
        "one JSON event document a line, like {\"message\":{\"roomId\":438,\"id\":7}}; an invalid\n"
        "line is reported on stderr and skipped. With --json each line gives\n"
        "{\"line\":1,\"id\":\"...\"} or {\"line\":2,\"error\":\"...\"}.\n",
    .flags = send_specs,
    .run = run_send,
};
