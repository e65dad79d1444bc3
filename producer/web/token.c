#include "web/token.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "contract/keys.h"
#include "contract/parse.h"

#define PREFIX "rh_"
#define ROOM_PREFIX "rhr_"
#define PURPOSE "roomhook-web room token\n" /* so that the key serves nothing else by chance */
#define HEX_SIZE (2 * TOKEN_HASH_SIZE + 1)
#define CLAIM_MAX 256 /* "<expiry>/<queue>/<room>" */

/* --- hex --- */

static void put_hex(const unsigned char *bytes, size_t len, char *out)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int read_hex(struct bytes text, unsigned char *out, size_t len)
{
    if (text.len != 2 * len)
        return -1;
    for (size_t i = 0; i < len; i++) {
        int high = hex_value(text.data[2 * i]);
        int low = hex_value(text.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return -1;
        out[i] = (unsigned char)(high * 16 + low);
    }
    return 0;
}

/* --- the file --- */

int token_role_parse(struct bytes text, struct access *ret_access)
{
    struct access access = {.role = ROLE_OPERATE};

    if (bytes_equal_text(text, "read"))
        access.role = ROLE_READ;
    else if (text.len > 5 && memcmp(text.data, "room=", 5) == 0) {
        if (room_id_of_text((struct bytes){text.data + 5, text.len - 5}, &access.room) < 0)
            return -1;
    } else if (!bytes_equal_text(text, "operate"))
        return -1;
    *ret_access = access;
    return 0;
}

static struct bytes cut(struct bytes *text, char separator)
{
    const char *end = text->len > 0 ? memchr(text->data, separator, text->len) : NULL;
    struct bytes part = {text->data, end ? (size_t)(end - text->data) : text->len};
    size_t used = part.len + (end ? 1 : 0);

    if (used > 0)
        *text = (struct bytes){text->data + used, text->len - used};
    return part;
}

static struct bytes next_field(struct bytes *line)
{
    while (line->len > 0 && (line->data[0] == ' ' || line->data[0] == '\t'))
        *line = (struct bytes){line->data + 1, line->len - 1};
    return cut(line, ' ');
}

static int parse_line(struct bytes line, struct tokens *tokens)
{
    struct bytes role = next_field(&line);
    struct bytes hash = next_field(&line);
    struct bytes expiry = next_field(&line);
    struct token token;

    if (next_field(&line).len > 0)
        return -1;
    if (bytes_equal_text(role, "key")) {
        tokens->has_key = expiry.len == 0 && read_hex(hash, tokens->key, TOKEN_HASH_SIZE) == 0;
        return tokens->has_key ? 0 : -1;
    }
    if (tokens->len == TOKENS_MAX || token_role_parse(role, &token.access) < 0 ||
        read_hex(hash, token.hash, TOKEN_HASH_SIZE) < 0 ||
        parse_int64(expiry, 0, INT64_MAX, &token.expires_s) < 0)
        return -1;
    tokens->list[tokens->len++] = token;
    return 0;
}

int tokens_parse(struct bytes text, struct tokens *ret_tokens, struct error_text *why)
{
    *ret_tokens = (struct tokens){.has_key = false};
    for (int number = 1; text.len > 0; number++) {
        struct bytes line = cut(&text, '\n');
        while (line.len > 0 && strchr(" \t\r", line.data[line.len - 1]) != NULL)
            line.len--;
        if (line.len > 0 && line.data[0] != '#' && parse_line(line, ret_tokens) < 0) {
            error_text_set(why,
                           "line %d of the tokens' file is not \"key HEX\" or "
                           "\"read|operate|room=ROOM HEX EXPIRY\", or there are more than %d",
                           number, TOKENS_MAX);
            return -1;
        }
    }
    return 0;
}

/* --- tokens of rooms --- */

static int sign(const struct tokens *tokens, const char *claim,
                unsigned char ret_mac[TOKEN_HASH_SIZE])
{
    char text[sizeof(PURPOSE) + CLAIM_MAX];
    unsigned len = 0;

    (void)snprintf(text, sizeof(text), PURPOSE "%s", claim);
    return tokens->has_key && HMAC(EVP_sha256(), tokens->key, TOKEN_HASH_SIZE,
                                   (const unsigned char *)text, strlen(text), ret_mac, &len) != NULL
               ? 0
               : -1;
}

int token_make_for_room(const struct tokens *tokens, const char *queue, const struct room_id *room,
                        int64_t expires_s, char ret_token[TOKEN_SIZE])
{
    unsigned char mac[TOKEN_HASH_SIZE];
    char claim[CLAIM_MAX];
    char hex[HEX_SIZE];

    (void)snprintf(claim, sizeof(claim), "%" PRId64 "/%s/%s", expires_s, queue, room->text);
    if (sign(tokens, claim, mac) < 0)
        return -1;
    put_hex(mac, sizeof(mac), hex);
    (void)snprintf(ret_token, TOKEN_SIZE, ROOM_PREFIX "%s/%s", hex, claim);
    return 0;
}

/* Behind the prefix: "<64 hex>/<expiry>/<queue>/<room>". */
static struct access judge_room_token(const struct tokens *tokens, struct bytes text,
                                      const char *queue, int64_t now_s)
{
    struct access access = {.role = ROLE_OPERATE};
    unsigned char given[TOKEN_HASH_SIZE];
    unsigned char right[TOKEN_HASH_SIZE];
    struct bytes mac = cut(&text, '/');
    char claim[CLAIM_MAX];
    int64_t expires_s;

    if (read_hex(mac, given, sizeof(given)) < 0 || !bytes_copy_text(text, claim, sizeof(claim)) ||
        sign(tokens, claim, right) < 0 || CRYPTO_memcmp(given, right, sizeof(right)) != 0)
        return (struct access){.role = ROLE_NONE};
    struct bytes expiry = cut(&text, '/');
    struct bytes of_queue = cut(&text, '/');
    if (parse_int64(expiry, 0, INT64_MAX, &expires_s) < 0 || expires_s <= now_s ||
        expires_s > now_s + TOKEN_ROOM_MAX_S || !bytes_equal_text(of_queue, queue) ||
        room_id_of_text(text, &access.room) < 0)
        return (struct access){.role = ROLE_NONE};
    return access;
}

struct access tokens_judge(const struct tokens *tokens, struct bytes token, const char *queue,
                           int64_t now_s)
{
    const size_t room_prefix = sizeof(ROOM_PREFIX) - 1;
    struct access access = {.role = ROLE_NONE};
    unsigned char hash[TOKEN_HASH_SIZE];

    if (token.len > room_prefix && memcmp(token.data, ROOM_PREFIX, room_prefix) == 0)
        return judge_room_token(tokens,
                                (struct bytes){token.data + room_prefix, token.len - room_prefix},
                                queue, now_s);
    if (token.len == 0 || SHA256((const unsigned char *)token.data, token.len, hash) == NULL)
        return access;
    for (size_t i = 0; i < tokens->len; i++) {
        const struct token *one = &tokens->list[i];
        bool is_it = CRYPTO_memcmp(one->hash, hash, sizeof(hash)) == 0;
        if (is_it && (one->expires_s == 0 || one->expires_s > now_s))
            access = one->access;
    }
    return access;
}

/* --- making them --- */

int token_make(const char *role, int64_t expires_s, char ret_token[TOKEN_SIZE],
               char ret_line[TOKEN_SIZE])
{
    unsigned char random[TOKEN_HASH_SIZE];
    unsigned char hash[TOKEN_HASH_SIZE];
    char hex[HEX_SIZE];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return -1;
    put_hex(random, sizeof(random), hex);
    (void)snprintf(ret_token, TOKEN_SIZE, PREFIX "%s", hex);
    if (SHA256((const unsigned char *)ret_token, strlen(ret_token), hash) == NULL)
        return -1;
    put_hex(hash, sizeof(hash), hex);
    (void)snprintf(ret_line, TOKEN_SIZE, "%s %s %" PRId64, role, hex, expires_s);
    return 0;
}

int token_make_key(char ret_line[TOKEN_SIZE])
{
    unsigned char random[TOKEN_HASH_SIZE];
    char hex[HEX_SIZE];

    if (RAND_bytes(random, sizeof(random)) != 1)
        return -1;
    put_hex(random, sizeof(random), hex);
    (void)snprintf(ret_line, TOKEN_SIZE, "key %s", hex);
    return 0;
}
