/* `stint-evaluate`: the child in which a stranger's files are judged, as that stranger (DESIGN §4,
 * §6). Reads what it needs of the operator's, confines itself, looks at the files, writes one line
 * of JSON and ends. Contract: stint/evaluator.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <jansson.h>

#include "evaluator/confine.h"
#include "evaluator/folder.h"
#include "stint/auto.h"
#include "stint/evaluator.h"

#define MANIFEST_BYTES_MAX ((size_t)64 << 20)
#define EVIDENCE_BYTES_MAX ((size_t)8 << 20)

struct arguments {
    const char *verb;
    const char *path;
    const char *kind;
    const char *rules;
    const char *name;
    const char *socket;
    const char *evidence;
    bool is_background;
    struct stint_evaluator_options options;
};

static const char usage[] =
    "usage: stint-evaluate judge [--kind K] [--rules A,B] [--rules-dir D] [--licences-dir D]\n"
    "                            [--background] [--catalogue-dir D:D] [--evidence -|FILE] [--name "
    "N] PATH\n"
    "       stint-evaluate recheck PATH     (manifest on standard input)\n"
    "       stint-evaluate offer --socket FD PATH\n";

static bool parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    const struct {
        const char *name;
        const char **value;
    } options[] = { { "--kind", &arguments->kind },
                    { "--rules", &arguments->rules },
                    { "--name", &arguments->name },
                    { "--socket", &arguments->socket },
                    { "--evidence", &arguments->evidence },
                    { "--rules-dir", &arguments->options.rules_dir },
                    { "--licences-dir", &arguments->options.licences_dir },
                    { "--catalogue-dir", &arguments->options.catalogue_dir } };
    if (argc < 3)
        return false;
    arguments->verb = argv[1];
    for (int i = 2; i < argc; i++) {
        bool is_option = false;
        for (size_t j = 0; j < STINT_ARRAY_SIZE(options) && !is_option; j++) {
            if (strcmp(argv[i], options[j].name) != 0 || i + 1 >= argc)
                continue;
            *options[j].value = argv[++i];
            is_option = true;
        }
        if (is_option)
            continue;
        if (strcmp(argv[i], "--background") == 0) {
            arguments->is_background = true;
            continue;
        }
        if (strcmp(argv[i], "--") == 0)
            continue;
        if (arguments->path || (argv[i][0] == '-' && strcmp(argv[i - 1], "--") != 0))
            return false;
        arguments->path = argv[i];
    }
    return arguments->path != NULL;
}

static void problem_json(const char *schema, const struct stint_error *err,
                         struct stint_buffer *buffer)
{
    stint_buffer_clear(buffer);
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "schema", schema);
    stint_json_key(buffer, "problem");
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "code", stint_refusal_name(err->code));
    stint_json_kv_text(buffer, "text", err->text[0] ? err->text : "out of memory");
    stint_json_kv_text(buffer, "fix", err->fix);
    stint_json_object_end(buffer);
    stint_json_object_end(buffer);
}

static void evaluation_json(const struct stint_verdict *verdict,
                            const struct stint_artifact_manifest *manifest, bool has_landlock,
                            struct stint_buffer *buffer)
{
    enum stint_reason_code reason = stint_verdict_reason(verdict);
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "schema", "stint.evaluation/1");
    stint_json_kv_text(buffer, "result", stint_result_name(stint_verdict_result(verdict)));
    stint_json_kv_text(buffer, "reason", reason ? stint_reason_name(reason) : NULL);
    stint_json_kv_bool(buffer, "landlock", has_landlock);
    stint_json_key(buffer, "criteria");
    stint_verdict_criteria_json(verdict, buffer);
    stint_json_key(buffer, "manifest");
    stint_artifact_manifest_json(manifest, buffer);
    stint_json_key(buffer, "verdict");
    stint_verdict_json(verdict, buffer);
    stint_json_object_end(buffer);
}

/* Every rule set that will be asked is read while the operator's folders can still be opened. */
static int load_rules(struct stint_evaluator *evaluator, const char *asked, struct stint_error *err)
{
    static const enum stint_artifact_kind kinds[] = { STINT_KIND_MODEL, STINT_KIND_DATASET,
                                                      STINT_KIND_CODE };
    const struct stint_rules *rules;
    char list[2048];
    char *rest = list;
    bool is_default = !asked || !*asked;
    for (size_t i = 0; is_default && i < STINT_ARRAY_SIZE(kinds); i++) {
        int r =
            stint_evaluator_rules(evaluator, stint_evaluator_default_rules(kinds[i]), &rules, err);
        if (r != 0)
            return r;
    }
    bool is_all = asked && strcmp(asked, "all") == 0;
    (void)snprintf(list, sizeof(list), "%s",
                   is_all  ? stint_evaluator_rules_list(evaluator)
                   : asked ? asked
                           : "");
    for (char *id; (id = strsep(&rest, ","));) {
        int r = *id ? stint_evaluator_rules(evaluator, id, &rules, err) : 0;
        if (r != 0)
            return r;
    }
    return 0;
}

