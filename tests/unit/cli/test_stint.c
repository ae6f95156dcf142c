/* Claims about the whole program, against a daemon whose answers are scripted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "fake_daemon.h"
#include "stint/auto.h"

#define WORDS(...)                                                                                 \
    (const char *const[])                                                                          \
    {                                                                                              \
        __VA_ARGS__, NULL                                                                          \
    }

static void expect(const struct outcome *outcome, int status, const char *out, const char *err)
{
    if (outcome->status != status || (out && !strstr(outcome->out, out)) ||
        (err && !strstr(outcome->err, err)))
        fail_msg("status %d, not %d\nout: %s\nerr: %s\nexpected '%s' '%s'", outcome->status, status,
                 outcome->out, outcome->err, out ? out : "", err ? err : "");
}

/* One run against @answers; checks status and pieces of what was written. */
static void claim(const struct fake_answer *answers, const char *const *words, int status,
                  const char *out, const char *err)
{
    struct fake_daemon *fake = fake_daemon_start(answers);
    struct outcome outcome =
        stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL, words);
    expect(&outcome, status, out, err);
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

static void submit_sends_the_command_and_prints_the_id(void **state)
{
    static const struct fake_answer answers[] = {
        { "POST", "/api/v1/jobs", 201, "{\"id\":41}", NULL, 0, false }, { 0 }
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    struct outcome outcome =
        stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), WORDS("STINT_PROJECT=nlp"),
                  WORDS("submit", "--parsable", "-c", "2", "--", "sh", "-c", "echo --help"));
    (void)state;
    expect(&outcome, 0, "41\n", NULL);
    assert_string_equal(outcome.out, "41\n");
    const struct fake_asked *asked = fake_daemon_request(fake, 0);
    json_t *body = json_loads(asked->body, 0, NULL);
    assert_string_equal(json_string_value(json_object_get(body, "project")), "nlp");
    assert_string_equal(json_string_value(json_array_get(json_object_get(body, "command"), 2)),
                        "echo --help");
    assert_string_equal(json_string_value(json_object_get(body, "workdir")),
                        fake_daemon_folder(fake));
    assert_true(strlen(asked->key) > 20);
    json_decref(body);
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

