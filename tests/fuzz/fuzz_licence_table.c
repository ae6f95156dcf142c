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

static void walk(const struct texts *texts)
{
    size_t sum = 0;
    for (uint32_t i = 0; i < texts->counts[TEXTS_TEMPLATES]; i++) {
        struct texts_template t = texts_template_at(texts, i);
        for (uint32_t j = 0; j < t.word_count; j++) {
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct stint_licences *table;
    if (!table && stint_licences_open(NULL, &table, NULL) != 0)
        abort();
    int fd = memfd_create("table", MFD_CLOEXEC);
    if (fd < 0)
        return 0;
    if (size > 1 && data[0] == 'd') {
        if (write(fd, table->texts.map, table->texts.map_length) < 0)
            abort();
        for (size_t i = 1; i + 5 <= size; i += 5) {
            uint32_t at;
            memcpy(&at, data + i, sizeof(at));
            if (pwrite(fd, data + i + 4, 1, (off_t)(at % table->texts.map_length)) < 0)
                abort();
        }
    } else if (write(fd, data, size) < 0) {
        abort();
    }
    char path[64];
    static struct texts texts;
    memset(&texts, 0, sizeof(texts));
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (texts_open(path, &texts, NULL) == 0) {
        walk(&texts);
        texts_close(&texts);
    }
    (void)close(fd);
    return 0;
}
