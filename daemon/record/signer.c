/* Owns: the private key of the log, its file, and Ed25519 by Nettle (RFC 8032). The file appears
 * whole or not at all, is never written over, and others cannot read it. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <nettle/eddsa.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base64.h"
#include "note.h"
#include "stint/auto.h"

#define KEY_FILE_BYTES_MAX 4096

static const char KEY_FILE_HEAD[] = "stint log key, keep secret\n";

struct stint_signer {
    uint8_t seed[ED25519_KEY_SIZE];
    struct stint_vkey vkey;
};

struct stint_signer *stint_signer_free(struct stint_signer *signer)
{
    if (!signer)
        return NULL;
    explicit_bzero(signer->seed, sizeof(signer->seed));
    free(signer);
    return NULL;
}
STINT_AUTO_FREE(struct stint_signer, stint_signer_free);

const struct stint_vkey *stint_signer_vkey(const struct stint_signer *signer)
{
    return &signer->vkey;
}

_Static_assert(STINT_ED25519_KEY_BYTES == ED25519_KEY_SIZE, "a seed is a private key");
_Static_assert(STINT_ED25519_SIGNED_BYTES == ED25519_SIGNATURE_SIZE, "of RFC 8032");

int stint_signer_from_seed(const char *name, const uint8_t seed[STINT_ED25519_KEY_BYTES],
                           struct stint_signer **ret_signer, struct stint_error *err)
{
    int r = stint_note_name_check(name, err);
    if (r != 0)
        return r;
    stint_auto(stint_signer_free) struct stint_signer *signer = calloc(1, sizeof(*signer));
    if (!signer)
        return stint_fail(err, -ENOMEM, "no memory for a key");
    memcpy(signer->seed, seed, sizeof(signer->seed));
    ed25519_sha512_public_key(signer->vkey.key, signer->seed);
    (void)snprintf(signer->vkey.name, sizeof(signer->vkey.name), "%s", name);
    signer->vkey.algorithm = STINT_NOTE_ED25519;
    signer->vkey.id = note_key_id(name, STINT_NOTE_ED25519, signer->vkey.key);
    *ret_signer = stint_take(signer);
    return 0;
}

/* ---- the file */

static int write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        length -= (size_t)written;
    }
    return fsync(fd) == 0 ? 0 : -errno;
}

static int sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    if (snprintf(folder, sizeof(folder), "%s", path) >= (int)sizeof(folder))
        return -ENAMETOOLONG;
    stint_auto(stint_fd) int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && fsync(fd) == 0 ? 0 : -errno;
}

