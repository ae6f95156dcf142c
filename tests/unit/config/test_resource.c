/* Sections [resource NAME]: what they take over, what they say of their own, and what a reload
 * takes up of them. What of them can never be is met by tests/system/test_resources.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "config.h"
#include "stint/config.h"

static void parse(const char *text, struct stint_config *config)
{
    struct stint_error err = { 0 };
    stint_config_defaults(true, config);
    if (config_parse("f", text, config, &err) != 0)
        fail_msg("%s", err.text);
    (void)strcpy(config->file, "f");
}

static void without_a_section_all_is_one(void **state)
{
    (void)state;
    static struct stint_config config;
    struct stint_config_resource resource;
    parse("[daemon]\nresource = lab\n[scheduler]\nhalf_life_s = 60\npolicy = easy\n", &config);
    assert_int_equal(stint_config_resource_count(&config), 1);
    stint_config_resource(&config, 0, &resource);
    assert_string_equal(resource.name, "lab");
    assert_string_equal(resource.terms.policy, "easy");
    assert_int_equal(resource.terms.half_life_s, 60);
}

/* Also when [scheduler] comes behind it, and when a flag comes later. */
static void what_a_section_does_not_say_is_said_for_all(void **state)
{
    (void)state;
    static struct stint_config config;
    struct stint_config_resource resource;
    parse("[resource a]\ncores = 0-3\npolicy = fcfs\nrate = 0.25\n[resource b]\n"
          "[scheduler]\npolicy = sjf\nhalf_life_s = 60\nmax_walltime_s = 7200\n",
          &config);
    assert_int_equal(stint_config_resource_count(&config), 2);
    stint_config_resource(&config, 0, &resource);
    assert_string_equal(resource.name, "a");
    assert_string_equal(resource.cores, "0-3");
    assert_string_equal(resource.terms.policy, "fcfs");
    assert_int_equal(resource.terms.rate_micro, 250000);
    assert_int_equal(resource.terms.max_walltime_s, 7200);
    stint_config_resource(&config, 1, &resource);
    assert_string_equal(resource.terms.policy, "sjf");
    assert_int_equal(resource.terms.rate_micro, 1000000);
    assert_int_equal(stint_config_check(&config, NULL), 0);
}

static void half_life_is_wanted_of_each_that_shares(void **state)
{
    (void)state;
    static struct stint_config config;
    struct stint_error err = { 0 };
    parse("[resource a]\npolicy = easy\n[resource b]\nhalf_life_s = 60\n", &config);
    assert_int_equal(stint_config_check(&config, &err), 0);
    parse("[resource a]\npolicy = easy\n\n[resource b]\n", &config);
    assert_int_equal(stint_config_check(&config, &err), STINT_INVALID);
    assert_ptr_equal(strstr(err.text, "f:4: [resource b]: half_life_s is missing"), err.text);
}

static void a_name_for_one_machine_and_sections_do_not_go_together(void **state)
{
    (void)state;
    static struct stint_config config;
    struct stint_error err = { 0 };
    parse("[daemon]\nresource = lab\n[scheduler]\nhalf_life_s = 60\n[resource a]\n", &config);
    assert_int_equal(stint_config_check(&config, &err), STINT_INVALID);
    assert_ptr_equal(strstr(err.text, "f:2: "), err.text);
}

static void what_waits_for_a_restart_is_named_by_its_section(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *changed;
    } cases[] = {
        { "[resource a]\ncores = 0\n[resource b]\n", "" },
        { "[resource a]\ncores = 0\ndefault_walltime_s = 60\n[resource b]\n", "" },
        { "[resource a]\ncores = 1\n[resource b]\n", "[resource a]" },
        { "[resource a]\ncores = 0\n[resource b]\npolicy = easy\n", "[resource b]" },
        { "[resource a]\ncores = 0\n", "[resource b]" },
        { "[resource c]\ncores = 0\n[resource b]\n", "[resource c]" },
        { "[resource a]\ncores = 0\n[resource b]\n[awards]\nrate = 2\n", "rate" },
    };
    static struct stint_config before, after;
    char list[200];
    parse(cases[0].text, &before);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        parse(cases[i].text, &after);
        (void)stint_config_changed(&before, &after, list, sizeof(list));
        assert_string_equal(list, cases[i].changed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_section_all_is_one),
        cmocka_unit_test(what_a_section_does_not_say_is_said_for_all),
        cmocka_unit_test(half_life_is_wanted_of_each_that_shares),
        cmocka_unit_test(a_name_for_one_machine_and_sections_do_not_go_together),
        cmocka_unit_test(what_waits_for_a_restart_is_named_by_its_section),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
