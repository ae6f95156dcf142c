/* From hwloc to a machine: our own small files and strings always, the shared real machines when
 * they are there. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "stint/topology.h"

static struct stint_machine *load(const char *source, const char *gpus)
{
    struct stint_topology_options options = { .source = source, .gpus = gpus };
    struct stint_machine *machine = NULL;
    struct stint_error err = { 0 };
    int r = stint_topology_load(&options, &machine, &err);
    if (r != 0)
        print_error("%s: %d %s (%s)\n", source, r, err.text, err.fix);
    assert_int_equal(r, 0);
    return machine;
}

static const struct stint_shape *shape_of(const struct stint_machine *machine)
{
    return machine->nodes[0].shape;
}

static void synthetic_strings_have_the_cores_they_say(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t packages;
        uint32_t numas;
        uint32_t cores;
        uint32_t pus;
    } cases[] = {
        { "core:32 pu:1", 1, 1, 32, 32 },
        { "pack:2 numa:4 l3:2 core:8 pu:2", 2, 8, 128, 256 },
        { "pack:2 core:4 pu:2", 2, 1, 8, 16 },
        { "pu:3", 1, 1, 3, 3 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        stint_auto(stint_machine_free) struct stint_machine *machine = load(cases[i].text, NULL);
        const struct stint_shape *shape = shape_of(machine);
        assert_int_equal(shape->packages, cases[i].packages);
        assert_int_equal(shape->numa_count, cases[i].numas);
        assert_int_equal(shape->core_count, cases[i].cores);
        assert_int_equal(shape->pu_count, cases[i].pus);
        assert_int_equal(shape->gpu_count, 0);
        assert_true(shape->memory_bytes > 0);
        assert_false(machine->is_this_system);
    }
}

static void cores_of_a_numa_node_and_a_cache_are_neighbours(void **state)
{
    (void)state;
    stint_auto(stint_machine_free) struct stint_machine *machine =
        load("pack:2 numa:2 l3:2 core:4 pu:2", NULL);
    const struct stint_shape *shape = shape_of(machine);
    for (uint32_t n = 0; n < shape->numa_count; n++) {
        assert_int_equal(shape->numa[n].core_count, 8);
        for (uint32_t c = 0; c < 8; c++)
            assert_int_equal(shape->cores[shape->numa[n].core_first + c].numa, n);
    }
    for (uint32_t c = 1; c < shape->core_count; c++)
        assert_int_equal(shape->cores[c].cache == shape->cores[c - 1].cache, c % 4 != 0);
}

static void said_memory_counts_and_unsaid_memory_is_this_systems(void **state)
{
    (void)state;
    stint_auto(stint_machine_free) struct stint_machine *said =
        load("numa:2(memory=4GiB) core:2 pu:1", NULL);
    assert_int_equal(shape_of(said)->numa[1].memory_bytes, INT64_C(4) << 30);
    stint_auto(stint_machine_free) struct stint_machine *unsaid = load("numa:2 core:2 pu:1", NULL);
    stint_auto(stint_machine_free) struct stint_machine *live = load(NULL, NULL);
    assert_int_equal(shape_of(unsaid)->memory_bytes,
                     sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
    assert_true(shape_of(live)->memory_bytes >= shape_of(unsaid)->memory_bytes);
}

static void declared_gpus_are_simulated_and_spread_over_numa_nodes(void **state)
{
    (void)state;
    stint_auto(stint_machine_free) struct stint_machine *machine =
        load("pack:2 numa:1 core:4 pu:1", "H200:4,t4:2");
    const struct stint_shape *shape = shape_of(machine);
    static const int numas[6] = { 0, 0, 0, 1, 1, 1 };
    assert_int_equal(shape->gpu_count, 6);
    for (uint32_t i = 0; i < 6; i++) {
        assert_string_equal(shape->gpus[i].type, i < 4 ? "h200" : "t4");
        assert_int_equal(shape->gpus[i].numa, numas[i]);
        assert_true(shape->gpus[i].is_simulated);
        assert_int_equal(shape->gpus[i].device, -1);
    }
    assert_int_equal(stint_machine_find_type(machine, "t4"), shape->gpus[5].type_index);
    assert_int_equal(stint_machine_find_type(machine, "h100"), -1);
}

static void malformed_declarations_are_refused(void **state)
{
    (void)state;
    static const char *const cases[] = { "h200:0",         "h200:", ":4", "h200:65", "a b:1",
                                         "h200:1,",        ",",     "-1", "h200:-1", "h200:1x",
                                         "h200:40,h200:40" };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        struct stint_topology_options options = { .source = "core:2 pu:1", .gpus = cases[i] };
        struct stint_machine *machine = NULL;
        struct stint_error err = { 0 };
        int r = stint_topology_load(&options, &machine, &err);
        if (strcmp(cases[i], "h200:1,") == 0) { /* a comma at the end is harmless */
            assert_int_equal(r, 0);
            machine = stint_machine_free(machine);
            continue;
        }
        if (r != STINT_INVALID)
            print_error("'%s' gave %d\n", cases[i], r);
        assert_int_equal(r, STINT_INVALID);
        assert_null(machine);
        assert_true(err.fix[0] != '\0');
    }
}

