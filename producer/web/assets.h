/*
 * The files of the pages, as the build embedded them.
 */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stddef.h>

#include "contract/bytes.h"

struct asset {
    const char *name; /* "style.css" */
    const unsigned char *content;
    size_t len;
    const char *tag; /* changes with the content; in quotes, as ETag has it */
};

/* The one at a path, "/style.css"; "/" is that of the page itself. NULL: there is none. */
const struct asset *asset_find(struct bytes path);

const char *asset_type(const struct asset *asset); /* Content-Type; a literal */

/* Does a browser have it already, by its header If-None-Match? */
bool asset_is_known(const struct asset *asset, struct bytes if_none_match);

#endif
