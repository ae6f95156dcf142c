/* Owns: one true sentence for each reason (users.md §2.3), with its figures, and what would help.
 * Tokens are for programs and never change; these sentences are for people and may. */
#include "views.h"

#include <inttypes.h>
#include <string.h>

#include "stint/calendar.h"
#include "stint/civil.h"
#include "stint/ledger.h"
#include "stint/measure.h"
#include "stint/scheduler.h"

/* How a figure is counted here, and how people and programs are told of it. */
enum measure { IN_COUNT, IN_GPUS, IN_CORES, IN_JOBS, IN_BYTES, IN_MICRO, IN_MS, IN_SECONDS };

/* @text: what stands in the way; @has_figures: asked, used and limit are shown, counted @in */
static const struct {
    enum stint_reason_code code;
    const char *text;
    bool has_figures;
    enum measure in;
    const char *fix;
} sentences[] = {
#define ROW(token, text, thing, in, fix)                                                           \
    {                                                                                              \
        STINT_REASON_##token, text, thing, in, fix                                                 \
    }
    ROW(NoSuchResource, "no node here has what is asked for", false, IN_COUNT,
        "ask for a GPU type or resource that `stint nodes` shows"),
    ROW(ExceedsMachine, "it asks for more than any node has", true, IN_COUNT,
        "ask for less: `stint nodes` shows the largest node"),
    ROW(ExceedsMaxWalltime, "its walltime is longer than allowed", false, IN_SECONDS,
        "ask for a shorter time with --time"),
    ROW(ArtifactMissing, "an artefact it uses is not there", false, IN_COUNT,
        "register it with `stint artifact add`, or name its path"),
    ROW(ArtifactChanged, "the bytes of an artefact changed since it was judged", false, IN_COUNT,
        "register it again"),
    ROW(EvaluationFailed, "an artefact could not be judged", false, IN_COUNT,
        "see `stint check` for what failed"),
    ROW(PolicyForbids, "the policy of this site forbids it", false, IN_COUNT, "see /api/v1/policy"),
    ROW(ModelNotOpen, "a model it uses is not open", false, IN_COUNT,
        "see which criteria failed with `stint check`"),
    ROW(DataNotOpen, "a data set it uses is not open", false, IN_COUNT,
        "see which criteria failed with `stint check`"),
    ROW(CodeNotOpen, "code it uses is not open", false, IN_COUNT,
        "see which criteria failed with `stint check`"),
    ROW(LicenceUnknown, "the licence of an artefact is not known here", false, IN_COUNT,
        "see `stint check`"),
    ROW(EvidenceMissing, "evidence is missing for an artefact", false, IN_COUNT,
        "see `stint check`"),
    ROW(NotEvaluatedYet, "what it uses is still being judged", false, IN_COUNT, ""),
    ROW(NotReviewedYet, "the verdict on what it uses is unknown, and an operator decides", false,
        IN_COUNT, "settle what is unclear (`stint check`), or ask the operator"),
    ROW(ProjectSuspended, "the project is suspended", false, IN_COUNT, "ask the operator"),
    ROW(UserSuspended, "the user is suspended", false, IN_COUNT, "ask the operator"),
    ROW(HeldByAdmin, "an operator holds it", false, IN_COUNT, "ask the operator"),
    ROW(HeldByUser, "its owner holds it", false, IN_COUNT, "stint release"),
    ROW(DependencyFailed, "a job it waits for did not end as asked", false, IN_COUNT,
        "cancel it, and submit it without that dependency"),
    ROW(DependencyWaiting, "it waits for another job to end", false, IN_COUNT, ""),
    ROW(BeforeBeginTime, "its begin time has not come", false, IN_COUNT, ""),
    ROW(NoAward, "the project has no award here", false, IN_COUNT, "ask the operator for an award"),
    ROW(AwardExpired, "the award has ended", false, IN_COUNT, "ask for an extension"),
    ROW(AwardNotStarted, "the award has not begun", false, IN_COUNT,
        "it goes on by itself then; or name another with --award"),
    ROW(BalanceExhausted, "the award is used up", true, IN_MICRO,
        "ask for a supplement, or ask for less time"),
    ROW(BalanceHeld, "the rest of the award is held by running jobs", true, IN_MICRO,
        "wait for a running job's end, or ask for less time"),
    ROW(PeriodLimit, "the hours of this period are used up", false, IN_MS,
        "it goes on when the period turns, or when running jobs end before their limits"),
    ROW(ArrayLimit, "the array runs as many tasks as it may", true, IN_COUNT, ""),
    ROW(EngineAway, "the launcher is away: nothing can start", false, IN_COUNT,
        "tell the operator: stint doctor"),
    ROW(NodeDown, "the nodes that could run it are down", false, IN_COUNT, ""),
    ROW(NodeDraining, "the nodes that could run it are being drained", false, IN_COUNT, ""),
    ROW(Preempting, "room is being made for it", false, IN_COUNT, ""),
    ROW(Fragmented, "enough is free, but not in one place", true, IN_COUNT, ""),
    ROW(Reserved, "what is free is promised to a job before it", false, IN_COUNT, ""),
    ROW(Capacity, "not enough is free", true, IN_COUNT, ""),
    ROW(Priority, "others are before it", false, IN_COUNT, ""),
#undef ROW
};

