/* Claims about `stint simulate`: columns, plots, clusters, shares, the site's own history, and a
 * progress bar that only a terminal sees. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "fake_daemon.h"
#include "stint/auto.h"

#define PATH(name) (STINT_TEST_DATA "/simulate/" name)
#define DAY        "simulate", "--trace", PATH("day.swf")
#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void options_have_their_statuses_and_say_why(void **state)
{
    static const struct {
        const char *words[12];
        int status;
        const char *out;
        const char *err;
    } cases[] = {
        { { DAY }, 0, "mean bounded slowdown", "" },
        { { DAY, "--json" }, 0, "{\"schema\":\"stint.simulation/1\",\"policy\":\"stint\"", "" },
        { { DAY, "--policy", "easy", "--policy", "fcfs" }, 0, "easy             fcfs", "" },
        { { DAY, "--policy", "easy", "--compare", "sjf" }, 0, "easy              sjf", "" },
        { { DAY, "--compare", "easy", "--json" }, 0, "{\"schema\":\"stint.simulations/1\"", "" },
        { { DAY, "--cluster", PATH("now.cluster") }, 0, "now.cluster", "" },
        { { DAY, "--shares", PATH("even.shares") }, 0, "vision", "" },
        { { DAY, "--events", "-", "--compare", "easy" }, 0, "# easy\n", "" },
        { { "simulate" }, 2, "", "no trace given" },
        { { DAY, "--history", "30d" }, 2, "", "contradict" },
        { { DAY, "--cores", "8", "--cluster", PATH("now.cluster") }, 2, "", "contradict" },
        { { DAY, "--cluster", PATH("day.swf") }, 2, "", "day.swf:1" },
        { { DAY, "--cluster", "/nonexistent" }, 3, "", "/nonexistent" },
        { { DAY, "--shares", PATH("now.cluster") }, 2, "", "now.cluster:2" },
        { { DAY, "--compare", "magic" }, 2, "", "magic" },
        { { DAY, "--cores", "eight" }, 2, "", "--cores eight" },
        { { DAY, "--cores", "0" }, 2, "", "--cores 0: a machine has at least one core" },
        { { DAY, "--preemptible", "" }, 2, "", "not a share" },
        { { DAY, "--plot", "/nonexistent/p.svg" }, 2, "", "--plot /nonexistent/p.svg" },
        { { DAY, "--plot", "/dev/full" }, 2, "", "a disk with room" },
        { { "simulate", "--history", "30" }, 2, "", "how far back" },
        { { "simulate", "--history", "soon" }, 2, "", "how far back" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct outcome outcome = stint_run(NULL, "/tmp", NULL, cases[i].words);
        if (outcome.status != cases[i].status || !strstr(outcome.out, cases[i].out) ||
            !strstr(outcome.err, cases[i].err) || (!*cases[i].err && *outcome.err))
            fail_msg("case %zu: status %d\n%s\n%s", i, outcome.status, outcome.out, outcome.err);
        outcome_deinit(&outcome);
    }
}

static json_t *simulations(const char *socket, const char *const *words)
{
    struct outcome outcome = stint_run(socket, "/tmp", NULL, words);
    json_t *document = json_loads(outcome.out, 0, NULL);
    if (outcome.status != 0 || !document)
        fail_msg("status %d\n%s\n%s", outcome.status, outcome.out, outcome.err);
    outcome_deinit(&outcome);
    return document;
}

static const json_t *column(const json_t *document, size_t index, const char *key)
{
    const json_t *columns = json_object_get(document, "simulations");
    return json_object_get(json_array_get(columns, index), key);
}

static void more_nodes_shorten_the_wait_beside_the_old_ones(void **state)
{
    json_t *both = simulations(NULL, WORDS(DAY, "--json", "--cluster", PATH("now.cluster"),
                                           "--cluster", PATH("more.cluster")));
    (void)state;
    assert_true(json_real_value(column(both, 1, "mean_wait_s")) <
                0.5 * json_real_value(column(both, 0, "mean_wait_s")));
    assert_string_equal(json_string_value(column(both, 1, "policy")), "stint");
    json_decref(both);
}

static void a_column_is_what_it_is_alone(void **state)
{
    json_t *both = simulations(NULL, WORDS(DAY, "--json", "--compare", "fcfs"));
    json_t *alone = simulations(NULL, WORDS(DAY, "--json", "--policy", "fcfs"));
    (void)state;
    assert_string_equal(json_string_value(column(both, 1, "starts_sha256")),
                        json_string_value(json_object_get(alone, "starts_sha256")));
    assert_string_not_equal(json_string_value(column(both, 0, "starts_sha256")),
                            json_string_value(column(both, 1, "starts_sha256")));
    json_decref(both);
    json_decref(alone);
}

static void changed_shares_stand_beside_each_other(void **state)
{
    json_t *both = simulations(NULL, WORDS(DAY, "--json", "--shares", PATH("even.shares"),
                                           "--shares", PATH("uneven.shares")));
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        const json_t *nlp = json_array_get(column(both, i, "projects"), 1);
        assert_string_equal(json_string_value(json_object_get(nlp, "name")), "nlp");
        assert_int_equal(json_integer_value(json_object_get(nlp, "shares")), i == 0 ? 1 : 9);
        assert_int_equal(json_integer_value(json_object_get(nlp, "jobs")), 8);
    }
    json_decref(both);
}

static void a_plot_has_a_line_in_each_panel_for_each_column(void **state)
{
    char path[] = "/tmp/stint-plot-XXXXXX";
    char text[65536];
    int fd = mkstemp(path);
    struct outcome outcome =
        stint_run(NULL, "/tmp", NULL, WORDS(DAY, "--compare", "easy", "--plot", path));
    ssize_t length = read(fd, text, sizeof(text) - 1);
    (void)state;
    (void)close(fd);
    (void)unlink(path);
    assert_int_equal(outcome.status, 0);
    assert_true(length > 0);
    text[length] = '\0';
    assert_non_null(strstr(text, "<title>12 jobs of day.swf</title>"));
    assert_non_null(strstr(text, ">stint</text>"));
    assert_non_null(strstr(text, ">easy</text>"));
    size_t lines = 0;
    for (const char *at = text; (at = strstr(at, "class=\"line\"")); at++)
        lines++;
    assert_int_equal(lines, 6); /* legend, upper and lower panel, twice */
    outcome_deinit(&outcome);
}

