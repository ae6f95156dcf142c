/* Owns: GGUF headers (versions 2 and 3, either byte order). Every count and length in them is a
 * stranger's: reading is a cursor over the bytes at hand that refuses to run past them, arrays are
 * skipped and not stored, and only the keys that say something of origin and terms are kept.
 * Source: metadata.md §4. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "evaluator/reader.h"

#define GGUF_KEYS_MAX    100000
#define GGUF_KEY_MAX     65535
#define GGUF_NESTING_MAX 4
#define GGUF_TEXT_KEPT   1024
#define GGUF_DIMS_MAX    8
#define GGUF_BASES_MAX   16

enum gguf_type {
    GGUF_U8 = 0,
    GGUF_I8,
    GGUF_U16,
    GGUF_I16,
    GGUF_U32,
    GGUF_I32,
    GGUF_F32,
    GGUF_BOOL,
    GGUF_STRING,
    GGUF_ARRAY,
    GGUF_U64,
    GGUF_I64,
    GGUF_F64
};
static const uint8_t type_bytes[] = { 1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8 };

/* @length: bytes at hand of the @size that the file has. @why: set once, at the first thing that is
 * wrong; NULL while sound. @is_end: the bytes at hand end where the file goes on, which is no
 * fault. */
struct cursor {
    const unsigned char *bytes;
    size_t length;
    uint64_t size;
    size_t at;
    bool is_swapped;
    bool is_end;
    const char *why;
};

static bool take(struct cursor *cursor, uint64_t length, const unsigned char **ret_bytes)
{
    if (cursor->why || cursor->is_end)
        return false;
    if (length > cursor->length - cursor->at) {
        if (length <= cursor->size - cursor->at)
            cursor->is_end = true;
        else
            cursor->why = "a length beyond the end of the file";
        return false;
    }
    *ret_bytes = cursor->bytes + cursor->at;
    cursor->at += (size_t)length;
    return true;
}

