/* Owns: weights files. safetensors headers are checked whole (every bound of the format), pickles
 * are recognised and never loaded, and an index of shards tells whether all of them are here.
 * Source: metadata.md §2 and §3. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

#define TENSORS_MAX 200000

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length >= tail && strcasecmp(text + length - tail, end) == 0;
}

bool path_is_weights(const char *base)
{
    static const char *const ends[] = { ".safetensors", ".gguf", ".bin",  ".pt",
                                        ".pth",         ".ckpt", ".pkl",  ".onnx",
                                        ".h5",          ".npz",  ".npy",  ".msgpack",
                                        ".tflite",      ".pb",   ".ggml", ".model" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(ends); i++)
        if (ends_with(base, ends[i]))
            return true;
    return false;
}

/* checkpoints/…, step_1000/…, checkpoint-500.safetensors: parameters from before the end. */
static enum stint_component weights_component(const char *path)
{
    if (text_has_word(path, "optimizer"))
        return STINT_OPTIMIZER_STATE;
    return text_has_word(path, "checkpoint") || text_has_word(path, "checkpoints") ||
                   text_has_word(path, "intermediate") || text_has_word(path, "step")
               ? STINT_CHECKPOINTS
               : STINT_WEIGHTS;
}

static void weights_present(struct reader *reader, const struct reader_file *file,
                            bool is_open_format)
{
    enum stint_component component = weights_component(file->path);
    (void)reader_bool(reader, file, component, STINT_PRESENT, "", true, STINT_SOURCE_TENSORS,
                      STINT_DECLARED, reader_offset(0));
    (void)reader_bool(reader, file, component, STINT_OPEN_FORMAT, "", is_open_format,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(0));
}

static void weights_broken(struct reader *reader, const struct reader_file *file, uint64_t offset,
                           const char *why)
{
    char what[400];
    uint32_t id = reader_bool(reader, file, weights_component(file->path), STINT_READABLE, "",
                              false, STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
    (void)snprintf(what, sizeof(what), "%s is not a sound weights file: %s", file->path, why);
    verdict_finding(reader->verdict, "T-weights", what, &id, 1);
}

static uint64_t dtype_bits(const char *dtype)
{
    static const struct {
        const char *name;
        uint8_t bits;
    } dtypes[] = { { "BOOL", 8 },    { "U8", 8 },      { "I8", 8 },     { "F8_E5M2", 8 },
                   { "F8_E4M3", 8 }, { "F8_E8M0", 8 }, { "I16", 16 },   { "U16", 16 },
                   { "F16", 16 },    { "BF16", 16 },   { "I32", 32 },   { "U32", 32 },
                   { "F32", 32 },    { "F64", 64 },    { "I64", 64 },   { "U64", 64 },
                   { "F4", 4 },      { "F6_E2M3", 6 }, { "F6_E3M2", 6 } };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(dtypes); i++)
        if (strcmp(dtype, dtypes[i].name) == 0)
            return dtypes[i].bits;
    return 0;
}

struct span {
    uint64_t begin;
    uint64_t end;
};

static int span_compare(const void *a, const void *b)
{
    const struct span *left = a;
    const struct span *right = b;
    return left->begin < right->begin   ? -1
           : left->begin > right->begin ? 1
           : left->end < right->end     ? -1
                                        : left->end > right->end;
}

/* Values of a shape multiplied; false when they are no sizes or too many. */
static bool shape_count(const json_t *shape, uint64_t *ret_count)
{
    uint64_t count = 1;
    size_t index;
    const json_t *value;
    if (!json_is_array(shape) || json_array_size(shape) > 32)
        return false;
    json_array_foreach(shape, index, value)
    {
        if (!json_is_integer(value) || json_integer_value(value) < 0 ||
            __builtin_mul_overflow(count, (uint64_t)json_integer_value(value), &count))
            return false;
    }
    *ret_count = count;
    return true;
}

static const char *tensor_check(const json_t *tensor, uint64_t data_bytes, struct span *span,
                                uint64_t *ret_count)
{
    const char *dtype = json_string_value(json_object_get(tensor, "dtype"));
    const json_t *offsets = json_object_get(tensor, "data_offsets");
    uint64_t bits;
    if (!dtype || !json_is_array(offsets) || json_array_size(offsets) != 2)
        return "a tensor without dtype or data_offsets";
    const json_t *begin = json_array_get(offsets, 0);
    const json_t *end = json_array_get(offsets, 1);
    if (!json_is_integer(begin) || !json_is_integer(end) || json_integer_value(begin) < 0 ||
        json_integer_value(end) < json_integer_value(begin))
        return "a tensor whose data_offsets are not in order";
    span->begin = (uint64_t)json_integer_value(begin);
    span->end = (uint64_t)json_integer_value(end);
    if (span->end > data_bytes)
        return "a tensor beyond the end of the file";
    if (!shape_count(json_object_get(tensor, "shape"), ret_count))
        return "a tensor with an impossible shape";
    uint64_t width = dtype_bits(dtype);
    if (width == 0)
        return NULL; /* a newer type: its size is not ours to know */
    if (__builtin_mul_overflow(*ret_count, width, &bits) ||
        bits / 8 + (bits % 8 != 0) != span->end - span->begin)
        return "a tensor whose bytes are not its shape's";
    return NULL;
}

