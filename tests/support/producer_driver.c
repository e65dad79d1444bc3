/*
 * A program that uses libroomhook, driven by a test through lines on stdin:
 *
 *     producer_driver [redis=URL] [queue=Q] [password=P] [connect_timeout_ms=N] …
 *
 *     send <encoding> <id> <hook> <traceparent> <document>   "-" is NULL; msgpack in hex
 *     many <document> <document> …                           JSON
 *     check <document>
 *
 * all parted by tabs. Each event gives "<code> <id> <words>"; then "= <code> <words>" tells
 * of the call. The first line tells of rh_producer_open.
 */
#include <ctype.h>
#include <roomhook/producer.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS_MAX 4096

/* Parts a line at its tabs. */
static size_t split(char *line, char **fields)
{
    size_t n = 0;

    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && n < FIELDS_MAX;) {
        fields[n++] = at;
        at = strchr(at, '\t');
        if (at)
            *at++ = '\0';
    }
    return n;
}

static const char *optional(const char *field)
{
    return strcmp(field, "-") == 0 ? NULL : field;
}

static int hex_digit(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;
}

static size_t unhex(char *text)
{
    size_t len = strlen(text) / 2;

    for (size_t i = 0; i < len; i++)
        text[i] = (char)(hex_digit(text[2 * i]) * 16 + hex_digit(text[2 * i + 1]));
    return len;
}

static void send_one(struct rh_producer *producer, char **fields)
{
    char id[RH_STREAM_ID_SIZE] = "";
    struct rh_event event = {
        .encoding = strcmp(fields[1], "msgpack") == 0 ? RH_MSGPACK : RH_JSON,
        .document = fields[5],
        .document_len = strlen(fields[5]),
        .id = optional(fields[2]),
        .hook = optional(fields[3]),
        .traceparent = optional(fields[4]),
    };

    if (event.encoding == RH_MSGPACK)
        event.document_len = unhex(fields[5]);
    int status = rh_producer_send(producer, &event, id);
    printf("%d\t%s\t%s\n", status, id, rh_status_text(status));
    printf("=\t%d\t%s\n", status, rh_producer_error(producer));
}

static void send_many(struct rh_producer *producer, char **fields, size_t fields_len)
{
    static struct rh_event events[FIELDS_MAX];
    static struct rh_result results[FIELDS_MAX];
    size_t n = fields_len - 1;

    for (size_t i = 0; i < n; i++)
        events[i] =
            (struct rh_event){.document = fields[i + 1], .document_len = strlen(fields[i + 1])};
    memset(results, 0xa5, sizeof(results));
    int status = rh_producer_send_many(producer, events, n, results);
    for (size_t i = 0; i < n; i++)
        printf("%d\t%s\t%s\n", results[i].status, results[i].id, results[i].why);
    printf("=\t%d\t%s\n", status, rh_producer_error(producer));
}

static void check(const char *document)
{
    const struct rh_event event = {.document = document, .document_len = strlen(document)};
    char why[160];

    int status = rh_event_check(&event, why, sizeof(why));
    printf("=\t%d\t%s\n", status, why);
}

static int open_producer(int argc, char **argv, struct rh_producer **ret_producer)
{
    struct rh_producer_options options = {0};
    const struct {
        const char *name;
        const char **text;
        int *number;
    } rows[] = {{"redis", &options.redis, NULL},
                {"queue", &options.queue, NULL},
                {"password", &options.password, NULL},
                {"tls_ca", &options.tls_ca, NULL},
                {"tls_cert", &options.tls_cert, NULL},
                {"tls_key", &options.tls_key, NULL},
                {"connect_timeout_ms", NULL, &options.connect_timeout_ms},
                {"command_timeout_ms", NULL, &options.command_timeout_ms}};

    for (int i = 1; i < argc; i++) {
        char *value = strchr(argv[i], '=');
        if (!value)
            return -1;
        *value++ = '\0';
        for (size_t j = 0; j < sizeof(rows) / sizeof(rows[0]); j++) {
            if (strcmp(argv[i], rows[j].name) == 0 && rows[j].text)
                *rows[j].text = value;
            else if (strcmp(argv[i], rows[j].name) == 0)
                *rows[j].number = (int)strtod(value, NULL);
        }
        if (strcmp(argv[i], "max_event_bytes") == 0)
            options.max_event_bytes = (size_t)strtod(value, NULL);
    }
    return rh_producer_open(argc > 1 ? &options : NULL, ret_producer);
}

int main(int argc, char **argv)
{
    static char *fields[FIELDS_MAX];
    struct rh_producer *producer = NULL;
    char *line = NULL;
    size_t cap = 0;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)setvbuf(stdout, NULL, _IOFBF, 1 << 16);
    int opened = open_producer(argc, argv, &producer);
    printf("=\t%d\t%s\n", opened, producer ? rh_producer_error(producer) : "");
    (void)fflush(stdout);
    while (opened == RH_OK && getline(&line, &cap, stdin) > 0) {
        size_t n = split(line, fields);
        if (strcmp(fields[0], "send") == 0 && n == 6)
            send_one(producer, fields);
        else if (strcmp(fields[0], "many") == 0)
            send_many(producer, fields, n);
        else if (strcmp(fields[0], "check") == 0 && n == 2)
            check(fields[1]);
        else
            return EXIT_FAILURE;
        (void)fflush(stdout);
    }
    free(line);
    rh_producer_close(producer);
    return EXIT_SUCCESS;
}
