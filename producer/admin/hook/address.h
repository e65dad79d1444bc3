/* Whether workers refuse a hook's URL as long as their settings do not open it. Pure. */
#ifndef ADMIN_HOOK_ADDRESS_H
#define ADMIN_HOOK_ADDRESS_H

#include "contract/url.h"

enum hook_address {
    HOOK_ADDRESS_FINE,   /* or a name, which is not looked up here */
    HOOK_ADDRESS_CLOSED, /* it is an address that is not public, or one with a closed port */
    HOOK_ADDRESS_PORT    /* its name leads somewhere, but not to this port */
};

/* *why, unless it is fine: what the address is, and what opens it. */
enum hook_address hook_address_judge(const struct url *url, struct error_text *why);

#endif
