/* Owns: the way from hwloc to a machine. hwloc is asked once and forgotten; what is kept is plain
 * data. A file is read whole into memory first, with a bound, and looked at before hwloc sees it.
 */
#include "topology.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stint/auto.h"

#define PROBE_SECONDS 20 /* for a file; the largest real ones take 0.1 */

enum source_kind { SOURCE_LIVE, SOURCE_XML, SOURCE_SYNTHETIC };

/* Where it comes from; @text is the whole file of SOURCE_XML. */
struct source {
    enum source_kind kind;
    const char *name;
    char *text;
    size_t length;
};

static enum source_kind source_kind(const char *source)
{
    size_t length = source ? strlen(source) : 0;
    if (length == 0)
        return SOURCE_LIVE;
    if (strchr(source, '/') || (length > 4 && strcmp(source + length - 4, ".xml") == 0))
        return SOURCE_XML;
    return SOURCE_SYNTHETIC;
}

/* ---- the file */

/* errno of the last call on @path, never 0. */
static int file_fault(const char *path, struct stint_error *err)
{
    int code = errno ? errno : EIO;
    return stint_fail(err, -code, "%.200s: %s", path, strerror(code));
}

static int read_file(const char *path, char **ret_text, size_t *ret_length, struct stint_error *err)
{
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat about;
    if (fd < 0 || fstat(fd, &about) != 0)
        return file_fault(path, err);
    if (!S_ISREG(about.st_mode))
        return stint_fail(err, STINT_UNTRUSTED, "%.200s is not a regular file", path);
    if (about.st_size > STINT_TOPOLOGY_XML_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%.200s has more than %d MiB", path,
                          STINT_TOPOLOGY_XML_MAX >> 20);
    size_t length = 0;
    stint_auto(stint_free) char *text = malloc((size_t)about.st_size + 1);
    if (!text)
        return -ENOMEM;
    while (length < (size_t)about.st_size) {
        ssize_t more = read(fd, text + length, (size_t)about.st_size - length);
        if (more < 0)
            return file_fault(path, err);
        if (more == 0)
            break;
        length += (size_t)more;
    }
    text[length] = '\0';
    *ret_text = stint_take(text);
    *ret_length = length;
    return 0;
}

/* Is this an hwloc file of a version that hwloc 2 reads? */
static int check_xml(const char *path, const char *text, size_t length, struct stint_error *err)
{
    if (!text || strlen(text) != length)
        return stint_fail(err, STINT_UNTRUSTED, "%.200s is no XML: it has NUL bytes", path);
    if (strcasestr(text, "<!ENTITY"))
        return stint_fail(err, STINT_UNTRUSTED, "%.200s defines XML entities", path);
    const char *tag = strstr(text, "<topology");
    if (!tag) {
        (void)stint_fail(err, STINT_UNTRUSTED, "%.200s is no hwloc topology", path);
        return stint_fix(err, STINT_UNTRUSTED,
                         "a file of lstopo --of xml, or a string like 'numa:2 core:8 pu:2'");
    }
    const char *version = strstr(tag, "version=\"");
    const char *end = strchr(tag, '>');
    if (version && end && version < end && version[9] != '1' && version[9] != '2') {
        (void)stint_fail(err, STINT_INVALID, "%.200s is of hwloc %.1s, which hwloc 2 cannot read",
                         path, version + 9);
        return stint_fix(err, STINT_INVALID,
                         "export it again with: lstopo --of xml "
                         "--export-xml-flags v2 FILE.xml");
    }
    return 0;
}

/* ---- opening */

static int open_source(hwloc_topology_t topology, const struct source *source,
                       struct stint_error *err)
{
    int r = 0;
    switch (source->kind) {
    case SOURCE_LIVE:
        (void)hwloc_topology_set_flags(topology, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                                                     HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING);
        break;
    case SOURCE_SYNTHETIC:
        if (hwloc_topology_set_synthetic(topology, source->name) != 0) {
            (void)stint_fail(err, STINT_INVALID, "'%.100s' describes no machine", source->name);
            return stint_fix(err, STINT_INVALID,
                             "write a file's path, or levels like: package:2 core:8 pu:1");
        }
        break;
    case SOURCE_XML:
        if (hwloc_topology_set_xmlbuffer(topology, source->text, (int)source->length + 1) != 0)
            r = stint_fail(err, STINT_UNTRUSTED, "%.200s is no topology hwloc can read",
                           source->name);
        break;
    }
    if (r == 0 && hwloc_topology_load(topology) != 0)
        r = stint_fail(err, source->kind == SOURCE_SYNTHETIC ? STINT_INVALID : STINT_UNTRUSTED,
                       "hwloc cannot load %.200s",
                       source->kind == SOURCE_LIVE ? "this system" : source->name);
    return r;
}

