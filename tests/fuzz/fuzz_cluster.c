/* Files of machines and of shares for `stint simulate`: refused with file and line, or usable. The
 * first byte chooses. Links simulator_dep. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "stint/simulator.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_refusal(int r, const struct stint_error *err)
{
    if (r == STINT_INVALID && strncmp(err->text, "fuzz", 4) != 0)
        abort();
}

static void shares(const char *text, size_t size)
{
    struct stint_shares shares = { 0 };
    struct stint_error err = { 0 };
    int r = stint_shares_parse(text, size, "fuzz", &shares, &err);
    check_refusal(r, &err);
    if (r != 0)
        return;
    for (uint32_t i = 0; i < shares.project_count; i++)
        if (shares.projects[i].parent != UINT32_MAX && shares.projects[i].parent >= i)
            abort(); /* a loop */
    for (uint32_t i = 0; i < shares.user_count; i++)
        if (shares.users[i] != UINT32_MAX && shares.users[i] >= shares.project_count)
            abort();
    stint_shares_deinit(&shares);
}

static void cluster(const char *text, size_t size)
{
    struct stint_machine *machine = NULL;
    struct stint_error err = { 0 };
    int r = stint_cluster_parse(text, size, "fuzz", &machine, &err);
    check_refusal(r, &err);
    if (r == 0 && (machine->node_count == 0 || machine->nodes[0].shape->core_count == 0))
        abort();
    (void)stint_machine_free(machine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    if (data[0] & 1)
        shares((const char *)data + 1, size - 1);
    else
        cluster((const char *)data + 1, size - 1);
    return 0;
}
