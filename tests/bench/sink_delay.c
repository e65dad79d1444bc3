#include <math.h>

#include "sink_server.h"

#define QUICK_MIN_MS 2
#define QUICK_MAX_MS 50
#define TAIL_MAX_MS 3600000

/* From 0 to below 1, by xorshift64*. */
static double chance(struct sink_server *server)
{
    server->random ^= server->random >> 12;
    server->random ^= server->random << 25;
    server->random ^= server->random >> 27;
    return (double)(server->random * UINT64_C(0x2545F4914F6CDD1D) >> 11) * 0x1p-53;
}

static int64_t quick_ms(struct sink_server *server)
{
    return QUICK_MIN_MS + (int64_t)(chance(server) * (QUICK_MAX_MS - QUICK_MIN_MS + 1));
}

/* Log-normal, by Box and Muller. */
static int64_t tail_ms(struct sink_server *server, const struct sink_behaviour *behaviour)
{
    double radius = sqrt(-2 * log(1 - chance(server)));
    double normal = radius * cos(2 * M_PI * chance(server));
    double ms = behaviour->value * exp(normal * behaviour->more / 100.0);
    return ms < TAIL_MAX_MS ? (int64_t)ms : TAIL_MAX_MS;
}

int64_t sink_delay_ms(struct sink_server *server, const struct sink_behaviour *behaviour,
                      const struct sink_endpoint *endpoint)
{
    int64_t left_ms = 0;
    switch (behaviour->kind) {
    case SINK_SLOW:
        return behaviour->value;
    case SINK_QUICK:
        return quick_ms(server);
    case SINK_FLIP:
        return endpoint->requests <= (uint64_t)behaviour->value ? quick_ms(server)
                                                                : behaviour->more;
    case SINK_RARE:
        return chance(server) * 100 < behaviour->value ? behaviour->more : quick_ms(server);
    case SINK_TAIL:
        return tail_ms(server, behaviour);
    case SINK_STALL:
        left_ms = behaviour->until_ms - sink_now_ms();
        return (left_ms > 0 ? left_ms : 0) + quick_ms(server);
    default:
        return 0;
    }
}