enum stint_reason_code reason_from_name(const char *name)
{
    for (int code = 1; name && code < STINT_REASON_COUNT; code++)
        if (strcmp(stint_reason_name((enum stint_reason_code)code), name) == 0)
            return (enum stint_reason_code)code;
    return STINT_REASON_NONE;
}

/* @value in the unit of people: GPUs, hours, units of an award. */
static const char *figure(int64_t value, enum measure in, char *text, size_t size)
{
    switch (in) {
    case IN_BYTES:
        return stint_size_format(value, text, size);
    case IN_MICRO:
        return stint_micro_format(value, text, size);
    case IN_MS: /* hours; two digits, more where less than a hundredth would be lost */
        (void)snprintf(text, size, value > 0 && value < 36000 ? "%.4f" : "%.2f",
                       (double)value / 3600000);
        return text;
    case IN_SECONDS:
        return stint_duration_format(value, text, size);
    case IN_GPUS:
        (void)snprintf(text, size, value % 1000 ? "%.3g" : "%.0f", (double)value / 1000);
        return text;
    case IN_COUNT:
        if (value >= 1 << 20) /* no machine has so many of a thing: these are bytes */
            return stint_size_format(value, text, size);
        break;
    case IN_CORES:
    case IN_JOBS:
        break;
    }
    (void)snprintf(text, size, "%" PRId64, value);
    return text;
}

/* `<Scope><Thing>Limit` taken apart. */
static const char *const scopes[] = { "Site", "Institution", "Project", "User" };
static const char *const scope_words[] = { "site", "institution", "project", "user" };
static const struct {
    const char *word;
    const char *one;
    const char *many;
    enum measure in;
} limit_things[] = { { "GpuLimit", "GPU", "GPUs", IN_GPUS },
                     { "CoreLimit", "core", "cores", IN_CORES },
                     { "MemoryLimit", "of memory", "of memory", IN_BYTES },
                     { "JobLimit", "running job", "running jobs", IN_JOBS } };

/* The word for @value of @thing; a part of a GPU is many. */
static const char *thing_word(size_t thing, int64_t value)
{
    bool is_one = value == (limit_things[thing].in == IN_GPUS ? 1000 : 1);
    return is_one ? limit_things[thing].one : limit_things[thing].many;
}

static bool limit_parse(enum stint_reason_code code, size_t *ret_scope, size_t *ret_thing)
{
    const char *name = stint_reason_name(code);
    for (size_t scope = 0; scope < STINT_ARRAY_SIZE(scopes); scope++)
        for (size_t thing = 0; thing < STINT_ARRAY_SIZE(limit_things); thing++) {
            size_t length = strlen(scopes[scope]);
            if (strncmp(name, scopes[scope], length) != 0 ||
                strcmp(name + length, limit_things[thing].word) != 0)
                continue;
            *ret_scope = scope;
            *ret_thing = thing;
            return true;
        }
    return false;
}

/* ---- whose ceiling it is, and of what ---- */

/* The ledger's side of a reason: the owner of the ceiling, and for hours which quota it is. */
struct ceiling {
    const struct stint_reason *reason;
    struct stint_account_view account; /* kind NULL when unknown */
    const char *unit;                  /* "GPU-hours"; NULL when unknown */
    bool is_revoked;
    int64_t from_ms; /* of an award; 0 when it is none */
    int64_t until_ms;
};

static bool ceiling_on_award(void *context, const struct stint_award_view *view)
{
    struct ceiling *ceiling = context;
    if (strcmp(view->name, ceiling->account.name) != 0)
        return true;
    ceiling->unit = strcmp(view->unit, "core-hour") == 0 ? "core-hours" : "GPU-hours";
    ceiling->is_revoked = strcmp(view->state, "revoked") == 0;
    ceiling->from_ms = view->from_ms;
    ceiling->until_ms = view->until_ms;
    return false;
}

