/* Owns: what takes more than one row to judge: addresses, zones, names that must hold together. */
#include "stint/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config.h"
#include "stint/auto.h"

#define NAME_CHARACTERS                                                                            \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"                                         \
    "0123456789.-_"

/* Where a key was given: its line in the configuration, or 0, -1 for the command line. */
static int line_of(const struct stint_config *config, const char *section, const char *key)
{
    const struct option *option = option_find(section, key);
    return option ? config->lines[option_index(option)] : 0;
}

/* Refuses a key with its place. */
static __attribute__((format(printf, 5, 6))) int value_fail(const struct stint_config *config,
                                                            const char *section, const char *key,
                                                            struct stint_error *err,
                                                            const char *format, ...)
{
    char text[300];
    int line = line_of(config, section, key);
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (line > 0 && config->file[0])
        return stint_fail(err, STINT_INVALID, "%s:%d: %s", config->file, line, text);
    if (line < 0)
        return stint_fail(err, STINT_INVALID, "--%s: %s", key, text);
    return stint_fail(err, STINT_INVALID, "%s", text);
}

static int address_fail(const char *text, struct stint_error *err)
{
    (void)stint_fail(err, STINT_INVALID, "listen = '%.100s' is not ADDRESS:PORT", text);
    return stint_fix(err, STINT_INVALID, "listen = 127.0.0.1:8642, or [::1]:8642, or empty");
}

int stint_config_address(const char *text, struct sockaddr_storage *ret_address,
                         socklen_t *ret_length, struct stint_error *err)
{
    char host[80];
    struct sockaddr_storage address = { 0 };
    const char *colon = strrchr(text, ':');
    char *end;
    if (!colon || colon[1] < '0' || colon[1] > '9')
        return address_fail(text, err);
    unsigned long port = strtoul(colon + 1, &end, 10);
    size_t length = (size_t)(colon - text);
    if (*end || port > 65535 || length >= sizeof(host))
        return address_fail(text, err);
    bool is_bracketed = length > 2 && text[0] == '[' && colon[-1] == ']';
    (void)snprintf(host, sizeof(host), "%.*s", (int)(is_bracketed ? length - 2 : length),
                   text + is_bracketed);
    struct sockaddr_in *v4 = (void *)&address;
    struct sockaddr_in6 *v6 = (void *)&address;
    if (!is_bracketed && strcmp(host, "localhost") == 0)
        (void)snprintf(host, sizeof(host), "127.0.0.1");
    if (!is_bracketed && inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons((uint16_t)port);
        *ret_length = sizeof(*v4);
    } else if (is_bracketed && inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *ret_length = sizeof(*v6);
    } else {
        return address_fail(text, err);
    }
    *ret_address = address;
    return 0;
}

static int check_listen(const struct stint_config *config, struct stint_error *err)
{
    struct sockaddr_storage address;
    socklen_t length;
    if (!config->listen[0] || stint_config_address(config->listen, &address, &length, NULL) == 0)
        return 0;
    (void)value_fail(config, "daemon", "listen", err, "listen = '%.100s' is not ADDRESS:PORT",
                     config->listen);
    return stint_fix(err, STINT_INVALID, "listen = 127.0.0.1:8642, or [::1]:8642, or empty");
}

static int check_time_zone(const struct stint_config *config, struct stint_error *err)
{
    const char *zone = config->time_zone;
    char path[STINT_CONFIG_TEXT_MAX + 24] = "/usr/share/zoneinfo/";
    if (!zone[0] || strcmp(zone, "UTC") == 0)
        return 0;
    memcpy(path + strlen(path), zone, strlen(zone) + 1);
    if (strstr(zone, "..") || zone[0] == '/' || access(path, R_OK) != 0) {
        (void)value_fail(config, "daemon", "time_zone", err,
                         "time_zone = '%s' is not known to this system", zone);
        return stint_fix(err, STINT_INVALID,
                         "a name below /usr/share/zoneinfo (package tzdata), UTC, or empty");
    }
    return 0;
}

static int check_origin(const struct stint_config *config, struct stint_error *err)
{
    const char *origin = config->origin;
    if (!strpbrk(origin, " \t+") && !strstr(origin, "://"))
        return 0;
    (void)value_fail(config, "daemon", "origin", err,
                     "origin = '%s' has a blank, a '+' or a scheme", origin);
    return stint_fix(err, STINT_INVALID, "origin = stint.example.org/log");
}

/* A name of the DNS or an address, without a port. */
static bool is_host(const char *host, size_t length)
{
    bool is_v6 = length > 1 && memchr(host, ':', length) != NULL;
    const char *allowed = is_v6 ? "0123456789abcdefABCDEF:." : NAME_CHARACTERS;
    return length <= 253 && strspn(host, allowed) >= length && host[0] != '-' && host[0] != '.' &&
           (!is_v6 || memchr(strchr(host, ':') + 1, ':', length) != NULL);
}