/* ---- NUMA nodes and cores */

struct found_core {
    hwloc_obj_t object;
    uint32_t numa;
    uint32_t cache;
    uint32_t nth;
};

struct found_nodes {
    uint32_t numa_count;
    hwloc_obj_t numas[STINT_MACHINE_NUMA_MAX];
    struct found_core *cores;
    uint32_t core_count;
    uint32_t pu_count;
};

static bool is_gpu_memory(hwloc_obj_t numa)
{
    return numa->subtype && strcmp(numa->subtype, "GPUMemory") == 0;
}

static int find_numas(hwloc_topology_t topology, struct found_nodes *found, struct stint_error *err)
{
    for (hwloc_obj_t numa = NULL;
         (numa = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, numa)) != NULL;) {
        if (is_gpu_memory(numa))
            continue;
        if (found->numa_count == STINT_MACHINE_NUMA_MAX)
            return stint_fail(err, STINT_TOO_LARGE, "more than %d NUMA nodes",
                              STINT_MACHINE_NUMA_MAX);
        found->numas[found->numa_count++] = numa;
    }
    return 0;
}

/* The NUMA node with the most memory among those nearest to @cpuset; 0 when none is. */
static uint32_t numa_of(const struct found_nodes *found, hwloc_const_cpuset_t cpuset)
{
    uint32_t best = 0;
    int best_weight = -1;
    uint64_t best_memory = 0;
    for (uint32_t i = 0; i < found->numa_count; i++) {
        hwloc_obj_t numa = found->numas[i];
        if (!cpuset || !hwloc_bitmap_intersects(numa->cpuset, cpuset))
            continue;
        /* The fewer cores it serves, the nearer it is. */
        int weight = hwloc_bitmap_weight(numa->cpuset);
        uint64_t memory = numa->attr->numanode.local_memory;
        if (best_weight < 0 || weight < best_weight ||
            (weight == best_weight && memory > best_memory)) {
            best = i;
            best_weight = weight;
            best_memory = memory;
        }
    }
    return best;
}

static uint32_t cache_of(hwloc_topology_t topology, hwloc_obj_t core)
{
    static const hwloc_obj_type_t levels[] = { HWLOC_OBJ_L3CACHE, HWLOC_OBJ_L2CACHE };
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        hwloc_obj_t cache = hwloc_get_ancestor_obj_by_type(topology, levels[i], core);
        if (cache && hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_L3CACHE) + (int)i > 0)
            return cache->logical_index;
    }
    return 0;
}

static int by_place(const void *a, const void *b)
{
    const struct found_core *x = a;
    const struct found_core *y = b;
    if (x->numa != y->numa)
        return x->numa < y->numa ? -1 : 1;
    if (x->cache != y->cache)
        return x->cache < y->cache ? -1 : 1;
    return x->nth < y->nth ? -1 : x->nth > y->nth;
}

static int find_cores(hwloc_topology_t topology, struct found_nodes *found, struct stint_error *err)
{
    /* Some files know only threads. */
    hwloc_obj_type_t type =
        hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0 ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    int count = hwloc_get_nbobjs_by_type(topology, type);
    /* Cores by themselves may be of anything: what is lent runs on PUs. */
    if (count <= 0 || hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PU) <= 0)
        return stint_fail(err, STINT_UNTRUSTED, "a topology without a single PU");
    if (count > STINT_MACHINE_CORE_MAX)
        return stint_fail(err, STINT_TOO_LARGE, "%d cores, at most %d are handled", count,
                          STINT_MACHINE_CORE_MAX);
    if (!(found->cores = calloc((size_t)count, sizeof(*found->cores))))
        return -ENOMEM;
    for (int i = 0; i < count; i++) {
        hwloc_obj_t core = hwloc_get_obj_by_type(topology, type, (unsigned)i);
        int pus = core->cpuset ? hwloc_bitmap_weight(core->cpuset) : 0;
        if (pus <= 0)
            continue; /* offline, or not ours to use */
        found->cores[found->core_count++] =
            (struct found_core){ .object = core,
                                 .numa = numa_of(found, core->cpuset),
                                 .cache = cache_of(topology, core),
                                 .nth = (uint32_t)i };
        found->pu_count += (uint32_t)pus;
    }
    if (found->core_count == 0)
        return stint_fail(err, STINT_UNTRUSTED, "a topology without a single PU");
    qsort(found->cores, found->core_count, sizeof(*found->cores), by_place);
    return 0;
}