static void submit_asks_again_with_the_same_key_when_the_answer_is_lost(void **state)
{
    static const struct fake_answer answers[] = {
        { "POST", "/api/v1/jobs", 0, "", NULL, 2, true },
        { "POST", "/api/v1/jobs", 201, "{\"id\":41}", NULL, 0, false },
        { 0 },
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    struct outcome outcome = stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL,
                                       WORDS("submit", "--", "true"));
    (void)state;
    expect(&outcome, 0, "job 41 accepted", NULL);
    assert_true(fake_daemon_asked(fake) >= 3);
    for (size_t i = 1; i < fake_daemon_asked(fake); i++)
        assert_string_equal(fake_daemon_request(fake, i)->key, fake_daemon_request(fake, 0)->key);
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

static void a_script_is_read_with_its_directives(void **state)
{
    static const struct fake_answer answers[] = {
        { "POST", "/api/v1/jobs?dry_run=true", 200, "{\"cost_micro\":500000}", NULL, 0, false },
        { "POST", "/api/v1/jobs", 201, "{\"id\":7}", NULL, 0, false },
        { 0 },
    };
    static const struct {
        const char *script;
        const char *words[6];
        int status;
        const char *out;
        const char *err;
    } cases[] = {
        { "#!/bin/sh\n#SBATCH --time=30\n",
          { "submit", "s.sh" },
          0,
          "job 7 accepted",
          "s.sh:2: #SBATCH --time=30 understood as 30 minutes" },
        { "#!/bin/sh\n#SBATCH --test-only\n",
          { "submit", "s.sh" },
          0,
          "nothing was submitted",
          NULL },
        { "#!/bin/sh\n#SBATCH --bogus\n",
          { "submit", "s.sh" },
          0,
          "accepted",
          "s.sh:2: unknown directive" },
        { "#!/bin/sh\n#SBATCH --bogus\n", { "submit", "--strict", "s.sh" }, 2, NULL, "s.sh:2:" },
        { "#!/bin/sh\n#STINT --cpus=none\n",
          { "submit", "s.sh" },
          2,
          NULL,
          "s.sh:2: #STINT --cpus" },
        { "echo\n", { "submit", "s.sh" }, 2, NULL, "does not begin with #!" },
        { "", { "submit", "s.sh" }, 2, NULL, "is empty" },
        { "#!/bin/sh\r\n", { "submit", "s.sh" }, 2, NULL, "DOS line ends" },
        { "#!/bin/sh\n", { "submit", "missing.sh" }, 3, NULL, "missing.sh" },
        { "#!/bin/sh\n", { "submit", "--json", "s.sh" }, 0, "{\"id\":7}\n", "" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct fake_daemon *fake = fake_daemon_start(answers);
        char path[128];
        (void)snprintf(path, sizeof(path), "%s/s.sh", fake_daemon_folder(fake));
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        (void)fputs(cases[i].script, file);
        (void)fclose(file);
        struct outcome outcome =
            stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL, cases[i].words);
        expect(&outcome, cases[i].status, cases[i].out, cases[i].err);
        outcome_deinit(&outcome);
        fake_daemon_stop(fake);
    }
}

static void refusals_name_criteria_and_exit_by_their_kind(void **state)
{
    static const struct {
        int http;
        const char *body;
        int status;
        const char *err;
    } cases[] = {
        { 422,
          "{\"code\":\"ModelNotOpen\",\"detail\":\"model x is not open\",\"fix\":\"use y\","
          "\"also\":[{\"id\":\"OSAID-C2\",\"result\":\"fail\",\"why\":\"no data\\u001b[31m\","
          "\"would_pass\":\"describe it\",\"evidence\":[{\"file\":\"README.md\",\"line\":12}]}],"
          "\"decision\":5}",
          4, "ModelNotOpen: model x is not open; try: use y\n  OSAID-C2  fail  no data" },
        { 422, "{\"code\":\"no-award\",\"detail\":\"none\"}", 5, "no-award" },
        { 429, "{\"code\":\"over-quota\",\"detail\":\"full\"}", 5, "full" },
        { 403, "{\"code\":\"not-permitted\",\"detail\":\"no\"}", 6, "no" },
        { 409, "{\"code\":\"conflict\",\"detail\":\"was\"}", 8, "was" },
        { 400, "{\"code\":\"invalid-request\",\"detail\":\"bad\"}", 2, "bad" },
        { 500, "not json", 1, "answered 500" },
        { 404, "", 3, "answered 404" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct fake_answer answers[] = {
            { "POST", "/api/v1/jobs", cases[i].http, cases[i].body, NULL, 0, false }, { 0 }
        };
        struct fake_daemon *fake = fake_daemon_start(answers);
        struct outcome outcome = stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL,
                                           WORDS("submit", "--", "true"));
        expect(&outcome, cases[i].status, "", cases[i].err);
        assert_null(strchr(outcome.err, '\033'));
        outcome_deinit(&outcome);
        fake_daemon_stop(fake);
    }
}

#define JOB(state, rest)                                                                           \
    "{\"schema\":\"stint.job/1\",\"job\":{\"id\":41,\"state\":\"" state "\"" rest "}}"

static void wait_ends_with_the_job_s_own_status(void **state)
{
    static const struct {
        const char *job;
        int status;
    } cases[] = {
        { JOB("done", ",\"outcome\":\"completed\",\"exit_code\":0"), 0 },
        { JOB("done", ",\"outcome\":\"failed\",\"exit_code\":7"), 7 },
        { JOB("done", ",\"outcome\":\"failed\",\"exit_code\":0,\"term_signal\":9"), 137 },
        { JOB("done", ",\"outcome\":\"cancelled\""), 130 },
        { JOB("done", ",\"outcome\":\"timeout\""), 124 },
        { JOB("done", ",\"outcome\":\"refused\""), 4 },
        { JOB("done", ",\"outcome\":\"lost\",\"exit_code\":null"), 1 },
        { JOB("done", ",\"outcome\":\"failed\",\"exit_code\":null"), 126 },
        { JOB("done", ",\"outcome\":\"failed\",\"exit_code\":null,\"start_status\":127"), 127 },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct fake_answer answers[] = {
            { "GET", "/api/v1/jobs/41?wait_s=0", 200, JOB("running", ""), NULL, 1, false },
            { "GET", "/api/v1/jobs/41?wait_s=25", 200, cases[i].job, NULL, 0, false },
            { 0 },
        };
        claim(answers, WORDS("wait", "41"), cases[i].status, "", "");
    }
}

static void wait_gives_up_at_its_timeout(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/jobs/41?wait_s=0", 200, JOB("running", ""), NULL, 0, false }, { 0 }
    };
    (void)state;
    claim(answers, WORDS("wait", "--timeout", "0s", "41"), 9, "", "not done yet");
}

