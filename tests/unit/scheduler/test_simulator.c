/* Reading traces, and whole replays: small ones worked out by hand, and, where the shared logs are,
 * every textbook mode start by start against the independent reference's expected.csv. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stint/simulator.h"

static struct stint_trace parse(const char *text)
{
    struct stint_trace trace;
    struct stint_error err = { 0 };
    int r = stint_trace_parse(text, strlen(text), "test", &trace, &err);
    if (r != 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    return trace;
}

static void fields_are_read_by_the_formats_rules(void **state)
{
    (void)state;
    struct stint_trace trace =
        parse("; MaxNodes: 7\n;MaxProcs:  64 \n"
              "1 10 0 100 4 -1 -1 8 200 -1 1 3 1 -1 -1 -1 -1 -1\n"       /* asked procs and limit */
              "\n  2 20 0 100 4 1.5 -1 -1 -1 -1 1 -1 1 -1 -1 -1 -1 -1\n" /* neither: used ones */
              "3 30 0 500 4 -1 -1 8 200 -1 1 3 1 -1 -1 -1 -1 -1\n"       /* killed at its limit */
              "4 40 0 0 4 -1 -1 8 200 -1 1 3 1 -1 -1 -1 -1 -1\n"         /* never ran */
              "5 50 0 10 -1 -1 -1 -1 200 -1 1 3 1 -1 -1 -1 -1 -1\n"      /* no processors */
              "6 -1 0 10 1\n"                                            /* never submitted */
              "7 60 9007199254740993 10 1 1e5 ?\r\n"); /* a short line, unused fields */
    static const struct stint_trace_job jobs[] = {
        { 1, 10, 100, 200, 8, 3 },
        { 2, 20, 100, 100, 4, UINT32_MAX },
        { 3, 30, 200, 200, 8, 3 },
        { 7, 60, 10, 10, 1, UINT32_MAX },
    };
    assert_int_equal(trace.procs, 64);
    assert_int_equal(trace.job_count, STINT_ARRAY_SIZE(jobs));
    assert_int_equal(trace.line_count, 7);
    assert_int_equal(trace.dropped_count, 3);
    for (size_t i = 0; i < trace.job_count; i++) {
        assert_int_equal(trace.jobs[i].id, jobs[i].id);
        assert_int_equal(trace.jobs[i].submit_s, jobs[i].submit_s);
        assert_int_equal(trace.jobs[i].run_s, jobs[i].run_s);
        assert_int_equal(trace.jobs[i].limit_s, jobs[i].limit_s);
        assert_int_equal(trace.jobs[i].procs, jobs[i].procs);
        assert_int_equal(trace.jobs[i].user, jobs[i].user);
    }
    stint_trace_deinit(&trace);
}

static void broken_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        { "1 1 1 x\n", "test:1: field 4" },
        { "\n1 9999999999999999999 1 1 1\n", "test:2: field 2" },
        { "1 1 1 --5 1\n", "test:1: field 4" },
        { "1 9007199254740000 1 1 1\n", "30,000 years" },
        { "; nothing\n", "no usable job" },
        { "", "no usable job" },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_trace trace;
        struct stint_error err = { 0 };
        assert_int_equal(
            stint_trace_parse(cases[i].text, strlen(cases[i].text), "test", &trace, &err),
            STINT_UNTRUSTED);
        assert_non_null(strstr(err.text, cases[i].says));
    }
}

static struct stint_simulation_result simulate(const struct stint_trace *trace,
                                               enum stint_mode mode)
{
    struct stint_simulation simulation = { .trace = trace, .policy = { .mode = mode } };
    struct stint_simulation_result result;
    struct stint_error err = { 0 };
    int r = stint_simulate(&simulation, &result, &err);
    if (r != 0)
        print_error("%s\n", err.text);
    assert_int_equal(r, 0);
    assert_int_equal(result.promise_violations, 0);
    return result;
}

