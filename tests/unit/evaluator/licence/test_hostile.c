/* Near-copies made to deceive, and honest variants: the first are never clean, the second always.
 * The quick tier takes samples; STINT_HOSTILE=once puts every word of every text at risk once, and
 * STINT_HOSTILE=all in three ways; both try riders, numbers and disguises in each of them
 * (once:FROM-TO, all:FROM-TO: in a part of the texts). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sample.h"

static struct stint_licences *table;

static const char *const licences[] = {
    "MIT",          "BSD-2-Clause", "BSD-3-Clause", "ISC",     "Apache-2.0",
    "Zlib",         "BSL-1.0",      "Unlicense",    "MPL-2.0", "CC0-1.0",
    "GPL-3.0-only", "CC-BY-4.0",    "OpenMDW-1.0",
};

/* Sentences that take something away, in the ways licensors really do. */
static const char *const riders[] = {
    "You may not use the Software for commercial purposes.",
    "Non-commercial use only.",
    "Commercial use requires a separate license.",
    "The Software shall not be used for military purposes.",
    "Use by persons resident in the European Union is not permitted.",
    "If you have more than 700 million monthly active users you must request a license.",
    "Companies with annual revenue above $1,000,000 must pay a fee.",
    "Outputs may not be used to train any other model.",
    "Use is subject to the Acceptable Use Policy at https://example.com/aup.",
    "You must register at example.com before use.",
    "The licensor may revoke this license at any time.",
    "Redistribution is prohibited.",
    "You may not modify the weights.",
    "Research use only.",
    "Reverse engineering is forbidden.",
    "except for competitors of the licensor",
    "not",
    "never",
    "only",
    "unless otherwise stated",
    "No.",
    "excluding artificial intelligence",
    "The Software shall be used for Good, not Evil.",
    "This license expires after 30 days.",
};

static int setup(void **state)
{
    (void)state;
    return stint_licences_open(NULL, &table, NULL);
}

static int teardown(void **state)
{
    (void)state;
    table = stint_licences_close(table);
    return 0;
}

static unsigned tried;
static unsigned clean_as_another;

/* The text with @insert at word @at, or with the word replaced by it. */
static bool is_clean_with(const struct sample *sample, uint32_t at, const char *insert,
                          bool is_replaced)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    char other[64];
    sample_write(sample, at, insert, is_replaced, &text);
    bool is_clean =
        sample_is_clean_as(table, stint_buffer_text(&text), text.length, sample_id(sample), other);
    tried++;
    if (other[0] && at != UINT32_MAX) {
        clean_as_another++;
        print_message("%s: word %u '%s' %s '%s': it is %s now\n", sample_id(sample), at,
                      at < sample->t.word_count ? sample_word(sample, at) : "",
                      is_replaced ? "replaced by" : "after", insert ? insert : "", other);
    }
    return is_clean;
}

/* Calls @fn for the texts that the long run asks for, else for the licences of the quick tier. */
static void each_sample(void (*fn)(const struct sample *sample, bool is_whole))
{
    uint32_t first;
    uint32_t end;
    if (!sample_range(table, &first, &end)) {
        for (size_t i = 0; i < STINT_ARRAY_SIZE(licences); i++) {
            struct sample sample = sample_of(table, licences[i]);
            fn(&sample, false);
        }
        return;
    }
    for (; first < end; first++) {
        struct sample sample = sample_at(table, first);
        fn(&sample, true);
    }
}

static void table_texts_are_clean_as_they_are(void **state)
{
    (void)state;
    unsigned missed = 0;
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct sample sample = sample_at(table, i);
        bool is_clean = is_clean_with(&sample, UINT32_MAX, NULL, false);
        if (!is_clean)
            print_message("not clean: %s\n", sample_id(&sample));
        missed += !is_clean;
    }
    assert_true(missed * 100 <= table->texts.counts[TEXTS_TEMPLATES]);
}

