/* Nodes as a table, from the daemon's document or from a topology file. */
#ifndef STINT_CLI_NODES_H
#define STINT_CLI_NODES_H

#include <jansson.h>

/* A stint.nodes/1 document as a table; with @only, that node and its GPUs. Exit status. */
int nodes_show(const json_t *document, const char *only);

/* A line for each reservation on @node, a member of such a document. */
void nodes_reserved(const json_t *node);

#endif
