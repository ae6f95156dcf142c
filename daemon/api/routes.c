/* Owns: the table of routes (INTERFACE §5) and finding one. OpenAPI is written from the same rows,
 * so it cannot forget one. */
#include "api_private.h"

#include <string.h>

#define V1    "/api/v1"
#define SMALL API_BODY_SMALL
#define ADMIN ROUTE_IDEMPOTENT

/* clang-format off */
const struct route api_routes[] = {
    { "GET", "/", ACCESS_PUBLIC, 0, 0, NULL, handle_page, "The public page" },
    { "GET", "/style.css", ACCESS_PUBLIC, 0, ROUTE_STATIC | ROUTE_ETAG, NULL, handle_style, "Style of the public page" },
    { "GET", "/live.js", ACCESS_PUBLIC, 0, ROUTE_STATIC | ROUTE_ETAG, NULL, handle_script, "Live refresh of the public page" },
    { "GET", "/problems", ACCESS_PUBLIC, 0, ROUTE_STATIC | ROUTE_ETAG, NULL, handle_problems, "What each code of a problem means" },
    { "GET", "/healthz", ACCESS_PUBLIC, 0, ROUTE_STATIC, NULL, handle_health, "Liveness" },
    { "GET", "/metrics", ACCESS_PUBLIC, 0, ROUTE_STATIC, NULL, handle_metrics, "OpenMetrics" },
    { "GET", V1 "/openapi.json", ACCESS_PUBLIC, 0, ROUTE_STATIC | ROUTE_ETAG, NULL, handle_openapi, "This description" },
    { "GET", V1 "/status", ACCESS_PUBLIC, 0, 0, NULL, handle_status, "Health of the installation" },

    { "GET", V1 "/allocations", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_allocations, "Who holds what now" },
    { "GET", V1 "/nodes", ACCESS_PUBLIC, 0, ROUTE_ETAG, "resource", handle_nodes, "Machines" },
    { "GET", V1 "/nodes/{name}", ACCESS_PUBLIC, 0, ROUTE_ETAG, "resource", handle_nodes, "One machine" },
    { "GET", V1 "/reservations", ACCESS_PUBLIC, 0, 0, NULL, handle_reservations, "What is reserved, for whom, and when" },
    { "GET", V1 "/reservations/{name}", ACCESS_PUBLIC, 0, 0, NULL, handle_reservations, "One reservation" },
    { "GET", V1 "/queue", ACCESS_PUBLIC, 0, 0, "mine project resource state", handle_queue, "Every job that is not done" },

    { "GET", V1 "/awards", ACCESS_PUBLIC, 0, ROUTE_ETAG, "project", handle_awards_list, "Awards with awarded, held, used" },
    { "GET", V1 "/awards/{id}", ACCESS_PUBLIC, 0, ROUTE_ETAG, "after limit", handle_award_get, "One award, by name or id, and its postings, newest first" },
    { "GET", V1 "/projects", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_projects_list, "Projects" },
    { "GET", V1 "/projects/{id}", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_project_get, "One project, by name or id" },
    { "GET", V1 "/projects/{id}/usage", ACCESS_PUBLIC, 0, 0, "since until", handle_project_usage, "What a project used" },
    { "GET", V1 "/institutions", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_institutions_list, "Institutions" },
    { "GET", V1 "/quotas", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_quotas_list, "Ceilings; a user's own only with login" },
    { "GET", V1 "/shares", ACCESS_PUBLIC, 0, 0, "resource", handle_shares_list, "Weights in the tree of shares; a user's own only with login" },
    { "GET", V1 "/reports/equity", ACCESS_PUBLIC, 0, 0, "resource", handle_equity, "What institutions and projects were awarded, used, and share" },
    { "GET", V1 "/users", ACCESS_OPERATOR, 0, 0, NULL, handle_users_list, "Users" },
    { "GET", V1 "/balance", ACCESS_USER, 0, 0, NULL, handle_balance, "What the caller may use" },

    { "GET", V1 "/artifacts", ACCESS_PUBLIC, 0, ROUTE_ETAG, "kind", handle_artifacts_list, "Registered artefacts" },
    { "GET", V1 "/artifacts/{ref...}", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_artifact_get, "One artefact with its verdict" },
    { "POST", V1 "/artifacts", ACCESS_USER, SMALL, ROUTE_WAITS | ROUTE_IDEMPOTENT, NULL, handle_artifact_post, "Judge a folder and register it" },
    { "DELETE", V1 "/artifacts/{ref...}", ACCESS_USER, SMALL, 0, "reason", handle_artifact_delete, "Remove an artefact" },
    { "POST", V1 "/artifacts/{ref...}/attestations", ACCESS_USER, SMALL, ROUTE_WAITS | ROUTE_IDEMPOTENT, NULL, handle_attestation_post, "Attest a fact of an artefact" },
    { "GET", V1 "/attestations/{id}", ACCESS_PUBLIC, 0, 0, NULL, handle_attestation_get, "One statement of a reviewer" },
    { "DELETE", V1 "/attestations/{id}", ACCESS_USER, SMALL, ROUTE_WAITS, "reason", handle_attestation_delete, "Take a statement back" },
    { "POST", V1 "/check", ACCESS_USER, SMALL, ROUTE_WAITS, NULL, handle_check, "Judge a folder" },
    { "GET", V1 "/verdicts/{id}", ACCESS_PUBLIC, 0, ROUTE_ETAG | ROUTE_STATIC, NULL, handle_verdict_get, "One verdict" },
    { "GET", V1 "/decisions", ACCESS_PUBLIC, 0, ROUTE_STATIC, "after limit", handle_decisions_list, "What admission refused" },
    { "GET", V1 "/decisions/{id}", ACCESS_PUBLIC, 0, ROUTE_ETAG | ROUTE_STATIC, NULL, handle_decision_get, "One decision" },
    { "GET", V1 "/rules", ACCESS_PUBLIC, 0, ROUTE_ETAG | ROUTE_STATIC, NULL, handle_rules, "Rule sets in force" },
    { "GET", V1 "/policy", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_policy, "Policy in force" },
    { "GET", V1 "/policy/history", ACCESS_PUBLIC, 0, 0, "after limit", handle_policy_history, "Entries of the public log that set it, newest first" },

    { "POST", V1 "/jobs", ACCESS_USER, API_BODY_MAX, ROUTE_IDEMPOTENT | ROUTE_BULK | ROUTE_WAITS, "dry_run", handle_jobs_post, "Submit one job, or a list of them" },
    { "GET", V1 "/jobs", ACCESS_USER, 0, 0, "after limit state outcome project user name since until mine live", handle_jobs_list, "History, newest first" },
    { "GET", V1 "/jobs/{id}", ACCESS_USER, 0, ROUTE_ETAG, "wait_s", handle_job_get, "One job" },
    { "PATCH", V1 "/jobs/{id}", ACCESS_USER, SMALL, 0, NULL, handle_job_patch, "Change a job's priority" },
    { "DELETE", V1 "/jobs/{id}", ACCESS_USER, SMALL, 0, "reason", handle_job_cancel, "Cancel a job" },
    { "POST", V1 "/jobs/{id}/hold", ACCESS_USER, SMALL, 0, NULL, handle_job_hold, "Hold a waiting job" },
    { "POST", V1 "/jobs/{id}/release", ACCESS_USER, SMALL, 0, NULL, handle_job_release, "Let a held job go" },
    { "POST", V1 "/jobs/{id}/requeue", ACCESS_USER, SMALL, 0, NULL, handle_job_requeue, "Stop a running job and queue it again" },
    { "POST", V1 "/jobs/{id}/suspend", ACCESS_USER, SMALL, 0, NULL, handle_job_suspend, "Stop a running job for a while" },
    { "POST", V1 "/jobs/{id}/resume", ACCESS_USER, SMALL, 0, NULL, handle_job_resume, "Let a suspended job go on" },
    { "POST", V1 "/jobs/{id}/signal", ACCESS_USER, SMALL, 0, NULL, handle_job_signal, "Send a running job a signal" },
    { "GET", V1 "/jobs/{id}/why", ACCESS_USER, 0, 0, NULL, handle_job_why, "Why a job does not run" },
    { "GET", V1 "/jobs/{id}/output", ACCESS_USER, 0, 0, "stream follow offset", handle_job_output, "Output of a job" },
    { "GET", V1 "/reports/estimates", ACCESS_PUBLIC, 0, ROUTE_ETAG, NULL, handle_report_estimates, "How good first estimates of starts were, 30 days and by week" },
    { "GET", V1 "/backup", ACCESS_OPERATOR, 0, 0, NULL, handle_backup, "A copy of the store, an SQLite database" },
    { "GET", V1 "/transcript", ACCESS_OPERATOR, 0, 0, "after since until", handle_transcript, "What the scheduler was told and decided, for a replay" },
    { "GET", V1 "/events", ACCESS_PUBLIC, 0, 0, "job after", handle_events, "Server-sent events" },

    { "POST", V1 "/institutions", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_institution_post, "Add an institution" },
    { "POST", V1 "/projects", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_project_post, "Add a project" },
    { "PATCH", V1 "/projects/{id}", ACCESS_OPERATOR, SMALL, 0, NULL, handle_project_patch, "Change, suspend or resume a project" },
    { "POST", V1 "/users", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_user_post, "Add a user, or a membership" },
    { "PATCH", V1 "/users/{name}", ACCESS_OPERATOR, SMALL, 0, NULL, handle_user_patch, "Suspend or resume a user" },
    { "DELETE", V1 "/users/{name}", ACCESS_OPERATOR, SMALL, 0, "project reason dry_run", handle_user_delete, "Remove a membership" },
    { "POST", V1 "/awards", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_award_post, "Grant an award" },
    { "POST", V1 "/awards/{name}/extend", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_award_extend, "Move an award's end" },
    { "POST", V1 "/awards/{name}/supplement", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_award_supplement, "Add to an award" },
    { "POST", V1 "/awards/{name}/reduce", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_award_reduce, "Take from an award" },
    { "POST", V1 "/awards/{name}/revoke", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_award_revoke, "End an award for new starts" },
    { "POST", V1 "/awards/{name}/transfer", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_award_transfer, "Move an amount to another award" },
    { "PATCH", V1 "/nodes/{name}", ACCESS_OPERATOR, SMALL, 0, NULL, handle_node_patch, "Drain or resume a node" },
    { "POST", V1 "/reload", ACCESS_OPERATOR, SMALL, 0, "dry_run", handle_reload, "Read the configuration again" },
    { "POST", V1 "/reservations", ACCESS_OPERATOR, SMALL, ADMIN, "dry_run", handle_reservation_post, "Reserve a part of the machine" },
    { "DELETE", V1 "/reservations/{name}", ACCESS_OPERATOR, SMALL, 0, "reason dry_run", handle_reservation_delete, "End a reservation" },
    { "POST", V1 "/quotas", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_quota_post, "Set or remove ceilings" },
    { "POST", V1 "/shares", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_share_post, "Set a weight in the tree of shares" },

    { "GET", V1 "/waivers", ACCESS_PUBLIC, 0, 0, NULL, handle_waivers_list, "What operators let in although it is unknown" },
    { "POST", V1 "/waivers", ACCESS_OPERATOR, SMALL, ADMIN, NULL, handle_waiver_post, "Let in an artefact while its verdict is unknown" },
    { "DELETE", V1 "/waivers/{id}", ACCESS_OPERATOR, SMALL, 0, "reason dry_run", handle_waiver_delete, "Revoke a waiver" },
    { "GET", V1 "/reviews", ACCESS_OPERATOR, 0, 0, NULL, handle_reviews_list, "Jobs that wait for an operator's decision, by artefact" },
    { "POST", V1 "/reviews/{id}", ACCESS_OPERATOR, SMALL, 0, NULL, handle_review_post, "Admit or refuse a job that waits for a decision" },
    { "GET", V1 "/tokens", ACCESS_OPERATOR, 0, 0, NULL, handle_tokens_list, "Bearer tokens, without what is secret" },
    { "POST", V1 "/tokens", ACCESS_OPERATOR, SMALL, 0, "dry_run", handle_token_post, "Make a bearer token; the answer alone shows it" },
    { "DELETE", V1 "/tokens/{id}", ACCESS_OPERATOR, SMALL, 0, "reason dry_run", handle_token_delete, "Revoke a bearer token" },

    { "GET", V1 "/log/checkpoint", ACCESS_PUBLIC, 0, ROUTE_ETAG | ROUTE_STATIC, NULL, handle_log_checkpoint, "Signed head of the public log" },
    { "GET", V1 "/log/key", ACCESS_PUBLIC, 0, ROUTE_ETAG | ROUTE_STATIC, NULL, handle_log_key, "Public key of the log" },
    { "GET", V1 "/log/entry/{n}", ACCESS_PUBLIC, 0, ROUTE_STATIC, NULL, handle_log_entry, "One entry, its stored bytes" },
    { "GET", V1 "/log/entries", ACCESS_PUBLIC, 0, ROUTE_STATIC, "after limit", handle_log_entries, "Entries with their leaf hashes" },
    { "GET", V1 "/log/proof/{n}", ACCESS_PUBLIC, 0, ROUTE_STATIC, NULL, handle_log_proof, "Offline proof of one entry" },
};
/* clang-format on */
const size_t api_route_count = STINT_ARRAY_SIZE(api_routes);

