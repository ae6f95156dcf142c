/* The parts of the public page. */
#ifndef STINT_API_PAGE_H
#define STINT_API_PAGE_H

#include "views.h"

#define PAGE_PROJECTS_MAX 26 /* letters for holders; further ones share the last */
#define PAGE_COLOURS      12
#define PAGE_NODES_MAX    24  /* nodes drawn; the rest is counted */
#define PAGE_CORES_MAX    512 /* cores of a node drawn one by one */

/**
 * struct page_machine - who holds what, gathered in one walk over the jobs
 * @letters: name of the project with each letter
 */
struct page_machine {
    const struct stint_api *api;
    uint32_t first_node[STINT_RESOURCE_MAX]; /* where a resource's nodes begin below */
    uint32_t node_count;                     /* of all */
    char letters[PAGE_PROJECTS_MAX][64];
    size_t letter_count;
    uint64_t cores_total;
    uint64_t cores_held;
    uint64_t gpus_total; /* simulated ones left out */
    uint64_t gpus_held;
    uint64_t simulated_total;
    uint64_t running;
    uint64_t waiting;
    /* holders by node drawn: letter + 1, 0 for free */
    uint8_t cores[PAGE_NODES_MAX][PAGE_CORES_MAX];
    uint8_t gpus[PAGE_NODES_MAX][64];
    uint64_t gpus_seen[PAGE_NODES_MAX];
};

void page_machine_gather(struct stint_api *api, struct page_machine *machine);
void page_machine_draw(struct stint_api *api, const struct page_machine *machine,
                       struct stint_buffer *out);
/* The letter's swatch and the project's name. */
void page_holder(const struct page_machine *machine, const char *project, struct stint_buffer *out);
void html_time(struct stint_buffer *out, int64_t at_ms);

#endif
