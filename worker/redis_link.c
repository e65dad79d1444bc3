#include "redis_link.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "backoff.h"
#include "log.h"
#include "redis_link_io.h"

#define CONNECT_DEADLINE_MS 5000
#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS 5000
#define READ_SIZE (256u << 10)
#define SAY_WORDS_MAX 16

enum link_state {
    LINK_DOWN,       /* waiting to connect again */
    LINK_CONNECTING, /* name look-up and TCP */
    LINK_GREETING,   /* AUTH … ROLE are under way */
    LINK_UP
};

struct pending {
    STAILQ_ENTRY(pending) link;
    redis_reply_fn *fn;
    void *context;
    int64_t deadline_at_ms;
};

STAILQ_HEAD(pending_list, pending);

struct redis_link {
    struct loop *loop;
    struct redis_link_config config;
    enum link_state state;
    struct bufferevent *io;
    redisReader *reader;
    size_t fed;     /* bytes given to the reader since the last whole reply */
    unsigned epoch; /* grows with every drop: tells callbacks that the ground is gone */
    int failures;   /* connects failed in a row */
    bool told_down; /* the loss was logged */
    uint64_t random;
    uint32_t scripts_known; /* bit n: script n was sent as text on this connection */
    struct pending_list waiting;
    struct loop_timer deadline;
    struct loop_timer reconnect;
};

static void link_connect(void *context);
static void on_deadline(void *context);

struct redis_link *redis_link_new(struct loop *loop, const struct redis_link_config *config)
{
    struct redis_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->loop = loop;
    link->config = *config;
    link->random = (uint64_t)loop_wall_ms() ^ (uint64_t)(uintptr_t)link;
    STAILQ_INIT(&link->waiting);
    if (loop_timer_init(loop, &link->deadline, on_deadline, link) != 0 ||
        loop_timer_init(loop, &link->reconnect, link_connect, link) != 0) {
        redis_link_free(link);
        return NULL;
    }
    return link;
}

static void release_connection(struct redis_link *link)
{
    if (link->io != NULL)
        bufferevent_free(link->io);
    if (link->reader != NULL)
        redisReaderFree(link->reader);
    link->io = NULL;
    link->reader = NULL;
    link->fed = 0;
    link->scripts_known = 0;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL)
        return;
    release_connection(link);
    while (!STAILQ_EMPTY(&link->waiting)) {
        struct pending *pending = STAILQ_FIRST(&link->waiting);
        STAILQ_REMOVE_HEAD(&link->waiting, link);
        free(pending);
    }
    loop_timer_release(&link->deadline);
    loop_timer_release(&link->reconnect);
    free(link);
}

void redis_link_start(struct redis_link *link)
{
    loop_timer_arm(&link->reconnect, 0);
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link->state == LINK_UP;
}

int redis_link_peer(const struct redis_link *link, struct sockaddr_storage *ret_address)
{
    struct sockaddr_storage address = {0};
    socklen_t len = sizeof(address);
    if (link->io == NULL ||
        getpeername(bufferevent_getfd(link->io), (struct sockaddr *)&address, &len) != 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6))
        return -1;
    *ret_address = address;
    return 0;
}

static void log_down(struct redis_link *link, const char *why)
{
    char where[400];
    if (link->told_down)
        return;
    link->told_down = true;
    redis_address_describe(link->config.address, where, sizeof(where));
    log_at(LOG_WARN, "redis_lost", log_text("link", link->config.role), log_text("redis", where),
           log_text("why", why));
}

static void drop(struct redis_link *link, const char *why, bool oversized)
{
    struct pending_list orphans = STAILQ_HEAD_INITIALIZER(orphans);
    bool was_up = link->state == LINK_UP;
    if (link->state == LINK_DOWN)
        return;
    log_down(link, why);
    release_connection(link);
    link->state = LINK_DOWN;
    link->epoch++;
    STAILQ_CONCAT(&orphans, &link->waiting);
    loop_timer_disarm(&link->deadline);
    loop_timer_arm(&link->reconnect,
                   backoff_exponential(RECONNECT_FIRST_MS, RECONNECT_MAX_MS, link->failures++,
                                       backoff_random(&link->random)));
    while (!STAILQ_EMPTY(&orphans)) {
        struct pending *pending = STAILQ_FIRST(&orphans);
        STAILQ_REMOVE_HEAD(&orphans, link);
        if (pending->fn != NULL)
            pending->fn(pending->context, NULL);
        free(pending);
    }
    if (was_up)
        link->config.on_down(link->config.context, oversized);
}

