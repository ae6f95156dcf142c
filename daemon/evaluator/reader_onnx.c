/* Owns: the outer layer of an ONNX file: a protocol-buffer message whose fields are walked and, but
 * for the few texts of origin and terms, skipped by their length. Field numbers: onnx.proto of
 * onnx/onnx (ModelProto 14 metadata_props, 7 graph; StringStringEntryProto 1 key, 2 value). */
#include <string.h>
#include <strings.h>

#include "evaluator/reader.h"
#include "stint/auto.h"

struct wire {
    const unsigned char *at;
    const unsigned char *end;
    bool is_bad;
};

static uint64_t take_varint(struct wire *wire)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (wire->at >= wire->end)
            break;
        unsigned char byte = *wire->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    wire->is_bad = true;
    return 0;
}

/* The next field: its number, and its bytes when it is a length-delimited one. false at the end. */
static bool take_field(struct wire *wire, uint64_t *ret_number, struct wire *ret_bytes)
{
    if (wire->is_bad || wire->at >= wire->end)
        return false;
    uint64_t key = take_varint(wire);
    uint64_t length = 0;
    *ret_number = key >> 3;
    *ret_bytes = (struct wire){ 0 };
    switch (key & 7) {
    case 0:
        (void)take_varint(wire);
        return !wire->is_bad;
    case 1:
        length = 8;
        break;
    case 2:
        length = take_varint(wire);
        break;
    case 5:
        length = 4;
        break;
    default:
        wire->is_bad = true;
        return false;
    }
    if (wire->is_bad || length > (uint64_t)(wire->end - wire->at)) {
        wire->is_bad = true;
        return false;
    }
    if ((key & 7) == 2)
        *ret_bytes = (struct wire){ .at = wire->at, .end = wire->at + length };
    wire->at += length;
    return true;
}

static void wire_text(const struct wire *bytes, char *text, size_t size)
{
    size_t length = (size_t)(bytes->end - bytes->at);
    if (length >= size)
        length = size - 1;
    if (length > 0)
        memcpy(text, bytes->at, length);
    text[length] = '\0';
}

static void onnx_entry(struct reader *reader, const struct reader_file *file, struct wire entry,
                       uint64_t offset)
{
    char key[64] = "";
    char value[512] = "";
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

int read_onnx(struct reader *reader, const struct reader_file *file)
{
    const unsigned char *start = (const unsigned char *)file->text;
    struct wire wire = { .at = start, .end = start + file->length };
    struct wire bytes;
    uint64_t number;
    bool has_graph = false;
    while (take_field(&wire, &number, &bytes)) {
        has_graph = has_graph || number == 7;
        if (number == 14 && bytes.at)
            onnx_entry(reader, file, bytes, (uint64_t)(bytes.at - start));
    }
    /* A graph longer than what was read ends the walk; that alone is no fault. */
    bool is_sound = has_graph || (file->is_cut && wire.is_bad);
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
