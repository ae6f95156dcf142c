/* What is settled before anything is judged: that the rules are there, that whoever asks may run
 * something here, and as whom files are judged. */
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "stint/auto.h"

/* An operator's typing error must not become a refusal of every job. */
static void rule_sets_that_are_not_there_are_refused_at_the_start(void **state)
{
    static const struct {
        bool is_broken; /* the folder with a file that is no rule set */
        const char *model;
        const char *dataset;
        const char *named;
    } cases[] = {
        { false, "osaid-1.0", "osi-code", NULL },
        { false, "osaid-1.0,mof-1.0", "osi-code", NULL },
        { false, "nope-1", "osi-code", "admission.rules_model" },
        { false, "osaid-1.0", "osi-code,nope", "admission.rules_dataset" },
        { false, "osaid-1.0", "osi-code,", "admission.rules_dataset" },
        { false, "osaid-1.0", "../rules/osi-code", "admission.rules_dataset" },
        { false, "", "osi-code", "admission.rules_model" },
        { true, "broken", "broken", "broken.yaml:" },
        { true, "osaid-1.0", "broken", "admission.rules_model" },
    };
    struct fixture *f = *state;
    char broken[128];
    (void)snprintf(broken, sizeof(broken), "%s", fixture_folder(f, "rules", "pass"));
    fixture_write(broken, "broken.yaml", "rules: [\n");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_admission_options options = f->options;
        struct stint_admission *admission = NULL;
        struct stint_error err = { 0 };
        options.rules_dir = cases[i].is_broken ? broken : STINT_RULES;
        options.rules[STINT_USE_MODEL] = cases[i].model;
        options.rules[STINT_USE_DATASET] = cases[i].dataset;
        options.rules[STINT_USE_CODE] = cases[i].is_broken ? "broken" : "osi-code";
        int r = stint_admission_new(&options, &admission, &err);
        if ((r == 0) != (cases[i].named == NULL) ||
            (cases[i].named && !strstr(err.text, cases[i].named)))
            fail_msg("%s, %s gave %d '%s'", cases[i].model, cases[i].dataset, r, err.text);
        if (strncmp(err.text, "admission.", 10) == 0)
            assert_non_null(strstr(err.fix, ".yaml"));
        (void)stint_admission_free(admission);
    }
}

#define GATE_TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATE_TEST(rule_sets_that_are_not_there_are_refused_at_the_start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
