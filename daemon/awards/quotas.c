/* Ceilings: their words, and those that are checked when a job is submitted. The core checks the
 * running kinds and the hours of a period; here are only the queue and the longest walltime.
 *
 * One ceiling for each kind of each owner, and of hours one for each period: `gpu-hours=50/day` and
 * `gpu-hours=500/month` hold side by side. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/measure.h"

static const char *const kind_names[] = { "",
#define X(name, wire) wire,
                                          STINT_QUOTA_KINDS(X)
#undef X
};
static const char *const scope_names[] = { "", "site", "institution", "project", "user" };

const char *quota_kind_name(enum stint_quota_kind kind)
{
    return (unsigned)kind < STINT_QUOTA_KIND_COUNT ? kind_names[kind] : "";
}

enum stint_quota_kind quota_kind_from_name(const char *name)
{
    for (unsigned i = 1; i < STINT_QUOTA_KIND_COUNT; i++)
        if (strcmp(kind_names[i], name) == 0)
            return (enum stint_quota_kind)i;
    return STINT_QUOTA_NONE;
}

const char *quota_scope_name(enum stint_quota_scope scope)
{
    return (unsigned)scope < STINT_ARRAY_SIZE(scope_names) ? scope_names[scope] : "";
}

enum stint_quota_scope quota_scope_from_name(const char *name)
{
    for (unsigned i = 1; i < STINT_ARRAY_SIZE(scope_names); i++)
        if (strcmp(scope_names[i], name) == 0)
            return (enum stint_quota_scope)i;
    return (enum stint_quota_scope)0;
}

bool quota_kind_is_periodic(enum stint_quota_kind kind)
{
    return kind == STINT_QUOTA_GPU_HOURS || kind == STINT_QUOTA_CORE_HOURS;
}

/* ---- words */

static int refuse_words(const char *assignment, struct stint_error *err)
{
    (void)stint_fail(err, STINT_INVALID, "'%.80s' is no ceiling", assignment);
    return stint_fix(
        err, STINT_INVALID,
        "write KIND=N: gpus=4, cores=64, memory=512G, jobs=50, queued=1000, "
        "walltime=2d, gpu-hours=500/month; KIND= removes it, gpu-hours=/month that of a "
        "month alone");
}

static int parse_count(const char *text, int64_t *ret_count)
{
    char *end;
    if (*text < '0' || *text > '9')
        return STINT_INVALID;
    errno = 0;
    long long count = strtoll(text, &end, 10);
    if (errno || *end || count > INT64_MAX / 1000) /* the core counts GPUs in thousandths */
        return STINT_INVALID;
    *ret_count = count;
    return 0;
}

/* `500/month`: the hours into *ret_ceiling, in millionths. */
static int parse_hours(const char *text, int64_t *ret_ceiling, enum stint_period *ret_period)
{
    char hours[32];
    const char *slash = strchr(text, '/');
    size_t length = slash ? (size_t)(slash - text) : 0;
    if (length == 0 || length >= sizeof(hours))
        return STINT_INVALID;
    memcpy(hours, text, length);
    hours[length] = '\0';
    *ret_period = stint_period_from_name(slash + 1);
    if (*ret_period == STINT_PERIOD_NONE)
        return STINT_INVALID;
    return stint_micro_parse(hours, ret_ceiling, NULL);
}

static int parse_value(enum stint_quota_kind kind, const char *text, int64_t *ret_ceiling,
                       enum stint_period *ret_period)
{
    *ret_period = STINT_PERIOD_NONE;
    switch (kind) {
    case STINT_QUOTA_GPUS:
    case STINT_QUOTA_CORES:
    case STINT_QUOTA_JOBS:
    case STINT_QUOTA_QUEUED:
        return parse_count(text, ret_ceiling);
    case STINT_QUOTA_MEMORY:
        return stint_size_parse(text, ret_ceiling, NULL);
    case STINT_QUOTA_WALLTIME:
        return stint_duration_parse(text, ret_ceiling, NULL);
    case STINT_QUOTA_GPU_HOURS:
    case STINT_QUOTA_CORE_HOURS:
        return parse_hours(text, ret_ceiling, ret_period);
    case STINT_QUOTA_NONE:
    case STINT_QUOTA_KIND_COUNT:
        break;
    }
    return STINT_INVALID;
}