static void try_riders(const struct sample *sample, bool is_whole)
{
    uint64_t random = 20261125 + sample->template;
    unsigned places = is_whole ? 4 : 2;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(riders); i++) {
        for (unsigned k = 0; k < places; k++) {
            uint32_t at = k == 0 ? (i % 2 ? 0 : sample->t.word_count)
                                 : sample_random(&random, sample->t.word_count);
            if (is_clean_with(sample, at, riders[i], false))
                fail_msg("%s with '%s' at word %u is clean", sample_id(sample), riders[i], at);
        }
    }
}

static void riders_are_never_clean(void **state)
{
    (void)state;
    each_sample(try_riders);
}

/* "No Limit Public License": a title may be repeated, what it denies stays what it is. */
static void a_title_lends_no_negation(void **state)
{
    (void)state;
    struct sample sample = sample_of(table, "NLPL");
    assert_true(is_clean_with(&sample, UINT32_MAX, NULL, false));
    for (uint32_t at = 0; at < sample.t.word_count; at++)
        if (is_clean_with(&sample, at, "No.", false))
            fail_msg("'No.' at word %u is clean", at);
}

/* A rider in the holder's own line, behind a name that looks honest. */
static void riders_in_notices_are_never_clean(void **state)
{
    (void)state;
    static const char *const before[] = {
        "Copyright (c) 2026 Example Inc. ",
        "\nCopyright (c) 2026 Example Inc.\n",
        "Copyright 2026 Example, all rights reserved. ",
        "Copyright (c) 2026 Jane Doe, ",
        "<!-- ",
        "[Example](https://example.org) ",
    };
    struct sample sample = sample_of(table, "MIT");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(before); i++) {
        for (size_t j = 0; j < STINT_ARRAY_SIZE(riders); j++) {
            char line[256];
            (void)snprintf(line, sizeof(line), "%s%s\n", before[i], riders[j]);
            if (is_clean_with(&sample, 0, line, false))
                fail_msg("'%s' is clean", line);
        }
    }
}

/* Words struck out, or a sign of negation before them. */
static void struck_and_negated_words_are_never_clean(void **state)
{
    (void)state;
    static const char *const forms[] = { "~~%s~~",
                                         "<del>%s</del>",
                                         "<s>%s</s>",
                                         "\xc2\xac%s",
                                         "\xe2\x88\x84 %s",
                                         "\xe2\x9d\x8c %s",
                                         "<span style=\"display:none\">%s</span>",
                                         "<!-- %s",
                                         "%s\xcc\xb6" };
    struct sample sample = sample_of(table, "MIT");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(forms); i++) {
        for (uint32_t at = 0; at < sample.t.word_count; at += 9) {
            if (sample_kind(&sample, at) != SAMPLE_CORE)
                continue;
            char text[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            (void)snprintf(text, sizeof(text), forms[i], sample_word(&sample, at));
#pragma GCC diagnostic pop
            if (is_clean_with(&sample, at, text, true))
                fail_msg("'%s' is clean", text);
        }
    }
}

static const char *flipped(const char *word)
{
    static const char *const pairs[][2] = { { "may", "must" },     { "with", "without" },
                                            { "any", "no" },       { "and", "or" },
                                            { "or", "and" },       { "shall", "may" },
                                            { "not", "also" },     { "without", "with" },
                                            { "free", "subject" }, { "is", "isnt" } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(pairs); i++)
        if (strcmp(word, pairs[i][0]) == 0)
            return pairs[i][1];
    return "not";
}

/* Is way @way the one for word @at? With STINT_HOSTILE=once they take turns. */
static bool is_way(uint32_t at, uint32_t way)
{
    return !sample_is_once() || at % 3 == way;
}

/* Taken out, a word is still there when the other text of the same licence has it as a list mark,
 * or when a notice behind it, whose words are free, says it again ("21 December 1999 / Copyright
 * 1999"). */
