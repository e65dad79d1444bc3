#include "web/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "admin/status/json.h"
#include "web/metrics.h"

#define WAITERS_MAX 1024
#define TEXT_MAX ((size_t)16 << 20)

struct texts {
    struct buffer status;
    struct buffer workers;
    struct buffer metrics;
};

struct snapshot {
    struct job job;
    struct jobs *jobs;
    const char *queue;
    struct rates rates; /* of the job, as next */
    struct texts next;
    char next_contract[16];
    struct texts texts; /* of the loop */
    char contract[16];
    bool has_texts;
    bool is_up;
    bool has_looked;
    bool is_reading;
    int64_t looked_at_ms; /* answered, whatever the answer */
    int64_t read_at_ms;   /* the texts */
    struct error_text why;
    enum admin_result result;
    struct waiter {
        snapshot_fn *fn;
        void *context;
    } waiters[WAITERS_MAX];
    size_t waiters_len;
};

static void texts_release(struct texts *texts)
{
    buffer_release(&texts->status);
    buffer_release(&texts->workers);
    buffer_release(&texts->metrics);
}

static bool read_contract(struct session *session, char out[16])
{
    const struct bytes args[] = {BYTES("HGET"), bytes_of(session->keys.meta), BYTES("contract")};
    struct reply *reply;

    if (!session_ask(session, args, 3, &reply))
        return false;
    bytes_printable(reply_text(reply), out, 16);
    reply_free(reply);
    return true;
}

static void on_run(struct job *job, struct session *session)
{
    struct snapshot *snapshot = (struct snapshot *)job;
    struct texts *next = &snapshot->next;
    struct status *status = calloc(1, sizeof(*status));

    buffer_init(&next->status, TEXT_MAX);
    buffer_init(&next->workers, TEXT_MAX);
    buffer_init(&next->metrics, TEXT_MAX);
    if (status == NULL) {
        session_failed(session, "out of memory");
        return;
    }
    if (read_contract(session, snapshot->next_contract) && status_read(session, status)) {
        rates_update(&snapshot->rates, status);
        status_put_json(&next->status, snapshot->queue, status, &snapshot->rates);
        status_put_workers(&next->workers, status);
        metrics_put_status(&next->metrics, snapshot->queue, status);
        if (buffer_failed(&next->status) || buffer_failed(&next->workers) ||
            buffer_failed(&next->metrics))
            session_failed(session, "out of memory");
        status_release(status);
    }
    free(status);
}

static void view(const struct snapshot *snapshot, struct snapshot_view *view)
{
    *view = (struct snapshot_view){
        .is_up = snapshot->is_up,
        .result = snapshot->result,
        .why = snapshot->why.text,
        .contract = snapshot->contract,
        .is_contract_ours =
            snapshot->contract[0] == '\0' || strcmp(snapshot->contract, KEYS_CONTRACT) == 0,
        .age_ms = snapshot->has_texts ? loop_now_ms() - snapshot->read_at_ms : -1,
        .status = buffer_bytes(&snapshot->texts.status),
        .workers = buffer_bytes(&snapshot->texts.workers),
        .metrics = buffer_bytes(&snapshot->texts.metrics),
    };
}

static void on_done(struct job *job)
{
    struct snapshot *snapshot = (struct snapshot *)job;
    struct snapshot_view now;

    snapshot->is_reading = false;
    snapshot->has_looked = true;
    snapshot->looked_at_ms = loop_now_ms();
    snapshot->is_up = job->result == ADMIN_DONE;
    snapshot->why = job->why;
    snapshot->result = job->result;
    if (snapshot->is_up) {
        texts_release(&snapshot->texts);
        snapshot->texts = snapshot->next;
        snapshot->next = (struct texts){.status = {.len = 0}};
        memcpy(snapshot->contract, snapshot->next_contract, sizeof(snapshot->contract));
        snapshot->has_texts = true;
        snapshot->read_at_ms = snapshot->looked_at_ms;
    } else {
        texts_release(&snapshot->next);
    }
    view(snapshot, &now);
    size_t len = snapshot->waiters_len;
    snapshot->waiters_len = 0;
    for (size_t i = 0; i < len; i++)
        snapshot->waiters[i].fn(snapshot->waiters[i].context, &now);
}

struct snapshot *snapshot_new(struct jobs *jobs, const char *queue)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
    if (snapshot == NULL)
        return NULL;
    snapshot->jobs = jobs;
    snapshot->queue = queue;
    snapshot->job.run = on_run;
    snapshot->job.done = on_done;
    return snapshot;
}

void snapshot_free(struct snapshot *snapshot)
{
    if (snapshot == NULL)
        return;
    texts_release(&snapshot->texts);
    free(snapshot);
}

int snapshot_get(struct snapshot *snapshot, snapshot_fn *fn, void *context)
{
    struct snapshot_view now;

    if (snapshot->has_looked && !snapshot->is_reading &&
        loop_now_ms() - snapshot->looked_at_ms < SNAPSHOT_FRESH_MS) {
        view(snapshot, &now);
        fn(context, &now);
        return 0;
    }
    if (snapshot->waiters_len == WAITERS_MAX)
        return -1;
    if (!snapshot->is_reading) {
        snapshot->job.result = ADMIN_DONE;
        snapshot->job.is_run = false;
        snapshot->job.why.text[0] = '\0';
        if (jobs_add(snapshot->jobs, &snapshot->job) != 0)
            return -1;
        snapshot->is_reading = true;
    }
    snapshot->waiters[snapshot->waiters_len++] = (struct waiter){fn, context};
    return 0;
}
