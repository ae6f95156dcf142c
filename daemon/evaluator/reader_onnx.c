/* Owns: the outer layer of an ONNX file: a protocol-buffer message whose fields are walked and, but
 * for the few texts of origin and terms, skipped by their length. Field numbers: onnx.proto of
 * onnx/onnx (ModelProto 14 metadata_props, 7 graph; GraphProto 1 node; StringStringEntryProto 1
 * key, 2 value). */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

/* What may follow a graph that is longer than what is loaded of a file. */
#define ONNX_TAIL_MAX ((uint64_t)16 << 20)

/* @beyond: bytes of the message that follow those at hand. @is_end: it went on beyond them, which
 * is no fault. */
struct wire {
    const unsigned char *at;
    const unsigned char *end;
    uint64_t beyond;
    bool is_bad;
    bool is_end;
};

static void wire_stop(struct wire *wire)
{
    wire->is_end = wire->beyond > 0;
    wire->is_bad = !wire->is_end;
}

static uint64_t take_varint(struct wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (wire->at >= wire->end) {
            wire_stop(wire);
            return 0;
        }
        unsigned char byte = *wire->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    wire->is_bad = true;
    return 0;
}

/* Past @length bytes, of which @ret_bytes are those at hand. */
static bool take_bytes(struct wire *wire, uint64_t length, struct wire *ret_bytes)
{
    uint64_t left = (uint64_t)(wire->end - wire->at);
    uint64_t more = length > left ? length - left : 0;
    if (more > wire->beyond) {
        wire->is_bad = true;
        return false;
    }
    *ret_bytes = (struct wire){ .at = wire->at, .end = wire->at + (length - more), .beyond = more };
    wire->at += length - more;
    wire->is_end = more > 0;
    return true;
}

/* The next field: its number, and its bytes when it is a length-delimited one. false at the end. */
static bool take_field(struct wire *wire, uint64_t *ret_number, struct wire *ret_bytes)
{
    struct wire skipped;
    *ret_bytes = (struct wire){ 0 };
    if (wire->is_bad || wire->is_end || wire->at >= wire->end)
        return false;
    uint64_t key = take_varint(wire);
    *ret_number = key >> 3;
    if (wire->is_bad || wire->is_end)
        return false;
    switch (key & 7) {
    case 0:
        (void)take_varint(wire);
        return !wire->is_bad && !wire->is_end;
    case 1:
        return take_bytes(wire, 8, &skipped);
    case 2: {
        uint64_t length = take_varint(wire);
        return !wire->is_bad && !wire->is_end && take_bytes(wire, length, ret_bytes);
    }
    case 5:
        return take_bytes(wire, 4, &skipped);
    default:
        wire->is_bad = true;
        return false;
    }
}

static void wire_text(const struct wire *bytes, char *text, size_t size)
{
    size_t length = (size_t)(bytes->end - bytes->at);
    if (length >= size)
        length = size - 1;
    if (length > 0)
        memcpy(text, bytes->at, length);
    text[length] = '\0';
    for (char *nul; (nul = memchr(text, '\0', length));)
        *nul = '?'; /* nothing hides behind it */
}

static void onnx_entry(struct reader *reader, const struct reader_file *file, struct wire entry,
                       uint64_t offset)
{
    char key[64] = "";
    char value[1024] = "";
    uint64_t number;
    struct wire bytes;
    while (take_field(&entry, &number, &bytes)) {
        if (number == 1)
            wire_text(&bytes, key, sizeof(key));
        if (number == 2)
            wire_text(&bytes, value, sizeof(value));
    }
    if (!value[0])
        return;
    if (strcasecmp(key, "license") == 0 || strcasecmp(key, "licence") == 0)
        reader_declared_licence(reader, file, STINT_WEIGHTS, "", "", file->path, value,
                                STINT_SOURCE_TENSORS, reader_offset(offset));
    if (strcasecmp(key, "base_model") == 0)
        (void)reader_text(reader, file, STINT_BASE_MODEL, STINT_NAME, value, value,
                          STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(offset));
}

/* GraphProto 1 node: a graph that computes something has one. */
static bool graph_has_node(struct wire graph)
{
    uint64_t number;
    struct wire bytes;
    bool has_node = false;
    while (take_field(&graph, &number, &bytes))
        has_node = has_node || (number == 1 && bytes.at);
    return has_node && !graph.is_bad;
}

/* ModelProto 14 among the fields at hand, which lie at @offset of the file; @ret_next: where the
 * field behind them lies, when one of them goes on beyond. */
static void onnx_fields(struct reader *reader, const struct reader_file *file, struct wire *wire,
                        uint64_t offset, bool *has_graph, uint64_t *ret_next)
{
    const unsigned char *start = wire->at;
    uint64_t length = (uint64_t)(wire->end - start);
    struct wire bytes;
    uint64_t number;
    while (take_field(wire, &number, &bytes)) {
        *has_graph = *has_graph || (number == 7 && graph_has_node(bytes));
        if (number == 14 && bytes.at)
            onnx_entry(reader, file, bytes, offset + (uint64_t)(bytes.at - start));
        if (wire->is_end)
            *ret_next = offset + length + bytes.beyond;
    }
}

/* Writers put the metadata behind the graph, which holds the weights: past what was loaded. */
static int onnx_tail(struct reader *reader, const struct reader_file *file, struct wire *wire,
                     uint64_t next, bool *has_graph)
{
    char *tail = NULL;
    uint64_t left = next > 0 && next <= file->size ? file->size - next : UINT64_MAX;
    if (left == 0)
        return 0;
    if (left > ONNX_TAIL_MAX) {
        reader_unreadable(reader, file, STINT_WEIGHTS, STINT_SOURCE_TENSORS, 0,
                          "what follows the graph is longer than any metadata");
        return 0;
    }
    int r = reader_load_part(reader, file->index, next, (size_t)left, &tail);
    if (r != 0)
        return r;
    *wire = (struct wire){ .at = (const unsigned char *)tail,
                           .end = (const unsigned char *)tail + left };
    onnx_fields(reader, file, wire, next, has_graph, &next);
    free(tail);
    return 0;
}

int read_onnx(struct reader *reader, const struct reader_file *file)
{
    const unsigned char *start = (const unsigned char *)file->text;
    struct wire wire = { .at = start,
                         .end = start + file->length,
                         .beyond = file->size - file->length };
    uint64_t next = 0;
    bool has_graph = false;
    onnx_fields(reader, file, &wire, 0, &has_graph, &next);
    if (wire.is_end && !wire.is_bad) {
        int r = onnx_tail(reader, file, &wire, next, &has_graph);
        if (r != 0)
            return r;
    }
    bool is_sound = has_graph && !wire.is_bad;
    (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_READABLE, "", is_sound,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(0));
    if (!is_sound)
        return 0;
    (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_PRESENT, "", true, STINT_SOURCE_TENSORS,
                      STINT_DECLARED, reader_offset(0));
    (void)reader_bool(reader, file, STINT_WEIGHTS, STINT_OPEN_FORMAT, "", true,
                      STINT_SOURCE_TENSORS, STINT_DECLARED, reader_offset(0));
    return 0;
}
