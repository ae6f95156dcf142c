/* hwloc files from outside: written to a memory file, loaded as a topology, and, when that works, a
 * scheduler is made for the machine and asked to start something. Links topology_dep. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "stint/scheduler.h"
#include "stint/topology.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct stint_machine *machine)
{
    struct stint_policy policy = { .mode = STINT_MODE_EASY };
    struct stint_scheduler *scheduler = NULL;
    struct stint_ask ask = { .key = { 1, 0 },
                             .cpus = 1,
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .walltime_ms = 1000,
                             .user = UINT32_MAX,
                             .fair_account = STINT_NO_ACCOUNT };
    struct stint_start starts[2];
    size_t count = 0;
    ask.gpus = machine->nodes[0].shape->gpu_count > 0;
    if (stint_scheduler_new(machine, &policy, &scheduler, NULL) != 0)
        return;
    if (stint_scheduler_submit(scheduler, &ask, NULL) == 0 &&
        stint_scheduler_pass(scheduler, 0, starts, 2, &count) == 0 &&
        stint_scheduler_check(scheduler) != NULL)
        abort();
    (void)stint_scheduler_free(scheduler);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    int fd = memfd_create("topology", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    struct stint_topology_options options = { .source = path };
    struct stint_machine *machine = NULL;
    struct stint_error err = { 0 };
    if (stint_topology_load(&options, &machine, &err) == 0)
        use(machine);
    (void)stint_machine_free(machine);
    (void)close(fd);
    return 0;
}
