/* What judging costs: hashing beside coreutils' sha256sum on the same files in the same run, from
 * one large file to thousands of small ones, by one thread and by all of them; a
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

/* Sets of files in the page cache. One large file takes one core: SHA-256 is a chain. */
static const struct set {
    const char *name;
    size_t files;
    size_t bytes; /* of each */
    bool is_judged;
} sets[] = {
    { "one", 1, (size_t)1 << 30, false },      { "shards", 4, (size_t)256 << 20, true },
    { "uneven", 9, (size_t)96 << 20, false }, /* and no number of cores divides them */
    { "medium", 512, (size_t)1 << 20, false }, { "small", 8192, (size_t)4 << 10, false },
};

static void make_set(const struct set *set)
{
    char name[64];
    size_t block_bytes = set->bytes < (size_t)1 << 20 ? set->bytes : (size_t)1 << 20;
    char *block = calloc(1, block_bytes);
    if (!block || mkdir(path_of(set->name), 0755) != 0)
        die("no place for %s files", set->name);
    for (size_t i = 0; i < set->files; i++) {
        memcpy(block, &i, sizeof(i));
        (void)snprintf(name, sizeof(name), "%s/%zu.bin", set->name, i);
        write_file(name, block, block_bytes, set->bytes / block_bytes);
    }
    free(block);
}

static bool bench_set(const struct set *set, int count)
{
    enum { PEER, PEERS, ONE, ALL, WAYS };
    double times[WAYS][ROUNDS_MAX];
    double speed[WAYS];
    char command[1024];
    double bytes = (double)set->files * (double)set->bytes;
    make_set(set);
    for (int i = 0; i < count; i++) { /* in turns, so that all see the same machine */
        for (int peer = PEER; peer <= PEERS; peer++) {
            (void)snprintf(command, sizeof(command),
                           "find %s -type f -print0 | xargs -0 -n %zu -P %ld sha256sum >/dev/null",
                           path_of(set->name), peer == PEER ? set->files : set->files / 8 + 1,
                           peer == PEER ? 1 : sysconf(_SC_NPROCESSORS_ONLN));
            times[peer][i] = run_s(command);
        }
        times[ONE][i] = hash_s(path_of(set->name), 1);
        times[ALL][i] = hash_s(path_of(set->name), 0);
    }
    for (int way = 0; way < WAYS; way++)
        speed[way] = bytes / median(times[way], (size_t)count) / 1e9;
    printf("%-8s %5zu x %10zu %10.2f %10.2f %10.2f %10.2f %8.1f %8.1f\n", set->name, set->files,
           set->bytes, speed[PEER], speed[PEERS], speed[ONE], speed[ALL], speed[ONE] / speed[PEER],
           speed[ALL] / speed[PEER]);
    (void)snprintf(command, sizeof(command), "rm -r %s", path_of(set->name));
    (void)run_s(command); /* now: the next set wants the room, and the name */
    return !set->is_judged ||
           judge("hashing, times sha256sum", speed[ALL] / speed[PEER], "x", 5, false);
}

static bool bench_hashing(int count)
{
    bool is_met = true;
    printf("hashing, GB/s%25s %10s %10s %10s %8s %8s\n", "sha256sum", "on all", "one thread", "all",
           "one, x", "all, x");
    for (size_t i = 0; i < STINT_ARRAY_SIZE(sets); i++)
        is_met = bench_set(&sets[i], count) && is_met;
    return is_met;
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
