/* Fuzzes the reader of licences.bin: a file that is accepted can be walked without leaving it. The
 * input is taken as it is, or (first byte 'd') as changes of single bytes of the installed table,
 * because no fuzzer invents two megabytes. Links licence_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../daemon/evaluator/licence/table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every so many words are looked at, another set of them for other inputs: all of them in every
 * input took most of the time. */
#define STRIDE 61

static void walk(const struct texts *texts, uint32_t phase)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < texts->counts[TEXTS_TEMPLATES]; i++) {
        struct texts_template t = texts_template_at(texts, i);
        for (uint32_t j = phase % STRIDE; j < t.word_count; j += STRIDE) {
            uint16_t id = texts_word_at(texts, t.word_first + j);
            sum += strlen(texts_word_text(texts, id));
            sum += texts_is_bullet(texts, t.word_first + j) + texts_is_title_word(texts, &t, id);
        }
        for (uint32_t j = 0; j < t.name_count; j++)
            sum += strlen(texts_name(texts, t.name_first + j));
    }
    for (uint32_t i = 0; i < texts->counts[TEXTS_LICENCES]; i++)
        sum += strlen(texts_licence_id(texts, i)) + strlen(texts_licence_name(texts, i));
    for (uint32_t key = 0; key < 64; key++) {
        uint32_t first;
        uint32_t end;
        texts_lookup(texts, key << 26 | key, &first, &end);
        for (; first < end; first++)
            sum += texts_posting_at(texts, first).position;
    }
    sum += texts_word(texts, "warranty") + texts_word(texts, "");
    if (sum == SIZE_MAX)
        abort();
}

static void put(int fd, const void *bytes, size_t length, size_t at)
{
    if (pwrite(fd, bytes, length, (off_t)at) != (ssize_t)length)
        abort();
}

static void open_and_walk(int fd, uint32_t phase)
{
    char path[64];
    static struct texts texts;
    memset(&texts, 0, sizeof(texts));
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (texts_open(path, &texts, NULL) != 0)
        return;
    walk(&texts, phase);
    texts_close(&texts);
}

/* The installed table, written once, with some bytes changed for the time of one input. */
static void try_changed(const struct texts *installed, const uint8_t *data, size_t size)
{
    static int fd = -1;
    if (fd < 0) {
        fd = memfd_create("changed", MFD_CLOEXEC);
        if (fd < 0)
            abort();
        put(fd, installed->map, installed->map_length, 0);
    }
    for (size_t i = 1; i + 5 <= size; i += 5) {
        uint32_t at;
        memcpy(&at, data + i, sizeof(at));
        put(fd, data + i + 4, 1, at % installed->map_length);
    }
    open_and_walk(fd, data[size - 1]);
    for (size_t i = 1; i + 5 <= size; i += 5) {
        uint32_t at;
        memcpy(&at, data + i, sizeof(at));
        at %= (uint32_t)installed->map_length;
        put(fd, (const char *)installed->map + at, 1, at);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stint_licences *table;
    if (!table && stint_licences_open(NULL, &table, NULL) != 0)
        abort();
    if (size > 1 && data[0] == 'd') {
        try_changed(&table->texts, data, size);
        return 0;
    }
    int fd = memfd_create("table", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    put(fd, data, size, 0);
    open_and_walk(fd, 0);
    (void)close(fd);
    return 0;
}
