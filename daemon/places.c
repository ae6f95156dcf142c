/* Owns: paths of our own, and the way from root to the daemon's own user. */
#include "places.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stint/auto.h"

#define STINT_RUNTIME_DIR "/run/stint"

/* Folder of the running program. */
static int program_folder(char *folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    if (length <= 0)
        return -ENOENT;
    folder[length] = '\0';
    char *slash = strrchr(folder, '/');
    if (slash)
        *slash = '\0';
    return 0;
}

/* Does the program run from its build folder? Only then are programs beside it and data of the
 * source tree used: an installed daemon must not read what an ordinary user may write. */
static bool is_uninstalled(char *folder, size_t size)
{
    return program_folder(folder, size) == 0 && strcmp(folder, STINT_BUILD_DIR) == 0;
}

/* The first of: @configured; @beside (relative to the program's folder, or absolute) in a build
 * tree; @installed. */
static int find_one(const char *configured, const char *beside, const char *installed,
                    const char *key, char *path, struct stint_error *err)
{
    char folder[PATH_MAX];
    char candidate[2 * PATH_MAX];
    if (configured[0]) {
        if (realpath(configured, path))
            return 0;
        (void)stint_fail(err, -ENOENT, "%s = %s: %s", key, configured, strerror(errno));
        return stint_fix(err, -ENOENT, "a path that is there, or empty for the installed place");
    }
    if (is_uninstalled(folder, sizeof(folder))) {
        (void)snprintf(candidate, sizeof(candidate), "%s%s%s", beside[0] == '/' ? "" : folder,
                       beside[0] == '/' ? "" : "/", beside);
        if (realpath(candidate, path))
            return 0;
    }
    if (realpath(installed, path))
        return 0;
    (void)stint_fail(err, -ENOENT, "%s: nothing at %s", key, installed);
    return stint_fix(err, -ENOENT,
                     "install Stint whole, or name the place with `%s` in the configuration", key);
}

static void read_boot_id(char *boot_id, size_t size)
{
    stint_auto(stint_fd) int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, boot_id, size - 1) : 0;
    boot_id[length > 0 ? length : 0] = '\0';
    boot_id[strcspn(boot_id, "\n")] = '\0';
}

/* The installed catalogue, and the site's own behind it. */
static int find_catalogue(const struct stint_config *config, struct places *ret_places,
                          struct stint_error *err)
{
    char *path = ret_places->catalogue;
    int r = find_one("", STINT_SOURCE_CATALOGUE, STINT_DATADIR "/catalogue",
                     "admission.catalogue_dir", path, err);
    size_t length = r == 0 ? strlen(path) : 0;
    if (r != 0 || !config->catalogue_dir[0])
        return r;
    if (length + strlen(config->catalogue_dir) + 2 > PLACE_MAX)
        return stint_fail(err, -ENAMETOOLONG, "admission.catalogue_dir is too long");
    (void)snprintf(path + length, PLACE_MAX - length, ":%s", config->catalogue_dir);
    return 0;
}

int places_find_data(const struct stint_config *config, struct places *ret_places,
                     struct stint_error *err)
{
    int r = find_one(config->rules_dir, STINT_SOURCE_RULES, STINT_DATADIR "/rules",
                     "admission.rules_dir", ret_places->rules, err);
    if (r == 0)
        r = find_one(config->licences_dir, STINT_SOURCE_LICENCES, STINT_DATADIR "/licences",
                     "admission.licences_dir", ret_places->licences, err);
    return r == 0 ? find_catalogue(config, ret_places, err) : r;
}

int places_find(const struct stint_config *config, struct places *ret_places,
                struct stint_error *err)
{
    int r = find_one(config->launcher, "engine/stint-launcher", STINT_LIBEXECDIR "/stint-launcher",
                     "engine.launcher", ret_places->launcher, err);
    if (r == 0)
        r = find_one(config->evaluator, "evaluator/stint-evaluate",
                     STINT_LIBEXECDIR "/stint-evaluate", "engine.evaluator", ret_places->evaluator,
                     err);
    if (r == 0)
        r = places_find_data(config, ret_places, err);
    if (r != 0)
        return r;
    read_boot_id(ret_places->boot_id, sizeof(ret_places->boot_id));
    if (gethostname(ret_places->host, sizeof(ret_places->host) - 1) != 0 || !ret_places->host[0])
        (void)snprintf(ret_places->host, sizeof(ret_places->host), "node0");
    return 0;
}

