/* Files of trusted certificates. */
#ifndef BASE_CERTIFICATE_FILE_H
#define BASE_CERTIFICATE_FILE_H

/* How many certificates a file in PEM holds, as OpenSSL reads it: none when one of them is broken.
 * -1 with errno when the file cannot be read. */
int certificate_file_count(const char *path);

#endif