/* Metadata that some writers put in: the licence and the base. */
static void tensors_metadata(struct reader *reader, const struct reader_file *file,
                             const json_t *metadata)
{
    static const char *const licence_keys[] = { "license", "licence", "modelspec.license" };
    static const char *const base_keys[] = { "base_model", "ss_base_model_version",
                                             "modelspec.base_model" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(licence_keys); i++) {
        const char *value = json_string_value(json_object_get(metadata, licence_keys[i]));
        if (value && *value)
            reader_declared_licence(reader, file, STINT_WEIGHTS, "", "", file->path, value,
                                    STINT_SOURCE_TENSORS, reader_pointer("/__metadata__"));
    }
    for (size_t i = 0; i < STINT_ARRAY_SIZE(base_keys); i++) {
        const char *value = json_string_value(json_object_get(metadata, base_keys[i]));
        if (value && *value)
            (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_NAME, value, value,
                              STINT_SOURCE_TENSORS, STINT_DECLARED,
                              reader_pointer("/__metadata__"));
    }
}

static const char *spans_check(struct span *spans, size_t count, uint64_t data_bytes)
{
    uint64_t next = 0;
    qsort(spans, count, sizeof(*spans), span_compare);
    for (size_t i = 0; i < count; i++) {
        if (spans[i].begin != next)
            return spans[i].begin < next ? "tensors that overlap" : "a hole between tensors";
        next = spans[i].end;
    }
    return next == data_bytes ? NULL : "bytes after the last tensor";
}

static const char *tensors_check(json_t *header, uint64_t data_bytes, uint64_t *ret_parameters,
                                 int *ret_fault)
{
    size_t count = 0;
    const char *name;
    json_t *tensor;
    const char *why = NULL;
    if (json_object_size(header) > TENSORS_MAX)
        return "more tensors than any model has";
    stint_auto(stint_free) struct span *spans =
        calloc(json_object_size(header) + 1, sizeof(struct span));
    if (!spans) {
        *ret_fault = -ENOMEM;
        return NULL;
    }
    json_object_foreach(header, name, tensor)
    {
        uint64_t values = 0;
        if (strcmp(name, "__metadata__") == 0)
            continue;
        why = tensor_check(tensor, data_bytes, &spans[count], &values);
        if (why)
            return why;
        if (__builtin_add_overflow(*ret_parameters, values, ret_parameters))
            *ret_parameters = UINT64_MAX;
        count++;
    }
    return count == 0 ? "no tensor in it" : spans_check(spans, count, data_bytes);
}

int read_safetensors(struct reader *reader, const struct reader_file *file)
{
    uint64_t header_bytes = 0;
    uint64_t parameters = 0;
    int fault = 0;
    if (file->size < 8 || file->length < 8) {
        weights_broken(reader, file, 0, "shorter than its own header size");
        return 0;
    }
    for (size_t i = 0; i < 8; i++)
        header_bytes |= (uint64_t)(unsigned char)file->text[i] << (8 * i);
    if (header_bytes > file->size - 8 || header_bytes > file->length - 8) {
        weights_broken(reader, file, 0,
                       header_bytes > file->size - 8 ? "the header is longer than the file"
                                                     : "a header larger than any sound one");
        return 0;
    }
    if (header_bytes < 2 || file->text[8] != '{') {
        weights_broken(reader, file, 8, "the header does not begin with '{'");
        return 0;
    }
    json_error_t problem;
    json_t *header = json_loadb(file->text + 8, header_bytes, JSON_REJECT_DUPLICATES, &problem);
    const char *why = NULL;
    if (!json_is_object(header))
        why = "the header is not a JSON object without duplicate keys";
    else
        why = tensors_check(header, file->size - 8 - header_bytes, &parameters, &fault);
    if (fault == 0 && why)
        weights_broken(reader, file, 8, why);
    if (fault == 0 && !why) {
        weights_present(reader, file, true);
        (void)reader_bool(reader, file, weights_component(file->path), STINT_READABLE, "", true,
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(8));
        (void)reader_number(reader, file, weights_component(file->path), STINT_SIZE,
                            parameters > INT64_MAX ? INT64_MAX : (int64_t)parameters,
                            STINT_SOURCE_TENSORS, reader_offset(8));
        tensors_metadata(reader, file, json_object_get(header, "__metadata__"));
    }
    json_decref(header);
    return fault;
}

/* Formats that are only recognised, by what their files begin with: a pickle under another format's
 * name is still loaded as one by loaders that look at the bytes. */
