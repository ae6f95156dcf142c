/* Owns: what change of a waiting task would start it at once. Nothing is guessed: a small table of
 * changes is tried, each by the very search that a pass makes, and of each the smallest that starts
 * is kept. */
#include <inttypes.h>
#include <stdio.h>

#include "core.h"
#include "stint/measure.h"

#define LEAST_PART 10 /* less than a tenth of what is asked for is no answer to it */

/* One thing of an ask that can be less; @unit: the steps in which it is tried. */
struct dial {
    enum stint_better_kind kind;
    int64_t unit;
    int64_t (*get)(const struct job *job); /* 0: does not apply */
    void (*set)(struct job *job, int64_t value);
};

static int64_t get_walltime(const struct job *job)
{
    return job->walltime_ms;
}
static void set_walltime(struct job *job, int64_t value)
{
    double part = (double)value / (double)job->walltime_ms;
    job->cost_micro = (int64_t)((double)job->cost_micro * part) + 1;
    job->walltime_ms = value;
}
static int64_t get_gpus(const struct job *job)
{
    return job->need.gpus > 1 ? job->need.gpus : 0;
}
static void set_gpus(struct job *job, int64_t value)
{
    job->need.gpus = (uint16_t)value;
}
static int64_t get_share(const struct job *job)
{
    return job->need.gpus == 1 ? job->need.gpu_milli : 0;
}
static void set_share(struct job *job, int64_t value)
{
    job->need.gpu_milli = (uint16_t)value;
}
static int64_t get_cores(const struct job *job)
{
    return job->need.cores;
}
static void set_cores(struct job *job, int64_t value)
{
    job->need.cores = (int32_t)value;
}
static int64_t get_memory(const struct job *job)
{
    return job->need.memory_mib * MIB;
}
static void set_memory(struct job *job, int64_t value)
{
    job->need.memory_mib = (int32_t)(value / MIB);
}

static const struct dial dials[] = {
    { STINT_BETTER_WALLTIME, 1000, get_walltime, set_walltime },
    { STINT_BETTER_GPUS, 1, get_gpus, set_gpus },
    { STINT_BETTER_GPU_MILLI, 10, get_share, set_share },
    { STINT_BETTER_CPUS, 1, get_cores, set_cores },
    { STINT_BETTER_MEMORY, MIB, get_memory, set_memory },
};
#define DIALS (sizeof(dials) / sizeof(dials[0]))

static bool starts(struct stint_scheduler *s, const struct job *job)
{
    return account_fits(s, job, NULL) && search_now(s, job, s->now_ms);
}

/* The largest value of the dial, below the one asked for, with which it starts; 0 for none. */
static int64_t turn_down(struct stint_scheduler *s, const struct job *job, const struct dial *dial)
{
    int64_t asked = dial->get(job) / dial->unit;
    int64_t low = (asked + LEAST_PART - 1) / LEAST_PART;
    int64_t high = asked - 1;
    struct job trial = *job;
    low = low > 0 ? low : 1;
    if (low > high)
        return 0;
    dial->set(&trial, low * dial->unit);
    if (!starts(s, &trial))
        return 0;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        trial = *job;
        dial->set(&trial, middle * dial->unit);
        if (starts(s, &trial))
            low = middle;
        else
            high = middle - 1;
    }
    return low * dial->unit;
}

/* Those that leave the amounts as they are. */
static size_t try_kinds(struct stint_scheduler *s, const struct job *job,
                        struct stint_better *changes)
{
    size_t count = 0;
    struct job trial = *job;
    trial.need.locality = STINT_PLACE_ANY;
    if (job->need.locality != STINT_PLACE_ANY && starts(s, &trial))
        changes[count++] = (struct stint_better){ STINT_BETTER_LOCALITY_ANY, 0, 2.0 };
    trial = *job;
    for (int32_t type = 0; job->need.gpu_type >= 0 && type < (int32_t)s->machine->type_count;
         type++) {
        trial.need.gpu_type = (int16_t)type;
        if (type == job->need.gpu_type || !starts(s, &trial))
            continue;
        changes[count++] = (struct stint_better){ STINT_BETTER_GPU_TYPE, type, 1.5 };
        break;
    }
    return count;
}

