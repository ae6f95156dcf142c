/* What the table says of ids and names, and that a damaged table is refused, not believed. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "table.h"

static struct stint_licences *table;

static int setup(void **state)
{
    (void)state;
    return stint_licences_open(NULL, &table, NULL);
}

static int teardown(void **state)
{
    (void)state;
    table = stint_licences_close(table);
    return 0;
}

static const struct stint_licence *licence(const char *id)
{
    struct stint_licence_name name;
    if (stint_licence_find(table, id, &name) != 0 || !name.licence)
        fail_msg("no licence %s", id);
    return name.licence;
}

static void lists_say_what_their_sources_say(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        enum stint_tristate osi;
        enum stint_tristate fsf;
        enum stint_tristate open_definition;
    } cases[] = {
        { "MIT", STINT_YES, STINT_YES, STINT_UNKNOWN },
        { "Apache-2.0", STINT_YES, STINT_YES, STINT_UNKNOWN },
        { "MIT-0", STINT_YES, STINT_UNKNOWN, STINT_UNKNOWN },
        { "BlueOak-1.0.0", STINT_YES, STINT_UNKNOWN, STINT_UNKNOWN },
        { "Unlicense", STINT_YES, STINT_YES, STINT_UNKNOWN },
        { "CC0-1.0", STINT_NO, STINT_YES, STINT_YES },
        { "CC-BY-4.0", STINT_NO, STINT_YES, STINT_YES },
        { "CC-BY-NC-4.0", STINT_NO, STINT_NO, STINT_NO },
        { "ODbL-1.0", STINT_NO, STINT_YES, STINT_YES },
        { "CDLA-Permissive-2.0", STINT_NO, STINT_UNKNOWN, STINT_YES },
        { "WTFPL", STINT_NO, STINT_YES, STINT_UNKNOWN },
        { "OpenMDW-1.0", STINT_NO, STINT_UNKNOWN, STINT_UNKNOWN },
        { "LicenseRef-OpenMDW-1.1", STINT_UNKNOWN, STINT_UNKNOWN, STINT_UNKNOWN },
        { "Hippocratic-2.1", STINT_NO, STINT_UNKNOWN, STINT_UNKNOWN },
        { "BUSL-1.1", STINT_NO, STINT_UNKNOWN, STINT_UNKNOWN },
        { "SSPL-1.0", STINT_NO, STINT_UNKNOWN, STINT_UNKNOWN },
        { "Elastic-2.0", STINT_NO, STINT_UNKNOWN, STINT_UNKNOWN },
        { "JSON", STINT_NO, STINT_NO, STINT_UNKNOWN },
        { "Aladdin", STINT_NO, STINT_NO, STINT_UNKNOWN },
        { "NASA-1.3", STINT_YES, STINT_NO, STINT_UNKNOWN },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct stint_licence *found = licence(cases[i].id);
        if (found->osi != cases[i].osi || found->fsf != cases[i].fsf ||
            found->open_definition != cases[i].open_definition)
            fail_msg("%s: osi %s, fsf %s, open definition %s", cases[i].id,
                     stint_tristate_name(found->osi), stint_tristate_name(found->fsf),
                     stint_tristate_name(found->open_definition));
    }
}

static void counts_are_those_of_the_pinned_sources(void **state)
{
    (void)state;
    size_t live = 0;
    size_t deprecated = 0;
    size_t osi = 0;
    size_t fsf_free = 0;
    size_t fsf_nonfree = 0;
    size_t models = 0;
    for (size_t i = 0; i < stint_licences_count(table); i++) {
        const struct stint_licence *row = stint_licences_at(table, i);
        live += row->is_spdx && !row->is_deprecated && !row->is_exception;
        deprecated += row->is_deprecated;
        osi += row->osi == STINT_YES;
        fsf_free += row->fsf == STINT_YES;
        fsf_nonfree += row->fsf == STINT_NO;
        models += row->kind == STINT_LICENCE_MODEL && row->facets != 0;
    }
    assert_int_equal(live, 708);
    assert_int_equal(deprecated, 32); /* 26, and six "+" ids of the list with the texts */
    assert_int_equal(osi, 149);
    assert_int_equal(fsf_free, 127);
    assert_int_equal(fsf_nonfree, 19);
    assert_true(models >= 60);
    assert_null(stint_licences_at(table, stint_licences_count(table)));
    assert_int_equal(strncmp(stint_licences_digest(table), "sha256:", 7), 0);
    assert_non_null(strstr(stint_licences_version(table), "spdx-license-list@6.12.0"));
}

