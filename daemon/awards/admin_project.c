/* Administrators' verbs on institutions and projects. */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "stint/buffer.h"

static int refuse_taken(const char *what, const char *name, struct stint_error *err)
{
    return stint_fail(err, STINT_CONFLICT, "there is %s %s already", what, name);
}

static int refuse_unknown(const char *what, const char *name, struct stint_error *err)
{
    return stint_fail(err, STINT_NOT_FOUND, "there is no %s %.64s", what, name ? name : "");
}

/* ---- institutions */

static int institution_check(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *title, struct stint_error *err)
{
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = name_check("an institution", name, err);
    if (r == 0)
        r = text_check("the title", title, STINT_LEDGER_TITLE_MAX, err);
    if (r != 0)
        return r;
    if (institution_by_name(ledger, name))
        return refuse_taken("an institution", name, err);
    if (HASH_CNT(by_id, ledger->institutions) >= LEDGER_INSTITUTIONS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "there are %d institutions already",
                          LEDGER_INSTITUTIONS_MAX);
    return 0;
}

static int institution_publish(struct stint_ledger *ledger, const struct stint_act *act,
                               const struct stint_institution_row *row, struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "institution", row->name);
    stint_json_kv_text(&subject, "title", row->title);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, "institution.change", "institution.add",
                       stint_buffer_text(&subject), NULL, err);
}

int stint_ledger_institution_add(struct stint_ledger *ledger, const struct stint_act *act,
                                 const char *name, const char *title, int64_t *ret_id,
                                 struct stint_error *err)
{
    int r = institution_check(ledger, act, name, title, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    struct act_mark mark = act_mark(ledger);
    struct stint_institution_row row = {
        .id = stint_store_next_id(ledger->options.store, STINT_ID_INSTITUTION),
        .name = name,
        .title = title ? title : "",
        .state = "active",
        .created_ms = ledger_now_ms(ledger),
    };
    struct ledger_institution *institution = institution_add(ledger, &row);
    if (!institution)
        return stint_fail(err, -ENOMEM, "no memory");
    r = stint_store_put_institution(ledger->options.store, &row, err);
    if (r == 0)
        r = institution_publish(ledger, act, &row, err);
    if (r != 0)
        institution_drop(ledger, institution);
    else
        *ret_id = row.id;
    return act_end(ledger, mark, r);
}

/* ---- projects */

static void project_fill(const struct ledger_project *project, struct stint_project_row *row)
{
    *row = (struct stint_project_row){
        .id = project->id,
        .name = project->name,
        .institution = project->institution->id,
        .state = project->is_suspended ? "suspended" : "active",
        .pi = project->pi,
        .title = project->title,
        .created_ms = project->created_ms,
        .suspended_ms = project->account->suspension.ms,
        .suspended_by = project->account->suspension.by,
        .suspended_why = project->account->suspension.why,
    };
}

static int project_publish(struct stint_ledger *ledger, const struct stint_act *act,
                           const char *verb, const struct stint_project_row *row,
                           struct stint_error *err)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer subject = { 0 };
    const struct ledger_institution *institution = institution_find(ledger, row->institution);
    stint_json_object(&subject);
    stint_json_kv_text(&subject, "project", row->name);
    stint_json_kv_text(&subject, "institution", institution->name);
    stint_json_kv_text(&subject, "pi", row->pi);
    stint_json_kv_text(&subject, "title", row->title);
    stint_json_kv_text(&subject, "state", row->state);
    stint_json_object_end(&subject);
    return act_publish(ledger, act, "project.change", verb, stint_buffer_text(&subject), NULL, err);
}

static int project_texts_check(const char *pi, const char *title, struct stint_error *err)
{
    int r = text_check("the PI's name", pi, STINT_LEDGER_TITLE_MAX, err);
    return r != 0 ? r : text_check("the title", title, STINT_LEDGER_TITLE_MAX, err);
}

static int project_add_check(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *institution, const char *pi,
                             const char *title, struct stint_error *err)
{
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = name_check("a project", name, err);
    if (r == 0)
        r = project_texts_check(pi, title, err);
    if (r != 0)
        return r;
    if (!institution || !institution_by_name(ledger, institution)) {
        (void)refuse_unknown("institution", institution, err);
        return stint_fix(err, STINT_NOT_FOUND, "see `stint admin institution list`");
    }
    if (project_by_name(ledger, name))
        return refuse_taken("a project", name, err);
    if (HASH_CNT(by_id, ledger->projects) >= LEDGER_PROJECTS_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "there are %d projects already",
                          LEDGER_PROJECTS_MAX);
    return 0;
}

