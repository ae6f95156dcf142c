/* Owns: nodes, who holds what on them, and the queue: the public views of the machine. */
#include "views.h"

#include <stdlib.h>
#include <string.h>

#include "stint/allocation.h"
#include "stint/calendar.h"
#include "stint/machine.h"

/* ---- nodes (INTERFACE §3) ---- */

static void write_gpu(struct stint_buffer *out, const struct stint_shape *shape, uint32_t slot)
{
    const struct stint_gpu *gpu = &shape->gpus[slot];
    stint_json_object(out);
    stint_json_kv_int(out, "slot", stint_gpu_number(shape, slot));
    stint_json_kv_text(out, "type", gpu->type);
    stint_json_kv_int(out, "numa_node", stint_numa_number(shape, gpu->numa));
    stint_json_kv_text(out, "pci", gpu->pci[0] ? gpu->pci : NULL);
    if (gpu->partition_of >= 0)
        stint_json_kv_int(out, "partition_of",
                          stint_gpu_number(shape, (uint32_t)gpu->partition_of));
    else
        stint_json_kv_null(out, "partition_of");
    if (gpu->memory_bytes)
        stint_json_kv_int(out, "memory_bytes", gpu->memory_bytes);
    if (gpu->is_simulated)
        stint_json_kv_bool(out, "simulated", true);
    stint_json_object_end(out);
}

/* Of a part: which of the machine's cores these are. */
static void write_core_numbers(struct stint_buffer *out, const struct stint_shape *shape)
{
    struct stint_buffer text = { 0 };
    uint64_t *all = calloc(STINT_BIT_WORDS(shape->core_count) + 1, sizeof(*all));
    for (uint32_t i = 0; all && i < shape->core_count; i++)
        all[i / 64] |= UINT64_C(1) << (i % 64);
    if (all)
        stint_cores_format(shape, all, &text);
    stint_json_kv_text(out, "core_numbers", stint_buffer_text(&text));
    stint_buffer_deinit(&text);
    free(all);
}

static void write_node(struct exchange *ex, uint32_t resource, uint32_t index)
{
    struct stint_buffer *out = &ex->out;
    const struct stint_resource *on = &ex->api->options.resources->list[resource];
    const struct stint_node *node = &on->machine->nodes[index];
    const struct stint_shape *shape = node->shape;
    struct stint_node_view view;
    stint_json_object(out);
    stint_json_kv_text(out, "name", node->name);
    stint_json_kv_text(out, "resource", on->name);
    stint_json_kv_int(out, "packages", shape->packages);
    stint_json_kv_int(out, "numa_nodes", shape->numa_count);
    stint_json_kv_int(out, "cores", shape->core_count);
    if (shape->numbers)
        write_core_numbers(out, shape);
    stint_json_kv_int(out, "pus", shape->pu_count);
    stint_json_kv_int(out, "memory_bytes", shape->memory_bytes);
    stint_json_key(out, "gpus");
    stint_json_array(out);
    for (uint32_t slot = 0; slot < shape->gpu_count; slot++)
        write_gpu(out, shape, slot);
    stint_json_array_end(out);
    stint_json_key(out, "links");
    stint_json_array(out);
    for (uint32_t i = 0; i < shape->link_count; i++) {
        stint_json_object(out);
        stint_json_kv_int(out, "a", stint_gpu_number(shape, shape->links[i].a));
        stint_json_kv_int(out, "b", stint_gpu_number(shape, shape->links[i].b));
        stint_json_kv_text(out, "kind", stint_link_kind_name(shape->links[i].kind));
        stint_json_kv_int(out, "mb_per_s", shape->links[i].mb_per_s);
        stint_json_object_end(out);
    }
    stint_json_array_end(out);
    stint_calendar_node(ex->api->options.calendar, resource, index, &view);
    stint_json_kv_text(out, "state", stint_node_state_name(view.state));
    if (view.state != STINT_NODE_UP) {
        stint_json_kv_text(out, "reason", view.reason);
        stint_json_kv_time(out, "since", view.since_ms);
    }
    node_reserved_write(ex, resource, index);
    stint_json_object_end(out);
}

