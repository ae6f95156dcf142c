/* Owns: one true sentence for each reason (users.md §2.3), with its figures, and what would help.
 * Tokens are for programs and never change; these sentences are for people and may. */
#include "views.h"

#include <inttypes.h>
#include <string.h>

#include "stint/ledger.h"
#include "stint/measure.h"

enum measure { IN_COUNT, IN_BYTES, IN_MICRO, IN_SECONDS };

/* @text: what stands in the way; @thing: what the figures count, NULL when there are none */
static const struct {
    enum stint_reason_code code;
    const char *text;
    const char *thing;
    enum measure in;
    const char *fix;
} sentences[] = {
#define ROW(token, text, thing, in, fix)                                                           \
    {                                                                                              \
        STINT_REASON_##token, text, thing, in, fix                                                 \
    }
    ROW(NoSuchResource, "no node here has what is asked for", NULL, IN_COUNT,
        "ask for a GPU type or resource that `stint nodes` shows"),
    ROW(ExceedsMachine, "it asks for more than any node has", "asked", IN_COUNT,
        "ask for less: `stint nodes` shows the largest node"),
    ROW(ExceedsMaxWalltime, "its walltime is longer than allowed", NULL, IN_SECONDS,
        "ask for a shorter time with --time"),
    ROW(ArtifactMissing, "an artefact it uses is not there", NULL, IN_COUNT,
        "register it with `stint artifact add`, or name its path"),
    ROW(ArtifactChanged, "the bytes of an artefact changed since it was judged", NULL, IN_COUNT,
        "register it again"),
    ROW(EvaluationFailed, "an artefact could not be judged", NULL, IN_COUNT,
        "see `stint check` for what failed"),
    ROW(PolicyForbids, "the policy of this site forbids it", NULL, IN_COUNT, "see /api/v1/policy"),
    ROW(ModelNotOpen, "a model it uses is not open", NULL, IN_COUNT,
        "see which criteria failed with `stint check`"),
    ROW(DataNotOpen, "a data set it uses is not open", NULL, IN_COUNT,
        "see which criteria failed with `stint check`"),
    ROW(CodeNotOpen, "code it uses is not open", NULL, IN_COUNT,
        "see which criteria failed with `stint check`"),
    ROW(LicenceUnknown, "the licence of an artefact is not known here", NULL, IN_COUNT,
        "see `stint check`"),
    ROW(EvidenceMissing, "evidence is missing for an artefact", NULL, IN_COUNT,
        "see `stint check`"),
    ROW(NotEvaluatedYet, "what it uses is still being judged", NULL, IN_COUNT, ""),
    ROW(ProjectSuspended, "the project is suspended", NULL, IN_COUNT, "ask the operator"),
    ROW(UserSuspended, "the user is suspended", NULL, IN_COUNT, "ask the operator"),
    ROW(HeldByAdmin, "an operator holds it", NULL, IN_COUNT, "ask the operator"),
    ROW(HeldByUser, "its owner holds it", NULL, IN_COUNT, "stint release"),
    ROW(DependencyFailed, "a job it waits for did not end as asked", NULL, IN_COUNT,
        "cancel it, and submit it again"),
    ROW(DependencyWaiting, "it waits for another job to end", NULL, IN_COUNT, ""),
    ROW(BeforeBeginTime, "its begin time has not come", NULL, IN_COUNT, ""),
    ROW(NoAward, "the project has no award here", NULL, IN_COUNT, "ask the operator for an award"),
    ROW(AwardExpired, "the award has ended", NULL, IN_COUNT, "ask for an extension"),
    ROW(AwardNotStarted, "the award has not begun", NULL, IN_COUNT, ""),
    ROW(BalanceExhausted, "the award is used up", "of the award", IN_MICRO,
        "ask for a supplement, or ask for less time"),
    ROW(BalanceHeld, "the rest of the award is held by running jobs", "of the award", IN_MICRO,
        "wait for a running job's end, or ask for less time"),
    ROW(PeriodLimit, "the hours of this period are used up", "hours", IN_MICRO, ""),
    ROW(ArrayLimit, "the array runs as many tasks as it may", "tasks", IN_COUNT, ""),
    ROW(EngineAway, "the launcher is away: nothing can start", NULL, IN_COUNT,
        "tell the operator: stint doctor"),
    ROW(NodeDown, "the nodes that could run it are down", NULL, IN_COUNT, ""),
    ROW(NodeDraining, "the nodes that could run it are being drained", NULL, IN_COUNT, ""),
    ROW(Preempting, "room is being made for it", NULL, IN_COUNT, ""),
    ROW(Fragmented, "enough is free, but not in one place", "asked", IN_COUNT,
        "--locality any lets it start scattered"),
    ROW(Reserved, "what is free is promised to a job before it", NULL, IN_COUNT,
        "a shorter --time may fit before that"),
    ROW(Capacity, "not enough is free", "asked", IN_COUNT, ""),
    ROW(Priority, "others are before it", NULL, IN_COUNT, ""),
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
    case IN_COUNT:
        break;
    }
    (void)snprintf(text, size, "%" PRId64, value);
    return text;
}