int quota_parse(const char *assignment, enum stint_quota_kind *ret_kind, int64_t *ret_ceiling,
                enum stint_period *ret_period, bool *ret_is_removal, struct stint_error *err)
{
    char word[16];
    const char *equals = strchr(assignment, '=');
    size_t length = equals ? (size_t)(equals - assignment) : 0;
    int64_t ceiling = 0;
    enum stint_period period = STINT_PERIOD_NONE;
    if (length == 0 || length >= sizeof(word))
        return refuse_words(assignment, err);
    memcpy(word, assignment, length);
    word[length] = '\0';
    enum stint_quota_kind kind = quota_kind_from_name(word);
    bool is_removal = equals[1] == '\0';
    if (kind == STINT_QUOTA_NONE)
        return refuse_words(assignment, err);
    if (equals[1] == '/' && quota_kind_is_periodic(kind)) {
        is_removal = true;
        period = stint_period_from_name(equals + 2);
        if (period == STINT_PERIOD_NONE)
            return refuse_words(assignment, err);
    }
    if (!is_removal && parse_value(kind, equals + 1, &ceiling, &period) != 0)
        return refuse_words(assignment, err);
    *ret_kind = kind;
    *ret_ceiling = ceiling;
    *ret_period = period;
    *ret_is_removal = is_removal;
    return 0;
}

/* ---- memory */

/* What runs under the account, on all resources. */
static int64_t runs(const struct stint_ledger *ledger, const struct ledger_account *account,
                    enum stint_limit limit)
{
    int64_t used = 0;
    LEDGER_EACH_CORE(ledger, i)
    {
        used += stint_scheduler_used(stint_clerk_scheduler(ledger_clerk(ledger, i)),
                                     account->number, limit);
    }
    return used;
}

int64_t quota_used(const struct stint_ledger *ledger, const struct ledger_account *account,
                   enum stint_quota_kind kind, enum stint_period period)
{
    const struct ledger_usage *usage = &account->usage[period];
    switch (kind) {
    case STINT_QUOTA_GPUS: /* in use is in use: a share counts as one begun GPU */
        return (runs(ledger, account, STINT_LIMIT_GPU_MILLI) + 999) / 1000;
    case STINT_QUOTA_CORES:
        return runs(ledger, account, STINT_LIMIT_CORES);
    case STINT_QUOTA_MEMORY:
        return runs(ledger, account, STINT_LIMIT_MEMORY);
    case STINT_QUOTA_JOBS:
        return runs(ledger, account, STINT_LIMIT_JOBS);
    case STINT_QUOTA_QUEUED:
        return account->queued;
    case STINT_QUOTA_GPU_HOURS:
        return ledger_ms_hours(usage->gpu_ms);
    case STINT_QUOTA_CORE_HOURS:
        return ledger_ms_hours(usage->core_ms);
    case STINT_QUOTA_WALLTIME:
    case STINT_QUOTA_NONE:
    case STINT_QUOTA_KIND_COUNT:
        break;
    }
    return 0;
}

int quota_put(struct stint_ledger *ledger, struct ledger_account *account,
              enum stint_quota_kind kind, enum stint_period period,
              const struct stint_quota_row *row)
{
    struct ledger_quota *quota = NULL;
    if (row) {
        quota = calloc(1, sizeof(*quota));
        if (!quota || !(quota->set_by = strdup(row->set_by ? row->set_by : "")) ||
            !(quota->reason = strdup(row->reason ? row->reason : ""))) {
            quota_free(quota);
            return -ENOMEM;
        }
        quota->ceiling = row->ceiling;
        quota->period = period;
        quota->set_ms = row->set_ms;
    }
    quota_free(account->quotas[kind][period]);
    account->quotas[kind][period] = quota;
    account_tell(ledger, account, kind);
    return 0;
}