/* MemTotal of /proc/meminfo in bytes, 0 when it cannot be read. */
static int64_t system_memory(void)
{
    FILE *file = fopen("/proc/meminfo", "re");
    unsigned long long kb = 0;
    char line[256];
    while (file && fgets(line, sizeof(line), file))
        if (strncmp(line, "MemTotal:", 9) == 0)
            kb = strtoull(line + 9, NULL, 10);
    if (file)
        (void)fclose(file);
    return kb < (UINT64_C(1) << 52) ? (int64_t)kb * 1024 : 0;
}

/* Memory as NUMA nodes say. sysfs may know less than there is (seen: 8.7 of 24.7 GB), so on this
 * system the larger of it and /proc/meminfo counts; a synthetic machine whose text says nothing of
 * memory gets this system's, where its jobs really run. */
static void fill_memory(const struct found_nodes *found, struct stint_shape *shape,
                        enum source_kind kind, bool says_memory)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < found->numa_count; i++) {
        uint64_t memory = found->numas[i]->attr->numanode.local_memory;
        shape->numa[i].memory_bytes = memory < (UINT64_C(1) << 55) ? (int64_t)memory : 0;
        sum += shape->numa[i].memory_bytes;
    }
    int64_t real = kind == SOURCE_XML ? 0 : system_memory();
    bool is_unsaid = kind == SOURCE_SYNTHETIC && !says_memory;
    if ((kind == SOURCE_LIVE && real > sum) || (is_unsaid && real > 0)) {
        int64_t left = real;
        for (uint32_t i = 0; i < shape->numa_count; i++) {
            int64_t mine =
                is_unsaid || sum == 0
                    ? real / shape->numa_count
                    : (int64_t)((double)shape->numa[i].memory_bytes / (double)sum * (double)real);
            mine = i + 1 == shape->numa_count || mine > left ? left : mine;
            shape->numa[i].memory_bytes = mine;
            left -= mine;
        }
        sum = real;
    }
    shape->memory_bytes = sum;
}

static void fill_cores(hwloc_topology_t topology, const struct found_nodes *found,
                       struct stint_shape *shape)
{
    uint32_t pu = 0;
    int packages = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_PACKAGE);
    shape->packages = packages > 0 ? (uint32_t)packages : 1;
    for (uint32_t i = 0; i < found->numa_count; i++) {
        hwloc_obj_t above = found->numas[i]->parent;
        while (above && above->type != HWLOC_OBJ_PACKAGE)
            above = above->parent;
        shape->numa[i].os_index = found->numas[i]->os_index;
        shape->numa[i].package = above ? above->logical_index : 0;
    }
    for (uint32_t i = 0; i < found->core_count; i++) {
        const struct found_core *from = &found->cores[i];
        struct stint_core *core = &shape->cores[i];
        struct stint_numa *numa = &shape->numa[from->numa];
        core->pu_first = pu;
        core->numa = (uint16_t)from->numa;
        core->cache = from->cache;
        for (int os = hwloc_bitmap_first(from->object->cpuset); os >= 0;
             os = hwloc_bitmap_next(from->object->cpuset, os))
            shape->pus[pu++] = (uint32_t)os;
        core->pu_count = (uint16_t)(pu - core->pu_first);
        if (numa->core_count++ == 0)
            numa->core_first = i;
    }
}

/* ---- GPUs */

/* The NUMA node next to a PCI device. */
static uint32_t numa_of_pci(hwloc_topology_t topology, const struct found_nodes *found,
                            hwloc_obj_t pci)
{
    hwloc_obj_t above = pci ? hwloc_get_non_io_ancestor_obj(topology, pci) : NULL;
    return above ? numa_of(found, above->cpuset) : 0;
}

struct declared {
    uint32_t count;
    char types[STINT_MACHINE_GPU_MAX][STINT_MACHINE_NAME_MAX];
};

