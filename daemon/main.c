/* stintd: reads its configuration, opens the rooms, runs the loop, closes them in reverse. */
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "notify.h"
#include "rooms.h"
#include "stint/api.h"
#include "stint/log.h"

static int fail(const struct stint_error *err)
{
    (void)fprintf(stderr, "stintd: %s%s%s\n", err->text, err->fix[0] ? "; try: " : "", err->fix);
    return err->code == STINT_INVALID ? 2 : 1;
}

/* As many descriptors as we may have: a connection, a followed output and a run each want one. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

/* Large arrays grow by mremap(), without a copy: glibc's moving threshold (mallopt(3)) soon lets
 * them into the heap, where 20,000 waiting jobs are copied for 10 ms, again at every eighth more,
 * while everybody waits. What is freed stays ours: a body a request would be given back and asked
 * for anew. */
static void set_memory_ways(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
    (void)mallopt(M_TRIM_THRESHOLD, 4 << 20);
}

static void say_ready(const struct rooms *rooms)
{
    const struct stint_config *config = &rooms->options->config;
    const char *url = stint_api_url(rooms->api);
    if (rooms->is_private_root)
        stint_log(STINT_LOG_WARNING, "private-root",
                  "note=\"started by root without a configuration file: root's own jobs may run, "
                  "none is called confined\"");
    stint_log(STINT_LOG_INFO, "ready",
              "version=" STINT_VERSION " pid=%d socket=%s page=%s state=%s", (int)getpid(),
              config->socket, url[0] ? url : "none", config->state);
    stint_notify("READY=1\nSTATUS=serving");
}

int main(int argc, char **argv)
{
    static struct rooms rooms;
    static struct options options;
    struct stint_error err = { 0 };
    if (options_read(argc, argv, &options, &err) != 0)
        return fail(&err);
    if (options.check_only) {
        struct places places = { 0 };
        if (places_find(&options.config, &places, &err) != 0 ||
            stint_config_check_rules(&options.config, places.rules, &err) != 0 ||
            resources_check(&options.config, places.host, &err) != 0)
            return fail(&err);
        (void)printf("stintd: %s is good\n",
                     options.config.file[0] ? options.config.file : "the built-in configuration");
        return 0;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    set_memory_ways();
    stint_log_set_level(stint_log_level_from_name(options.config.log_level));
    int r = rooms_open(&rooms, &options, &err);
    if (r == 0) {
        say_ready(&rooms);
        (void)uv_run(&rooms.loop, UV_RUN_DEFAULT);
        stint_notify("STOPPING=1");
    }
    rooms_close(&rooms);
    return r != 0 ? fail(&err) : rooms.exit_status;
}
