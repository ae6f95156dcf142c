/* Owns: links between GPUs, from hwloc's matrices. On machines with NVSwitches the matrix has the
 * switches' ports as members and nothing between GPUs; merging the ports and closing over the
 * switch gives the bandwidth between all pairs. The closure is asked for only where there was a
 * switch: without one, hwloc 2.9 sets all that is off the diagonal to 0. */
#include <stdlib.h>

#include "topology.h"

static int by_ends(const void *a, const void *b)
{
    const struct stint_link *x = a;
    const struct stint_link *y = b;
    if (x->a != y->a)
        return x->a < y->a ? -1 : 1;
    return x->b < y->b ? -1 : x->b > y->b;
}

static uint32_t add_matrix(const struct found_gpus *found, const struct hwloc_distances_s *matrix,
                           enum stint_link_kind kind, struct stint_link *links, uint32_t count,
                           uint32_t max)
{
    for (unsigned i = 0; i < matrix->nbobjs; i++) {
        for (unsigned j = i + 1; j < matrix->nbobjs; j++) {
            int a = matrix->objs[i] ? gpu_slot_of(found, matrix->objs[i]) : -1;
            int b = matrix->objs[j] ? gpu_slot_of(found, matrix->objs[j]) : -1;
            uint64_t to = matrix->values[i * matrix->nbobjs + j];
            uint64_t back = matrix->values[j * matrix->nbobjs + i];
            uint64_t speed = to < back ? to : back;
            if (a < 0 || b < 0 || a == b || speed == 0 || count == max)
                continue;
            links[count++] = (struct stint_link){
                .a = (uint16_t)(a < b ? a : b),
                .b = (uint16_t)(a < b ? b : a),
                .kind = kind,
                .mb_per_s = speed > UINT32_MAX / 4 ? UINT32_MAX / 4 : (uint32_t)speed,
            };
        }
    }
    return count;
}

uint32_t links_find(hwloc_topology_t topology, const struct found_gpus *found,
                    struct stint_link *links, uint32_t max)
{
    static const struct {
        const char *name;
        enum stint_link_kind kind;
    } matrices[] = { { "NVLinkBandwidth", STINT_LINK_NVLINK },
                     { "XGMIBandwidth", STINT_LINK_XGMI } };
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof(matrices) / sizeof(matrices[0]); i++) {
        struct hwloc_distances_s *matrix = NULL;
        unsigned matrix_count = 1;
        if (hwloc_distances_get_by_name(topology, matrices[i].name, &matrix_count, &matrix, 0) !=
                0 ||
            matrix_count == 0)
            continue;
        if (matrices[i].kind == STINT_LINK_NVLINK &&
            hwloc_distances_transform(topology, matrix,
                                      HWLOC_DISTANCES_TRANSFORM_MERGE_SWITCH_PORTS, NULL, 0) == 0)
            (void)hwloc_distances_transform(topology, matrix,
                                            HWLOC_DISTANCES_TRANSFORM_TRANSITIVE_CLOSURE, NULL, 0);
        count = add_matrix(found, matrix, matrices[i].kind, links, count, max);
        hwloc_distances_release(topology, matrix);
    }
    qsort(links, count, sizeof(*links), by_ends);
    /* A file may name a pair twice; the faster one stays. */
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (kept > 0 && by_ends(&links[kept - 1], &links[i]) == 0) {
            if (links[i].mb_per_s > links[kept - 1].mb_per_s)
                links[kept - 1] = links[i];
        } else {
            links[kept++] = links[i];
        }
    }
    return kept;
}
