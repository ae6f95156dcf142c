/* Owns: log head, entry, proof, verify. What is verified is recomputed here from the entries'
 * bytes: the daemon is asked for them and believed in nothing. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "document.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/record.h"

/* A body that is text: the checkpoint, an entry, a proof. */
static int text_get(struct cli *cli, const char *path, struct response *response)
{
    return cli_call(cli, "GET", path, NULL, response);
}

/* @text without its last line end; outside text, but every line of these formats is printable. */
static void lines_print(const char *text)
{
    while (*text) {
        size_t length = strcspn(text, "\n");
        char *line = strndup(text, length);
        if (line)
            text_print(line);
        free(line);
        (void)putchar('\n');
        text += length + (text[length] == '\n');
    }
}

static void root_hex(const struct stint_checkpoint *head, char hex[STINT_SHA256_HEX])
{
    stint_sha256_hex(&head->root, hex);
}

int verb_log_head(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    struct stint_checkpoint head;
    struct stint_error err = { 0 };
    char hex[STINT_SHA256_HEX];
    int status = text_get(cli, "/api/v1/log/checkpoint", &response);
    if (status != EXIT_OK)
        return status;
    const char *note = stint_buffer_text(&response.body);
    if (!cli_has(cli, "json")) {
        lines_print(note);
        return EXIT_OK;
    }
    err.code = stint_checkpoint_parse(note, response.body.length, &head, &err);
    if (err.code != 0)
        return cli_fail(&err);
    root_hex(&head, hex);
    json_t *document =
        json_pack("{s:s,s:s,s:I,s:s,s:s}", "schema", "stint.checkpoint/1", "origin", head.origin,
                  "size", (json_int_t)head.size, "root", hex, "note", note);
    cli_print_json(document);
    json_decref(document);
    return EXIT_OK;
}

static int number_path(const char *kind, const char *text, char *path, size_t size)
{
    if (!*text || strlen(text) > 18 || text[strspn(text, "0123456789")])
        return cli_usage("a number from 0", "'%.40s' is not an entry's number", text);
    (void)snprintf(path, size, "/api/v1/log/%s/%s", kind, text);
    return EXIT_OK;
}

/* The stored bytes: what is hashed is what is shown. */
int verb_log_entry(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[80];
    int status = number_path("entry", cli->args.words[0], path, sizeof(path));
    if (status == EXIT_OK)
        status = text_get(cli, path, &response);
    if (status == EXIT_OK)
        lines_print(stint_buffer_text(&response.body));
    return status;
}

int verb_log_proof(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[80];
    int status = number_path("proof", cli->args.words[0], path, sizeof(path));
    if (status == EXIT_OK)
        status = text_get(cli, path, &response);
    if (status == EXIT_OK)
        lines_print(stint_buffer_text(&response.body));
    return status;
}

/* ---- verify ---- */

struct verify {
    struct cli *cli;
    struct stint_vkey vkey;
    bool is_key_given;
    struct stint_log_audit audit;
    uint64_t entries;
    bool has_odd; /* an entry whose bytes are not those that the daemon's own tree has */
    uint64_t odd;
    struct stint_error err;
};

/* --key TEXT or --key FILE; without it the daemon's own word, which is said. */
static int verify_key(struct verify *verify)
{
    stint_auto(response_deinit) struct response response = { 0 };
    const char *given = cli_value(verify->cli, "key");
    char text[STINT_VKEY_TEXT_MAX] = "";
    if (given) {
        FILE *file = strchr(given, '+') ? NULL : fopen(given, "re");
        verify->is_key_given = true;
        (void)snprintf(text, sizeof(text), "%s", file ? "" : given);
        if (file) {
            if (!fgets(text, sizeof(text), file))
                text[0] = '\0';
            (void)fclose(file);
        }
    } else {
        int status = text_get(verify->cli, "/api/v1/log/key", &response);
        if (status != EXIT_OK)
            return status;
        const char *key = doc_text(response.json, "vkey");
        if (!key)
            key = doc_text_or(response.json, "key", stint_buffer_text(&response.body));
        (void)snprintf(text, sizeof(text), "%s", key);
    }
    text[strcspn(text, "\r\n")] = '\0';
    verify->err.code = stint_vkey_parse(text, &verify->vkey, &verify->err);
    return verify->err.code == 0 ? EXIT_OK : cli_fail(&verify->err);
}

static char *file_text(const char *path, size_t *ret_length)
{
    char *text = malloc(STINT_NOTE_BYTES_MAX);
    FILE *file = text ? fopen(path, "re") : NULL;
    if (!file) {
        free(text);
        return NULL;
    }
    *ret_length = fread(text, 1, STINT_NOTE_BYTES_MAX, file);
    (void)fclose(file);
    return text;
}

static int verify_begin(struct verify *verify)
{
    stint_auto(response_deinit) struct response note = { 0 };
    const char *old_path = cli_value(verify->cli, "old");
    size_t old_length = 0;
    stint_auto(stint_free) char *old = old_path ? file_text(old_path, &old_length) : NULL;
    if (old_path && !old)
        return cli_usage("a file written by 'stint log head'", "cannot read %.200s: %s", old_path,
                         strerror(errno));
    int status = text_get(verify->cli, "/api/v1/log/checkpoint", &note);
    if (status != EXIT_OK)
        return status;
    verify->err.code =
        stint_log_audit_begin(&verify->audit, &verify->vkey, stint_buffer_text(&note.body),
                              note.body.length, old, old_length, &verify->err);
    return verify->err.code == 0 ? EXIT_OK : cli_fail(&verify->err);
}

