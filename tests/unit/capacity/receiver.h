/* How receivers answer. Nothing is random but by its seed. */
#ifndef TESTS_CAPACITY_RECEIVER_H
#define TESTS_CAPACITY_RECEIVER_H

#include <stdbool.h>
#include <stdint.h>

enum receiver_kind {
    RECEIVER_NONE,
    RECEIVER_GOOD,  /* between a and b seconds */
    RECEIVER_CONST, /* a seconds; from 15 on it never answers */
    RECEIVER_DRIP,  /* the status at once, the body never ends */
    RECEIVER_FLIP,  /* good for n answers, then as const; with back, good again after one */
    RECEIVER_CLOCK, /* good for a of each b seconds, else const c */
    RECEIVER_AT,    /* good until second a, then const c */
    RECEIVER_MIX,   /* const c with probability a, else good */
    RECEIVER_STALL, /* stands still from second a to b, then answers all; else good */
    RECEIVER_HEAVY, /* log-normal: median a, sigma b */
    RECEIVER_FAIL   /* fails after a seconds, without a timeout */
};

struct receiver {
    enum receiver_kind kind;
    double a, b, c;
    unsigned n;
    bool back;
};

struct chance {
    uint64_t state;
};

double chance_next(struct chance *chance); /* from 0 to 1 */
double chance_between(struct chance *chance, double low, double high);

/* How long the attempt takes that starts at now_s, in seconds, and whether it succeeds. answers:
 * how many this receiver has given, counted here. */
double receiver_answer(const struct receiver *receiver, struct chance *chance, double now_s,
                       unsigned *answers, bool *ret_ok);

#endif
