#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "http/client_internal.h"

/*
 * libcurl looks names up in threads and cannot end one: a look-up that nobody answers goes on for
 * seconds after its transfer was cut. So the number of threads has to be limited by not beginning
 * more. libcurl watches one end of a socket pair for the result; the thread closes the other end
 * when it ends. A copy of our end tells us so, long after libcurl has closed its own.
 */

#define LOOKUP_WAIT_MS 500 /* so long a transfer waits for a place; most look-ups take less */

/* Called when neither a pooled connection nor libcurl's cache of names spares the look-up. */
int on_lookup(void *resolver, void *reserved, void *context)
{
    struct http_transfer *transfer = context;
    struct lookups *lookups = &transfer->client->lookups;
    (void)resolver;
    (void)reserved;
    if (transfer->host_is_address)
        return 0;
    lookup_end(transfer, false);
    transfer->lookup_descriptor = -1;
    transfer->lookup = lookups_begin(lookups, transfer->host, loop_now_ms());
    transfer->no_lookup = transfer->lookup == 0;
    return transfer->no_lookup ? 1 : 0;
}

static void free_stray(struct stray_lookup *stray)
{
    loop_watch_free(stray->watch);
    if (stray->descriptor >= 0)
        close(stray->descriptor);
    free(stray);
}

/* A place is free. */
static void end(struct http_client *client, int64_t id, bool answered)
{
    lookups_end(&client->lookups, id, answered);
    if (!TAILQ_EMPTY(&client->waiting))
        loop_turn_arm(&client->turn);
}

static void on_stray_ended(void *context, int descriptor, bool readable, bool writable)
{
    struct stray_lookup *stray = context;
    (void)descriptor;
    (void)readable;
    (void)writable;
    LIST_REMOVE(stray, link);
    end(stray->client, stray->id, false);
    free_stray(stray);
}

/* Watches a look-up that libcurl is about to forget. When that cannot be done for want of memory
 * or descriptors it stays counted until LOOKUPS_LOST_MS. */
static void watch_stray(struct http_client *client, int64_t id, int descriptor)
{
    struct stray_lookup *stray = calloc(1, sizeof(*stray));
    if (stray == NULL)
        return;
    stray->client = client;
    stray->id = id;
    stray->descriptor = dup(descriptor);
    stray->watch = loop_watch_new(client->loop, on_stray_ended, stray);
    if (stray->descriptor < 0 || stray->watch == NULL ||
        loop_watch_set(stray->watch, stray->descriptor, true, false) != 0)
        free_stray(stray);
    else
        LIST_INSERT_HEAD(&client->strays, stray, link);
}

void lookup_seen(struct http_transfer *transfer, int descriptor)
{
    if (transfer->lookup != 0 && transfer->lookup_descriptor < 0)
        transfer->lookup_descriptor = descriptor;
}

void lookup_unseen(struct http_transfer *transfer, int descriptor)
{
    struct pollfd ended = {.fd = descriptor, .events = POLLIN};
    if (transfer->lookup == 0 || transfer->lookup_descriptor != descriptor)
        return;
    transfer->lookup_descriptor = -1;
    if (poll(&ended, 1, 0) != 0)
        return; /* the result is there: what becomes of the transfer tells what it is */
    watch_stray(transfer->client, transfer->lookup, descriptor);
    transfer->lookup = 0;
}

void lookup_end(struct http_transfer *transfer, bool answered)
{
    if (transfer->lookup != 0)
        end(transfer->client, transfer->lookup, answered);
    transfer->lookup = 0;
}

void lookup_free_strays(struct http_client *client)
{
    while (!LIST_EMPTY(&client->strays)) {
        struct stray_lookup *stray = LIST_FIRST(&client->strays);
        LIST_REMOVE(stray, link);
        free_stray(stray);
    }
}

/* --- waiting for a place --- */

static void arm_waiting_timer(struct http_client *client)
{
    const struct http_transfer *oldest = TAILQ_FIRST(&client->waiting);
    if (oldest != NULL)
        loop_timer_arm(&client->waiting_timer,
                       oldest->started_at_ms + LOOKUP_WAIT_MS - loop_now_ms());
}

/* By age: one that was let go and found no place again is older than others. */
void lookup_wait(struct http_transfer *transfer)
{
    struct transfer_list *waiting = &transfer->client->waiting;
    struct http_transfer *older = TAILQ_LAST(waiting, transfer_list);
    while (older != NULL && older->started_at_ms > transfer->started_at_ms)
        older = TAILQ_PREV(older, transfer_list, link);
    transfer_move(transfer, NULL);
    transfer->list = waiting;
    if (older != NULL)
        TAILQ_INSERT_AFTER(waiting, older, transfer, link);
    else
        TAILQ_INSERT_HEAD(waiting, transfer, link);
    arm_waiting_timer(transfer->client);
}

void lookup_release(struct http_client *client)
{
    int64_t now = loop_now_ms();
    struct http_transfer *transfer;
    struct http_transfer *next;
    for (transfer = TAILQ_FIRST(&client->waiting); transfer != NULL; transfer = next) {
        int64_t waited = now - transfer->started_at_ms;
        next = TAILQ_NEXT(transfer, link);
        if (lookups_have_room(&client->lookups, transfer->host, now))
            transfer->no_lookup = transfer_set_timeouts(transfer, waited) != 0;
        else if (waited < LOOKUP_WAIT_MS)
            continue;
        transfer_move(transfer, &client->starting);
    }
    arm_waiting_timer(client);
}