static void a_small_day_has_the_figures_of_pencil_and_paper(void **state)
{
    (void)state;
    /* 10 processors. 1 takes 6 until 100; 2 wants 8; 3 passes it, ending at 100 just in time. */
    struct stint_trace trace = parse("; MaxProcs: 10\n"
                                     "1 0 0 100 6 0 0 6 100\n"
                                     "2 0 0 50 8 0 0 8 100\n"
                                     "3 20 0 80 4 0 0 4 80\n");
    struct stint_simulation_result result = simulate(&trace, STINT_MODE_EASY);
    assert_int_equal(result.sum_start, 0 + 100 + 20);
    assert_int_equal(result.makespan_s, 150);
    assert_true(result.mean_wait_s > 33.33 && result.mean_wait_s < 33.34);
    assert_int_equal(result.max_wait_s, 100);
    assert_true(result.mean_bounded_slowdown > 1.666 && result.mean_bounded_slowdown < 1.667);
    assert_true(result.utilization > 0.8799 && result.utilization < 0.8801); /* 1320 / 1500 */
    result = simulate(&trace, STINT_MODE_FCFS);
    assert_int_equal(result.sum_start, 0 + 100 + 150);
    stint_trace_deinit(&trace);
}

static void jobs_larger_than_the_machine_are_cut_to_it(void **state)
{
    (void)state;
    struct stint_trace trace = parse("1 0 0 10 99 0 0 99 10\n2 0 0 10 1 0 0 1 10\n");
    struct stint_simulation simulation = { .trace = &trace,
                                           .cores = 4,
                                           .policy = { .mode = STINT_MODE_EASY } };
    struct stint_simulation_result result;
    struct stint_error err = { 0 };
    assert_int_equal(stint_simulate(&simulation, &result, &err), 0);
    assert_int_equal(result.sum_start, 10);
    simulation.cores = 0; /* and the trace does not say either */
    assert_int_equal(stint_simulate(&simulation, &result, &err), STINT_INVALID);
    assert_true(err.fix[0] != '\0');
    stint_trace_deinit(&trace);
}

static void jobs_spread_over_unequal_nodes(void **state)
{
    (void)state;
    static const char cluster[] = "name=c cores=64\nname=g nodes=2 cores=8 gpus=h200:8\n"
                                  "name=h cores=8 gpus=t4:2\n";
    struct stint_trace trace = parse("1 0 0 10 16 0 0 16 10\n" /* two nodes of eight */
                                     "2 0 0 10 18 0 0 18 10\n" /* never together: cut */
                                     "3 0 0 10 2 0 0 2 10\n");
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_cluster_parse(cluster, strlen(cluster), "test", &machine, NULL), 0);
    struct stint_simulation simulation = { .trace = &trace,
                                           .machine = machine,
                                           .policy = { .mode = STINT_MODE_EASY } };
    struct stint_simulation_result result;
    assert_int_equal(stint_simulate(&simulation, &result, NULL), 0);
    assert_int_equal(result.job_count, 3);
    assert_int_equal(result.sum_start, 10); /* 1 and 3 at 0, 2 after 1 */
    (void)stint_machine_free(machine);
    stint_trace_deinit(&trace);
}

static void equal_traces_give_equal_starts(void **state)
{
    (void)state;
    char text[4096];
    size_t at = (size_t)snprintf(text, sizeof(text), "; MaxProcs: 16\n");
    for (int i = 1; i <= 60; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%d %d 0 %d %d 0 0 %d %d\n", i, i * 3,
                               1 + i * 37 % 90, 1 + i * 7 % 16, 1 + i * 7 % 16, 100);
    struct stint_trace trace = parse(text);
    for (int mode = 0; mode < STINT_MODE_COUNT; mode++) {
        struct stint_simulation_result a = simulate(&trace, (enum stint_mode)mode);
        struct stint_simulation_result b = simulate(&trace, (enum stint_mode)mode);
        assert_memory_equal(&a.starts, &b.starts, sizeof(a.starts));
    }
    stint_trace_deinit(&trace);
}

