#include "web/token_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/log.h"

#define FILE_MAX 65536
#define LOOK_EVERY_MS 500

static int read_all(int fd, char text[FILE_MAX], size_t *ret_len, struct error_text *why)
{
    size_t len = 0;
    ssize_t got = 1;

    while (len < FILE_MAX && got > 0) {
        got = read(fd, text + len, FILE_MAX - len);
        if (got > 0)
            len += (size_t)got;
    }
    *ret_len = len;
    if (got == 0)
        return 0;
    error_text_set(
        why, got < 0 ? "the tokens' file cannot be read: %s" : "the tokens' file is too long%.0s",
        strerror(errno));
    return -1;
}

static int parse_fd(int fd, struct tokens *ret_tokens, struct error_text *why)
{
    char text[FILE_MAX];
    size_t len;

    int result = read_all(fd, text, &len, why);
    if (result == 0)
        result = tokens_parse((struct bytes){text, len}, ret_tokens, why);
    explicit_bzero(text, sizeof(text)); /* the key */
    return result;
}

static int read_file(struct token_file *file, struct error_text *why)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        error_text_set(why, "the tokens' file cannot be read: %s", strerror(errno));
        return -1;
    }
    int result = parse_fd(fd, &file->tokens, why);
    (void)close(fd);
    return result;
}

int token_file_open(struct token_file *file, const char *path, struct error_text *why)
{
    file->path = path;
    (void)file_mark_changed(&file->mark, path);
    if (file_is_open_to_all(path))
        log_at(LOG_WARN, "setting", log_text("warning", "every user may read the tokens' file"));
    return read_file(file, why);
}

const struct tokens *token_file_tokens(struct token_file *file, int64_t now_ms)
{
    struct error_text why;

    if (now_ms - file->looked_at_ms < LOOK_EVERY_MS)
        return &file->tokens;
    file->looked_at_ms = now_ms;
    if (file_mark_changed(&file->mark, file->path) && read_file(file, &why) < 0) {
        log_at(LOG_ERROR, "tokens_unreadable", log_text("why", why.text),
               log_text("then", "no token is valid"));
        file->tokens = (struct tokens){.has_key = false};
    }
    return &file->tokens;
}

static int append(int fd, const char *role, int64_t expires_s, char ret_token[TOKEN_SIZE],
                  struct error_text *why)
{
    struct tokens tokens = {.has_key = false};
    char key[TOKEN_SIZE] = "";
    char line[TOKEN_SIZE];
    char text[2 * TOKEN_SIZE + 2];

    if (parse_fd(fd, &tokens, why) < 0)
        return -1;
    error_text_set(why, "there is no randomness");
    if ((!tokens.has_key && token_make_key(key) < 0) ||
        token_make(role, expires_s, ret_token, line) < 0)
        return -1;
    int len = snprintf(text, sizeof(text), "%s%s%s\n", key, key[0] != '\0' ? "\n" : "", line);
    bool is_written = lseek(fd, 0, SEEK_END) >= 0 && write(fd, text, (size_t)len) == len;
    explicit_bzero(text, sizeof(text));
    explicit_bzero(key, sizeof(key));
    if (!is_written)
        error_text_set(why, "the tokens' file cannot be written: %s", strerror(errno));
    return is_written ? 0 : -1;
}

int token_file_add(const char *path, const char *role, int64_t expires_s,
                   char ret_token[TOKEN_SIZE], struct error_text *why)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd < 0 || flock(fd, LOCK_EX) < 0) {
        error_text_set(why, "the tokens' file cannot be opened: %s", strerror(errno));
        if (fd >= 0)
            (void)close(fd);
        return -1;
    }
    int result = append(fd, role, expires_s, ret_token, why);
    (void)close(fd);
    return result;
}
