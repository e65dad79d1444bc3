#include "redis/link.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/backoff.h"
#include "base/log.h"
#include "redis/link_internal.h"
#include "redis/link_io.h"
#include "redis/link_sentinel.h"

#define CONNECT_DEADLINE_MS 5000
#define RECONNECT_FIRST_MS 100
#define RECONNECT_MAX_MS 5000
#define STEADY_MS 10000 /* a connection that held so long was a good one */
#define READ_SIZE (256u << 10)

static void link_connect(void *context);
static void on_deadline(void *context);
static void on_master(void *context, const struct redis_host *host, const char *why);

static int make_sentinels(struct redis_link *link)
{
    if (link->config.address->sentinels_len == 0)
        return 0;
    link->sentinels =
        sentinel_query_new(link->loop, link->config.address, link->config.tls, on_master, link);
    return link->sentinels == NULL ? -1 : 0;
}

struct redis_link *redis_link_new(struct loop *loop, const struct redis_link_config *config)
{
    struct redis_link *link = calloc(1, sizeof(*link));
    if (link == NULL)
        return NULL;
    link->loop = loop;
    link->config = *config;
    link->random = loop_seed();
    STAILQ_INIT(&link->waiting);
    reply_memory_init(&link->replies);
    if (loop_timer_init(loop, &link->deadline, on_deadline, link) != 0 ||
        loop_timer_init(loop, &link->reconnect, link_connect, link) != 0 ||
        make_sentinels(link) != 0) {
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
    link->no_sha = false;
}

void redis_link_free(struct redis_link *link)
{
    if (link == NULL)
        return;
    release_connection(link);
    reply_memory_release(&link->replies);
    while (!STAILQ_EMPTY(&link->waiting)) {
        struct pending *pending = STAILQ_FIRST(&link->waiting);
        STAILQ_REMOVE_HEAD(&link->waiting, link);
        free(pending);
    }
    sentinel_query_free(link->sentinels);
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

static void log_down(struct redis_link *link, enum redis_fault fault, const char *why)
{
    char where[400];
    enum outage_says says = link_outage_note(&link->outage, fault, why, loop_now_ms());
    if (says == OUTAGE_SILENT)
        return;
    redis_address_describe(link->config.address, where, sizeof(where));
    log_at(LOG_WARN, says == OUTAGE_REASON ? "redis_lost" : "redis_still_lost",
           log_text("link", link->config.role), log_text("fault", redis_fault_name(fault)),
           log_text("redis", where), log_text("why", why),
           log_int("failures", link->outage.failures),
           log_int("lost_ms", loop_now_ms() - link->outage.began_ms));
}

static void plan_connect(struct redis_link *link, bool was_up)
{
    if (was_up && loop_now_ms() - link->up_at_ms >= STEADY_MS)
        link->failures = 0;
    loop_timer_arm(&link->reconnect,
                   backoff_exponential(RECONNECT_FIRST_MS, RECONNECT_MAX_MS, link->failures++,
                                       backoff_random(&link->random)));
}

void redis_link_lose(struct redis_link *link, enum redis_fault fault, const char *why)
{
    struct pending_list orphans = STAILQ_HEAD_INITIALIZER(orphans);
    bool was_up = link->state == LINK_UP;
    if (link->state == LINK_DOWN)
        return;
    log_down(link, fault, why);
    if (fault < FAULT_LOADING) /* refusals were counted as replies */
        redis_faults_count(link->config.faults, fault);
    release_connection(link);
    if (link->sentinels != NULL)
        sentinel_query_stop(link->sentinels);
    link->state = LINK_DOWN;
    link->epoch++;
    STAILQ_CONCAT(&orphans, &link->waiting);
    loop_timer_disarm(&link->deadline);
    plan_connect(link, was_up);
    while (!STAILQ_EMPTY(&orphans)) {
        struct pending *pending = STAILQ_FIRST(&orphans);
        STAILQ_REMOVE_HEAD(&orphans, link);
        if (pending->fn != NULL)
            pending->fn(pending->context, NULL);
        free(pending);
    }
    if (was_up)
        link->config.on_down(link->config.context);
}

void redis_link_drop(struct redis_link *link, const char *why)
{
    redis_link_lose(link, FAULT_LOST, why);
}

static void on_deadline(void *context)
{
    struct redis_link *link = context;
    const struct pending *head = STAILQ_FIRST(&link->waiting);
    int64_t now = loop_now_ms();
    if (link->state == LINK_CONNECTING)
        redis_link_lose(link, FAULT_UNREACHABLE, "no connection within 5s");
    else if (head != NULL && head->deadline_at_ms <= now)
        redis_link_lose(link, FAULT_TIMEOUT, "no answer within the deadline");
    else if (head != NULL)
        loop_timer_arm(&link->deadline, head->deadline_at_ms - now);
}

static void greeted(struct redis_link *link)
{
    char where[400];
    link->state = LINK_UP;
    link->up_at_ms = loop_now_ms();
    link->outage = (struct link_outage){0};
    redis_address_describe(link->config.address, where, sizeof(where));
    log_at(LOG_INFO, "redis_connected", log_text("link", link->config.role),
           log_text("redis", where));
    link->config.on_up(link->config.context);
}

/* The words of Redis tell the operator why a greeting failed. */
static void on_greeting(void *context, const struct reply *reply)
{
    struct redis_link *link = context;
    struct error_text why;
    if (reply == NULL)
        return;
    enum redis_fault fault = login_judge(link->login.commands[link->answered++].step, reply, &why);
    if (fault != FAULT_NONE) {
        if (!reply_is_error(reply)) /* else it is counted already */
            redis_faults_count(link->config.faults, fault);
        redis_link_lose(link, fault, why.text);
    } else if (link->answered == link->login.len) {
        greeted(link);
    }
}

static void greet(struct redis_link *link)
{
    struct login *login = &link->login;
    struct redis_args args;
    int result = 0;
    redis_args_init(&args);
    login_init(login, link->config.address, link->config.client_name,
               LOGIN_TO_MASTER | LOGIN_TO_READY);
    link->answered = 0;
    for (size_t i = 0; i < login->len; i++) {
        args.len = 0;
        redis_args_list(&args, login->commands[i].args, login->commands[i].args_len);
        result |= redis_link_send_now(link, &args, REDIS_COMMAND_DEADLINE_MS, on_greeting, link);
    }
    redis_args_release(&args);
    if (result != 0)
        redis_link_drop(link, "out of memory");
}

static enum redis_fault broke(const struct redis_link *link)
{
    return link->state == LINK_CONNECTING ? FAULT_UNREACHABLE : FAULT_LOST;
}

static void on_event(struct bufferevent *io, short what, void *context)
{
    struct redis_link *link = context;
    struct error_text why = {"Redis closed the connection"};
    if ((what & BEV_EVENT_CONNECTED) != 0) {
        redis_link_connected(io);
        loop_timer_disarm(&link->deadline);
        link->state = LINK_GREETING;
        greet(link);
        return;
    }
    if ((what & BEV_EVENT_EOF) == 0)
        redis_link_error(io, &why);
    redis_link_lose(link, broke(link), why.text);
}

static void connect_to(struct redis_link *link, const struct redis_host *host)
{
    const struct redis_address *address = link->config.address;
    link->state = LINK_CONNECTING;
    reply_memory_clear(&link->replies); /* what the last connection broke off in */
    link->reader = redis_reader_new(&link->replies);
    link->io = redis_link_open(link->loop, *link->config.tls, host);
    if (link->io == NULL || link->reader == NULL) {
        redis_link_drop(link, "out of memory");
        return;
    }
    bufferevent_setcb(link->io, redis_link_on_readable, NULL, on_event, link);
    bufferevent_set_max_single_read(link->io, READ_SIZE);
    bufferevent_enable(link->io, EV_READ | EV_WRITE);
    loop_timer_arm(&link->deadline, CONNECT_DEADLINE_MS);
    const char *why = address->path[0] != '\0' ? redis_link_begin_unix(link->io, address->path)
                                               : redis_link_begin(link->io, link->loop, host);
    if (why != NULL)
        redis_link_lose(link, FAULT_UNREACHABLE, why);
}

static void on_master(void *context, const struct redis_host *host, const char *why)
{
    if (host == NULL)
        redis_link_lose(context, FAULT_UNREACHABLE, why);
    else
        connect_to(context, host);
}

static void link_connect(void *context)
{
    struct redis_link *link = context;
    link->config.before_connect(link->config.context);
    if (link->sentinels == NULL) {
        connect_to(link, &link->config.address->host);
        return;
    }
    link->state = LINK_ASKING;
    sentinel_query_start(link->sentinels);
}