static int check_hosts(const struct stint_config *config, struct stint_error *err)
{
    const char *at = config->hosts;
    for (at += strspn(at, ", "); *at; at += strspn(at, ", ")) {
        size_t length = strcspn(at, ", ");
        char host[256];
        (void)snprintf(host, sizeof(host), "%.*s", (int)(length < 255 ? length : 255), at);
        if (length > 253 || !is_host(host, length)) {
            (void)value_fail(config, "daemon", "hosts", err, "hosts: '%.60s' is not a host's name",
                             host);
            return stint_fix(err, STINT_INVALID,
                             "names without scheme and port: hosts = stint.example.org");
        }
        at += length;
    }
    return 0;
}

/* Named by somebody, so meant: the service's default user is looked for at the start. */
static int check_user(const struct stint_config *config, struct stint_error *err)
{
    if (!config->user[0] || line_of(config, "daemon", "user") == 0 || getpwnam(config->user))
        return 0;
    (void)value_fail(config, "daemon", "user", err, "user = '%s': there is no such user",
                     config->user);
    return stint_fix(err, STINT_INVALID, "adduser --system --group %s, or empty to stay root",
                     config->user);
}

static int check_group(const struct stint_config *config, struct stint_error *err)
{
    if (!config->socket_group[0] || getgrnam(config->socket_group))
        return 0;
    (void)value_fail(config, "daemon", "socket_group", err,
                     "socket_group = '%s': there is no such group", config->socket_group);
    return stint_fix(err, STINT_INVALID, "addgroup --system %s, or empty for the daemon's own",
                     config->socket_group);
}

/* Has it the shape of hwloc's synthetic strings: words like numa:2, with attributes in brackets?
 * The whole is read when the daemon starts. */
static bool is_synthetic(const char *text)
{
    bool has_level = false;
    while (*text) {
        text += strspn(text, " ");
        size_t type =
            strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
        const char *count = text + type + strspn(text + type, ":=");
        size_t digits = strspn(count, "0123456789");
        bool is_number = type > 0 && strspn(text, "0123456789") == type;
        if (*text != '(' && *text != '[' && *text) {
            if (!is_number && (type == 0 || count != text + type + 1 || digits == 0))
                return false;
            text = is_number ? text + type : count + digits;
            has_level = true;
        }
        if (*text == '(' || *text == '[') {
            text = strchr(text, *text == '(' ? ')' : ']');
            if (!text)
                return false;
            text++;
        }
        if (*text && !strchr(" ([", *text))
            return false;
    }
    return has_level;
}

bool topology_is_good(const char *source, bool *ret_is_file)
{
    size_t length = strlen(source);
    struct stat at;
    *ret_is_file = strchr(source, '/') || (length > 4 && strcmp(source + length - 4, ".xml") == 0);
    return !length ||
           (*ret_is_file ? stat(source, &at) == 0 && S_ISREG(at.st_mode) : is_synthetic(source));
}

static int check_topology(const struct stint_config *config, struct stint_error *err)
{
    const char *source = config->topology;
    bool is_file;
    if (topology_is_good(source, &is_file))
        return 0;
    (void)value_fail(config, "scheduler", "topology", err, "topology = '%.100s' is %s", source,
                     is_file ? "not a file that can be found"
                             : "neither a file nor a synthetic string");
    return stint_fix(
        err, STINT_INVALID,
        "topology = numa:2 core:8 pu:2, an hwloc XML file (lstopo FILE.xml), or empty");
}

/* "TYPE:N" and more of them after commas. */
bool gpus_are_good(const char *gpus)
{
    while (*gpus) {
        size_t type = strspn(gpus, NAME_CHARACTERS);
        const char *count = gpus + type + (gpus[type] == ':');
        size_t digits = strspn(count, "0123456789");
        char after = count[digits];
        if (type == 0 || gpus[type] != ':' || digits == 0 || digits > 3 ||
            (after && (after != ',' || !count[digits + 1])))
            return false;
        gpus = count + digits + (after == ',');
    }
    return true;
}

static int check_gpus(const struct stint_config *config, struct stint_error *err)
{
    if (gpus_are_good(config->gpus))
        return 0;
    (void)value_fail(config, "scheduler", "gpus", err, "gpus = '%.60s' is not TYPE:N",
                     config->gpus);
    return stint_fix(err, STINT_INVALID, "gpus = h200:4");
}

bool name_is_good(const char *name)
{
    return *name && strspn(name, NAME_CHARACTERS) == strlen(name);
}

static int check_resource(const struct stint_config *config, struct stint_error *err)
{
    if (!name_is_good(config->resource)) {
        (void)value_fail(config, "daemon", "resource", err, "resource = '%s' is not a name",
                         config->resource);
        return stint_fix(err, STINT_INVALID, "letters, digits, '.', '-' and '_'");
    }
    if (config->part_count == 0 || line_of(config, "daemon", "resource") == 0)
        return 0;
    (void)value_fail(config, "daemon", "resource", err,
                     "resource = '%s' names one machine, and there are sections [resource NAME]",
                     config->resource);
    return stint_fix(err, STINT_INVALID, "remove this line, or the sections");
}