static bool is_of_award(enum stint_reason_code code)
{
    return code == STINT_REASON_NoAward || code == STINT_REASON_AwardExpired ||
           code == STINT_REASON_AwardNotStarted || code == STINT_REASON_BalanceExhausted ||
           code == STINT_REASON_BalanceHeld;
}

/* @award: the job's, NULL for none; a reason that names none may be about that one. */
static void ceiling_find(struct stint_api *api, const struct stint_reason *reason,
                         const char *award, struct ceiling *ret_ceiling)
{
    struct stint_ledger *ledger = api->options.ledger;
    *ret_ceiling = (struct ceiling){ .reason = reason };
    if (reason->account != UINT32_MAX)
        stint_ledger_account(ledger, reason->account, reason->what, &ret_ceiling->account);
    else if (award && is_of_award(reason->code))
        ret_ceiling->account = (struct stint_account_view){ .kind = "award", .name = award };
    if (!ret_ceiling->account.kind)
        return;
    ret_ceiling->unit = ret_ceiling->account.unit;
    if (is_of_award(reason->code) && ret_ceiling->account.name)
        stint_ledger_each_award(ledger, ceiling_on_award, ret_ceiling);
}

/* "project nlp"; a user is never named. */
static void owner_write(const struct ceiling *ceiling, struct stint_buffer *out)
{
    const struct stint_account_view *account = &ceiling->account;
    const char *kind = account->kind ? account->kind : "project";
    bool may_name = account->name && *account->name && strcmp(kind, "user") != 0;
    stint_buffer_printf(out, "the %s%s%s", kind, may_name ? " " : "",
                        may_name ? account->name : "");
}

/* ---- sentences ---- */

/* The scope's ceiling of running things is reached, or is lower than what is asked. */
static bool limit_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    const struct stint_reason *reason = ceiling->reason;
    struct ceiling owner = *ceiling;
    char first[40];
    char limit[40];
    size_t scope;
    size_t thing;
    if (!limit_parse(reason->code, &scope, &thing))
        return false;
    owner.account.kind = scope_words[scope]; /* the token's, also when the account is unknown */
    enum measure in = limit_things[thing].in;
    bool is_never = reason->asked > reason->limit;
    figure(is_never ? reason->asked : reason->used, in, first, sizeof(first));
    figure(reason->limit, in, limit, sizeof(limit));
    if (is_never) {
        stint_buffer_printf(out, "it asks for %s %s, more than the ceiling of %s of ", first,
                            thing_word(thing, reason->asked), limit);
        owner_write(&owner, out);
    } else {
        owner_write(&owner, out);
        stint_buffer_printf(out, " has %s of %s %s in use", first, limit,
                            thing_word(thing, reason->limit));
    }
    return true;
}

/* Hours of a period: "the project nlp has used 0.01 of 1.00 GPU-hours of this day, and the job may
 * take 1.00". */
static bool period_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    const struct stint_reason *reason = ceiling->reason;
    char asked[40];
    char used[40];
    char held[40];
    char limit[40];
    if (reason->code != STINT_REASON_PeriodLimit || !ceiling->unit)
        return false;
    figure(reason->asked, IN_MS, asked, sizeof(asked));
    figure(reason->used - reason->held, IN_MS, used, sizeof(used));
    figure(reason->held, IN_MS, held, sizeof(held));
    figure(reason->limit, IN_MS, limit, sizeof(limit));
    if (reason->asked > reason->limit) {
        stint_buffer_printf(out, "it may take %s %s, more than the ceiling of %s a %s of ", asked,
                            ceiling->unit, limit, ceiling->account.period);
        owner_write(ceiling, out);
        return true;
    }
    owner_write(ceiling, out);
    stint_buffer_printf(out, " has used %s", used);
    if (reason->held > 0)
        stint_buffer_printf(out, ", and running jobs hold %s,", held);
    stint_buffer_printf(out, " of %s %s of this %s, and the job may take %s", limit, ceiling->unit,
                        ceiling->account.period, asked);
    return true;
}

static bool revoked_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    if (!ceiling->is_revoked || (ceiling->reason->code != STINT_REASON_NoAward &&
                                 ceiling->reason->code != STINT_REASON_AwardExpired))
        return false;
    stint_buffer_printf(out, "the award %s was revoked", ceiling->account.name);
    return true;
}

