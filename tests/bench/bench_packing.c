/* Placement of shared GPUs on many nodes: the inflation experiment of "Beware of Fragmentation"
 * (USENIX ATC 2023) through the real core, beside the rows of packing_expected.csv. Pods are drawn
 * with replacement, never leave, and are dropped when they fit nowhere; the figure is the share of
 * all GPUs given away when the demand that arrived passed 130 % of them. Links scheduler_dep and
 * zlib. Limits: within 0.5 points of the best row of the same seed; 50 us a pod. */
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "stint/scheduler.h"

#ifndef STINT_SHARED_DATA
#define STINT_SHARED_DATA "../shared/data"
#endif
#define TRACES   STINT_SHARED_DATA "/traces/"
#define CPU_UNIT 2 /* thousandths of a CPU that are one core here: all figures are even */
#define POD_MAX  10000

struct pod {
    uint32_t cores;
    int64_t memory_bytes;
    uint16_t gpus;
    uint16_t gpu_milli;
};

static struct pod pods[POD_MAX];
static uint32_t pod_count;

static void die(const char *what)
{
    (void)fprintf(stderr, "bench_packing: %s\n", what);
    exit(1);
}

/* ---- Python's random.Random(seed).randrange(n): MT19937 (Matsumoto & Nishimura 1998) seeded by
 * array */

static uint32_t mt[624];
static int mt_at;

static void mt_seed_word(uint32_t seed)
{
    mt[0] = seed;
    for (uint32_t i = 1; i < 624; i++)
        mt[i] = UINT32_C(1812433253) * (mt[i - 1] ^ (mt[i - 1] >> 30)) + i;
    mt_at = 624;
}

static void mt_seed(uint32_t key)
{
    mt_seed_word(19650218);
    uint32_t i = 1;
    for (int k = 0; k < 624; k++) {
        mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * UINT32_C(1664525))) + key;
        if (++i >= 624) {
            mt[0] = mt[623];
            i = 1;
        }
    }
    for (int k = 0; k < 623; k++) {
        mt[i] = (mt[i] ^ ((mt[i - 1] ^ (mt[i - 1] >> 30)) * UINT32_C(1566083941))) - i;
        if (++i >= 624) {
            mt[0] = mt[623];
            i = 1;
        }
    }
    mt[0] = UINT32_C(0x80000000);
}

static uint32_t mt_next(void)
{
    if (mt_at >= 624) {
        for (int i = 0; i < 624; i++) {
            uint32_t y =
                (mt[i] & UINT32_C(0x80000000)) | (mt[(i + 1) % 624] & UINT32_C(0x7fffffff));
            mt[i] = mt[(i + 397) % 624] ^ (y >> 1) ^ (y & 1 ? UINT32_C(0x9908b0df) : 0);
        }
        mt_at = 0;
    }
    uint32_t y = mt[mt_at++];
    y ^= y >> 11;
    y ^= (y << 7) & UINT32_C(0x9d2c5680);
    y ^= (y << 15) & UINT32_C(0xefc60000);
    return y ^ (y >> 18);
}

static uint32_t randrange(uint32_t n)
{
    int bits = 32 - __builtin_clz(n);
    uint32_t r;
    do
        r = mt_next() >> (32 - bits);
    while (r >= n);
    return r;
}

/* ---- the files */

/* Fields of a line of plain CSV, in place. */
static int split(char *line, char *fields[], int max)
{
    int count = 0;
    line[strcspn(line, "\r\n")] = '\0';
    while (count < max) {
        fields[count++] = line;
        line = strchr(line, ',');
        if (!line)
            break;
        *line++ = '\0';
    }
    return count;
}

static void read_pods(void)
{
    char line[1024];
    char *fields[16];
    gzFile file = gzopen(TRACES "openb_pod_list_default.csv.gz", "rbe");
    if (!file || !gzgets(file, line, sizeof(line)))
        die("no pods");
    while (gzgets(file, line, sizeof(line)) && pod_count < POD_MAX) {
        if (split(line, fields, 16) < 5)
            die("a pod without fields");
        struct pod *pod = &pods[pod_count++];
        pod->cores = (uint32_t)(strtoul(fields[1], NULL, 10) / CPU_UNIT);
        pod->memory_bytes = strtoll(fields[2], NULL, 10) << 20;
        pod->gpus = (uint16_t)strtoul(fields[3], NULL, 10);
        pod->gpu_milli = (uint16_t)strtoul(fields[4], NULL, 10);
        if (pod->gpus != 1 || pod->gpu_milli == 0 || pod->gpu_milli > 1000)
            pod->gpu_milli = 1000;
    }
    (void)gzclose_r(file);
}

static const struct stint_shape *shape_for(struct stint_machine *machine, uint32_t cores,
                                           int64_t memory_bytes, uint32_t gpus, const char *model)
{
    struct stint_shape *shape = NULL;
    for (uint32_t i = 0; i < machine->shape_count; i++) {
        shape = machine->shapes[i];
        if (shape->core_count == cores && shape->memory_bytes == memory_bytes &&
            shape->gpu_count == gpus && (gpus == 0 || strcmp(shape->gpus[0].type, model) == 0))
            return shape;
    }
    if (stint_machine_add_shape(machine, 1, cores, cores, gpus, 0, &shape, NULL) != 0)
        die("a shape");
    shape->numa[0] = (struct stint_numa){ .core_count = cores, .memory_bytes = memory_bytes };
    shape->memory_bytes = memory_bytes;
    for (uint32_t c = 0; c < cores; c++)
        shape->cores[c] = (struct stint_core){ .pu_first = c, .pu_count = 1 };
    for (uint32_t g = 0; g < gpus; g++) {
        shape->gpus[g] = (struct stint_gpu){ .partition_of = -1 };
        (void)snprintf(shape->gpus[g].type, sizeof(shape->gpus[g].type), "%s", model);
        if (stint_machine_type(machine, model, &shape->gpus[g].type_index, NULL) != 0)
            die("a type");
    }
    return shape;
}