/* One of "h200:4", "h200" or "4"; *text is moved behind it. */
static bool read_declared(const char **text, char type[STINT_MACHINE_NAME_MAX], uint64_t *ret_count)
{
    const char *at = *text;
    size_t length = strcspn(at, ":,");
    size_t digits = strspn(at, "0123456789");
    *ret_count = 1;
    memset(type, 0, STINT_MACHINE_NAME_MAX);
    if (digits > 0 && digits == length && at[length] != ':') {
        memcpy(type, "gpu", 4);
    } else {
        if (length == 0 || length >= STINT_MACHINE_NAME_MAX || !isalnum((unsigned char)*at))
            return false;
        for (size_t i = 0; i < length; i++) {
            type[i] = (char)tolower((unsigned char)at[i]);
            if (!isalnum((unsigned char)at[i]) && at[i] != '-' && at[i] != '_')
                return false;
        }
        at += length;
        if (*at != ':') {
            *text = at;
            return true;
        }
        at++;
    }
    if (!isdigit((unsigned char)*at))
        return false;
    char *end = NULL;
    *ret_count = strtoull(at, &end, 10);
    *text = end;
    return *ret_count > 0 && *ret_count <= STINT_MACHINE_GPU_MAX;
}

static int parse_declared(const char *text, struct declared *declared, struct stint_error *err)
{
    const char *whole = text;
    declared->count = 0;
    while (text && *text) {
        char type[STINT_MACHINE_NAME_MAX];
        uint64_t count = 0;
        if (!read_declared(&text, type, &count) || (*text && *text != ',') ||
            count > STINT_MACHINE_GPU_MAX - declared->count) {
            (void)stint_fail(err, STINT_INVALID, "'%.80s' declares no GPUs (at most %d)", whole,
                             STINT_MACHINE_GPU_MAX);
            return stint_fix(err, STINT_INVALID, "write TYPE:NUMBER, like h200:4 or h200:4,t4:2");
        }
        for (uint64_t i = 0; i < count; i++)
            memcpy(declared->types[declared->count++], type, sizeof(type));
        text += *text == ',';
    }
    return 0;
}

/* Declared GPUs go evenly to the NUMA nodes that have cores, neighbours together. */
static void place_declared(const struct declared *declared, struct stint_shape *shape,
                           uint32_t first)
{
    uint16_t homes[STINT_MACHINE_NUMA_MAX];
    uint32_t home_count = 0;
    for (uint32_t n = 0; n < shape->numa_count; n++)
        if (shape->numa[n].core_count > 0)
            homes[home_count++] = (uint16_t)n;
    for (uint32_t i = 0; i < declared->count; i++) {
        struct stint_gpu *gpu = &shape->gpus[first + i];
        *gpu = (struct stint_gpu){ .numa = homes[i * home_count / declared->count],
                                   .partition_of = -1,
                                   .device = -1,
                                   .is_simulated = true };
        memcpy(gpu->type, declared->types[i], sizeof(gpu->type));
    }
}

static int name_types(struct stint_machine *machine, struct stint_shape *shape,
                      struct stint_error *err)
{
    for (uint32_t i = 0; i < shape->gpu_count; i++) {
        int r = stint_machine_type(machine, shape->gpus[i].type, &shape->gpus[i].type_index, err);
        if (r != 0)
            return r;
    }
    return 0;
}

/* ---- together */

struct work {
    struct found_nodes nodes;
    struct found_gpus gpus;
    struct declared declared;
    struct stint_link links[STINT_MACHINE_LINK_MAX];
};

static void work_free_auto(struct work **work)
{
    if (*work)
        free((*work)->nodes.cores);
    free(*work);
}

static int build_shape(hwloc_topology_t topology, const char *gpus, const struct source *source,
                       struct work *work, struct stint_machine *machine,
                       struct stint_shape **ret_shape, struct stint_error *err)
{
    int r = find_numas(topology, &work->nodes, err);
    if (r == 0 && work->nodes.numa_count == 0)
        r = stint_fail(err, STINT_UNTRUSTED, "a topology without memory");
    if (r == 0)
        r = find_cores(topology, &work->nodes, err);
    if (r == 0)
        r = gpus_find(topology, source->kind == SOURCE_LIVE, &work->gpus, err);
    if (r == 0)
        r = parse_declared(gpus, &work->declared, err);
    if (r != 0)
        return r;
    uint32_t links = links_find(topology, &work->gpus, work->links, STINT_MACHINE_LINK_MAX);
    struct stint_shape *shape = NULL;
    r = stint_machine_add_shape(machine, work->nodes.numa_count, work->nodes.core_count,
                                work->nodes.pu_count, work->gpus.count + work->declared.count,
                                links, &shape, err);
    if (r != 0)
        return r;
    fill_cores(topology, &work->nodes, shape);
    fill_memory(&work->nodes, shape, source->kind, source->name && strstr(source->name, "memory="));
    for (uint32_t i = 0; i < work->gpus.count; i++) {
        shape->gpus[i] = work->gpus.gpus[i].gpu;
        shape->gpus[i].numa = (uint16_t)numa_of_pci(topology, &work->nodes, work->gpus.gpus[i].pci);
    }
    place_declared(&work->declared, shape, work->gpus.count);
    memcpy(shape->links, work->links, links * sizeof(*shape->links));
    *ret_shape = shape;
    return name_types(machine, shape, err);
}

