#include "base/certificate_file.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>

static int count(FILE *file)
{
    STACK_OF(X509_INFO) *infos = PEM_X509_INFO_read(file, NULL, NULL, NULL);
    int certificates = 0;

    for (int i = 0; i < sk_X509_INFO_num(infos); i++)
        certificates += sk_X509_INFO_value(infos, i)->x509 != NULL;
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    ERR_clear_error(); /* what was wrong with the file would be taken for the next failure */
    return certificates;
}

int certificate_file_count(const char *path)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return -1;
    errno = 0;
    int certificates = count(file);
    int error = ferror(file) ? errno : 0;
    (void)fclose(file);
    errno = error;
    return error != 0 ? -1 : certificates;
}
