/* Fuzzes the recogniser. An input is either a text, or (first byte odd) a list of edits of one of
 * the table's own texts, so that the fuzzer begins where attacks begin: near a real licence. Beside
 * memory errors it looks for broken promises: places outside the text, a clean result with edits,
 * and a clean text that stays clean when a condition is put behind it. Links licence_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/evaluator/licence/table.h"
#include "stint/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_place(struct stint_licence_place place, size_t length)
{
    require(place.offset <= length && place.length <= length - place.offset);
    require(place.line >= 1 && place.line <= place.line_end);
}

/* The promises of include/stint/licence.h that hold for every input. */
static bool check(const struct stint_licences *table, const char *text, size_t length)
{
    struct stint_licence_recognition found;
    require(stint_licence_recognise(table, text, length, &found) == 0);
    require(found.match_count <= STINT_LICENCE_MATCH_MAX);
    bool is_clean = found.match_count > 0 && !found.is_cut;
    for (uint32_t i = 0; i < found.match_count; i++) {
        const struct stint_licence_match *match = &found.matches[i];
        check_place(match->place, length);
        require(i == 0 || found.matches[i - 1].place.offset <= match->place.offset);
        require(match->edit_first + match->edit_count <= found.edit_count);
        require((match->kind == STINT_MATCH_UNKNOWN) == (match->licence == NULL));
        require(match->kind != STINT_MATCH_MODIFIED || match->edit_count > 0 || found.is_cut);
        bool is_good = match->kind == STINT_MATCH_CLEAN || match->kind == STINT_MATCH_AMBIGUOUS;
        require(!is_good || match->edit_count == 0);
        is_clean &= is_good;
    }
    require(found.is_clean == is_clean);
    for (uint32_t i = 0; i < found.edit_count; i++)
        check_place(found.edits[i].place, length);
    for (uint32_t i = 0; i < found.clause_count; i++)
        check_place(found.clauses[i].place, length);
    stint_licence_recognition_deinit(&found);
    return is_clean;
}

/* A text of 600 words shows what one of 6000 does, in a hundredth of the time; some inputs still
 * get the long ones. */
#define SHORT_WORDS 600

static struct texts_template choose(const struct texts *texts, const uint8_t *data)
{
    uint32_t index = (uint32_t)(data[1] | data[2] << 8) % texts->counts[TEXTS_TEMPLATES];
    struct texts_template t = texts_template_at(texts, index);
    for (uint32_t i = 1;
         data[2] < 0xf8 && t.word_count > SHORT_WORDS && i < texts->counts[TEXTS_TEMPLATES]; i++)
        t = texts_template_at(texts, (index + i) % texts->counts[TEXTS_TEMPLATES]);
    return t;
}

/* Edits of four bytes: where (two), what, and which word or byte. */
static void write_edited(const struct stint_licences *table, const uint8_t *data, size_t size,
                         struct stint_buffer *out)
{
    const struct texts *texts = &table->texts;
    struct texts_template t = choose(texts, data);
    static const char *const pieces[] = { "not",
                                          "\xe2\x80\x8b",
                                          "\n\n",
                                          "<p>",
                                          "(b)",
                                          "2026",
                                          "Copyright (c) ",
                                          "1. ",
                                          "&nbsp;",
                                          "\xd0\xb0",
                                          "Example Inc.",
                                          "and",
                                          "SPDX-License-Identifier: MIT\n" };
    for (uint32_t i = 0; i < t.word_count; i++) {
        bool is_dropped = false;
        for (size_t at = 3; at + 4 <= size; at += 4) {
            if ((uint32_t)(data[at] | data[at + 1] << 8) % t.word_count != i)
                continue;
            is_dropped |= data[at + 2] & 1;
            if (data[at + 2] & 2)
                stint_buffer_printf(out, "%s ", pieces[data[at + 3] % STINT_ARRAY_SIZE(pieces)]);
            if (data[at + 2] & 4)
                stint_buffer_add_char(out, (char)data[at + 3]);
        }
        if (is_dropped)
            continue;
        stint_buffer_add_text(out, texts_word_text(texts, texts_word_at(texts, t.word_first + i)));
        stint_buffer_add_char(out, i % 12 == 11 ? '\n' : ' ');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stint_licences *table;
    if (!table)
        require(stint_licences_open(NULL, &table, NULL) == 0);
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { 0 };
    if (size > 3 && size < 256 && data[0] % 2 == 1)
        write_edited(table, data, size, &text);
    else
        stint_buffer_add(&text, data, size);
    if (check(table, stint_buffer_text(&text), text.length)) {
        stint_buffer_add_text(&text, "\nprohibited for evil\n");
        require(!check(table, stint_buffer_text(&text), text.length));
    }
    return 0;
}
