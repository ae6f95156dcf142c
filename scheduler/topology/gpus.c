/* Owns: which devices of a topology are GPU slots. OS devices of vendors' back ends are grouped by
 * their PCI device; the rules are told in stint/topology.h. */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "topology.h"

/* Back ends whose devices compute, by the name of their OS devices. */
static const struct backend {
    const char *prefix;
    enum stint_gpu_vendor vendor;
    const char *memory; /* info key, in kB */
} backends[] = {
    { "nvml", STINT_GPU_NVIDIA, NULL },
    { "cuda", STINT_GPU_NVIDIA, "CUDAGlobalMemorySize" },
    { "rsmi", STINT_GPU_AMD, "RSMIVRAMSize" },
    { "ze", STINT_GPU_INTEL, "LevelZeroHBMSize" },
    { "opencl", STINT_GPU_OTHER, "OpenCLGlobalMemorySize" },
};
#define BACKENDS (sizeof(backends) / sizeof(backends[0]))

int device_number(const char *name)
{
    const char *digits = name + strlen(name);
    while (digits > name && isdigit((unsigned char)digits[-1]))
        digits--;
    return *digits && strlen(digits) < 9 ? (int)strtol(digits, NULL, 10) : -1;
}

/* Index in backends, -1 for devices that are no GPUs: disks, nets, `card0`. Level Zero names the
 * parts of a device ze0.0, beside ze0, which is the whole. */
static int backend_of(const char *name)
{
    for (size_t i = 0; i < BACKENDS; i++) {
        size_t length = strlen(backends[i].prefix);
        if (name && strncmp(name, backends[i].prefix, length) == 0 &&
            isdigit((unsigned char)name[length]) && !strchr(name, '.'))
            return (int)i;
    }
    return -1;
}

/* One card while its devices are counted. OpenCL names platform and device (opencl0d1): two
 * platforms that show the same card are no partitions, so its devices are counted by platform. */
struct card {
    hwloc_obj_t pci;
    hwloc_obj_t first; /* an OS device */
    int seen[BACKENDS];
    int opencl_platform;
    int slots;
    int backend; /* the best one, whose devices are the slots */
    hwloc_obj_t devices[STINT_MACHINE_GPU_MAX];
};

struct cards {
    uint32_t count;
    struct card cards[STINT_MACHINE_GPU_MAX];
};

static struct card *card_for(struct cards *cards, hwloc_obj_t pci)
{
    for (uint32_t i = 0; i < cards->count && pci; i++)
        if (cards->cards[i].pci == pci)
            return &cards->cards[i];
    if (cards->count == STINT_MACHINE_GPU_MAX)
        return NULL;
    struct card *card = &cards->cards[cards->count++];
    *card = (struct card){ .pci = pci, .backend = -1, .opencl_platform = -1 };
    return card;
}

static bool card_add(struct card *card, hwloc_obj_t device, int backend)
{
    if (strcmp(backends[backend].prefix, "opencl") == 0) {
        int platform = device->name[6] - '0';
        if (card->opencl_platform >= 0 && card->opencl_platform != platform)
            return true;
        card->opencl_platform = platform;
    }
    if (!card->first)
        card->first = device;
    int nth = card->seen[backend]++;
    if (nth >= STINT_MACHINE_GPU_MAX)
        return false;
    /* The back end that shows most devices says what the slots are; of equals the first in the
     * table, whose numbers are in PCI order. */
    bool is_more = card->seen[backend] > card->slots;
    bool is_better = card->seen[backend] == card->slots && backend < card->backend;
    if (backend == card->backend || is_more || is_better) {
        card->backend = backend;
        card->slots = card->seen[backend];
    }
    return true;
}

/* The slots' devices, once the back end is known. */
static void card_devices(hwloc_topology_t topology, struct card *card)
{
    int nth = 0;
    for (hwloc_obj_t device = NULL; (device = hwloc_get_next_osdev(topology, device)) != NULL;) {
        hwloc_obj_t pci = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PCI_DEVICE, device);
        bool is_mine = card->pci ? pci == card->pci : device == card->first;
        if (is_mine && backend_of(device->name) == card->backend && nth < card->slots)
            card->devices[nth++] = device;
    }
}

static int64_t kilobytes(hwloc_obj_t device, const char *key)
{
    const char *text = device && key ? hwloc_obj_get_info_by_name(device, key) : NULL;
    char *end = NULL;
    unsigned long long value = text ? strtoull(text, &end, 10) : 0;
    return text && end != text && !*end && value < (UINT64_C(1) << 50) ? (int64_t)value * 1024 : 0;
}

