/* A store of layers: what each blob is, its manifest says; what it holds, its digest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "stint/auto.h"

#define LAYER(type) "{\"mediaType\":\"application/vnd.ollama.image." type "\",\"digest\":\"%s\"%s}"

/* Version 3, one tensor of two numbers, one key; the data begins at the next 32 bytes. */
static const char gguf[136] = "GGUF\3\0\0\0\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"
                              "\24\0\0\0\0\0\0\0general.architecture"
                              "\10\0\0\0\5\0\0\0\0\0\0\0llama"
                              "\1\0\0\0\0\0\0\0w\1\0\0\0\2\0\0\0\0\0\0\0";

/* The digest of the bytes, as a manifest and (with '-') as a blob writes it. */
static void name_of(const void *bytes, size_t length, char separator, char name[80])
{
    struct stint_sha256 digest;
    char hex[STINT_SHA256_HEX];
    stint_sha256(bytes, length, &digest);
    (void)snprintf(name, 80, "sha256%c%s", separator, stint_sha256_hex(&digest, hex));
}

/* A store with weights and a licence text; @from: JSON members of the weights' layer. */
static void make_store(const struct fixture *f, const char *folder, const char *licence,
                       const char *from)
{
    char path[200], name[80], text[600], digests[2][80];
    const struct {
        const void *bytes;
        size_t length;
    } blobs[] = { { gguf, sizeof(gguf) }, { licence, strlen(licence) } };
    for (size_t i = 0; i < 2; i++) {
        name_of(blobs[i].bytes, blobs[i].length, '-', name);
        name_of(blobs[i].bytes, blobs[i].length, ':', digests[i]);
        (void)snprintf(path, sizeof(path), "%s/blobs/%s", folder, name);
        fixture_bytes(f, path, blobs[i].bytes, blobs[i].length);
    }
    (void)snprintf(text, sizeof(text), "{\"layers\":[" LAYER("model") "," LAYER("license") "]}",
                   digests[0], from, digests[1], "");
    (void)snprintf(path, sizeof(path), "%s/manifests/registry/library/tiny/latest", folder);
    fixture_text(f, path, text);
}

static void layers_are_read_as_what_the_manifest_calls_them(void **state)
{
    struct fixture *f = *state;
    make_store(f, "s", fixture_apache(), "");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "s", STINT_KIND_AUTO, "osaid-1.0");
    assert_int_equal(verdict->kind, STINT_KIND_MODEL);
    assert_int_equal(verdict->complete, STINT_COMPLETE_YES);
    assert_true(fixture_fact(verdict, STINT_WEIGHTS, STINT_PRESENT)->truth);
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "pass");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "pass");
    assert_string_equal(verdict->licences[0].id, "Apache-2.0");
}

static void a_layer_taken_from_another_model_names_its_base(void **state)
{
    struct fixture *f = *state;
    make_store(f, "s", fixture_apache(), ",\"from\":\"nobody:latest\"");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "s", STINT_KIND_AUTO, "osaid-1.0");
    assert_string_equal(fixture_fact(verdict, STINT_BASE_MODEL, STINT_NAME)->text, "nobody:latest");
    assert_string_equal(fixture_result(verdict, "OSAID-F1"), "unknown");
}

static void a_blob_that_is_not_its_name_is_never_believed(void **state)
{
    struct fixture *f = *state;
    char name[80], path[200];
    make_store(f, "s", fixture_apache(), "");
    name_of(fixture_apache(), strlen(fixture_apache()), '-', name);
    (void)snprintf(path, sizeof(path), "s/blobs/%s", name);
    fixture_text(f, path, "Do what you like with it.\n");
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "s", STINT_KIND_AUTO, "osaid-1.0");
    assert_true(fixture_has_finding(verdict, "T-unreadable"));
    assert_string_equal(fixture_result(verdict, "OSAID-P2"), "unknown");
}

static void a_layer_that_is_not_there_makes_the_store_a_part(void **state)
{
    struct fixture *f = *state;
    char name[80], path[200];
    make_store(f, "s", fixture_apache(), "");
    name_of(gguf, sizeof(gguf), '-', name);
    (void)snprintf(path, sizeof(path), "s/blobs/%s", name);
    fixture_remove(f, path);
    stint_auto(stint_verdict_free) struct stint_verdict *verdict =
        fixture_judge(f, "s", STINT_KIND_AUTO, "osaid-1.0");
    assert_int_equal(verdict->complete, STINT_COMPLETE_NO);
    assert_string_not_equal(fixture_result(verdict, "OSAID-P1"), "pass");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(layers_are_read_as_what_the_manifest_calls_them),
        CASE(a_layer_taken_from_another_model_names_its_base),
        CASE(a_blob_that_is_not_its_name_is_never_believed),
        CASE(a_layer_that_is_not_there_makes_the_store_a_part),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