static void shares_decide_between_projects(void **state)
{
    (void)state;
    struct stint_shares shares;
    struct stint_simulation_project projects[3];
    static const char text[] = "# who owns what\nproject all 1\nproject large 9 all\n"
                               "project small 1 all # a tenth\nuser 1 large\nuser 2 small\n";
    char lines[8192];
    size_t at = (size_t)snprintf(lines, sizeof(lines), "; MaxProcs: 1\n");
    for (int i = 1; i <= 100; i++)
        at += (size_t)snprintf(lines + at, sizeof(lines) - at, "%d 0 0 100 1 -1 -1 1 100 -1 1 %d\n",
                               i, 1 + i % 2);
    struct stint_trace trace = parse(lines);
    assert_int_equal(stint_shares_parse(text, strlen(text), "test", &shares, NULL), 0);
    assert_int_equal(shares.project_count, 3);
    struct stint_simulation simulation = { .trace = &trace,
                                           .policy = { .mode = STINT_MODE_STINT },
                                           .shares = &shares,
                                           .projects = projects };
    struct stint_simulation_result result;
    assert_int_equal(stint_simulate(&simulation, &result, NULL), 0);
    assert_int_equal(projects[1].job_count, 50);
    assert_int_equal(projects[2].job_count, 50);
    assert_true(projects[1].mean_wait_s < 0.6 * projects[2].mean_wait_s);
    struct stint_buffer json = { 0 };
    stint_simulation_write(&simulation, &result, &json);
    assert_non_null(
        strstr(stint_buffer_text(&json), "\"name\":\"small\",\"shares\":1,\"jobs\":50"));
    stint_buffer_deinit(&json);
    stint_shares_deinit(&shares);
    stint_trace_deinit(&trace);
}

/* Of 5 shares of the laboratory its own user has 1, as one of its two groups has; the other has 3.
 */
static void a_parent_has_its_own_share_beside_its_children(void **state)
{
    (void)state;
    struct stint_shares shares;
    struct stint_simulation_project projects[3];
    static const char text[] = "project lab 1\nproject nlp 3 lab\nproject vision 1 lab\n"
                               "user 1 lab\nuser 2 nlp\nuser 3 vision\n";
    char lines[32768];
    size_t at = (size_t)snprintf(lines, sizeof(lines), "; MaxProcs: 1\n");
    for (int i = 1; i <= 300; i++)
        at += (size_t)snprintf(lines + at, sizeof(lines) - at, "%d 0 0 100 1 -1 -1 1 100 -1 1 %d\n",
                               i, 1 + i % 3);
    struct stint_trace trace = parse(lines);
    assert_int_equal(stint_shares_parse(text, strlen(text), "test", &shares, NULL), 0);
    struct stint_simulation simulation = { .trace = &trace,
                                           .policy = { .mode = STINT_MODE_STINT },
                                           .shares = &shares,
                                           .projects = projects };
    struct stint_simulation_result result;
    assert_int_equal(stint_simulate(&simulation, &result, NULL), 0);
    double lab = projects[0].mean_wait_s;
    double vision = projects[2].mean_wait_s;
    assert_true(projects[1].mean_wait_s < 0.8 * lab);
    assert_true(lab < 1.2 * vision && vision < 1.2 * lab);
    stint_shares_deinit(&shares);
    stint_trace_deinit(&trace);
}

