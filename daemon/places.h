/* Where things are: our own programs and data, the state folder, this boot; and giving up root.
 * Used once, at start. */
#ifndef STINT_PLACES_H
#define STINT_PLACES_H

#include <sys/types.h>

#include "stint/config.h"
#include "stint/error.h"

#define PLACE_MAX 4096

/**
 * struct places - absolute paths, each checked to exist
 * @boot_id: of /proc/sys/kernel/random/boot_id, 36 characters
 * @host: name of this machine, for the node and the log's origin
 */
struct places {
    char launcher[PLACE_MAX];
    char evaluator[PLACE_MAX];
    char rules[PLACE_MAX];
    char licences[PLACE_MAX];
    char catalogue[PLACE_MAX]; /* folders joined by ':' */
    char state[PLACE_MAX];
    char artifacts[PLACE_MAX];
    char key[PLACE_MAX];
    char boot_id[40];
    char host[65];
};

/**
 * places_find() - fill @ret_places
 * Our own programs and data are looked for where the configuration says, in the build tree of the
 * running program, and where they are installed, in this order. Return: 0; -ENOENT naming what is
 * missing and the key that would name it.
 */
int places_find(const struct stint_config *config, struct places *ret_places,
                struct stint_error *err);

/* Rules, licences and catalogue alone: what a reload looks for again. As above. */
int places_find_data(const struct stint_config *config, struct places *ret_places,
                     struct stint_error *err);

/* Whom the daemon becomes: its own user of the configuration when started as root, else who it is.
 */
int places_daemon_user(const struct stint_config *config, uid_t *ret_uid, gid_t *ret_gid,
                       struct stint_error *err);

/* The state folder with mode 0711 (jobs' users pass through it), owned by @uid, parents made. */
int places_make_state(const char *state, uid_t uid, gid_t gid, struct stint_error *err);

/* The folder of the Unix socket, when root is to be given up: a missing one, or /run/stint, becomes
 * the daemon's own. */
int places_make_socket_folder(const char *socket, uid_t uid, gid_t gid, struct stint_error *err);

/* From root to @uid for good: groups, gid, uid, and a check that there is no way back. Nothing when
 * we are @uid already. */
int places_become(const char *user, uid_t uid, gid_t gid, struct stint_error *err);

#endif