static int load(const struct stint_topology_options *options, const struct source *source,
                struct stint_machine **ret_machine, struct stint_error *err)
{
    stint_auto(stint_machine_free) struct stint_machine *machine = NULL;
    stint_auto(work_free) struct work *work = calloc(1, sizeof(*work));
    struct stint_shape *shape = NULL;
    hwloc_topology_t topology;
    int r = stint_machine_new(&machine);
    if (r != 0 || !work || hwloc_topology_init(&topology) != 0)
        return -ENOMEM;
    (void)hwloc_topology_set_io_types_filter(topology, HWLOC_TYPE_FILTER_KEEP_ALL);
    r = open_source(topology, source, err);
    if (r == 0)
        r = build_shape(topology, options->gpus, source, work, machine, &shape, err);
    hwloc_topology_destroy(topology);
    const char *name = options->name ? options->name : options->nodes > 1 ? "node" : "node0";
    if (r == 0)
        r = stint_machine_add_nodes(machine, name, shape, options->nodes ? options->nodes : 1, err);
    machine->is_this_system = source->kind == SOURCE_LIVE;
    if (r == 0)
        *ret_machine = stint_take(machine);
    return r;
}

/* ---- hostile files */

struct answer {
    int code;
    struct stint_error err;
};

/* In the child: load it, tell how it went, and leave without any cleaning up. */
static __attribute__((noreturn)) void probe_child(const struct stint_topology_options *options,
                                                  const struct source *source, int fd)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM };
    struct answer answer = { 0 };
    struct stint_machine *machine = NULL;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
        (void)signal(signals[i], SIG_DFL);
    if (null >= 0)
        (void)dup2(null, STDERR_FILENO);
    (void)alarm(PROBE_SECONDS);
    answer.code = load(options, source, &machine, &answer.err);
    ssize_t written = write(fd, &answer, sizeof(answer));
    _exit(written == (ssize_t)sizeof(answer) ? 0 : 1);
}

/* hwloc trusts its files: some that are not its own make it crash or leak (found by fuzzing). So a
 * file is loaded by a child first, and here only when that went well. */
static int probe(const struct stint_topology_options *options, const struct source *source,
                 struct stint_error *err)
{
    struct answer answer = { .code = STINT_UNTRUSTED };
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return stint_fail(err, -errno, "pipe: %s", strerror(errno));
    pid_t child = fork();
    if (child == 0)
        probe_child(options, source, ends[1]);
    int failed = child < 0 ? -errno : 0;
    (void)close(ends[1]);
    ssize_t got = 0;
    if (failed == 0) {
        while ((got = read(ends[0], &answer, sizeof(answer))) < 0 && errno == EINTR)
            ;
        while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    (void)close(ends[0]);
    if (failed != 0)
        return stint_fail(err, failed, "fork: %s", strerror(-failed));
    if (got != (ssize_t)sizeof(answer))
        return stint_fail(err, STINT_UNTRUSTED, "hwloc crashes or hangs on %.200s", source->name);
    if (answer.code != 0 && err)
        *err = answer.err;
    return answer.code;
}

int stint_topology_load(const struct stint_topology_options *options,
                        struct stint_machine **ret_machine, struct stint_error *err)
{
    struct source source = { .kind = source_kind(options->source), .name = options->source };
    stint_auto(stint_free) char *text = NULL;
    if (source.kind == SOURCE_XML) {
        int r = read_file(options->source, &text, &source.length, err);
        if (r == 0)
            r = check_xml(options->source, text, source.length, err);
        source.text = text;
        if (r == 0)
            r = probe(options, &source, err);
        if (r != 0)
            return r;
    }
    return load(options, &source, ret_machine, err);
}