static void clusters_have_the_nodes_they_say(void **state)
{
    (void)state;
    static const char text[] = "name=a nodes=2 cores=8 numa=2 memory=16G gpus=H200:4\n\ncores=3\n";
    static const char *const bad[] = { "",
                                       "cores=0",
                                       "cores=4 numa=8",
                                       "nodes=4",
                                       "cores=4 disk=1",
                                       "cores=4 gpus=:2",
                                       "cores=x",
                                       "cores=4 gpus=65",
                                       "cores=4 memory=lots",
                                       "cores=4 nodes=99999",
                                       "cores=4 name=a/b" };
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_cluster_parse(text, strlen(text), "test", &machine, NULL), 0);
    assert_int_equal(machine->node_count, 3);
    assert_string_equal(machine->nodes[1].name, "a1");
    assert_int_equal(machine->nodes[1].shape->gpu_count, 4);
    assert_string_equal(machine->nodes[1].shape->gpus[3].type, "h200");
    assert_int_equal(machine->nodes[1].shape->numa[1].memory_bytes, INT64_C(8) << 30);
    assert_int_equal(machine->nodes[2].shape->core_count, 3);
    machine = stint_machine_free(machine);
    for (size_t i = 0; i < STINT_ARRAY_SIZE(bad); i++) {
        struct stint_error err = { 0 };
        assert_int_equal(stint_cluster_parse(bad[i], strlen(bad[i]), "test", &machine, &err),
                         STINT_INVALID);
        assert_true(err.text[0] != '\0');
    }
    static const char *const bad_shares[] = { "",
                                              "project a",
                                              "project a 1\nproject a 1",
                                              "user 1 a",
                                              "project a 1 b",
                                              "project a -1",
                                              "group a 1",
                                              "project a 1\nuser 99999999 a" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(bad_shares); i++) {
        struct stint_shares shares;
        assert_int_equal(
            stint_shares_parse(bad_shares[i], strlen(bad_shares[i]), "test", &shares, NULL),
            STINT_INVALID);
    }
}

static void curves_are_means_of_equal_steps(void **state)
{
    (void)state;
    /* All four processors until 100; 2 waits until then, and takes one until 300. */
    struct stint_trace trace =
        parse("; MaxProcs: 4\n1 0 0 100 4 0 0 4 100\n2 0 0 200 1 0 0 1 200\n");
    struct stint_curve curve;
    struct stint_simulation simulation = { .trace = &trace,
                                           .policy = { .mode = STINT_MODE_FCFS },
                                           .curve = &curve };
    struct stint_simulation_result result;
    assert_int_equal(stint_simulate(&simulation, &result, NULL), 0);
    assert_int_equal(curve.count, 300);
    assert_int_equal(curve.step_s, 1);
    for (size_t i = 0; i < curve.count; i++) {
        assert_float_equal(curve.busy[i], i < 100 ? 1 : 0.25, 1e-12);
        assert_float_equal(curve.waiting[i], i < 100 ? 1 : 0, 1e-12);
    }
    stint_trace_deinit(&trace);
}

static void long_curves_keep_their_areas(void **state)
{
    (void)state;
    /* 1,000,000 s in at most 512 steps; the last one is not whole. */
    struct stint_trace trace = parse("; MaxProcs: 2\n1 5 0 700001 2 0 0 2 700001\n"
                                     "2 700006 0 300002 1 0 0 1 300002\n");
    struct stint_curve curve;
    struct stint_simulation simulation = { .trace = &trace,
                                           .policy = { .mode = STINT_MODE_EASY },
                                           .curve = &curve };
    struct stint_simulation_result result;
    double area = 0;
    assert_int_equal(stint_simulate(&simulation, &result, NULL), 0);
    assert_int_equal(curve.first_s, 5);
    assert_int_equal(curve.last_s, 1000008);
    assert_int_equal(curve.step_s, 2048);
    assert_int_equal(curve.count, (1000003 + 2047) / 2048);
    for (size_t i = 0; i < curve.count; i++) {
        int64_t left_s = curve.last_s - curve.first_s - (int64_t)i * curve.step_s;
        area += curve.busy[i] * (double)(left_s < curve.step_s ? left_s : curve.step_s);
    }
    assert_float_equal(area, 700001 + 0.5 * 300002, 1e-3);
    assert_float_equal(curve.busy[curve.count - 1], 0.5, 1e-9);
    stint_trace_deinit(&trace);
}

