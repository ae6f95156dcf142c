/* SHA-256 against FIPS 180-4's examples; digests as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stint/digest.h"

static void sha256_gives_the_standards_examples(void **state)
{
    (void)state;
    struct stint_sha256 digest;
    char hex[STINT_SHA256_HEX];
    stint_sha256("abc", 3, &digest);
    assert_string_equal(stint_sha256_hex(&digest, hex),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    stint_sha256(NULL, 0, &digest);
    assert_string_equal(stint_sha256_hex(&digest, hex),
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void pieces_give_the_same_digest_as_the_whole(void **state)
{
    (void)state;
    struct stint_sha256_stream *stream;
    struct stint_sha256 whole;
    struct stint_sha256 pieces;
    assert_int_equal(stint_sha256_stream_new(&stream), 0);
    stint_sha256_stream_add(stream, "a", 1);
    stint_sha256_stream_add(stream, "bc", 2);
    stint_sha256_stream_end(stream, &pieces);
    stint_sha256("abc", 3, &whole);
    assert_memory_equal(&whole, &pieces, sizeof(whole));
}

static void a_digest_is_read_whole_or_refused(void **state)
{
    (void)state;
    struct stint_sha256 digest;
    struct stint_sha256 back;
    char text[80] = "sha256:";
    stint_sha256("abc", 3, &digest);
    stint_sha256_hex(&digest, text + 7);
    assert_int_equal(stint_sha256_parse(text, &back, NULL), 0);
    assert_memory_equal(&digest, &back, sizeof(back));
    text[70] = 'g';
    assert_int_equal(stint_sha256_parse(text, &back, NULL), STINT_INVALID);
    assert_int_equal(stint_sha256_parse("sha256:ab", &back, NULL), STINT_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_gives_the_standards_examples),
        cmocka_unit_test(pieces_give_the_same_digest_as_the_whole),
        cmocka_unit_test(a_digest_is_read_whole_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