int places_daemon_user(const struct stint_config *config, uid_t *ret_uid, gid_t *ret_gid,
                       struct stint_error *err)
{
    *ret_uid = geteuid();
    *ret_gid = getegid();
    if (geteuid() != 0 || !config->user[0] || strcmp(config->user, "root") == 0)
        return 0;
    const struct passwd *passwd = getpwnam(config->user);
    if (!passwd) {
        (void)stint_fail(err, STINT_INVALID, "daemon.user = %s: there is no such user",
                         config->user);
        return stint_fix(err, STINT_INVALID,
                         "create it (systemd-sysusers, or adduser --system --group %s)",
                         config->user);
    }
    *ret_uid = passwd->pw_uid;
    *ret_gid = passwd->pw_gid;
    return 0;
}

static int make_folder(const char *path, mode_t mode, struct stint_error *err)
{
    if (mkdir(path, mode) == 0 || errno == EEXIST)
        return 0;
    int code = stint_fail(err, -errno, "cannot make the folder %s: %s", path, strerror(errno));
    return stint_fix(
        err, code,
        "make the folder above it for the daemon's user, or choose another with --state");
}

int places_make_state(const char *state, uid_t uid, gid_t gid, struct stint_error *err)
{
    char path[PLACE_MAX];
    if (state[0] != '/' || strlen(state) >= sizeof(path))
        return stint_fail(err, STINT_INVALID, "the state folder '%.100s' is not an absolute path",
                          state);
    (void)snprintf(path, sizeof(path), "%s", state);
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        int r = make_folder(path, 0755, err);
        *slash = '/';
        if (r != 0)
            return r;
    }
    int r = make_folder(path, 0711, err);
    if (r != 0)
        return r;
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return stint_fail(err, -errno, "cannot open the state folder %s: %s", path,
                          strerror(errno));
    struct stat status;
    if (fstat(fd, &status) != 0)
        return -errno;
    if (geteuid() == 0 && status.st_uid != uid && fchown(fd, uid, gid) != 0)
        return stint_fail(err, -errno, "cannot give the state folder %s to its user: %s", path,
                          strerror(errno));
    if ((status.st_uid == geteuid() || geteuid() == 0) && (status.st_mode & 07777) != 0711 &&
        fchmod(fd, 0711) != 0)
        return stint_fail(err, -errno, "cannot set the mode of %s: %s", path, strerror(errno));
    return 0;
}

/* The folder a service manager made for us as root, or one that is not there, becomes the daemon's;
 * any other is as its owner wants it. */
int places_make_socket_folder(const char *socket, uid_t uid, gid_t gid, struct stint_error *err)
{
    char folder[PLACE_MAX];
    (void)snprintf(folder, sizeof(folder), "%s", socket);
    char *slash = strrchr(folder, '/');
    if (geteuid() != 0 || uid == 0 || !slash || slash == folder)
        return 0;
    *slash = '\0';
    bool is_made = mkdir(folder, 0755) == 0;
    if (!is_made && (errno != EEXIST || strcmp(folder, STINT_RUNTIME_DIR) != 0))
        return errno == EEXIST ? 0
                               : stint_fail(err, -errno, "cannot make the folder %s: %s", folder,
                                            strerror(errno));
    stint_auto(stint_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 || fchown(fd, uid, gid) != 0)
        return stint_fail(err, -errno, "cannot give the folder %s to the daemon: %s", folder,
                          strerror(errno));
    return 0;
}

int places_become(const char *user, uid_t uid, gid_t gid, struct stint_error *err)
{
    if (geteuid() != 0 || uid == 0)
        return 0;
    if (initgroups(user, gid) != 0 || setresgid(gid, gid, gid) != 0 ||
        setresuid(uid, uid, uid) != 0)
        return stint_fail(err, -errno, "cannot become the user %s: %s", user, strerror(errno));
    if (setuid(0) == 0)
        return stint_fail(err, -EPERM, "the way back to root stayed open");
    return 0;
}