/* `<Scope><Thing>Limit`: the scope's ceiling of running things is reached. */
static bool limit_sentence(struct stint_api *api, const struct stint_reason *reason,
                           struct stint_buffer *out)
{
    static const char *const scopes[] = { "Site", "Institution", "Project", "User" };
    static const struct {
        const char *word;
        const char *things;
        enum measure in;
    } things[] = { { "Gpu", "GPUs", IN_COUNT },
                   { "Core", "cores", IN_COUNT },
                   { "Memory", "of memory", IN_BYTES },
                   { "Job", "running jobs", IN_COUNT } };
    const char *name = stint_reason_name(reason->code);
    struct stint_account_view account = { 0 };
    char used[40];
    char limit[40];
    size_t scope = 0;
    while (scope < 4 && strncmp(name, scopes[scope], strlen(scopes[scope])) != 0)
        scope++;
    if (scope == 4)
        return false;
    name += strlen(scopes[scope]);
    size_t thing = 0;
    while (thing < 4 && strncmp(name, things[thing].word, strlen(things[thing].word)) != 0)
        thing++;
    if (thing == 4)
        return false;
    if (reason->account != UINT32_MAX)
        stint_ledger_account(api->options.ledger, reason->account, &account);
    bool may_name = scope < 3 && account.name && *account.name;
    stint_buffer_printf(out, "the %s%s%s has %s of %s %s in use",
                        scope == 0   ? "site"
                        : scope == 1 ? "institution"
                        : scope == 2 ? "project"
                                     : "user",
                        may_name ? " " : "", may_name ? account.name : "",
                        figure(reason->used, things[thing].in, used, sizeof(used)),
                        figure(reason->limit, things[thing].in, limit, sizeof(limit)),
                        things[thing].things);
    return true;
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
            if (sentences[i].thing && reason->limit > 0)
                stint_buffer_printf(out, " (asks %s; %s of %s taken)",
                                    figure(reason->asked, sentences[i].in, asked, sizeof(asked)),
                                    figure(reason->used, sentences[i].in, used, sizeof(used)),
                                    figure(reason->limit, sentences[i].in, limit, sizeof(limit)));
        }
    }
    if (reason->until_ms > 0)
        stint_buffer_printf(out, ", until %s",
                            stint_instant_format(reason->until_ms, until, sizeof(until)));
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
    if (reason->until_ms)
        stint_json_kv_time(out, "until", reason->until_ms);
    stint_json_object_end(out);
    stint_json_kv_text(out, "fix", *fix ? fix : NULL);
    stint_json_object_end(out);
    stint_buffer_deinit(&text);
}
