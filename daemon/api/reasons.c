/* Owns: one true sentence for each reason (users.md §2.3), with its figures, and what would help.
 * Tokens are for programs and never change; these sentences are for people and may. */
#include "views.h"

#include <inttypes.h>
#include <string.h>

#include "stint/ledger.h"
#include "stint/measure.h"

enum measure { IN_COUNT, IN_MILLI, IN_BYTES, IN_MICRO, IN_SECONDS };
static const char *const measure_units[] = { "count", "gpu_milli", "bytes", "micro", "seconds" };

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
    ROW(ProjectSuspended, "the project is suspended", false, IN_COUNT, "ask the operator"),
    ROW(UserSuspended, "the user is suspended", false, IN_COUNT, "ask the operator"),
    ROW(HeldByAdmin, "an operator holds it", false, IN_COUNT, "ask the operator"),
    ROW(HeldByUser, "its owner holds it", false, IN_COUNT, "stint release"),
    ROW(DependencyFailed, "a job it waits for did not end as asked", false, IN_COUNT,
        "cancel it, and submit it again"),
    ROW(DependencyWaiting, "it waits for another job to end", false, IN_COUNT, ""),
    ROW(BeforeBeginTime, "its begin time has not come", false, IN_COUNT, ""),
    ROW(NoAward, "the project has no award here", false, IN_COUNT, "ask the operator for an award"),
    ROW(AwardExpired, "the award has ended", false, IN_COUNT, "ask for an extension"),
    ROW(AwardNotStarted, "the award has not begun", false, IN_COUNT, ""),
    ROW(BalanceExhausted, "the award is used up", true, IN_MICRO,
        "ask for a supplement, or ask for less time"),
    ROW(BalanceHeld, "the rest of the award is held by running jobs", true, IN_MICRO,
        "wait for a running job's end, or ask for less time"),
    ROW(PeriodLimit, "the hours of this period are used up", true, IN_MICRO, ""),
    ROW(ArrayLimit, "the array runs as many tasks as it may", true, IN_COUNT, ""),
    ROW(EngineAway, "the launcher is away: nothing can start", false, IN_COUNT,
        "tell the operator: stint doctor"),
    ROW(NodeDown, "the nodes that could run it are down", false, IN_COUNT, ""),
    ROW(NodeDraining, "the nodes that could run it are being drained", false, IN_COUNT, ""),
    ROW(Preempting, "room is being made for it", false, IN_COUNT, ""),
    ROW(Fragmented, "enough is free, but not in one place", true, IN_COUNT,
        "--locality any lets it start scattered"),
    ROW(Reserved, "what is free is promised to a job before it", false, IN_COUNT,
        "a shorter --time may fit before that"),
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

static const char *figure(int64_t value, enum measure in, char *text, size_t size)
{
    switch (in) {
    case IN_BYTES:
        return stint_size_format(value, text, size);
    case IN_MICRO:
        return stint_micro_format(value, text, size);
    case IN_SECONDS:
        return stint_duration_format(value, text, size);
    case IN_MILLI:
        (void)snprintf(text, size, value % 1000 ? "%.3g" : "%.0f", (double)value / 1000);
        return text;
    case IN_COUNT:
        if (value >= 1 << 20) /* no machine has so many of a thing: these are bytes */
            return stint_size_format(value, text, size);
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
    const char *things;
    enum measure in;
} limit_things[] = { { "GpuLimit", "GPUs", IN_MILLI },
                     { "CoreLimit", "cores", IN_COUNT },
                     { "MemoryLimit", "of memory", IN_BYTES },
                     { "JobLimit", "running jobs", IN_COUNT } };

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

/* The scope's ceiling of running things is reached. */
static bool limit_sentence(struct stint_api *api, const struct stint_reason *reason,
                           struct stint_buffer *out)
{
    struct stint_account_view account = { 0 };
    char used[40];
    char limit[40];
    size_t scope;
    size_t thing;
    if (!limit_parse(reason->code, &scope, &thing))
        return false;
    if (reason->account != UINT32_MAX)
        stint_ledger_account(api->options.ledger, reason->account, &account);
    bool may_name = (scope == 1 || scope == 2) && account.name && *account.name;
    stint_buffer_printf(out, "the %s%s%s has %s of %s %s in use", scope_words[scope],
                        may_name ? " " : "", may_name ? account.name : "",
                        figure(reason->used, limit_things[thing].in, used, sizeof(used)),
                        figure(reason->limit, limit_things[thing].in, limit, sizeof(limit)),
                        limit_things[thing].things);
    return true;
}

static const char *reason_unit(enum stint_reason_code code)
{
    size_t scope;
    size_t thing;
    if (limit_parse(code, &scope, &thing))
        return measure_units[limit_things[thing].in];
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sentences); i++)
        if (sentences[i].code == code && sentences[i].has_figures)
            return measure_units[sentences[i].in];
    return NULL;
}

void reason_sentence(struct stint_api *api, const struct stint_reason *reason,
                     struct stint_buffer *out)
{
    char asked[40];
    char used[40];
    char limit[40];
    char until[40];
    if (reason->code == STINT_REASON_NONE)
        return;
    if (!limit_sentence(api, reason, out)) {
        for (size_t i = 0; i < STINT_ARRAY_SIZE(sentences); i++) {
            if (sentences[i].code != reason->code)
                continue;
            stint_buffer_add_text(out, sentences[i].text);
            if (sentences[i].has_figures && reason->limit > 0)
                stint_buffer_printf(out, " (asks %s; %s of %s taken)",
                                    figure(reason->asked, sentences[i].in, asked, sizeof(asked)),
                                    figure(reason->used, sentences[i].in, used, sizeof(used)),
                                    figure(reason->limit, sentences[i].in, limit, sizeof(limit)));
        }
    }
    if (reason->until_ms > 0) {
        stint_instant_format(reason->until_ms, until, sizeof(until));
        stint_buffer_printf(out, ", until %.10s %.5s UTC", until, until + 11);
    }
}

const char *reason_fix(enum stint_reason_code code)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sentences); i++)
        if (sentences[i].code == code)
            return sentences[i].fix;
    return stint_reason_class(code) == STINT_CLASS_LIMITED ? "wait for a running job's end" : "";
}

void reason_write(struct stint_api *api, struct stint_buffer *out,
                  const struct stint_reason *reason)
{
    struct stint_buffer text = { 0 };
    const char *fix = reason_fix(reason->code);
    reason_sentence(api, reason, &text);
    stint_json_object(out);
    stint_json_kv_text(out, "code", stint_reason_name(reason->code));
    stint_json_kv_text(out, "class", stint_reason_class_name(stint_reason_class(reason->code)));
    stint_json_kv_text(out, "text", stint_buffer_text(&text));
    stint_json_key(out, "params");
    stint_json_object(out);
    if (reason->asked)
        stint_json_kv_int(out, "asked", reason->asked);
    if (reason->limit) {
        stint_json_kv_int(out, "used", reason->used);
        stint_json_kv_int(out, "limit", reason->limit);
    }
    if ((reason->asked || reason->limit) && reason_unit(reason->code))
        stint_json_kv_text(out, "unit", reason_unit(reason->code));
    if (reason->until_ms)
        stint_json_kv_time(out, "until", reason->until_ms);
    stint_json_object_end(out);
    stint_json_kv_text(out, "fix", *fix ? fix : NULL);
    stint_json_object_end(out);
    stint_buffer_deinit(&text);
}