/* The model and memory that any device of the card knows. */
static void card_describe(hwloc_topology_t topology, const struct card *card, struct stint_gpu *gpu)
{
    const char *model = NULL;
    for (hwloc_obj_t device = NULL; (device = hwloc_get_next_osdev(topology, device)) != NULL;) {
        int backend = backend_of(device->name);
        hwloc_obj_t pci = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PCI_DEVICE, device);
        if (backend < 0 || (card->pci ? pci != card->pci : device != card->first))
            continue;
        if (!model)
            model = hwloc_obj_get_info_by_name(device, "GPUModel");
        if (gpu->vendor == STINT_GPU_OTHER)
            gpu->vendor = backends[backend].vendor;
        if (gpu->memory_bytes == 0)
            gpu->memory_bytes = kilobytes(device, backends[backend].memory);
    }
    if (!model && card->pci)
        model = hwloc_obj_get_info_by_name(card->pci, "PCIDevice");
    gpu_model_short(model ? model : "", gpu->type);
    if (card->pci)
        (void)snprintf(gpu->pci, sizeof(gpu->pci), "%04x:%02x:%02x.%01x",
                       card->pci->attr->pcidev.domain, card->pci->attr->pcidev.bus,
                       card->pci->attr->pcidev.dev, card->pci->attr->pcidev.func);
}

static int card_slots(hwloc_topology_t topology, struct card *card, int live_number,
                      struct found_gpus *found, struct stint_error *err)
{
    struct stint_gpu gpu = { .partition_of = -1, .device = live_number };
    if (card->backend >= 0)
        card_devices(topology, card);
    else
        gpu.vendor = STINT_GPU_NVIDIA;
    card_describe(topology, card, &gpu);
    int slots = card->backend >= 0 ? card->slots : 1;
    if (found->count + (uint32_t)slots > STINT_MACHINE_GPU_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "more than %d GPUs in one node",
                          STINT_MACHINE_GPU_MAX);
    if (slots > 1) {
        gpu.partition_of = (int32_t)found->count;
        gpu.memory_bytes /= slots;
    }
    for (int nth = 0; nth < slots; nth++) {
        struct found_gpu *slot = &found->gpus[found->count++];
        *slot = (struct found_gpu){ .gpu = gpu, .pci = card->pci, .nth = nth };
        if (card->backend >= 0)
            slot->gpu.device = device_number(card->devices[nth]->name);
    }
    return 0;
}

static int by_pci(const void *a, const void *b)
{
    const struct card *x = a;
    const struct card *y = b;
    if (!x->pci || !y->pci)
        return (x->pci == NULL) - (y->pci == NULL);
    const struct hwloc_pcidev_attr_s *p = &x->pci->attr->pcidev;
    const struct hwloc_pcidev_attr_s *q = &y->pci->attr->pcidev;
    uint64_t m =
        (uint64_t)p->domain << 24 | (uint64_t)p->bus << 16 | (uint64_t)p->dev << 8 | p->func;
    uint64_t n =
        (uint64_t)q->domain << 24 | (uint64_t)q->bus << 16 | (uint64_t)q->dev << 8 | q->func;
    return m < n ? -1 : m > n;
}

/* NVIDIA's PCI devices that no back end showed: the vendor's libraries may be missing here. */
static bool add_bare(hwloc_topology_t topology, struct cards *cards)
{
    for (hwloc_obj_t pci = NULL; (pci = hwloc_get_next_pcidev(topology, pci)) != NULL;) {
        const struct hwloc_pcidev_attr_s *attr = &pci->attr->pcidev;
        if (attr->vendor_id == 0x10de && attr->class_id >> 8 == 0x03 && !card_for(cards, pci))
            return false;
    }
    return true;
}

int gpus_find(hwloc_topology_t topology, bool is_live, struct found_gpus *found,
              struct stint_error *err)
{
    struct cards *cards = calloc(1, sizeof(*cards));
    if (!cards)
        return -ENOMEM;
    int r = 0;
    found->count = 0;
    for (hwloc_obj_t device = NULL; (device = hwloc_get_next_osdev(topology, device)) != NULL;) {
        int backend = backend_of(device->name);
        hwloc_obj_t pci = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PCI_DEVICE, device);
        /* OpenCL also shows CPUs, which have no PCI device. */
        if (backend < 0 || (!pci && strcmp(backends[backend].prefix, "opencl") == 0))
            continue;
        struct card *card = card_for(cards, pci);
        if (!card || !card_add(card, device, backend))
            r = stint_fail(err, STINT_TOO_LARGE, "more than %d GPUs in one node",
                           STINT_MACHINE_GPU_MAX);
    }
    if (r == 0 && is_live && !add_bare(topology, cards))
        r = stint_fail(err, STINT_TOO_LARGE, "more than %d GPUs in one node",
                       STINT_MACHINE_GPU_MAX);
    qsort(cards->cards, cards->count, sizeof(*cards->cards), by_pci);
    for (uint32_t i = 0; i < cards->count && r == 0; i++)
        r = card_slots(topology, &cards->cards[i], (int)i, found, err);
    free(cards);
    return r;
}

int gpu_slot_of(const struct found_gpus *found, hwloc_obj_t object)
{
    hwloc_obj_t pci = object;
    while (pci && pci->type != HWLOC_OBJ_PCI_DEVICE)
        pci = pci->parent;
    for (uint32_t i = 0; i < found->count && pci; i++) {
        if (found->gpus[i].pci != pci)
            continue;
        if (found->gpus[i].gpu.partition_of < 0 || object == pci ||
            device_number(object->name ? object->name : "") == found->gpus[i].gpu.device)
            return (int)i;
    }
    return -1;
}
