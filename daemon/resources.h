/* From the configuration to resources: which cores and GPUs of the machine are whose, and the core
 * of a scheduler for each. */
#ifndef STINT_DAEMON_RESOURCES_H
#define STINT_DAEMON_RESOURCES_H

#include "stint/config.h"
#include "stint/resource.h"

/**
 * resources_open() - machines and cores of all resources
 * @host: name of this machine's node
 * Return: 0; STINT_INVALID with file, line and cure for parts that overlap, are empty, or name what
 * the machine does not have; what stint_topology_load() and stint_clerk_new() return. What is
 * open after an error, resources_close() closes. Blocks for as long as the topology takes.
 */
int resources_open(const struct stint_config *config, const char *host,
                   struct stint_resources *ret_resources, struct stint_error *err);
void resources_close(struct stint_resources *resources);
/* The same without cores, and nothing is kept: for --check-config. */
int resources_check(const struct stint_config *config, const char *host, struct stint_error *err);
/* A reload: what it takes up of the terms; what else changed waits for a restart. */
void resources_reload(struct stint_resources *resources, const struct stint_config *config);

#endif