static bool award_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    bool is_over = ceiling->reason->code == STINT_REASON_AwardExpired;
    char when[40];
    if (ceiling->until_ms == 0 ||
        (!is_over && ceiling->reason->code != STINT_REASON_AwardNotStarted))
        return false;
    stint_buffer_printf(out, "the award %s %s", ceiling->account.name,
                        is_over ? "ended on " : "has not begun");
    if (is_over)
        stint_buffer_add_text(out,
                              stint_instant_format_local(ceiling->until_ms, when, sizeof(when)));
    return true;
}

/* Of these two the figure asked is the other job's id, the limit one more than its task's number
 * (jobs/ask.c). */
static bool dependency_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    const struct stint_reason *reason = ceiling->reason;
    if (reason->asked <= 0 || (reason->code != STINT_REASON_DependencyFailed &&
                               reason->code != STINT_REASON_DependencyWaiting))
        return false;
    char other[48];
    (void)snprintf(other, sizeof(other), reason->limit > 0 ? "%" PRId64 "_%" PRId64 : "%" PRId64,
                   reason->asked, reason->limit - 1);
    stint_buffer_printf(out,
                        reason->code == STINT_REASON_DependencyFailed
                            ? "job %s, which it waits for, did not end as asked"
                            : "it waits for job %s to end",
                        other);
    return true;
}

/* Room that an operator keeps for others, or for nobody. */
static bool reservation_sentence(struct stint_api *api, const struct stint_reason *reason,
                                 struct stint_buffer *out)
{
    struct stint_reservation_view view;
    if (reason->reservation == 0 ||
        !stint_calendar_reservation(api->options.calendar, reason->reservation, &view))
        return false;
    stint_buffer_printf(out,
                        view.is_active ? "the reservation %s keeps what it needs"
                                       : "it would run into the reservation %s",
                        view.name);
    return true;
}

/* What of the machine a waiting job is short of. */
static size_t short_thing(const struct stint_reason *reason)
{
    bool is_waiting =
        reason->code == STINT_REASON_Capacity || reason->code == STINT_REASON_Fragmented;
    for (size_t thing = 0; is_waiting && reason->limit > 0 && thing <= STINT_LIMIT_MEMORY; thing++)
        if (reason->what == thing + 1)
            return thing;
    return SIZE_MAX;
}

/* "not enough GPUs are free (asks 0.5; 2.4 of 4 taken)" */
static bool capacity_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    static const char *const words[] = { "GPUs are", "cores are", "memory is" };
    const struct stint_reason *reason = ceiling->reason;
    size_t thing = short_thing(reason);
    char asked[40];
    char used[40];
    char limit[40];
    if (thing == SIZE_MAX)
        return false;
    enum measure in = limit_things[thing].in;
    if (reason->code == STINT_REASON_Fragmented)
        stint_buffer_printf(out, "enough %s free, but not in one place", words[thing]);
    else
        stint_buffer_printf(out, "not enough %s free%s", words[thing],
                            reason->kept > 0 ? " beside those that are kept for free GPUs" : "");
    stint_buffer_printf(out, " (asks %s; %s of %s taken",
                        figure(reason->asked, in, asked, sizeof(asked)),
                        figure(reason->used, in, used, sizeof(used)),
                        figure(reason->limit, in, limit, sizeof(limit)));
    if (reason->kept > 0)
        stint_buffer_printf(out, ", %" PRId64 " kept", reason->kept);
    stint_buffer_add_text(out, ")");
    return true;
}

static void plain_sentence(const struct ceiling *ceiling, struct stint_buffer *out)
{
    const struct stint_reason *reason = ceiling->reason;
    char asked[40];
    char used[40];
    char limit[40];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sentences); i++) {
        enum measure in = sentences[i].in;
        if (sentences[i].code != reason->code)
            continue;
        stint_buffer_add_text(out, sentences[i].text);
        if (sentences[i].has_figures && reason->limit > 0)
            stint_buffer_printf(out, " (asks %s; %s of %s%s%s taken)",
                                figure(reason->asked, in, asked, sizeof(asked)),
                                figure(reason->used, in, used, sizeof(used)),
                                figure(reason->limit, in, limit, sizeof(limit)),
                                ceiling->unit ? " " : "", ceiling->unit ? ceiling->unit : "");
    }
}

