/* Owns: check: the evaluator on artefacts on disk, without a daemon (INTERFACE §7). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "screen.h"
#include "stint/auto.h"
#include "stint/evaluator.h"

#define CHECK_PATHS_MAX 256

static void progress_clear(void)
{
    if (isatty(STDERR_FILENO) == 1)
        (void)fputs("\r\033[K", stderr);
}

/* Only on a terminal; the threads that hash call it now and then. */
static void on_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    (void)context;
    if (isatty(STDERR_FILENO) == 1 && total_bytes > 0)
        (void)fprintf(stderr, "\rreading %3u %%",
                      (unsigned)((double)done_bytes / (double)total_bytes * 100));
}

static int check_one(struct cli *cli, struct stint_evaluator *evaluator, const char *path,
                     enum stint_artifact_kind kind, struct stint_verdict **ret_verdict)
{
    struct stint_error err = { 0 };
    struct stint_evaluation evaluation = { .path = path,
                                           .kind = kind,
                                           .rules = cli_value(cli, "rules"),
                                           .name = cli_value(cli, "name"),
                                           .is_listing_only = cli_has(cli, "no-hash"),
                                           .progress = on_progress };
    err.code = stint_evaluate(evaluator, &evaluation, ret_verdict, NULL, &err);
    progress_clear();
    if (err.code == 0)
        return EXIT_OK;
    int status = cli_fail_file(&err, path);
    /* A check that could not be done is 1 (INTERFACE §7), whatever the daemon's refusals mean. */
    return err.code == STINT_NOT_FOUND || status == EXIT_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_FAILED;
}

static void verdict_print(struct cli *cli, const struct stint_verdict *verdict)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    struct stint_report_options options = { .columns = screen_columns(),
                                            .has_colour = screen_has_colour(),
                                            .is_full = cli_has(cli, "full") };
    stint_verdict_report(verdict, &options, &out);
    (void)fputs(stint_buffer_text(&out), stdout);
}

static void verdicts_json(struct stint_verdict *const *verdicts, size_t count)
{
    stint_auto(stint_buffer_deinit) struct stint_buffer out = { 0 };
    if (count == 1) {
        stint_verdict_json(verdicts[0], &out);
        (void)puts(stint_buffer_text(&out));
        return;
    }
    stint_json_object(&out);
    stint_json_kv_text(&out, "schema", "stint.verdicts/1");
    stint_json_key(&out, "verdicts");
    stint_json_array(&out);
    for (size_t i = 0; i < count; i++)
        stint_verdict_json(verdicts[i], &out);
    stint_json_array_end(&out);
    stint_json_object_end(&out);
    (void)puts(stint_buffer_text(&out));
}

static int check_all(struct cli *cli, struct stint_evaluator *evaluator,
                     enum stint_artifact_kind kind, struct stint_verdict **verdicts)
{
    int first = EXIT_OK;
    size_t count = 0;
    for (size_t i = 0; i < cli->args.word_count; i++) {
        int status = check_one(cli, evaluator, cli->args.words[i], kind, &verdicts[count]);
        if (status == EXIT_OK) {
            bool has_passed = stint_verdict_result(verdicts[count]) == STINT_RESULT_PASS;
            status = has_passed ? EXIT_OK : EXIT_REFUSED;
            if (!cli_has(cli, "json"))
                verdict_print(cli, verdicts[count]);
            count++;
        }
        /* What could not be checked weighs more than what failed. */
        if (first == EXIT_OK || (first == EXIT_REFUSED && status != EXIT_OK))
            first = status;
    }
    if (cli_has(cli, "json") && count > 0)
        verdicts_json(verdicts, count);
    return first;
}

int verb_check(struct cli *cli)
{
    struct stint_evaluator *evaluator = NULL;
    struct stint_verdict *verdicts[CHECK_PATHS_MAX] = { NULL };
    struct stint_error err = { 0 };
    enum stint_artifact_kind kind;
    struct stint_evaluator_options options = { .rules_dir = cli_value(cli, "rules-dir"),
                                               .licences_dir = cli_value(cli, "licences-dir") };
    if (cli->args.word_count > CHECK_PATHS_MAX)
        return cli_usage("several calls", "check: more than %d paths", CHECK_PATHS_MAX);
    if (stint_artifact_kind_parse(cli_value(cli, "kind"), &kind) != 0)
        return cli_usage("--kind model, dataset or code", "check: no such kind: %.40s",
                         cli_value(cli, "kind"));
    err.code = stint_evaluator_open(&options, &evaluator, &err);
    if (err.code != 0) {
        (void)cli_fail(&err);
        return EXIT_FAILED;
    }
    int status = check_all(cli, evaluator, kind, verdicts);
    for (size_t i = 0; i < CHECK_PATHS_MAX; i++)
        stint_verdict_free(verdicts[i]);
    stint_evaluator_close(evaluator);
    return status;
}
