/* Owns: the drawing of the machine: packages, NUMA nodes, cores and GPUs, each with the letter and
 * colour of the project that holds it. One inline SVG a node, with a text for who does not see it.
 */
#include "page.h"

#include <inttypes.h>
#include <string.h>

#include "stint/allocation.h"
#include "stint/calendar.h"
#include "stint/machine.h"
#include "stint/measure.h"

enum {
    CELL = 17,   /* a core */
    STEP = 20,   /* from core to core */
    COLUMNS = 8, /* cores in a row of a NUMA node */
    GPU_W = 76,
    GPU_H = 30,
    PAD = 10,
    LABEL = 18,
};

/* ---- gathering ---- */

static size_t letter_of(struct page_machine *machine, const char *project)
{
    for (size_t i = 0; i < machine->letter_count; i++)
        if (strcmp(machine->letters[i], project) == 0)
            return i;
    if (machine->letter_count == PAGE_PROJECTS_MAX)
        return PAGE_PROJECTS_MAX - 1;
    (void)snprintf(machine->letters[machine->letter_count], sizeof(machine->letters[0]), "%s",
                   project);
    return machine->letter_count++;
}

static void gather_grant(struct page_machine *machine, uint32_t resource,
                         const struct stint_grant *grant, size_t letter)
{
    const struct stint_resource *on = &machine->api->options.resources->list[resource];
    const struct stint_shape *shape = on->machine->nodes[grant->node].shape;
    uint32_t node = machine->first_node[resource] + grant->node;
    bool is_drawn = node < PAGE_NODES_MAX;
    machine->cores_held += grant->core_count;
    for (uint32_t i = 0; is_drawn && i < shape->core_count && i < PAGE_CORES_MAX; i++)
        if (stint_bit_has(grant->cores, i))
            machine->cores[node][i] = (uint8_t)(letter + 1);
    for (uint32_t slot = 0; slot < shape->gpu_count; slot++) {
        if (!stint_bit_has(&grant->gpus, slot))
            continue;
        if (is_drawn)
            machine->gpus[node][slot] = (uint8_t)(letter + 1);
        uint64_t bit = UINT64_C(1) << slot; /* a shared GPU is held once */
        if (!shape->gpus[slot].is_simulated && !(is_drawn && machine->gpus_seen[node] & bit))
            machine->gpus_held++;
        if (is_drawn)
            machine->gpus_seen[node] |= bit;
    }
}

static bool gather_on_view(void *context, const struct stint_job_view *view)
{
    struct page_machine *machine = context;
    bool waits = view->state == STINT_JOB_PENDING || view->state == STINT_JOB_HELD;
    if (view->array) { /* its running tasks come by themselves, and those that wait with a record */
        machine->waiting +=
            view->array->live[STINT_JOB_PENDING] + view->array->live[STINT_JOB_HELD];
        return true;
    }
    machine->waiting += waits && !view->is_task;
    machine->running += !waits && view->state != STINT_JOB_DONE;
    if (!view->allocation)
        return true;
    size_t letter = letter_of(machine, view->project);
    for (uint32_t r = 0; r < machine->api->options.resources->count; r++) {
        const struct stint_allocation *held =
            stint_jobs_held_on(machine->api->options.jobs, view->id, view->task, r);
        for (uint32_t i = 0; held && i < held->grant_count; i++)
            gather_grant(machine, r, &held->grants[i], letter);
    }
    return true;
}

static void gather_machine(struct page_machine *machine, const struct stint_machine *of)
{
    for (uint32_t i = 0; i < of->node_count; i++) {
        const struct stint_shape *shape = of->nodes[i].shape;
        machine->cores_total += shape->core_count;
        for (uint32_t slot = 0; slot < shape->gpu_count; slot++) {
            machine->gpus_total += !shape->gpus[slot].is_simulated;
            machine->simulated_total += shape->gpus[slot].is_simulated;
        }
    }
}

void page_machine_gather(struct stint_api *api, struct page_machine *machine)
{
    machine->api = api;
    for (uint32_t r = 0; r < api->options.resources->count; r++) {
        const struct stint_machine *of = api->options.resources->list[r].machine;
        machine->first_node[r] = machine->node_count;
        machine->node_count += of->node_count;
        gather_machine(machine, of);
    }
    stint_jobs_each(api->options.jobs, gather_on_view, machine);
}

