/* Owns: artifact attest, artifact revoke, artifact key. A statement is put together from options,
 * or read from a file; signed here, where the key is; and handed in, or printed for others. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"
#include "document.h"
#include "review.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/checkpoint.h"
#include "stint/evaluator.h"

#define ASKS_MAX 32

struct attest {
    struct cli *cli;
    char digest[80];
    char document[80];
    char date[16];
    const char *component;
    const char *predicate;
    const char *value;
};

/* ---- which bytes */

static int path_digest(struct attest *attest, const char *path)
{
    struct stint_error err = { 0 };
    if (isatty(STDERR_FILENO) == 1)
        (void)fprintf(stderr, "stint: reading %s\n", path);
    err.code = review_digest(path, attest->digest, &err);
    return err.code == 0 ? EXIT_OK : cli_fail_file(&err, path);
}

static int name_digest(struct attest *attest, const char *name)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char encoded[1024];
    char path[1100];
    (void)snprintf(path, sizeof(path), "/api/v1/artifacts/%s",
                   path_encode(name, encoded, sizeof(encoded)));
    int status = cli_call(attest->cli, "GET", path, NULL, &response);
    if (status == EXIT_OK)
        (void)snprintf(attest->digest, sizeof(attest->digest), "%s",
                       doc_text_or(response.json, "artifact.digest", ""));
    return status;
}

/* A digest is taken as it is; what begins with '/', '.' or '~' is a path; anything else a name, and
 * without a daemon a path. */
static int find_digest(struct attest *attest, const char *word)
{
    bool is_path = strchr("/.~", word[0]) != NULL;
    if (strncmp(word, "sha256:", 7) == 0) {
        (void)snprintf(attest->digest, sizeof(attest->digest), "%.79s", word);
        return EXIT_OK;
    }
    if (is_path || (cli_has(attest->cli, "print") && access(word, F_OK) == 0))
        return path_digest(attest, word);
    return name_digest(attest, word);
}

/* ---- what is said */

static void ask_print(const struct stint_rules_ask *ask)
{
    (void)fprintf(stderr, "  --component %s --predicate %s", stint_component_name(ask->component),
                  stint_predicate_name(ask->predicate));
    if (ask->each)
        (void)fprintf(stderr, " --subject NAME   (for each %s)", stint_component_name(ask->each));
    (void)fputc('\n', stderr);
}

/* Could @value answer @ask? "true" is no licence, and "CC-BY-4.0" is neither yes nor no. */
static bool ask_fits(const struct stint_rules_ask *ask, const char *value)
{
    bool is_truth = strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    bool is_number = *value && !value[strspn(value, "0123456789")];
    switch (stint_predicate_type(ask->predicate)) {
    case STINT_VALUE_BOOL:
        return is_truth;
    case STINT_VALUE_NUMBER:
        return is_number;
    case STINT_VALUE_TEXT:
        return !is_truth;
    }
    return false;
}

/* A criterion that asks one thing says by itself which, and of several the value may leave one;
 * else all are shown. */
static int take_ask(struct attest *attest, const char *criterion,
                    const struct stint_rules_ask *asks, size_t count)
{
    const struct stint_rules_ask *one = count == 1 ? &asks[0] : NULL;
    size_t fitting = 0;
    for (size_t i = 0; attest->value && count > 1 && i < count && i < ASKS_MAX; i++)
        if (ask_fits(&asks[i], attest->value) && ++fitting == 1)
            one = &asks[i];
    if (one && fitting <= 1) {
        attest->component = stint_component_name(one->component);
        attest->predicate = stint_predicate_name(one->predicate);
        if (!attest->value && one->is_truth)
            attest->value = "true";
        return EXIT_OK;
    }
    (void)cli_usage("one of these, one statement each", "artifact attest: %.60s asks %zu things",
                    criterion, count);
    for (size_t i = 0; i < count && i < ASKS_MAX; i++)
        ask_print(&asks[i]);
    return EXIT_USAGE;
}

static int find_criterion(struct attest *attest, const char *criterion)
{
    stint_auto(stint_evaluator_close) struct stint_evaluator *evaluator = NULL;
    struct stint_rules_ask asks[ASKS_MAX];
    const struct stint_rules *rules;
    struct stint_error err = { 0 };
    char list[2048];
    char *rest = list;
    size_t count = 0;
    err.code = stint_evaluator_open(NULL, &evaluator, &err);
    if (err.code != 0)
        return cli_fail(&err);
    (void)snprintf(list, sizeof(list), "%s", stint_evaluator_rules_list(evaluator));
    for (char *id; count == 0 && (id = strsep(&rest, ","));)
        if (*id && stint_evaluator_rules(evaluator, id, &rules, NULL) == 0)
            count = stint_rules_asks(rules, criterion, asks, ASKS_MAX);
    if (count == 0)
        return cli_usage("stint check --full shows them", "artifact attest: no criterion %.60s",
                         criterion);
    return take_ask(attest, criterion, asks, count);
}

