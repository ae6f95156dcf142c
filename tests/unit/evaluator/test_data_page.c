/* Pages about training data: what describes, what only looks as if it did. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "evaluator/prose.h"
#include "fixture.h"

/* The open model's page, its parts replaceable. */
#define ROW   "| village/sentences | open | CC0-1.0 | https://example.org/sentences.txt |\n"
#define INTRO "All data used to train the model is listed here.\n"
#define FROM  "## Provenance\n\nWritten by the authors for this purpose, copied from nowhere.\n\n"
#define LABEL "## Labelling\n\nThere are no labels; the text predicts itself.\n\n"
#define PAGE(intro, rows, from, label)                                                             \
    "# Data\n\n" intro "\n| data set | class | licence | where |\n|---|---|---|---|\n" rows        \
    "\n" from "## Scope and characteristics\n\nForty lines of English text, nothing personal.\n\n" \
    "## How it was obtained and selected\n\nEvery line that was written is part of it.\n\n" label  \
    "## Processing and filtering\n\nLower case, unknown characters dropped.\n"
#define ROWS(rows)  PAGE(INTRO, rows, FROM, LABEL)
#define FROMS(from) PAGE(INTRO, ROW, from, LABEL)

static const struct {
    const char *text;
    const char *id;
    const char *result;
} pages[] = {
    { ROWS(ROW), "OSAID-D2", "pass" },
    /* Classes. */
    { ROWS("| a/b | open | CC-BY-NC-4.0 | https://x.org/y |\n"), "OSAID-D2", "fail" },
    { ROWS("| a/b | open | proprietary | https://x.org/y |\n"), "OSAID-D2", "unknown" },
    { ROWS("| a/b | open | | https://x.org/y |\n"), "OSAID-D2", "unknown" },
    { ROWS("| a/b | public | CC-BY-NC-4.0 | https://x.org/y |\n"), "OSAID-D2", "unknown" },
    { ROWS(ROW "| a/b | public | CC-BY-NC-4.0 | https://x.org/y |\n"), "OSAID-D2", "pass" },
    { ROWS(ROW "| a/b | Public data | - | https://x.org/y |\n"), "OSAID-D2", "pass" },
    { ROWS(ROW "| a/b | not open | CC0-1.0 | https://x.org/y |\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "| a/b | secret | | |\n"), "OSAID-D1", "unknown" },
    /* Places. */
    { ROWS(ROW "| a/b | public | - | not available |\n"), "OSAID-D2", "unknown" },
    { ROWS(ROW "| a/b | public | - | - |\n"), "OSAID-D2", "unknown" },
    { ROWS(ROW "| a/b | obtainable | - | TBD |\n"), "OSAID-D3", "unknown" },
    { ROWS(ROW "| a/b | obtainable | - | ask us |\n"), "OSAID-D3", "unknown" },
    { ROWS(ROW "| a/b | obtainable | - | sales@example.org |\n"), "OSAID-D3", "pass" },
    { ROWS(ROW "| a/b | public | - | `data/words.csv` in this tree |\n"), "OSAID-D2", "pass" },
    /* Reasons. */
    { ROWS(ROW "| a/b | unshareable | - | - |\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "| a/b | unshareable | - | - |\n") "\n## Withheld\n\nNo reason is given here.\n",
      "OSAID-D1", "unknown" },
    { ROWS(ROW "| a/b | unshareable | - | - |\n") "\n## What is withheld\n\nWe do not say. Just "
                                                  "because we want to keep it.\n",
      "OSAID-D1", "unknown" },
    { ROWS(ROW "| a/b | unshareable | - | - |\n") "\n## Why it cannot be shared\n\nPatients agreed "
                                                  "to its use in this hospital only.\n",
      "OSAID-D1", "pass" },
    { ROWS(ROW
           "| a/b | unshareable | - | - |\n") "\n## Why it cannot be shared\n\nThere is no legal "
                                              "reason for it.\n",
      "OSAID-D1", "unknown" },
    { ROWS(ROW "| a/b | unshareable | - | - |\n") "\n## Why it cannot be shared\n\nOur reasons are "
                                                  "confidential.\n",
      "OSAID-D1", "unknown" },
    { ROWS(ROW "| a/b | unshareable | - | - |\n") "\n## Why it cannot be shared\n\nWe cannot share "
                                                  "it for legal reasons: patients' privacy.\n",
      "OSAID-D1", "pass" },
    /* Tables. */
    { ROWS(ROW "\n| a/b | open | | |\n"), "OSAID-D2", "unknown" },
    { ROWS(ROW "\n\n| a/b | unshareable | - | - |\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "a/b | open | | \n"), "OSAID-D2", "unknown" },
    { ROWS(ROW "\n  | data set | licence |\n|:--|:--|\n| a/b | none |\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "\ndata set | size\n---|---\na/b | 3 TB\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "\n> | corpus | words |\n> |---|---|\n> | a/b | 10 |\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "\n<table><tr><td>a/b</td><td>open</td></tr></table>\n"), "OSAID-D1", "unknown" },
    { ROWS(ROW "\n| data set | lines |\n|---|---|\n| village/sentences | 40 |\n| Total | 40 |\n"),
      "OSAID-D1", "pass" },
    { ROWS(ROW "\n| split | lines |\n|---|---|\n| train | 40 |\n\nOne line | more.\n"), "OSAID-D1",
      "pass" },
    { ROWS(ROW "\n| name | meaning |\n|---|---|\n| text | a line |\n"), "OSAID-D1", "pass" },
    /* Sections. */
    { FROMS("## 1. Data sources\n\nWritten by the authors for this purpose.\n\n"), "OSAID-D1a",
      "pass" },
    { FROMS("## Source data\n\n### The village\n\nWritten by its people, copied from nowhere.\n\n"),
      "OSAID-D1a", "pass" },
    { FROMS("## Resources and open source\n\nWritten by the authors for this purpose.\n\n"),
      "OSAID-D1a", "unknown" },
    { FROMS("## What we wont say about the source\n\nWritten by the authors for this.\n\n"),
      "OSAID-D1a", "unknown" },
    { FROMS("## Provenance\n\n"), "OSAID-D1a", "unknown" },
    { FROMS("## Provenance\n\nNot available.\n\n"), "OSAID-D1a", "unknown" },
    { FROMS("## Provenance\n\nTODO: describe where the text comes from, please.\n\n"), "OSAID-D1a",
      "unknown" },
    { FROMS("## Provenance\n\n[More Information Needed]\n\n"), "OSAID-D1a", "unknown" },
    { FROMS("## Provenance\n\nWe do not disclose the provenance of the data. Nobody outside "
            "will be told.\n\n"),
      "OSAID-D1a", "unknown" },
    { FROMS("## Provenance\n\nWritten in the village; the names of its writers are not disclosed."
            "\n\n"),
      "OSAID-D1a", "pass" },
    { FROMS("<!--\n" FROM "-->\n"), "OSAID-D1a", "unknown" },
    { FROMS("```\n" FROM "```\n"), "OSAID-D1a", "unknown" },
    { "<!--\n" ROWS(ROW) "-->\n", "OSAID-D1", "fail" },
    { "```\n" ROWS(ROW) "```\n", "OSAID-D1", "fail" },
    { PAGE(INTRO, ROW, FROM, "## Labelling\n\nn/a\n\n"), "OSAID-D1d", "unknown" },
    { PAGE(INTRO, ROW, FROM, "## Labelling\n\nNo labels are given; the text predicts itself.\n\n"),
      "OSAID-D1d", "pass" },
    { PAGE("We also used a large private crawl that we cannot describe.\n", ROW, FROM, LABEL),
      "OSAID-D1", "unknown" },
};

static void a_page_describes_by_what_it_shows(void **state)
{
    struct fixture *f = *state;
    size_t wrong = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(pages); i++) {
        char name[32];
        char path[64];
        (void)snprintf(name, sizeof(name), "m%zu", i);
        (void)snprintf(path, sizeof(path), "m%zu/DATA.md", i);
        fixture_open_model(f, name);
        fixture_text(f, path, pages[i].text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, name, STINT_KIND_MODEL, NULL);
        const struct stint_criterion_result *criterion = fixture_criterion(verdict, pages[i].id);
        if (strcmp(stint_result_name(criterion->result), pages[i].result) == 0)
            continue;
        print_error("page %zu: %s is %s: %s\n", i, pages[i].id,
                    stint_result_name(criterion->result), criterion->why);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static void a_description_is_of_the_data_it_names(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *datasets;
        const char *row;
        const char *result;
    } cases[] = {
        { "village/sentences", ROW, "pass" },
        { "village/sentences, other/sentences", ROW, "unknown" },
        { "village/sentences", "| sentences | open | CC0-1.0 | https://x.org/y |\n", "pass" },
        { "village/sentences, other/sentences",
          "| sentences | open | CC0-1.0 | https://x.org/y |\n", "unknown" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        char text[2000];
        fixture_open_model(f, "m");
        (void)snprintf(text, sizeof(text), "---\nlicense: apache-2.0\ndatasets: [%s]\n---\n",
                       cases[i].datasets);
        fixture_text(f, "m/README.md", text);
        (void)snprintf(text, sizeof(text), PAGE(INTRO, "%s", FROM, LABEL), cases[i].row);
        fixture_text(f, "m/DATA.md", text);
        stint_auto(stint_verdict_free) struct stint_verdict *verdict =
            fixture_judge(f, "m", STINT_KIND_MODEL, NULL);
        if (strcmp(fixture_result(verdict, "OSAID-D2"), cases[i].result) != 0)
            fail_msg("case %zu: %s", i, fixture_result(verdict, "OSAID-D2"));
    }
}

static void hidden_text_keeps_its_lines(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *shown;
        const char *with_code;
    } cases[] = {
        { "a\n<!-- b\nc -->\nd", "a\n      \n     \nd", "a\n      \n     \nd" },
        { "a\n```\nb\n```\nc", "a\n   \n \n   \nc", "a\n```\nb\n```\nc" },
        { "a\n~~~~\n```\n~~~\n~~~~\nc", "a\n    \n   \n   \n    \nc",
          "a\n~~~~\n```\n~~~\n~~~~\nc" },
        { "a <!-- b", "a       ", "a <!-- b" },
        { "```\na", "   \n ", "```\na" },
        { "", "", "" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        size_t length = strlen(cases[i].text);
        stint_auto(stint_free) char *shown = prose_visible(cases[i].text, length, PROSE_SHOWN);
        stint_auto(stint_free) char *all = prose_visible(cases[i].text, length, PROSE_WITH_CODE);
        assert_string_equal(shown, cases[i].shown);
        assert_string_equal(all, cases[i].with_code);
    }
}

static void an_address_is_more_than_a_word(void **state)
{
    (void)state;
    static const char *const yes[] = { "https://x.org",  "10.5281/zenodo.123",
                                       "data/words.csv", "a.lady@example.org",
                                       "example.org",    "see org/name for it",
                                       "doi:10.1000/182" };
    static const char *const no[] = { "",    "ask us", "nowhere",   "on our servers",
                                      "n/a", "and/or", "e.g. here", "private" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(yes); i++)
        if (!prose_is_address(yes[i]))
            fail_msg("%s", yes[i]);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(no); i++)
        if (prose_is_address(no[i]))
            fail_msg("%s", no[i]);
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_page_describes_by_what_it_shows),
        CASE(a_description_is_of_the_data_it_names),
        cmocka_unit_test(hidden_text_keeps_its_lines),
        cmocka_unit_test(an_address_is_more_than_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