/* ---- history ---- */

#define NODES                                                                                      \
    "{\"nodes\":[{\"name\":\"a\",\"cores\":8,\"numa_nodes\":2,\"gpus\":["                          \
    "{\"type\":\"h200\",\"partition_of\":null},{\"type\":\"h200\",\"partition_of\":null},"         \
    "{\"type\":\"h200-1g\",\"partition_of\":1}]}]}"
#define JOB(id, from, to, gpus, project)                                                           \
    "{\"id\":" id ",\"project\":\"" project "\",\"cpus\":2,\"gpus\":" gpus                         \
    ",\"walltime_s\":7200,\"submitted\":\"2026-11-20T10:00:00Z\",\"started\":\"2026-11-20T" from   \
    "Z\",\"ended\":\"2026-11-20T" to "Z\"}"

static const struct fake_answer history[] = {
    { "GET", "/api/v1/jobs?state=done&since=*Z&limit=1000", 200,
      "{\"jobs\":[" JOB("4", "12:00:00", "13:00:00", "2",
                        "nlp") ","
                               "{\"id\":3,\"submitted\":\"2026-11-20T10:00:00Z\",\"started\":null,"
                               "\"ended\":null}],"
                               "\"next\":\"c3\"}",
      NULL, 0, false },
    { "GET", "/api/v1/jobs?state=done&since=*Z&limit=1000&after=c3", 200,
      "{\"jobs\":[" JOB("2", "11:00:00", "12:00:00", "2", "vision") "," JOB(
          "1", "10:00:00", "11:00:00", "0", "nlp") "],\"next\":null}",
      NULL, 0, false },
    { "GET", "/api/v1/nodes", 200, NODES, NULL, 0, false },
    { 0 },
};

