/* What a word of a licence text is, and what its surroundings make of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "words.h"

/* The words of @text with a blank between; those with one of @flags in brackets. */
static void write_words(const char *text, unsigned flags, char *out, size_t size)
{
    struct words words;
    size_t length = 0;
    assert_int_equal(words_split(text, strlen(text), &words), 0);
    assert_int_equal(words_mark(&words), 0);
    out[0] = '\0';
    for (size_t i = 0; i < words.count; i++) {
        bool is_marked = words.list[i].flags & flags;
        int more = snprintf(out + length, size - length, "%s%s%s%s", i > 0 ? " " : "",
                            is_marked ? "[" : "", words_text(&words, i), is_marked ? "]" : "");
        assert_true(more > 0 && (size_t)more < size - length);
        length += (size_t)more;
    }
    words_deinit(&words);
}

struct row {
    const char *text;
    const char *words;
};

static void check(const struct row *rows, size_t count, unsigned flags)
{
    for (size_t i = 0; i < count; i++) {
        char found[400];
        write_words(rows[i].text, flags, found, sizeof(found));
        assert_string_equal(found, rows[i].words);
    }
}

static void words_are_compared_without_case_style_and_spelling(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "", "" },
        { "  \n\t", "" },
        { "The Software is provided \"AS IS\"", "the software is provided as is" },
        { "\xe2\x80\x9c"
          "AS IS\xe2\x80\x9d \xe2\x80\x94 licensor\xe2\x80\x99s",
          "as is licensor s" },
        { "Licence, sub-licence and sub license", "license sublicense and sublicense" },
        { "non-commercial noncommercial non commercial",
          "noncommercial noncommercial noncommercial" },
        { "non\n# commercial", "noncommercial" },
        { "non-\n; commercial", "noncommercial" },
        { "non; commercial", "non commercial" },
        { "d'avoir non \xc3\xa0", "d avoir non \xc3\xa0" },
        { "per cent e-mail", "percent email" },
        { "copyright owner, copyright holder", "copyright holder copyright holder" },
        { "https://example.org", "http example org" },
        { "\xc3\x89TAT \xd0\x9f\xd0\xa0", "\xc3\xa9tat \xd0\xbf\xd1\x80" },
        { "\xe4\xb8\x8d\xe5\xbe\x97", "\xe4\xb8\x8d \xe5\xbe\x97" },
        { "e\xef\xac\x83"
          "cient",
          "efficient" },
        { "\xa9 M\xfcller", "c m\xc3\xbcller" },
        { "\xef\xbb\xbf"
          "MIT",
          "mit" },
        { "authorisation organised whilst", "authorization organized while" },
    };
    check(rows, STINT_ARRAY_SIZE(rows), 0);
}

static void markup_is_no_word_but_hides_none(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "<p>MIT</p><br/>", "mit" },
        { "<p class=\"x\">a</p>", "[x] a" },
        { "<p title=\"no commercial use\">a</p>", "[no] [commercial] [use] a" },
        { "<p onclick=\"x\">a</p>", "p onclick x a" },
        { "<year> <name of author>", "year name of author" },
        { "<script>no</script>", "script no script" },
        { "a&nbsp;b &quot;c&quot; &#8220;d", "a b c d" },
        { "&#110;ot &unknown;", "110 ot unknown" },
        { "[text](https://example.org/a)", "text [http] [example] [org] [a]" },
        { "<!-- not -->", "not" },
        { "<p", "p" },
    };
    check(rows, STINT_ARRAY_SIZE(rows), WORD_LINK);
}

static void what_is_hidden_marks_its_word(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "per\xe2\x80\x8bmission", "[per\x01mission]" },
        { "a \xe2\x80\x8b b", "a [\x01] b" },
        { "so\xc2\xad"
          "ft",
          "[so\x01"
          "ft]" },
        { "p\xd0\xb0y", "[p\xd0\xb0y]" },
        { "a\x08"
          "b",
          "[a\x01"
          "b]" },
        { "a \xef\xbb\xbf b", "a [\x01] b" },
        { "~~without~~ words", "[\x01] [\x01without] [\x01] [\x01] words" },
        { "~~~~\nwords ~ here", "words here" },
        { "honest words", "honest words" },
    };
    check(rows, STINT_ARRAY_SIZE(rows), WORD_DISGUISED);
}

static void list_marks_are_marked_and_numbers_of_the_text_are_not(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "1. First\n\n2. Second", "[1] first [2] second" },
        { "conditions are met:\n1) one;\n2) two", "conditions are met [1] one [2] two" },
        { "you may (a) copy (iv) sell", "you may [a] copy [iv] sell" },
        { "Heading\n\n1.1 Scope", "heading [1] [1] scope" },
        { "within thirty (30) days", "within thirty 30 days" },
        { "within thirty\n(60) days", "within thirty 60 days" },
        { "License, v.\n3.0. More", "license v 3 0 more" },
        { "Section\n2. More", "section 2 more" },
        { "Section 4. More", "section 4 more" },
        { "terms.\n700. million", "terms 700 million" },
        { "license(s)", "license s" },
    };
    check(rows, STINT_ARRAY_SIZE(rows), WORD_BULLET);
}