/* ---- drawing ---- */

/* Where a NUMA node's box is and how large. */
struct box {
    uint32_t gpus;
    int columns;
    int gpu_columns;
    int width;
    int height;
    int cores_top;
    int gpus_top;
};

static int at_least(int a, int b)
{
    return a > b ? a : b;
}

static struct box box_of(const struct stint_shape *shape, uint32_t numa, uint32_t numa_count)
{
    struct box box = { 0 };
    uint32_t cores = shape->numa[numa].core_count;
    for (uint32_t i = 0; i < shape->gpu_count; i++)
        box.gpus += shape->gpus[i].numa == numa;
    box.columns = cores > 64 ? 16 : COLUMNS;
    if (numa_count == 1)
        box.columns = cores > 32 ? 32 : 16;
    if (cores > 0 && (int)cores < box.columns)
        box.columns = (int)cores;
    box.gpu_columns = at_least(box.columns * STEP / (GPU_W + 6), numa_count == 1 ? 4 : 2);
    if ((int)box.gpus < box.gpu_columns)
        box.gpu_columns = (int)box.gpus;
    int rows = cores == 0 ? 0 : ((int)cores + box.columns - 1) / box.columns;
    int gpu_rows = box.gpus == 0 ? 0 : ((int)box.gpus + box.gpu_columns - 1) / box.gpu_columns;
    box.cores_top = PAD + LABEL;
    box.gpus_top = box.cores_top + rows * STEP + (rows > 0 && gpu_rows > 0 ? 6 : 0);
    box.width =
        at_least(at_least(box.columns * STEP, box.gpu_columns * (GPU_W + 6)), 130) + 2 * PAD;
    box.height = box.gpus_top + gpu_rows * (GPU_H + 6) + PAD;
    return box;
}

static void draw_core(struct stint_buffer *out, int x, int y, uint8_t holder)
{
    if (holder == 0) {
        stint_buffer_printf(out,
                            "<rect class=\"free\" x=\"%d.5\" y=\"%d.5\" width=\"%d\" "
                            "height=\"%d\" rx=\"3\"/>",
                            x, y, CELL - 1, CELL - 1);
        return;
    }
    stint_buffer_printf(out,
                        "<rect class=\"cell p%d\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                        "rx=\"3\"/><text class=\"mark\" x=\"%d\" y=\"%d\">%c</text>",
                        (holder - 1) % PAGE_COLOURS, x, y, CELL, CELL, x + CELL / 2 + 1, y + 12,
                        'A' + holder - 1);
}

static void draw_gpu(struct stint_buffer *out, int x, int y, const struct stint_gpu *gpu,
                     uint32_t slot, uint8_t holder)
{
    char type[12];
    (void)snprintf(type, sizeof(type), "%.9s", gpu->type);
    if (holder == 0)
        stint_buffer_printf(out, "<rect class=\"free%s\"", gpu->is_simulated ? " simulated" : "");
    else
        stint_buffer_printf(out, "<rect class=\"cell p%d%s\"", (holder - 1) % PAGE_COLOURS,
                            gpu->is_simulated ? " simulated" : "");
    stint_buffer_printf(out, " x=\"%d.5\" y=\"%d.5\" width=\"%d\" height=\"%d\" rx=\"6\"/>", x, y,
                        GPU_W - 1, GPU_H - 1);
    stint_buffer_printf(out, "<text class=\"gpu-name%s\" x=\"%d\" y=\"%d\">", holder ? " on" : "",
                        x + GPU_W / 2, y + 19);
    if (holder)
        stint_buffer_printf(out, "%c ", 'A' + holder - 1);
    html_text(out, type);
    stint_buffer_printf(out, " %u</text>", slot);
}

