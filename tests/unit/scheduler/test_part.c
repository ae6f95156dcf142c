/* Parts of a machine: what they have, what it is called, and that a transcript keeps both. */
#include "fixture.h"

#include "stint/allocation.h"
#include "stint/clerk.h"
#include "stint/replay.h"

/* Cores 2, 3, 5, 6 and GPUs 1, 3 of the server of open_servers(). */
static struct stint_machine *part_of(const struct stint_machine *whole, uint64_t cores,
                                     uint64_t gpus, uint64_t numa)
{
    struct stint_machine *machine = NULL;
    struct stint_part part = { .cores = &cores, .gpus = gpus, .numa = numa };
    struct stint_error err = { 0 };
    if (stint_machine_part(whole, &part, &machine, &err) != 0)
        fail_msg("%s", err.text);
    return machine;
}

static void a_part_has_its_things_and_their_numbers(void **state)
{
    (void)state;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    struct stint_machine *machine = part_of(fixture.machine, 0x6c, 0xa, 0);
    const struct stint_shape *shape = machine->nodes[0].shape;
    assert_string_equal(machine->nodes[0].name, "node");
    assert_int_equal(shape->core_count, 4);
    assert_int_equal(shape->pu_count, 4);
    assert_int_equal(shape->gpu_count, 2);
    assert_int_equal(shape->numa_count, 2);
    assert_int_equal(shape->numa[1].core_first, 2);
    assert_int_equal(shape->numa[1].core_count, 2);
    assert_int_equal(shape->memory_bytes, 8 * GIB); /* half of the cores of each */
    for (uint32_t i = 0; i < 4; i++) {
        static const uint32_t numbers[] = { 2, 3, 5, 6 };
        assert_int_equal(stint_core_number(shape, i), numbers[i]);
        assert_int_equal(shape->pus[shape->cores[i].pu_first], numbers[i]);
        assert_int_equal(shape->cores[i].numa, i / 2);
    }
    assert_int_equal(stint_gpu_number(shape, 0), 1);
    assert_int_equal(stint_gpu_number(shape, 1), 3);
    assert_int_equal(shape->gpus[1].device, 3);
    assert_int_equal(shape->gpus[1].numa, 1);
    (void)stint_machine_free(machine);
}

static void memory_goes_with_the_cores(void **state)
{
    (void)state;
    open_servers(1, 0, (struct stint_policy){ .mode = STINT_MODE_EASY });
    static const struct {
        uint64_t cores;
        uint32_t numa_count;
        int64_t memory_bytes;
    } cases[] = {
        { 0xff, 2, 16 * GIB }, { 0xf0, 1, 8 * GIB }, { 0x01, 1, 2 * GIB }, { 0x11, 2, 4 * GIB }
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct stint_machine *machine = part_of(fixture.machine, cases[i].cores, 0, 0);
        const struct stint_shape *shape = machine->nodes[0].shape;
        assert_int_equal(shape->numa_count, cases[i].numa_count);
        assert_int_equal(shape->memory_bytes, cases[i].memory_bytes);
        (void)stint_machine_free(machine);
    }
    struct stint_machine *none = NULL;
    uint64_t cores = 0;
    struct stint_part part = { .cores = &cores };
    assert_int_equal(stint_machine_part(fixture.machine, &part, &none, NULL), STINT_INVALID);
}