/* When it is known to end; a period's end is the calendar's. */
static int64_t ceiling_until_ms(struct stint_api *api, const struct ceiling *ceiling)
{
    const char *name = ceiling->account.period;
    enum stint_period period = name ? stint_period_from_name(name) : STINT_PERIOD_NONE;
    if (ceiling->reason->until_ms > 0 || period == STINT_PERIOD_NONE ||
        ceiling->reason->asked > ceiling->reason->limit)
        return ceiling->reason->until_ms;
    return stint_period_end_ms(period, api->options.now_wall_ms());
}

static void sentence_write(struct stint_api *api, const struct ceiling *ceiling,
                           struct stint_buffer *out)
{
    char until[40];
    if (!limit_sentence(ceiling, out) && !period_sentence(ceiling, out) &&
        !revoked_sentence(ceiling, out) && !award_sentence(ceiling, out) &&
        !dependency_sentence(ceiling, out) && !reservation_sentence(api, ceiling->reason, out) &&
        !capacity_sentence(ceiling, out))
        plain_sentence(ceiling, out);
    int64_t until_ms = ceiling_until_ms(api, ceiling);
    if (until_ms > 0)
        stint_buffer_printf(out, ", until %s%s",
                            stint_instant_format_local(until_ms, until, sizeof(until)),
                            ceiling->reason->held > 0 ? " or a running job's end" : "");
}

void reason_sentence(struct stint_api *api, const struct stint_reason *reason, const char *award,
                     struct stint_buffer *out)
{
    struct ceiling ceiling;
    if (reason->code == STINT_REASON_NONE)
        return;
    ceiling_find(api, reason, award, &ceiling);
    sentence_write(api, &ceiling, out);
}

/* ---- cures ---- */

const char *reason_fix(enum stint_reason_code code)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sentences); i++)
        if (sentences[i].code == code)
            return sentences[i].fix;
    return stint_reason_class(code) == STINT_CLASS_LIMITED ? "wait for a running job's end" : "";
}

/* Waiting cures nothing where more is asked than the ceiling will ever be. */
static void cure_write(const struct ceiling *ceiling, struct stint_buffer *out)
{
    const struct stint_reason *reason = ceiling->reason;
    char limit[40];
    size_t scope;
    size_t thing;
    bool is_never = reason->asked > reason->limit;
    if (limit_parse(reason->code, &scope, &thing) && reason->limit == 0 && is_never) {
        stint_buffer_add_text(out, "have the ceiling raised: it lets nothing run");
    } else if (is_never && limit_parse(reason->code, &scope, &thing)) {
        figure(reason->limit, limit_things[thing].in, limit, sizeof(limit));
        stint_buffer_printf(out, "ask for at most %s %s, or have the ceiling raised", limit,
                            thing_word(thing, reason->limit));
    } else if (is_never && reason->code == STINT_REASON_PeriodLimit && ceiling->unit) {
        figure(reason->limit, IN_MS, limit, sizeof(limit));
        stint_buffer_printf(out, "ask for at most %s %s: a shorter --time, or fewer", limit,
                            ceiling->unit);
    } else if (ceiling->is_revoked) {
        stint_buffer_add_text(out, "ask the operator for another award");
    } else {
        stint_buffer_add_text(out, reason_fix(reason->code));
    }
}

/* ---- as JSON ---- */

/* Figures of a reason are given where they mean a thing that can be named; decimals where the
 * unit's whole is not the ledger's. NULL: they are not given. */
static const char *figures_unit(const struct ceiling *ceiling, enum measure *ret_in)
{
    static const char *const units[] = { "count", "GPUs",  "cores", "jobs",
                                         "bytes", "units", "hours", "seconds" };
    enum stint_reason_code code = ceiling->reason->code;
    size_t scope;
    size_t thing;
    bool is_found = false;
    if (limit_parse(code, &scope, &thing)) {
        *ret_in = limit_things[thing].in;
        is_found = true;
    }
    thing = is_found ? SIZE_MAX : short_thing(ceiling->reason);
    if (thing != SIZE_MAX) {
        *ret_in = limit_things[thing].in;
        is_found = true;
    }
    for (size_t i = 0; !is_found && i < STINT_ARRAY_SIZE(sentences); i++)
        if (sentences[i].code == code && (sentences[i].has_figures || sentences[i].in == IN_MS)) {
            *ret_in = sentences[i].in;
            is_found = true;
        }
    if (!is_found)
        return NULL;
    if (*ret_in == IN_COUNT && ceiling->reason->limit >= 1 << 20)
        *ret_in = IN_BYTES;
    return ceiling->unit ? ceiling->unit : units[*ret_in];
}