static void several_nodes_share_a_shape(void **state)
{
    (void)state;
    struct stint_topology_options options = { .source = "core:2 pu:1", .nodes = 1000 };
    stint_auto(stint_machine_free) struct stint_machine *machine = NULL;
    assert_int_equal(stint_topology_load(&options, &machine, NULL), 0);
    assert_int_equal(machine->node_count, 1000);
    assert_int_equal(machine->shape_count, 1);
    assert_string_equal(machine->nodes[999].name, "node999");
    assert_int_equal(stint_machine_find_node(machine, "node17"), 17);
}

static void this_system_has_the_cores_we_may_use(void **state)
{
    (void)state;
    stint_auto(stint_machine_free) struct stint_machine *machine = load(NULL, NULL);
    assert_true(machine->is_this_system);
    assert_true(shape_of(machine)->pu_count <= (uint32_t)sysconf(_SC_NPROCESSORS_ONLN));
    assert_true(shape_of(machine)->core_count >= 1);
}

static int load_text(const char *text, struct stint_error *err)
{
    char path[] = "/tmp/stint-topology-XXXXXX.xml";
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    struct stint_topology_options options = { .source = path };
    struct stint_machine *machine = NULL;
    int r = stint_topology_load(&options, &machine, err);
    machine = stint_machine_free(machine);
    unlink(path);
    return r;
}

static void hostile_files_are_refused_by_name(void **state)
{
    (void)state;
    struct stint_error err = { 0 };
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        { "", STINT_UNTRUSTED },
        { "hello", STINT_UNTRUSTED },
        { "<topology version=\"2.0\">", STINT_UNTRUSTED },
        { "<topology version=\"2.0\"></topology>", STINT_UNTRUSTED },
        { "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"b\">]><topology version=\"2.0\"/>",
          STINT_UNTRUSTED },
        { "<?xml version=\"1.0\"?><topology version=\"3.0\"><object/></topology>", STINT_INVALID },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(cases); i++) {
        assert_int_equal(load_text(cases[i].text, &err), cases[i].code);
        assert_true(err.text[0] != '\0');
    }
    assert_non_null(strstr(err.text, "hwloc 3"));
    assert_non_null(strstr(err.fix, "v2"));
    struct stint_topology_options missing = { .source = "/nonexistent/x.xml" };
    struct stint_topology_options folder = { .source = "/tmp/" };
    struct stint_topology_options word = { .source = "not a topology" };
    struct stint_machine *machine = NULL;
    assert_int_equal(stint_topology_load(&missing, &machine, &err), -ENOENT);
    assert_int_equal(stint_topology_load(&folder, &machine, &err), STINT_UNTRUSTED);
    assert_int_equal(stint_topology_load(&word, &machine, &err), STINT_INVALID);
}

/* tests/data/topologies: what the shared files do not have. */
static void our_own_files_show_the_rare_cases(void **state)
{
    (void)state;
    stint_auto(stint_machine_free) struct stint_machine *machine =
        load(STINT_TEST_DATA "/topologies/partitions.xml", NULL);
    const struct stint_shape *shape = shape_of(machine);
    /* One card in three partitions, one whole card that two back ends see, one bare display. */
    assert_int_equal(shape->gpu_count, 4);
    assert_int_equal(shape->gpus[0].partition_of, 0);
    assert_int_equal(shape->gpus[2].partition_of, 0);
    assert_int_equal(shape->gpus[3].partition_of, -1);
    assert_int_equal(shape->gpus[2].device, 2);
    assert_string_equal(shape->gpus[0].type, "mi300a");
    assert_string_equal(shape->gpus[3].type, "mi210");
    assert_int_equal(shape->gpus[3].numa, 1);
    /* NUMA nodes of different size, one without cores. */
    assert_int_equal(shape->numa_count, 3);
    assert_int_equal(shape->numa[0].core_count, 3);
    assert_int_equal(shape->numa[1].core_count, 1);
    assert_int_equal(shape->numa[2].core_count, 0);
    assert_int_equal(shape->memory_bytes, INT64_C(7) << 30);
}

