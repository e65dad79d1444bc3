/*
 * Result codes of the producer library.
 *
 * Every fallible function returns RH_OK or one of the negative codes below; the words of what went
 * wrong stay in the object that failed (rh_producer_error). The codes are chosen by what the caller
 * can do about them, not by which call failed.
 */
#ifndef ROOMHOOK_STATUS_H
#define ROOMHOOK_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define RH_MUST_CHECK __attribute__((warn_unused_result))
#else
#define RH_MUST_CHECK
#endif

#if defined(RH_BUILDING_LIBRARY) && defined(__GNUC__)
#define RH_API __attribute__((visibility("default")))
#else
#define RH_API
#endif

enum rh_status {
    RH_OK = 0,
    RH_ERR_ARGUMENT = -1,    /* an option or argument is not allowed: correct the call */
    RH_ERR_EVENT = -2,       /* the event is invalid: do not send it again unchanged */
    RH_ERR_TOO_LARGE = -3,   /* the event is over max_event_bytes: do not send it again unchanged */
    RH_ERR_UNREACHABLE = -4, /* no connection, nothing was stored: send again later */
    RH_ERR_UNKNOWN = -5,     /* the answer was lost, the event may be stored: sending again may
                                deliver it twice; give events an id so that receivers can tell */
    RH_ERR_FULL = -6,        /* Redis is at maxmemory, nothing was stored: send again later */
    RH_ERR_REFUSED = -7,     /* Redis refused (password, ACL, wrong type): an operator must act */
    RH_ERR_BUSY = -8,        /* Redis is loading, read-only or cannot persist: send again later */
    RH_ERR_MEMORY = -9       /* this process is out of memory */
};

/* A short English text for a code, never NULL; static storage. */
RH_API const char *rh_status_text(int status);

#ifdef __cplusplus
}
#endif

#endif