static uint64_t take_number(struct cursor *cursor, size_t size)
{
    const unsigned char *bytes;
    uint64_t value = 0;
    if (!take(cursor, size, &bytes))
        return 0;
    for (size_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << (8 * (cursor->is_swapped ? size - 1 - i : i));
    return value;
}

/* A text of at most @size - 1 kept bytes; false when there is none. */
static bool take_text(struct cursor *cursor, char *text, size_t size)
{
    const unsigned char *bytes;
    uint64_t length = take_number(cursor, 8);
    if (!take(cursor, length, &bytes))
        return false;
    size_t kept = length < size ? (size_t)length : size - 1;
    memcpy(text, bytes, kept);
    text[kept] = '\0';
    for (char *nul; (nul = memchr(text, '\0', kept));)
        *nul = '?'; /* nothing hides behind it */
    return true;
}

static void skip_value(struct cursor *cursor, uint64_t type, unsigned depth);

static void skip_array(struct cursor *cursor, unsigned depth)
{
    const unsigned char *bytes;
    uint64_t total;
    uint64_t type = take_number(cursor, 4);
    uint64_t count = take_number(cursor, 8);
    if (cursor->why || cursor->is_end)
        return;
    if (type > GGUF_F64 || depth >= GGUF_NESTING_MAX) {
        cursor->why = type > GGUF_F64 ? "an array of an unknown type" : "arrays nested too deep";
        return;
    }
    if (type_bytes[type] > 0) {
        if (__builtin_mul_overflow(count, (uint64_t)type_bytes[type], &total))
            cursor->why = "an array larger than any file";
        else
            (void)take(cursor, total, &bytes);
        return;
    }
    /* Each element takes eight bytes at least, so the bytes at hand bound the loop. */
    for (uint64_t i = 0; i < count && !cursor->why && !cursor->is_end; i++)
        skip_value(cursor, type, depth + 1);
}

static void skip_value(struct cursor *cursor, uint64_t type, unsigned depth)
{
    const unsigned char *bytes;
    if (type > GGUF_F64)
        cursor->why = "a value of an unknown type";
    else if (type == GGUF_STRING)
        (void)take(cursor, take_number(cursor, 8), &bytes);
    else if (type == GGUF_ARRAY)
        skip_array(cursor, depth);
    else
        (void)take(cursor, type_bytes[type], &bytes);
}

/* general.base_model.N: its name counts where no address says more. */
struct gguf_base {
    char name[256];
    uint64_t offset;
    bool has_address;
};

struct gguf {
    struct reader *reader;
    const struct reader_file *file;
    struct cursor cursor;
    struct gguf_base bases[GGUF_BASES_MAX];
    uint64_t alignment;
    bool has_architecture;
};

static void gguf_base(struct gguf *gguf, const char *name, uint64_t offset)
{
    (void)reader_text(gguf->reader, gguf->file, STINT_BASE_MODEL, STINT_NAME, name, name,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    (void)reader_text(gguf->reader, gguf->file, STINT_BASE_MODEL, STINT_RELATION, name, "quantized",
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
}

/* A key below general.base_model.N: addresses are bases, a name is kept until all is read. */
static void gguf_base_key(struct gguf *gguf, const char *key, const char *text, uint64_t offset)
{
    char *field = NULL;
    unsigned long index = strtoul(key, &field, 10);
    if (field == key || *field != '.')
        return;
    struct gguf_base *base = index < GGUF_BASES_MAX ? &gguf->bases[index] : NULL;
    if (strcmp(field, ".repo_url") == 0 || strcmp(field, ".url") == 0) {
        gguf_base(gguf, text, offset);
        if (base)
            base->has_address = true;
    } else if (strcmp(field, ".name") == 0 && base) {
        (void)snprintf(base->name, sizeof(base->name), "%s", text);
        base->offset = offset;
    } else if (strcmp(field, ".name") == 0) {
        gguf_base(gguf, text, offset);
    }
}

static bool ends_in(const char *key, const char *end)
{
    size_t length = strlen(key);
    size_t tail = strlen(end);
    return length >= tail && strcmp(key + length - tail, end) == 0;
}

static void gguf_text(struct gguf *gguf, const char *key, const char *text, uint64_t offset)
{
    struct reader *reader = gguf->reader;
    if (!text[0])
        return;
    if (strcmp(key, "general.architecture") == 0) {
        gguf->has_architecture = true;
        (void)reader_text(reader, gguf->file, STINT_ARCHITECTURE, STINT_NAME, "", text,
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    } else if (strcmp(key, "general.license") == 0 || strcmp(key, "general.license.name") == 0) {
        /* `other` names nothing; the name beside it does. */
        if (strcmp(text, "other") != 0)
            reader_declared_licence(reader, gguf->file, STINT_WEIGHTS, "", "", gguf->file->path,
                                    text, STINT_SOURCE_TENSORS, reader_offset(offset));
    } else if (strncmp(key, "general.base_model.", 19) == 0) {
        gguf_base_key(gguf, key + 19, text, offset);
    } else if (strcmp(key, "general.source.repo_url") == 0 ||
               strcmp(key, "general.source.url") == 0) {
        gguf_base(gguf, text, offset);
    } else if (strncmp(key, "general.dataset.", 16) == 0 && ends_in(key, ".repo_url")) {
        (void)reader_text(reader, gguf->file, STINT_TRAINING_DATA, STINT_NAME, text, text,
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    } else if (strcmp(key, "general.quantized_by") == 0) {
        (void)reader_bool(reader, gguf->file, STINT_WEIGHTS, STINT_SAYS_QUANTIZED, "", true,
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    }
}

/* File types 0 (F32), 1 (F16) and 32 (BF16) are not quantized; all others say how they are. */
static void gguf_file_type(struct gguf *gguf, uint64_t value, uint64_t offset)
{
    char text[32];
    if (value == 0 || value == 1 || value == 32)
        return;
    (void)snprintf(text, sizeof(text), "ggml file type %" PRIu64, value);
    (void)reader_text(gguf->reader, gguf->file, STINT_WEIGHTS, STINT_QUANTIZED, "", text,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    (void)reader_bool(gguf->reader, gguf->file, STINT_WEIGHTS, STINT_SAYS_QUANTIZED, "", true,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
}

/* general.datasets: an array of names. */
static void gguf_datasets(struct gguf *gguf)
{
    struct cursor ahead = gguf->cursor;
    char text[GGUF_TEXT_KEPT];
    uint64_t type = take_number(&ahead, 4);
    uint64_t count = take_number(&ahead, 8);
    if (type != GGUF_STRING)
        return;
    for (uint64_t i = 0; i < count && i < 256; i++) {
        uint64_t offset = ahead.at;
        if (!take_text(&ahead, text, sizeof(text)) || !text[0])
            return;
        (void)reader_text(gguf->reader, gguf->file, STINT_TRAINING_DATA, STINT_NAME, text, text,
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    }
}

static void gguf_pair(struct gguf *gguf)
{
    struct cursor *cursor = &gguf->cursor;
    char key[256];
    char text[GGUF_TEXT_KEPT];
    uint64_t offset = cursor->at;
    uint64_t key_length = take_number(cursor, 8);
    const unsigned char *bytes;
    if (key_length > GGUF_KEY_MAX) {
        cursor->why = cursor->why ? cursor->why : "a key longer than the format allows";
        return;
    }
    if (!take(cursor, key_length, &bytes))
        return;
    (void)snprintf(key, sizeof(key), "%.*s", (int)(key_length < 255 ? key_length : 255),
                   (const char *)bytes);
    uint64_t type = take_number(cursor, 4);
    bool is_general = strncmp(key, "general.", 8) == 0;
    if (is_general && type == GGUF_STRING) {
        if (take_text(cursor, text, sizeof(text)))
            gguf_text(gguf, key, text, offset);
        return;
    }
    if (strcmp(key, "general.file_type") == 0 && type == GGUF_U32) {
        uint64_t value = take_number(cursor, 4);
        if (!cursor->why && !cursor->is_end)
            gguf_file_type(gguf, value, offset);
        return;
    }
    if (strcmp(key, "general.alignment") == 0 && type == GGUF_U32) {
        gguf->alignment = take_number(cursor, 4);
        return;
    }
    if (strcmp(key, "general.datasets") == 0 && type == GGUF_ARRAY)
        gguf_datasets(gguf);
    skip_value(cursor, type, 0);
}

/* Bytes of @values of a tensor type, 1 when the type is not one of the common ones. */
static uint64_t tensor_bytes(uint64_t type, uint64_t values)
{
    static const struct {
        uint8_t type;
        uint16_t values; /* of a block */
        uint16_t bytes;
    } types[] = { { 0, 1, 4 },   { 1, 1, 2 },      { 30, 1, 2 },     { 2, 32, 18 },
                  { 8, 32, 34 }, { 12, 256, 144 }, { 13, 256, 176 }, { 14, 256, 210 } };
    uint64_t bytes;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(types); i++)
        if (types[i].type == type)
            return __builtin_mul_overflow(values / types[i].values, (uint64_t)types[i].bytes,
                                          &bytes)
                       ? UINT64_MAX
                       : bytes;
    return 1;
}

/* A tensor's row: name, shape, type and place; @ret_end: where its bytes end, from the first of the
 * data. */
static void gguf_tensor(struct cursor *cursor, uint64_t alignment, uint64_t *ret_end)
{
    const unsigned char *name;
    uint64_t values = 1;
    uint64_t length = take_number(cursor, 8);
    *ret_end = 0;
    if (!take(cursor, length, &name))
        return;
    uint64_t dims = take_number(cursor, 4);
    if (dims > GGUF_DIMS_MAX) {
        cursor->why = "a tensor of too many dimensions";
        return;
    }
    for (uint64_t i = 0; i < dims; i++)
        if (__builtin_mul_overflow(values, take_number(cursor, 8), &values)) {
            cursor->why = "a tensor with an impossible shape";
            return;
        }
    uint64_t type = take_number(cursor, 4);
    uint64_t offset = take_number(cursor, 8);
    if (cursor->why || cursor->is_end)
        return;
    if (offset % alignment != 0)
        cursor->why = "a tensor that is not aligned";
    else if (__builtin_add_overflow(offset, tensor_bytes(type, values), ret_end))
        cursor->why = "a tensor larger than any file";
}

/* Every tensor's bytes must be in the file: a download that was cut off is no model. */
static void gguf_tensors(struct gguf *gguf, uint64_t count)
{
    struct cursor *cursor = &gguf->cursor;
    uint64_t last = 0;
    uint64_t alignment = gguf->alignment;
    if (alignment == 0 || alignment > UINT16_MAX || (alignment & (alignment - 1)) != 0) {
        cursor->why = "an impossible alignment";
        return;
    }
    for (uint64_t i = 0; i < count && !cursor->why && !cursor->is_end; i++) {
        uint64_t end;
        gguf_tensor(cursor, alignment, &end);
        last = end > last ? end : last;
    }
    uint64_t data = (cursor->at + alignment - 1) / alignment * alignment;
    if (!cursor->why && !cursor->is_end && count > 0 &&
        (data > gguf->file->size || last > gguf->file->size - data))
        cursor->why = "a tensor beyond the end of the file";
}

static void gguf_broken(struct gguf *gguf, const char *why)
{
    char what[400];
    uint32_t id = reader_bool(gguf->reader, gguf->file, STINT_WEIGHTS, STINT_READABLE, "", false,
                              STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(gguf->cursor.at));
    (void)snprintf(what, sizeof(what), "%.200s is not a sound weights file: %s", gguf->file->path,
                   why);
    verdict_finding(gguf->reader->verdict, "T-weights", what, &id, 1);
}

/* Keys beyond what is read may name terms or a base, which other programs would see. */
static void gguf_too_long(struct gguf *gguf)
{
    char what[400];
    uint32_t id = reader_licence(gguf->reader, gguf->file, STINT_WEIGHTS, "", "", gguf->file->path,
                                 "LicenseRef-unknown-unreadable", STINT_SOURCE_TENSORS,
                                 STINT_DECLARED, reader_offset(gguf->cursor.at));
    (void)snprintf(what, sizeof(what), "%.200s cannot be read: a header longer than %zu bytes",
                   gguf->file->path, gguf->file->length);
    verdict_finding(gguf->reader->verdict, "T-unreadable", what, &id, 1);
}

/* The head of the file; @ret_tensors and @ret_pairs: how many follow. */
static void gguf_head(struct gguf *gguf, uint64_t *ret_tensors, uint64_t *ret_pairs)
{
    struct cursor *cursor = &gguf->cursor;
    const unsigned char *magic;
    *ret_tensors = 0;
    *ret_pairs = 0;
    if (!take(cursor, 4, &magic) || memcmp(magic, "GGUF", 4) != 0) {
        cursor->why = "no GGUF at its beginning";
        return;
    }
    uint64_t version = take_number(cursor, 4);
    if ((version & 0xffff) == 0) { /* the other byte order */
        cursor->is_swapped = true;
        cursor->at = 4;
        version = take_number(cursor, 4);
    }
    *ret_tensors = take_number(cursor, 8);
    *ret_pairs = take_number(cursor, 8);
    if (version != 2 && version != 3)
        cursor->why = "a version that is not known here";
    else if (*ret_tensors > gguf->file->size / 24 || *ret_pairs > GGUF_KEYS_MAX)
        cursor->why = "more tensors or keys than the file could hold";
}

int read_gguf(struct reader *reader, const struct reader_file *file)
{
    struct gguf gguf = { .reader = reader,
                         .file = file,
                         .cursor = { .bytes = (const unsigned char *)file->text,
                                     .length = file->length,
                                     .size = file->size },
                         .alignment = 32 };
    struct cursor *cursor = &gguf.cursor;
    uint64_t tensors;
    uint64_t pairs;
    gguf_head(&gguf, &tensors, &pairs);
    for (uint64_t i = 0; i < pairs && !cursor->why && !cursor->is_end; i++)
        gguf_pair(&gguf);
    for (size_t i = 0; i < GGUF_BASES_MAX; i++)
        if (gguf.bases[i].name[0] && !gguf.bases[i].has_address)
            gguf_base(&gguf, gguf.bases[i].name, gguf.bases[i].offset);
    if (cursor->is_end)
        gguf_too_long(&gguf);
    else if (!cursor->why && !gguf.has_architecture)
        cursor->why = "no general.architecture, which the format requires";
    gguf_tensors(&gguf, tensors);
    if (cursor->why) {
        gguf_broken(&gguf, cursor->why);
        return 0;
    }
    if (tensors == 0)
        return 0; /* a vocabulary by itself: no parameters */
    (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_PRESENT, "", true, STINT_SOURCE_TENSORS,
                      STINT_DECLARED, reader_offset(0));
    (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_OPEN_FORMAT, "", true,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(0));
    (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_READABLE, "", true, STINT_SOURCE_TENSORS,
                      STINT_DECLARED, reader_offset(0));
    (void)reader_number(reader, file, STINT_WEIGHTS, STINT_SIZE, (int64_t)(tensors & INT64_MAX),
                        STINT_SOURCE_TENSORS, reader_offset(8));
    return 0;
}
