/* Owns: allocations (cores and GPUs drawn per node) and nodes of the daemon. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "document.h"
#include "job.h"
#include "nodes.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/measure.h"

/* One letter a job, so that the drawing reads without colour. */
static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Units of one row that are drawn; a larger machine is drawn in several lines. */
#define DRAW_UNITS_MAX 4096

static char letter_of(size_t index)
{
    return letters[index % (sizeof(letters) - 1)];
}

#define SHARED '*' /* a GPU of several jobs */

static void mark(char *drawing, size_t count, size_t first, size_t last, char letter)
{
    for (size_t i = first; i <= last && i < count; i++)
        drawing[i] = drawing[i] == '.' ? letter : SHARED;
}

/* `0-3,8` onto the drawing. */
static void mark_text(char *drawing, size_t count, const char *text, char letter)
{
    while (text && *text) {
        char *end;
        unsigned long first = strtoul(text, &end, 10);
        unsigned long last = first;
        if (end == text)
            return;
        if (*end == '-')
            last = strtoul(end + 1, &end, 10);
        mark(drawing, count, first, last, letter);
        text = *end == ',' ? end + 1 : "";
    }
}

/* A set of units: "0-3,8", [0,1,2,3,8], or [{"slot":0}]. */
static void mark_set(char *drawing, size_t count, const json_t *set, char letter)
{
    const json_t *item;
    size_t i;
    if (json_is_string(set))
        mark_text(drawing, count, json_string_value(set), letter);
    json_array_foreach(set, i, item)
    {
        int64_t unit = json_is_integer(item) ? (int64_t)json_integer_value(item)
                                             : doc_int(item, "slot", doc_int(item, "index", -1));
        if (unit >= 0)
            mark(drawing, count, (size_t)unit, (size_t)unit, letter);
    }
}

/* The part of "node0/core[0-3]/gpu[0-1]" between `core[` and `]`. */
static void mark_allocation(char *drawing, size_t count, const char *text, const char *kind,
                            char letter)
{
    char set[1024];
    const char *from = text ? strstr(text, kind) : NULL;
    if (!from)
        return;
    from += strlen(kind);
    (void)snprintf(set, sizeof(set), "%.*s", (int)strcspn(from, "]"), from);
    mark_text(drawing, count, set, letter);
}

static void draw_line(const char *name, const char *drawing, size_t count)
{
    unsigned width = screen_columns() > 30 ? screen_columns() - 16 : 64;
    for (size_t from = 0; from < count; from += width) {
        size_t n = count - from < width ? count - from : width;
        (void)printf("  %-7s", from == 0 ? name : "");
        for (size_t i = from; i < from + n; i++) {
            bool is_free = drawing[i] == '.';
            (void)printf("%s%c%s", style_on(is_free ? STYLE_DIM : STYLE_GOOD), drawing[i],
                         style_off());
        }
        (void)putchar('\n');
    }
}

static bool is_on_node(const json_t *allocation, const json_t *node)
{
    const char *name = doc_text_or(node, "name", "");
    const char *named = doc_text(allocation, "node");
    const char *text = doc_text(allocation, "allocation");
    const char *resource = doc_text(allocation, "resource");
    size_t length = strlen(name);
    if (resource && strcmp(resource, doc_text_or(node, "resource", resource)) != 0)
        return false;
    if (named)
        return strcmp(named, name) == 0;
    return text && strncmp(text, name, length) == 0 && (text[length] == '/' || !text[length]);
}

/* The units of a part of a machine have the machine's numbers: those of the drawing that are
 * marked in @is_there, close together. */
static size_t keep_units(char *drawing, const char *is_there)
{
    size_t kept = 0;
    for (size_t i = 0; i < DRAW_UNITS_MAX; i++)
        if (is_there[i] != '.')
            drawing[kept++] = drawing[i];
    return kept;
}

