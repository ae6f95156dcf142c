/* Claims about #STINT and #SBATCH lines, by tables of scripts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "directives.h"
#include "stint/auto.h"

struct heard {
    char readings[4000];
    char warnings[4000];
};

static void hear(void *context, enum note_kind kind, const char *text)
{
    struct heard *heard = context;
    char *to = kind == NOTE_READING ? heard->readings : heard->warnings;
    size_t used = strlen(to);
    (void)snprintf(to + used, 4000 - used, "%s\n", text);
}

static int read_script(const char *script, bool is_strict, struct settings *settings,
                       struct heard *heard, struct stint_error *err)
{
    struct notes notes = { hear, heard };
    memset(heard, 0, sizeof(*heard));
    memset(settings, 0, sizeof(*settings));
    return directives_read("job.sh", script, strlen(script), is_strict, settings, &notes, err);
}

static void each_directive_sets_its_option(void **state)
{
    static const struct {
        const char *line;
        enum setting id;
        const char *text; /* NULL: not set */
    } cases[] = {
        { "#STINT --gpus=2", SET_GPUS, "2" },
        { "#STINT -G h200:2 --time 90m", SET_GPUS, "h200:2" },
        { "#STINT -G h200:2 --time 90m", SET_TIME, "90m" },
        { "#STINT --purpose \"a b\"", SET_PURPOSE, "a b" },
        { "#STINT --purpose 'a\\b'", SET_PURPOSE, "a\\b" },
        { "#STINT --purpose a\\ b", SET_PURPOSE, "a b" },
        { "#STINT --name x # a comment", SET_NAME, "x" },
        { "#STINT --hold", SET_HOLD, "" },
        { "##STINT --name x", SET_NAME, NULL },
        { "# STINT --name x", SET_NAME, NULL },
        { " #STINT --name x", SET_NAME, NULL },
        { "#STINTS --name x", SET_NAME, NULL },
        { "#SBATCH -J tune", SET_NAME, "tune" },
        { "#SBATCH -Jtune", SET_NAME, "tune" },
        { "#SBATCH --job-name=tune", SET_NAME, "tune" },
        { "#SBATCH --job-name tune", SET_NAME, "tune" },
        { "##SBATCH --job-name tune", SET_NAME, NULL },
        { "#SBATCH -o out.%j -e err.%j", SET_ERROR, "err.%j" },
        { "#SBATCH -t 30", SET_TIME, "30" },
        { "#SBATCH --time=1-12:00:00", SET_TIME, "1-12:00:00" },
        { "#SBATCH -c 4", SET_CPUS, "4" },
        { "#SBATCH -n 4 -c 2", SET_CPUS, "8" },
        { "#SBATCH --ntasks=3", SET_CPUS, "3" },
        { "#SBATCH -N 2", SET_NODES, "2" },
        { "#SBATCH -N 2-4", SET_NODES, "2" },
        { "#SBATCH --mem=4000", SET_MEMORY, "4000M" },
        { "#SBATCH --mem=16G", SET_MEMORY, "16384M" },
        { "#SBATCH --mem=0", SET_MEMORY, NULL },
        { "#SBATCH --mem-per-cpu=2G -c 4", SET_MEMORY, "8192M" },
        { "#SBATCH --mem-per-gpu=10G --gpus=2", SET_MEMORY, "20480M" },
        { "#SBATCH --gres=gpu", SET_GPUS, "1" },
        { "#SBATCH --gres=gpu:2", SET_GPUS, "2" },
        { "#SBATCH --gres=gpu:h200:2", SET_GPUS, "h200:2" },
        { "#SBATCH --gres=gpu:h200", SET_GPUS, "h200:1" },
        { "#SBATCH --gres=gpu:2,shard:1", SET_GPUS, "2" },
        { "#SBATCH --gres=gpu:2 -N 2", SET_GPUS, "4" },
        { "#SBATCH --gpus=a100:3", SET_GPUS, "a100:3" },
        { "#SBATCH --gpus-per-node=2", SET_GPUS, "2" },
        { "#SBATCH --gpus-per-task=1 -n 3", SET_GPUS, "3" },
        { "#SBATCH -p gpu,long", SET_RESOURCE, "gpu" },
        { "#SBATCH -A nlp", SET_PROJECT, "nlp" },
        { "#SBATCH -d afterok:1:2,afterany:3", SET_AFTER, "ok:1,ok:2,any:3" },
        { "#SBATCH -d afternotok:9", SET_AFTER, "fail:9" },
        { "#SBATCH -d singleton", SET_AFTER, NULL },
        { "#SBATCH --array=1-10%2", SET_ARRAY, "1-10%2" },
        { "#SBATCH --signal=B:USR1@120", SET_SIGNAL, "USR1@120" },
        { "#SBATCH --signal=USR1", SET_SIGNAL, "USR1@60" },
        { "#SBATCH --begin=now+2h", SET_BEGIN, "now+2h" },
        { "#SBATCH --hold", SET_HOLD, "" },
        { "#SBATCH --requeue", SET_REQUEUE, "" },
        { "#SBATCH --requeue\n#SBATCH --no-requeue", SET_REQUEUE, "no" },
        { "#SBATCH --comment=\"two words\"", SET_PURPOSE, "two words" },
        { "#SBATCH --test-only", SET_TEST, "" },
        { "#SBATCH --export=NONE", SET_EXPORT, "NONE" },
        { "#SBATCH --chdir=/data", SET_CHDIR, "/data" },
        { "#SBATCH -c 8\n#STINT --cpus 2", SET_CPUS, "2" },
        { "#STINT --cpus 2\n#SBATCH -c 8", SET_CPUS, "2" },
        { "\n# text\n\n#STINT --name x", SET_NAME, "x" },
        { "echo\n#STINT --name x", SET_NAME, NULL },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(settings_deinit) struct settings settings;
        struct heard heard;
        struct stint_error err = { 0 };
        char script[400];
        (void)snprintf(script, sizeof(script), "#!/bin/sh\n%s\necho\n", cases[i].line);
        if (read_script(script, false, &settings, &heard, &err) != 0)
            fail_msg("%s: %s", cases[i].line, err.text);
        const char *text = setting_text(&settings, cases[i].id);
        if ((text == NULL) != (cases[i].text == NULL) || (text && strcmp(text, cases[i].text) != 0))
            fail_msg("%s: got %s, not %s", cases[i].line, text ? text : "nothing",
                     cases[i].text ? cases[i].text : "nothing");
    }
}

