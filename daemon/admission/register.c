/* The way in of artefacts: judged as the caller, then copied into our own store or left in place,
 * then public.
 *
 *   JUDGING ─▶ COPY_WAITING ─▶ COPYING ─▶ KEEPING (the commit) ─▶ answered
 *      └──────────── in place ────────────────▲
 *
 * The copying is in copy.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "registration.h"
#include "stint/record.h"
#include "wake.h"

#define REGISTER_NAME_PART_MAX 60

void registration_free(struct registration *registration)
{
    if (!registration)
        return;
    free(registration->path);
    free(registration->name);
    free(registration->verdict);
    free(registration->manifest);
    stint_artifact_manifest_deinit(&registration->copy);
    if (registration->socket >= 0)
        (void)close(registration->socket);
    if (registration->store_fd >= 0)
        (void)close(registration->store_fd);
    life_unref(registration->life);
    free(registration);
}

/* ---- the answer */

static void registration_end(struct registration *registration)
{
    struct stint_admission *admission = registration->admission;
    DL_DELETE(admission->registrations, registration);
    admission->registration_count--;
    bool is_well = registration->error.code == 0;
    registration->done(registration->context, &registration->error,
                       registration->digest[0] ? registration->digest : NULL,
                       registration->verdict_id, is_well ? registration->verdict : NULL);
    registration_free(registration);
    admission_wake(admission, 0);
}

void registration_fail(struct registration *registration, int code, const char *text,
                       const char *fix)
{
    (void)stint_fail(&registration->error, code, "%s", text);
    if (fix && *fix)
        (void)stint_fix(&registration->error, code, "%s", fix);
    registration_end(registration);
}

static void keep_on_durable(void *context, int status)
{
    struct registration *registration = context;
    if (registration->life->is_over) {
        registration_free(registration);
        return;
    }
    if (status != 0)
        (void)stint_fail(&registration->error, STINT_READ_ONLY, "the store could not keep it: %s",
                         strerror(-status));
    registration_end(registration);
}

/* ---- keeping */

int artifact_publish(struct stint_admission *admission, const char *type,
                     const struct stint_caller *caller, const char *name, const char *digest,
                     const char *kind, bool is_in_place, int64_t verdict, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "name", name);
    stint_json_kv_text(&subject, "digest", digest);
    stint_json_kv_text(&subject, "kind", kind);
    stint_json_kv_bool(&subject, "in_place", is_in_place);
    stint_json_kv_int(&subject, "verdict", verdict);
    stint_json_object_end(&subject);
    struct stint_log_draft draft = {
        .type = type,
        .role = caller->role == STINT_ROLE_OPERATOR ? "operator" : "user",
        .person = caller->name,
        .subject = stint_buffer_text(&subject),
        .prev = -1,
    };
    return stint_record_append(admission->options.record, &draft, NULL, err);
}

static int row_put(struct registration *registration, const char *path, struct stint_error *err)
{
    struct stint_admission *admission = registration->admission;
    struct stint_artifact_row row = {
        .digest = registration->digest,
        .name = registration->name,
        .kind = registration->kind,
        .path = path,
        .is_in_place = registration->is_in_place,
        .bytes = registration->bytes,
        .files = registration->files,
        .manifest = registration->manifest,
        .state = "registered",
        .verdict = registration->verdict_id,
        .registered_by = registration->caller.uid,
        .at_ms = admission->options.now_wall_ms(),
    };
    int r = stint_store_put_artifact(admission->options.store, &row, err);
    if (r == 0)
        r = artifact_publish(admission, "artifact.register", &registration->caller,
                             registration->name, registration->digest, registration->kind,
                             registration->is_in_place, registration->verdict_id, err);
    return r == 0 ? artifact_keep(admission, &row) : r;
}

/* What was just written needs no look: nobody but us could write there. */
static void copy_is_known(const struct registration *registration)
{
    struct artifact *artifact = artifact_by_digest(registration->admission, registration->digest);
    if (!artifact || registration->is_in_place)
        return;
    stint_artifact_manifest_identity(&registration->copy, &artifact->identity);
    artifact->has_identity = true;
}

void registration_keep(struct registration *registration, const char *path)
{
    struct stint_admission *admission = registration->admission;
    struct stint_store *store = admission->options.store;
    struct stint_error err = { 0 };
    registration->stage = REGISTRATION_KEEPING;
    int r = stint_store_ready(store, &err);
    struct stint_store_mark mark = stint_store_mark(store);
    struct stint_record_mark record_mark = stint_record_mark(admission->options.record);
    if (r == 0) {
        r = row_put(registration, path, &err);
        if (r != 0) {
            stint_store_rewind(store, mark);
            stint_record_rewind(admission->options.record, record_mark);
        }
    }
    if (r == 0) {
        copy_is_known(registration);
        rejudge_wanted(admission); /* names that stand for it */
        r = stint_store_after(store, keep_on_durable, registration, &err);
    }
    if (r != 0)
        registration_fail(registration, r, err.text, err.fix);
}