/* @numbers: which units there are: "4-7", or [{"slot":4}]; NULL for the first @count. */
static void draw_kind(const json_t *node, const json_t *allocations, const char *name,
                      const char *key, const char *kind, const json_t *numbers, size_t count)
{
    char drawing[DRAW_UNITS_MAX];
    char is_there[DRAW_UNITS_MAX];
    const json_t *allocation;
    size_t i;
    if (count == 0)
        return;
    memset(drawing, '.', sizeof(drawing));
    memset(is_there, '.', sizeof(is_there));
    if (numbers)
        mark_set(is_there, sizeof(is_there), numbers, 'x');
    else
        memset(is_there, 'x', count < sizeof(is_there) ? count : sizeof(is_there));
    json_array_foreach(allocations, i, allocation)
    {
        if (!is_on_node(allocation, node))
            continue;
        const json_t *set = doc_at(allocation, key);
        if (json_is_string(set) || json_is_array(set))
            mark_set(drawing, sizeof(drawing), set, letter_of(i));
        else
            mark_allocation(drawing, sizeof(drawing), doc_text(allocation, "allocation"), kind,
                            letter_of(i));
    }
    draw_line(name, drawing, keep_units(drawing, is_there));
}

static void draw_nodes(const json_t *nodes, const json_t *allocations)
{
    const json_t *node;
    size_t i;
    bool has_names = doc_names_resources(nodes);
    json_array_foreach(nodes, i, node)
    {
        (void)fputs(style_on(STYLE_BOLD), stdout);
        text_print(doc_text_or(node, "name", "?"));
        (void)fputs(has_names ? "  " : "", stdout);
        text_print(has_names ? doc_text_or(node, "resource", "") : "");
        (void)printf("%s  %s\n", style_off(), doc_text_or(node, "state", "up"));
        draw_kind(node, allocations, "cores", "cores", "core[", doc_at(node, "core_numbers"),
                  (size_t)doc_int(node, "cores", 0));
        draw_kind(node, allocations, "GPUs", "gpus", "gpu[", doc_at(node, "gpus"),
                  json_array_size(doc_at(node, "gpus")));
        nodes_reserved(node);
    }
}

static size_t set_size(const json_t *allocation, const char *key, const char *kind)
{
    char drawing[DRAW_UNITS_MAX];
    const json_t *set = doc_at(allocation, key);
    size_t count = 0;
    if (json_is_integer(set))
        return (size_t)json_integer_value(set);
    memset(drawing, '.', sizeof(drawing));
    if (json_is_string(set) || json_is_array(set))
        mark_set(drawing, sizeof(drawing), set, 'x');
    else
        mark_allocation(drawing, sizeof(drawing), doc_text(allocation, "allocation"), kind, 'x');
    for (size_t i = 0; i < sizeof(drawing); i++)
        count += drawing[i] == 'x';
    return count;
}

static void allocations_table(const json_t *allocations)
{
    static const struct table_column columns[] = {
        { "", false, false },        { "JOB", true, false },    { "PROJECT", false, true },
        { "RESOURCE", false, true }, { "NODE", false, true },   { "CORES", true, false },
        { "GPUS", true, false },     { "MEMORY", true, false }, { "SINCE", true, false },
        { "ENDS BY", true, false },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *row;
    size_t i;
    char text[DOC_TIME_MAX];
    char label[JOB_ID_MAX];
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    if (!doc_names_resources(allocations))
        table_hide(&table, 3);
    json_array_foreach(allocations, i, row)
    {
        int64_t memory = doc_int(row, "memory_bytes", 0);
        table_printf(&table, "%c", letter_of(i));
        table_add(&table, job_label(row, label));
        table_add(&table, doc_text(row, "project"));
        table_add(&table, doc_text(row, "resource"));
        table_add(&table, doc_text(row, "node"));
        table_printf(&table, "%zu", set_size(row, "cores", "core["));
        size_t gpus = set_size(row, "gpus", "gpu[");
        int64_t milli = doc_int(row, "gpu_milli", 1000);
        if (milli < 1000)
            table_printf(&table, "%g", (double)gpus * (double)milli / 1000);
        else
            table_printf(&table, "%zu", gpus);
        table_add(&table, memory ? stint_size_format(memory, text, sizeof(text)) : NULL);
        table_add(&table, doc_time(row, "since", text));
        table_add(&table, doc_time(row, "ends_by", text));
    }
    table_print(&table, "nothing runs");
}

static int show_allocations(struct cli *cli, const json_t *document)
{
    stint_auto(response_deinit) struct response nodes = { 0 };
    const json_t *allocations = doc_at(document, "allocations");
    int status = cli_call(cli, "GET", "/api/v1/nodes", NULL, &nodes);
    if (status != EXIT_OK)
        return status;
    draw_nodes(doc_at(nodes.json, "nodes"), allocations);
    (void)putchar('\n');
    allocations_table(allocations);
    return EXIT_OK;
}

int verb_allocations(struct cli *cli)
{
    return cli_show(cli, "/api/v1/allocations", show_allocations);
}

/* ---- nodes ---- */

static char *gpu_types(const json_t *gpus, char *text, size_t size)
{
    size_t used = 0;
    *text = '\0';
    for (size_t i = 0; i < json_array_size(gpus);) {
        const char *type = doc_text_or(json_array_get(gpus, i), "type", "gpu");
        bool is_simulated = doc_bool(json_array_get(gpus, i), "simulated");
        size_t n = 1;
        while (i + n < json_array_size(gpus) &&
               strcmp(type, doc_text_or(json_array_get(gpus, i + n), "type", "gpu")) == 0)
            n++;
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%.60s:%zu%s", used ? "," : "",
                                     type, n, is_simulated ? " (simulated)" : "");
        i += n;
    }
    return text;
}