static void run_streams_both_outputs_and_ends_as_the_job_did(void **state)
{
    static const struct fake_answer answers[] = {
        { "POST", "/api/v1/jobs", 201, "{\"id\":41}", NULL, 0, false },
        { "GET", "/api/v1/jobs/41/output?stream=stdout&follow=1&offset=0", 404, "{}", NULL, 1,
          false },
        { "GET", "/api/v1/jobs/41/output?stream=stderr&follow=1&offset=0", 404, "{}", NULL, 1,
          false },
        { "GET", "/api/v1/jobs/41?wait_s=1", 200, JOB("running", ""), NULL, 0, false },
        { "GET", "/api/v1/jobs/41/output?stream=stdout&follow=1&offset=0", 200, "out text\n", NULL,
          0, false },
        { "GET", "/api/v1/jobs/41/output?stream=stderr&follow=1&offset=0", 200, "err text\n", NULL,
          0, false },
        { "GET", "/api/v1/jobs/41?wait_s=5", 200,
          JOB("done", ",\"outcome\":\"failed\",\"exit_code\":3"), NULL, 0, false },
        { 0 },
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    struct outcome outcome = stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL,
                                       WORDS("run", "--", "true"));
    (void)state;
    expect(&outcome, 3, "", "");
    assert_string_equal(outcome.out, "out text\n");
    assert_string_equal(outcome.err, "err text\n");
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

static void deeds_go_to_each_job_and_the_first_failure_is_the_status(void **state)
{
    static const struct fake_answer answers[] = {
        { "POST", "/api/v1/jobs/41_[0-0]/hold", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/jobs/42/hold", 409, "{\"code\":\"wrong-state\",\"detail\":\"d\"}", NULL,
          0, false },
        { "POST", "/api/v1/jobs/43_0/hold", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/jobs/41_7/hold", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/jobs/41_[1-5]/hold", 200, "{}", NULL, 0, false },
        { "DELETE", "/api/v1/jobs/41", 200, "{}", NULL, 0, false },
        { "DELETE", "/api/v1/jobs/42", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/jobs/41/signal", 200, "{}", NULL, 0, false },
        { "DELETE", "/api/v1/jobs/44", 200, "{\"job\":{\"state\":\"ending\"},\"grace_s\":30}", NULL,
          0, false },
        { "POST", "/api/v1/jobs/44/requeue", 200, "{\"job\":{\"state\":\"ending\"}}", NULL, 0,
          false },
        { "POST", "/api/v1/jobs/44/signal", 200, "{\"job\":{\"state\":\"ending\"}}", NULL, 0,
          false },
        { "DELETE", "/api/v1/jobs/45", 409,
          "{\"code\":\"wrong-state\",\"detail\":\"job 45 is done\"}", NULL, 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("hold", "41_[0-0]", "42", "43_0"), 8, "job 41_[0-0] held\njob 43_0 held\n",
          "wrong-state");
    claim(answers, WORDS("cancel", "41"), 0, "job 41 cancelled\n", "");
    claim(answers, WORDS("cancel", "41", "42"), 2, "", "--yes");
    claim(answers, WORDS("cancel", "--yes", "41", "42"), 0, "job 42 cancelled\n", "");
    claim(answers, WORDS("signal", "-s", "SIGUSR2", "41"), 0, "job 41 signalled\n", "");
    claim(answers, WORDS("signal", "-s", "NONE", "41"), 2, "", "no such signal");
    claim(answers, WORDS("update", "41"), 2, "", "--priority N");
    claim(answers, WORDS("update", "--priority", "101", "41"), 2, "", "from -100 to 100");
    claim(answers, WORDS("hold", "4x"), 2, "", "not a job's id");
    claim(answers, WORDS("hold", "41_7"), 0, "job 41_7 held\n", "");
    claim(answers, WORDS("hold", "41_[1-5]"), 0, "job 41_[1-5] held\n", "");
    claim(answers, WORDS("hold", "41_[5-1]"), 2, "", "41_[1-5], as");
    claim(answers, WORDS("cancel", "44"), 0, "job 44 is ending, at most 30 s\n", "");
    claim(answers, WORDS("requeue", "44"), 0, "job 44 is ending\n", "");
    claim(answers, WORDS("signal", "44"), 0, "job 44 signalled\n", "");
    claim(answers, WORDS("cancel", "45"), 8, "", "job 45 is done");
    claim(answers, WORDS("hold", "99"), 3, "", "not-found");
}

static void a_job_that_never_ran_says_why_wherever_it_is_asked(void **state)
{
#define NOTE "cannot execute x"
#define LOST ",\"outcome\":\"failed\",\"exit_code\":null,\"note\":\"" NOTE "\""
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/jobs/41?wait_s=0", 200, JOB("done", LOST), NULL, 0, false },
        { "GET", "/api/v1/jobs/41?wait_s=1", 200, JOB("done", LOST), NULL, 0, false },
        { "GET", "/api/v1/jobs/41", 200, JOB("done", LOST), NULL, 0, false },
        { "GET", "/api/v1/jobs?limit=100", 200,
          "{\"jobs\":[{\"id\":41,\"state\":\"done\"" LOST "}],\"next\":null}", NULL, 0, false },
        { "GET", "/api/v1/jobs/41/why", 200,
          "{\"id\":41,\"state\":\"done\"" LOST ",\"reason\":null,\"also\":[]}", NULL, 0, false },
        { "GET", "/api/v1/jobs/41/output?stream=stdout", 409,
          "{\"code\":\"wrong-state\",\"detail\":\"" NOTE "\"}", NULL, 0, false },
        { "GET", "/api/v1/jobs/41/output?stream=stdout&follow=1&offset=0", 409,
          "{\"code\":\"wrong-state\",\"detail\":\"" NOTE "\"}", NULL, 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("wait", "41"), 126, "", "job 41 failed: " NOTE);
    claim(answers, WORDS("show", "41"), 0, NOTE, "");
    claim(answers, WORDS("jobs"), 0, NOTE, "");
    claim(answers, WORDS("why", "41"), 0, "job 41 is done, failed: " NOTE "\n", "");
    claim(answers, WORDS("logs", "41"), 8, "", NOTE);
    claim(answers, WORDS("logs", "-f", "41"), 8, "", NOTE);
}

static void why_gives_the_sentence_and_not_the_figures_again(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/jobs/41/why", 200,
          "{\"id\":41,\"state\":\"pending\",\"reason\":{\"code\":\"Capacity\",\"text\":\"full\","
          "\"params\":{\"asked\":333334,\"unit\":\"micro\"},\"fix\":\"wait\"},\"also\":[]}",
          NULL, 0, false },
        { 0 },
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    struct outcome outcome = stint_run(fake_daemon_socket(fake), "/tmp", NULL, WORDS("why", "41"));
    (void)state;
    expect(&outcome, 0, "job 41 waits: Capacity: full\n  try: wait\n", "");
    assert_null(strstr(outcome.out, "333334"));
    outcome_deinit(&outcome);
    fake_daemon_stop(fake);
}

#define ROW(id)                                                                                    \
    "{\"id\":" id                                                                                  \
    ",\"name\":\"n\",\"project\":\"p\",\"state\":\"pending\",\"reason\":{\"code\":\"Capacity\"}}"

static void lists_are_drawn_passed_through_or_followed_by_cursor(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/queue", 200, "{\"schema\":\"stint.jobs/1\",\"jobs\":[" ROW("41") "]}",
          NULL, 0, false },
        { "GET", "/api/v1/jobs?limit=2", 200,
          "{\"jobs\":[" ROW("1") "," ROW("2") "],\"next\":\"c1\"}", NULL, 0, false },
        { "GET", "/api/v1/jobs?limit=2&after=c1", 200,
          "{\"jobs\":[" ROW("3") "," ROW("4") "],\"next\":\"x\"}",
          "</api/v1/jobs?limit=2&after=c2>; rel=\"next\"", 0, false },
        { "GET", "/api/v1/jobs?limit=2&after=c2", 200, "{\"jobs\":[" ROW("5") "],\"next\":null}",
          NULL, 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("queue"), 0, "41  n", "");
    claim(answers, WORDS("queue"), 0, "Capacity", "");
    claim(answers, WORDS("queue", "--json"), 0,
          "{\"schema\":\"stint.jobs/1\",\"jobs\":[" ROW("41") "]}\n", "");
    claim(answers, WORDS("jobs", "--limit", "2"), 0, "--after c1", "");
    claim(answers, WORDS("jobs", "--limit", "2", "--all"), 0, " 5  n", "");
    claim(answers, WORDS("jobs", "--since", "yesterweek"), 2, "", "--since");
}

static void a_cursor_that_never_moves_ends(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/jobs?limit=100", 200, "{\"jobs\":[],\"next\":null}",
          "</api/v1/jobs?limit=100>; rel=\"next\"", 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("jobs", "--all"), 0, "no such jobs", "");
}

static void allocations_are_drawn_per_node(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/nodes", 200,
          "{\"nodes\":[{\"name\":\"node0\",\"cores\":8,\"state\":\"up\",\"gpus\":[{\"slot\":0},"
          "{\"slot\":1}]}]}",
          NULL, 0, false },
        { "GET", "/api/v1/allocations", 200,
          "{\"allocations\":[{\"job\":1,\"project\":\"p\",\"node\":\"node0\",\"cores\":\"0-3\","
          "\"gpus\":[1]},{\"job\":2,\"project\":\"q\",\"allocation\":\"node0/core[6]\"},"
          "{\"job\":3,\"project\":\"q\",\"node\":\"node0\",\"cores\":\"7\",\"gpus\":\"1\","
          "\"gpu_milli\":250}]}",
          NULL, 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("allocations"), 0, "  cores  AAAA..BC\n  GPUs   .*\n", "");
    claim(answers, WORDS("allocations"), 0, "C    3  q        node0      1  0.25", "");
}

static void why_says_what_ends_a_wait_and_what_would_help(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/jobs/41/why", 200,
          "{\"id\":41,\"state\":\"pending\",\"reason\":{\"code\":\"NodeDraining\",\"text\":"
          "\"drained\"},"
          "\"no_estimate\":\"an operator resumes the node\","
          "\"starts_now_with\":[\"--gpus 1\",\"--time 00:10:00\"]}",
          NULL, 0, false },
        { "GET", "/api/v1/jobs/42/why", 200,
          "{\"id\":42,\"state\":\"held\",\"reason\":{\"code\":\"HeldByUser\",\"text\":\"held\"},"
          "\"estimate\":{\"p50\":\"2026-11-25T03:00:00Z\",\"p90\":\"2026-11-25T04:00:00Z\","
          "\"supposes\":\"it is released now\"}}",
          NULL, 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("why", "41"), 0,
          "job 41 waits: NodeDraining: drained\n"
          "  no start can be told until an operator resumes the node\n"
          "  would start now with --gpus 1\n  would start now with --time 00:10:00\n",
          "");
    claim(answers, WORDS("why", "42"), 0, "  if it is released now:\n  expected 2026-11-25", "");
}

static void a_drained_node_says_why_and_since_when(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/nodes", 200,
          "{\"nodes\":[{\"name\":\"a\",\"cores\":8,\"state\":\"up\",\"gpus\":[]},{\"name\":\"b\","
          "\"cores\":8,\"state\":\"draining\",\"reason\":\"new fan\",\"since\":"
          "\"2026-05-25T12:00:00Z\",\"gpus\":[]}]}",
          NULL, 0, false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("nodes"), 0, "b draining since 2026-05-25 12:00 +0000: new fan\n", "");
    claim(answers, WORDS("nodes", "b"), 0, "b draining since", "");
    claim(answers, WORDS("admin", "node", "list"), 0, ": new fan\n", "");
}