void redis_link_drop(struct redis_link *link, const char *why)
{
    drop(link, why, false);
}

static void on_deadline(void *context)
{
    struct redis_link *link = context;
    const struct pending *head = STAILQ_FIRST(&link->waiting);
    int64_t now = loop_now_ms();
    if (link->state == LINK_CONNECTING)
        drop(link, "no connection within 5s", false);
    else if (head != NULL && head->deadline_at_ms <= now)
        drop(link, "no answer within the deadline", false);
    else if (head != NULL)
        loop_timer_arm(&link->deadline, head->deadline_at_ms - now);
}

/* Gives the next whole reply to whoever waits first. False when there is none or the link is gone.
 * */
static bool take_reply(struct redis_link *link)
{
    void *reply = NULL;
    if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
        drop(link, "the answer is not the Redis protocol", false);
        return false;
    }
    if (reply == NULL)
        return false;
    struct pending *pending = STAILQ_FIRST(&link->waiting);
    unsigned epoch = link->epoch;
    link->fed = 0;
    if (pending == NULL) {
        freeReplyObject(reply);
        drop(link, "an answer nobody asked for", false);
        return false;
    }
    STAILQ_REMOVE_HEAD(&link->waiting, link);
    if (reply_error(reply) == REPLY_NOSCRIPT)
        link->scripts_known = 0;
    if (pending->fn != NULL)
        pending->fn(pending->context, reply);
    free(pending);
    freeReplyObject(reply);
    return epoch == link->epoch;
}

static void on_readable(struct bufferevent *io, void *context)
{
    struct redis_link *link = context;
    struct evbuffer *input = bufferevent_get_input(io);
    unsigned epoch = link->epoch;
    while (epoch == link->epoch && evbuffer_get_length(input) > 0) {
        size_t len = evbuffer_get_contiguous_space(input);
        unsigned char *data = evbuffer_pullup(input, (ev_ssize_t)len);
        if (link->fed + len > REDIS_REPLY_MAX) {
            drop(link, "a reply is over the limit", true);
            return;
        }
        if (data == NULL || redisReaderFeed(link->reader, (const char *)data, len) != REDIS_OK) {
            drop(link, "out of memory for a reply", false);
            return;
        }
        link->fed += len;
        evbuffer_drain(input, len);
        while (take_reply(link))
            ;
    }
}

static int send_now(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    struct pending *pending = malloc(sizeof(*pending));
    if (pending == NULL || redis_args_failed(args) || redis_link_write(link->io, args) != 0) {
        free(pending);
        return -1;
    }
    *pending = (struct pending){
        .fn = fn, .context = context, .deadline_at_ms = loop_now_ms() + deadline_ms};
    STAILQ_INSERT_TAIL(&link->waiting, pending, link);
    if (!loop_timer_is_armed(&link->deadline))
        loop_timer_arm(&link->deadline, deadline_ms);
    return 0;
}

int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    return link->state == LINK_UP ? send_now(link, args, deadline_ms, fn, context) : -1;
}

static int say_now(struct redis_link *link, redis_reply_fn *fn, void *context, const char *words)
{
    struct redis_args args;
    redis_args_init(&args);
    while (*words != '\0' && args.len < SAY_WORDS_MAX) {
        size_t len = strcspn(words, " ");
        redis_args_borrow(&args, (struct bytes){words, len});
        words += len + (words[len] == ' ');
    }
    int result = send_now(link, &args, REDIS_COMMAND_DEADLINE_MS, fn, context);
    redis_args_release(&args);
    return result;
}

int redis_link_say(struct redis_link *link, redis_reply_fn *fn, void *context, const char *words)
{
    return link->state == LINK_UP ? say_now(link, fn, context, words) : -1;
}

