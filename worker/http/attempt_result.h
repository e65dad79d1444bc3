/*
 * How one POST ended. Pure; what it means for the delivery is in verdict.h.
 */
#ifndef HTTP_ATTEMPT_RESULT_H
#define HTTP_ATTEMPT_RESULT_H

#include <stdbool.h>
#include <stdint.h>

/* How a transfer ended, in our own words; http_client maps libcurl's codes to them. */
enum attempt_end {
    ATTEMPT_ANSWERED,  /* a final status (>= 200) arrived, whatever became of the connection */
    ATTEMPT_TIMEOUT,   /* the deadline passed before a final status */
    ATTEMPT_DNS,       /* the name could not be resolved, or to an address that is refused */
    ATTEMPT_CONNECT,   /* no connection */
    ATTEMPT_TLS,       /* no trusted TLS session */
    ATTEMPT_BROKEN,    /* the connection ended before a final status, or what came was not HTTP */
    ATTEMPT_BLOCKED,   /* the address guard refused the URL's address; no connection was made */
    ATTEMPT_BAD_URL,   /* the URL is refused; no connection was made */
    ATTEMPT_LOCAL,     /* our own shortage: descriptors, threads, memory, our TLS files */
    ATTEMPT_DIRTY,     /* a reused connection had unasked-for bytes, or ended as we asked */
    ATTEMPT_NO_LOOKUP, /* no place for one more name look-up; nothing was sent */
    ATTEMPT_CROWDED    /* no place for one more request to this address; nothing was sent */
};

const char *attempt_end_name(enum attempt_end end); /* "timeout", for logs and dead letters */

struct attempt_result {
    enum attempt_end end;
    int status;             /* final status when ANSWERED, else 0 */
    bool request_sent;      /* the whole body went out */
    int64_t retry_after_ms; /* from the answer, 0 when none */
};

#endif