static void plots_escape_names_and_stay_inside(void **state)
{
    (void)state;
    struct stint_curve curves[2] = { { .first_s = 0, .last_s = 0, .step_s = 1 },
                                     { .first_s = 7,
                                       .last_s = 9,
                                       .step_s = 1,
                                       .count = 2,
                                       .busy = { 1, 0.5 },
                                       .waiting = { 3, 1e6 } } };
    const struct stint_plot_line lines[] = { { "<a&b>", &curves[0] }, { "b", &curves[1] } };
    struct stint_buffer image = { 0 };
    stint_plot_write("t\x01<script>", lines, 2, &image);
    const char *text = stint_buffer_text(&image);
    assert_non_null(strstr(text, ">&lt;a&amp;b&gt;</text>"));
    assert_non_null(strstr(text, "<title>t &lt;script&gt;</title>"));
    assert_null(strstr(text, "nan"));
    assert_null(strstr(text, "inf"));
    assert_non_null(strstr(text, ">1000000</text>"));
    /* Utilization of 1 is the upper edge, the longest queue the lower panel's. */
    assert_non_null(strstr(text, " 78.0H789.3V163.0H880.0"));
    assert_non_null(strstr(text, "V288.0H880.0"));
    stint_buffer_deinit(&image);
}

static void gpus_that_are_counted_apart_are_asked_beside_cores(void **state)
{
    (void)state;
    static const char cluster[] = "cores=8 gpus=h200:2\n";
    struct stint_trace trace = parse("1 0 0 10 4 0 0 4 10\n2 0 0 10 4 0 0 4 10\n"
                                     "3 0 0 10 1 0 0 1 10\n4 0 0 10 99 0 0 99 10\n");
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_cluster_parse(cluster, strlen(cluster), "test", &machine, NULL), 0);
    assert_non_null(trace.gpus = calloc(trace.job_count, sizeof(*trace.gpus)));
    trace.gpus[0] = 2;
    struct stint_simulation simulation = { .trace = &trace,
                                           .machine = machine,
                                           .policy = { .mode = STINT_MODE_FCFS } };
    struct stint_simulation_result result;
    assert_int_equal(stint_simulate(&simulation, &result, NULL), 0);
    assert_int_equal(result.sum_start, 0 + 0 + 10 + 20); /* 3 finds no core, 4 is cut to all */
    assert_float_equal(result.utilization, 20.0 / (2 * 30), 1e-9);
    (void)stint_machine_free(machine);
    stint_trace_deinit(&trace);
}

/* One line of expected.csv: trace,policy,mode,…,sum_start,sha256. */
static void compare_expected(char *line, int *checked)
{
    static const struct {
        const char *policy;
        enum stint_mode mode;
        enum stint_estimates estimates;
    } known[] = {
        { "fcfs", STINT_MODE_FCFS, STINT_ESTIMATES_USER },
        { "sjf", STINT_MODE_SJF, STINT_ESTIMATES_USER },
        { "easy", STINT_MODE_EASY, STINT_ESTIMATES_USER },
        { "easy-sjbf", STINT_MODE_EASY_SJBF, STINT_ESTIMATES_USER },
        { "cons", STINT_MODE_CONSERVATIVE, STINT_ESTIMATES_USER },
        { "easy-clair", STINT_MODE_EASY, STINT_ESTIMATES_ACTUAL },
        { "easy-sjbf-clair", STINT_MODE_EASY_SJBF, STINT_ESTIMATES_ACTUAL },
        { "cons-clair", STINT_MODE_CONSERVATIVE, STINT_ESTIMATES_ACTUAL },
    };
    char *fields[17];
    size_t count = 0;
    char path[4096];
    char hex[STINT_SHA256_HEX];
    line[strcspn(line, "\n")] = '\0';
    for (char *field = strtok(line, ","); field && count < 17; field = strtok(NULL, ","))
        fields[count++] = field;
    if (count < 17 || strcmp(fields[2], "batch") != 0)
        return;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(known); i++) {
        if (strcmp(fields[1], known[i].policy) != 0)
            continue;
        struct stint_trace trace;
        struct stint_error err = { 0 };
        struct stint_simulation_result result;
        (void)snprintf(path, sizeof(path), "%s/traces/%s", STINT_SHARED_DATA, fields[0]);
        assert_int_equal(stint_trace_load(path, &trace, &err), 0);
        struct stint_simulation simulation = { .trace = &trace,
                                               .estimates = known[i].estimates,
                                               .policy = { .mode = known[i].mode } };
        assert_int_equal(stint_simulate(&simulation, &result, &err), 0);
        assert_int_equal(result.promise_violations, 0);
        if (strcmp(stint_sha256_hex(&result.starts, hex), fields[16]) != 0)
            fail_msg("%s %s: other starts than expected", fields[0], fields[1]);
        assert_int_equal(result.sum_start, strtoll(fields[15], NULL, 10));
        (void)snprintf(path, sizeof(path), "%.6f %.6f", result.mean_wait_s,
                       result.mean_bounded_slowdown);
        assert_non_null(strstr(path, fields[5]));
        assert_non_null(strstr(path, fields[10]));
        stint_trace_deinit(&trace);
        (*checked)++;
    }
}