void handle_nodes(struct exchange *ex)
{
    const struct stint_resources *resources = ex->api->options.resources;
    struct stint_error err;
    const char *name = ex->params.count > 0 ? exchange_param(ex, "name") : NULL;
    const char *resource = exchange_query(ex, "resource");
    uint32_t only = STINT_RESOURCE_NONE;
    bool is_found = !name;
    if ((ex->params.count > 0 && !name) || (resource && !exchange_resource(ex, &only)))
        return;
    document_begin(&ex->out, "nodes");
    stint_json_key(&ex->out, "nodes");
    stint_json_array(&ex->out);
    for (uint32_t r = 0; r < resources->count; r++) {
        const struct stint_machine *machine = resources->list[r].machine;
        if (only != STINT_RESOURCE_NONE && only != r)
            continue;
        for (uint32_t i = 0; i < machine->node_count; i++) {
            if (name && strcmp(machine->nodes[i].name, name) != 0)
                continue;
            is_found = true;
            write_node(ex, r, i);
        }
    }
    if (!is_found) {
        stint_buffer_clear(&ex->out);
        (void)stint_fail(&err, STINT_NOT_FOUND, "there is no node '%.60s'", name);
        exchange_fail(ex, &err);
        return;
    }
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- allocations ---- */

static bool has_simulated(const struct stint_shape *shape, uint64_t gpus)
{
    for (uint32_t slot = 0; slot < shape->gpu_count; slot++)
        if (stint_bit_has(&gpus, slot) && shape->gpus[slot].is_simulated)
            return true;
    return false;
}

/* One row for what a job holds on one node. */
static void write_grant(struct exchange *ex, const struct stint_job_view *view,
                        const struct stint_resource *resource, const struct stint_grant *grant)
{
    struct stint_buffer *out = &ex->out;
    struct stint_buffer cores = { 0 };
    struct stint_buffer gpus = { 0 };
    const struct stint_node *node = &resource->machine->nodes[grant->node];
    stint_json_object(out);
    stint_json_kv_int(out, "job", (int64_t)view->id);
    stint_json_kv_int(out, "task", view->is_task ? view->task : 0);
    ref_write(out, view->id, view->is_task ? view->task : STINT_TASK_WHOLE);
    stint_json_kv_text(out, "project", view->project);
    stint_json_kv_text(out, "state", stint_job_state_name(view->state));
    stint_json_kv_text(out, "resource", resource->name);
    stint_json_kv_text(out, "node", node->name);
    stint_cores_format(node->shape, grant->cores, &cores);
    stint_gpus_format(node->shape, grant->gpus, &gpus);
    stint_json_kv_text(out, "cores", stint_buffer_text(&cores));
    stint_json_kv_text(out, "gpus", stint_buffer_text(&gpus));
    stint_buffer_deinit(&cores);
    stint_buffer_deinit(&gpus);
    if (grant->gpu_count > 0)
        stint_json_kv_int(out, "gpu_milli", grant->gpu_milli);
    if (has_simulated(node->shape, grant->gpus))
        stint_json_kv_bool(out, "simulated", true);
    stint_json_kv_int(out, "memory_bytes", grant->memory_bytes);
    stint_json_kv_text(out, "allocation", view->allocation);
    stint_json_kv_time(out, "since", view->start_ms);
    stint_json_kv_time(out, "ends_by", view->ends_by_ms);
    stint_json_object_end(out);
}

static bool allocation_on_view(void *context, const struct stint_job_view *view)
{
    struct exchange *ex = context;
    const struct stint_resources *resources = ex->api->options.resources;
    for (uint32_t r = 0; view->allocation && r < resources->count; r++) {
        const struct stint_allocation *held =
            stint_jobs_held_on(ex->api->options.jobs, view->id, view->task, r);
        for (uint32_t i = 0; held && i < held->grant_count; i++)
            write_grant(ex, view, &resources->list[r], &held->grants[i]);
    }
    return !ex->out.failed;
}

void handle_allocations(struct exchange *ex)
{
    document_begin(&ex->out, "allocations");
    stint_json_key(&ex->out, "allocations");
    stint_json_array(&ex->out);
    stint_jobs_each(ex->api->options.jobs, allocation_on_view, ex);
    stint_json_array_end(&ex->out);
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}

/* ---- queue ---- */

struct queue_walk {
    struct exchange *ex;
    const char *project;
    const char *state;
    const char *resource;
    bool is_mine;
    struct queue_line line;
};

static bool queue_on_view(void *context, const struct stint_job_view *view)
{
    struct queue_walk *walk = context;
    struct job_shown job;
    if (view->state == STINT_JOB_DONE || view->is_task)
        return true; /* an array is one line, with its tasks counted */
    size_t position = queue_line_next(&walk->line, view);
    if ((walk->is_mine && view->uid != walk->ex->caller.uid) ||
        (walk->project && strcmp(walk->project, view->project) != 0) ||
        (walk->resource && strcmp(walk->resource, view->resource) != 0) ||
        (walk->state && strcmp(walk->state, stint_job_state_name(view->state)) != 0))
        return true;
    job_from_view(walk->ex->api, view, &job);
    job.position = position;
    job_write(walk->ex->api, &walk->ex->out, &job, exchange_sees(walk->ex, view->uid), false);
    return !walk->ex->out.failed;
}

void handle_queue(struct exchange *ex)
{
    struct queue_walk walk = { .ex = ex,
                               .project = exchange_query(ex, "project"),
                               .state = exchange_query(ex, "state"),
                               .resource = exchange_query(ex, "resource"),
                               .is_mine = exchange_query_flag(ex, "mine") };
    document_begin(&ex->out, "queue");
    stint_json_key(&ex->out, "jobs");
    stint_json_array(&ex->out);
    stint_jobs_each(ex->api->options.jobs, queue_on_view, &walk);
    stint_json_array_end(&ex->out);
    stint_json_kv_null(&ex->out, "next");
    stint_json_object_end(&ex->out);
    exchange_send(ex, 200);
}
