/* From hwloc to a machine. The one part of scheduler/ that is not pure: it asks hwloc, which reads
 * the system or a file. Called once at start, never per decision (discovery costs 10-40 ms). Link
 * `topology_dep`.
 *
 * How GPUs are counted: the OS devices of vendors' back ends (cuda, nvml, rsmi, levelzero, opencl)
 * are grouped by their PCI device, and a group is one GPU however many back ends see it; several
 * devices of ONE back end below one PCI device are partitions, each its own slot. A display adapter
 * that only has `card` or `renderD` devices is no GPU. The PCI class decides nothing where a back
 * end spoke; where none did on the live machine, a 3D or display controller of a GPU vendor
 * (NVIDIA) counts, since the vendor's libraries may be missing. */
#ifndef STINT_TOPOLOGY_H
#define STINT_TOPOLOGY_H

#include "stint/error.h"
#include "stint/machine.h"

#define STINT_TOPOLOGY_XML_MAX (64 << 20) /* bytes of an XML file */

/**
 * struct stint_topology_options - where a machine comes from
 * @source: NULL or "" for this system (restricted to the CPUs this process may use, offline CPUs
 * left out); the path of an hwloc 2 or 1 XML file (it contains a '/' or ends in .xml); else an
 * hwloc synthetic string, "core:32 pu:1"
 * @gpus: GPUs declared beside it, "h200:4" or "h200:4,t4:2", spread evenly over the NUMA nodes that
 * have cores and marked simulated; "4" is four of type "gpu"; NULL or "" for none
 * @name: of the node (or the nodes' common part); NULL for "node0"; this system uses it as given
 * @nodes: how many such nodes; 0 is 1
 */
struct stint_topology_options {
    const char *source;
    const char *gpus;
    const char *name;
    uint32_t nodes;
};

/**
 * stint_topology_load() - the machine that @options describe
 * Return: 0; STINT_INVALID (a synthetic string or a GPU declaration hwloc or we cannot read; an
 * hwloc 3 file, with what to do); STINT_UNTRUSTED (a file that is no topology, or has no PU);
 * STINT_TOO_LARGE; -ENOENT and other errnos of the file, with a text; -ENOMEM.
 * Blocks: 10-40 ms for this system, 3-50 ms for a file, which a forked child loads first, since
 * hwloc crashes on some hostile ones (so: early, and not by two threads at once). Source: hwloc 2.9
 * manual, "Importing and exporting topologies", "I/O devices".
 */
int stint_topology_load(const struct stint_topology_options *options,
                        struct stint_machine **ret_machine, struct stint_error *err);

#endif