/* The first whose hash is not the one that was kept when it came; only for the message. */
static void odd_note(struct verify *verify, const json_t *row, const char *bytes, size_t length)
{
    struct stint_sha256 leaf;
    char hex[STINT_SHA256_HEX];
    const char *kept = doc_text(row, "leaf");
    stint_merkle_leaf(bytes, length, &leaf);
    if (verify->has_odd || !kept || strcmp(stint_sha256_hex(&leaf, hex), kept) == 0)
        return;
    verify->has_odd = true;
    verify->odd = verify->entries;
}

/* What does not agree, and what to do: a log that was altered is a matter between people. */
static int verify_failed(struct verify *verify)
{
    struct stint_error *err = &verify->err;
    size_t length = strlen(err->text);
    if (err->code != STINT_UNTRUSTED)
        return cli_fail(err);
    if (verify->has_odd)
        (void)snprintf(err->text + length, sizeof(err->text) - length,
                       "; entry %" PRIu64 " is not what was logged", verify->odd);
    (void)stint_fix(err, STINT_UNTRUSTED,
                    "keep what you have of it (stint log head), ask the operator to restore a "
                    "backup, and tell others");
    return cli_fail(err);
}

/* The bytes of one entry of a page: a text, for an object would not keep them. */
static int verify_entry(struct verify *verify, const json_t *row)
{
    const json_t *bytes = json_is_string(row) ? row : doc_at(row, "entry");
    if (!json_is_string(bytes))
        return stint_fail(&verify->err, STINT_UNTRUSTED,
                          "entry %" PRIu64 ": the daemon does not give its bytes", verify->entries);
    odd_note(verify, row, json_string_value(bytes), json_string_length(bytes));
    int r = stint_log_audit_add(&verify->audit, json_string_value(bytes), json_string_length(bytes),
                                &verify->err);
    verify->entries += r == 0;
    return r;
}

#define VERIFY_PAGE 500

/* All entries that the head covers, page by page; the log may have grown meanwhile. */
static int verify_entries(struct verify *verify)
{
    while (verify->entries < verify->audit.head.size) {
        stint_auto(response_deinit) struct response page = { 0 };
        char path[120];
        uint64_t left = verify->audit.head.size - verify->entries;
        const json_t *row;
        size_t i;
        /* after is the last entry that is known already; without it, from the first. */
        if (verify->entries == 0)
            (void)snprintf(path, sizeof(path), "/api/v1/log/entries?limit=%d",
                           left < VERIFY_PAGE ? (int)left : VERIFY_PAGE);
        else
            (void)snprintf(path, sizeof(path), "/api/v1/log/entries?after=%" PRIu64 "&limit=%d",
                           verify->entries - 1, left < VERIFY_PAGE ? (int)left : VERIFY_PAGE);
        int status = text_get(verify->cli, path, &page);
        if (status != EXIT_OK)
            return status;
        const json_t *entries = doc_at(page.json, "entries");
        if (json_array_size(entries) == 0) {
            verify->err.code =
                stint_fail(&verify->err, STINT_UNTRUSTED,
                           "the head covers %" PRIu64 " entries, only %" PRIu64 " are given",
                           verify->audit.head.size, verify->entries);
            return verify_failed(verify);
        }
        json_array_foreach(entries, i, row)
        {
            if (verify->entries == verify->audit.head.size)
                break;
            verify->err.code = verify_entry(verify, row);
            if (verify->err.code != 0)
                return verify_failed(verify);
        }
    }
    verify->err.code = stint_log_audit_end(&verify->audit, &verify->err);
    return verify->err.code == 0 ? EXIT_OK : verify_failed(verify);
}

static void verify_report(const struct verify *verify)
{
    char hex[STINT_SHA256_HEX];
    char key[STINT_VKEY_TEXT_MAX];
    const struct stint_checkpoint *head = &verify->audit.head;
    const char *ok = screen_has_colour() ? "\033[32m[ok]\033[0m" : "[ok]";
    root_hex(head, hex);
    stint_vkey_format(&verify->vkey, key);
    if (cli_has(verify->cli, "json")) {
        json_t *document = json_pack(
            "{s:s,s:b,s:s,s:I,s:s,s:s,s:b,s:b}", "schema", "stint.log-verification/1", "ok", 1,
            "origin", head->origin, "size", (json_int_t)head->size, "root", hex, "key", key,
            "key_given", verify->is_key_given, "contains_old", verify->audit.has_old);
        cli_print_json(document);
        json_decref(document);
        return;
    }
    (void)printf("checkpoint ");
    text_print(head->origin);
    (void)printf("  size %" PRIu64 "  signed by %08" PRIx32 "  %s\n", head->size, verify->vkey.id,
                 ok);
    (void)printf("%" PRIu64 " entries hash to the root %s  %s\n", verify->entries, hex, ok);
    if (verify->audit.has_old)
        (void)printf("the earlier head, size %" PRIu64 ", is contained  %s\n",
                     verify->audit.old.size, ok);
    if (!verify->is_key_given)
        (void)printf("the key is the daemon's own word; keep it and give it next time: --key %s\n",
                     key);
    (void)puts("0 witnesses: you trust this operator alone.");
}

int verb_log_verify(struct cli *cli)
{
    struct verify verify = { .cli = cli };
    int status = verify_key(&verify);
    if (status == EXIT_OK)
        status = verify_begin(&verify);
    if (status == EXIT_OK)
        status = verify_entries(&verify);
    if (status == EXIT_OK)
        verify_report(&verify);
    return status;
}
