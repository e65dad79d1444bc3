#include "delivery/claimed.h"

#include <stdio.h>

#include "base/log.h"
#include "delivery/arrival.h"
#include "delivery/conclude.h"

static struct entry *new_claimed(struct pipeline *pipeline, const struct claimed_delivery *claimed,
                                 const struct claim_terms *terms, enum rh_encoding encoding,
                                 struct bytes document)
{
    char stream_id[RH_STREAM_ID_SIZE];
    char hook_id[RH_NAME_MAX + 1];
    struct lane_parts lane = {0};
    bool is_named = delivery_split(claimed->id, stream_id, hook_id) == 0;
    if (!is_named) { /* of the first event there can be, so that it can be buried */
        snprintf(stream_id, sizeof(stream_id), "0-1");
        hook_id[0] = '\0';
    }
    struct entry *entry =
        entry_new(&pipeline->entries, SOURCE_LANE, bytes_of(stream_id), encoding, document);
    struct delivery *delivery =
        entry == NULL ? NULL
                      : delivery_new(&pipeline->entries, entry, terms->set, terms->slot, hook_id);
    if (delivery == NULL) {
        log_at(LOG_ERROR, "out_of_memory", log_bytes("delivery", claimed->id));
        if (entry != NULL)
            entry_free(&pipeline->entries, entry); /* its lease runs out and it comes again */
        return NULL;
    }
    (void)lane_split(bytes_of(claimed->wish->lane), &lane);
    if (!is_named)
        entry->event_id[0] = '\0';
    entry->pipeline = pipeline;
    entry->claims = claimed->expired_leases;
    entry->is_shared = claimed->has_document;
    entry->event.room_id = lane.room; /* for a letter that comes before it is decoded */
    (void)bytes_copy_text(claimed->id, delivery->id,
                          sizeof(delivery->id)); /* claim.lua bounds it */
    delivery->settlement.id = bytes_of(delivery->id);
    snprintf(delivery->lane, sizeof(delivery->lane), "%s", claimed->wish->lane);
    snprintf(delivery->fence, sizeof(delivery->fence), "%s", claimed->fence);
    delivery->lease_until_ms = claimed->lease_until_ms;
    delivery->leased = true;
    if (terms->is_probe)
        delivery_set_probe(&pipeline->entries, delivery);
    delivery->not_before_ms = terms->not_before_ms;
    return entry;
}

static void bury_unreadable(struct pipeline *pipeline, const struct claimed_delivery *claimed,
                            const struct claim_terms *terms, const char *why)
{
    struct entry *entry = new_claimed(pipeline, claimed, terms, RH_JSON, claimed->record);
    log_at(LOG_ERROR, "record_unreadable", log_bytes("delivery", claimed->id),
           log_text("error", why));
    if (entry == NULL)
        return;
    entry->is_unreadable = true;
    entry->is_shared = true; /* or it is not known */
    conclude_dead(pipeline, TAILQ_FIRST(&entry->deliveries), DEAD_MALFORMED, why);
}

/* A record_result. */
static int read_record(const struct claimed_delivery *claimed, struct record *ret_record,
                       struct error_text *why)
{
    char stream_id[RH_STREAM_ID_SIZE];
    char hook_id[RH_NAME_MAX + 1];
    int problem;
    if (delivery_split(claimed->id, stream_id, hook_id) != 0) {
        error_text_set(why, "its name is not <stream id>/<hook>");
        return RECORD_BAD;
    }
    if (!claimed->has_record) {
        error_text_set(why, "its record is missing");
        return RECORD_BAD;
    }
    problem = record_decode(claimed->record, ret_record, why);
    if (problem != RECORD_OK)
        return problem;
    if (!bytes_equal_text(bytes_of(ret_record->lane), claimed->wish->lane)) {
        error_text_set(why, "its record is of the lane %s", ret_record->lane);
        return RECORD_BAD;
    }
    if (ret_record->is_shared && !claimed->has_document) {
        error_text_set(why, "its document is missing");
        return RECORD_BAD;
    }
    if (ret_record->is_shared)
        ret_record->document = claimed->document;
    return RECORD_OK;
}

void claimed_take(struct pipeline *pipeline, const struct claimed_delivery *claimed,
                  const struct claim_terms *terms)
{
    struct record record;
    struct error_text why = {""};
    int problem = read_record(claimed, &record, &why);
    if (problem == RECORD_NO_MEMORY) {
        log_at(LOG_ERROR, "out_of_memory", log_bytes("delivery", claimed->id));
        return;
    }
    if (problem != RECORD_OK) {
        bury_unreadable(pipeline, claimed, terms, why.text);
        return;
    }
    struct entry *entry = new_claimed(pipeline, claimed, terms, record.encoding, record.document);
    if (entry == NULL)
        return;
    struct delivery *delivery = TAILQ_FIRST(&entry->deliveries);
    delivery->history = record.history;
    entry->is_resent = record.is_resent;
    snprintf(entry->traceparent, sizeof(entry->traceparent), "%s", record.traceparent);
    if (record.event_id[0] != '\0') {
        snprintf(entry->event_id, sizeof(entry->event_id), "%s", record.event_id);
        entry->own_event_id = true;
    }
    if (terms->is_buried)
        conclude_dead(pipeline, delivery, terms->reason, terms->error);
    else /* a delivery counts only expired leases, an entry its first reading too */
        arrival_run_or_quarantine(pipeline, entry, SUSPECT_CLAIMS - 1);
}