static void history_is_every_page_on_the_nodes_there_are(void **state)
{
    struct fake_daemon *fake = fake_daemon_start(history);
    json_t *document = simulations(fake_daemon_socket(fake), WORDS("simulate", "--history", "30d",
                                                                   "--json", "--policy", "fcfs"));
    (void)state;
    /* 1 takes two cores; 2 takes both GPUs beside it; 4 waits for 2. */
    assert_int_equal(json_integer_value(json_object_get(document, "jobs")), 3);
    assert_int_equal(json_integer_value(json_object_get(document, "makespan_s")), 7200);
    assert_int_equal(json_integer_value(json_object_get(document, "sum_start")), 3600);
    assert_float_equal(json_real_value(json_object_get(document, "utilization")), 1.0, 1e-9);
    json_decref(document);
    fake_daemon_stop(fake);
}

#define TASK(number, from, to)                                                                     \
    "{\"id\":7,\"task\":" number ",\"project\":\"nlp\",\"cpus\":8,\"gpus\":0,\"walltime_s\":7200," \
    "\"submitted\":\"2026-11-20T10:00:00Z\",\"started\":\"2026-11-20T" from "Z\",\"ended\":"       \
    "\"2026-11-20T" to "Z\"}"

/* Tasks 1, 3, 4 of eight cores for an hour each, one of which never ran: two hours of a full node.
 */
static void history_has_each_task_of_an_array_as_a_job(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/jobs?state=done&since=*Z&limit=1000", 200,
          "{\"jobs\":[{\"id\":7,\"array\":{\"tasks\":3},\"project\":\"nlp\",\"cpus\":8,\"gpus\":0,"
          "\"walltime_s\":7200,\"submitted\":\"2026-11-20T10:00:00Z\",\"started\":"
          "\"2026-11-20T10:00:00Z\",\"ended\":\"2026-11-20T12:00:00Z\"}],\"next\":null}",
          NULL, 0, false },
        { "GET", "/api/v1/jobs/7", 200, "{\"job\":{\"request\":{\"array\":\"1,3-4%2\"}}}", NULL, 0,
          false },
        { "GET", "/api/v1/jobs/7_*", 200,
          "{\"jobs\":[{\"id\":7,\"task\":3,\"started\":null,\"ended\":null}," TASK(
              "4", "10:00:00", "11:00:00") "," TASK("1", "11:00:00", "12:00:00") "]}",
          NULL, 0, false },
        { "GET", "/api/v1/nodes", 200, NODES, NULL, 0, false },
        { 0 },
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    json_t *document = simulations(fake_daemon_socket(fake), WORDS("simulate", "--history", "30d",
                                                                   "--json", "--policy", "fcfs"));
    (void)state;
    assert_int_equal(json_integer_value(json_object_get(document, "jobs")), 2);
    assert_int_equal(json_integer_value(json_object_get(document, "makespan_s")), 7200);
    /* Of cores, for nobody used the GPUs. */
    assert_float_equal(json_real_value(json_object_get(document, "utilization")), 1.0, 1e-9);
    json_decref(document);
    fake_daemon_stop(fake);
}

static void history_on_one_gpu_more_and_with_other_shares(void **state)
{
    struct fake_daemon *fake = fake_daemon_start(history);
    json_t *document =
        simulations(fake_daemon_socket(fake),
                    WORDS("simulate", "--history", "30d", "--json", "--shares",
                          PATH("uneven.shares"), "--cluster", PATH("four-gpus.cluster")));
    const json_t *projects = json_object_get(document, "projects");
    (void)state;
    assert_int_equal(json_integer_value(json_object_get(document, "makespan_s")), 3600);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(projects, 0), "jobs")),
                     1); /* vision */
    assert_int_equal(json_integer_value(json_object_get(json_array_get(projects, 1), "jobs")),
                     2); /* nlp */
    json_decref(document);
    fake_daemon_stop(fake);
}

