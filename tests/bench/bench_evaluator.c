/* What judging costs: hashing beside coreutils' sha256sum on the same files in the same run, a
 * snapshot of a hundred files without weights, and one licence text from a cold start of the child,
 * beside a program that does nothing. Links evaluator_dep, with STINT_EVALUATE. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stint/evaluator.h"
#include "yardstick.h"

#define LARGE_FILES    4
#define LARGE_BYTES    ((size_t)256 << 20)
#define SMALL_FILES    100
#define SOURCE_LICENCE "LICENSE"

static char folder[256];

static const char *path_of(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *path = paths[next++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t length, size_t times)
{
    FILE *file = fopen(path_of(name), "wbe");
    if (!file)
        die("%s", name);
    for (size_t i = 0; i < times; i++)
        if (fwrite(bytes, 1, length, file) != length)
            die("%s", name);
    if (fclose(file) != 0)
        die("%s", name);
}

static double run_s(const char *command)
{
    double start = now_s();
    if (system(command) != 0)
        die("%s", command);
    return now_s() - start;
}

static double best_s(const char *command, int count)
{
    double best = run_s(command);
    for (int i = 1; i < count; i++) {
        double next = run_s(command);
        best = next < best ? next : best;
    }
    return best;
}

static double hash_s(const char *path, unsigned threads)
{
    struct stint_artifact_tree tree;
    struct stint_artifact_manifest manifest = { 0 };
    double start = now_s();
    if (stint_artifact_tree_open(path, &tree, NULL) != 0 ||
        stint_artifact_tree_list(&tree, &manifest, NULL) != 0 ||
        stint_artifact_hash(&tree, &manifest, threads, NULL, NULL, NULL) != 0 ||
        !manifest.has_digest)
        die("hashing %s", path);
    double seconds = now_s() - start;
    stint_artifact_tree_close(&tree);
    stint_artifact_manifest_deinit(&manifest);
    return seconds;
}

static bool bench_hashing(int count)
{
    char command[1024];
    char name[64];
    char *block = calloc(1, (size_t)1 << 20);
    if (!block || mkdir(path_of("large"), 0755) != 0)
        die("no place for large files");
    for (int i = 0; i < LARGE_FILES; i++) {
        block[0] = (char)i;
        (void)snprintf(name, sizeof(name), "large/%d.bin", i);
        write_file(name, block, (size_t)1 << 20, LARGE_BYTES >> 20);
    }
    free(block);
    double bytes = (double)LARGE_FILES * (double)LARGE_BYTES;
    (void)snprintf(command, sizeof(command), "sha256sum %s/large/*.bin >/dev/null", folder);
    double peer = best_s(command, count);
    double one = hash_s(path_of("large"), 1);
    double all = hash_s(path_of("large"), 0);
    for (int i = 1; i < count; i++) {
        double next = hash_s(path_of("large"), 0);
        all = next < all ? next : all;
        next = hash_s(path_of("large"), 1);
        one = next < one ? next : one;
    }
    printf("hashing %.0f MB: sha256sum %.2f GB/s, one thread %.2f GB/s, all %.2f GB/s\n",
           bytes / 1e6, bytes / peer / 1e9, bytes / one / 1e9, bytes / all / 1e9);
    return judge("hashing, times sha256sum", peer / all, "x", 5, false);
}

static bool bench_snapshot(int count)
{
    static const char line[] = "# SPDX-License-Identifier: MIT\nimport math\nx = math.pi\n";
    char command[1024];
    char name[64];
    if (mkdir(path_of("small"), 0755) != 0)
        die("no place for small files");
    for (int i = 0; i < SMALL_FILES - 2; i++) {
        (void)snprintf(name, sizeof(name), "small/part_%d.py", i);
        write_file(name, line, sizeof(line) - 1, 40);
    }
    write_file("small/README.md", "---\nlicense: mit\n---\n# Small\n", 29, 1);
    write_file("small/config.json", "{\"model_type\":\"small\"}", 22, 1);
    (void)snprintf(command, sizeof(command), "%s judge --kind model %s/small >/dev/null",
                   STINT_EVALUATE, folder);
    double ms = best_s(command, count * 4) * 1e3;
    bool is_met = judge("snapshot of 100 files, the child", ms, "ms", 50, true);
    (void)snprintf(command, sizeof(command),
                   "cp " STINT_TEST_SOURCE "/" SOURCE_LICENCE " %s/LICENSE", folder);
    (void)run_s(command);
    (void)snprintf(command, sizeof(command), "%s judge %s/LICENSE >/dev/null", STINT_EVALUATE,
                   folder);
    double cold = best_s(command, count * 4) * 1e3;
    double nothing = best_s("true", count * 4) * 1e3;
    printf("a program that does nothing: %.1f ms\n", nothing);
    return judge("one licence text, cold start", cold, "ms", 20, true) && is_met;
}

int main(void)
{
    int count = rounds(3);
    folder_make(folder, sizeof(folder));
    bool is_met = bench_hashing(count);
    is_met = bench_snapshot(count) && is_met;
    folder_remove(folder);
    return is_met ? 0 : 1;
}
