/* What tests see of a capacity's inside. */
#ifndef INSIDE_H
#define INSIDE_H

#include "capacity/internal.h"

static inline size_t in_flight_of(const struct capacity *capacity)
{
    return capacity->process->in_flight;
}

/* Of all lines. */
static inline size_t in_lines_of(const struct capacity *capacity)
{
    size_t sum = 0;

    for (const struct capacity_lane *lane = capacity->lanes; lane; lane = lane->hh.next)
        sum += lane->line_len + lane->behind_len;
    return sum;
}

#endif
