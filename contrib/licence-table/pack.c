/* Writes the text table (daemon/evaluator/licence/texts.h) from marked texts on standard input:
 *
 *   version LINE
 *   licence ID<TAB>FULL NAME
 *   text ID[,ID…] IS_NOTICE BYTES<newline>…bytes…<newline>
 *
 * contrib/licence-table/generate makes that stream. It is cut into words by the very functions that
 * cut the texts to be recognised, so the two can never disagree about what a word is. Inside a text
 * the private characters below open and close parts that may differ. Input is trusted (our own
 * generator's), so a fault ends the program with a message. */
#include <assert.h>
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "texts.h"
#include "words.h"

/* U+E000 … in UTF-8; opening and closing by turns, in the order of enum texts_span_kind. */
#define MARK_PREFIX "\xee\x80"
#define MARK_FIRST  0x80
/* Sequences of three words chosen for each text: one for so many words, within these bounds. */
#define KEY_STEP 14
#define KEY_MAX  40

struct pool { /* a growing section */
    char *data;
    size_t length;
    size_t capacity;
};

struct pack {
    struct pool sections[TEXTS_SECTION_COUNT];
    uint32_t words; /* in WORDS, for the bits of BULLETS */
    uint16_t *slots;
    uint32_t slot_count;
};

struct gram { /* one three-word sequence of one template */
    uint32_t key;
    uint16_t template;
    uint16_t position;
    uint16_t texts; /* in how many templates the key stands */
    uint16_t chosen;
};

static void *grow(void *old, size_t bytes)
{
    void *data = realloc(old, bytes);
    if (!data)
        err(1, "memory");
    return data;
}

static uint32_t pool_add(struct pool *pool, const void *bytes, size_t length)
{
    if (!pool->data || pool->capacity - pool->length < length) {
        pool->capacity = (pool->capacity + length + 16) * 2;
        pool->data = grow(pool->data, pool->capacity);
    }
    memcpy(pool->data + pool->length, bytes, length);
    pool->length += length;
    return (uint32_t)(pool->length - length);
}

static void add_u32(struct pack *pack, enum texts_section section, uint32_t value)
{
    value = htole32(value);
    pool_add(&pack->sections[section], &value, sizeof(value));
}

static void add_u16(struct pack *pack, enum texts_section section, uint16_t value)
{
    value = htole16(value);
    pool_add(&pack->sections[section], &value, sizeof(value));
}

static uint32_t add_string(struct pack *pack, const char *text)
{
    return pool_add(&pack->sections[TEXTS_STRINGS], text, strlen(text) + 1);
}

static size_t section_count(const struct pack *pack, enum texts_section section)
{
    static const size_t sizes[] = {
#define X(name, size) size,
        TEXTS_SECTIONS(X)
#undef X
    };
    return pack->sections[section].length / sizes[section];
}

static const char *vocabulary_text(const struct pack *pack, uint16_t id)
{
    uint32_t offset;
    assert(pack->sections[TEXTS_VOCABULARY].data);
    memcpy(&offset, pack->sections[TEXTS_VOCABULARY].data + 4u * id, 4);
    return pack->sections[TEXTS_STRINGS].data + le32toh(offset);
}

/* The number of a word, a new one when it has none yet. */
static uint16_t vocabulary_add(struct pack *pack, const char *text)
{
    uint32_t slot = texts_hash(text) & (pack->slot_count - 1);
    for (; pack->slots[slot] != WORD_FOREIGN; slot = (slot + 1) & (pack->slot_count - 1))
        if (strcmp(vocabulary_text(pack, pack->slots[slot]), text) == 0)
            return pack->slots[slot];
    size_t id = section_count(pack, TEXTS_VOCABULARY);
    if (id >= pack->slot_count / 2)
        errx(1, "more words than the table has room for");
    add_u32(pack, TEXTS_VOCABULARY, add_string(pack, text));
    pack->slots[slot] = (uint16_t)id;
    return (uint16_t)id;
}

static void split(const char *text, size_t length, struct words *words)
{
    if (words_split(text, length, words) != 0 || words_mark(words) != 0)
        errx(1, "memory");
}

