#include <poll.h>
#include <string.h>
#include <sys/stat.h>

#include "http/client_internal.h"

/*
 * libcurl looks names up in threads and cannot end one: a look-up that nobody answers goes on for
 * seconds after its transfer was cut. So the number of threads has to be limited by not beginning
 * more. libcurl does not report when a thread ends that it has forgotten, but the kernel counts
 * threads: no more of the look-ups that were cut can still run than this process has threads beside
 * its own one.
 */

#define OWN_TASK_LINKS 3    /* of /proc/self/task: two of any folder's, one of our only thread */
#define STRAYS_CHECK_MS 100 /* while there are any */
#define LOOKUP_WAIT_MS 500  /* so long a transfer waits for a place; most look-ups take less */

/* Called when neither a pooled connection nor libcurl's cache of names spares the look-up. */
int on_lookup(void *resolver, void *reserved, void *context)
{
    struct http_transfer *transfer = context;
    struct lookups *lookups = &transfer->client->lookups;
    (void)resolver;
    (void)reserved;
    if (transfer->host_is_address && transfer->way != WAY_PROXY)
        return 0;
    lookup_end(transfer, false);
    transfer->lookup_descriptor = -1;
    transfer->lookup = lookups_begin(lookups, transfer->host, transfer->owner, loop_now_ms());
    transfer->no_lookup = transfer->lookup == 0;
    return transfer->no_lookup ? 1 : 0;
}

/* A place is free. */
static void end(struct http_client *client, int64_t id, bool answered)
{
    lookups_end(&client->lookups, id, answered);
    if (!TAILQ_EMPTY(&client->waiting))
        loop_turn_arm(&client->turn);
}

static size_t threads_of_lookups(void)
{
    struct stat folder;
    if (stat("/proc/self/task", &folder) != 0 || folder.st_nlink < OWN_TASK_LINKS)
        return SIZE_MAX;
    return folder.st_nlink - OWN_TASK_LINKS;
}

static void end_oldest_stray(struct http_client *client)
{
    int64_t id = client->strays[0];
    client->strays_len--;
    memmove(client->strays, client->strays + 1, client->strays_len * sizeof(client->strays[0]));
    end(client, id, false);
}

/* Which of them ended is not known, but not of interest either: the oldest, most likely. */
void on_strays_check(void *context)
{
    struct http_client *client = context;
    size_t threads = threads_of_lookups();
    while (client->strays_len > threads)
        end_oldest_stray(client);
    if (client->strays_len > 0)
        loop_timer_arm(&client->strays_timer, STRAYS_CHECK_MS);
}

/* A look-up that libcurl is about to forget. When all places are taken, the oldest has been counted
 * out after LOOKUPS_LOST_MS: fewer than LOOKUPS_MAX others are counted. */
static void add_stray(struct http_client *client, int64_t id)
{
    if (client->strays_len == LOOKUPS_MAX)
        end_oldest_stray(client);
    client->strays[client->strays_len++] = id;
    if (client->strays_len == 1)
        loop_timer_arm(&client->strays_timer, STRAYS_CHECK_MS);
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
        return; /* the result is there: the end of the transfer shows what it is */
    add_stray(transfer->client, transfer->lookup);
    transfer->lookup = 0;
}

void lookup_end(struct http_transfer *transfer, bool answered)
{
    if (transfer->lookup != 0)
        end(transfer->client, transfer->lookup, answered);
    transfer->lookup = 0;
}

/* --- waiting for a place --- */

static void arm_waiting_timer(struct http_client *client)
{
    const struct http_transfer *oldest = TAILQ_FIRST(&client->waiting);
    if (oldest != NULL)
        loop_timer_arm(&client->waiting_timer,
                       oldest->started_at_ms + LOOKUP_WAIT_MS - loop_now_ms());
}

/* By age: one that was started and found no place again is older than others. */
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
        if (lookups_have_room(&client->lookups, transfer->host, transfer->owner, now))
            transfer->no_lookup = transfer_set_timeouts(transfer, waited) != 0;
        else if (waited < LOOKUP_WAIT_MS)
            continue;
        transfer_move(transfer, &client->starting);
    }
    arm_waiting_timer(client);
}