int stint_ledger_project_add(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *institution, const char *pi,
                             const char *title, int64_t *ret_id, struct stint_error *err)
{
    int r = project_add_check(ledger, act, name, institution, pi, title, err);
    if (r != 0 || act->is_rehearsal)
        return r;
    struct act_mark mark = act_mark(ledger);
    struct stint_project_row row = {
        .id = stint_store_next_id(ledger->options.store, STINT_ID_PROJECT),
        .name = name,
        .institution = institution_by_name(ledger, institution)->id,
        .state = "active",
        .pi = pi ? pi : "",
        .title = title ? title : "",
        .created_ms = ledger_now_ms(ledger),
    };
    struct ledger_project *project = project_add(ledger, &row);
    if (!project)
        return stint_fail(err, -ENOMEM, "no memory");
    r = stint_store_put_project(ledger->options.store, &row, err);
    if (r == 0)
        r = project_publish(ledger, act, "project.add", &row, err);
    if (r != 0)
        project_drop(ledger, project);
    else
        *ret_id = row.id;
    return act_end(ledger, mark, r);
}

static int project_change(struct stint_ledger *ledger, const struct stint_act *act,
                          const char *verb, const struct stint_project_row *row,
                          struct stint_error *err)
{
    struct act_mark mark = act_mark(ledger);
    int r = stint_store_put_project(ledger->options.store, row, err);
    if (r == 0)
        r = project_publish(ledger, act, verb, row, err);
    return act_end(ledger, mark, r);
}

int stint_ledger_project_suspend(struct stint_ledger *ledger, const struct stint_act *act,
                                 const char *name, bool is_suspended, struct stint_error *err)
{
    struct stint_project_row row;
    int r = act_begin(ledger, act, err);
    if (r != 0)
        return r;
    struct ledger_project *project = name ? project_by_name(ledger, name) : NULL;
    if (!project)
        return refuse_unknown("project", name, err);
    if (project->is_suspended == is_suspended)
        return stint_fail(err, STINT_WRONG_STATE, "project %s is %s already", name,
                          is_suspended ? "suspended" : "active");
    if (act->is_rehearsal)
        return 0;
    project_fill(project, &row);
    row.state = is_suspended ? "suspended" : "active";
    row.suspended_ms = is_suspended ? ledger_now_ms(ledger) : 0;
    row.suspended_by = is_suspended ? act->caller->name : NULL;
    row.suspended_why = is_suspended ? act->reason : NULL;
    r = project_change(ledger, act, is_suspended ? "project.suspend" : "project.resume", &row, err);
    if (r == 0) {
        project->is_suspended = is_suspended;
        (void)suspension_take(project->account, row.suspended_ms, row.suspended_by,
                              row.suspended_why);
    }
    return r;
}

/* Both or neither: a change that is durable and not in memory would be a lie until the restart. */
static int project_take_texts(struct ledger_project *project, const char *pi, const char *title)
{
    char *new_pi = strdup(pi);
    char *new_title = strdup(title);
    if (!new_pi || !new_title) {
        free(new_pi);
        free(new_title);
        return -ENOMEM;
    }
    free(project->pi);
    free(project->title);
    project->pi = new_pi;
    project->title = new_title;
    return 0;
}

int stint_ledger_project_set(struct stint_ledger *ledger, const struct stint_act *act,
                             const char *name, const char *pi, const char *title,
                             struct stint_error *err)
{
    struct stint_project_row row;
    int r = act_begin(ledger, act, err);
    if (r == 0)
        r = project_texts_check(pi, title, err);
    if (r != 0)
        return r;
    struct ledger_project *project = name ? project_by_name(ledger, name) : NULL;
    if (!project)
        return refuse_unknown("project", name, err);
    if (act->is_rehearsal)
        return 0;
    project_fill(project, &row);
    row.pi = pi ? pi : row.pi;
    row.title = title ? title : row.title;
    r = project_change(ledger, act, "project.set", &row, err);
    return r == 0 ? project_take_texts(project, row.pi, row.title) : r;
}
