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