static void facets_are_three_valued(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        enum stint_licence_facet facet;
        enum stint_tristate value;
    } cases[] = {
        { "MIT", STINT_FACET_NON_COMMERCIAL, STINT_NO },
        { "MIT", STINT_FACET_ATTRIBUTION, STINT_YES },
        { "CC-BY-NC-ND-4.0", STINT_FACET_NON_COMMERCIAL, STINT_YES },
        { "CC-BY-NC-ND-4.0", STINT_FACET_NO_DERIVATIVES, STINT_YES },
        { "CC-BY-SA-4.0", STINT_FACET_SHARE_ALIKE, STINT_YES },
        { "CC-BY-SA-4.0", STINT_FACET_NON_COMMERCIAL, STINT_NO },
        { "AGPL-3.0-only", STINT_FACET_NETWORK, STINT_YES },
        { "LicenseRef-Llama-3.1", STINT_FACET_USER_LIMIT, STINT_YES },
        { "LicenseRef-Llama-3.1", STINT_FACET_GEOGRAPHY, STINT_UNKNOWN },
        { "LicenseRef-Llama-3.2", STINT_FACET_GEOGRAPHY, STINT_YES },
        { "LicenseRef-Gemma", STINT_FACET_USE_POLICY_BY_LINK, STINT_YES },
        { "LicenseRef-CreativeML-OpenRAIL-M", STINT_FACET_FIELD_OF_USE, STINT_YES },
        { "3D-Slicer-1.0", STINT_FACET_NON_COMMERCIAL, STINT_UNKNOWN },
        { "OpenMDW-1.0", STINT_FACET_FIELD_OF_USE, STINT_NO },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++)
        if (stint_licence_has(licence(cases[i].id), cases[i].facet) != cases[i].value)
            fail_msg("%s: %s", cases[i].id, stint_licence_facet_name(cases[i].facet));
    assert_int_equal(stint_licence_is_restricted(licence("MIT")), STINT_NO);
    assert_int_equal(stint_licence_is_restricted(licence("LicenseRef-Llama-2")), STINT_YES);
    assert_int_equal(stint_licence_is_restricted(licence("3D-Slicer-1.0")), STINT_UNKNOWN);
}

static void names_lead_to_licences_by_what_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        enum stint_licence_via via;
        const char *id;
        const char *twin;
    } cases[] = {
        { "MIT", STINT_LICENCE_BY_ID, "MIT", NULL },
        { " mit ", STINT_LICENCE_BY_ID, "MIT", NULL },
        { "apache-2.0", STINT_LICENCE_BY_ID, "Apache-2.0", NULL },
        { "GPL-3.0", STINT_LICENCE_DEPRECATED, "GPL-3.0-only", "GPL-3.0-or-later" },
        { "gpl-2.0+", STINT_LICENCE_DEPRECATED, "GPL-2.0-or-later", NULL },
        { "StandardML-NJ", STINT_LICENCE_DEPRECATED, "SMLNJ", NULL },
        { "llama3.1", STINT_LICENCE_BY_HUB, "LicenseRef-Llama-3.1", NULL },
        { "openmdw-1.1", STINT_LICENCE_BY_HUB, "LicenseRef-OpenMDW-1.1", NULL },
        { "pddl", STINT_LICENCE_BY_HUB, "PDDL-1.0", NULL },
        { "The  MIT\tLicense", STINT_LICENCE_BY_ALIAS, "MIT", NULL },
        { "gpl", STINT_LICENCE_FAMILY, NULL, NULL },
        { "cc", STINT_LICENCE_FAMILY, NULL, NULL },
        { "openrail", STINT_LICENCE_FAMILY, NULL, NULL },
        { "other", STINT_LICENCE_FAMILY, NULL, NULL },
        { "unknown", STINT_LICENCE_FAMILY, NULL, NULL },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_licence_name name = { 0 };
        assert_int_equal(stint_licence_find(table, cases[i].name, &name), 0);
        if (name.via != cases[i].via)
            fail_msg("%s: by %s", cases[i].name, stint_licence_via_name(name.via));
        assert_int_equal(!!name.licence, !!cases[i].id);
        assert_int_equal(!!name.twin, !!cases[i].twin);
        if (cases[i].id)
            assert_string_equal(name.licence->id, cases[i].id);
        if (cases[i].twin)
            assert_string_equal(name.twin->id, cases[i].twin);
        assert_true(cases[i].via != STINT_LICENCE_FAMILY || name.note[0] != '\0');
    }
    struct stint_licence_name name;
    static const char *const missing[] = { "", "  ", "no such licence", "MIT2" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(missing); i++)
        assert_int_equal(stint_licence_find(table, missing[i], &name), STINT_NOT_FOUND);
    char name_text[400];
    memset(name_text, 'a', sizeof(name_text));
    name_text[399] = '\0';
    assert_int_equal(stint_licence_find(table, name_text, &name), STINT_NOT_FOUND);
}