/* ---- judging */

static int judge(struct registration *registration, struct stint_error *err);

static bool take_document(struct registration *registration, const struct evaluation_answer *answer)
{
    const struct document *document = answer->document;
    free(registration->verdict);
    free(registration->manifest);
    registration->verdict = strdup(document->verdict);
    registration->manifest = strdup(document->manifest);
    (void)snprintf(registration->digest, sizeof(registration->digest), "%s", document->digest);
    registration->verdict_id = answer->verdict_id;
    registration->result = document->result;
    registration->bytes = document->bytes;
    registration->files = document->files;
    return registration->verdict && registration->manifest;
}

/* The files said what they are: judged once more when site policy judges that kind by other rules.
 */
static bool is_judged_by_policy(struct registration *registration, const struct document *document)
{
    if (registration->kind)
        return true;
    registration->kind = document->kind;
    (void)snprintf(registration->rules, sizeof(registration->rules), "%s",
                   rules_of_kind(registration->admission, document->kind));
    return strcmp(registration->rules, document->rules) == 0;
}

static void registration_judged(struct registration *registration,
                                const struct evaluation_answer *answer)
{
    struct stint_admission *admission = registration->admission;
    const struct artifact *known;
    if (!take_document(registration, answer)) {
        registration_fail(registration, -ENOMEM, "no memory for the verdict", NULL);
        return;
    }
    if (!registration->name) {
        registration->verdict_id = 0;
        registration_end(registration);
        return;
    }
    known = artifact_by_digest(admission, registration->digest);
    if (known && known->is_registered && strcmp(known->name, registration->name) != 0) {
        char text[200];
        (void)snprintf(text, sizeof(text), "the same files are registered as %.120s", known->name);
        registration_fail(registration, STINT_CONFLICT, text, "use them by that name");
    } else if (registration->is_in_place) {
        registration_keep(registration, registration->path);
    } else {
        registration->stage = REGISTRATION_COPY_WAITING;
        admission_wake(admission, 0);
    }
}

static void judge_on_answer(void *context, const struct evaluation_answer *answer)
{
    struct registration *registration = context;
    struct stint_error err = { 0 };
    if (answer->error.code != 0) {
        registration_fail(registration, answer->error.code, answer->error.text, answer->error.fix);
    } else if (!answer->document || answer->document->problem.code != 0) {
        int code = answer->code == STINT_REASON_ArtifactMissing ? STINT_NOT_FOUND : STINT_REFUSED;
        registration_fail(registration, code, answer->why,
                          registration->runner.is_ours
                              ? "let the daemon's own user read it, or: runuser -u NAME -- stint "
                                "artifact add …"
                              : answer->fix);
    } else if (registration->name && !is_judged_by_policy(registration, answer->document)) {
        int r = judge(registration, &err);
        if (r != 0)
            registration_fail(registration, r, err.text, err.fix);
    } else {
        registration_judged(registration, answer);
    }
}

static int judge(struct registration *registration, struct stint_error *err)
{
    struct evaluation_ask ask = {
        .uid = registration->runner.uid,
        .gid = registration->runner.gid,
        .kind = registration->kind ? registration->kind : "auto",
        .rules = registration->rules,
        .path = registration->path,
        .name = registration->name ? registration->name : "",
        .known_digest = "",
        .must_be = "",
        .is_fresh = true,
        .is_kept = registration->name != NULL,
    };
    return evaluation_wanted(registration->admission, &ask, judge_on_answer, registration, err);
}

/* ---- the beginning */

static bool part_is_valid(const char *part, size_t length)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return length > 0 && length <= REGISTER_NAME_PART_MAX && part[0] != '.' && part[0] != '-' &&
           strspn(part, allowed) >= length;
}

static int check_name(const char *name, struct stint_error *err)
{
    const char *slash = name ? strchr(name, '/') : NULL;
    if (slash && part_is_valid(name, (size_t)(slash - name)) &&
        part_is_valid(slash + 1, strlen(slash + 1)))
        return 0;
    (void)stint_fail(err, STINT_INVALID, "'%.100s' is no name for an artefact", name ? name : "");
    return stint_fix(err, STINT_INVALID, "use ORG/NAME of letters, digits, '.', '_' and '-'");
}

static int check_path(const char *path, const char *kind, struct stint_error *err)
{
    if (!path || path[0] != '/' || strlen(path) >= ADMISSION_PATH_MAX)
        return stint_fail(err, STINT_INVALID,
                          "an artefact needs an absolute path of at most %d bytes",
                          ADMISSION_PATH_MAX - 1);
    if (kind && !kind_literal(kind)) {
        (void)stint_fail(err, STINT_INVALID, "'%.32s' is no kind of artefact", kind);
        return stint_fix(err, STINT_INVALID, "use model, dataset or code");
    }
    return 0;
}

