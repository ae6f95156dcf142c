/* Honest variants of licence texts are recognised, and what is not a clean licence is named well:
 * several licences in one file, twins, notices, unknown texts with their clauses. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "sample.h"

static struct stint_licences *table;

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

/* A change that leaves every word: writes @text changed to @out. */
typedef void (*variant_fn)(const char *text, struct stint_buffer *out);

static void line_by_line(const char *text, const char *before, const char *after,
                         struct stint_buffer *out)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        stint_buffer_printf(out, "%s%.*s%s\n", before, (int)length, text, after);
        text += length + (text[length] == '\n');
    }
}

static void with_crlf(const char *text, struct stint_buffer *out)
{
    line_by_line(text, "", "\r", out);
}
static void with_slashes(const char *text, struct stint_buffer *out)
{
    line_by_line(text, "// ", "", out);
}
static void with_hashes(const char *text, struct stint_buffer *out)
{
    line_by_line(text, "# ", "", out);
}
static void with_stars(const char *text, struct stint_buffer *out)
{
    stint_buffer_add_text(out, "/*\n");
    line_by_line(text, " * ", "", out);
    stint_buffer_add_text(out, " */\n");
}
static void in_an_html_comment(const char *text, struct stint_buffer *out)
{
    stint_buffer_printf(out, "<!--\n%s\n-->\n<p></p>\n", text);
}
static void with_quote_marks(const char *text, struct stint_buffer *out)
{
    line_by_line(text, "> ", "  ", out);
}
static void with_tags(const char *text, struct stint_buffer *out)
{
    stint_buffer_add_text(out, "<html lang=\"en\"><body><pre class=\"license\">\n");
    line_by_line(text, "<p>", "</p><br/>", out);
    stint_buffer_add_text(out, "</pre></body></html>\n");
}
static void with_references(const char *text, struct stint_buffer *out)
{
    for (; *text; text++)
        stint_buffer_add_text(out, *text == ' ' ? "&nbsp;" : (char[]){ *text, '\0' });
}
static void with_mark_order(const char *text, struct stint_buffer *out)
{
    stint_buffer_printf(out, "\xef\xbb\xbf%s", text);
}
static void in_upper_case(const char *text, struct stint_buffer *out)
{
    for (; *text; text++)
        stint_buffer_add_char(out, (char)toupper((unsigned char)*text));
}
static void with_hard_blanks(const char *text, struct stint_buffer *out)
{
    for (; *text; text++)
        stint_buffer_add_text(out, *text == ' ' ? "\xc2\xa0\t" : (char[]){ *text, '\0' });
}
static void in_narrow_lines(const char *text, struct stint_buffer *out)
{
    for (size_t column = 0; *text; text++, column++) {
        bool is_end = *text == ' ' && column > 30;
        stint_buffer_add_char(out, is_end ? '\n' : *text);
        column = is_end || *text == '\n' ? 0 : column;
    }
}
static void in_one_line(const char *text, struct stint_buffer *out)
{
    for (; *text; text++)
        stint_buffer_add_char(out, *text == '\n' ? ' ' : *text);
}
static void in_british_spelling(const char *text, struct stint_buffer *out)
{
    static const char *const pairs[][2] = {
        { "license", "licence" },           { "authorization", "authorisation" },
        { "organization", "organisation" }, { "noncommercial", "non-commercial" },
        { "sublicense", "sub-licence" },    { "program", "programme" }
    };
    for (bool is_start = true; *text;) {
        bool is_found = false;
        for (size_t i = 0; i < STINT_ARRAY_SIZE(pairs) && is_start && !is_found; i++) {
            size_t length = strlen(pairs[i][0]);
            if (strncmp(text, pairs[i][0], length) == 0 && isspace((unsigned char)text[length])) {
                stint_buffer_add_text(out, pairs[i][1]);
                text += length;
                is_found = true;
            }
        }
        is_start = !is_found && isspace((unsigned char)*text);
        if (!is_found)
            stint_buffer_add_char(out, *text++);
    }
}
static void with_notice(const char *text, struct stint_buffer *out)
{
    stint_buffer_printf(
        out,
        "Copyright (c) 2019-2026 Jane Doe <jane@example.org>\n"
        "Copyright \xc2\xa9 2026, M\xc3\xbcller & S\xc3\xb8n GmbH. All rights reserved.\n"
        "Portions Copyright 2020 npm, inc. and contributors\n\n%s",
        text);
}
static void with_latin1_notice(const char *text, struct stint_buffer *out)
{
    stint_buffer_printf(out, "Copyright \xa9 2026 M\xfcller\n\n%s", text);
}