static void draw_numa(const struct page_machine *machine, struct stint_buffer *out,
                      const struct stint_shape *shape, uint32_t node, uint32_t numa,
                      const struct box *box, int x, int y)
{
    const struct stint_numa *place = &shape->numa[numa];
    char size[32];
    int drawn = 0;
    stint_buffer_printf(out,
                        "<rect class=\"numa\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" "
                        "rx=\"8\"/><text class=\"small\" x=\"%d\" y=\"%d\">NUMA %u",
                        x, y, box->width, box->height, x + PAD, y + PAD + 8,
                        stint_numa_number(shape, numa));
    if (place->memory_bytes > 0)
        stint_buffer_printf(out, " · %s",
                            stint_size_format(place->memory_bytes, size, sizeof(size)));
    stint_buffer_add_text(out, "</text>");
    for (uint32_t i = 0; i < place->core_count; i++) {
        uint32_t core = place->core_first + i;
        draw_core(out, x + PAD + (int)i % box->columns * STEP,
                  y + box->cores_top + (int)i / box->columns * STEP,
                  core < PAGE_CORES_MAX ? machine->cores[node][core] : 0);
    }
    for (uint32_t slot = 0; slot < shape->gpu_count; slot++) {
        if (shape->gpus[slot].numa != numa)
            continue;
        draw_gpu(out, x + PAD + drawn % box->gpu_columns * (GPU_W + 6),
                 y + box->gpus_top + drawn / box->gpu_columns * (GPU_H + 6), &shape->gpus[slot],
                 stint_gpu_number(shape, slot), machine->gpus[node][slot]);
        drawn++;
    }
}

/* "12 of 16 cores held, 2 of 4 GPUs held": what the picture says, in words. */
static void describe(const struct page_machine *machine, const struct stint_shape *shape,
                     uint32_t node, struct stint_buffer *out)
{
    uint32_t cores = 0;
    uint32_t gpus = 0;
    for (uint32_t i = 0; i < shape->core_count && i < PAGE_CORES_MAX; i++)
        cores += machine->cores[node][i] != 0;
    for (uint32_t i = 0; i < shape->gpu_count; i++)
        gpus += machine->gpus[node][i] != 0;
    stint_buffer_printf(out, "%u of %u cores held", cores, shape->core_count);
    if (shape->gpu_count > 0)
        stint_buffer_printf(out, ", %u of %u GPUs held", gpus, shape->gpu_count);
}

struct layout {
    struct box boxes[STINT_MACHINE_NUMA_MAX];
    int x[STINT_MACHINE_NUMA_MAX];
    int y[STINT_MACHINE_NUMA_MAX];
    int width;
    int height;
};

/* NUMA nodes left to right, a new row where the picture would be wider than a page. */
static void lay_out(const struct stint_shape *shape, struct layout *layout)
{
    int x = 0;
    int y = 0;
    int row_height = 0;
    layout->width = 0;
    for (uint32_t i = 0; i < shape->numa_count; i++) {
        struct box box = box_of(shape, i, shape->numa_count);
        if (x > 0 && x + box.width > 780) {
            x = 0;
            y += row_height + PAD;
            row_height = 0;
        }
        layout->boxes[i] = box;
        layout->x[i] = x;
        layout->y[i] = y;
        x += box.width + PAD;
        row_height = at_least(row_height, box.height);
        layout->width = at_least(layout->width, x - PAD);
    }
    layout->height = y + row_height;
}

static void reserved_line(struct stint_buffer *out, const char *text)
{
    stint_buffer_add_text(out, "<p>Reserved: ");
    html_text(out, text);
    stint_buffer_add_text(out, "</p>");
}

static void draw_node(struct stint_api *api, const struct page_machine *machine,
                      struct stint_buffer *out, uint32_t resource, uint32_t index)
{
    const struct stint_resource *on = &api->options.resources->list[resource];
    const struct stint_node *place = &on->machine->nodes[index];
    uint32_t node = machine->first_node[resource] + index;
    const struct stint_shape *shape = place->shape;
    struct layout layout;
    struct stint_node_view view;
    char since[40];
    char size[32];
    lay_out(shape, &layout);
    stint_buffer_add_text(out, "<div class=\"node\"><h3>");
    html_text(out, place->name);
    if (has_resources(api)) {
        stint_buffer_add_text(out, " · ");
        html_text(out, on->name);
    }
    stint_buffer_printf(out, " <span class=\"quiet\">%u package%s · %u cores", shape->packages,
                        shape->packages == 1 ? "" : "s", shape->core_count);
    if (shape->memory_bytes > 0)
        stint_buffer_printf(out, " · %s",
                            stint_size_format(shape->memory_bytes, size, sizeof(size)));
    stint_calendar_node(api->options.calendar, resource, index, &view);
    stint_buffer_printf(out, " · %s</span></h3>", stint_node_state_name(view.state));
    if (view.state != STINT_NODE_UP) {
        stint_buffer_printf(out, "<p>Takes no new jobs since %s: ",
                            stint_instant_format_local(view.since_ms, since, sizeof(since)));
        html_text(out, view.reason ? view.reason : "");
        stint_buffer_add_text(out, "</p>");
    }
    node_reserved_text(api, resource, index, out, reserved_line);
    if (shape->core_count > PAGE_CORES_MAX || shape->numa_count == 0) {
        stint_buffer_add_text(out, "<p class=\"quiet\">Too large to draw.</p></div>\n");
        return;
    }
    stint_buffer_printf(out,
                        "<svg class=\"machine\" role=\"img\" viewBox=\"0 0 %d %d\" "
                        "preserveAspectRatio=\"xMinYMin meet\"><title>",
                        layout.width, layout.height);
    html_text(out, place->name);
    stint_buffer_add_text(out, ": ");
    describe(machine, shape, node, out);
    stint_buffer_add_text(out, "</title>");
    for (uint32_t i = 0; i < shape->numa_count; i++)
        draw_numa(machine, out, shape, node, i, &layout.boxes[i], layout.x[i], layout.y[i]);
    stint_buffer_add_text(out, "</svg><p class=\"quiet\">");
    describe(machine, shape, node, out);
    stint_buffer_add_text(out, "</p></div>\n");
}

