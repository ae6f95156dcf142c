/* Between the files of scheduler/topology/ only. */
#ifndef STINT_SCHEDULER_TOPOLOGY_H
#define STINT_SCHEDULER_TOPOLOGY_H

#include <hwloc.h>

#include "stint/topology.h"

/* One slot as hwloc shows it. */
struct found_gpu {
    struct stint_gpu gpu;
    hwloc_obj_t pci; /* NULL without */
    int nth;         /* among the partitions of its card */
};

struct found_gpus {
    uint32_t count;
    struct found_gpu gpus[STINT_MACHINE_GPU_MAX];
};

/* gpus.c: every slot of @topology in PCI order; @is_live: bare NVIDIA PCI devices count too. */
int gpus_find(hwloc_topology_t topology, bool is_live, struct found_gpus *found,
              struct stint_error *err);
/* links.c: fills at most @max links, a < b, sorted; returns how many. */
uint32_t links_find(hwloc_topology_t topology, const struct found_gpus *found,
                    struct stint_link *links, uint32_t max);
/* Slot of an OS or PCI device, -1 when it is none. */
int gpu_slot_of(const struct found_gpus *found, hwloc_obj_t object);
/* model.c: "Tesla V100-SXM2-16GB" to "v100"; @type has STINT_MACHINE_NAME_MAX bytes. */
void gpu_model_short(const char *model, char *type);
/* Number behind a device's name, "nvml12" is 12; -1 when it has none. */
int device_number(const char *name);

#endif
