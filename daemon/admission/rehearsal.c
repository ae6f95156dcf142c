/* What `stint submit --test` answers: verdicts, cost, who would pay, what would be left, and what
 * it would wait for now. */
#include <string.h>

#include "state.h"
#include "stint/machine.h"
#include "stint/resource.h"

#define REHEARSAL_AT_ONCE_MS 1000

struct balance {
    int64_t award;
    int64_t free_micro;
    const char *unit;
};

static bool balance_on_award(void *context, const struct stint_award_view *view)
{
    struct balance *balance = context;
    if (view->id != balance->award)
        return true;
    balance->free_micro = view->awarded_micro - view->used_micro - view->held_micro;
    balance->unit = view->unit;
    return false;
}

static void write_verdicts(const struct stint_request *request, const struct use_state *uses,
                           struct stint_buffer *json)
{
    stint_json_key(json, "verdicts");
    stint_json_array(json);
    for (size_t i = 0; i < request->use_count; i++) {
        stint_json_object(json);
        stint_json_kv_text(json, "use", request->uses[i].reference);
        stint_json_kv_text(json, "kind", kind_word(request->uses[i].kind));
        stint_json_kv_text(json, "digest", uses[i].use.digest);
        stint_json_kv_text(json, "result", document_result_name(uses[i].result));
        if (uses[i].use.verdict_id)
            stint_json_kv_int(json, "verdict", uses[i].use.verdict_id);
        stint_json_object_end(json);
    }
    stint_json_array_end(json);
}

/* Nothing but the next pass is between it and its start: what the queue says until then is no
 * reason to wait. */
static bool starts_at_once(const struct stint_rehearsal *waits, int64_t now_ms)
{
    return stint_reason_class(waits->reason.code) == STINT_CLASS_WAITING && waits->p50_ms != 0 &&
           waits->p50_ms <= now_ms + REHEARSAL_AT_ONCE_MS;
}

static uint32_t resource_of(struct stint_admission *admission, const struct rehearsal *rehearsal)
{
    return stint_jobs_resource_of(admission->options.jobs, rehearsal->request);
}

/* What it would wait for now: what people or balances hold it for, else what the plan says. */
static int waits_of(struct stint_admission *admission, const struct rehearsal *rehearsal,
                    int64_t award, struct stint_rehearsal *ret_waits, struct stint_error *err)
{
    const struct stint_admission_options *options = &admission->options;
    int r = stint_jobs_rehearse(options->jobs, rehearsal->caller, rehearsal->request,
                                rehearsal->project, award, ret_waits, err);
    struct stint_reason blocked =
        stint_ledger_blocks(options->ledger, rehearsal->project, resource_of(admission, rehearsal),
                            rehearsal->caller->uid, award, rehearsal->cost_micro);
    bool is_known = ret_waits->no_estimate || ret_waits->reason.code == blocked.code;
    if (r == 0 && blocked.code != STINT_REASON_NONE && !is_known)
        *ret_waits = (struct stint_rehearsal){ .reason = blocked };
    else if (r == 0 && starts_at_once(ret_waits, options->now_wall_ms()))
        ret_waits->reason = (struct stint_reason){ 0 };
    return r;
}

static void write_options(const struct stint_rehearsal *waits, struct stint_buffer *json)
{
    stint_json_key(json, "starts_now_with");
    stint_json_array(json);
    for (size_t i = 0; i < waits->option_count; i++)
        stint_json_text(json, waits->options[i].text);
    stint_json_array_end(json);
}

static void write_waits(const struct stint_rehearsal *waits, struct stint_buffer *json)
{
    enum stint_reason_code code = waits->reason.code;
    stint_json_kv_text(json, "waits_for", code ? stint_reason_name(code) : NULL);
    if (code) {
        stint_json_kv_text(json, "waits_class", stint_reason_class_name(stint_reason_class(code)));
        stint_json_kv_time(json, "waits_until", waits->reason.until_ms);
    }
    if (waits->no_estimate)
        stint_json_kv_text(json, "no_estimate", waits->no_estimate);
    if (waits->p50_ms == 0)
        return;
    stint_json_key(json, "estimate");
    stint_json_object(json);
    stint_json_kv_time(json, "p50", waits->p50_ms);
    stint_json_kv_time(json, "p90", waits->p90_ms);
    if (waits->supposes)
        stint_json_kv_text(json, "supposes", waits->supposes);
    stint_json_object_end(json);
}

/* Of an array, of all tasks together; each is held for at its own start. */
static void write_cost(const struct rehearsal *rehearsal, int64_t free_micro,
                       struct stint_buffer *json)
{
    int64_t tasks = rehearsal->request->task_count;
    int64_t cost;
    if (__builtin_mul_overflow(rehearsal->cost_micro, tasks, &cost))
        cost = INT64_MAX;
    if (rehearsal->request->array) {
        stint_json_kv_int(json, "tasks", tasks);
        stint_json_kv_int(json, "task_cost_micro", rehearsal->cost_micro);
    }
    stint_json_kv_int(json, "cost_micro", cost);
    if (rehearsal->counted_as[0])
        stint_json_kv_text(json, "counted_as", rehearsal->counted_as);
    stint_json_kv_int(json, "balance_micro", free_micro);
    if (free_micro >= cost) /* else it waits; no balance is negative */
        stint_json_kv_int(json, "balance_after_micro", free_micro - cost);
}

int rehearsal_write(struct stint_admission *admission, const struct rehearsal *rehearsal,
                    const struct use_state *uses, struct stint_buffer *json,
                    struct stint_error *err)
{
    struct stint_ledger *ledger = admission->options.ledger;
    const struct stint_request *request = rehearsal->request;
    struct balance balance = { 0 };
    struct stint_rehearsal waits = { 0 };
    int64_t asked = request->award ? stint_ledger_award_id(ledger, request->award) : 0;
    (void)stint_ledger_award_for(ledger, rehearsal->project, resource_of(admission, rehearsal),
                                 asked, rehearsal->cost_micro, &balance.award);
    stint_ledger_each_award(ledger, balance_on_award, &balance);
    int r = waits_of(admission, rehearsal, asked, &waits, err);
    if (r != 0)
        return r;
    stint_json_object(json);
    stint_json_kv_text(json, "result", "admitted");
    write_verdicts(request, uses, json);
    const struct stint_resource *resource =
        stint_jobs_resource(admission->options.jobs, resource_of(admission, rehearsal));
    stint_json_kv_text(json, "resource", resource ? resource->name : NULL);
    if (resource && request->gpu_count > 0 && stint_machine_is_simulated(resource->machine))
        stint_json_kv_bool(json, "simulated", true);
    stint_json_kv_text(json, "project", stint_ledger_project_name(ledger, rehearsal->project));
    stint_json_kv_text(json, "award", stint_ledger_award_name(ledger, balance.award));
    stint_json_kv_text(json, "unit", balance.unit);
    write_cost(rehearsal, balance.free_micro, json);
    write_waits(&waits, json);
    if (waits.reason.code != STINT_REASON_NONE)
        write_options(&waits, json);
    stint_json_object_end(json);
    return 0;
}