int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    struct redis_args all;
    uint32_t bit = UINT32_C(1) << script->number;
    bool by_sha = (link->scripts_known & bit) != 0;
    redis_args_init(&all);
    redis_args_text(&all, by_sha ? "EVALSHA" : "EVAL");
    redis_args_text(&all, by_sha ? script->sha : script->text);
    redis_args_int(&all, keys_len);
    redis_args_append(&all, args);
    int result = redis_link_send(link, &all, REDIS_COMMAND_DEADLINE_MS, fn, context);
    redis_args_release(&all);
    if (result == 0)
        link->scripts_known |= bit;
    return result;
}

/* A greeting that Redis refuses ends the connection; the words of Redis tell the operator why. */
static bool greeting_failed(struct redis_link *link, const struct reply *reply)
{
    struct bytes text = reply_error_text(reply);
    char words[160];
    if (reply == NULL)
        return true;
    if (reply_error(reply) == REPLY_NO_ERROR)
        return false;
    drop(link, bytes_printable(text, words, sizeof(words)), false);
    return true;
}

static void on_greeting(void *context, const struct reply *reply)
{
    (void)greeting_failed(context, reply);
}

static void on_role(void *context, const struct reply *reply)
{
    struct redis_link *link = context;
    char where[400];
    if (greeting_failed(link, reply))
        return;
    if (!bytes_equal_text(reply_text(reply_at(reply, 0)), "master")) {
        drop(link, "this Redis is a replica", false);
        return;
    }
    link->state = LINK_UP;
    link->failures = 0;
    link->told_down = false;
    redis_address_describe(link->config.address, where, sizeof(where));
    log_at(LOG_INFO, "redis_connected", log_text("link", link->config.role),
           log_text("redis", where));
    link->config.on_up(link->config.context);
}

static void greet(struct redis_link *link)
{
    const struct redis_address *address = link->config.address;
    struct redis_args args;
    redis_args_init(&args);
    int result = 0;
    if (address->password[0] != '\0') {
        redis_args_text(&args, "AUTH");
        if (address->user[0] != '\0')
            redis_args_text(&args, address->user);
        redis_args_text(&args, address->password);
        result |= send_now(link, &args, REDIS_COMMAND_DEADLINE_MS, on_greeting, link);
    }
    if (address->db != 0) {
        args.len = 0;
        redis_args_text(&args, "SELECT");
        redis_args_int(&args, address->db);
        result |= send_now(link, &args, REDIS_COMMAND_DEADLINE_MS, on_greeting, link);
    }
    args.len = 0;
    redis_args_text(&args, "CLIENT");
    redis_args_text(&args, "SETNAME");
    redis_args_text(&args, link->config.client_name);
    result |= send_now(link, &args, REDIS_COMMAND_DEADLINE_MS, on_greeting, link);
    result |= say_now(link, on_role, link, "ROLE");
    redis_args_release(&args);
    if (result != 0)
        drop(link, "out of memory", false);
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    struct redis_link *link = context;
    (void)io;
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        redis_link_tune(bufferevent_getfd(link->io));
        loop_timer_disarm(&link->deadline);
        link->state = LINK_GREETING;
        greet(link);
    } else if ((what & BEV_EVENT_EOF) != 0) {
        drop(link, "Redis closed the connection", false);
    } else {
        drop(link, redis_link_error(link->io), false);
    }
}

static void link_connect(void *context)
{
    struct redis_link *link = context;
    link->state = LINK_CONNECTING;
    link->reader = redisReaderCreate();
    link->io = bufferevent_socket_new(loop_base(link->loop), -1,
                                      BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (link->io == NULL || link->reader == NULL) {
        drop(link, "out of memory", false);
        return;
    }
    bufferevent_setcb(link->io, on_readable, NULL, on_event, link);
    bufferevent_set_max_single_read(link->io, READ_SIZE);
    bufferevent_enable(link->io, EV_READ | EV_WRITE);
    loop_timer_arm(&link->deadline, CONNECT_DEADLINE_MS);
    const char *why = redis_link_begin(link->io, link->loop, link->config.address);
    if (why != NULL)
        drop(link, why, false);
}