/* ---- at submit */

static int refuse_queue(enum stint_quota_scope scope, const struct ledger_account *owner,
                        const struct ledger_quota *quota, int64_t task_count,
                        struct stint_error *err)
{
    char since[32];
    if (task_count > 1)
        (void)stint_fail(
            err, STINT_OVER_QUOTA,
            "%lld tasks beside %lld jobs that the %s has in the queue, of at most %lld",
            (long long)task_count, (long long)owner->queued, quota_scope_name(scope),
            (long long)quota->ceiling);
    else
        (void)stint_fail(err, STINT_OVER_QUOTA, "the %s has %lld of at most %lld jobs in the queue",
                         quota_scope_name(scope), (long long)owner->queued,
                         (long long)quota->ceiling);
    (void)stint_params(err, STINT_OVER_QUOTA,
                       "\"scope\":\"%s\",\"asked\":%lld,\"used\":%lld,\"limit\":%lld,"
                       "\"unit\":\"jobs\"",
                       quota_scope_name(scope), (long long)task_count, (long long)owner->queued,
                       (long long)quota->ceiling);
    return stint_fix(err, STINT_OVER_QUOTA,
                     "wait until some have started, or cancel some; an operator set the quota "
                     "queued=%lld on %s",
                     (long long)quota->ceiling,
                     stint_instant_format(quota->set_ms, since, sizeof(since)));
}

static int refuse_walltime(enum stint_quota_scope scope, const struct ledger_quota *quota,
                           int64_t walltime_s, enum stint_reason_code *ret_code,
                           struct stint_error *err)
{
    char asked[32], most[32];
    *ret_code = STINT_REASON_ExceedsMaxWalltime;
    (void)stint_fail(err, STINT_UNSATISFIABLE, "a walltime of %s is longer than the %s's %s",
                     stint_duration_format(walltime_s, asked, sizeof(asked)),
                     quota_scope_name(scope),
                     stint_duration_format(quota->ceiling, most, sizeof(most)));
    (void)stint_params(err, STINT_UNSATISFIABLE,
                       "\"scope\":\"%s\",\"asked\":%lld,\"limit\":%lld,\"unit\":\"seconds\"",
                       quota_scope_name(scope), (long long)walltime_s, (long long)quota->ceiling);
    return stint_fix(err, STINT_UNSATISFIABLE, "ask for --time %s or less", most);
}

int quota_check_submit(const struct stint_ledger *ledger,
                       struct ledger_account *const owners[LEDGER_OWNERS], int64_t walltime_s,
                       int64_t task_count, enum stint_reason_code *ret_code,
                       struct stint_error *err)
{
    (void)ledger;
    for (unsigned i = 0; i < LEDGER_OWNERS; i++) {
        const struct ledger_quota *walltime =
            owners[i]->quotas[STINT_QUOTA_WALLTIME][STINT_PERIOD_NONE];
        const struct ledger_quota *queue = owners[i]->quotas[STINT_QUOTA_QUEUED][STINT_PERIOD_NONE];
        enum stint_quota_scope scope = (enum stint_quota_scope)(STINT_SCOPE_SITE + i);
        if (walltime && walltime_s > walltime->ceiling)
            return refuse_walltime(scope, walltime, walltime_s, ret_code, err);
        if (queue && task_count > queue->ceiling - owners[i]->queued)
            return refuse_queue(scope, owners[i], queue, task_count, err);
    }
    return 0;
}

void stint_ledger_job_queued(struct stint_ledger *ledger, int64_t project, uid_t uid, int delta)
{
    struct ledger_account *owners[LEDGER_OWNERS];
    const struct ledger_project *found = project_find(ledger, project);
    if (!found || !owners_of(ledger, found, uid, owners))
        return;
    for (size_t i = 0; i < LEDGER_OWNERS; i++)
        owners[i]->queued += delta;
}