static void surprising_readings_are_echoed_with_their_line(void **state)
{
    static const struct {
        const char *line;
        const char *reading;
        const char *warning;
    } cases[] = {
        { "#SBATCH --time=30", "job.sh:2: #SBATCH --time=30 understood as 30 minutes\n", "" },
        { "#SBATCH --time=30:00", "", "" },
        { "#SBATCH --mem=4000", "job.sh:2: #SBATCH --mem=4000 understood as 4000 MiB\n", "" },
        { "#SBATCH --mem=4G", "", "" },
        { "#SBATCH -A nlp", "job.sh:2: #SBATCH --account=nlp understood as --project=nlp\n", "" },
        { "#SBATCH -n 4",
          "job.sh:2: #SBATCH --ntasks=4 understood as 4 cores of one job; it starts once\n", "" },
        { "#SBATCH --frobnicate=1 -J x", "",
          "job.sh:2: unknown directive: #SBATCH --frobnicate=1; ignored\n" },
        { "#SBATCH --frobnicate 1 -J x", "",
          "job.sh:2: unknown directive: #SBATCH --frobnicate; ignored\n" },
        { "#SBATCH --mail-type=ALL", "",
          "job.sh:2: #SBATCH --mail-type=ALL: this version sends no mail; ignored\n" },
        { "#SBATCH --gres=gpu:a100:2",
          "job.sh:2: #SBATCH --gres=gpu:a100:2 understood as "
          "--gpus=a100:2 on each node\n",
          "" },
        { "#SBATCH --gres=gpu:a100:1,gpu:h100:2", "",
          "job.sh:2: #SBATCH --gres=gpu:a100:1,gpu:h100:2: a job has GPUs of one type: name one, "
          "or "
          "submit two jobs; ignored\n" },
        { "#SBATCH -q high", "", "job.sh:2: #SBATCH --qos=high: has no meaning here; ignored\n" },
        { "#STINT --json", "",
          "job.sh:2: #STINT: no such option: --json; the line is ignored; try: stint submit "
          "--help\n" },
        { "#STINT --strict", "",
          "job.sh:2: #STINT: --strict has no meaning in a script; ignored\n" },
        { "#STINT --gpu 1", "", "" },
        { "#STINT --gpuz 1", "",
          "job.sh:2: #STINT: no such option: --gpuz; the line is ignored; try: --gpus\n" },
    };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(settings_deinit) struct settings settings;
        struct heard heard;
        char script[400];
        (void)snprintf(script, sizeof(script), "#!/bin/sh\n%s\n", cases[i].line);
        assert_int_equal(read_script(script, false, &settings, &heard, NULL), 0);
        if (strcmp(cases[i].line, "#STINT --gpu 1") == 0)
            continue; /* ambiguous between --gpus and --gpu-memory: whatever getopt says */
        assert_string_equal(heard.readings, cases[i].reading);
        assert_string_equal(heard.warnings, cases[i].warning);
    }
}