/* Takes the marks out of @text and remembers where they were. */
static size_t take_marks(char *text, size_t length, struct texts_span *spans, size_t max,
                         size_t *ret_length)
{
    size_t count = 0;
    size_t out = 0;
    bool is_open = false;
    for (size_t i = 0; i < length; i++) {
        if (i + 2 >= length || memcmp(text + i, MARK_PREFIX, 2) != 0) {
            text[out++] = text[i];
            continue;
        }
        unsigned mark = (unsigned char)text[i + 2] - (unsigned)MARK_FIRST;
        i += 2;
        if (is_open != (mark % 2 == 1) || count == max)
            errx(1, "marks that do not pair");
        if (!is_open)
            spans[count] = (struct texts_span){ .first = (uint32_t)out, .kind = mark / 2 + 1 };
        else
            spans[count++].end = (uint32_t)out;
        is_open = !is_open;
    }
    *ret_length = out;
    return count;
}

/* Byte ranges become word ranges; notices that words_mark() saw become spans of their own. */
static void add_spans(struct pack *pack, const struct words *words, const struct texts_span *spans,
                      size_t count)
{
    size_t next = 0;
    for (uint32_t i = 0; i < words->count;) {
        uint32_t end = i + 1;
        uint32_t kind = 0;
        while (next < count && spans[next].end <= words->list[i].offset)
            next++;
        if (next < count && words->list[i].offset >= spans[next].first) {
            kind = spans[next].kind;
            while (end < words->count && words->list[end].offset < spans[next].end)
                end++;
        } else if (words->list[i].flags & WORD_NOTICE) {
            kind = SPAN_NOTICE;
            while (end < words->count && (words->list[end].flags & WORD_NOTICE) &&
                   (next >= count || words->list[end].offset < spans[next].first))
                end++;
        }
        if (kind != 0) {
            add_u32(pack, TEXTS_SPANS, i);
            add_u32(pack, TEXTS_SPANS, end);
            add_u32(pack, TEXTS_SPANS, kind);
        }
        i = end;
    }
}

static int compare_u16(const void *a, const void *b)
{
    return (int)*(const uint16_t *)a - (int)*(const uint16_t *)b;
}

/* Words that may stand in the title: of its own title, its names, and words any title may have. */
static uint16_t add_titles(struct pack *pack, const uint16_t *ids, size_t id_count,
                           const char *names)
{
    static const char any[] =
        "the a license licenses licensed version v text of software open source full terms legal "
        "code legalcode public general agreement copying notice file for under this is and project "
        "distributed released available following by in";
    uint16_t list[512];
    size_t count = 0;
    const char *const more[] = { any, names };
    for (size_t i = 0; i < id_count && count < 256; i++)
        list[count++] = ids[i];
    for (size_t i = 0; i < 2; i++) {
        struct words words;
        split(more[i], strlen(more[i]), &words);
        for (size_t j = 0; j < words.count && count < 512; j++)
            if (strcmp(words_text(&words, j), "only") != 0) /* a word that can limit */
                list[count++] = vocabulary_add(pack, words_text(&words, j));
        words_deinit(&words);
    }
    qsort(list, count, sizeof(list[0]), compare_u16);
    uint16_t distinct = 0;
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && list[i] == list[i - 1])
            continue;
        add_u16(pack, TEXTS_TITLES, list[i]);
        distinct++;
    }
    return distinct;
}

static void add_bullet(struct pack *pack, bool is_bullet)
{
    struct pool *bits = &pack->sections[TEXTS_BULLETS];
    if (pack->words % 8 == 0)
        pool_add(bits, "", 1);
    if (is_bullet)
        bits->data[pack->words / 8] = (char)(bits->data[pack->words / 8] | 1 << pack->words % 8);
    pack->words++;
}

/* Spans do not nest, so a notice inside an optional part is left out word by word. */
static bool is_inner_notice(const struct word *word, const struct texts_span *spans, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (spans[i].kind == SPAN_OPTIONAL && word->offset >= spans[i].first &&
            word->offset < spans[i].end)
            return word->flags & WORD_NOTICE;
    return false;
}

