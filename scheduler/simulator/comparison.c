/* Owns: replays beside each other. A row is a figure, a column a replay. */
#include <inttypes.h>
#include <string.h>

#include "stint/simulator.h"

enum figure_kind { FIGURE_COUNT, FIGURE_SECONDS, FIGURE_REAL };

struct figure_row {
    const char *title;
    const char *unit;
    enum figure_kind kind;
    size_t offset; /* in the result */
    int decimals;
    double factor;
};

/* clang-format off */
#define AT(member) offsetof(struct stint_simulation_result, member)
static const struct figure_row rows[] = {
    { "jobs",                  "",    FIGURE_COUNT,   AT(job_count),             0, 1 },
    { "makespan",              " s",  FIGURE_SECONDS, AT(makespan_s),            0, 1 },
    { "utilization",           " %",  FIGURE_REAL,    AT(utilization),           2, 100 },
    { "  while jobs wait",     " %",  FIGURE_REAL,    AT(busy_utilization),      2, 100 },
    { "mean wait",             " s",  FIGURE_REAL,    AT(mean_wait_s),           1, 1 },
    { "  p50",                 " s",  FIGURE_SECONDS, AT(p50_wait_s),            0, 1 },
    { "  p90",                 " s",  FIGURE_SECONDS, AT(p90_wait_s),            0, 1 },
    { "  p99",                 " s",  FIGURE_SECONDS, AT(p99_wait_s),            0, 1 },
    { "  longest",             " s",  FIGURE_SECONDS, AT(max_wait_s),            0, 1 },
    { "mean bounded slowdown", "",    FIGURE_REAL,    AT(mean_bounded_slowdown), 3, 1 },
    { "mean turnaround",       " s",  FIGURE_REAL,    AT(mean_turnaround_s),     1, 1 },
    { "decisions",             " /s", FIGURE_REAL,    AT(decisions_per_s),       0, 1 },
    { "scheduling pass, mean", " us", FIGURE_REAL,    AT(pass_mean_us),          3, 1 },
    { "  largest",             " us", FIGURE_REAL,    AT(pass_max_us),           3, 1 },
    { "longest queue",         "",    FIGURE_COUNT,   AT(queue_max),             0, 1 },
    { "preemptions",           "",    FIGURE_COUNT,   AT(preemptions),           0, 1 },
    { "promises broken",       "",    FIGURE_COUNT,   AT(promise_violations),    0, 1 },
};
#undef AT
/* clang-format on */

static void print_figure(const struct figure_row *row, const struct stint_simulation_result *result,
                         struct stint_buffer *buffer)
{
    const char *at = (const char *)result + row->offset;
    size_t count;
    int64_t seconds;
    double real;
    switch (row->kind) {
    case FIGURE_COUNT:
        memcpy(&count, at, sizeof(count));
        stint_buffer_printf(buffer, " %16zu", count);
        break;
    case FIGURE_SECONDS:
        memcpy(&seconds, at, sizeof(seconds));
        stint_buffer_printf(buffer, " %16" PRId64, seconds);
        break;
    case FIGURE_REAL:
        memcpy(&real, at, sizeof(real));
        stint_buffer_printf(buffer, " %16.*f", row->decimals, row->factor * real);
        break;
    }
}

/* A file by its last part, its end kept when it is long: that is where files differ. */
static void print_name(const char *name, struct stint_buffer *buffer)
{
    const char *slash = name ? strrchr(name, '/') : NULL;
    const char *shown = slash && slash[1] ? slash + 1 : name ? name : "-";
    size_t length = strlen(shown);
    stint_buffer_printf(buffer, " %16s", shown + (length > 16 ? length - 16 : 0));
}

static void print_heads(const struct stint_comparison *columns, size_t count,
                        struct stint_buffer *buffer)
{
    bool has_machine = false;
    bool has_shares = false;
    stint_buffer_printf(buffer, "%-22s", "policy");
    for (size_t i = 0; i < count; i++) {
        print_name(stint_mode_name(columns[i].simulation.policy.mode), buffer);
        has_machine |= columns[i].machine != NULL;
        has_shares |= columns[i].shares != NULL;
    }
    if (has_machine)
        stint_buffer_printf(buffer, "\n%-22s", "machine");
    for (size_t i = 0; has_machine && i < count; i++)
        print_name(columns[i].machine, buffer);
    if (has_shares)
        stint_buffer_printf(buffer, "\n%-22s", "shares");
    for (size_t i = 0; has_shares && i < count; i++)
        print_name(columns[i].shares, buffer);
    stint_buffer_add_char(buffer, '\n');
}

/* A project's figures in one table for each replay: files of shares may name other projects. */
static void print_projects(const struct stint_comparison *column, struct stint_buffer *buffer)
{
    const struct stint_shares *shares = column->simulation.shares;
    if (!shares || !column->simulation.projects)
        return;
    stint_buffer_printf(buffer, "\n%-22s %8s %10s %8s %14s %10s\n", "project", "shares", "jobs",
                        "used %", "mean wait s", "slowdown");
    for (uint32_t i = 0; i < shares->project_count; i++) {
        const struct stint_simulation_project *project = &column->simulation.projects[i];
        stint_buffer_printf(buffer, "%-22s %8u %10zu %8.2f %14.1f %10.3f\n",
                            shares->projects[i].name, shares->projects[i].shares,
                            project->job_count, 100 * project->used, project->mean_wait_s,
                            project->mean_bounded_slowdown);
    }
}

void stint_comparison_print(const struct stint_comparison *columns, size_t count,
                            struct stint_buffer *buffer)
{
    char hex[STINT_SHA256_HEX];
    print_heads(columns, count, buffer);
    for (size_t row = 0; row < STINT_ARRAY_SIZE(rows); row++) {
        stint_buffer_printf(buffer, "%-22s", rows[row].title);
        for (size_t i = 0; i < count; i++)
            print_figure(&rows[row], &columns[i].result, buffer);
        stint_buffer_printf(buffer, "%s\n", rows[row].unit);
    }
    stint_buffer_printf(buffer, "%-22s", "starts, sha256");
    for (size_t i = 0; i < count; i++)
        stint_buffer_printf(buffer, " %.*s", count > 1 ? 16 : STINT_SHA256_HEX,
                            stint_sha256_hex(&columns[i].result.starts, hex));
    stint_buffer_add_char(buffer, '\n');
    for (size_t i = 0; i < count; i++)
        print_projects(&columns[i], buffer);
}

void stint_comparison_write(const struct stint_comparison *columns, size_t count,
                            struct stint_buffer *buffer)
{
    stint_buffer_add_text(buffer, "{\"schema\":\"stint.simulations/1\",\"simulations\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            stint_buffer_add_char(buffer, ',');
        stint_simulation_write(&columns[i].simulation, &columns[i].result, buffer);
    }
    stint_buffer_add_text(buffer, "]}");
}

void stint_simulation_print(const struct stint_simulation *simulation,
                            const struct stint_simulation_result *result,
                            struct stint_buffer *buffer)
{
    struct stint_comparison column = { .simulation = *simulation, .result = *result };
    stint_comparison_print(&column, 1, buffer);
}