static void figure_write(struct stint_buffer *out, const char *key, int64_t value, enum measure in)
{
    double divisor = in == IN_GPUS ? 1e3 : in == IN_MICRO ? 1e6 : in == IN_MS ? 3600e3 : 1;
    if (divisor > 1 && value % (int64_t)divisor != 0) {
        stint_json_key(out, key);
        stint_json_double(out, (double)value / divisor);
    } else {
        stint_json_kv_int(out, key, value / (int64_t)divisor);
    }
}

/* Who set the ceiling, or suspended, is for those whose job it is; when and why is in the public
 * log, but not whom it was about where that is a person. */
static void setter_write(struct stint_buffer *out, const struct stint_account_view *account,
                         bool is_seen)
{
    if (account->set_ms == 0)
        return;
    stint_json_kv_time(out, "set", account->set_ms);
    bool is_persons = account->kind && strcmp(account->kind, "user") == 0;
    if (account->set_reason && (is_seen || !is_persons))
        stint_json_kv_text(out, "set_reason", account->set_reason);
    if (is_seen && account->set_by)
        stint_json_kv_text(out, "set_by", account->set_by);
}

static void params_write(struct stint_api *api, struct stint_buffer *out,
                         const struct ceiling *ceiling, int64_t until_ms, bool is_seen)
{
    const struct stint_reason *reason = ceiling->reason;
    struct stint_reservation_view view;
    enum measure in = IN_COUNT;
    const char *unit = figures_unit(ceiling, &in);
    stint_json_object(out);
    if (unit && reason->asked)
        figure_write(out, "asked", reason->asked, in);
    if (unit && reason->limit) {
        figure_write(out, "used", reason->used, in);
        figure_write(out, "limit", reason->limit, in);
    }
    if (unit && reason->held)
        figure_write(out, "held", reason->held, in);
    if (unit && reason->kept)
        figure_write(out, "kept", reason->kept, in);
    if (unit && (reason->asked || reason->limit))
        stint_json_kv_text(out, "unit", unit);
    if (reason->asked > 0 && (reason->code == STINT_REASON_DependencyFailed ||
                              reason->code == STINT_REASON_DependencyWaiting)) {
        stint_json_kv_int(out, "job", reason->asked);
        if (reason->limit > 0)
            stint_json_kv_int(out, "task", reason->limit - 1);
    }
    if (ceiling->until_ms) {
        stint_json_kv_text(out, "award", ceiling->account.name);
        stint_json_kv_time(out, "from", ceiling->from_ms);
        stint_json_kv_time(out, "ends", ceiling->until_ms);
    }
    if (reason->code == STINT_REASON_ProjectSuspended && ceiling->account.name)
        stint_json_kv_text(out, "project", ceiling->account.name);
    if (reason->code == STINT_REASON_UserSuspended) {
        stint_json_kv_text(out, "scope", "user");
        if (is_seen && ceiling->account.name)
            stint_json_kv_text(out, "user", ceiling->account.name);
    }
    if (ceiling->account.period && *ceiling->account.period)
        stint_json_kv_text(out, "period", ceiling->account.period);
    if (reason->reservation &&
        stint_calendar_reservation(api->options.calendar, reason->reservation, &view))
        stint_json_kv_text(out, "reservation", view.name);
    if (until_ms)
        stint_json_kv_time(out, "until", until_ms);
    setter_write(out, &ceiling->account, is_seen);
    stint_json_object_end(out);
}

void reason_write(struct stint_api *api, struct stint_buffer *out,
                  const struct stint_reason *reason, const char *award, bool is_seen)
{
    struct stint_buffer text = { 0 };
    struct stint_buffer fix = { 0 };
    struct ceiling ceiling;
    ceiling_find(api, reason, award, &ceiling);
    sentence_write(api, &ceiling, &text);
    cure_write(&ceiling, &fix);
    stint_json_object(out);
    stint_json_kv_text(out, "code", stint_reason_name(reason->code));
    stint_json_kv_text(out, "class", stint_reason_class_name(stint_reason_class(reason->code)));
    stint_json_kv_text(out, "text", stint_buffer_text(&text));
    stint_json_key(out, "params");
    params_write(api, out, &ceiling, ceiling_until_ms(api, &ceiling), is_seen);
    stint_json_kv_text(out, "fix", fix.length > 0 ? stint_buffer_text(&fix) : NULL);
    stint_json_object_end(out);
    stint_buffer_deinit(&text);
    stint_buffer_deinit(&fix);
}