static void lines_name_the_things_of_the_whole(void **state)
{
    (void)state;
    static const char full[] = "node/core[2,5]/gpu[3]/memory[0:1048576,1:2097152]";
    struct stint_allocation *allocation = NULL;
    struct stint_buffer text = { 0 };
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    struct stint_machine *machine = part_of(fixture.machine, 0x6c, 0xa, 0);
    assert_int_equal(stint_allocation_parse(machine, full, &allocation, NULL), 0);
    assert_int_equal(allocation->grants[0].cores[0], 0x5);
    assert_int_equal(allocation->grants[0].gpus, 0x2);
    stint_allocation_format_full(machine, allocation, &text);
    assert_string_equal(stint_buffer_text(&text), full);
    allocation = stint_allocation_free(allocation);
    static const char *const others[] = { "node/core[4]", "node/core[2-3,7]", "node/gpu[0]",
                                          "node/core[64]", "other/core[2]" };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(stint_allocation_parse(machine, others[i], &allocation, NULL),
                         STINT_INVALID);
    /* What of another division's line is here, and what is not. */
    assert_int_equal(stint_allocation_parse_part(machine,
                                                 "node/core[0-3]/gpu[2-3]/memory[0:1048576,7:1]",
                                                 &allocation, NULL),
                     0);
    stint_buffer_clear(&text);
    stint_allocation_format_full(machine, allocation, &text);
    assert_string_equal(stint_buffer_text(&text), "node/core[2-3]/gpu[3]/memory[0:1048576]");
    allocation = stint_allocation_free(allocation);
    assert_int_equal(
        stint_allocation_parse_part(machine, "other/core[0-3],node/core[0]", &allocation, NULL), 0);
    assert_int_equal(allocation->grant_count, 1);
    assert_int_equal(allocation->grants[0].core_count, 0);
    (void)stint_allocation_free(allocation);
    stint_buffer_deinit(&text);
    (void)stint_machine_free(machine);
}

static void partitions_of_a_card_and_links_stay_together(void **state)
{
    (void)state;
    struct stint_machine *whole = NULL;
    struct stint_shape *shape = NULL;
    uint64_t cores = 1;
    assert_int_equal(stint_machine_new(&whole), 0);
    assert_int_equal(stint_machine_add_shape(whole, 1, 1, 1, 4, 2, &shape, NULL), 0);
    shape->numa[0].core_count = 1;
    shape->cores[0].pu_count = 1;
    for (uint32_t i = 0; i < 4; i++) {
        shape->gpus[i] = (struct stint_gpu){ .type = "x", .partition_of = i < 3 ? 0 : -1 };
        assert_int_equal(stint_machine_type(whole, "x", &shape->gpus[i].type_index, NULL), 0);
    }
    shape->links[0] = (struct stint_link){ .a = 0, .b = 3, .mb_per_s = 1 };
    shape->links[1] = (struct stint_link){ .a = 2, .b = 3, .mb_per_s = 2 };
    assert_int_equal(stint_machine_add_nodes(whole, "node", shape, 1, NULL), 0);
    struct stint_machine *machine = part_of(whole, cores, 0xe, 1);
    const struct stint_shape *part = machine->nodes[0].shape;
    assert_int_equal(part->gpus[0].partition_of, 0); /* slot 1 of the whole, the first here */
    assert_int_equal(part->gpus[1].partition_of, 0);
    assert_int_equal(part->gpus[2].partition_of, -1);
    assert_int_equal(part->link_count, 1);
    assert_int_equal(part->links[0].a, 1);
    assert_int_equal(part->links[0].b, 2);
    assert_int_equal(part->links[0].mb_per_s, 2);
    (void)stint_machine_free(machine);
    (void)stint_machine_free(whole);
}

