/* Owns: what takes more than one row to judge: addresses, zones, names that must hold together. */
#include "stint/config.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stint/auto.h"

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

static int check_time_zone(const char *zone, struct stint_error *err)
{
    char path[STINT_CONFIG_TEXT_MAX + 24] = "/usr/share/zoneinfo/";
    if (!zone[0] || strcmp(zone, "UTC") == 0)
        return 0;
    memcpy(path + strlen(path), zone, strlen(zone) + 1);
    if (strstr(zone, "..") || zone[0] == '/' || access(path, R_OK) != 0) {
        (void)stint_fail(err, STINT_INVALID, "time_zone = '%s' is not known to this system", zone);
        return stint_fix(err, STINT_INVALID,
                         "a name below /usr/share/zoneinfo (package tzdata), UTC, or empty");
    }
    return 0;
}

static int check_origin(const char *origin, struct stint_error *err)
{
    if (!strpbrk(origin, " \t+") && !strstr(origin, "://"))
        return 0;
    (void)stint_fail(err, STINT_INVALID, "origin = '%s' has a blank, a '+' or a scheme", origin);
    return stint_fix(err, STINT_INVALID, "origin = stint.example.org/log");
}

/* "TYPE:N" and more of them after commas. */
static int check_gpus(const char *gpus, struct stint_error *err)
{
    while (*gpus) {
        size_t type = strspn(gpus, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                   "0123456789.-_");
        const char *count = gpus + type + (gpus[type] == ':');
        size_t digits = strspn(count, "0123456789");
        char after = count[digits];
        if (type == 0 || gpus[type] != ':' || digits == 0 || digits > 3 ||
            (after && (after != ',' || !count[digits + 1]))) {
            (void)stint_fail(err, STINT_INVALID, "gpus = '%.60s' is not TYPE:N", gpus);
            return stint_fix(err, STINT_INVALID, "gpus = h200:4");
        }
        gpus = count + digits + (after == ',');
    }
    return 0;
}

static int check_resource(const char *resource, struct stint_error *err)
{
    if (strspn(resource, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
        strlen(resource))
        return 0;
    (void)stint_fail(err, STINT_INVALID, "resource = '%s' is not a name", resource);
    return stint_fix(err, STINT_INVALID, "letters, digits, '.', '-' and '_'");
}

int stint_config_check(const struct stint_config *config, struct stint_error *err)
{
    struct sockaddr_storage address;
    socklen_t length;
    int r = 0;
    if (!config->state[0] || !config->socket[0]) {
        (void)stint_fail(err, STINT_INVALID, "%s is empty", config->state[0] ? "socket" : "state");
        return stint_fix(err, STINT_INVALID, "an absolute path");
    }
    if (strlen(config->socket) > 107) {
        (void)stint_fail(err, STINT_INVALID, "socket: '%.60s…' is longer than 107 bytes",
                         config->socket);
        return stint_fix(err, STINT_INVALID, "a shorter path (unix(7))");
    }
    if (config->listen[0])
        r = stint_config_address(config->listen, &address, &length, err);
    if (r == 0)
        r = check_time_zone(config->time_zone, err);
    if (r == 0)
        r = check_origin(config->origin, err);
    if (r == 0)
        r = check_gpus(config->gpus, err);
    if (r == 0)
        r = check_resource(config->resource, err);
    if (r == 0 && config->max_walltime_s && config->default_walltime_s > config->max_walltime_s) {
        (void)stint_fail(err, STINT_INVALID, "default_walltime_s is longer than max_walltime_s");
        r = stint_fix(err, STINT_INVALID, "default_walltime_s = %lld",
                      (long long)config->max_walltime_s);
    }
    return r;
}
