/* Owns: what people do to a job: cancel, hold, release, requeue, suspend, resume, signal,
 * priority. */
#include "views.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS 65 /* numbers below: signal(7) */

static bool is_ending(struct exchange *ex, const struct stint_job_ref *ref)
{
    struct stint_job_view view;
    uint32_t task;
    int r = STINT_NOT_FOUND;
    if (!ref->tasks)
        r = stint_jobs_view(ex->api->options.jobs, ref->job, &view);
    else if (ref_is_one_task(ref, &task))
        r = stint_jobs_view_task(ex->api->options.jobs, ref->job, task, &view);
    return r == 0 && view.state == STINT_JOB_ENDING;
}

static void write_state(struct exchange *ex, const struct stint_job_ref *ref)
{
    struct stint_job_view view;
    struct job_shown job;
    uint32_t task = 0;
    bool is_task = ref_is_one_task(ref, &task);
    int r = is_task ? stint_jobs_view_task(ex->api->options.jobs, ref->job, task, &view)
                    : stint_jobs_view(ex->api->options.jobs, ref->job, &view);
    if (r == 0) {
        job_from_view(ex->api, &view, &job);
        job_write(ex->api, &ex->out, &job, exchange_sees(ex, view.uid), false);
        return;
    }
    stint_json_object(&ex->out);
    stint_json_kv_int(&ex->out, "id", (int64_t)ref->job);
    if (is_task)
        stint_json_kv_int(&ex->out, "task", task);
    stint_json_kv_text(&ex->out, "state", "done");
    stint_json_object_end(&ex->out);
}

/* Of several tasks, the array that they are of. Frees @ref's. */
static void answer_state(struct exchange *ex, struct stint_job_ref *ref)
{
    document_begin(&ex->out, "job");
    stint_json_key(&ex->out, "job");
    write_state(ex, ref);
    if (is_ending(ex, ref))
        stint_json_kv_int(&ex->out, "grace_s", ex->api->config->grace_s);
    stint_json_object_end(&ex->out);
    ref->tasks = stint_array_free(ref->tasks);
    exchange_send(ex, 200);
}

static void answer_fail(struct exchange *ex, struct stint_job_ref *ref, struct stint_error *err)
{
    if (err->code == STINT_WRONG_STATE && !err->fix[0])
        (void)stint_fix(err, STINT_WRONG_STATE,
                        "stint show %" PRIu64 " says how it stands; what is done can only be "
                        "submitted again",
                        ref->job);
    ref->tasks = stint_array_free(ref->tasks);
    exchange_fail(ex, err);
}

/* A body is not needed; when there is one it is an object with at most a reason. */
static bool body_is_fine(struct exchange *ex)
{
    struct stint_error err;
    const char *key;
    json_t *value;
    bool is_fine = true;
    if (ex->body.length == 0)
        return true;
    json_t *json = exchange_json(ex);
    if (!json)
        return false;
    json_object_foreach(json, key, value)
    {
        if (is_fine && strcmp(key, "reason") != 0 && strcmp(key, "dry_run") != 0) {
            is_fine = false;
            (void)stint_fail(&err, STINT_UNKNOWN_FIELD, "unknown field '%.60s'", key);
            exchange_fail(ex, &err);
        }
    }
    json_decref(json);
    return is_fine;
}

/* With an If-Match: is the job still what the caller read? False: answered. */
static bool job_is_as_read(struct exchange *ex, struct stint_job_ref *ref)
{
    struct stint_error err = { 0 };
    struct stint_buffer now = { 0 };
    if (!exchange_is_conditional(ex))
        return true;
    err.code = job_document(ex, ref, &now, &err);
    bool is_as_read = err.code == 0 && exchange_matches(ex, &now);
    stint_buffer_deinit(&now);
    if (err.code != 0)
        answer_fail(ex, ref, &err);
    else if (!is_as_read)
        ref->tasks = stint_array_free(ref->tasks);
    return is_as_read;
}

/* Somebody else's job is shown to be there in public views, so that "not yours" says nothing new.
 */
static void job_act(struct exchange *ex, enum stint_job_verb verb)
{
    struct stint_error err = { 0 };
    struct stint_job_ref ref = { 0 };
    if (!body_is_fine(ex) || !exchange_param_ref(ex, &ref))
        return;
    (void)ref_settle(ex, &ref);
    if (!job_is_as_read(ex, &ref))
        return;
    err.code = stint_jobs_act_on(ex->api->options.jobs, &ex->caller, &ref, verb, &err);
    if (err.code == STINT_NOT_FOUND && !err.text[0])
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no live job %" PRIu64, ref.job);
    if (err.code != 0) {
        answer_fail(ex, &ref, &err);
        return;
    }
    ex->api->options.pass_wanted(ex->api->options.context);
    answer_state(ex, &ref);
}