/* A file whose cores have no PUs: what would run there? */
static void cores_without_pus_are_no_machine(void **state)
{
    (void)state;
    struct stint_error err = { 0 };
    FILE *file = fopen(STINT_TEST_DATA "/topologies/partitions.xml", "re");
    char line[1024];
    char text[65536];
    size_t length = 0;
    assert_non_null(file);
    while (fgets(line, sizeof(line), file))
        if (!strstr(line, "type=\"PU\""))
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s", line);
    (void)fclose(file);
    assert_true(length < sizeof(text));
    assert_int_equal(load_text(text, &err), STINT_UNTRUSTED);
    assert_non_null(strstr(err.text, "PU"));
}

struct real {
    const char *file;
    uint32_t packages;
    uint32_t numas;
    uint32_t cores;
    uint32_t pus;
    uint32_t gpus;
    const char *type;
    uint32_t links;
    uint32_t mb_per_s; /* of the first link */
};

static void real_machines_have_the_slots_their_owners_counted(void **state)
{
    (void)state;
    static const struct real reals[] = {
        { "dgx2-16xv100.xml", 2, 2, 4, 4, 16, "v100", 120, 150000 },
        { "g4dn-metal-8xt4.xml", 2, 2, 48, 96, 8, "t4", 0, 0 },
        { "tioga-8xmi250x.xml", 1, 4, 64, 128, 8, "mi200", 28, 100000 },
        { "tuolumne-4xmi300a-spx.xml", 4, 4, 96, 192, 4, "mi300a", 6, 0 },
        { "lassen-p9-4xv100.xml", 2, 2, 40, 160, 4, "v100", 0, 0 },
        { "minsky-p8-4xp100.xml", 2, 2, 8, 16, 4, "p100", 2, 40000 },
        { "pascal-2xp100.xml", 2, 2, 36, 72, 2, "p100", 0, 0 },
        { "chimera-workstation.xml", 1, 2, 32, 64, 2, NULL, 0, 0 },
        { "quartz-cpu-only.xml", 2, 2, 36, 36, 0, NULL, 0, 0 },
    };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(reals); i++) {
        const struct real *real = &reals[i];
        char path[4096];
        (void)snprintf(path, sizeof(path), "%s/topologies/%s", STINT_SHARED_DATA, real->file);
        if (access(path, R_OK) != 0)
            skip();
        stint_auto(stint_machine_free) struct stint_machine *machine = load(path, NULL);
        const struct stint_shape *shape = shape_of(machine);
        print_message("%s: %u packages %u numa %u cores %u pus %u gpus %s %u links\n", real->file,
                      shape->packages, shape->numa_count, shape->core_count, shape->pu_count,
                      shape->gpu_count, shape->gpu_count ? shape->gpus[0].type : "-",
                      shape->link_count);
        assert_int_equal(shape->packages, real->packages);
        assert_int_equal(shape->numa_count, real->numas);
        assert_int_equal(shape->core_count, real->cores);
        assert_int_equal(shape->pu_count, real->pus);
        assert_int_equal(shape->gpu_count, real->gpus);
        assert_int_equal(shape->link_count, real->links);
        for (uint32_t g = 0; g < shape->gpu_count && real->type; g++)
            assert_string_equal(shape->gpus[g].type, real->type);
        if (real->mb_per_s > 0)
            assert_int_equal(shape->links[0].mb_per_s, real->mb_per_s);
        for (uint32_t g = 0; g < shape->gpu_count; g++) {
            assert_int_equal(shape->gpus[g].partition_of, -1);
            assert_true(shape->gpus[g].pci[0] != '\0');
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(synthetic_strings_have_the_cores_they_say),
        cmocka_unit_test(cores_of_a_numa_node_and_a_cache_are_neighbours),
        cmocka_unit_test(said_memory_counts_and_unsaid_memory_is_this_systems),
        cmocka_unit_test(declared_gpus_are_simulated_and_spread_over_numa_nodes),
        cmocka_unit_test(malformed_declarations_are_refused),
        cmocka_unit_test(several_nodes_share_a_shape),
        cmocka_unit_test(this_system_has_the_cores_we_may_use),
        cmocka_unit_test(hostile_files_are_refused_by_name),
        cmocka_unit_test(our_own_files_show_the_rare_cases),
        cmocka_unit_test(cores_without_pus_are_no_machine),
        cmocka_unit_test(real_machines_have_the_slots_their_owners_counted),
    };
    return cmocka_run_group_tests_name("topology", tests, NULL, NULL);
}