/* All of standard input, up to @max bytes; NULL when it is longer or cannot be read. */
static char *read_input(size_t max, size_t *ret_length)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer text = { .bound = max };
    char block[65536];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, block, sizeof(block));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 || text.failed)
            return NULL;
        if (got == 0)
            break;
        stint_buffer_add(&text, block, (size_t)got);
    }
    *ret_length = text.length;
    return stint_buffer_take(&text);
}

/* What the daemon knows beside the files. */
struct evidence {
    char *attestations; /* JSON array */
    char *registered;   /* a file of the catalogue */
};

static void evidence_deinit_auto(struct evidence *evidence)
{
    free(evidence->attestations);
    free(evidence->registered);
}

static int evidence_text(const json_t *root, const char *key, char **ret_text)
{
    const json_t *value = json_object_get(root, key);
    if (!value)
        return 0;
    *ret_text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    return *ret_text ? 0 : -ENOMEM;
}

static int evidence_parse(const char *text, size_t length, struct evidence *evidence,
                          struct stint_error *err)
{
    json_error_t problem;
    json_t *root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
    const char *schema = json_string_value(json_object_get(root, "schema"));
    int r = 0;
    if (!schema || strcmp(schema, "stint.evidence/1") != 0)
        r = stint_fail(err, STINT_INVALID, "the evidence is no stint.evidence/1: %.150s",
                       root ? "another schema" : problem.text);
    if (r == 0)
        r = evidence_text(root, "attestations", &evidence->attestations);
    if (r == 0)
        r = evidence_text(root, "registered", &evidence->registered);
    json_decref(root);
    return r;
}

/* From standard input for "-", from a file, or nothing for NULL. */
static int evidence_read(const char *from, struct evidence *evidence, struct stint_error *err)
{
    stint_auto(stint_free) char *text = NULL;
    size_t length = 0;
    if (!from)
        return 0;
    if (strcmp(from, "-") != 0) {
        int r = folder_read_file("", from, EVIDENCE_BYTES_MAX, &text, &length, err);
        if (r != 0)
            return r;
    } else if (!(text = read_input(EVIDENCE_BYTES_MAX, &length))) {
        return stint_fail(err, STINT_INVALID, "no evidence on standard input");
    }
    return evidence_parse(text, length, evidence, err);
}

/* Nobody waits: processor and disk when nobody else wants them. Best effort. */
static void step_back(void)
{
    const int idle = 3 << 13; /* IOPRIO_CLASS_IDLE, of ioprio_set(2); 1 is a process */
    (void)setpriority(PRIO_PROCESS, 0, 19);
    (void)syscall(SYS_ioprio_set, 1, 0, idle);
}

/* Verdicts are public, and what somebody calls his own folder is not (invariant 10). */
static const char *name_by_digest(const struct stint_verdict *verdict)
{
    static char name[32];
    char hex[STINT_SHA256_HEX];
    if (!verdict->has_digest)
        return "";
    (void)snprintf(name, sizeof(name), "sha256:%.12s", stint_sha256_hex(&verdict->digest, hex));
    return name;
}

static int judge(const struct arguments *arguments, struct stint_buffer *buffer,
                 struct stint_error *err)
{
    stint_auto(stint_evaluator_close) struct stint_evaluator *evaluator = NULL;
    stint_auto(stint_verdict_free) struct stint_verdict *verdict = NULL;
    stint_auto(stint_artifact_manifest_deinit) struct stint_artifact_manifest manifest = { 0 };
    struct stint_evaluation evaluation = { .path = arguments->path,
                                           .rules = arguments->rules,
                                           .name = arguments->name };
    struct confinement confinement = { .path = arguments->path };
    struct stint_evaluator_options options = arguments->options;
    stint_auto(evidence_deinit) struct evidence evidence = { 0 };
    if (arguments->is_background)
        step_back();
    int r = evidence_read(arguments->evidence, &evidence, err);
    if (r != 0)
        return r;
    evaluation.attestations = evidence.attestations;
    options.registered = evidence.registered;
    if (stint_artifact_kind_parse(arguments->kind, &evaluation.kind) != 0) {
        r = stint_fail(err, STINT_INVALID, "'%s' is not a kind of artefact", arguments->kind);
        return stint_fix(err, r, "model, dataset, code or auto");
    }
    r = stint_evaluator_open(&options, &evaluator, err);
    if (r == 0)
        r = load_rules(evaluator, arguments->rules, err);
    if (r != 0 && err->code == STINT_NOT_FOUND) { /* ours is missing, and not the artefact */
        err->code = r = -EIO;
        (void)stint_fix(err, r, "an operator mends rules_dir, licences_dir or catalogue_dir");
    }
    if (r == 0)
        r = confine(&confinement, err);
    if (r == 0)
        r = stint_evaluate(evaluator, &evaluation, &verdict, &manifest, err);
    if (r == 0 && !arguments->name)
        verdict->name = name_by_digest(verdict);
    if (r == 0)
        evaluation_json(verdict, &manifest, confinement.has_landlock, buffer);
    return r;
}