static void terms_resolve_only_by_exact_ids(void **state)
{
    (void)state;
    static const struct {
        struct stint_licence_term term;
        const char *id;
    } cases[] = {
        { { "MIT", NULL, false }, "MIT" },
        { { "GPL-2.0", NULL, true }, "GPL-2.0-or-later" },
        { { "EPL-1.0", NULL, true }, "EPL-1.0" },
        { { "GPL-2.0-only", "Classpath-exception-2.0", false }, "GPL-2.0-only" },
        { { "GPL-2.0-only", "No-such-exception", false }, NULL },
        { { "GPL-2.0-only", "MIT", false }, NULL },
        { { "Classpath-exception-2.0", NULL, false }, NULL },
        { { "llama3.1", NULL, false }, NULL },
        { { "gpl", NULL, false }, NULL },
        { { "NOASSERTION", NULL, false }, NULL },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_licence_name name;
        int r = stint_licence_term_resolve(table, &cases[i].term, &name);
        assert_int_equal(r, cases[i].id ? 0 : STINT_NOT_FOUND);
        if (cases[i].id)
            assert_string_equal(name.licence->id, cases[i].id);
    }
}

static void every_hub_key_has_one_meaning(void **state)
{
    (void)state;
    for (size_t i = 1; i < table->name_count; i++) {
        const struct licence_name *a = &table->names[i - 1];
        const struct licence_name *b = &table->names[i];
        if (strcmp(a->key, b->key) == 0 && a->licence != b->licence && a->twin != b->licence)
            fail_msg("'%s' means two licences", a->key);
    }
}

/* A copy of the data folder in a temporary one, for tests that spoil a file of it. */
struct folder {
    char path[64];
};

static const char *const names[] = { "licences.bin", "spdx.yaml", "terms.yaml", "names.yaml",
                                     "clauses.yaml" };

static char *read_source(const char *name, size_t *ret_length)
{
    char path[4096];
    const char *dir = getenv("STINT_LICENCES");
    (void)snprintf(path, sizeof(path), "%s/%s", dir ? dir : STINT_TEST_LICENCES, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    char *text = malloc(TEXTS_FILE_MAX);
    assert_non_null(text);
    *ret_length = fread(text, 1, TEXTS_FILE_MAX, file);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void write_file(const struct folder *folder, const char *name, const char *text,
                       size_t length)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", folder->path, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static void folder_make(struct folder *folder)
{
    strcpy(folder->path, "/tmp/stint-licences-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        size_t length;
        char *text = read_source(names[i], &length);
        write_file(folder, names[i], text, length);
        free(text);
    }
}

static void folder_remove(const struct folder *folder)
{
    char path[128];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(folder->path), 0);
}

static void a_missing_file_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        struct folder folder;
        struct stint_error err = { 0 };
        struct stint_licences *other = NULL;
        char path[128];
        folder_make(&folder);
        (void)snprintf(path, sizeof(path), "%s/%s", folder.path, names[i]);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(stint_licences_open(folder.path, &other, &err), STINT_NOT_FOUND);
        assert_non_null(strstr(err.text, names[i]));
        assert_null(other);
        folder_remove(&folder);
    }
}

