/* Owns: what of a submission can be refused without a look at files: who asks, whether the machine
 * could ever run it, and whether it can be paid. */
#include <string.h>

#include "stint/resource.h"
#include "submission.h"

void submission_size(const struct submission *submission, struct stint_charge_size *ret_size)
{
    const struct stint_admission *admission = submission->admission;
    const struct stint_request *request = &submission->request;
    int64_t nodes = request->nodes > 0 ? request->nodes : 1;
    int64_t milli = request->gpu_milli > 0 ? request->gpu_milli : 1000;
    *ret_size = (struct stint_charge_size){
        .gpu_milli = request->gpu_count * milli * nodes,
        .cores = request->cpus * nodes,
        .memory_bytes = stint_jobs_memory_of(admission->options.jobs, request) * nodes,
        .is_preemptible = request->preemptible != STINT_PREEMPTIBLE_NO,
        .resource = stint_jobs_resource_of(admission->options.jobs, request),
    };
}

int submission_can_pay(struct submission *submission, enum stint_reason_code *ret_code,
                       struct stint_error *err)
{
    const struct stint_admission_options *options = &submission->admission->options;
    const struct stint_request *request = &submission->request;
    struct stint_charge_size size;
    submission_size(submission, &size);
    const struct stint_resource *resource = stint_jobs_resource(options->jobs, size.resource);
    int64_t default_s = resource ? resource->default_walltime_s : 0;
    int64_t walltime_s = request->walltime_s ? request->walltime_s
                         : default_s         ? default_s
                                             : ADMISSION_DEFAULT_WALLTIME_S;
    submission->cost_micro = stint_ledger_charge(options->ledger, &size, walltime_s * 1000);
    int r = stint_ledger_can_pay(options->ledger, submission->project, size.resource,
                                 submission->caller.uid, request->award, submission->cost_micro,
                                 walltime_s, request->task_count, ret_code, err);
    if (r == 0)
        r = stint_ledger_fits_ceilings(options->ledger, submission->project, submission->caller.uid,
                                       &size, walltime_s, ret_code, err);
    return r;
}

/* His only project has nothing to pay with, and another would take him. */
static void advise_default(const struct submission *submission, struct stint_error *err)
{
    struct stint_ledger *ledger = submission->admission->options.ledger;
    const char *project = stint_ledger_project_name(ledger, submission->project);
    if (submission->request.project || !project || strcmp(project, "default") == 0 ||
        !stint_ledger_is_member(ledger, submission->caller.uid, "default"))
        return;
    (void)stint_fix(err, err->code,
                    "--project default, which is open to all here; or ask an "
                    "operator for an award of %.60s",
                    project);
}

/* A job that is dear by its memory or its cores, and not by the GPUs that it names. */
static void say_counted(const struct submission *submission, struct stint_error *err)
{
    struct stint_charge_size size;
    char as[64];
    size_t length = strlen(err->text);
    submission_size(submission, &size);
    (void)stint_ledger_counted_as(submission->admission->options.ledger, &size, as, sizeof(as));
    if (as[0])
        (void)snprintf(err->text + length, sizeof(err->text) - length, "; it counts as %s", as);
}

int submission_check(struct submission *submission, enum stint_reason_code *ret_code,
                     struct stint_error *err)
{
    struct stint_admission *admission = submission->admission;
    const struct stint_request *request = &submission->request;
    *ret_code = STINT_REASON_NONE;
    int r = submission->is_rehearsal ? 0 : stint_store_ready(admission->options.store, err);
    if (r == 0)
        r = stint_ledger_project_for(admission->options.ledger, &submission->caller,
                                     request->project, &submission->project, err);
    if (r == 0)
        r = runner_check(admission, &submission->caller, err);
    if (r == 0)
        r = stint_jobs_fits_ever(admission->options.jobs, request, ret_code, err);
    if (r == 0)
        r = submission_can_pay(submission, ret_code, err);
    if (r == STINT_NO_AWARD && *ret_code == STINT_REASON_NoAward)
        advise_default(submission, err);
    if (r == STINT_NO_AWARD && *ret_code == STINT_REASON_BalanceExhausted)
        say_counted(submission, err);
    if (r == 0 && request->award)
        submission->award = stint_ledger_award_id(admission->options.ledger, request->award);
    return r;
}