static void textbook_modes_equal_the_reference_start_by_start(void **state)
{
    (void)state;
    char line[1024];
    int checked = 0;
    FILE *file = fopen(STINT_SHARED_DATA "/traces/expected.csv", "re");
    if (!file)
        skip();
    while (fgets(line, sizeof(line), file))
        compare_expected(line, &checked);
    (void)fclose(file);
    assert_true(checked >= 24);
}

/* Of EASY's: slowdown at most 0.65 and wait at most 0.92 a log, longest wait at most 2.5 times. */
static void the_default_policy_beats_easy_on_every_log(void **state)
{
    (void)state;
    static const char *const names[] = { "kth-sp2-1996", "sdsc-sp2-1998", "philly-6c71a0-g80" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(names); i++) {
        char path[4096];
        struct stint_trace trace;
        (void)snprintf(path, sizeof(path), "%s/traces/%s.swf.gz", STINT_SHARED_DATA, names[i]);
        if (access(path, R_OK) != 0)
            skip();
        assert_int_equal(stint_trace_load(path, &trace, NULL), 0);
        struct stint_simulation_result easy = simulate(&trace, STINT_MODE_EASY);
        struct stint_simulation_result ours = simulate(&trace, STINT_MODE_STINT);
        assert_true(ours.mean_bounded_slowdown <= 0.65 * easy.mean_bounded_slowdown);
        assert_true(ours.mean_wait_s <= 0.92 * easy.mean_wait_s);
        assert_true((double)ours.max_wait_s <= 2.5 * (double)easy.max_wait_s);
        /* With half of the jobs preemptible slowdown is at most a fifth. */
        struct stint_simulation half = { .trace = &trace,
                                         .preemptible = 0.5,
                                         .seed = 1,
                                         .resume_cost_s = 60,
                                         .policy = { .mode = STINT_MODE_STINT } };
        assert_int_equal(stint_simulate(&half, &ours, NULL), 0);
        assert_true(ours.mean_bounded_slowdown <= 0.2 * easy.mean_bounded_slowdown);
        assert_int_equal(ours.promise_violations, 0);
        stint_trace_deinit(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read_by_the_formats_rules),
        cmocka_unit_test(broken_lines_are_named),
        cmocka_unit_test(a_small_day_has_the_figures_of_pencil_and_paper),
        cmocka_unit_test(jobs_larger_than_the_machine_are_cut_to_it),
        cmocka_unit_test(jobs_spread_over_unequal_nodes),
        cmocka_unit_test(equal_traces_give_equal_starts),
        cmocka_unit_test(shares_decide_between_projects),
        cmocka_unit_test(a_parent_has_its_own_share_beside_its_children),
        cmocka_unit_test(clusters_have_the_nodes_they_say),
        cmocka_unit_test(curves_are_means_of_equal_steps),
        cmocka_unit_test(long_curves_keep_their_areas),
        cmocka_unit_test(plots_escape_names_and_stay_inside),
        cmocka_unit_test(gpus_that_are_counted_apart_are_asked_beside_cores),
        cmocka_unit_test(textbook_modes_equal_the_reference_start_by_start),
        cmocka_unit_test(the_default_policy_beats_easy_on_every_log),
    };
    return cmocka_run_group_tests_name("simulator", tests, NULL, NULL);
}