static const struct {
    const char *name;
    variant_fn change;
} variants[] = {
    { "CRLF", with_crlf },
    { "// comments", with_slashes },
    { "# comments", with_hashes },
    { "block comment", with_stars },
    { "HTML comment", in_an_html_comment },
    { "quoted mail", with_quote_marks },
    { "HTML", with_tags },
    { "character references", with_references },
    { "byte order mark", with_mark_order },
    { "upper case", in_upper_case },
    { "hard blanks and tabs", with_hard_blanks },
    { "narrow lines", in_narrow_lines },
    { "one line", in_one_line },
    { "British spelling", in_british_spelling },
    { "copyright notices", with_notice },
    { "Latin-1 notice", with_latin1_notice },
};

/* Runs all variants over one text; returns how many were missed. */
static unsigned missed_variants(const char *id, const char *text)
{
    unsigned missed = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(variants); i++) {
        stint_auto(stint_buffer_deinit) struct stint_buffer changed = { 0 };
        variants[i].change(text, &changed);
        bool is_clean = sample_is_clean(table, stint_buffer_text(&changed), changed.length, id);
        if (!is_clean)
            print_message("%s, %s: not clean\n", id, variants[i].name);
        missed += !is_clean;
    }
    return missed;
}

static void harmless_variants_are_clean(void **state)
{
    (void)state;
    static const char *const licences[] = { "MIT",     "BSD-2-Clause", "BSD-3-Clause",
                                            "ISC",     "Apache-2.0",   "Zlib",
                                            "BSL-1.0", "Unlicense",    "MPL-2.0",
                                            "CC0-1.0", "CC-BY-4.0",    "0BSD" };
    unsigned missed = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(licences); i++) {
        struct sample sample = sample_of(table, licences[i]);
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        sample_write(&sample, UINT32_MAX, NULL, false, &text);
        missed += missed_variants(licences[i], stint_buffer_text(&text));
    }
    assert_int_equal(missed, 0);
}

/* Every text of the table, or a sample of them in the quick tier: at least 98 in 100. */
static void variants_of_all_texts_are_clean(void **state)
{
    (void)state;
    uint32_t first = 0;
    uint32_t end = table->texts.counts[TEXTS_TEMPLATES];
    uint32_t step = sample_range(table, &first, &end) ? 1 : 29;
    unsigned missed = 0;
    unsigned seen = 0;
    for (; first < end; first += step) {
        struct sample sample = sample_at(table, first);
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        sample_write(&sample, UINT32_MAX, NULL, false, &text);
        missed += missed_variants(sample_id(&sample), stint_buffer_text(&text));
        seen += (unsigned)STINT_ARRAY_SIZE(variants);
    }
    print_message("%u of %u harmless variants missed\n", missed, seen);
    assert_true(missed * 50 <= seen);
}

