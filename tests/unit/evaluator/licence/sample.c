/* Owns: making licence texts out of the table. */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct sample sample_at(const struct stint_licences *table, uint32_t template)
{
    return (struct sample){ table, template, texts_template_at(&table->texts, template) };
}

struct sample sample_of(const struct stint_licences *table, const char *id)
{
    for (uint32_t i = 0; i < table->texts.counts[TEXTS_TEMPLATES]; i++) {
        struct sample sample = sample_at(table, i);
        if (!sample.t.is_notice && strcmp(sample_id(&sample), id) == 0)
            return sample;
    }
    fail_msg("no text of %s", id);
    return sample_at(table, 0);
}

const char *sample_id(const struct sample *sample)
{
    return texts_name(&sample->table->texts, sample->t.name_first);
}

const char *sample_word(const struct sample *sample, uint32_t index)
{
    const struct texts *texts = &sample->table->texts;
    return texts_word_text(texts, texts_word_at(texts, sample->t.word_first + index));
}

enum sample_kind sample_kind(const struct sample *sample, uint32_t index)
{
    const struct texts *texts = &sample->table->texts;
    if (texts_is_bullet(texts, sample->t.word_first + index))
        return SAMPLE_BULLET;
    for (uint32_t i = 0; i < sample->t.span_count; i++) {
        struct texts_span span = texts_span_at(texts, sample->t.span_first + i);
        if (index < span.first || index >= span.end)
            continue;
        return span.kind != SPAN_OPTIONAL  ? SAMPLE_FREE
               : span.end - span.first > 1 ? SAMPLE_OPTIONAL
                                           : SAMPLE_LONE;
    }
    return SAMPLE_CORE;
}

void sample_write(const struct sample *sample, uint32_t at, const char *insert, bool is_replaced,
                  struct stint_buffer *out)
{
    for (uint32_t i = 0; i <= sample->t.word_count; i++) {
        if (i == at && insert) {
            stint_buffer_add_text(out, insert);
            stint_buffer_add_char(out, ' ');
        }
        if (i == sample->t.word_count || (i == at && is_replaced))
            continue;
        enum sample_kind kind = sample_kind(sample, i);
        const char *word = sample_word(sample, i);
        if (kind == SAMPLE_BULLET && strlen(word) < 3) {
            stint_buffer_printf(out, ".\n\n%s. ", word);
            continue;
        }
        stint_buffer_add_text(out, word);
        stint_buffer_add_char(out, i % 12 == 11 ? '\n' : ' ');
    }
}

bool sample_is_clean_as(const struct stint_licences *table, const char *text, size_t length,
                        const char *id, char ret_other[64])
{
    struct stint_licence_recognition found;
    assert_int_equal(stint_licence_recognise(table, text, length, &found), 0);
    bool has_id = false;
    ret_other[0] = '\0';
    for (uint32_t i = 0; found.is_clean && i < found.match_count; i++) {
        for (uint32_t j = 0; j < found.matches[i].twin_count; j++)
            has_id |= strcmp(found.matches[i].twins[j]->id, id) == 0;
        (void)snprintf(ret_other, 64, "%s", found.matches[i].licence->id);
    }
    has_id &= found.match_count == 1;
    if (has_id)
        ret_other[0] = '\0';
    stint_licence_recognition_deinit(&found);
    return has_id;
}

bool sample_is_clean(const struct stint_licences *table, const char *text, size_t length,
                     const char *id)
{
    char other[64];
    return sample_is_clean_as(table, text, length, id, other);
}

bool sample_is_once(void)
{
    const char *mode = getenv("STINT_HOSTILE");
    return mode && strncmp(mode, "once", 4) == 0;
}

bool sample_range(const struct stint_licences *table, uint32_t *ret_first, uint32_t *ret_end)
{
    const char *mode = getenv("STINT_HOSTILE");
    unsigned first = 0;
    unsigned end = table->texts.counts[TEXTS_TEMPLATES];
    size_t name = sample_is_once() ? 4 : 3;
    if (!mode || (name == 3 && strncmp(mode, "all", 3) != 0))
        return false;
    if (mode[name] != '\0' && (sscanf(mode + name, ":%u-%u", &first, &end) != 2 || first > end))
        fail_msg("STINT_HOSTILE=%s is not all, once, all:FROM-TO or once:FROM-TO", mode);
    *ret_end =
        end < table->texts.counts[TEXTS_TEMPLATES] ? end : table->texts.counts[TEXTS_TEMPLATES];
    *ret_first = first;
    return true;
}

uint32_t sample_random(uint64_t *state, uint32_t below)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (uint32_t)((*state * UINT64_C(2685821657736338717)) >> 33) % below;
}