static int find_subject_matter(struct attest *attest)
{
    struct cli *cli = attest->cli;
    attest->component = cli_value(cli, "component");
    attest->predicate = cli_value(cli, "predicate");
    attest->value = cli_value(cli, "value");
    if (cli_has(cli, "criterion") && !attest->component && !attest->predicate) {
        int status = find_criterion(attest, cli_value(cli, "criterion"));
        if (status != EXIT_OK)
            return status;
    }
    if (!attest->component || !attest->predicate || !attest->value)
        return cli_usage("--component C --predicate P --value V, or --criterion ID",
                         "artifact attest: what is said of it is not whole");
    if (!cli_has(cli, "source"))
        return cli_usage("--source TEXT: a title or an address",
                         "artifact attest: on what does it rest?");
    return EXIT_OK;
}

static int find_document(struct attest *attest)
{
    const char *given = cli_value(attest->cli, "document");
    struct stint_error err = { 0 };
    if (!given || strncmp(given, "sha256:", 7) == 0) {
        (void)snprintf(attest->document, sizeof(attest->document), "%.79s", given ? given : "");
        return EXIT_OK;
    }
    err.code = review_file_digest(given, attest->document, &err);
    return err.code == 0 ? EXIT_OK : cli_fail_file(&err, given);
}

static void find_date(struct attest *attest)
{
    struct tm now;
    time_t at = (time_t)(wall_now_ms() / 1000);
    (void)snprintf(attest->date, sizeof(attest->date), "%.15s",
                   cli_has(attest->cli, "date") ? cli_value(attest->cli, "date") : "");
    if (!attest->date[0] && gmtime_r(&at, &now))
        (void)strftime(attest->date, sizeof(attest->date), "%Y-%m-%d", &now);
}

/* "true" is true where the predicate is, and a word where it is a text. */
static json_t *value_json(const struct attest *attest)
{
    enum stint_predicate predicate = stint_predicate_parse(attest->predicate);
    const char *text = attest->value;
    bool is_yes = strcmp(text, "true") == 0 || strcmp(text, "yes") == 0;
    bool is_no = strcmp(text, "false") == 0 || strcmp(text, "no") == 0;
    if (predicate && stint_predicate_type(predicate) == STINT_VALUE_BOOL && (is_yes || is_no))
        return json_boolean(is_yes);
    return json_string(text);
}

static void set_if(json_t *object, const char *key, const char *text)
{
    if (text && *text)
        (void)json_object_set_new(object, key, json_string(text));
}

/* Unsigned; its reviewer is named by whoever takes it in. */
static json_t *statement_json(const struct attest *attest)
{
    json_t *json = json_object();
    set_if(json, "schema", "stint.attestation/1");
    set_if(json, "digest", attest->digest);
    set_if(json, "component", attest->component);
    set_if(json, "predicate", attest->predicate);
    set_if(json, "subject", cli_value(attest->cli, "subject"));
    (void)json_object_set_new(json, "value", value_json(attest));
    set_if(json, "source", cli_value(attest->cli, "source"));
    set_if(json, "date", attest->date);
    set_if(json, "document", attest->document);
    set_if(json, "criterion", cli_value(attest->cli, "criterion"));
    set_if(json, "reviewer", "the one who runs this");
    return json;
}

/* As the daemon will read it: what is wrong is said before anything is sent. */
static int statement_write(const struct attest *attest, struct stint_buffer *out)
{
    stint_auto(stint_attestation_deinit) struct stint_attestation attestation = { 0 };
    struct stint_error err = { 0 };
    const char *key = cli_value(attest->cli, "key");
    json_t *json = statement_json(attest);
    stint_auto(stint_free) char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    err.code = text ? stint_attestation_parse(text, strlen(text), &attestation, &err) : -ENOMEM;
    if (err.code == 0 && key)
        err.code = review_sign(&attestation, key, out, &err);
    else if (err.code == 0)
        stint_attestation_json(&attestation, out);
    if (err.code == -ENOENT || err.code == -EACCES)
        return cli_fail_file(&err, key ? key : "");
    return err.code == 0 ? EXIT_OK : cli_fail(&err);
}

/* ---- handing in */

