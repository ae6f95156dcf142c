/* The jobs as fakes: 1 is the tester's and runs, 2 is another's and waits. */
#include "fake_rooms.h"

#include <string.h>
#include <unistd.h>

#include "stint/jobs.h"
#include "stint/scheduler.h"

static uint64_t core_bits[1] = { 0x3 };
static int64_t numa_memory[2] = { 1 << 20, 0 };
static struct stint_grant grant = { .node = 0,
                                    .core_count = 2,
                                    .cores = core_bits,
                                    .memory_bytes = 1 << 20,
                                    .numa_memory = numa_memory };
static const struct stint_allocation held = { 1, &grant };

static struct stint_job_view live_job(uint64_t id)
{
    struct stint_reason reason = {
        .code = STINT_REASON_UserJobLimit, .account = 3, .asked = 1, .used = 1, .limit = 1
    };
    if (id == 1)
        reason = (struct stint_reason){ 0 };
    else if (fake.reason.code != STINT_REASON_NONE)
        reason = fake.reason;
    return (struct stint_job_view){
        .id = id,
        .state = id != 1              ? STINT_JOB_PENDING
                 : fake.is_job_ending ? STINT_JOB_ENDING
                                      : STINT_JOB_RUNNING,
        .reason = reason,
        .award = id == 2 ? fake.award : 0,
        .name = SEED "job",
        .project = "<nlp>",
        .uid = id == 1 ? getuid() : 4242,
        .user = SEED "user",
        .project_id = 1,
        .cpus = 2,
        .walltime_s = 60,
        .submit_ms = 1795629600000,
        .start_ms = id == 1 ? 1795629600000 : 0,
        .ends_by_ms = id == 1 ? 1795629660000 : 0,
        .estimate_p50_ms = id == 1 ? 0 : 1795629660000,
        .estimate_p90_ms = id == 1 ? 0 : 1795629960000,
        .attempt = 1,
        .allocation = id == 1 ? "node0/core[0-1]" : NULL,
        .resource = "local",
        .held = id == 1 ? &held : NULL,
        .spec = "{\"command\":[\"" SEED "command\"],\"workdir\":\"/" SEED "/dir\"}",
        .uses = "[{\"path\":\"/" SEED "/use\"}]",
    };
}

const struct stint_allocation *stint_jobs_held_on(const struct stint_jobs *jobs, uint64_t id,
                                                  uint32_t task, uint32_t resource)
{
    (void)jobs, (void)task, (void)resource;
    return id == 1 ? &held : NULL;
}

int stint_jobs_view(struct stint_jobs *jobs, uint64_t id, struct stint_job_view *ret_view)
{
    (void)jobs;
    if (id > 2 || (id == 1 && fake.is_job_done))
        return STINT_NOT_FOUND;
    *ret_view = live_job(id);
    return 0;
}

int stint_jobs_view_task(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                         struct stint_job_view *ret_view)
{
    return task == 0 ? stint_jobs_view(jobs, id, ret_view) : STINT_NOT_FOUND;
}

void stint_jobs_each_task(struct stint_jobs *jobs, uint64_t id,
                          bool (*fn)(void *context, const struct stint_job_view *view),
                          void *context)
{
    (void)jobs;
    (void)id;
    (void)fn;
    (void)context;
}

size_t stint_jobs_failed_tasks(struct stint_jobs *jobs, uint64_t id, uint32_t *tasks, size_t max)
{
    (void)jobs;
    (void)id;
    (void)tasks;
    (void)max;
    return 0;
}

void stint_jobs_each(struct stint_jobs *jobs,
                     bool (*fn)(void *context, const struct stint_job_view *view), void *context)
{
    (void)jobs;
    for (uint64_t id = 1; id <= 2; id++) {
        struct stint_job_view view = live_job(id);
        if (!fn(context, &view))
            break;
    }
}

int stint_jobs_turn(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                    struct stint_turn *ret_turn)
{
    (void)jobs, (void)id, (void)task;
    *ret_turn =
        (struct stint_turn){ .factor = 2.5, .priority = 50, .tier = 1, .tiers = 4, .level = 2 };
    return 0;
}

size_t stint_jobs_improve(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                          struct stint_option options[STINT_OPTIONS_MAX])
{
    (void)jobs, (void)id, (void)task;
    options[0] = (struct stint_option){ "--gpus h200:2" };
    return 1;
}

size_t stint_jobs_blockers(struct stint_jobs *jobs, uint64_t id, uint32_t task,
                           struct stint_reason *reasons, size_t max)
{
    (void)jobs;
    (void)task;
    (void)max;
    reasons[0] = live_job(id).reason;
    return 1;
}

void stint_jobs_count(const struct stint_jobs *jobs, uint64_t counts[STINT_JOB_STATE_COUNT])
{
    (void)jobs;
    counts[STINT_JOB_RUNNING] = 1;
    counts[STINT_JOB_PENDING] = 1;
}

int stint_jobs_act_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                      const struct stint_job_ref *ref, enum stint_job_verb verb,
                      struct stint_error *err)
{
    (void)jobs;
    (void)caller;
    (void)verb;
    fake.acts++;
    return ref->job <= 2 ? 0 : stint_fail(err, STINT_NOT_FOUND, "there is no job");
}

int stint_jobs_set_priority(struct stint_jobs *jobs, const struct stint_caller *caller, uint64_t id,
                            int64_t priority, struct stint_error *err)
{
    struct stint_job_ref ref = { .job = id };
    (void)priority;
    return stint_jobs_act_on(jobs, caller, &ref, STINT_VERB_HOLD, err);
}

int stint_jobs_signal_on(struct stint_jobs *jobs, const struct stint_caller *caller,
                         const struct stint_job_ref *ref, int signal_number,
                         struct stint_error *err)
{
    fake.signal_number = signal_number;
    return stint_jobs_act_on(jobs, caller, ref, STINT_VERB_CANCEL, err);
}

static const char *const state_names[] = { "",
#define X(name, wire) wire,
                                           STINT_JOB_STATES(X)
#undef X
};
static const char *const outcome_names[] = { "",
#define X(name, wire) wire,
                                             STINT_JOB_OUTCOMES(X)
#undef X
};

const char *stint_job_state_name(enum stint_job_state state)
{
    return state_names[state];
}

const char *stint_job_outcome_name(enum stint_job_outcome outcome)
{
    return outcome_names[outcome];
}

enum stint_job_state stint_job_state_from_name(const char *name)
{
    for (int i = 1; i < STINT_JOB_STATE_COUNT; i++)
        if (strcmp(state_names[i], name) == 0)
            return (enum stint_job_state)i;
    return STINT_JOB_NO_STATE;
}

enum stint_job_outcome stint_job_outcome_from_name(const char *name)
{
    for (int i = 1; i < STINT_OUTCOME_COUNT; i++)
        if (strcmp(outcome_names[i], name) == 0)
            return (enum stint_job_outcome)i;
    return STINT_OUTCOME_NONE;
}

int pattern_expand(const char *pattern, const char *workdir, uint64_t job, uint32_t task,
                   const char *name, const char *user, char *ret_path, size_t size);
int pattern_expand(const char *pattern, const char *workdir, uint64_t job, uint32_t task,
                   const char *name, const char *user, char *ret_path, size_t size)
{
    (void)workdir;
    (void)job;
    (void)task;
    (void)name;
    (void)user;
    (void)snprintf(ret_path, size, "%s", pattern);
    return 0;
}