static bool is_said_elsewhere(const struct sample *sample, uint32_t at)
{
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct sample twin = sample_at(table, i);
        if (strcmp(sample_id(&twin), sample_id(sample)) == 0 && at < twin.t.word_count &&
            sample_kind(&twin, at) == SAMPLE_BULLET &&
            strcmp(sample_word(&twin, at), sample_word(sample, at)) == 0)
            return true;
    }
    for (uint32_t i = at + 1; i < sample->t.word_count && sample_kind(sample, i) == SAMPLE_FREE;
         i++)
        if (strcmp(sample_word(sample, i), sample_word(sample, at)) == 0)
            return true;
    return false;
}

/* Each word that must be there, changed, taken out, and with a "not" before it. */
static unsigned clean_flips(const struct sample *sample, uint32_t first, uint32_t step)
{
    unsigned clean = 0;
    for (uint32_t at = first; at < sample->t.word_count; at += step) {
        enum sample_kind kind = sample_kind(sample, at);
        if (kind != SAMPLE_CORE && kind != SAMPLE_OPTIONAL)
            continue;
        const char *word = sample_word(sample, at);
        const char *other = flipped(word);
        bool is_changed = strcmp(word, other) != 0;
        bool bad[] = { is_way(at, 0) && is_changed && is_clean_with(sample, at, other, true),
                       is_way(at, is_changed ? 1 : at % 3) &&
                           is_clean_with(sample, at, NULL, true) && !is_said_elsewhere(sample, at),
                       is_way(at, 2) && is_clean_with(sample, at, "not", false) };
        for (size_t i = 0; i < STINT_ARRAY_SIZE(bad); i++) {
            clean += bad[i];
            if (bad[i])
                print_message("%s: word %u '%s' %s\n", sample_id(sample), at, word,
                              i == 0   ? "changed"
                              : i == 1 ? "taken out"
                                       : "with 'not' before it");
        }
    }
    return clean;
}

static unsigned clean_count;

static void try_flips(const struct sample *sample, bool is_whole)
{
    if (is_whole)
        clean_count += clean_flips(sample, 0, 1);
    else
        clean_count += clean_flips(sample, sample->template % 13, 1 + sample->t.word_count / 60);
}

static void flipped_words_are_never_clean(void **state)
{
    (void)state;
    clean_count = 0;
    each_sample(try_flips);
    assert_int_equal(clean_count, 0);
}

/* Limits raised and lowered: by one, tenfold, and a number that was a word. */
static void try_numbers(const struct sample *sample, bool is_whole)
{
    static const char *const words[][2] = { { "ten", "one" },       { "thirty", "three" },
                                            { "sixty", "six" },     { "million", "thousand" },
                                            { "ninety", "nine" },   { "days", "hours" },
                                            { "percent", "cents" }, { "year", "day" } };
    (void)is_whole;
    for (uint32_t at = 0; at < sample->t.word_count; at++) {
        const char *word = sample_word(sample, at);
        enum sample_kind kind = sample_kind(sample, at);
        if (kind != SAMPLE_CORE && kind != SAMPLE_OPTIONAL)
            continue;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(words); i++)
            if (strcmp(word, words[i][0]) == 0 && is_clean_with(sample, at, words[i][1], true))
                fail_msg("%s: '%s' for '%s' at word %u", sample_id(sample), words[i][1], word, at);
        if (kind != SAMPLE_CORE || strspn(word, "0123456789") == 0)
            continue;
        long number = strtol(word, NULL, 10);
        const long others[] = { number + 1, number > 0 ? number - 1 : 7, number * 10 + 3 };
        for (size_t i = 0; i < STINT_ARRAY_SIZE(others); i++) {
            char text[40];
            (void)snprintf(text, sizeof(text), i == 0 ? "\n(%ld)" : "%ld", others[i]);
            if (is_clean_with(sample, at, text, true))
                fail_msg("%s: %s for %s at word %u", sample_id(sample), text, word, at);
        }
    }
}

