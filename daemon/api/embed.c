/* Run while building: turns files into arrays of a C source and its header.
 * embed OUT.c OUT.h NAME=FILE… */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void embed(FILE *source, FILE *header, const char *name, const char *path)
{
    FILE *file = fopen(path, "rb");
    size_t length = 0;
    int c;
    if (!file)
        fail(path);
    (void)fprintf(source, "const unsigned char file_%s[] = {", name);
    while ((c = fgetc(file)) != EOF)
        (void)fprintf(source, "%s%d,", length++ % 20 == 0 ? "\n" : "", c);
    (void)fprintf(source, "0 };\nconst size_t file_%s_length = %zu;\n", name, length);
    (void)fprintf(header,
                  "extern const unsigned char file_%s[];\nextern const size_t "
                  "file_%s_length;\n",
                  name, name);
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return 2;
    FILE *source = fopen(argv[1], "w");
    FILE *header = fopen(argv[2], "w");
    if (!source || !header)
        fail("embed");
    (void)fprintf(source, "#include \"files.h\"\n");
    (void)fprintf(header, "#ifndef STINT_API_FILES_H\n#define STINT_API_FILES_H\n#include "
                          "<stddef.h>\n");
    for (int i = 3; i < argc; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            return 2;
        *equals = '\0';
        embed(source, header, argv[i], equals + 1);
    }
    (void)fprintf(header, "#endif\n");
    return fclose(source) == 0 && fclose(header) == 0 ? 0 : 1;
}
