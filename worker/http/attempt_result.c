#include "http/attempt_result.h"

const char *attempt_end_name(enum attempt_end end)
{
    switch (end) {
    case ATTEMPT_ANSWERED:
        return "answered";
    case ATTEMPT_TIMEOUT:
        return "timeout";
    case ATTEMPT_DNS:
        return "dns";
    case ATTEMPT_CONNECT:
        return "connect";
    case ATTEMPT_TLS:
        return "tls";
    case ATTEMPT_BROKEN:
        return "broken";
    case ATTEMPT_BLOCKED:
        return "blocked";
    case ATTEMPT_BAD_URL:
        return "bad-url";
    case ATTEMPT_LOCAL:
        return "local";
    case ATTEMPT_DIRTY:
        return "dirty";
    case ATTEMPT_NO_LOOKUP:
        return "no-lookup";
    case ATTEMPT_CROWDED:
        return "crowded";
    }
    return "unknown";
}
