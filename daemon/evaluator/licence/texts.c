/* Owns: the mapping of the text table and the proof that it is sound. After texts_open() every
 * number in the map that the accessors follow is known to lie inside its section. */
#include "texts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stint/auto.h"
#include "words.h"

static const struct {
    const char *name;
    size_t size;
} sections[] = {
#define X(name, size) { #name, size },
    TEXTS_SECTIONS(X)
#undef X
};

static uint32_t number(const struct texts *texts, enum texts_section section, size_t index)
{
    return le32toh(((const uint32_t *)texts->sections[section])[index]);
}

static uint16_t half(const struct texts *texts, enum texts_section section, size_t index)
{
    return le16toh(((const uint16_t *)texts->sections[section])[index]);
}

static int damaged(struct stint_error *err, const char *path, const char *what)
{
    (void)stint_fail(err, STINT_UNTRUSTED, "%s: not a sound licence text table: %s", path, what);
    return stint_fix(err, STINT_UNTRUSTED,
                     "install the file again, or make it with "
                     "contrib/licence-table/generate");
}

/* Finds the sections; each must lie inside the file and be aligned to four bytes. */
static const char *check_header(struct texts *texts)
{
    const size_t header = 16 + TEXTS_SECTION_COUNT * 8;
    const uint32_t *numbers = (const uint32_t *)(const void *)(texts->map + 8);
    if (texts->map_length < header || memcmp(texts->map, TEXTS_MAGIC, 8) != 0)
        return "no header";
    if (le32toh(numbers[0]) != TEXTS_VERSION)
        return "another version of the format";
    if (le32toh(numbers[1]) != texts->map_length)
        return "cut off";
    for (size_t i = 0; i < TEXTS_SECTION_COUNT; i++) {
        uint32_t offset = le32toh(numbers[2 + 2 * i]);
        uint32_t count = le32toh(numbers[3 + 2 * i]);
        if (offset < header || offset % 4 != 0 || offset > texts->map_length ||
            count > (texts->map_length - offset) / sections[i].size)
            return sections[i].name;
        texts->sections[i] = texts->map + offset;
        texts->counts[i] = count;
    }
    return NULL;
}

static bool are_strings(const struct texts *texts, enum texts_section section, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (number(texts, section, i) >= texts->counts[TEXTS_STRINGS])
            return false;
    return true;
}

static const char *check_vocabulary(const struct texts *texts)
{
    uint32_t strings = texts->counts[TEXTS_STRINGS];
    uint32_t words = texts->counts[TEXTS_VOCABULARY];
    uint32_t slots = texts->counts[TEXTS_VOCABULARY_HASH];
    if (strings == 0 || ((const char *)texts->sections[TEXTS_STRINGS])[strings - 1] != '\0')
        return "STRINGS";
    if (words >= WORD_FOREIGN || !are_strings(texts, TEXTS_VOCABULARY, words) ||
        !are_strings(texts, TEXTS_NAMES, texts->counts[TEXTS_NAMES]) ||
        !are_strings(texts, TEXTS_LICENCES, (size_t)texts->counts[TEXTS_LICENCES] * 2))
        return "VOCABULARY";
    if (slots == 0 || (slots & (slots - 1)) != 0 || slots <= words)
        return "VOCABULARY_HASH";
    size_t empty = 0;
    for (size_t i = 0; i < slots; i++) {
        uint16_t id = half(texts, TEXTS_VOCABULARY_HASH, i);
        empty += id == WORD_FOREIGN;
        if (id != WORD_FOREIGN && id >= words)
            return "VOCABULARY_HASH";
    }
    return empty > 0 ? NULL : "VOCABULARY_HASH"; /* an empty slot ends every search */
}

static bool are_words(const struct texts *texts, enum texts_section section)
{
    uint16_t largest = 0;
    for (size_t i = 0; i < texts->counts[section]; i++) {
        uint16_t id = half(texts, section, i);
        largest = id > largest ? id : largest;
    }
    return texts->counts[section] == 0 || largest < texts->counts[TEXTS_VOCABULARY];
}

static bool is_range(uint32_t first, uint32_t count, uint32_t limit)
{
    return first <= limit && count <= limit - first;
}