static void writes_carry_reason_and_rehearsal(void **state)
{
    static const struct fake_answer answers[] = {
        { "POST", "/api/v1/quotas", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/shares", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/awards", 201, "{}", NULL, 0, false },
        { "POST", "/api/v1/awards/A/reduce", 200, "{}", NULL, 0, false },
        { "PATCH", "/api/v1/projects/nlp", 200, "{}", NULL, 0, false },
        { "PATCH", "/api/v1/nodes/node0", 200, "{}", NULL, 0, false },
        { "POST", "/api/v1/projects", 201, "{}", NULL, 0, false },
        { 0 },
    };
    static const struct {
        const char *words[14];
        int status;
        const char *body; /* as the daemon gets it; NULL: nothing was asked */
    } cases[] = {
        { { "admin", "quota", "set", "--project", "nlp", "gpus=4", "gpu-hours=500/month",
            "--reason", "call" },
          0,
          "{\"assignments\":[\"gpus=4\",\"gpu-hours=500/month\"],\"name\":\"nlp\","
          "\"reason\":\"call\",\"scope\":\"project\"}" },
        { { "admin", "quota", "set", "--site", "jobs=9", "--reason", "r", "--dry-run" },
          0,
          "{\"assignments\":[\"jobs=9\"],\"dry_run\":true,\"reason\":\"r\",\"scope\":\"site\"}" },
        { { "admin", "quota", "remove", "--yes", "--user", "u", "jobs", "--reason", "r" },
          0,
          "{\"assignments\":[\"jobs=\"],\"name\":\"u\",\"reason\":\"r\",\"scope\":\"user\"}" },
        { { "admin", "quota", "remove", "--yes", "--site", "gpu-hours/day", "--reason", "r" },
          0,
          "{\"assignments\":[\"gpu-hours=/day\"],\"reason\":\"r\",\"scope\":\"site\"}" },
        { { "admin", "share", "set", "--project", "nlp", "3", "--reason", "call" },
          0,
          "{\"name\":\"nlp\",\"reason\":\"call\",\"scope\":\"project\",\"shares\":3}" },
        { { "admin", "share", "set", "--project", "nlp", "-3", "--reason", "r" }, 2, NULL },
        { { "admin", "share", "set", "3", "--reason", "r" }, 2, NULL },
        { { "admin", "share", "set", "--user", "u", "3" }, 2, NULL },
        { { "admin", "quota", "set", "--project", "nlp", "gpus=4" }, 2, NULL },
        { { "admin", "node", "drain", "node0", "--reason", "new fan" },
          0,
          "{\"reason\":\"new fan\",\"state\":\"draining\"}" },
        { { "admin", "node", "resume", "node0", "--reason", "r", "--dry-run" },
          0,
          "{\"dry_run\":true,\"reason\":\"r\",\"state\":\"up\"}" },
        { { "admin", "node", "drain", "node0" }, 2, NULL },
        { { "admin", "quota", "set", "gpus=4", "--reason", "r" }, 2, NULL },
        { { "admin", "quota", "set", "--site", "--user", "u", "gpus=4", "--reason", "r" },
          2,
          NULL },
        { { "admin", "award", "grant", "A", "--project", "nlp", "--amount", "1.5", "--until",
            "2027-01-31T00:00:00Z", "--reason", "r" },
          0,
          "{\"amount_micro\":1500000,\"name\":\"A\",\"project\":\"nlp\",\"reason\":\"r\","
          "\"until\":\"2027-01-31T00:00:00Z\"}" },
        { { "admin", "award", "grant", "A", "--project", "nlp", "--until", "2027-01-31", "--reason",
            "r" },
          2,
          NULL },
        { { "admin", "award", "reduce", "A", "--amount", "1", "--reason", "r" }, 2, NULL },
        { { "admin", "award", "reduce", "A", "--amount", "1", "--reason", "r", "--yes" },
          0,
          "{\"amount_micro\":1000000,\"reason\":\"r\"}" },
        { { "admin", "project", "suspend", "nlp", "--reason", "r" },
          0,
          "{\"reason\":\"r\",\"state\":\"suspended\"}" },
        { { "admin", "project", "suspend", "nlp" }, 2, NULL },
        { { "admin", "institution", "add", "uni" }, 2, NULL },
        { { "admin", "user", "add", "u", "--project", "nlp" }, 2, NULL },
        { { "admin", "user", "set", "u", "--operator", "yes" }, 2, NULL },
        { { "admin", "user", "remove", "u", "--project", "nlp", "--yes", "--reason", "" },
          2,
          NULL },
        { { "admin", "award", "transfer", "A", "B", "--until", "2027-01-31", "--reason", "r" },
          2,
          NULL },
        { { "admin", "project", "set", "nlp", "--institution", "uni", "--reason", "r" }, 2, NULL },
        { { "admin", "project", "add", "nlp", "--institution", "uni", "--reason", "r" },
          0,
          "{\"institution\":\"uni\",\"name\":\"nlp\",\"reason\":\"r\"}" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct fake_daemon *fake = fake_daemon_start(answers);
        struct outcome outcome =
            stint_run(fake_daemon_socket(fake), fake_daemon_folder(fake), NULL, cases[i].words);
        expect(&outcome, cases[i].status, NULL, NULL);
        assert_int_equal(fake_daemon_asked(fake), cases[i].body ? 1 : 0);
        if (cases[i].body) {
            json_t *body = json_loads(fake_daemon_request(fake, 0)->body, 0, NULL);
            char *text = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
            assert_string_equal(text, cases[i].body);
            free(text);
            json_decref(body);
        }
        outcome_deinit(&outcome);
        fake_daemon_stop(fake);
    }
}

static void without_a_daemon_the_status_is_seven(void **state)
{
    static const struct {
        const char *words[6];
        int status;
        const char *err;
    } cases[] = {
        { { "queue" }, 7, "no daemon" },
        { { "doctor" }, 7, "no daemon" },
        { { "--socket", "/nonexistent/s", "queue" }, 7, "/nonexistent/s" },
        { { "queue", "--socket", "/nonexistent/s" }, 7, "/nonexistent/s" },
        { { "submti" }, 2, "try: stint submit" },
        { { "queue", "--hlep" }, 2, "try: --help" },
        { { "queue", "extra" }, 2, "one word too many" },
        { { "admin", "award", "reduce", "A", "0.4" }, 2, "one word too many; try: --amount 0.4" },
        { { "admin", "award", "reduce", "A", "B" }, 2, "try: stint admin award reduce --help" },
        { { "admin", "nonsense", "--help" }, 2, "no such command: admin nonsense" },
        { { "show" }, 2, "ID is missing" },
        { { "extend", "41" }, 2, "does not have 'extend'" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct outcome outcome = stint_run(NULL, "/tmp", NULL, cases[i].words);
        expect(&outcome, cases[i].status, "", cases[i].err);
        outcome_deinit(&outcome);
    }
}

static void help_of_a_group_is_its_list(void **state)
{
    static const struct {
        const char *words[5];
        const char *out;
    } cases[] = {
        { { "admin", "--help" }, "admin quota set" },
        { { "help", "admin" }, "admin quota set" },
        { { "admin", "quota", "-h" }, "admin quota set" },
        { { "award", "--help" }, "award cite" },
        { { "help", "admin", "quota" }, "admin quota set" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct outcome outcome = stint_run(NULL, "/tmp", NULL, cases[i].words);
        expect(&outcome, 0, cases[i].out, "");
        outcome_deinit(&outcome);
    }
}

static void a_project_belongs_to_the_only_institution(void **state)
{
    static const struct {
        const char *institutions;
        int status;
        const char *err;
    } cases[] = {
        { "{\"institutions\":[{\"name\":\"uni\"}]}", 0, "" },
        { "{\"institutions\":[{\"name\":\"uni\"},{\"name\":\"lab\"}]}", 2,
          "--institution is missing" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        const struct fake_answer answers[] = {
            { "GET", "/api/v1/institutions", 200, cases[i].institutions, NULL, 0, false },
            { "POST", "/api/v1/projects", 201, "{}", NULL, 0, false },
            { 0 },
        };
        struct fake_daemon *fake = fake_daemon_start(answers);
        struct outcome outcome =
            stint_run(fake_daemon_socket(fake), "/tmp", NULL,
                      WORDS("admin", "project", "add", "nlp", "--reason", "r"));
        expect(&outcome, cases[i].status, NULL, cases[i].err);
        assert_int_equal(fake_daemon_asked(fake), cases[i].status == 0 ? 2 : 1);
        if (cases[i].status == 0)
            assert_non_null(strstr(fake_daemon_request(fake, 1)->body, "\"institution\":\"uni\""));
        outcome_deinit(&outcome);
        fake_daemon_stop(fake);
    }
}

static void every_time_that_is_shown_has_its_offset(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/queue", 200,
          "{\"jobs\":[{\"id\":1,\"state\":\"running\",\"ends_by\":\"2020-02-03T04:05:06Z\"}]}",
          NULL, 0, false },
        { "GET", "/api/v1/jobs/1", 200, JOB("running", ",\"started\":\"2020-02-03T04:05:06Z\""),
          NULL, 0, false },
        { 0 },
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct outcome outcome = stint_run(fake_daemon_socket(fake), "/tmp", NULL,
                                           i == 0 ? WORDS("queue") : WORDS("show", "1"));
        expect(&outcome, 0, i == 0 ? "until 2020-02-03 04:05 +0000" : "2020-02-03 04:05:06 +0000",
               "");
        outcome_deinit(&outcome);
    }
    fake_daemon_stop(fake);
}

static void an_award_is_shown_with_its_postings(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/awards/A?limit=100", 200,
          "{\"award\":{\"name\":\"A\",\"unit\":\"core-hour\"},\"postings\":[{\"at\":"
          "\"2026-11-25T10:00:00Z\",\"kind\":\"settle\",\"account\":\"used\",\"amount_micro\":"
          "250000,\"job\":41}],\"next\":\"c7\"}",
          NULL, 0, false },
        { "GET", "/api/v1/awards/A?limit=2&after=c7", 200, "{\"award\":{\"name\":\"A\"}}", NULL, 0,
          false },
        { 0 },
    };
    (void)state;
    claim(answers, WORDS("award", "show", "A"), 0, "settle  used       0.25   41\n", "");
    claim(answers, WORDS("award", "show", "A"), 0, "--after c7", "");
    claim(answers, WORDS("award", "show", "A", "--limit", "2", "--after", "c7"), 0, "A", "");
}

