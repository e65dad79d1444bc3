/*
 * A request that "roomhook listen" got, on stdout: for eyes, or as one JSON object.
 */
#ifndef CLI_LISTEN_SHOW_H
#define CLI_LISTEN_SHOW_H

#include "cli/listen/request.h"

struct shown_request {
    const struct request *request;
    const char *from;   /* address and port of its sender */
    int64_t at_ms;      /* wall clock */
    int answered;       /* status */
    bool is_verified;   /* is there a secret to verify it with? */
    const char *faults; /* of its signature; NULL: it is valid */
};

int show_request_text(const struct shown_request *shown); /* 0, or -1: out of memory */
int show_request_json(const struct shown_request *shown);

#endif
