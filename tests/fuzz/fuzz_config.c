/* Fuzzes stint.conf: every refusal names a line. Links config_dep and inih_dep, and needs
 * daemon/config/ on its include path. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct stint_config config;
    struct stint_error err = { 0 };
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    stint_config_defaults(true, &config);
    int r = config_parse("f", text, &config, &err);
    if (r > 0 && (strncmp(err.text, "f:", 2) != 0 || !err.fix[0]))
        abort();
    if (r == 0)
        (void)stint_config_check(&config, &err);
    free(text);
    return 0;
}
