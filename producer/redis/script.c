#include "redis/script.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

int redis_script_hash(struct redis_script *script)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    if (EVP_Digest(script->text, strlen(script->text), digest, NULL, EVP_sha1(), NULL) != 1)
        return -1;
    for (size_t b = 0; b < 20; b++)
        snprintf(script->sha + 2 * b, 3, "%02x", digest[b]);
    return 0;
}