/* The full name of an id, "" when the list has none. */
static const char *full_name(const struct pack *pack, const char *id)
{
    const char *strings = pack->sections[TEXTS_STRINGS].data;
    const struct pool *licences = &pack->sections[TEXTS_LICENCES];
    for (size_t i = 0; i < licences->length; i += 8) {
        uint32_t offsets[2];
        memcpy(offsets, licences->data + i, 8);
        if (strcmp(strings + le32toh(offsets[0]), id) == 0)
            return strings + le32toh(offsets[1]);
    }
    return "";
}

/* @first (owned) with a comma and @second behind it. */
static char *join(char *first, const char *second)
{
    char *joined = NULL;
    if (asprintf(&joined, "%s, %s", first, second) < 0)
        err(1, "memory");
    free(first);
    return joined;
}

/* One text with its marks. */
static void add_text(struct pack *pack, const char *ids, bool is_notice, char *text, size_t length)
{
    static struct texts_span spans[256];
    size_t span_count = take_marks(text, length, spans, STINT_ARRAY_SIZE(spans), &length);
    struct words words;
    split(text, length, &words);
    struct texts_template template = {
        .word_first = pack->words,
        .word_count = (uint32_t)words.count,
        .span_first = (uint32_t)section_count(pack, TEXTS_SPANS),
        .name_first = (uint32_t)section_count(pack, TEXTS_NAMES),
        .title_first = (uint32_t)section_count(pack, TEXTS_TITLES),
        .is_notice = is_notice,
    };
    uint16_t title[256];
    size_t title_count = 0;
    bool is_head = true;
    for (size_t i = 0; i < words.count; i++) {
        uint16_t id = vocabulary_add(pack, words_text(&words, i));
        if (words.list[i].flags & WORD_DISGUISED)
            errx(1, "%s: a hidden or mixed word: '%s'", ids, words_text(&words, i));
        add_u16(pack, TEXTS_WORDS, id);
        add_bullet(pack, (words.list[i].flags & WORD_BULLET) ||
                             is_inner_notice(&words.list[i], spans, span_count));
        /* The words of the title and of the notices below it, up to the first of the text proper.
         */
        bool is_title =
            span_count > 0 && spans[0].kind == SPAN_TITLE && words.list[i].offset < spans[0].end;
        is_head &= is_title || (words.list[i].flags & (WORD_NOTICE | WORD_BULLET));
        if (is_head && title_count < STINT_ARRAY_SIZE(title))
            title[title_count++] = id;
    }
    add_spans(pack, &words, spans, span_count);
    template.span_count = (uint32_t)section_count(pack, TEXTS_SPANS) - template.span_first;
    char *list = strdup(ids);
    char *names = strdup(ids);
    if (!list || !names)
        err(1, "memory");
    for (char *save, *id = strtok_r(list, ",", &save); id; id = strtok_r(NULL, ",", &save)) {
        add_u32(pack, TEXTS_NAMES, add_string(pack, id));
        template.name_count++;
        names = join(names, full_name(pack, id));
    }
    template.title_count = add_titles(pack, title, title_count, names);
    pool_add(&pack->sections[TEXTS_TEMPLATES], &template, sizeof(template));
    free(list);
    free(names);
    words_deinit(&words);
}

/* Marks each word of a template that a text always has: no bullet, in no span. */
static bool *needed_words(const struct pack *pack, const struct texts_template *t)
{
    bool *is_needed = grow(NULL, t->word_count);
    const uint8_t *bits = (const uint8_t *)pack->sections[TEXTS_BULLETS].data;
    assert(bits);
    for (uint32_t i = 0; i < t->word_count; i++)
        is_needed[i] = !(bits[(t->word_first + i) / 8] >> ((t->word_first + i) % 8) & 1);
    const struct texts_span *spans =
        (const struct texts_span *)(const void *)pack->sections[TEXTS_SPANS].data + t->span_first;
    for (uint32_t i = 0; i < t->span_count; i++)
        for (uint32_t j = spans[i].first; j < spans[i].end; j++)
            is_needed[j] = false;
    return is_needed;
}