/* A name stays with who gave it first, or with operators: else anybody could put other bytes under
 * a name that jobs use. */
static int check_owner(const struct stint_admission *admission, const struct stint_caller *caller,
                       const char *name, struct stint_error *err)
{
    const struct artifact *artifact = artifact_by_name(admission, name);
    if (!artifact || artifact->registered_by == caller->uid || caller->role == STINT_ROLE_OPERATOR)
        return 0;
    (void)stint_fail(err, STINT_NOT_PERMITTED, "%s belongs to somebody else", name);
    return stint_fix(err, STINT_NOT_PERMITTED, "choose another name, or ask an operator");
}

static int check_room(const struct stint_admission *admission, const struct stint_caller *caller,
                      struct stint_error *err)
{
    if (caller->role < STINT_ROLE_USER)
        return stint_fail(err, STINT_NOT_LOGGED_IN, "nobody is logged in");
    if (admission->registration_count >= ADMISSION_REGISTRATIONS_MAX)
        return stint_fail(err, STINT_BUSY, "too many artefacts are being judged");
    if (HASH_CNT(by_digest, admission->artifacts) >= ADMISSION_ARTIFACTS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "there are too many artefacts");
    return 0;
}

static int registration_begin(struct stint_admission *admission, const struct stint_caller *caller,
                              const char *path, const char *name, const char *kind,
                              const char *rules, bool is_in_place, stint_register_fn done,
                              void *context, struct stint_error *err)
{
    struct runner runner;
    int r = runner_of(admission, caller, name ? "artifact add" : "check", &runner, err);
    if (r != 0)
        return r;
    struct registration *registration = calloc(1, sizeof(*registration));
    if (!registration)
        return stint_fail(err, -ENOMEM, "no memory");
    registration->life = life_ref(admission->life);
    registration->admission = admission;
    registration->caller = *caller;
    registration->runner = runner;
    registration->kind = kind_literal(kind);
    registration->is_in_place = is_in_place;
    registration->done = done;
    registration->context = context;
    registration->socket = -1;
    registration->store_fd = -1;
    registration->path = strdup(path);
    registration->name = name ? strdup(name) : NULL;
    (void)snprintf(registration->rules, sizeof(registration->rules), "%s", rules);
    r = registration->path && (!name || registration->name) ? judge(registration, err) : -ENOMEM;
    if (r != 0) {
        registration_free(registration);
        return r;
    }
    DL_APPEND(admission->registrations, registration);
    admission->registration_count++;
    return 0;
}

void stint_admission_register(struct stint_admission *admission, const struct stint_caller *caller,
                              const char *path, const char *name, const char *kind,
                              bool is_in_place, stint_register_fn done, void *context)
{
    struct stint_error err = { 0 };
    int r = check_room(admission, caller, &err);
    if (r == 0)
        r = stint_store_ready(admission->options.store, &err);
    if (r == 0)
        r = check_name(name, &err);
    if (r == 0)
        r = check_path(path, kind, &err);
    if (r == 0)
        r = check_owner(admission, caller, name, &err);
    if (r == 0)
        r = registration_begin(admission, caller, path, name, kind, rules_of_kind(admission, kind),
                               is_in_place, done, context, &err);
    if (r != 0) {
        err.code = r;
        done(context, &err, NULL, 0, NULL);
    }
}

static int check_rules(const char *rules, struct stint_error *err)
{
    size_t length = rules ? strnlen(rules, REGISTER_RULES_MAX) : 0;
    if (length < REGISTER_RULES_MAX &&
        (!rules ||
         (rules[0] != '-' && strspn(rules, "abcdefghijklmnopqrstuvwxyz0123456789.-,") == length)))
        return 0;
    (void)stint_fail(err, STINT_INVALID, "'%.60s' names no rule sets", rules);
    return stint_fix(err, STINT_INVALID, "name them as osaid-1.0,mof-1.0");
}

void stint_admission_check(struct stint_admission *admission, const struct stint_caller *caller,
                           const char *path, const char *kind, const char *rules,
                           stint_register_fn done, void *context)
{
    struct stint_error err = { 0 };
    int r = check_room(admission, caller, &err);
    if (r == 0)
        r = check_path(path, kind, &err);
    if (r == 0)
        r = check_rules(rules, &err);
    if (r == 0)
        r = registration_begin(admission, caller, path, NULL, kind,
                               rules ? rules : rules_of_kind(admission, kind), true, done, context,
                               &err);
    if (r != 0) {
        err.code = r;
        done(context, &err, NULL, 0, NULL);
    }
}

void registrations_free(struct stint_admission *admission)
{
    struct registration *at, *next;
    DL_FOREACH_SAFE(admission->registrations, at, next)
    {
        evaluation_unwanted(admission, at);
        DL_DELETE(admission->registrations, at);
        at->admission = NULL;
        if (at->stage == REGISTRATION_JUDGING || at->stage == REGISTRATION_COPY_WAITING)
            registration_free(at);
    }
}
