#include "cli/terminal/line_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* cmocka.h needs those above. */
#include <cmocka.h>

#define LIMIT 8

struct source {
    int write_fd;
    struct line_reader reader;
};

static int open_source(void **state)
{
    static struct source source;
    int fds[2];

    if (pipe(fds) < 0 || line_reader_init(&source.reader, fds[0], LIMIT) < 0)
        return -1;
    source.write_fd = fds[1];
    *state = &source;
    return 0;
}

static int close_source(void **state)
{
    struct source *source = *state;

    (void)close(source->reader.fd);
    line_reader_release(&source->reader);
    if (source->write_fd >= 0)
        (void)close(source->write_fd);
    return 0;
}

static void write_all(struct source *source, const char *text, size_t len)
{
    assert_int_equal(write(source->write_fd, text, len), len);
}

static void end(struct source *source)
{
    (void)close(source->write_fd);
    source->write_fd = -1;
}

/* The next line, filling as long as that is asked for. */
static enum line_kind next(struct source *source, struct bytes *ret_line)
{
    enum line_kind kind;

    while ((kind = line_reader_next(&source->reader, ret_line)) == LINE_MORE)
        assert_int_equal(line_reader_fill(&source->reader), 0);
    return kind;
}

static void expect_line(struct source *source, const char *text, uint64_t number)
{
    struct bytes line = {NULL, 0};

    assert_int_equal(next(source, &line), LINE_TEXT);
    assert_true(bytes_equal_text(line, text));
    assert_int_equal(source->reader.number, number);
}

static void expect(struct source *source, enum line_kind kind, uint64_t number)
{
    struct bytes line = {NULL, 0};

    assert_int_equal(next(source, &line), kind);
    assert_int_equal(source->reader.number, number);
}

static void lines_end_with_newline_or_input(void **state)
{
    static const char text[] = "a\n\nb\r\n\r\nlast";
    struct source *source = *state;

    write_all(source, text, strlen(text));
    end(source);
    expect_line(source, "a", 1);
    expect_line(source, "", 2);
    expect_line(source, "b", 3);
    expect_line(source, "", 4);
    expect_line(source, "last", 5);
    expect(source, LINE_END, 5);
    expect(source, LINE_END, 5);
}

static void empty_input_has_no_line(void **state)
{
    end(*state);
    expect(*state, LINE_END, 0);
}

static void a_line_of_the_limit_passes(void **state)
{
    static const char text[] = "12345678\n123456789\n12345678\r\n123456789\r\n12345678";
    struct source *source = *state;

    write_all(source, text, strlen(text));
    end(source);
    expect_line(source, "12345678", 1);
    expect(source, LINE_TOO_LONG, 2);
    expect_line(source, "12345678", 3);
    expect(source, LINE_TOO_LONG, 4);
    expect_line(source, "12345678", 5);
    expect(source, LINE_END, 5);
}

static void a_line_comes_in_pieces(void **state)
{
    struct source *source = *state;
    struct bytes line = {NULL, 0};

    write_all(source, "ab", 2);
    assert_int_equal(line_reader_fill(&source->reader), 0);
    assert_int_equal(line_reader_next(&source->reader, &line), LINE_MORE);
    write_all(source, "c\nd", 3);
    expect_line(source, "abc", 1);
    assert_int_equal(line_reader_next(&source->reader, &line), LINE_MORE);
    end(source);
    expect_line(source, "d", 2);
    expect(source, LINE_END, 2);
}

/* Far more than the reader holds, in pieces; what follows is read as usual. */
static void a_line_that_never_ends_costs_no_memory(void **state)
{
    struct source *source = *state;
    struct bytes line = {NULL, 0};
    char piece[4096];

    memset(piece, 'x', sizeof(piece));
    for (int i = 0; i < 100; i++) {
        write_all(source, piece, sizeof(piece));
        assert_int_equal(line_reader_fill(&source->reader), 0);
        assert_int_equal(line_reader_next(&source->reader, &line), LINE_MORE);
    }
    write_all(source, "\nnext\n", 6);
    expect(source, LINE_TOO_LONG, 1);
    expect_line(source, "next", 2);
    for (int i = 0; i < 4; i++) {
        write_all(source, piece, sizeof(piece));
        assert_int_equal(line_reader_fill(&source->reader), 0);
        assert_int_equal(line_reader_next(&source->reader, &line), LINE_MORE);
    }
    end(source);
    expect(source, LINE_TOO_LONG, 3);
    expect(source, LINE_END, 3);
}

static void a_failed_read_is_told(void **state)
{
    struct line_reader reader;

    (void)state;
    assert_int_equal(line_reader_init(&reader, -1, LIMIT), 0);
    assert_int_equal(line_reader_fill(&reader), -1);
    line_reader_release(&reader);
}

int main(void)
{
#define WITH_SOURCE(test) cmocka_unit_test_setup_teardown(test, open_source, close_source)
    const struct CMUnitTest tests[] = {
        WITH_SOURCE(lines_end_with_newline_or_input),
        WITH_SOURCE(empty_input_has_no_line),
        WITH_SOURCE(a_line_of_the_limit_passes),
        WITH_SOURCE(a_line_comes_in_pieces),
        WITH_SOURCE(a_line_that_never_ends_costs_no_memory),
        cmocka_unit_test(a_failed_read_is_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