static void swatch(struct stint_buffer *out, size_t letter)
{
    stint_buffer_printf(out,
                        "<svg viewBox=\"0 0 18 18\" aria-hidden=\"true\"><rect class=\"p%zu\" "
                        "width=\"18\" height=\"18\" rx=\"4\"/><text class=\"mark\" x=\"9\" "
                        "y=\"13\">%c</text></svg>",
                        letter % PAGE_COLOURS, (char)('A' + letter));
}

void page_holder(const struct page_machine *machine, const char *project, struct stint_buffer *out)
{
    stint_buffer_add_text(out, "<span>"); /* one piece, also where cells become blocks */
    for (size_t i = 0; i < machine->letter_count; i++)
        if (strcmp(machine->letters[i], project) == 0)
            stint_buffer_printf(out, "<b aria-hidden=\"true\">%c</b> ", (char)('A' + i));
    html_text(out, project);
    stint_buffer_add_text(out, "</span>");
}

static void legend(const struct page_machine *machine, struct stint_buffer *out)
{
    stint_buffer_add_text(out, "<ul class=\"legend\" aria-label=\"Who holds what\">");
    for (size_t i = 0; i < machine->letter_count; i++) {
        stint_buffer_add_text(out, "<li>");
        swatch(out, i);
        stint_buffer_printf(out, "%c ", (char)('A' + i));
        html_text(out, machine->letters[i]);
        stint_buffer_add_text(out, "</li>");
    }
    stint_buffer_add_text(out, "<li><svg viewBox=\"0 0 18 18\" aria-hidden=\"true\"><rect "
                               "class=\"free\" x=\"1\" y=\"1\" width=\"16\" height=\"16\" "
                               "rx=\"4\"/></svg>free</li>");
    if (machine->simulated_total > 0)
        stint_buffer_add_text(out, "<li><svg viewBox=\"0 0 18 18\" aria-hidden=\"true\"><rect "
                                   "class=\"free simulated\" x=\"1\" y=\"1\" width=\"16\" "
                                   "height=\"16\" rx=\"4\"/></svg>simulated GPU, not a real "
                                   "card</li>");
    stint_buffer_add_text(out, "</ul>\n");
}

void page_machine_draw(struct stint_api *api, const struct page_machine *machine,
                       struct stint_buffer *out)
{
    uint32_t count = machine->node_count;
    stint_buffer_add_text(out, "<section id=\"machine\" data-live aria-labelledby=\"h-machine\">"
                               "<h2 id=\"h-machine\">Who holds what now</h2>\n");
    legend(machine, out);
    for (uint32_t r = 0; r < api->options.resources->count; r++)
        for (uint32_t i = 0; i < api->options.resources->list[r].machine->node_count &&
                             machine->first_node[r] + i < PAGE_NODES_MAX;
             i++)
            draw_node(api, machine, out, r, i);
    if (count > PAGE_NODES_MAX)
        stint_buffer_printf(out,
                            "<p class=\"quiet\">and %u more nodes: "
                            "<a href=\"/api/v1/nodes\">all of them</a></p>",
                            count - PAGE_NODES_MAX);
    stint_buffer_add_text(out, "</section>\n");
}