static void a_wrong_entry_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *text;
        const char *says;
    } cases[] = {
        { "terms.yaml", "licences:\n  MIT: {facets: [non_comercial]}\n", ":2: no facet" },
        { "terms.yaml", "licences:\n  MIT: {kind: sofware}\n", ":2: no kind" },
        { "terms.yaml", "licences:\n\n  MIT2: {kind: software}\n", ":3: no licence" },
        { "terms.yaml", "lists:\n  free: [MIT]\n", ":2: no facet" },
        { "terms.yaml", "licences: [MIT]\n", ":1: a mapping" },
        { "terms.yaml", "licences: &a {}\nlists: *a\n", ":2: aliases" },
        { "names.yaml", "hub:\n  x: No-Such-Licence\n", ":2: no licence" },
        { "names.yaml", "nicknames: {x: MIT}\n", ":1: 'nicknames'" },
        { "clauses.yaml", "clauses:\n  fee:\n    - \"..5 pay\"\n", ":3: '..5'" },
        { "clauses.yaml", "clauses:\n  fee:\n    - \"pa*y\"\n", ":3: 'pa*y'" },
        { "clauses.yaml", "clauses:\n  fee: \"pay\"\n", ":2: a list" },
        { "clauses.yaml", "clauses: {fee: [\n", "clauses.yaml:" },
        { "clauses.yaml", "prose: {nonsense: [pay]}\n", ":1: no part" },
        { "spdx.yaml", "osi: [MIT]\n", ":1: no licence" },
        { "spdx.yaml", "spdx: [MIT]\n", "digest" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct folder folder;
        struct stint_error err = { 0 };
        struct stint_licences *other = NULL;
        folder_make(&folder);
        write_file(&folder, cases[i].name, cases[i].text, strlen(cases[i].text));
        assert_int_equal(stint_licences_open(folder.path, &other, &err), STINT_UNTRUSTED);
        assert_null(other);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%s: %s", cases[i].text, err.text);
        folder_remove(&folder);
    }
}

/* Whatever is done to the file: refused, or opened and used without reading outside it. */
static void a_damaged_text_table_is_refused_or_harmless(void **state)
{
    (void)state;
    struct folder folder;
    struct texts texts;
    size_t length;
    char path[128];
    char *good = read_source("licences.bin", &length);
    char *bad = malloc(length);
    uint64_t random = 88172645463325252u;
    assert_non_null(bad);
    folder_make(&folder);
    (void)snprintf(path, sizeof(path), "%s/licences.bin", folder.path);
    unsigned refused = 0;
    for (unsigned i = 0; i < 60; i++) {
        memset(&texts, 0, sizeof(texts));
        memcpy(bad, good, length);
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        size_t cut = i % 3 == 0 ? (size_t)(random >> 20) % length : length;
        for (unsigned j = 0; j < 4; j++)
            bad[(random >> (j * 8)) % (i % 2 ? 120 : length)] ^= (char)(1u << (random % 8));
        write_file(&folder, "licences.bin", bad, cut);
        int r = texts_open(path, &texts, NULL);
        assert_true(r == 0 || r == STINT_UNTRUSTED);
        refused += r != 0;
        for (uint32_t t = 0; r == 0 && t < texts.counts[TEXTS_TEMPLATES]; t++) {
            struct texts_template template = texts_template_at(&texts, t);
            for (uint32_t w = 0; w < template.word_count; w++)
                (void)strlen(
                    texts_word_text(&texts, texts_word_at(&texts, template.word_first + w)));
        }
        if (r == 0)
            texts_close(&texts);
    }
    assert_true(refused >= 30);
    struct stint_licences *other = NULL;
    memcpy(bad, good, length);
    bad[length / 2] ^= 1;
    write_file(&folder, "licences.bin", bad, length);
    assert_int_equal(stint_licences_open(folder.path, &other, NULL), STINT_UNTRUSTED);
    free(good);
    free(bad);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_say_what_their_sources_say),
        cmocka_unit_test(counts_are_those_of_the_pinned_sources),
        cmocka_unit_test(facets_are_three_valued),
        cmocka_unit_test(names_lead_to_licences_by_what_they_are),
        cmocka_unit_test(terms_resolve_only_by_exact_ids),
        cmocka_unit_test(every_hub_key_has_one_meaning),
        cmocka_unit_test(a_missing_file_is_named),
        cmocka_unit_test(a_wrong_entry_is_refused_with_its_line),
        cmocka_unit_test(a_damaged_text_table_is_refused_or_harmless),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