/* @max > 0: only the first so many with 8 GPUs. */
static struct stint_machine *read_nodes(uint32_t max)
{
    char line[1024];
    char *fields[8];
    struct stint_machine *machine = NULL;
    gzFile file = gzopen(TRACES "openb_node_list_gpu_node.csv.gz", "rbe");
    if (!file || !gzgets(file, line, sizeof(line)) || stint_machine_new(&machine) != 0)
        die("no nodes");
    while (gzgets(file, line, sizeof(line))) {
        if (split(line, fields, 8) < 5)
            die("a node without fields");
        uint32_t gpus = (uint32_t)strtoul(fields[3], NULL, 10);
        if (max > 0 && (gpus != 8 || machine->node_count == max))
            continue;
        const struct stint_shape *shape =
            shape_for(machine, (uint32_t)(strtoul(fields[1], NULL, 10) / CPU_UNIT),
                      strtoll(fields[2], NULL, 10) << 20, gpus, fields[4]);
        if (stint_machine_add_nodes(machine, "n", shape, 1, NULL) != 0)
            die("a node");
    }
    (void)gzclose_r(file);
    return machine;
}

/* Best and worst row of the reference at 130 %. */
static void expected(uint32_t nodes, unsigned seed, double *ret_best, double *ret_worst)
{
    char line[1024];
    char *fields[16];
    FILE *file = fopen(TRACES "packing_expected.csv", "re");
    *ret_best = 0;
    *ret_worst = 100;
    while (file && fgets(line, sizeof(line), file)) {
        if (split(line, fields, 16) < 13 || strtoul(fields[1], NULL, 10) != nodes ||
            strtoul(fields[4], NULL, 10) != seed)
            continue;
        double at130 = strtod(fields[12], NULL);
        *ret_best = at130 > *ret_best ? at130 : *ret_best;
        *ret_worst = at130 < *ret_worst ? at130 : *ret_worst;
    }
    if (file)
        (void)fclose(file);
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static bool place(struct stint_scheduler *scheduler, uint64_t job, const struct pod *pod)
{
    struct stint_start start;
    size_t count = 0;
    struct stint_ask ask = { .key = { job, 0 },
                             .cpus = pod->cores,
                             .gpus = pod->gpus,
                             .gpu_milli = pod->gpu_milli,
                             .gpu_type = STINT_ANY_GPU_TYPE,
                             .memory_bytes = pod->memory_bytes,
                             .walltime_ms = INT64_C(1) << 40,
                             .user = UINT32_MAX,
                             .fair_account = STINT_NO_ACCOUNT };
    if (stint_scheduler_submit(scheduler, &ask, NULL) != 0 ||
        stint_scheduler_pass(scheduler, 0, &start, 1, &count) != 0)
        die("a pass failed");
    if (count == 0 && stint_scheduler_remove(scheduler, ask.key) != 0)
        die("a pod is lost");
    return count == 1;
}

static bool run(uint32_t max, unsigned seed)
{
    struct stint_machine *machine = read_nodes(max);
    struct stint_policy policy = { .mode = STINT_MODE_FCFS };
    struct stint_scheduler *scheduler = NULL;
    if (stint_scheduler_new(machine, &policy, &scheduler, NULL) != 0)
        die("no scheduler");
    int64_t all = 0;
    int64_t asked = 0;
    int64_t given = 0;
    uint32_t failed = 0;
    uint64_t drawn = 0;
    double longest = 0;
    double best = 0;
    double worst = 0;
    for (uint32_t i = 0; i < machine->node_count; i++)
        all += INT64_C(1000) * machine->nodes[i].shape->gpu_count;
    mt_seed(seed);
    double before = now_us();
    while (asked < all * 13 / 10) {
        const struct pod *pod = &pods[randrange(pod_count)];
        double then = now_us();
        int64_t milli = (int64_t)pod->gpus * pod->gpu_milli;
        asked += milli;
        if (place(scheduler, ++drawn, pod))
            given += milli;
        else
            failed++;
        double took = now_us() - then;
        longest = took > longest ? took : longest;
    }
    double each = (now_us() - before) / (double)drawn;
    double share = 100.0 * (double)given / (double)all;
    const char *wrong = stint_scheduler_check(scheduler);
    expected(machine->node_count, seed, &best, &worst);
    (void)printf("%6u %6u %7" PRIu64 " %7u %9.3f %9.3f %9.3f %+8.3f %9.2f %9.1f%s\n",
                 machine->node_count, seed, drawn, failed, share, best, worst, share - best, each,
                 longest, wrong ? wrong : "");
    (void)stint_scheduler_free(scheduler);
    (void)stint_machine_free(machine);
    return !wrong && share >= best - 0.5;
}

int main(void)
{
    bool is_good = true;
    if (access(TRACES "openb_pod_list_default.csv.gz", R_OK) != 0) {
        (void)printf("bench_packing: the shared traces are not here\n");
        return 0;
    }
    read_pods();
    (void)printf("%6s %6s %7s %7s %9s %9s %9s %8s %9s %9s\n", "nodes", "seed", "drawn", "failed",
                 "at130 %", "best", "worst", "to best", "us a pod", "longest");
    for (unsigned seed = 42; seed <= 44; seed++)
        is_good &= run(0, seed);
    for (unsigned seed = 42; seed <= 44; seed++)
        (void)run(16, seed);
    return is_good ? 0 : 1;
}
