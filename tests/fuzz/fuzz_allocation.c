/* Allocations as text: what is read must be written the same and read again. Links scheduler_dep.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stint/allocation.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct stint_machine *machine_once(void)
{
    static struct stint_machine *machine;
    struct stint_shape *shape = NULL;
    if (machine)
        return machine;
    if (stint_machine_new(&machine) != 0 ||
        stint_machine_add_shape(machine, 2, 70, 70, 9, 0, &shape, NULL) != 0 ||
        stint_machine_add_nodes(machine, "node", shape, 3, NULL) != 0)
        abort();
    return machine;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_machine *machine = machine_once();
    char *text = strndup((const char *)data, size);
    struct stint_allocation *first = NULL;
    struct stint_allocation *second = NULL;
    struct stint_buffer line = { 0 };
    struct stint_buffer again = { 0 };
    if (text && stint_allocation_parse(machine, text, &first, NULL) == 0) {
        stint_allocation_format_full(machine, first, &line);
        if (stint_allocation_parse(machine, stint_buffer_text(&line), &second, NULL) != 0)
            abort();
        stint_allocation_format_full(machine, second, &again);
        if (strcmp(stint_buffer_text(&line), stint_buffer_text(&again)) != 0)
            abort();
    }
    stint_buffer_deinit(&line);
    stint_buffer_deinit(&again);
    (void)stint_allocation_free(first);
    (void)stint_allocation_free(second);
    free(text);
    return 0;
}