/* The files that Debian installs, where it is Debian. */
static void common_licences_and_their_variants_are_clean(void **state)
{
    (void)state;
    static const char *const files[][2] = {
        { "Apache-2.0", "Apache-2.0" },  { "Artistic", "Artistic-1.0-Perl" },
        { "BSD", "BSD-3-Clause" },       { "CC0-1.0", "CC0-1.0" },
        { "GFDL-1.3", "GFDL-1.3-only" }, { "GPL-2", "GPL-2.0-only" },
        { "GPL-3", "GPL-3.0-or-later" }, { "LGPL-2.1", "LGPL-2.1-only" },
        { "LGPL-3", "LGPL-3.0-only" },   { "MPL-1.1", "MPL-1.1" },
        { "MPL-2.0", "MPL-2.0" },
    };
    unsigned missed = 0;
    unsigned seen = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(files); i++) {
        char path[64];
        static char text[65536];
        (void)snprintf(path, sizeof(path), "/usr/share/common-licenses/%s", files[i][0]);
        stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
        if (length < 0)
            continue;
        text[length] = '\0';
        seen++;
        missed += missed_variants(files[i][1], text);
    }
    if (seen == 0)
        skip();
    assert_int_equal(missed, 0);
}

static void recognise(const char *text, struct stint_licence_recognition *found)
{
    assert_int_equal(stint_licence_recognise(table, text, strlen(text), found), 0);
}

static void write_text(const char *id, struct stint_buffer *out)
{
    struct sample sample = sample_of(table, id);
    sample_write(&sample, UINT32_MAX, NULL, false, out);
}

static void two_licences_in_one_file_are_both_found(void **state)
{
    (void)state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
    write_text("MIT", &text);
    stint_buffer_add_text(&text, "\n\n-----------\n\n");
    write_text("Apache-2.0", &text);
    recognise(stint_buffer_text(&text), &found);
    assert_true(found.is_clean);
    assert_int_equal(found.match_count, 2);
    assert_string_equal(found.matches[0].licence->id, "MIT");
    assert_string_equal(found.matches[1].licence->id, "Apache-2.0");
    assert_true(found.matches[0].place.line_end < found.matches[1].place.line);
}

static void a_rider_is_reported_with_its_words_line_and_facet(void **state)
{
    (void)state;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
    write_text("MIT", &text);
    unsigned line = 1;
    for (const char *at = stint_buffer_text(&text); *at; at++)
        line += *at == '\n';
    stint_buffer_add_text(&text, "\nYou may not use the software for commercial purposes.\n");
    recognise(stint_buffer_text(&text), &found);
    assert_false(found.is_clean);
    assert_int_equal(found.match_count, 1);
    assert_int_equal(found.matches[0].kind, STINT_MATCH_MODIFIED);
    assert_string_equal(found.matches[0].licence->id, "MIT");
    assert_int_equal(found.matches[0].edit_count, 1);
    assert_true(found.edits[0].is_inserted);
    assert_int_equal(found.edits[0].word_count, 9);
    assert_int_equal(found.edits[0].place.line, line + 1);
    assert_string_equal(found.edits[0].words,
                        "You may not use the software for commercial purposes");
    assert_memory_equal(stint_buffer_text(&text) + found.edits[0].place.offset, "You may", 7);
    assert_true(found.matches[0].facets & (1u << STINT_FACET_NON_COMMERCIAL));
    assert_true(found.clause_count > 0);
}

static void a_missing_word_is_reported_with_its_place(void **state)
{
    (void)state;
    struct sample sample = sample_of(table, "MIT");
    uint32_t at = 0;
    while (strcmp(sample_word(&sample, at), "warranty") != 0)
        at++;
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
    sample_write(&sample, at, NULL, true, &text);
    recognise(stint_buffer_text(&text), &found);
    assert_int_equal(found.matches[0].kind, STINT_MATCH_MODIFIED);
    assert_int_equal(found.edit_count, 1);
    assert_false(found.edits[0].is_inserted);
    assert_string_equal(found.edits[0].words, "warranty");
    assert_int_equal(found.edits[0].place.length, 0);
}

