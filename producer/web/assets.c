#include "web/assets.h"

#include <string.h>

#include "assets_data.h"

const struct asset *asset_find(struct bytes path)
{
    struct bytes name = {path.data + 1, path.len - 1};

    if (name.len == 0)
        name = BYTES("index.html");
    for (size_t i = 0; i < sizeof(assets) / sizeof(assets[0]); i++) {
        if (bytes_equal_text(name, assets[i].name))
            return &assets[i];
    }
    return NULL;
}

const char *asset_type(const struct asset *asset)
{
    static const struct {
        const char *end;
        const char *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
    };
    const char *end = strrchr(asset->name, '.');

    for (size_t i = 0; end != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(end, types[i].end) == 0)
            return types[i].type;
    }
    return "application/octet-stream";
}

static struct bytes trim(struct bytes text)
{
    while (text.len > 0 && text.data[0] == ' ')
        text = (struct bytes){text.data + 1, text.len - 1};
    while (text.len > 0 && text.data[text.len - 1] == ' ')
        text.len--;
    return text;
}

/* The part before a character, and the rest behind it. */
static struct bytes cut(struct bytes *rest, char at)
{
    const char *end = rest->len > 0 ? memchr(rest->data, at, rest->len) : NULL;
    struct bytes part = {rest->data, end != NULL ? (size_t)(end - rest->data) : rest->len};
    size_t used = part.len + (end != NULL ? 1 : 0);

    *rest = (struct bytes){rest->data + used, rest->len - used};
    return trim(part);
}

/* "q=0", "q=0.000": it is refused. */
static bool is_refusal(struct bytes weight)
{
    if (weight.len < 3 || (weight.data[0] != 'q' && weight.data[0] != 'Q') || weight.data[1] != '=')
        return false;
    for (size_t i = 2; i < weight.len; i++) {
        if (weight.data[i] != '0' && weight.data[i] != '.')
            return false;
    }
    return true;
}

bool asset_may_be_packed(struct bytes accept_encoding)
{
    while (accept_encoding.len > 0) {
        struct bytes weight = cut(&accept_encoding, ',');
        struct bytes coding = cut(&weight, ';');
        if (bytes_equal_nocase(coding, BYTES("gzip")))
            return !is_refusal(trim(weight));
    }
    return false;
}

/* A list of tags; those of proxies may be weak: W/"…". */
bool asset_is_known(const struct asset *asset, struct bytes if_none_match)
{
    const size_t len = strlen(asset->tag);

    for (size_t at = 0; at + len <= if_none_match.len; at++) {
        if (memcmp(if_none_match.data + at, asset->tag, len) == 0)
            return true;
    }
    return false;
}

void asset_answer(const struct asset *asset, const struct http_request *request,
                  struct answer *answer)
{
    const struct bytes plain = {(const char *)asset->content, asset->len};
    const struct bytes packed = {(const char *)asset->packed, asset->packed_len};

    answer->type = asset_type(asset);
    answer->tag = asset->tag;
    if (asset_is_known(asset, http_request_header(request, "If-None-Match"))) {
        answer->status = 304;
    } else if (asset_may_be_packed(http_request_header(request, "Accept-Encoding"))) {
        answer->encoding = "gzip";
        buffer_append_bytes(&answer->body, packed);
    } else {
        buffer_append_bytes(&answer->body, plain);
    }
}