static int check_paths(const struct stint_config *config, struct stint_error *err)
{
    if (!config->state[0] || !config->socket[0]) {
        const char *key = config->state[0] ? "socket" : "state";
        (void)value_fail(config, "daemon", key, err, "%s is empty", key);
        return stint_fix(err, STINT_INVALID, "an absolute path");
    }
    if (strlen(config->socket) > 107) {
        (void)value_fail(config, "daemon", "socket", err,
                         "socket: '%.60s…' is longer than 107 bytes", config->socket);
        return stint_fix(err, STINT_INVALID, "a shorter path (unix(7))");
    }
    return 0;
}

static int check_walltimes(const struct stint_config *config, struct stint_error *err)
{
    if (!config->terms.max_walltime_s ||
        config->terms.default_walltime_s <= config->terms.max_walltime_s)
        return 0;
    (void)value_fail(config, "scheduler",
                     line_of(config, "scheduler", "default_walltime_s") ? "default_walltime_s"
                                                                        : "max_walltime_s",
                     err, "default_walltime_s is longer than max_walltime_s");
    return stint_fix(err, STINT_INVALID, "default_walltime_s = %lld",
                     (long long)config->terms.max_walltime_s);
}

/* A file that says nothing about how long use is remembered would decide it by silence. */
static int check_half_life(const struct stint_config *config, struct stint_error *err)
{
    bool is_needed = strcmp(config->terms.policy, "stint") == 0 && config->terms.fair_tiers > 0;
    if (config->part_count > 0 || !is_needed || !config->file[0] ||
        line_of(config, "scheduler", "half_life_s") != 0)
        return 0;
    (void)stint_fail(err, STINT_INVALID,
                     "%.400s:%d: half_life_s is missing: policy = stint shares by past use",
                     config->file, config->lines[STINT_CONFIG_KEYS_MAX]);
    return stint_fix(err, STINT_INVALID,
                     "half_life_s = 604800 (a week) in [scheduler]; or fair_tiers = 0, or another "
                     "policy");
}

/* ---- rule sets */

static int check_rule_set(const struct stint_config *config, const char *key, const char *set,
                          size_t length, const char *folder, struct stint_error *err)
{
    char path[STINT_CONFIG_TEXT_MAX + 80];
    bool is_plain = length > 0 && length < 64 && set[0] != '.' &&
                    strspn(set, "abcdefghijklmnopqrstuvwxyz0123456789.-_") >= length;
    (void)snprintf(path, sizeof(path), "%.1000s/%.*s.yaml", folder, is_plain ? (int)length : 0,
                   set);
    if (is_plain && access(path, R_OK) == 0)
        return 0;
    if (access(folder, X_OK) != 0) { /* the folder is what is wrong, not the name */
        (void)value_fail(config, "admission", "rules_dir", err, "rules_dir = %.160s: %s", folder,
                         strerror(errno));
        return stint_fix(err, STINT_INVALID, "rules_dir = a folder of rule sets, or empty");
    }
    (void)value_fail(config, "admission", key, err, "%s: no rule set '%.*s' in %.160s", key,
                     (int)(length < 64 ? length : 64), set, folder);
    return stint_fix(err, STINT_INVALID, "%s = the names of files there without .yaml, with commas",
                     key);
}

int stint_config_check_rules(const struct stint_config *config, const char *folder,
                             struct stint_error *err)
{
    const char *const keys[] = { "rules_model", "rules_dataset", "rules_code" };
    const char *const values[] = { config->rules_model, config->rules_dataset, config->rules_code };
    for (size_t i = 0; i < STINT_ARRAY_SIZE(keys); i++) {
        const char *at = values[i];
        for (;;) {
            size_t length = strcspn(at, ",");
            int r = check_rule_set(config, keys[i], at, length, folder, err);
            if (r != 0)
                return r;
            if (!at[length])
                break;
            at += length + 1;
        }
    }
    return 0;
}

static int check_rules(const struct stint_config *config, struct stint_error *err)
{
    return config->rules_dir[0] ? stint_config_check_rules(config, config->rules_dir, err) : 0;
}

int stint_config_check(const struct stint_config *config, struct stint_error *err)
{
    static int (*const checks[])(const struct stint_config *config, struct stint_error *err) = {
        check_paths,     check_listen, check_hosts,     check_user,      check_group,
        check_time_zone, check_origin, check_topology,  check_gpus,      check_resource,
        check_walltimes, check_rules,  check_half_life, check_resources,
    };
    int r = 0;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(checks) && r == 0; i++)
        r = checks[i](config, err);
    return r;
}