static void notices_are_marked_up_to_the_first_word_of_a_condition(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "Copyright (c) 2020 Jane Doe\nPermission",
          "[copyright] [c] [2020] [jane] [doe] permission" },
        { "Copyright \xc2\xa9 2020-2024 by npm, Inc. and contributors",
          "[copyright] [c] [2020] [2024] [by] [npm] [inc] [and] [contributors]" },
        { "Copyright <YEAR> <COPYRIGHT HOLDER>", "[copyright] [year] [copyright] [holder]" },
        { "(c) 2020 Jane Doe", "[c] [2020] [jane] [doe]" },
        { "Copyright (c) 2020 Jane Doe. You may not sell it.",
          "[copyright] [c] [2020] [jane] [doe] you may not sell it" },
        { "Copyright (c) 2020 Commercial Users Excluded",
          "[copyright] [c] [2020] commercial users excluded" },
        { "copyright notice and this permission", "copyright notice and this permission" },
        { "COPYRIGHT HOLDERS BE LIABLE", "copyright holders be liable" },
        { "Copyright (c) 2020 Jane Doe,\n  John Doe\n\nText",
          "[copyright] [c] [2020] [jane] [doe] [john] [doe] text" },
        { "Copyright (c) 2020 Jane Doe\nAll rights reserved.\nText",
          "[copyright] [c] [2020] [jane] [doe] [all] [rights] [reserved] text" },
        { "Copyright (c) 2020 Jane Doe\nThis software is free",
          "[copyright] [c] [2020] [jane] [doe] this software is free" },
        { "Copyright (c) 2020 \xe4\xb8\x8d\xe5\xbe\x97\xe5\x95\x86\xe7\x94\xa8",
          "[copyright] [c] [2020] \xe4\xb8\x8d \xe5\xbe\x97 \xe5\x95\x86 \xe7\x94\xa8" },
        { "Copyright (c) 2020 J\xd0\xb0ne", "[copyright] [c] [2020] j\xd0\xb0ne" },
    };
    check(rows, STINT_ARRAY_SIZE(rows), WORD_NOTICE);
}

static void identifier_tags_are_whole_expressions(void **state)
{
    (void)state;
    static const struct row rows[] = {
        { "// SPDX-License-Identifier: MIT\ntext", "[spdx] [license] [identifier] [mit] text" },
        { "/* SPDX-License-Identifier: (MIT OR ISC) */",
          "[spdx] [license] [identifier] [mit] [or] [isc]" },
        { "SPDX-License-Identifier: MIT but not for you",
          "spdx license identifier mit but not for you" },
        { "SPDX-License-Identifier:\nMIT", "spdx license identifier mit" },
    };
    check(rows, STINT_ARRAY_SIZE(rows), WORD_TAG);
}

static void places_are_bytes_of_the_source(void **state)
{
    (void)state;
    static const char text[] = "\xe2\x80\x9cT\xc3\x9cR\xe2\x80\x9d \xc2\xa9 sub-\n licence";
    struct words words;
    assert_int_equal(words_split(text, sizeof(text) - 1, &words), 0);
    assert_int_equal(words.count, 3);
    assert_memory_equal(text + words.list[0].offset, "T\xc3\x9cR", words.list[0].length);
    assert_int_equal(words.list[0].length, 4);
    assert_memory_equal(text + words.list[2].offset, "sub-\n licence", words.list[2].length);
    words_deinit(&words);
}

static void a_word_too_long_to_keep_equals_nothing(void **state)
{
    (void)state;
    char text[400];
    memset(text, 'a', sizeof(text));
    struct words words;
    assert_int_equal(words_split(text, sizeof(text), &words), 0);
    assert_int_equal(words.count, 1);
    assert_int_equal(words_text(&words, 0)[0], '\x01');
    assert_true(strlen(words_text(&words, 0)) <= WORD_TEXT_MAX);
    words_deinit(&words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_are_compared_without_case_style_and_spelling),
        cmocka_unit_test(markup_is_no_word_but_hides_none),
        cmocka_unit_test(what_is_hidden_marks_its_word),
        cmocka_unit_test(list_marks_are_marked_and_numbers_of_the_text_are_not),
        cmocka_unit_test(notices_are_marked_up_to_the_first_word_of_a_condition),
        cmocka_unit_test(identifier_tags_are_whole_expressions),
        cmocka_unit_test(places_are_bytes_of_the_source),
        cmocka_unit_test(a_word_too_long_to_keep_equals_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
