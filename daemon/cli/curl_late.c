/* Owns: finding libcurl and its functions. */
#include "curl_late.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

#include "stint/auto.h"

/* One interface, built with either TLS library. */
static const char *const names[] = { "libcurl-gnutls.so.4", "libcurl.so.4" };

static const struct {
    const char *name;
    size_t offset;
} functions[] = {
#define X(name) { "curl_" #name, offsetof(struct curl_late, name) },
    CURL_LATE(X)
#undef X
};

struct curl_late curl_late;

static bool functions_find(void *library)
{
    for (size_t i = 0; i < STINT_ARRAY_SIZE(functions); i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function)
            return false;
        /* As dlsym(3) has it: POSIX lets a function's address be kept in an object pointer. */
        *(void **)(void *)((char *)&curl_late + functions[i].offset) = function;
    }
    return true;
}

int curl_late_load(struct stint_error *err)
{
    static bool is_loaded;
    for (size_t i = 0; !is_loaded && i < STINT_ARRAY_SIZE(names); i++) {
        void *library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
        is_loaded = library && functions_find(library);
    }
    if (is_loaded)
        return 0;
    (void)stint_fail(err, -ENOENT, "libcurl, which speaks to the daemon, is not installed");
    return stint_fix(err, -ENOENT, "install it: the package libcurl3-gnutls");
}
