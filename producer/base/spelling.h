/* Which of some names a mistyped one was meant to be. Pure. */
#ifndef BASE_SPELLING_H
#define BASE_SPELLING_H

#include <stddef.h>

#include "contract/bytes.h"

struct spelling {
    struct bytes typed;
    const char *nearest; /* of the names that were offered; NULL: none is near */
    size_t distance;     /* names as far away as this, or farther, are not near */
};

struct spelling spelling_of(struct bytes typed);

void spelling_offer(struct spelling *spelling, const char *name); /* must outlive spelling */

#endif
