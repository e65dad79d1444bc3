#include "receiver.h"

#include <math.h>

/* --- chance: xorshift64*, Vigna 2016 --- */

double chance_next(struct chance *chance)
{
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (double)((chance->state * 0x2545f4914f6cdd1du) >> 11) / 9007199254740992.0;
}

double chance_between(struct chance *chance, double low, double high)
{
    return low + (high - low) * chance_next(chance);
}

static double normal(struct chance *chance)
{
    double radius = sqrt(-2 * log(1 - chance_next(chance)));

    return radius * cos(6.283185307179586 * chance_next(chance));
}

/* --- receivers --- */

static double constant(struct chance *chance, double seconds, bool *ret_ok)
{
    *ret_ok = seconds < 15;
    return seconds < 15 ? seconds * chance_between(chance, .97, 1.03) : 15;
}

static bool is_good_now(const struct receiver *receiver, struct chance *chance, double now_s,
                        unsigned *answers)
{
    if (receiver->kind == RECEIVER_FLIP) {
        ++*answers;
        return receiver->back ? *answers % (receiver->n + 1) != 0 : *answers <= receiver->n;
    }
    if (receiver->kind == RECEIVER_CLOCK)
        return fmod(now_s, receiver->b) < receiver->a;
    if (receiver->kind == RECEIVER_AT)
        return now_s < receiver->a;
    return chance_next(chance) >= receiver->a;
}

double receiver_answer(const struct receiver *receiver, struct chance *chance, double now_s,
                       unsigned *answers, bool *ret_ok)
{
    double stalled_s = 0;

    *ret_ok = receiver->kind != RECEIVER_FAIL;
    switch (receiver->kind) {
    case RECEIVER_NONE:
        return 0;
    case RECEIVER_GOOD:
        return chance_between(chance, receiver->a, receiver->b);
    case RECEIVER_CONST:
        return constant(chance, receiver->a, ret_ok);
    case RECEIVER_DRIP:
        return 15;
    case RECEIVER_FLIP:
    case RECEIVER_CLOCK:
    case RECEIVER_AT:
    case RECEIVER_MIX:
        if (is_good_now(receiver, chance, now_s, answers))
            return chance_between(chance, .002, .05);
        return constant(chance, receiver->c, ret_ok);
    case RECEIVER_STALL:
        if (receiver->a <= now_s && now_s < receiver->b)
            stalled_s = receiver->b - now_s;
        return stalled_s + chance_between(chance, .002, .05);
    case RECEIVER_HEAVY:
        return receiver->a * exp(receiver->b * normal(chance));
    case RECEIVER_FAIL:
        return receiver->a;
    }
    return 0;
}
