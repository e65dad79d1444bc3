/*
 * Runs a fuzz target once for every file of the directories given as arguments, in order of their
 * names. Each name is printed before its run, so that a crash tells which file it was.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz.h"

#define FILE_MAX_BYTES (16 << 20)

/* The copy has exactly the file's size, so that AddressSanitizer sees a read behind its end. */
static int replay_open_file(FILE *file)
{
    struct stat status;
    if (fstat(fileno(file), &status) != 0 || status.st_size > FILE_MAX_BYTES)
        return -1;
    size_t size = (size_t)status.st_size;
    uint8_t *data = malloc(size > 0 ? size : 1);
    if (data == NULL)
        return -1;
    int result = -1;
    if (fread(data, 1, size, file) == size) {
        LLVMFuzzerTestOneInput(data, size);
        result = 0;
    }
    free(data);
    return result;
}

static int replay_file(const char *path)
{
    puts(path);
    fflush(stdout);
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    int result = replay_open_file(file);
    fclose(file);
    return result;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* How many files were run, or -1. */
static int replay_directory(const char *directory)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_visible, alphasort);
    int result = count;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int len = snprintf(path, sizeof(path), "%s/%s", directory, entries[i]->d_name);
        if (len < 0 || (size_t)len >= sizeof(path) || replay_file(path) != 0)
            result = -1;
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* An empty or missing corpus is a failure: it would test nothing. */
int main(int argc, char **argv)
{
    int result = argc > 1 ? 0 : 1;
    for (int i = 1; i < argc; i++) {
        if (replay_directory(argv[i]) <= 0) {
            fprintf(stderr, "%s: no file, or one that cannot be read\n", argv[i]);
            result = 1;
        }
    }
    return result;
}
