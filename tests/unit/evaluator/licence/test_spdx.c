/* The full texts of the SPDX list, when STINT_SPDX_TEXTS names the package's spdx-full.json: each
 * must be recognised as it is and as people really keep it (a holder's notice on top, place-holders
 * filled, re-wrapped, curly quotes). Skipped without the file: the texts are not in the tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "stint/buffer.h"
#include "stint/licence.h"

/* Live texts of 40 characters or more, and how many of them may miss. */
#define TEXT_COUNT 695
#define MISS_MAX   5

static struct stint_licences *table;
static json_t *texts;

static int setup(void **state)
{
    (void)state;
    const char *path = getenv("STINT_SPDX_TEXTS");
    if (path && path[0] != '\0')
        texts = json_load_file(path, 0, NULL);
    return stint_licences_open(NULL, &table, NULL);
}

static int teardown(void **state)
{
    (void)state;
    json_decref(texts);
    table = stint_licences_close(table);
    return 0;
}

/* Is @text, whole and clean, the licence @id or one of its twins? */
static bool is_recognised(const char *id, const char *text)
{
    struct stint_licence_recognition found;
    assert_int_equal(stint_licence_recognise(table, text, strlen(text), &found), 0);
    bool is_right = found.is_clean && found.match_count == 1;
    bool has_id = false;
    for (uint32_t i = 0; is_right && i < found.matches[0].twin_count; i++)
        has_id |= strcmp(found.matches[0].twins[i]->id, id) == 0;
    if (!is_right || !has_id) {
        print_message("%s: %u matches", id, found.match_count);
        for (uint32_t i = 0; i < found.match_count; i++) {
            const struct stint_licence_match *match = &found.matches[i];
            print_message(" [%s %s %u/%u]", stint_licence_match_kind_name(match->kind),
                          match->licence ? match->licence->id : "-", match->word_count,
                          match->template_word_count);
        }
        for (uint32_t i = 0; i < found.edit_count && i < 4; i++)
            print_message(" %c'%s'@%u", found.edits[i].is_inserted ? '+' : '-',
                          found.edits[i].words, found.edits[i].place.line);
        print_message("\n");
    }
    stint_licence_recognition_deinit(&found);
    return is_right && has_id;
}

static unsigned misses(void (*change)(const char *id, const char *text, struct stint_buffer *out))
{
    unsigned missed = 0;
    unsigned count = 0;
    const char *id;
    json_t *entry;
    json_object_foreach(texts, id, entry)
    {
        const char *text = json_string_value(json_object_get(entry, "licenseText"));
        struct stint_licence_name name;
        if (stint_licence_find(table, id, &name) != 0 || name.via != STINT_LICENCE_BY_ID ||
            strlen(text) < 40)
            continue;
        stint_auto(stint_buffer_deinit) struct stint_buffer changed = { 0 };
        change(id, text, &changed);
        count++;
        missed += !is_recognised(id, stint_buffer_text(&changed));
    }
    print_message("%u of %u recognised\n", count - missed, count);
    assert_true(count >= TEXT_COUNT);
    return missed;
}

static void leave(const char *id, const char *text, struct stint_buffer *out)
{
    (void)id;
    stint_buffer_add_text(out, text);
}

/* Re-wrapped to 72 columns within paragraphs, straight quotes made curly, place-holders filled. */
static void perturb(const char *id, const char *text, struct stint_buffer *out)
{
    (void)id;
    stint_buffer_add_text(out,
                          "Copyright (c) 2023-2026 Jane Doe and the Example Project Authors\n\n");
    size_t column = 0;
    bool is_open = false;
    for (const char *at = text; *at; at++) {
        bool is_paragraph = at[0] == '\n' && at[1] == '\n';
        if (is_paragraph) {
            stint_buffer_add_text(out, "\n\n");
            column = 0;
            at++;
        } else if (*at == '"') {
            stint_buffer_add_text(out, is_open ? "\xe2\x80\x9d" : "\xe2\x80\x9c");
            is_open = !is_open;
        } else if (strncmp(at, "<year>", 6) == 0) {
            stint_buffer_add_text(out, "2024");
            at += 5;
        } else if ((*at == '\n' || *at == ' ') && column > 60) {
            stint_buffer_add_char(out, '\n');
            column = 0;
        } else {
            stint_buffer_add_char(out, *at == '\n' ? ' ' : *at);
            column++;
        }
    }
}

static void texts_are_recognised_as_they_are(void **state)
{
    (void)state;
    if (!texts)
        skip();
    assert_true(misses(leave) <= MISS_MAX);
}

static void texts_are_recognised_as_people_keep_them(void **state)
{
    (void)state;
    if (!texts)
        skip();
    assert_true(misses(perturb) <= MISS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_recognised_as_they_are),
        cmocka_unit_test(texts_are_recognised_as_people_keep_them),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
