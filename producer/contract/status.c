#include <roomhook/status.h>

const char *rh_status_text(int status)
{
    switch (status) {
    case RH_OK:
        return "done";
    case RH_ERR_ARGUMENT:
        return "an argument is not allowed";
    case RH_ERR_EVENT:
        return "the event is not valid";
    case RH_ERR_TOO_LARGE:
        return "the event is too large";
    case RH_ERR_UNREACHABLE:
        return "Redis cannot be reached; nothing was stored";
    case RH_ERR_UNKNOWN:
        return "Redis did not answer; the event may be stored";
    case RH_ERR_FULL:
        return "Redis is out of memory; nothing was stored";
    case RH_ERR_REFUSED:
        return "Redis refused the command";
    case RH_ERR_BUSY:
        return "Redis cannot write at the moment";
    case RH_ERR_MEMORY:
        return "out of memory";
    default:
        return "unknown status";
    }
}