static void changed_numbers_are_never_clean(void **state)
{
    (void)state;
    each_sample(try_numbers);
}

/* Look-alike letters and invisible characters, in and between words. */
static const struct {
    const char *letter; /* replaced, NULL: put into the word */
    const char *by;
} tricks[] = {
    { "a", "\xd0\xb0" },          /* Cyrillic a */
    { "e", "\xd0\xb5" },          /* Cyrillic ie */
    { "o", "\xce\xbf" },          /* Greek omicron */
    { "c", "\xd1\x81" },          /* Cyrillic es */
    { "p", "\xd1\x80" },          /* Cyrillic er */
    { "i", "\xef\xbd\x89" },      /* full-width i */
    { "n", "\xf0\x9d\x90\xa7" },  /* mathematical bold n */
    { "t", "\xf0\x9d\x9a\x9d" },  /* mathematical monospace t */
    { "s", "\xea\x9c\xb1" },      /* Latin small capital s */
    { NULL, "\xe2\x80\x8b" },     /* zero width space */
    { NULL, "\xe2\x80\x8c" },     /* zero width non-joiner */
    { NULL, "\xe2\x80\x8d" },     /* zero width joiner */
    { NULL, "\xe2\x81\xa0" },     /* word joiner */
    { NULL, "\xc2\xad" },         /* soft hyphen */
    { NULL, "\xe2\x80\xae" },     /* right-to-left override */
    { NULL, "\xef\xbb\xbf" },     /* byte order mark */
    { NULL, "\xf3\xa0\x81\xa1" }, /* tag letter */
    { NULL, "\xcc\xb6" },         /* combining long stroke */
    { NULL, "\x08" },             /* backspace */
};

static void try_trick(const struct sample *sample, size_t trick, uint32_t at)
{
    const char *word = sample_word(sample, at);
    const char *letter = tricks[trick].letter;
    const char *place = letter ? strstr(word, letter) : word + 1;
    char changed[160];
    if (sample_kind(sample, at) != SAMPLE_CORE || !place)
        return;
    (void)snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - word), word,
                   tricks[trick].by, place + (letter ? 1 : 0));
    if (is_clean_with(sample, at, changed, true))
        fail_msg("%s: trick %zu in '%s' is clean", sample_id(sample), trick, word);
    bool is_opening = at == 0 && strcmp(tricks[trick].by, "\xef\xbb\xbf") == 0;
    if (!letter && !is_opening && is_clean_with(sample, at, tricks[trick].by, false))
        fail_msg("%s: trick %zu between words is clean", sample_id(sample), trick);
}

static void try_tricks(const struct sample *sample, bool is_whole)
{
    uint64_t random = 20261126 + sample->template;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(tricks); i++)
        for (unsigned k = 0; k < (is_whole ? 6u : 4u); k++)
            try_trick(sample, i, sample_random(&random, sample->t.word_count));
}

static void disguises_are_never_clean(void **state)
{
    (void)state;
    struct sample sample = sample_of(table, "BSD-3-Clause");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(tricks); i++)
        for (uint32_t at = 0; at < sample.t.word_count; at += 5)
            try_trick(&sample, i, at);
    each_sample(try_tricks);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_texts_are_clean_as_they_are),
        cmocka_unit_test(riders_are_never_clean),
        cmocka_unit_test(a_title_lends_no_negation),
        cmocka_unit_test(riders_in_notices_are_never_clean),
        cmocka_unit_test(flipped_words_are_never_clean),
        cmocka_unit_test(changed_numbers_are_never_clean),
        cmocka_unit_test(disguises_are_never_clean),
        cmocka_unit_test(struck_and_negated_words_are_never_clean),
    };
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    printf("%u texts tried, %u of them are another licence as a whole\n", tried, clean_as_another);
    return failed;
}