static void twins_are_ambiguous_until_a_true_tag_settles_them(void **state)
{
    (void)state;
    static const struct {
        const char *tag;
        enum stint_licence_match_kind kind;
        const char *id;
    } cases[] = {
        { "", STINT_MATCH_AMBIGUOUS, NULL },
        { "SPDX-License-Identifier: GPL-3.0-or-later\n", STINT_MATCH_CLEAN, "GPL-3.0-or-later" },
        { "# SPDX-License-Identifier: GPL-3.0-only\n", STINT_MATCH_CLEAN, "GPL-3.0-only" },
        { "SPDX-License-Identifier: GPL-3.0+\n", STINT_MATCH_CLEAN, "GPL-3.0-or-later" },
        { "SPDX-License-Identifier: GPL-3.0\n", STINT_MATCH_AMBIGUOUS, NULL },
        { "SPDX-License-Identifier: MIT\n", STINT_MATCH_MODIFIED, NULL },
        { "SPDX-License-Identifier: GPL-3.0-only but not for commerce\n", STINT_MATCH_MODIFIED,
          NULL },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
        stint_buffer_add_text(&text, cases[i].tag);
        write_text("GPL-3.0-only", &text);
        recognise(stint_buffer_text(&text), &found);
        assert_int_equal(found.match_count, 1);
        assert_int_equal(found.matches[0].kind, cases[i].kind);
        if (cases[i].id)
            assert_string_equal(found.matches[0].licence->id, cases[i].id);
        if (cases[i].kind == STINT_MATCH_AMBIGUOUS)
            assert_int_equal(found.matches[0].twin_count, 2);
    }
}

static void unknown_terms_are_unknown_and_name_their_facets(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum stint_licence_facet facet;
    } cases[] = {
        { "If the products have more than 700 million monthly active users, ask us.",
          STINT_FACET_USER_LIMIT },
        { "You will not use the outputs to improve any other large language model.",
          STINT_FACET_OUTPUT_LIMITS },
        { "Rights are not granted to individuals domiciled in the European Union.",
          STINT_FACET_GEOGRAPHY },
        { "Use must follow the Acceptable Use Policy, which is incorporated by reference.",
          STINT_FACET_USE_POLICY_BY_LINK },
        { "The model is for non-commercial research only.", STINT_FACET_RESEARCH_ONLY },
        { "For licensees with annual revenue of more than 10 million dollars a fee is due.",
          STINT_FACET_REVENUE_LIMIT },
        { "We reserve the right to restrict (remotely or otherwise) usage of the model.",
          STINT_FACET_REVOCABLE },
        { "You may not reverse engineer or decompile the model.", STINT_FACET_NO_STUDY },
        { "You agree not to use the model in violation of the use-based restrictions.",
          STINT_FACET_FIELD_OF_USE },
        { "You must request a license from us by e-mail.", STINT_FACET_REGISTRATION },
        { "You may not distribute the weights.", STINT_FACET_NO_REDISTRIBUTION },
        { "You agree not to use the model or derivatives of the model for military purposes.",
          STINT_FACET_FIELD_OF_USE },
        { "You shall not use, copy, modify, merge, publish, distribute, reproduce, or create "
          "derivative works of the materials, in whole or in part, for any commercial purposes.",
          STINT_FACET_NON_COMMERCIAL },
        { "You may not create derivative works.", STINT_FACET_NO_DERIVATIVES },
        { "Change Date: four years after publication.", STINT_FACET_TIME_LIMIT },
        { "You may not use the service to compete with us.", STINT_FACET_NO_COMPETITION },
        { "Example may update these terms at its discretion.", STINT_FACET_CHANGE_OF_TERMS },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
        recognise(cases[i].text, &found);
        assert_int_equal(found.match_count, 1);
        assert_int_equal(found.matches[0].kind, STINT_MATCH_UNKNOWN);
        assert_null(found.matches[0].licence);
        if (!(found.matches[0].facets >> cases[i].facet & 1))
            fail_msg("no %s in '%s'", stint_licence_facet_name(cases[i].facet), cases[i].text);
    }
}