/* Is there a part that may differ between two words? Then what is beside it is no fixed sequence.
 * Bullets do not count: they are left out of texts in the same way. */
static bool has_span_between(const struct pack *pack, const struct texts_template *t, uint32_t from,
                             uint32_t to)
{
    const struct texts_span *spans =
        (const struct texts_span *)(const void *)pack->sections[TEXTS_SPANS].data + t->span_first;
    for (uint32_t i = 0; i < t->span_count; i++)
        if (spans[i].first > from && spans[i].first < to)
            return true;
    return false;
}

static size_t template_grams(const struct pack *pack, uint16_t index, struct gram *grams)
{
    struct texts_template t =
        ((const struct texts_template *)(const void *)pack->sections[TEXTS_TEMPLATES].data)[index];
    const uint16_t *ids = (const uint16_t *)(const void *)pack->sections[TEXTS_WORDS].data;
    bool *is_needed = needed_words(pack, &t);
    size_t count = 0;
    uint32_t last[2] = { UINT32_MAX, UINT32_MAX };
    for (uint32_t i = 0; i < t.word_count; i++) {
        if (!is_needed[i])
            continue;
        if (last[0] != UINT32_MAX && !has_span_between(pack, &t, last[0], i))
            grams[count++] = (struct gram){
                .key = texts_key(ids[t.word_first + last[0]], ids[t.word_first + last[1]],
                                 ids[t.word_first + i]),
                .template = index,
                .position = (uint16_t)last[0],
            };
        last[0] = last[1];
        last[1] = i;
    }
    free(is_needed);
    return count;
}

static int compare_key(const void *a, const void *b)
{
    const struct gram *x = a;
    const struct gram *y = b;
    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    if (x->template != y->template)
        return (int)x->template - (int)y->template;
    return (int)x->position - (int)y->position;
}

static int compare_place(const void *a, const void *b)
{
    const struct gram *x = a;
    const struct gram *y = b;
    return x->template != y->template ? (int)x->template - (int)y->template
                                      : (int)x->position - (int)y->position;
}

/* In how many templates each key stands; a key that stands twice in one is of no use as a place. */
static void count_texts(struct gram *grams, size_t count)
{
    qsort(grams, count, sizeof(*grams), compare_key);
    for (size_t i = 0, end; i < count; i = end) {
        uint16_t texts = 0;
        for (end = i; end < count && grams[end].key == grams[i].key; end++)
            texts =
                (uint16_t)(texts + (end == i || grams[end].template != grams[end - 1].template));
        for (size_t j = i; j < end; j++) {
            bool is_twice = (j > i && grams[j - 1].template == grams[j].template) ||
                            (j + 1 < end && grams[j + 1].template == grams[j].template);
            grams[j].texts = is_twice ? UINT16_MAX : texts;
        }
    }
}

/* Of each stretch of a template the rarest key is chosen, so that they cover all of it. */
static uint16_t choose(struct gram *grams, size_t count)
{
    size_t parts = (count + KEY_STEP - 1) / KEY_STEP;
    parts = parts > KEY_MAX ? KEY_MAX : parts;
    uint16_t chosen = 0;
    for (size_t part = 0; part < parts; part++) {
        struct gram *best = NULL;
        for (size_t i = count * part / parts; i < count * (part + 1) / parts; i++)
            if (!best || grams[i].texts < best->texts)
                best = &grams[i];
        if (best) {
            best->chosen = 1;
            chosen++;
        }
    }
    return chosen;
}