static size_t try_all(struct stint_scheduler *s, const struct job *job,
                      struct stint_better changes[STINT_BETTER_KIND_COUNT])
{
    size_t count = try_kinds(s, job, changes);
    for (size_t i = 0; i < DIALS; i++) {
        int64_t value = turn_down(s, job, &dials[i]);
        if (value > 0)
            changes[count++] = (struct stint_better){ dials[i].kind, value,
                                                      (double)value / (double)dials[i].get(job) };
    }
    for (size_t i = 1; i < count; i++) { /* the smallest change first */
        struct stint_better change = changes[i];
        size_t at = i;
        for (; at > 0 && changes[at - 1].part < change.part; at--)
            changes[at] = changes[at - 1];
        changes[at] = change;
    }
    return count;
}

size_t stint_scheduler_improve(const struct stint_scheduler *scheduler, struct stint_task_key key,
                               struct stint_better *ret_changes, size_t max)
{
    struct stint_scheduler *s = asked(scheduler);
    struct stint_better changes[STINT_BETTER_KIND_COUNT];
    uint32_t number = job_find(s, key);
    bool blocks = s->policy.mode == STINT_MODE_FCFS || s->policy.mode == STINT_MODE_SJF;
    if (number == NO_JOB || s->jobs[number].place != PLACE_QUEUE || s->is_away ||
        (blocks && s->main.count > 1))
        return 0;
    struct job *job = &s->jobs[number];
    /* Alone in the queue it gives up its own promise; else that stays in the way, for without it
     * the next in turn would be promised something that is not known here. */
    bool is_alone = s->main.count == 1 && job->claim != NULL;
    struct claim *claim = is_alone ? job_suspend_promise(s, number) : NULL;
    struct job trial = *job;
    trial.claim = NULL;
    size_t count = starts(s, &trial) ? 0 : try_all(s, &trial, changes);
    if (claim)
        job_resume_promise(s, number, claim);
    count = count < max ? count : max;
    for (size_t i = 0; i < count; i++)
        ret_changes[i] = changes[i];
    return count;
}

const char *stint_better_format(const struct stint_machine *machine,
                                const struct stint_better *change, const char *gpu_type,
                                int64_t gpus, char *text, size_t size)
{
    int64_t value = change->value;
    char time[40];
    const char *colon = gpu_type ? ":" : "";
    const char *type = gpu_type ? gpu_type : "";
    switch (change->kind) {
    case STINT_BETTER_WALLTIME:
        value /= 1000;
        value -= value >= 600 ? value % 60 : 0; /* a shorter one starts as well */
        (void)snprintf(text, size, "--time %s", stint_duration_format(value, time, sizeof(time)));
        break;
    case STINT_BETTER_GPUS:
        (void)snprintf(text, size, "--gpus %s%s%" PRId64, type, colon, value);
        break;
    case STINT_BETTER_GPU_MILLI:
        (void)snprintf(text, size, "--gpus %s%s%.3g", type, colon, (double)value / 1000);
        break;
    case STINT_BETTER_CPUS:
        (void)snprintf(text, size, "--cpus %" PRId64, value);
        break;
    case STINT_BETTER_MEMORY:
        (void)snprintf(text, size, "--memory %" PRId64 "M", value / MIB);
        break;
    case STINT_BETTER_GPU_TYPE:
        (void)snprintf(text, size, "--gpus %s:%" PRId64, machine->types[value], gpus);
        break;
    case STINT_BETTER_LOCALITY_ANY:
        (void)snprintf(text, size, "--locality any");
        break;
    case STINT_BETTER_KIND_COUNT:
        text[0] = '\0';
        break;
    }
    return text;
}