/* A restriction found is evidence against an artefact, so phrases must be ones that open licences
 * do not use: over all texts that the OSI approved, read as if unknown, they hit almost nothing. */
static bool count_restriction(void *context, const struct clause *clause, size_t first, size_t end)
{
    (void)first;
    (void)end;
    *(bool *)context |= stint_licence_facet_restricts((enum stint_licence_facet)clause->facet);
    return true;
}

static void open_texts_betray_hardly_any_restriction(void **state)
{
    (void)state;
    unsigned open = 0;
    unsigned hit = 0;
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct sample sample = sample_at(table, i);
        const struct stint_licence *licence =
            &table->list[table->text_licences[sample.t.name_first]];
        if (licence->osi != STINT_YES)
            continue;
        stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
        struct words words;
        bool is_restricted = false;
        sample_write(&sample, UINT32_MAX, NULL, false, &text);
        assert_int_equal(words_split(stint_buffer_text(&text), text.length, &words), 0);
        clauses_scan(&table->clauses, &words, 0, words.count, words.count, count_restriction,
                     &is_restricted);
        words_deinit(&words);
        open++;
        hit += is_restricted;
    }
    print_message("%u of %u open texts hit\n", hit, open);
    assert_true(open >= 130);
    assert_true(hit * 10 <= open);
}

static void a_text_without_terms_is_no_licence(void **state)
{
    (void)state;
    static const char *const cases[] = { "", "\n\n", "Copyright (c) 2026 Jane Doe\n",
                                         "Copyright 2026 Example Inc. All rights reserved.\n" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
        recognise(cases[i], &found);
        assert_false(found.is_clean);
        assert_int_equal(found.match_count, 0);
    }
}

static void a_customary_notice_is_named_as_a_notice(void **state)
{
    (void)state;
    struct sample sample = { 0 };
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        sample = sample_at(table, i);
        if (sample.t.is_notice && strcmp(sample_id(&sample), "Apache-2.0") == 0)
            break;
    }
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition found = { 0 };
    stint_buffer_add_text(&text, "Copyright 2026 Jane Doe\n\n");
    sample_write(&sample, UINT32_MAX, NULL, false, &text);
    recognise(stint_buffer_text(&text), &found);
    assert_true(found.is_clean);
    assert_true(found.matches[0].is_notice);
    assert_string_equal(found.matches[0].licence->id, "Apache-2.0");
}

static void the_appendix_may_be_missing_but_not_changed(void **state)
{
    (void)state;
    struct sample sample = sample_of(table, "Apache-2.0");
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    for (uint32_t i = 0; i < sample.t.word_count; i++)
        if (sample_kind(&sample, i) == SAMPLE_CORE)
            stint_buffer_printf(&text, "%s ", sample_word(&sample, i));
    assert_true(sample_is_clean(table, stint_buffer_text(&text), text.length, "Apache-2.0"));
    stint_buffer_add_text(&text, "APPENDIX: How to apply the Apache License to your work.");
    assert_false(sample_is_clean(table, stint_buffer_text(&text), text.length, "Apache-2.0"));
}

static void texts_beyond_the_bound_are_refused(void **state)
{
    (void)state;
    struct stint_licence_recognition found;
    char *text = calloc(1, STINT_LICENCE_TEXT_MAX + 1);
    assert_non_null(text);
    memset(text, 'a', STINT_LICENCE_TEXT_MAX + 1);
    assert_int_equal(stint_licence_recognise(table, text, STINT_LICENCE_TEXT_MAX + 1, &found),
                     STINT_TOO_LARGE);
    assert_int_equal(stint_licence_recognise(table, text, STINT_LICENCE_TEXT_MAX, &found), 0);
    assert_false(found.is_clean);
    stint_licence_recognition_deinit(&found);
    free(text);
}