/* What was told to a part's core, with the lines that name the whole's things, again. */
static void a_part_is_replayed_from_its_transcript(void **state)
{
    (void)state;
    struct stint_clerk *clerk = NULL;
    struct stint_replay *replay = NULL;
    struct stint_allocation *allocation = NULL;
    struct stint_start starts[4];
    struct stint_replay_difference difference;
    struct stint_transcript piece;
    size_t count = 0;
    open_servers(1, 4, (struct stint_policy){ .mode = STINT_MODE_EASY });
    struct stint_machine *machine = part_of(fixture.machine, 0x6c, 0xa, 0);
    struct stint_policy policy = { .mode = STINT_MODE_EASY };
    assert_int_equal(stint_clerk_new(machine, &policy, &clerk, NULL), 0);
    struct stint_ask one = { .key = { 1, 0 }, .cpus = 2, .walltime_ms = 1000 };
    struct stint_ask two = { .key = { 2, 0 }, .gpus = 1, .walltime_ms = 1000 };
    assert_int_equal(stint_allocation_parse(machine, "node/core[3,6]", &allocation, NULL), 0);
    assert_int_equal(stint_clerk_adopt(clerk, &one, allocation, 0, 1000, NULL), 0);
    assert_int_equal(stint_clerk_submit(clerk, &two, NULL), 0);
    assert_int_equal(stint_clerk_pass(clerk, 5, starts, 4, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(stint_clerk_transcript(clerk, &piece), 0);
    assert_int_equal(stint_replay_new(&replay), 0);
    int r = stint_replay_feed(replay, piece.data, piece.length, &difference, NULL);
    if (r != 0)
        fail_msg("%d: %s", r, difference.text);
    (void)stint_replay_free(replay);
    (void)stint_clerk_free(clerk);
    (void)stint_allocation_free(allocation);
    (void)stint_machine_free(machine);
}

static struct stint_ask limited(uint64_t job, uint32_t cpus)
{
    struct stint_ask a = { .key = { job, 0 }, .cpus = cpus, .walltime_ms = 1000 };
    a.account_count = 1;
    return a;
}

static void what_runs_elsewhere_counts_under_the_same_ceiling(void **state)
{
    (void)state;
    struct stint_reason reason;
    struct stint_task_key key = { 1, 0 };
    open_flat(8, STINT_MODE_EASY);
    struct stint_scheduler *s = fixture.scheduler;
    struct stint_ask one = limited(1, 3);
    assert_int_equal(stint_scheduler_set_account(s, 0, STINT_ACCOUNT_PROJECT, STINT_NO_ACCOUNT, 0),
                     0);
    assert_int_equal(stint_scheduler_set_limit(s, 0, STINT_LIMIT_CORES, 5, 3), 0);
    assert_int_equal(stint_scheduler_submit(s, &one, NULL), 0);
    assert_int_equal(stint_scheduler_pass(s, 0, fixture.starts, 64, &fixture.count), 0);
    assert_int_equal(fixture.count, 0);
    reason = stint_scheduler_reason(s, key);
    assert_string_equal(stint_reason_name(reason.code), "ProjectCoreLimit");
    assert_int_equal(reason.used, 3);
    assert_int_equal(stint_scheduler_used(s, 0, STINT_LIMIT_CORES), 0); /* none of its own */
    assert_null(stint_scheduler_check(s));
    /* One that ended there lets it start here; then nothing here changes its own count. */
    assert_int_equal(stint_scheduler_set_limit(s, 0, STINT_LIMIT_CORES, 5, 2), 0);
    assert_int_equal(stint_scheduler_pass(s, 1, fixture.starts, 64, &fixture.count), 0);
    assert_int_equal(fixture.count, 1);
    assert_int_equal(stint_scheduler_used(s, 0, STINT_LIMIT_CORES), 3);
    assert_int_equal(stint_scheduler_set_limit(s, 0, STINT_LIMIT_CORES, 5, 4), 0);
    assert_int_equal(stint_scheduler_used(s, 0, STINT_LIMIT_CORES), 3);
    assert_null(stint_scheduler_check(s));
    assert_int_equal(stint_scheduler_end(s, key, 2), 0);
    struct stint_ask two = limited(2, 1);
    struct stint_ask three = limited(3, 1);
    assert_int_equal(stint_scheduler_submit(s, &two, NULL), 0);
    assert_int_equal(stint_scheduler_submit(s, &three, NULL), 0);
    assert_int_equal(stint_scheduler_pass(s, 3, fixture.starts, 64, &fixture.count), 0);
    assert_int_equal(fixture.count, 1); /* 4 there and 1 here are 5 */
    assert_null(stint_scheduler_check(s));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_part_has_its_things_and_their_numbers, close_all),
        cmocka_unit_test_teardown(memory_goes_with_the_cores, close_all),
        cmocka_unit_test_teardown(lines_name_the_things_of_the_whole, close_all),
        cmocka_unit_test(partitions_of_a_card_and_links_stay_together),
        cmocka_unit_test_teardown(a_part_is_replayed_from_its_transcript, close_all),
        cmocka_unit_test_teardown(what_runs_elsewhere_counts_under_the_same_ceiling, close_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