static int show_made(struct cli *cli, const struct response *response)
{
    const json_t *result;
    size_t i;
    if (cli_has(cli, "json")) {
        (void)printf("%s\n", stint_buffer_text(&response->body));
        return EXIT_OK;
    }
    (void)printf("attestation %" PRId64 " %s\n", doc_int(response->json, "attestation.id", 0),
                 doc_text_or(response->json, "attestation.state", "standing"));
    json_array_foreach(doc_at(response->json, "verdict.results"), i, result)
    {
        const char *word = doc_text_or(result, "result", "unknown");
        (void)printf("%s  %s%s%s\n", doc_text_or(result, "rules", "rules"),
                     style_on(style_of_state(word)), word, style_off());
    }
    if (!doc_at(response->json, "verdict"))
        (void)puts("judged anew when it is used next");
    return EXIT_OK;
}

static int hand_in(struct cli *cli, const char *digest, const char *statement)
{
    stint_auto(response_deinit) struct response response = { 0 };
    char path[200];
    (void)snprintf(path, sizeof(path), "/api/v1/artifacts/%.79s/attestations", digest);
    int status = cli_call(cli, "POST", path, statement, &response);
    return status == EXIT_OK ? show_made(cli, &response) : status;
}

static int give(struct cli *cli, const char *digest, const char *statement)
{
    if (!cli_has(cli, "print"))
        return hand_in(cli, digest, statement);
    return puts(statement) == EOF ? EXIT_FAILED : EXIT_OK;
}

/* Statements that somebody else made and signed. */
static int give_file(struct attest *attest, const char *file)
{
    json_error_t problem;
    int status = EXIT_OK;
    FILE *stream = fopen(file, "re");
    struct stint_error err = { .code = stream ? 0 : -errno };
    if (!stream)
        return cli_fail_file(&err, file);
    json_t *root = json_loadf(stream, JSON_REJECT_DUPLICATES, &problem);
    (void)fclose(stream);
    if (!root)
        return cli_usage("stint.attestation/1, one or an array of them", "%.200s:%d: %.150s", file,
                         problem.line, problem.text);
    size_t count = json_is_array(root) ? json_array_size(root) : 1;
    for (size_t i = 0; i < count && status == EXIT_OK; i++) {
        const json_t *one = json_is_array(root) ? json_array_get(root, i) : root;
        stint_auto(stint_free) char *text = json_dumps(one, JSON_COMPACT | JSON_ENCODE_ANY);
        status = text ? give(attest->cli, attest->digest, text) : EXIT_FAILED;
    }
    json_decref(root);
    return status;
}

int verb_artifact_attest(struct cli *cli)
{
    struct attest attest = { .cli = cli };
    stint_auto(stint_buffer_deinit) struct stint_buffer statement = { 0 };
    bool is_made = !cli_has(cli, "statement");
    int status = is_made ? find_subject_matter(&attest) : EXIT_OK;
    if (status == EXIT_OK)
        status = find_digest(&attest, cli->args.words[0]);
    if (status == EXIT_OK && !is_made)
        return give_file(&attest, cli_value(cli, "statement"));
    if (status == EXIT_OK)
        status = find_document(&attest);
    if (status != EXIT_OK)
        return status;
    find_date(&attest);
    status = statement_write(&attest, &statement);
    return status == EXIT_OK ? give(cli, attest.digest, stint_buffer_text(&statement)) : status;
}

int verb_artifact_revoke(struct cli *cli)
{
    stint_auto(response_deinit) struct response response = { 0 };
    const char *id = cli->args.words[0];
    const char *reason = cli_value(cli, "reason");
    char encoded[1024];
    char path[1200];
    if (!*id || strlen(id) > 18 || id[strspn(id, "0123456789")])
        return cli_usage("stint artifact show NAME lists them",
                         "'%.40s' is not a statement's number", id);
    if (!reason)
        return cli_usage("--reason TEXT; it is public", "artifact revoke: no reason given");
    (void)snprintf(path, sizeof(path), "/api/v1/attestations/%s?reason=%s", id,
                   path_encode(reason, encoded, sizeof(encoded)));
    int status = cli_call(cli, "DELETE", path, NULL, &response);
    return status == EXIT_OK ? show_made(cli, &response) : status;
}

/* The private half stays in the file; the line that is printed is for the operator's list. */
int verb_artifact_key(struct cli *cli)
{
    struct stint_error err = { 0 };
    struct stint_signer *signer = NULL;
    char vkey[STINT_VKEY_TEXT_MAX];
    const char *file = cli->args.words[0];
    const char *name = cli_value(cli, "name");
    err.code = name ? stint_signer_create(file, name, &signer, &err)
                    : stint_signer_load(file, &signer, &err);
    if (err.code != 0)
        return err.code == -ENOENT ? cli_fail_file(&err, file) : cli_fail(&err);
    (void)puts(stint_vkey_format(stint_signer_vkey(signer), vkey));
    stint_signer_free(signer);
    return EXIT_OK;
}