static void add_index(struct pack *pack)
{
    size_t template_count = section_count(pack, TEXTS_TEMPLATES);
    struct gram *grams = grow(NULL, (pack->words + 1u) * sizeof(*grams));
    size_t count = 0;
    for (size_t i = 0; i < template_count; i++)
        count += template_grams(pack, (uint16_t)i, grams + count);
    count_texts(grams, count);
    qsort(grams, count, sizeof(*grams), compare_place);
    struct texts_template *templates =
        (struct texts_template *)(void *)pack->sections[TEXTS_TEMPLATES].data;
    for (size_t i = 0, end; i < count; i = end) {
        for (end = i; end < count && grams[end].template == grams[i].template; end++)
            continue;
        templates[grams[i].template].key_count = choose(grams + i, end - i);
    }
    qsort(grams, count, sizeof(*grams), compare_key);
    uint32_t postings = 0;
    for (size_t i = 0, last = SIZE_MAX; i < count; i++) {
        if (!grams[i].chosen)
            continue;
        if (last == SIZE_MAX || grams[last].key != grams[i].key) {
            add_u32(pack, TEXTS_KEYS, grams[i].key);
            add_u32(pack, TEXTS_KEY_STARTS, postings);
        }
        add_u16(pack, TEXTS_POSTINGS, grams[i].template);
        add_u16(pack, TEXTS_POSTINGS, grams[i].position);
        postings++;
        last = i;
    }
    add_u32(pack, TEXTS_KEY_STARTS, postings);
    free(grams);
}

/* The file: header, then the sections at multiples of four. */
static void write_file(const struct pack *pack, FILE *out)
{
    uint32_t offset = 16 + TEXTS_SECTION_COUNT * 8;
    uint32_t header[2 + 2 * TEXTS_SECTION_COUNT] = { htole32(TEXTS_VERSION) };
    for (size_t i = 0; i < TEXTS_SECTION_COUNT; i++) {
        header[2 + 2 * i] = htole32(offset);
        header[3 + 2 * i] = htole32((uint32_t)section_count(pack, (enum texts_section)i));
        offset += (uint32_t)(pack->sections[i].length + 3) / 4 * 4;
    }
    header[1] = htole32(offset);
    fwrite(TEXTS_MAGIC, 1, 8, out);
    fwrite(header, 1, sizeof(header), out);
    for (size_t i = 0; i < TEXTS_SECTION_COUNT; i++) {
        fwrite(pack->sections[i].data, 1, pack->sections[i].length, out);
        fwrite("\0\0\0", 1, (4 - pack->sections[i].length % 4) % 4, out);
    }
    if (fflush(out) != 0 || ferror(out))
        err(1, "output");
}

static void read_text(struct pack *pack, char *line)
{
    char *save;
    (void)strtok_r(line, " ", &save);
    const char *ids = strtok_r(NULL, " ", &save);
    const char *is_notice = strtok_r(NULL, " ", &save);
    const char *bytes = strtok_r(NULL, " \n", &save);
    if (!ids || !is_notice || !bytes)
        errx(1, "a text without its head");
    size_t length = strtoul(bytes, NULL, 10);
    char *text = grow(NULL, length + 1);
    if (fread(text, 1, length, stdin) != length || getchar() != '\n')
        errx(1, "%s: cut off", ids);
    add_text(pack, ids, is_notice[0] == '1', text, length);
    free(text);
}

int main(void)
{
    struct pack pack = { .slot_count = 32768 };
    pack.slots = grow(NULL, pack.slot_count * sizeof(pack.slots[0]));
    memset(pack.slots, 0xff, pack.slot_count * sizeof(pack.slots[0]));
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        line[strcspn(line, "\n")] = '\0';
        if (strncmp(line, "version ", 8) == 0) {
            add_string(&pack, line + 8);
        } else if (strncmp(line, "licence ", 8) == 0) {
            char *tab = strchr(line, '\t');
            if (!tab)
                errx(1, "a licence without a name");
            *tab = '\0';
            add_u32(&pack, TEXTS_LICENCES, add_string(&pack, line + 8));
            add_u32(&pack, TEXTS_LICENCES, add_string(&pack, tab + 1));
        } else if (strncmp(line, "text ", 5) == 0) {
            read_text(&pack, line);
        } else {
            errx(1, "a line of no kind: %.40s", line);
        }
    }
    add_index(&pack);
    for (uint32_t i = 0; i < pack.slot_count; i++)
        add_u16(&pack, TEXTS_VOCABULARY_HASH, pack.slots[i]);
    write_file(&pack, stdout);
    for (size_t i = 0; i < TEXTS_SECTION_COUNT; i++)
        free(pack.sections[i].data);
    free(pack.slots);
    free(line);
    return 0;
}