const char *route_place(const struct route *route)
{
    size_t length = sizeof(V1 "/") - 1;
    return strncmp(route->pattern, V1 "/", length) == 0 ? route->pattern + length : "";
}

/* Does @path fit @pattern? Fills @params on the way. */
static bool route_fits(const char *pattern, const char *path, struct route_params *params)
{
    params->count = 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (*pattern++ != *path++)
                return false;
            continue;
        }
        size_t name = strcspn(pattern + 1, ".}");
        bool takes_rest = pattern[1 + name] == '.';
        const char *behind = pattern + strcspn(pattern, "}") + 1;
        size_t value = strcspn(path, "/");
        if (takes_rest) { /* all but what the pattern still asks for, in plain letters */
            size_t left = strlen(path);
            value = left > strlen(behind) ? left - strlen(behind) : 0;
        }
        if (value == 0 || params->count == API_PARAM_MAX)
            return false;
        params->name[params->count] = pattern + 1;
        params->name_length[params->count] = name;
        params->value[params->count] = path;
        params->value_length[params->count++] = value;
        path += value;
        pattern = behind;
    }
    return *path == '\0';
}

const struct route *route_find(const char *method, const char *path,
                               struct route_params *ret_params, bool *ret_is_known)
{
    *ret_is_known = false;
    for (size_t i = 0; i < api_route_count; i++) {
        if (!route_fits(api_routes[i].pattern, path, ret_params))
            continue;
        *ret_is_known = true;
        if (strcmp(api_routes[i].method, method) == 0)
            return &api_routes[i];
    }
    return NULL;
}
