/* Owns: the order in which a table is filled from its folder, what follows from several of its
 * files at once, and that they belong together: spdx.yaml states the digest of the texts. */
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_file(const char *path, char **ret_text, size_t *ret_length, struct stint_error *err)
{
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct stat status;
    if (fd < 0 && errno == ENOENT)
        return stint_fail(err, STINT_NOT_FOUND, "%s: no such file", path);
    if (fd < 0 || fstat(fd, &status) != 0)
        return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode) || (size_t)status.st_size > LOAD_FILE_MAX)
        return stint_fail(err, STINT_UNTRUSTED, "%s: not a file of at most %zu bytes", path,
                          LOAD_FILE_MAX);
    size_t size = (size_t)status.st_size;
    stint_auto(stint_free) char *text = malloc(size + 1);
    if (!text)
        return stint_fail(err, -ENOMEM, "out of memory");
    size_t length = 0;
    while (length < size) {
        ssize_t got = read(fd, text + length, size - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return stint_fail(err, -errno, "%s: %s", path, strerror(errno));
        if (got == 0)
            break;
        length += (size_t)got;
    }
    *ret_text = stint_take(text);
    *ret_length = length;
    return 0;
}

static int load_file(struct load *load, const char *dir, const char *name, document_row_fn row,
                     struct stint_error *err)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (length < 0 || (size_t)length >= sizeof(path))
        return stint_fail(err, -ENAMETOOLONG, "%.100s…: too long a path", dir);
    char *text = NULL;
    size_t text_length = 0;
    int r = read_file(path, &text, &text_length, err);
    if (r != 0)
        return r;
    stint_sha256_stream_add(load->table->digest_stream, text, text_length);
    struct document document;
    r = document_open(&document, path, text, text_length, err);
    if (r == 0)
        r = document_mapping(&document, row, load, err);
    document_close(&document);
    free(text);
    return r;
}

/* Full names from the text table; every text must belong to a licence of the list. */
static int link_texts(struct load *load, struct stint_error *err)
{
    struct stint_licences *table = load->table;
    const struct texts *texts = &table->texts;
    load_sort(load);
    for (uint32_t i = 0; i < texts->counts[TEXTS_LICENCES]; i++) {
        uint16_t index = licences_index(table, texts_licence_id(texts, i));
        if (index != LICENCE_NONE && table->list[index].name == table->list[index].id)
            table->list[index].name = texts_licence_name(texts, i);
    }
    table->text_licences = calloc(texts->counts[TEXTS_NAMES] + 1u, sizeof(uint16_t));
    if (!table->text_licences)
        return stint_fail(err, -ENOMEM, "out of memory");
    for (uint32_t i = 0; i < texts->counts[TEXTS_NAMES]; i++) {
        uint16_t index = licences_index(table, texts_name(texts, i));
        if (index == LICENCE_NONE)
            return stint_fail(err, STINT_UNTRUSTED,
                              "licences.bin has a text for '%s', which spdx.yaml does not list",
                              texts_name(texts, i));
        table->text_licences[i] = index;
        table->list[index].has_text = true;
    }
    return 0;
}

/* What the three lists imply: who is on the OSI's list, or conforms to the Open Definition, takes
 * no freedom away. */
static void imply_facets(struct stint_licences *table)
{
    uint32_t restrictions = 0;
    for (int facet = 0; facet < STINT_FACET_COUNT; facet++)
        if (stint_licence_facet_restricts((enum stint_licence_facet)facet))
            restrictions |= (uint32_t)1 << facet;
    for (size_t i = 0; i < table->count; i++) {
        struct stint_licence *licence = &table->list[i];
        if (licence->osi == STINT_YES || licence->open_definition == STINT_YES)
            licence->facets_known |= restrictions;
    }
}

/* The ids themselves as names; deprecated ones point to what they may mean now. */
static int name_ids(struct load *load, struct stint_error *err)
{
    struct stint_licences *table = load->table;
    load_sort(load);
    for (size_t i = 0; i < table->count; i++) {
        struct stint_licence *licence = &table->list[i];
        struct licence_name name = {
            .licence = (uint16_t)i, .twin = LICENCE_NONE, .via = STINT_LICENCE_BY_ID, .note = ""
        };
        if (licence->is_deprecated) {
            char ids[128];
            (void)snprintf(ids, sizeof(ids), "%s", licence->successor);
            char *second = strchr(ids, ' ');
            if (second)
                *second++ = '\0';
            uint16_t first_index = licences_index(table, ids);
            name.via = STINT_LICENCE_DEPRECATED;
            if (first_index != LICENCE_NONE)
                name.licence = first_index;
            if (second && (name.twin = licences_index(table, second)) != LICENCE_NONE)
                licence->successor = "";
            name.note = second        ? "deprecated: it does not say -only or -or-later"
                        : ids[0] != 0 ? "deprecated"
                                      : "deprecated: say the licence WITH its exception";
        }
        int r = load_name(table, licence->id, name, err);
        if (r != 0)
            return r;
    }
    return 0;
}

static int compare_name(const void *a, const void *b)
{
    const struct licence_name *x = a;
    const struct licence_name *y = b;
    int order = strcmp(x->key, y->key);
    return order != 0 ? order : (int)x->via - (int)y->via;
}

int licences_load(struct stint_licences *table, const char *dir, struct stint_error *err)
{
    struct load load = { .table = table };
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/licences.bin", dir);
    if (length < 0 || (size_t)length >= sizeof(path))
        return stint_fail(err, -ENAMETOOLONG, "%.100s…: too long a path", dir);
    int r = texts_open(path, &table->texts, err);
    if (r == 0)
        r = load_file(&load, dir, "spdx.yaml", spdx_row, err);
    char digest[STINT_SHA256_HEX];
    if (r == 0 && strcmp(stint_sha256_hex(&table->texts.digest, digest), load.expected_texts) != 0)
        r = stint_fail(err, STINT_UNTRUSTED, "%s: its digest is not the one that spdx.yaml states",
                       path);
    if (r == 0)
        r = load_file(&load, dir, "terms.yaml", terms_row, err);
    if (r == 0)
        r = link_texts(&load, err);
    if (r == 0)
        r = name_ids(&load, err);
    if (r == 0)
        r = load_file(&load, dir, "names.yaml", names_row, err);
    if (r == 0)
        r = load_file(&load, dir, "clauses.yaml", clauses_row, err);
    if (r != 0)
        return r;
    imply_facets(table);
    qsort(table->names, table->name_count, sizeof(table->names[0]), compare_name);
    return 0;
}
