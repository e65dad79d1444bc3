/* For strcasestr. */
#define _GNU_SOURCE 1
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "redis/link_internal.h"
#include "redis/link_io.h"

#define SAY_WORDS_MAX 16

/* What a refusal is about, for the log. */
struct about {
    char text[REDIS_FAULT_ABOUT_SIZE];
    bool by_sha; /* an EVALSHA */
};

static struct about about(struct bytes what, struct bytes first)
{
    struct about about = {.by_sha = false};
    char shown[REDIS_FAULT_ABOUT_SIZE - 40];
    char name[40];
    snprintf(about.text, sizeof(about.text), "%s%s%s", bytes_printable(what, name, sizeof(name)),
             first.len > 0 ? " " : "", bytes_printable(first, shown, sizeof(shown)));
    return about;
}

static int send_about(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                      redis_reply_fn *fn, void *context, struct about about)
{
    struct pending *pending = malloc(sizeof(*pending));
    if (pending == NULL || redis_args_failed(args) || redis_link_write(link->io, args) != 0) {
        free(pending);
        return -1;
    }
    *pending = (struct pending){.fn = fn,
                                .context = context,
                                .deadline_at_ms = loop_now_ms() + deadline_ms,
                                .by_sha = about.by_sha};
    memcpy(pending->about, about.text, sizeof(pending->about));
    STAILQ_INSERT_TAIL(&link->waiting, pending, link);
    if (!loop_timer_is_armed(&link->deadline))
        loop_timer_arm(&link->deadline, deadline_ms);
    return 0;
}

/* While greeting the first argument may be a password. */
int redis_link_send_now(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                        redis_reply_fn *fn, void *context)
{
    bool tell = link->state == LINK_UP && args->len > 1;
    struct bytes first = tell ? redis_args_at(args, 1) : BYTES("");
    return send_about(link, args, deadline_ms, fn, context, about(redis_args_at(args, 0), first));
}

int redis_link_send(struct redis_link *link, const struct redis_args *args, int64_t deadline_ms,
                    redis_reply_fn *fn, void *context)
{
    return link->state == LINK_UP ? redis_link_send_now(link, args, deadline_ms, fn, context) : -1;
}

int redis_link_say(struct redis_link *link, redis_reply_fn *fn, void *context, const char *words)
{
    struct redis_args args;
    redis_args_init(&args);
    while (*words != '\0' && args.len < SAY_WORDS_MAX) {
        size_t len = strcspn(words, " ");
        redis_args_borrow(&args, (struct bytes){words, len});
        words += len + (words[len] == ' ');
    }
    int result = redis_link_send(link, &args, REDIS_COMMAND_DEADLINE_MS, fn, context);
    redis_args_release(&args);
    return result;
}

int redis_link_eval(struct redis_link *link, const struct redis_script *script, int keys_len,
                    const struct redis_args *args, redis_reply_fn *fn, void *context)
{
    struct redis_args all;
    uint32_t bit = UINT32_C(1) << script->number;
    bool by_sha = script->by_sha && !link->no_sha && (link->scripts_known & bit) != 0;
    redis_args_init(&all);
    redis_args_text(&all, by_sha ? "EVALSHA" : "EVAL");
    redis_args_text(&all, by_sha ? script->sha : script->text);
    redis_args_int(&all, keys_len);
    redis_args_append(&all, args);
    struct about what = about(bytes_of(script->name), redis_args_at(args, 0));
    what.by_sha = by_sha;
    int result = -1;
    if (link->state == LINK_UP)
        result = send_about(link, &all, REDIS_COMMAND_DEADLINE_MS, fn, context, what);
    redis_args_release(&all);
    if (result == 0)
        link->scripts_known |= bit;
    return result;
}

/* Not allowed, renamed, or unknown to a proxy. EVAL is allowed: the greeting has used it. */
static bool refuses_sha(const struct pending *pending, const struct reply *reply)
{
    char words[160];
    bytes_printable(reply_error_text(reply), words, sizeof(words));
    return pending->by_sha && strcasestr(words, "evalsha") != NULL;
}

/* Refusals of the login are reported with the loss of the link. */
static void look_at(struct redis_link *link, const struct pending *pending,
                    const struct reply *reply)
{
    enum redis_fault fault = redis_fault_of(reply);
    if (fault == FAULT_NONE) {
        redis_faults_look(link->config.faults, loop_now_ms());
        return;
    }
    redis_faults_count(link->config.faults, fault);
    if (link->state == LINK_UP && !redis_fault_needs_reconnect(fault))
        redis_faults_complain(link->config.faults, reply, pending->about, loop_now_ms());
    if (fault == FAULT_NOSCRIPT)
        link->scripts_known = 0;
    if (refuses_sha(pending, reply))
        link->no_sha = true;
}

static void connect_anew(struct redis_link *link, const struct reply *reply)
{
    char words[160];
    if (redis_fault_needs_reconnect(redis_fault_of(reply)))
        redis_link_lose(link, redis_fault_of(reply),
                        bytes_printable(reply_error_text(reply), words, sizeof(words)));
}

/* Gives the next whole reply to the oldest command. False when there is none or the link is gone.
 * */
static bool take_reply(struct redis_link *link)
{
    void *reply = NULL;
    if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
        redis_link_drop(link, "the answer is not the Redis protocol");
        return false;
    }
    if (reply == NULL)
        return false;
    struct pending *pending = STAILQ_FIRST(&link->waiting);
    unsigned epoch = link->epoch;
    link->fed = 0;
    if (pending == NULL) {
        redis_link_drop(link, "an unexpected answer");
        return false;
    }
    STAILQ_REMOVE_HEAD(&link->waiting, link);
    look_at(link, pending, reply);
    if (pending->fn != NULL)
        pending->fn(pending->context, reply);
    if (epoch == link->epoch)
        connect_anew(link, reply);
    free(pending);
    reply_memory_clear(&link->replies);
    return epoch == link->epoch;
}

static void read_replies(struct redis_link *link, struct bufferevent *io)
{
    struct evbuffer *input = bufferevent_get_input(io);
    unsigned epoch = link->epoch;
    while (epoch == link->epoch && evbuffer_get_length(input) > 0) {
        size_t len = evbuffer_get_contiguous_space(input);
        unsigned char *data = evbuffer_pullup(input, (ev_ssize_t)len);
        if (link->fed + len > REDIS_REPLY_MAX) {
            redis_link_drop(link, "a reply is over the limit");
            return;
        }
        if (data == NULL || redisReaderFeed(link->reader, (const char *)data, len) != REDIS_OK) {
            redis_link_drop(link, "out of memory for a reply");
            return;
        }
        link->fed += len;
        evbuffer_drain(input, len);
        while (take_reply(link))
            ;
    }
}

void redis_link_on_readable(struct bufferevent *io, void *context)
{
    struct redis_link *link = context;
    struct loop *loop = link->loop;
    loop_callback_begins(loop);
    read_replies(link, io);
    loop_callback_ends(loop);
}