/* A line for each node that takes nothing new: since when, and why. */
static void nodes_away(const json_t *document, const char *only)
{
    const json_t *node;
    size_t i;
    json_array_foreach(doc_at(document, "nodes"), i, node)
    {
        char since[DOC_TIME_MAX];
        if (!doc_text(node, "reason") || (only && strcmp(only, doc_text_or(node, "name", "")) != 0))
            continue;
        text_print(doc_text_or(node, "name", "?"));
        (void)printf(" %s since %s: ", doc_text_or(node, "state", "?"),
                     doc_time(node, "since", since));
        text_print(doc_text(node, "reason"));
        (void)putchar('\n');
    }
}

int nodes_show(const json_t *document, const char *only)
{
    static const struct table_column columns[] = {
        { "NODE", false, true },     { "RESOURCE", false, true }, { "STATE", false, false },
        { "PACKAGES", true, false }, { "NUMA", true, false },     { "CORES", true, false },
        { "PUS", true, false },      { "MEMORY", true, false },   { "GPUS", false, true },
    };
    stint_auto(table_deinit) struct table table;
    const json_t *node;
    size_t i;
    table_init(&table, columns, STINT_ARRAY_SIZE(columns));
    if (!doc_names_resources(doc_at(document, "nodes")))
        table_hide(&table, 1);
    json_array_foreach(doc_at(document, "nodes"), i, node)
    {
        char memory[32];
        char gpus[200];
        const char *state = doc_text_or(node, "state", "up");
        if (only && strcmp(only, doc_text_or(node, "name", "")) != 0)
            continue;
        table_add(&table, doc_text(node, "name"));
        table_add(&table, doc_text(node, "resource"));
        table_add_styled(&table, state, style_of_state(state));
        table_printf(&table, "%" PRId64, doc_int(node, "packages", 0));
        table_printf(&table, "%" PRId64, doc_int(node, "numa_nodes", 0));
        table_printf(&table, "%" PRId64, doc_int(node, "cores", 0));
        table_printf(&table, "%" PRId64, doc_int(node, "pus", 0));
        table_add(&table,
                  stint_size_format(doc_int(node, "memory_bytes", 0), memory, sizeof(memory)));
        table_add(&table, gpu_types(doc_at(node, "gpus"), gpus, sizeof(gpus)));
    }
    if (only && table.cell_count == 0) {
        (void)cli_usage("stint nodes", "no such node: %.60s", only);
        return EXIT_NOT_FOUND;
    }
    table_print(&table, "no nodes");
    nodes_away(document, only);
    json_array_foreach(doc_at(document, "nodes"), i, node)
    {
        if (!only || strcmp(only, doc_text_or(node, "name", "")) == 0)
            nodes_reserved(node);
    }
    if (!only)
        return EXIT_OK;
    json_array_foreach(doc_at(document, "nodes"), i, node)
    {
        const json_t *gpu;
        size_t g;
        if (strcmp(only, doc_text_or(node, "name", "")) != 0)
            continue;
        json_array_foreach(doc_at(node, "gpus"), g, gpu)
        {
            (void)printf("  gpu %" PRId64 "  ", doc_int(gpu, "slot", (int64_t)g));
            text_print(doc_text_or(gpu, "type", "?"));
            (void)printf("  NUMA node %" PRId64 "  %s%s\n", doc_int(gpu, "numa_node", -1),
                         doc_text_or(gpu, "pci", ""),
                         doc_bool(gpu, "simulated") ? "  simulated" : "");
        }
    }
    return EXIT_OK;
}