/* Same result, but for where it lies in memory. */
static void assert_same(const struct stint_licence_recognition *a,
                        const struct stint_licence_recognition *b)
{
    assert_int_equal(a->is_clean, b->is_clean);
    assert_int_equal(a->is_cut, b->is_cut);
    assert_int_equal(a->match_count, b->match_count);
    assert_int_equal(a->edit_count, b->edit_count);
    assert_int_equal(a->clause_count, b->clause_count);
    for (uint32_t i = 0; i < a->match_count; i++) {
        assert_int_equal(a->matches[i].kind, b->matches[i].kind);
        assert_int_equal(a->matches[i].word_count, b->matches[i].word_count);
        assert_int_equal(a->matches[i].place.offset, b->matches[i].place.offset);
        assert_int_equal(a->matches[i].place.length, b->matches[i].place.length);
    }
    for (uint32_t i = 0; i < a->edit_count; i++)
        assert_string_equal(a->edits[i].words, b->edits[i].words);
}

/* The recogniser keeps its room from one text to the next: what the one before left there must not
 * show, whether it was longer, shorter, refused words or had more licences. */
static void a_text_says_the_same_whatever_was_read_before_it(void **state)
{
    (void)state;
    static const char *const ids[] = { "MIT", "GPL-3.0-only", "Apache-2.0", "CC-BY-4.0" };
    enum { TEXTS = STINT_ARRAY_SIZE(ids) + 2 };
    struct stint_buffer texts[TEXTS] = { 0 };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ids); i++) {
        write_text(ids[i], &texts[i]);
        if (i % 2 == 1)
            stint_buffer_add_text(&texts[i], "\nYou may not use it for \xd0\xb0 weapon.\n");
    }
    write_text("MIT", &texts[TEXTS - 2]);
    write_text("BSD-3-Clause", &texts[TEXTS - 2]);
    stint_buffer_add_text(&texts[TEXTS - 1], "No terms at all, permission hereby granted.");
    for (size_t i = 0; i < TEXTS; i++) {
        stint_auto(stint_licence_recognition_deinit) struct stint_licence_recognition alone = { 0 };
        struct stint_licences *fresh;
        assert_int_equal(stint_licences_open(NULL, &fresh, NULL), 0);
        assert_int_equal(
            stint_licence_recognise(fresh, stint_buffer_text(&texts[i]), texts[i].length, &alone),
            0);
        for (size_t before = 0; before < TEXTS; before++) {
            stint_auto(
                stint_licence_recognition_deinit) struct stint_licence_recognition first = { 0 };
            stint_auto(
                stint_licence_recognition_deinit) struct stint_licence_recognition again = { 0 };
            recognise(stint_buffer_text(&texts[before]), &first);
            recognise(stint_buffer_text(&texts[i]), &again);
            assert_same(&alone, &again);
        }
        stint_licences_close(fresh);
    }
    for (size_t i = 0; i < TEXTS; i++)
        stint_buffer_deinit(&texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_variants_are_clean),
        cmocka_unit_test(variants_of_all_texts_are_clean),
        cmocka_unit_test(common_licences_and_their_variants_are_clean),
        cmocka_unit_test(two_licences_in_one_file_are_both_found),
        cmocka_unit_test(a_rider_is_reported_with_its_words_line_and_facet),
        cmocka_unit_test(a_missing_word_is_reported_with_its_place),
        cmocka_unit_test(twins_are_ambiguous_until_a_true_tag_settles_them),
        cmocka_unit_test(unknown_terms_are_unknown_and_name_their_facets),
        cmocka_unit_test(open_texts_betray_hardly_any_restriction),
        cmocka_unit_test(a_text_without_terms_is_no_licence),
        cmocka_unit_test(a_customary_notice_is_named_as_a_notice),
        cmocka_unit_test(the_appendix_may_be_missing_but_not_changed),
        cmocka_unit_test(texts_beyond_the_bound_are_refused),
        cmocka_unit_test(a_text_says_the_same_whatever_was_read_before_it),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
