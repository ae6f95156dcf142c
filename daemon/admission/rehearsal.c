/* What `stint submit --test` answers: verdicts, cost, who would pay, and what would be left. */
#include <string.h>

#include "state.h"

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

void rehearsal_write(struct stint_admission *admission, const struct stint_request *request,
                     int64_t project, int64_t cost_micro, const struct use_state *uses,
                     struct stint_buffer *json)
{
    struct stint_ledger *ledger = admission->options.ledger;
    struct balance balance = { 0 };
    int64_t asked = request->award ? stint_ledger_award_id(ledger, request->award) : 0;
    struct stint_reason reason =
        stint_ledger_award_for(ledger, project, asked, cost_micro, &balance.award);
    stint_ledger_each_award(ledger, balance_on_award, &balance);
    stint_json_object(json);
    stint_json_kv_text(json, "result", "admitted");
    write_verdicts(request, uses, json);
    stint_json_kv_text(json, "project", stint_ledger_project_name(ledger, project));
    stint_json_kv_text(json, "award", stint_ledger_award_name(ledger, balance.award));
    stint_json_kv_text(json, "unit", balance.unit);
    stint_json_kv_int(json, "cost_micro", cost_micro);
    stint_json_kv_int(json, "balance_after_micro", balance.free_micro - cost_micro);
    stint_json_kv_text(json, "waits_for", reason.code ? stint_reason_name(reason.code) : NULL);
    stint_json_object_end(json);
}