static const char *check_templates(const struct texts *texts)
{
    if (!are_words(texts, TEXTS_WORDS) ||
        texts->counts[TEXTS_BULLETS] < (texts->counts[TEXTS_WORDS] + 7u) / 8)
        return "WORDS";
    if (!are_words(texts, TEXTS_TITLES))
        return "TITLES";
    if (texts->counts[TEXTS_TEMPLATES] >= UINT16_MAX)
        return "TEMPLATES";
    for (uint32_t i = 0; i < texts->counts[TEXTS_TEMPLATES]; i++) {
        struct texts_template t = texts_template_at(texts, i);
        if (t.word_count == 0 || t.word_count > UINT16_MAX || t.name_count == 0 ||
            !is_range(t.word_first, t.word_count, texts->counts[TEXTS_WORDS]) ||
            !is_range(t.span_first, t.span_count, texts->counts[TEXTS_SPANS]) ||
            !is_range(t.name_first, t.name_count, texts->counts[TEXTS_NAMES]) ||
            !is_range(t.title_first, t.title_count, texts->counts[TEXTS_TITLES]))
            return "TEMPLATES";
        uint32_t last = 0;
        for (uint32_t j = 0; j < t.span_count; j++) {
            struct texts_span span = texts_span_at(texts, t.span_first + j);
            if (span.first < last || span.end <= span.first || span.end > t.word_count ||
                span.kind < SPAN_TITLE || span.kind > SPAN_OPTIONAL)
                return "SPANS";
            last = span.end;
        }
    }
    return NULL;
}

static const char *check_index(const struct texts *texts)
{
    uint32_t keys = texts->counts[TEXTS_KEYS];
    uint32_t postings = texts->counts[TEXTS_POSTINGS];
    if (texts->counts[TEXTS_KEY_STARTS] != keys + 1u)
        return "KEY_STARTS";
    for (uint32_t i = 0; i < keys; i++)
        if ((i > 0 && number(texts, TEXTS_KEYS, i) <= number(texts, TEXTS_KEYS, i - 1u)) ||
            number(texts, TEXTS_KEY_STARTS, i) > number(texts, TEXTS_KEY_STARTS, i + 1u))
            return "KEYS";
    if (number(texts, TEXTS_KEY_STARTS, keys) > postings)
        return "KEY_STARTS";
    for (uint32_t i = 0; i < postings; i++) {
        struct texts_posting posting = texts_posting_at(texts, i);
        if (posting.template >= texts->counts[TEXTS_TEMPLATES] ||
            posting.position >= texts_template_at(texts, posting.template).word_count)
            return "POSTINGS";
    }
    return NULL;
}

static void fill_buckets(struct texts *texts)
{
    uint32_t key = 0;
    for (uint32_t bucket = 0; bucket <= 1u << TEXTS_BUCKET_BITS; bucket++) {
        while (key < texts->counts[TEXTS_KEYS] &&
               number(texts, TEXTS_KEYS, key) >> (32 - TEXTS_BUCKET_BITS) < bucket)
            key++;
        texts->buckets[bucket] = key;
    }
    memset(texts->prefixes, 0, sizeof(texts->prefixes));
    for (uint32_t i = 0; i < texts->counts[TEXTS_KEYS]; i++) {
        uint32_t prefix = number(texts, TEXTS_KEYS, i) >> (32 - TEXTS_PREFIX_BITS);
        texts->prefixes[prefix / 8] |= (uint8_t)(1u << prefix % 8);
    }
}

static int map_file(const char *path, struct texts *texts, struct stint_error *err)
{
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    if (fd < 0 && errno == ENOENT)
        return stint_fail(err, STINT_NOT_FOUND, "%s: no such file", path);
    if (fd < 0 || fstat(fd, &status) != 0)
        return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size < 16 || (size_t)status.st_size > TEXTS_FILE_MAX)
        return damaged(err, path, "not a file of the right size");
    size_t length = (size_t)status.st_size;
    /* Private and populated: a later write to the file by its owner may still change the pages, as
     * with every mapped program; the installed file is replaced by rename, never written. */
    void *map = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    if (map == MAP_FAILED)
        return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    texts->map = map;
    texts->map_length = length;
    return 0;
}