static void colour_is_never_in_a_pipe(void **state)
{
    static const struct fake_answer answers[] = {
        { "GET", "/api/v1/queue", 200, "{\"jobs\":[" ROW("41") "]}", NULL, 0, false }, { 0 }
    };
    struct fake_daemon *fake = fake_daemon_start(answers);
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct outcome outcome =
            stint_run(fake_daemon_socket(fake), "/tmp", i == 0 ? NULL : WORDS("NO_COLOR=1"),
                      i == 0 ? WORDS("queue") : WORDS("queue", "--color", "always"));
        expect(&outcome, 0, "41", "");
        assert_null(strchr(outcome.out, '\033'));
        outcome_deinit(&outcome);
    }
    fake_daemon_stop(fake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(submit_sends_the_command_and_prints_the_id),
        cmocka_unit_test(submit_asks_again_with_the_same_key_when_the_answer_is_lost),
        cmocka_unit_test(a_script_is_read_with_its_directives),
        cmocka_unit_test(refusals_name_criteria_and_exit_by_their_kind),
        cmocka_unit_test(wait_ends_with_the_job_s_own_status),
        cmocka_unit_test(wait_gives_up_at_its_timeout),
        cmocka_unit_test(run_streams_both_outputs_and_ends_as_the_job_did),
        cmocka_unit_test(deeds_go_to_each_job_and_the_first_failure_is_the_status),
        cmocka_unit_test(a_job_that_never_ran_says_why_wherever_it_is_asked),
        cmocka_unit_test(why_gives_the_sentence_and_not_the_figures_again),
        cmocka_unit_test(why_says_what_ends_a_wait_and_what_would_help),
        cmocka_unit_test(lists_are_drawn_passed_through_or_followed_by_cursor),
        cmocka_unit_test(a_cursor_that_never_moves_ends),
        cmocka_unit_test(allocations_are_drawn_per_node),
        cmocka_unit_test(a_drained_node_says_why_and_since_when),
        cmocka_unit_test(writes_carry_reason_and_rehearsal),
        cmocka_unit_test(without_a_daemon_the_status_is_seven),
        cmocka_unit_test(help_of_a_group_is_its_list),
        cmocka_unit_test(a_project_belongs_to_the_only_institution),
        cmocka_unit_test(every_time_that_is_shown_has_its_offset),
        cmocka_unit_test(an_award_is_shown_with_its_postings),
        cmocka_unit_test(colour_is_never_in_a_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