static const struct {
    const char *end;
    const char *magic; /* NULL: the format has none */
    size_t at;
    size_t length;
} formats[] = {
    { ".h5", "\x89HDF\r\n\x1a\n", 0, 8 }, { ".npy", "\x93NUMPY", 0, 6 }, { ".npz", "PK", 0, 2 },
    { ".tflite", "TFL3", 4, 4 },          { ".pb", NULL, 0, 0 },         { ".model", NULL, 0, 0 },
};

static bool has_magic(const struct reader_file *file, size_t format)
{
    const char *magic = formats[format].magic;
    return !magic || (file->length >= formats[format].at + formats[format].length &&
                      memcmp(file->text + formats[format].at, magic, formats[format].length) == 0);
}

/* Protocols 2 to 5 begin with their number; older ones with an opcode that a name or a container
 * follows. An array of objects has pickles in it. */
static bool is_pickled(const struct reader_file *file)
{
    static const char *const openings[] = { "(dp",    "(lp",        "(tp",          "}q",
                                            "]q",     "c__main__",  "ccollections", "ctorch",
                                            "cnumpy", "cbuiltins",  "c__builtin__", "cos\n",
                                            "cposix", "csubprocess" };
    const unsigned char *bytes = (const unsigned char *)file->text;
    if (file->length >= 2 && bytes[0] == 0x80 && bytes[1] <= 5)
        return true;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(openings); i++)
        if (file->length > strlen(openings[i]) &&
            memcmp(file->text, openings[i], strlen(openings[i])) == 0)
            return true;
    return file->length > 6 && memcmp(file->text, "\x93NUMPY", 6) == 0 &&
           memmem(file->text, file->length, "|O", 2);
}

/* A format that is told from a pickle; false when the file is none of those. */
static bool read_format(struct reader *reader, const struct reader_file *file)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(formats); i++) {
        if (!ends_with(file->base, formats[i].end))
            continue;
        if (ends_with(file->base, ".model")) /* a tokenizer's vocabulary, mostly */
            (void)reader_bool(reader, file, STINT_TOKENIZER, STINT_PRESENT, "", true,
                              STINT_SOURCE_TREE, STINT_DECLARED, reader_line(0));
        else if (has_magic(file, i))
            weights_present(reader, file, true);
        else
            weights_broken(reader, file, 0, "it does not begin as files of that name do");
        return true;
    }
    return false;
}

/* Weights whose loading runs code, and formats that are only recognised. */
int read_pickle(struct reader *reader, const struct reader_file *file)
{
    bool is_zip =
        file->length >= 4 && memcmp(file->text, "PK\3\4", 4) == 0 && !ends_with(file->base, ".npz");
    bool is_pickle = is_pickled(file);
    if (!is_zip && !is_pickle && read_format(reader, file))
        return 0;
    bool is_checkpoint = !ends_with(file->base, ".bin") || is_zip || is_pickle ||
                         text_has_word(file->base, "model") || text_has_word(file->base, "pytorch");
    if (!is_checkpoint)
        return 0;
    if (is_zip || is_pickle || ends_with(file->base, ".pkl")) {
        (void)reader_text(reader, file, weights_component(file->path), STINT_UNSAFE, "", "pickle",
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(0));
        /* A whole archive can be taken apart without running what is in it. */
        if (is_zip)
            (void)reader_bool(reader, file, weights_component(file->path), STINT_READABLE, "", true,
                              STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(0));
        weights_present(reader, file, false);
        return 0;
    }
    (void)reader_bool(reader, file, weights_component(file->path), STINT_PRESENT, "", true,
                      STINT_SOURCE_TREE, STINT_CLAIMED, reader_offset(0));
    return 0;
}

/* model.safetensors.index.json: weight_map names the shards; each must be beside it. */
int read_shard_index(struct reader *reader, const struct reader_file *file)
{
    json_error_t problem;
    const char *tensor;
    json_t *shard;
    json_t *root = json_loadb(file->text, file->length, JSON_REJECT_DUPLICATES, &problem);
    json_t *map = json_object_get(root, "weight_map");
    if (!json_is_object(map))
        weights_broken(reader, file, 0, "the index of shards is not one");
    json_object_foreach(map, tensor, shard)
    {
        char path[2 * STINT_ARTIFACT_PATH_BYTES_MAX];
        const char *name = json_string_value(shard);
        (void)snprintf(path, sizeof(path), "%s%s%s", file->folder, file->folder[0] ? "/" : "",
                       name ? name : "?");
        if (reader_find(reader, path) != SIZE_MAX)
            continue;
        char what[STINT_ARTIFACT_PATH_BYTES_MAX + 80];
        reader->has_partial_download = true;
        (void)snprintf(what, sizeof(what), "a shard is missing: %s", path);
        uint32_t id =
            reader_text(reader, file, STINT_WEIGHTS, STINT_VALUE, "", what, STINT_SOURCE_TENSORS,
                        STINT_DECLARED, reader_pointer("/weight_map"));
        verdict_finding(reader->verdict, "T-shard", what, &id, 1);
        break;
    }
    json_decref(root);
    return 0;
}