int texts_open(const char *path, struct texts *ret_texts, struct stint_error *err)
{
    int r = map_file(path, ret_texts, err);
    if (r != 0)
        return r;
    const char *what = check_header(ret_texts);
    if (!what)
        what = check_vocabulary(ret_texts);
    if (!what)
        what = check_templates(ret_texts);
    if (!what)
        what = check_index(ret_texts);
    if (what) {
        texts_close(ret_texts);
        return damaged(err, path, what);
    }
    fill_buckets(ret_texts);
    stint_sha256(ret_texts->map, ret_texts->map_length, &ret_texts->digest);
    return 0;
}

void texts_close(struct texts *texts)
{
    if (texts->map)
        munmap((void *)(uintptr_t)texts->map, texts->map_length);
    texts->map = NULL;
}

const char *texts_string(const struct texts *texts, uint32_t offset)
{
    return (const char *)texts->sections[TEXTS_STRINGS] + offset;
}

const char *texts_name(const struct texts *texts, uint32_t index)
{
    return texts_string(texts, number(texts, TEXTS_NAMES, index));
}

const char *texts_licence_id(const struct texts *texts, uint32_t index)
{
    return texts_string(texts, number(texts, TEXTS_LICENCES, (size_t)index * 2));
}

const char *texts_licence_name(const struct texts *texts, uint32_t index)
{
    return texts_string(texts, number(texts, TEXTS_LICENCES, (size_t)index * 2 + 1));
}

uint16_t texts_word(const struct texts *texts, const char *normal)
{
    uint32_t mask = texts->counts[TEXTS_VOCABULARY_HASH] - 1;
    for (uint32_t slot = texts_hash(normal) & mask;; slot = (slot + 1) & mask) {
        uint16_t id = half(texts, TEXTS_VOCABULARY_HASH, slot);
        if (id == WORD_FOREIGN || strcmp(texts_word_text(texts, id), normal) == 0)
            return id;
    }
}

const char *texts_word_text(const struct texts *texts, uint16_t id)
{
    return texts_string(texts, number(texts, TEXTS_VOCABULARY, id));
}

struct texts_template texts_template_at(const struct texts *texts, uint32_t index)
{
    struct texts_template t =
        ((const struct texts_template *)texts->sections[TEXTS_TEMPLATES])[index];
    return (struct texts_template){ le32toh(t.word_first),  le32toh(t.word_count),
                                    le32toh(t.span_first),  le32toh(t.span_count),
                                    le32toh(t.name_first),  le16toh(t.name_count),
                                    le16toh(t.title_count), le32toh(t.title_first),
                                    le16toh(t.key_count),   le16toh(t.is_notice) };
}

struct texts_span texts_span_at(const struct texts *texts, uint32_t index)
{
    struct texts_span span = ((const struct texts_span *)texts->sections[TEXTS_SPANS])[index];
    return (struct texts_span){ le32toh(span.first), le32toh(span.end), le32toh(span.kind) };
}

bool texts_is_title_word(const struct texts *texts, const struct texts_template *template,
                         uint16_t id)
{
    uint32_t low = template->title_first;
    uint32_t high = low + template->title_count;
    uint32_t end = high;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (half(texts, TEXTS_TITLES, middle) < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && half(texts, TEXTS_TITLES, low) == id;
}

void texts_lookup(const struct texts *texts, uint32_t key, uint32_t *ret_first, uint32_t *ret_end)
{
    uint32_t bucket = key >> (32 - TEXTS_BUCKET_BITS);
    uint32_t prefix = key >> (32 - TEXTS_PREFIX_BITS);
    *ret_first = *ret_end = 0;
    if (!(texts->prefixes[prefix / 8] >> prefix % 8 & 1))
        return;
    for (uint32_t i = texts->buckets[bucket]; i < texts->buckets[bucket + 1]; i++) {
        if (number(texts, TEXTS_KEYS, i) == key) {
            *ret_first = number(texts, TEXTS_KEY_STARTS, i);
            *ret_end = number(texts, TEXTS_KEY_STARTS, i + 1);
            return;
        }
    }
}

struct texts_posting texts_posting_at(const struct texts *texts, uint32_t index)
{
    struct texts_posting p = ((const struct texts_posting *)texts->sections[TEXTS_POSTINGS])[index];
    return (struct texts_posting){ le16toh(p.template), le16toh(p.position) };
}
