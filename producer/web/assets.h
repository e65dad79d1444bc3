/*
 * The files of the pages, as the build embedded them.
 */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stddef.h>

#include "base/http_request.h"
#include "contract/bytes.h"
#include "web/answer.h"

struct asset {
    const char *name; /* "style.css" */
    const unsigned char *content;
    size_t len;
    const unsigned char *packed; /* by gzip */
    size_t packed_len;
    const char *tag; /* changes with the content; in quotes, as ETag has it */
};

/* The one at a path, "/style.css"; "/" is that of the page itself. NULL: there is none. */
const struct asset *asset_find(struct bytes path);

const char *asset_type(const struct asset *asset); /* Content-Type; a literal */

/* May it be sent by gzip, by the header Accept-Encoding? */
bool asset_may_be_packed(struct bytes accept_encoding);

/* Does a browser have it already, by its header If-None-Match? */
bool asset_is_known(const struct asset *asset, struct bytes if_none_match);

/* With the file, by gzip when that is accepted, or with nothing when the browser has it. */
void asset_answer(const struct asset *asset, const struct http_request *request,
                  struct answer *answer);

#endif
