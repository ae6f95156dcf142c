/* Asks that no wait can cure: above a ceiling all by themselves. They are refused at submit, with
 * the most that may be asked for; what only others' jobs stand in the way of waits. */
#include "state.h"

#include <errno.h>

#include "stint/measure.h"

/* One job against one ceiling, in the units in which the core counts. */
struct ask {
    const struct ledger_account *owner;
    enum stint_quota_scope scope;
    const struct stint_charge_size *size;
    int64_t walltime_s;
};

static const char *owner_word(const struct ask *ask)
{
    return quota_scope_name(ask->scope);
}

/* The reason with which a job would have waited for ever: four a scope, in the order of scopes. */
static enum stint_reason_code limit_code(enum stint_quota_scope scope, enum stint_quota_kind kind)
{
    static const enum stint_reason_code first[] = {
        [STINT_SCOPE_SITE] = STINT_REASON_SiteGpuLimit,
        [STINT_SCOPE_INSTITUTION] = STINT_REASON_InstitutionGpuLimit,
        [STINT_SCOPE_PROJECT] = STINT_REASON_ProjectGpuLimit,
        [STINT_SCOPE_USER] = STINT_REASON_UserGpuLimit,
    };
    unsigned offset = kind == STINT_QUOTA_GPUS     ? 0
                      : kind == STINT_QUOTA_CORES  ? 1
                      : kind == STINT_QUOTA_MEMORY ? 2
                                                   : 3;
    return quota_kind_is_periodic(kind) ? STINT_REASON_PeriodLimit
                                        : (enum stint_reason_code)(first[scope] + offset);
}

static const char *plural(int64_t count)
{
    return count == 1 ? "" : "s";
}

/* The figures of a refusal, for programs. */
static int figures(const struct ask *ask, int64_t asked, int64_t limit, const char *unit,
                   struct stint_error *err)
{
    return stint_params(err, STINT_UNSATISFIABLE,
                        "\"scope\":\"%s\",\"asked\":%lld,\"limit\":%lld,\"unit\":\"%s\"",
                        owner_word(ask), (long long)asked, (long long)limit, unit);
}

static int refuse_gpus(const struct ask *ask, int64_t ceiling, struct stint_error *err)
{
    char asked[32];
    (void)stint_fail(err, STINT_UNSATISFIABLE,
                     "the job asks for %s GPUs, more than the %s's ceiling of %lld",
                     stint_micro_format(ask->size->gpu_milli * 1000, asked, sizeof(asked)),
                     owner_word(ask), (long long)ceiling);
    (void)stint_params(err, STINT_UNSATISFIABLE,
                       "\"scope\":\"%s\",\"asked\":%s,\"limit\":%lld,\"unit\":\"GPUs\"",
                       owner_word(ask), asked, (long long)ceiling);
    return stint_fix(err, STINT_UNSATISFIABLE, "ask for at most %lld GPU%s", (long long)ceiling,
                     plural(ceiling));
}

static int refuse_cores(const struct ask *ask, int64_t ceiling, struct stint_error *err)
{
    (void)stint_fail(err, STINT_UNSATISFIABLE,
                     "the job asks for %lld core%s, more than the %s's ceiling of %lld",
                     (long long)ask->size->cores, plural(ask->size->cores), owner_word(ask),
                     (long long)ceiling);
    (void)figures(ask, ask->size->cores, ceiling, "cores", err);
    return stint_fix(err, STINT_UNSATISFIABLE, "ask for at most %lld core%s", (long long)ceiling,
                     plural(ceiling));
}

static int refuse_memory(const struct ask *ask, int64_t ceiling, struct stint_error *err)
{
    char asked[32], most[32];
    (void)stint_size_format(ceiling, most, sizeof(most));
    (void)stint_fail(
        err, STINT_UNSATISFIABLE, "the job asks for %s of memory, more than the %s's ceiling of %s",
        stint_size_format(ask->size->memory_bytes, asked, sizeof(asked)), owner_word(ask), most);
    (void)figures(ask, ask->size->memory_bytes, ceiling, "bytes", err);
    return stint_fix(err, STINT_UNSATISFIABLE, "ask for at most %s: --memory", most);
}

/* No job asks for two, so only a ceiling of none is one that no wait cures. */
static int refuse_jobs(const struct ask *ask, struct stint_error *err)
{
    (void)stint_fail(err, STINT_UNSATISFIABLE, "the %s's ceiling is 0 running jobs: none may start",
                     owner_word(ask));
    (void)figures(ask, 1, 0, "jobs", err);
    return stint_fix(err, STINT_UNSATISFIABLE,
                     "ask an operator to raise the quota jobs=0 of the %s", owner_word(ask));
}

