/* What a plain build runs instead of libFuzzer: the fuzzer's function over each file named on the
 * command line, every input in a block of exactly its size, so that a read beyond it is seen. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "stint/auto.h"

#define INPUT_BYTES_MAX ((size_t)4 << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    stint_auto(stint_free) uint8_t *whole = malloc(INPUT_BYTES_MAX);
    FILE *file = fopen(path, "rbe");
    if (!whole || !file) {
        perror(path);
        return 1;
    }
    size_t size = fread(whole, 1, INPUT_BYTES_MAX, file);
    (void)fclose(file);
    uint8_t *shrunk = realloc(whole, size ? size : 1);
    if (shrunk)
        whole = shrunk;
    (void)LLVMFuzzerTestOneInput(whole, size);
    return 0;
}

int main(int argc, char **argv)
{
    int status = 0;
    for (int i = 1; i < argc; i++)
        status |= replay_file(argv[i]);
    return status;
}