static int recheck(const struct arguments *arguments, struct stint_buffer *buffer,
                   struct stint_error *err)
{
    static const char *const words[] = { "", "unchanged", "changed", "missing" };
    stint_auto(stint_artifact_manifest_deinit) struct stint_artifact_manifest manifest = { 0 };
    struct confinement confinement = { .path = arguments->path };
    enum stint_recheck_result result = STINT_RECHECK_CHANGED;
    char path[256];
    size_t length = 0;
    stint_auto(stint_free) char *text = read_input(MANIFEST_BYTES_MAX, &length);
    if (!text)
        return stint_fail(err, STINT_INVALID, "no manifest on standard input");
    int r = confine(&confinement, err);
    if (r == 0)
        r = stint_artifact_manifest_parse(text, length, &manifest, err);
    if (r == 0)
        r = stint_artifact_recheck(arguments->path, &manifest, &result, path, err);
    if (r != 0)
        return r;
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "schema", "stint.recheck/1");
    stint_json_kv_text(buffer, "result", words[result]);
    stint_json_kv_text(buffer, "path", path);
    stint_json_object_end(buffer);
    return 0;
}

static int offer(const struct arguments *arguments, struct stint_buffer *buffer,
                 struct stint_error *err)
{
    struct confinement confinement = { .path = arguments->path, .can_send = true };
    char *end = NULL;
    errno = 0;
    long fd = arguments->socket ? strtol(arguments->socket, &end, 10) : -1;
    if (fd < 3 || fd > 65535 || errno != 0 || !end || *end)
        return stint_fail(err, STINT_INVALID, "offer wants --socket with a descriptor");
    int r = confine(&confinement, err);
    if (r == 0)
        r = stint_artifact_offer((int)fd, arguments->path, err);
    if (r != 0)
        return r;
    stint_json_object(buffer);
    stint_json_kv_text(buffer, "schema", "stint.offer/1");
    stint_json_kv_text(buffer, "result", "offered");
    stint_json_object_end(buffer);
    return 0;
}

static int write_document(struct stint_buffer *buffer)
{
    stint_buffer_add_char(buffer, '\n');
    for (size_t done = 0; done < buffer->length;) {
        ssize_t put = write(STDOUT_FILENO, buffer->data + done, buffer->length - done);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return EXIT_FAILURE;
        done += (size_t)put;
    }
    return EXIT_SUCCESS;
}

static const struct {
    const char *verb;
    const char *schema;
    int (*run)(const struct arguments *arguments, struct stint_buffer *buffer,
               struct stint_error *err);
} verbs[] = { { "judge", "stint.evaluation/1", judge },
              { "recheck", "stint.recheck/1", recheck },
              { "offer", "stint.offer/1", offer } };

int main(int argc, char **argv)
{
    struct arguments arguments = { 0 };
    struct stint_error err = { 0 };
    stint_auto(stint_buffer_deinit) struct stint_buffer buffer = { .bound =
                                                                       STINT_EVALUATION_BYTES_MAX };
    bool is_well_formed = parse_arguments(argc, argv, &arguments);
    for (size_t i = 0; is_well_formed && i < STINT_ARRAY_SIZE(verbs); i++) {
        if (strcmp(arguments.verb, verbs[i].verb) != 0)
            continue;
        int r = verbs[i].run(&arguments, &buffer, &err);
        if (r == 0 && buffer.failed)
            r = stint_fail(&err, STINT_TOO_LARGE, "the answer exceeds its bound");
        err.code = r;
        if (r != 0)
            problem_json(verbs[i].schema, &err, &buffer);
        /* Nothing is left to flush, and what runs at exit (a leak checker) is confined too. */
        _exit(write_document(&buffer));
    }
    fputs(usage, stderr);
    return 2;
}