static void strict_refuses_what_is_only_warned_about_otherwise(void **state)
{
    static const char *const lines[] = { "#SBATCH --frobnicate", "#SBATCH -q high",
                                         "#STINT --frobnicate",  "#STINT word",
                                         "#SBATCH --mem=much",   "#SBATCH -c" };
    (void)state;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(lines); i++) {
        stint_auto(settings_deinit) struct settings settings;
        struct settings strict;
        struct heard heard;
        struct stint_error err = { 0 };
        char script[400];
        (void)snprintf(script, sizeof(script), "#!/bin/sh\n\n%s\n", lines[i]);
        assert_int_equal(read_script(script, false, &settings, &heard, NULL), 0);
        assert_true(strlen(heard.warnings) > 0);
        assert_int_equal(read_script(script, true, &strict, &heard, &err), STINT_INVALID);
        assert_non_null(strstr(err.text, "job.sh:3:"));
        settings_deinit(&strict);
    }
}

static void hostile_directives_are_refused(void **state)
{
    char longest[DIRECTIVE_LINE_MAX + 64];
    struct heard heard;
    struct stint_error err = { 0 };
    (void)state;
    memset(longest, 'x', sizeof(longest));
    memcpy(longest, "#STINT ", 7);
    longest[sizeof(longest) - 1] = '\0';
    struct settings settings;
    assert_int_equal(read_script(longest, false, &settings, &heard, &err), STINT_TOO_LARGE);
    settings_deinit(&settings);
    assert_int_equal(read_script("#STINT --name 'x\n", false, &settings, &heard, &err),
                     STINT_INVALID);
    assert_non_null(strstr(err.text, "job.sh:1:"));
    settings_deinit(&settings);
    memset(&settings, 0, sizeof(settings));
    assert_int_equal(
        directives_read("job.sh", "#STINT --na\0me\n", 15, false, &settings, NULL, &err),
        STINT_INVALID);
    settings_deinit(&settings);
}

static void a_higher_source_wins_whatever_came_first(void **state)
{
    stint_auto(settings_deinit) struct settings settings = { 0 };
    char *environment[] = { (char[]){ "STINT_PROJECT=env" }, (char[]){ "STINT_NAME=env" },
                            (char[]){ "STINT_MODEL=m-env" }, (char[]){ "STINT_HOLD=1" }, NULL };
    (void)state;
    assert_int_equal(settings_set(&settings, SET_NAME, "typed", SOURCE_COMMAND_LINE, "", NULL), 0);
    assert_int_equal(settings_take_environment(&settings, environment, NULL), 0);
    assert_int_equal(settings_set(&settings, SET_PROJECT, "script", SOURCE_SCRIPT, "", NULL), 0);
    assert_int_equal(settings_set(&settings, SET_AWARD, "script", SOURCE_SCRIPT, "", NULL), 0);
    assert_int_equal(settings_set(&settings, SET_MODEL, "m-script", SOURCE_SCRIPT, "", NULL), 0);
    assert_string_equal(setting_text(&settings, SET_NAME), "typed");
    assert_string_equal(setting_text(&settings, SET_PROJECT), "env");
    assert_string_equal(setting_text(&settings, SET_AWARD), "script");
    assert_null(setting_text(&settings, SET_HOLD)); /* not an option of the environment */
    assert_int_equal(settings.item_count, 1);
    assert_string_equal(settings.items[0].value.text, "m-env");
}

static void a_job_s_own_facts_are_not_its_children_s_options(void **state)
{
    stint_auto(settings_deinit) struct settings settings = { 0 };
    char *environment[] = { (char[]){ "STINT_JOB_ID=7" }, (char[]){ "STINT_CPUS=64" },
                            (char[]){ "STINT_GPUS=8" }, (char[]){ "STINT_PROJECT=nlp" }, NULL };
    (void)state;
    assert_int_equal(settings_take_environment(&settings, environment, NULL), 0);
    assert_null(setting_text(&settings, SET_CPUS));
    assert_null(setting_text(&settings, SET_GPUS));
    assert_string_equal(setting_text(&settings, SET_PROJECT), "nlp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_directive_sets_its_option),
        cmocka_unit_test(surprising_readings_are_echoed_with_their_line),
        cmocka_unit_test(strict_refuses_what_is_only_warned_about_otherwise),
        cmocka_unit_test(hostile_directives_are_refused),
        cmocka_unit_test(a_higher_source_wins_whatever_came_first),
        cmocka_unit_test(a_job_s_own_facts_are_not_its_children_s_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