/* "USR1", "SIGUSR1", "10" or 10; 0 when it is no signal that a process can be sent. */
static int signal_read(const json_t *value)
{
    const char *text = json_string_value(value);
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : 0;
    if (text && *text && text[strspn(text, "0123456789")] == '\0' && strlen(text) < 4)
        number = strtol(text, NULL, 10);
    if (text && strncmp(text, "SIG", 3) == 0)
        text += 3;
    for (int i = 1; text && number == 0 && i < SIGNALS; i++) {
        const char *name = sigabbrev_np(i);
        if (name && strcmp(name, text) == 0)
            number = i;
    }
    return number > 0 && number < SIGNALS ? (int)number : 0;
}

/* {"signal":"USR1"}, and at most a reason beside it. */
static int signal_body(const json_t *json, int *ret_number, struct stint_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (strcmp(key, "signal") != 0 && strcmp(key, "reason") != 0) {
            (void)stint_fail(err, STINT_UNKNOWN_FIELD, "unknown field '%.60s'", key);
            return stint_fix(err, STINT_UNKNOWN_FIELD, "known here: signal, reason");
        }
    }
    *ret_number = signal_read(json_object_get(json, "signal"));
    if (*ret_number)
        return 0;
    (void)stint_fail(err, STINT_INVALID, "'signal' must be the name or the number of a signal");
    return stint_fix(err, STINT_INVALID, "{\"signal\":\"USR1\"}");
}

void handle_job_signal(struct exchange *ex)
{
    struct stint_error err = { 0 };
    int number = 0;
    struct stint_job_ref ref = { 0 };
    json_t *json = exchange_json(ex);
    if (!json)
        return;
    err.code = signal_body(json, &number, &err);
    json_decref(json);
    if (err.code == 0 && !exchange_param_ref(ex, &ref))
        return;
    if (err.code == 0) {
        (void)ref_settle(ex, &ref);
        if (!job_is_as_read(ex, &ref))
            return;
        err.code = stint_jobs_signal_on(ex->api->options.jobs, &ex->caller, &ref, number, &err);
    }
    if (err.code != 0)
        answer_fail(ex, &ref, &err);
    else
        answer_state(ex, &ref);
}

#define ACT(name, verb)                                                                            \
    void name(struct exchange *ex)                                                                 \
    {                                                                                              \
        job_act(ex, verb);                                                                         \
    }
ACT(handle_job_cancel, STINT_VERB_CANCEL)
ACT(handle_job_hold, STINT_VERB_HOLD)
ACT(handle_job_release, STINT_VERB_RELEASE)
ACT(handle_job_requeue, STINT_VERB_REQUEUE)
ACT(handle_job_suspend, STINT_VERB_SUSPEND)
ACT(handle_job_resume, STINT_VERB_RESUME)

/* The only member that may change is `priority`. */
static int patch_priority(const json_t *json, int64_t *ret_priority, struct stint_error *err)
{
    const char *key;
    json_t *value;
    const json_t *priority = json_object_get(json, "priority");
    json_object_foreach((json_t *)(uintptr_t)json, key, value)
    {
        if (strcmp(key, "priority") != 0 && strcmp(key, "reason") != 0) {
            (void)stint_fail(err, STINT_UNKNOWN_FIELD, "unknown field '%.60s'", key);
            return stint_fix(err, STINT_UNKNOWN_FIELD, "known here: priority, reason");
        }
    }
    if (!json_is_integer(priority) || json_integer_value(priority) < -STINT_REQUEST_PRIORITY_MAX ||
        json_integer_value(priority) > STINT_REQUEST_PRIORITY_MAX)
        return stint_fail(err, STINT_INVALID, "'priority' must be a whole number from %d to %d",
                          -STINT_REQUEST_PRIORITY_MAX, STINT_REQUEST_PRIORITY_MAX);
    *ret_priority = json_integer_value(priority);
    return 0;
}

void handle_job_patch(struct exchange *ex)
{
    struct stint_error err = { 0 };
    int64_t priority = 0;
    uint64_t id = exchange_param_id(ex, "id");
    struct stint_job_ref ref = { .job = id };
    json_t *json = id == 0 ? NULL : exchange_json(ex);
    if (!json)
        return;
    err.code = patch_priority(json, &priority, &err);
    json_decref(json);
    if (err.code == 0 && !job_is_as_read(ex, &ref))
        return;
    if (err.code == 0)
        err.code = stint_jobs_set_priority(ex->api->options.jobs, &ex->caller, id, priority, &err);
    if (err.code != 0) {
        exchange_fail(ex, &err);
        return;
    }
    ex->api->options.pass_wanted(ex->api->options.context);
    answer_state(ex, &ref);
}