/* Written beside, then linked to its name: link(2) refuses a name that is there. */
static int publish_file(const char *path, const char *text, size_t length)
{
    stint_auto(stint_free) char *beside = NULL;
    if (asprintf(&beside, "%s.new", path) < 0) {
        beside = NULL;
        return -ENOMEM;
    }
    (void)unlink(beside); /* of a daemon that was killed here */
    stint_auto(stint_fd) int fd =
        open(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    int r = write_all(fd, text, length);
    if (r == 0 && link(beside, path) != 0)
        r = -errno;
    (void)unlink(beside);
    return r == 0 ? sync_folder_of(path) : r;
}

int stint_signer_create(const char *path, const char *name, struct stint_signer **ret_signer,
                        struct stint_error *err)
{
    uint8_t seed[STINT_ED25519_KEY_BYTES];
    struct stint_buffer text = { 0 };
    struct stint_signer *signer = NULL;
    if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
        return stint_fail(err, -EIO, "the system gives no random numbers");
    int r = stint_signer_from_seed(name, seed, &signer, err);
    if (r == 0) {
        stint_buffer_printf(&text, "%salgorithm ed25519\nname %s\nseed ", KEY_FILE_HEAD, name);
        base64_add(&text, seed, sizeof(seed));
        stint_buffer_add_char(&text, '\n');
        r = text.failed ? -ENOMEM : publish_file(path, text.data, text.length);
        if (r != 0)
            (void)stint_fail(err, r, "the key %s: %s", path, strerror(-r));
    }
    explicit_bzero(seed, sizeof(seed));
    if (text.data)
        explicit_bzero(text.data, text.length);
    stint_buffer_deinit(&text);
    if (r != 0)
        signer = stint_signer_free(signer);
    else
        *ret_signer = signer;
    return r;
}

/* The value of the next line `@key value`, NUL-terminated in place; NULL if the line is another. */
static char *take_line(char **at, const char *key)
{
    size_t length = strlen(key);
    char *end = strchr(*at, '\n');
    if (!end || strncmp(*at, key, length) != 0 || (*at)[length] != ' ')
        return NULL;
    char *value = *at + length + 1;
    *end = '\0';
    *at = end + 1;
    return value;
}

static int parse_file(const char *path, char *text, struct stint_signer **ret_signer,
                      struct stint_error *err)
{
    uint8_t seed[STINT_ED25519_KEY_BYTES];
    char *at = text;
    if (strncmp(at, KEY_FILE_HEAD, sizeof(KEY_FILE_HEAD) - 1) != 0)
        return stint_fail(err, STINT_UNTRUSTED, "%s is not the key of a log", path);
    at += sizeof(KEY_FILE_HEAD) - 1;
    const char *algorithm = take_line(&at, "algorithm");
    if (!algorithm || strcmp(algorithm, "ed25519") != 0)
        return stint_fail(err, STINT_UNTRUSTED, "%s: algorithm %.40s is not one this version knows",
                          path, algorithm ? algorithm : "(none)");
    const char *name = take_line(&at, "name");
    const char *encoded = name ? take_line(&at, "seed") : NULL;
    if (!encoded || *at || !base64_take(encoded, strlen(encoded), seed, sizeof(seed)))
        return stint_fail(err, STINT_UNTRUSTED, "%s is damaged", path);
    int r = stint_signer_from_seed(name, seed, ret_signer, err);
    explicit_bzero(seed, sizeof(seed));
    return r > 0 ? stint_fail(err, STINT_UNTRUSTED, "%s is damaged", path) : r;
}

static int check_file(const char *path, int fd, struct stint_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return stint_fail(err, -errno, "the key %s: %s", path, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return stint_fail(err, STINT_UNTRUSTED, "%s is not a regular file", path);
    if ((info.st_mode & 077) != 0) {
        (void)stint_fail(err, STINT_UNTRUSTED, "%s: others may read it (mode %03o)", path,
                         info.st_mode & 0777);
        return stint_fix(err, STINT_UNTRUSTED, "chmod 600 %s, and think who has seen it", path);
    }
    return 0;
}

int stint_signer_load(const char *path, struct stint_signer **ret_signer, struct stint_error *err)
{
    char text[KEY_FILE_BYTES_MAX + 1];
    stint_auto(stint_fd) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return stint_fail(err, -errno, "the key %s: %s", path, strerror(errno));
    int r = check_file(path, fd, err);
    if (r != 0)
        return r;
    ssize_t length = read(fd, text, sizeof(text) - 1);
    if (length < 0)
        return stint_fail(err, -errno, "the key %s: %s", path, strerror(errno));
    text[length] = '\0';
    r = parse_file(path, text, ret_signer, err);
    explicit_bzero(text, sizeof(text));
    return r;
}

/* ---- Ed25519 */

void signer_sign(const struct stint_signer *signer, const void *bytes, size_t length,
                 uint8_t signature[STINT_ED25519_SIGNED_BYTES])
{
    ed25519_sha512_sign(signer->vkey.key, signer->seed, length, bytes, signature);
}

bool vkey_verify(const struct stint_vkey *vkey, const void *bytes, size_t length,
                 const uint8_t signature[STINT_ED25519_SIGNED_BYTES])
{
    return ed25519_sha512_verify(vkey->key, length, bytes, signature) == 1;
}