/* @asked_ms, @ceiling_ms: GPUs or cores times milliseconds; @width_milli of them are asked for. */
static int refuse_hours(const struct ask *ask, const struct ledger_quota *quota, bool is_gpu,
                        int64_t asked_ms, int64_t width_milli, struct stint_error *err)
{
    char asked[32], most[32], longest[32];
    const char *unit = is_gpu ? "GPU" : "core";
    int64_t ceiling_ms = ledger_hours_ms(quota->ceiling);
    int64_t longest_s = width_milli > 0 ? ceiling_ms / width_milli : 0;
    (void)stint_fail(err, STINT_UNSATISFIABLE,
                     "the job asks for %s %s-hours, more than the %s's ceiling of %s a %s",
                     stint_micro_format(ledger_ms_hours(asked_ms), asked, sizeof(asked)), unit,
                     owner_word(ask), stint_micro_format(quota->ceiling, most, sizeof(most)),
                     stint_period_name(quota->period));
    (void)stint_params(err, STINT_UNSATISFIABLE,
                       "\"scope\":\"%s\",\"asked\":%s,\"limit\":%s,\"unit\":\"%s-hours\","
                       "\"period\":\"%s\"",
                       owner_word(ask), asked, most, unit, stint_period_name(quota->period));
    if (longest_s < 60)
        return stint_fix(err, STINT_UNSATISFIABLE, "ask for at most %s %s-hours a job: fewer %ss",
                         most, unit, unit);
    return stint_fix(err, STINT_UNSATISFIABLE,
                     "ask for at most --time %s with as many %ss, or fewer",
                     stint_duration_format(longest_s, longest, sizeof(longest)), unit);
}

/* 0 when @kind's ceiling of @period lets the job through. */
static int check_one(const struct ask *ask, enum stint_quota_kind kind, enum stint_period period,
                     struct stint_error *err)
{
    const struct ledger_quota *quota = ask->owner->quotas[kind][period];
    const struct stint_charge_size *size = ask->size;
    struct ledger_usage hours;
    if (!quota)
        return 0;
    usage_of(size, ask->walltime_s * 1000, &hours);
    switch (kind) {
    case STINT_QUOTA_GPUS:
        return size->gpu_milli > quota->ceiling * 1000 ? refuse_gpus(ask, quota->ceiling, err) : 0;
    case STINT_QUOTA_CORES:
        return size->cores > quota->ceiling ? refuse_cores(ask, quota->ceiling, err) : 0;
    case STINT_QUOTA_MEMORY:
        return size->memory_bytes > quota->ceiling ? refuse_memory(ask, quota->ceiling, err) : 0;
    case STINT_QUOTA_GPU_HOURS:
        return hours.gpu_ms > ledger_hours_ms(quota->ceiling)
                   ? refuse_hours(ask, quota, true, hours.gpu_ms, size->gpu_milli, err)
                   : 0;
    case STINT_QUOTA_CORE_HOURS:
        return hours.core_ms > ledger_hours_ms(quota->ceiling)
                   ? refuse_hours(ask, quota, false, hours.core_ms, size->cores * 1000, err)
                   : 0;
    case STINT_QUOTA_JOBS:
        return quota->ceiling < 1 ? refuse_jobs(ask, err) : 0;
    case STINT_QUOTA_QUEUED:   /* stint_ledger_can_pay() */
    case STINT_QUOTA_WALLTIME: /* the same */
    case STINT_QUOTA_NONE:
    case STINT_QUOTA_KIND_COUNT:
        break;
    }
    return 0;
}

static int check_kind(const struct ask *ask, enum stint_quota_kind kind, struct stint_error *err)
{
    int r = 0;
    for (int period = STINT_PERIOD_NONE; period < LEDGER_PERIODS && r == 0; period++)
        r = check_one(ask, kind, (enum stint_period)period, err);
    return r;
}

int stint_ledger_fits_ceilings(struct stint_ledger *ledger, int64_t project, uid_t uid,
                               const struct stint_charge_size *size, int64_t walltime_s,
                               enum stint_reason_code *ret_code, struct stint_error *err)
{
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *payer = project_find(ledger, project);
    *ret_code = STINT_REASON_NONE;
    if (!payer)
        return stint_fail(err, STINT_NOT_FOUND, "there is no such project");
    if (!owners_of(ledger, payer, uid, owners))
        return stint_fail(err, -ENOMEM, "no memory for a new user");
    for (unsigned i = 0; i < LEDGER_OWNERS; i++) {
        struct ask ask = { owners[i], (enum stint_quota_scope)(STINT_SCOPE_SITE + i), size,
                           walltime_s };
        for (int kind = STINT_QUOTA_NONE + 1; kind < STINT_QUOTA_KIND_COUNT; kind++) {
            int r = check_kind(&ask, (enum stint_quota_kind)kind, err);
            if (r != 0) {
                *ret_code = limit_code(ask.scope, (enum stint_quota_kind)kind);
                return r;
            }
        }
    }
    return 0;
}
