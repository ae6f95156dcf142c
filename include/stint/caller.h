/* Who asks. Made once by api/ from the socket's peer credentials or a bearer token, then carried
 * down; nobody below looks at a socket again. */
#ifndef STINT_CALLER_H
#define STINT_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#define STINT_USER_NAME_MAX 64

/* Roles as one order: a larger one may do all that a smaller one may. */
enum stint_role {
    STINT_ROLE_PUBLIC = 0, /* nobody in particular: loopback without a token */
    STINT_ROLE_USER,       /* a known user of this machine */
    STINT_ROLE_OPERATOR, /* administers: root, the daemon's own user, or named so by an operator */
};

/**
 * struct stint_caller - one authenticated caller
 * @uid, @gid: of the peer or of the token's owner; (uid_t)-1 for STINT_ROLE_PUBLIC
 * @name: login name, or the uid in decimal when the system knows no name; never shown in public
 * @role: see above
 */
struct stint_caller {
    uid_t uid;
    gid_t gid;
    char name[STINT_USER_NAME_MAX];
    enum stint_role role;
};

#endif
