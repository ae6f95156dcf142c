/* libcurl, loaded when the daemon is first spoken to. Linked in, it brings 22 further libraries
 * (LDAP, Kerberos, SSH, …), which cost 9 ms of every start, and half of what works without a daemon
 * takes less: `stint check LICENSE` is called for each file of a tree. */
#ifndef CLI_CURL_LATE_H
#define CLI_CURL_LATE_H

#include <curl/curl.h>

#include "stint/error.h"

#define CURL_LATE(X)                                                                               \
    X(global_init)                                                                                 \
    X(global_cleanup)                                                                              \
    X(slist_append)                                                                                \
    X(slist_free_all)                                                                              \
    X(easy_init)                                                                                   \
    X(easy_cleanup)                                                                                \
    X(easy_reset)                                                                                  \
    X(easy_setopt)                                                                                 \
    X(easy_getinfo)                                                                                \
    X(easy_perform)                                                                                \
    X(easy_strerror)                                                                               \
    X(multi_init)                                                                                  \
    X(multi_cleanup)                                                                               \
    X(multi_add_handle)                                                                            \
    X(multi_remove_handle)                                                                         \
    X(multi_perform)                                                                               \
    X(multi_poll)                                                                                  \
    X(multi_info_read)

/* Each as libcurl's function of that name, curl_easy_init() and so on; NULL before
 * curl_late_load(). */
struct curl_late {
#define X(name) __typeof__(curl_##name) *name;
    CURL_LATE(X)
#undef X
};
extern struct curl_late curl_late;

/* Loads the library, once, for as long as the program lives. -ENOENT with the cure when it is not
 * installed. */
int curl_late_load(struct stint_error *err);

#endif