/* The list is newest first, and all were submitted in the same second. */
static void history_is_replayed_oldest_first(void **state)
{
    struct fake_daemon *fake = fake_daemon_start(history);
    struct outcome outcome =
        stint_run(fake_daemon_socket(fake), "/tmp", NULL,
                  WORDS("simulate", "--history", "30d", "--policy", "fcfs", "--events", "-"));
    const char *second = strstr(outcome.out, " start 2 ");
    const char *fourth = strstr(outcome.out, " start 4 ");
    (void)state;
    assert_true(second && fourth && second < fourth);
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

static void the_machine_of_now_stands_beside_another(void **state)
{
    struct fake_daemon *fake = fake_daemon_start(history);
    json_t *both = simulations(fake_daemon_socket(fake),
                               WORDS("simulate", "--history", "30d", "--json", "--cluster", "now",
                                     "--cluster", PATH("four-gpus.cluster")));
    (void)state;
    assert_int_equal(json_integer_value(column(both, 0, "makespan_s")), 7200);
    assert_int_equal(json_integer_value(column(both, 1, "makespan_s")), 3600);
    json_decref(both);
    fake_daemon_stop(fake);
}

static void history_that_leads_nowhere_is_refused(void **state)
{
    static const struct {
        const char *jobs;
        int status;
        const char *err;
    } cases[] = {
        { "{\"jobs\":[],\"next\":null}", 3, "no job ran" },
        { "{\"jobs\":[],\"next\":\"c1\"}", 2, "does not go on" },
        { "{\"jobs\":[" JOB("1", "10:00:00", "11:00:00", "0", "nlp") "],\"next\":\"c1\"}", 2,
          "does not go on" },
        { "[]", 3, "no job ran" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct fake_answer answers[] = {
            { "GET", "/api/v1/jobs?*", 200, cases[i].jobs, NULL, 0, false }, { 0 }
        };
        struct fake_daemon *fake = fake_daemon_start(answers);
        struct outcome outcome = stint_run(fake_daemon_socket(fake), "/tmp", NULL,
                                           WORDS("simulate", "--history", "30d"));
        if (outcome.status != cases[i].status || !strstr(outcome.err, cases[i].err))
            fail_msg("case %zu: status %d\n%s", i, outcome.status, outcome.err);
        outcome_deinit(&outcome);
        fake_daemon_stop(fake);
    }
}

/* ---- the bar ---- */

/* What stint writes to a terminal that is its stderr; stdout goes nowhere. */
static size_t run_on_terminal(char *text, size_t size)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    size_t length = 0;
    int status = 0;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
    assert_true(slave >= 0);
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        (void)dup2(null, STDOUT_FILENO);
        (void)dup2(slave, STDERR_FILENO);
        (void)execl(STINT_EXE, "stint", "simulate", "--trace", PATH("day.swf"), (char *)NULL);
        _exit(127);
    }
    (void)close(slave);
    for (ssize_t got = 1; got > 0; length += got > 0 ? (size_t)got : 0)
        got = read(master, text + length, size - 1 - length);
    text[length] = '\0';
    (void)close(master);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return length;
}

static void a_terminal_sees_a_bar_that_is_wiped(void **state)
{
    char text[4096];
    size_t length = run_on_terminal(text, sizeof(text));
    (void)state;
    assert_non_null(strstr(text, "0 % of 12 jobs  stint"));
    assert_true(length > 4);
    assert_string_equal(text + length - 4, "\r\033[K");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_have_their_statuses_and_say_why),
        cmocka_unit_test(more_nodes_shorten_the_wait_beside_the_old_ones),
        cmocka_unit_test(a_column_is_what_it_is_alone),
        cmocka_unit_test(changed_shares_stand_beside_each_other),
        cmocka_unit_test(a_plot_has_a_line_in_each_panel_for_each_column),
        cmocka_unit_test(history_is_every_page_on_the_nodes_there_are),
        cmocka_unit_test(history_has_each_task_of_an_array_as_a_job),
        cmocka_unit_test(history_on_one_gpu_more_and_with_other_shares),
        cmocka_unit_test(history_is_replayed_oldest_first),
        cmocka_unit_test(the_machine_of_now_stands_beside_another),
        cmocka_unit_test(history_that_leads_nowhere_is_refused),
        cmocka_unit_test(a_terminal_sees_a_bar_that_is_wiped),
    };
    return cmocka_run_group_tests_name("simulate", tests, NULL, NULL);
}
