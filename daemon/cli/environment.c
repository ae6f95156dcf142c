/* Owns: which variables of the caller a job gets. A request is kept on disk and may be backed up,
 * so what looks like a credential stays behind unless it is named. */
#include "submission.h"

#include <ctype.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "stint/auto.h"
#include "stint/request.h"

/* Below the daemon's own bounds, so that the message is ours. */
#define CAPTURE_COUNT_MAX (STINT_REQUEST_ENV_MAX - 24)
#define CAPTURE_BYTES_MAX (STINT_REQUEST_ENV_BYTES - ((size_t)16 << 10))

/* What belongs to this login and not to a job, and what a job gets from Stint itself. */
static const char *const login_names[] = {
    "_",
    "PWD",
    "OLDPWD",
    "SHLVL",
    "SSH_*",
    "DISPLAY",
    "WAYLAND_*",
    "XAUTHORITY",
    "XDG_*",
    "DBUS_*",
    "TERM",
    "TERM_*",
    "COLORTERM",
    "COLUMNS",
    "LINES",
    "TTY",
    "STY",
    "TMUX*",
    "WINDOWID",
    "SUDO_*",
    "STINT_*",
    "BASH_FUNC_*",
    "PS1",
    "PS2",
    "PROMPT_*",
    "HISTFILE",
    "MAIL",
    "HOSTNAME",
    "KRB5CCNAME",
    "GPG_*",
    "SLURM_*",
    "NOTIFY_SOCKET",
    "INVOCATION_ID",
    "JOURNAL_*",
    "LISTEN_*",
    "LD_PRELOAD",
    "LS_COLORS",
    "LESSOPEN",
    "LESSCLOSE",
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "ZE_AFFINITY_MASK",
};

static const char *const secret_names[] = {
    "*TOKEN*",      "*SECRET*",      "*PASSWORD*", "*PASSWD*",     "*PASSPHRASE*",
    "*CREDENTIAL*", "*API_KEY*",     "*APIKEY*",   "*_KEY",        "*_KEYS",
    "*ACCESS_KEY*", "*PRIVATE_KEY*", "*COOKIE*",   "*_AUTH",       "*_PAT",
    "*_DSN",        "*_PASS",        "PGPASS*",    "*PROXY_USER*",
};

static bool matches(const char *name, const char *const *patterns, size_t count, int flags)
{
    for (size_t i = 0; i < count; i++)
        if (fnmatch(patterns[i], name, flags) == 0)
            return true;
    return false;
}

bool environment_is_secret(const char *name)
{
    return matches(name, secret_names, STINT_ARRAY_SIZE(secret_names), FNM_CASEFOLD);
}

static bool name_is_valid(const char *name, size_t length)
{
    if (length == 0 || length > 200 || isdigit((unsigned char)*name))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)name[i]) && name[i] != '_')
            return false;
    return true;
}

struct capture {
    json_t *env;
    char **environ_;
    size_t bytes;
    size_t secret_count;
    char secrets[200]; /* names, for the message */
    struct stint_error *err;
};

static const char *value_of(char **environ_, const char *name, size_t length)
{
    for (; environ_ && *environ_; environ_++)
        if (strncmp(*environ_, name, length) == 0 && (*environ_)[length] == '=')
            return *environ_ + length + 1;
    return NULL;
}

static int capture_put(struct capture *capture, const char *name, size_t length, const char *value)
{
    char key[256];
    json_t *text = json_string(value);
    if (!text)
        return 0; /* not UTF-8: JSON cannot carry it */
    (void)snprintf(key, sizeof(key), "%.*s", (int)length, name);
    capture->bytes += length + strlen(value) + 2;
    if (capture->bytes > CAPTURE_BYTES_MAX || json_object_size(capture->env) > CAPTURE_COUNT_MAX) {
        json_decref(text);
        (void)stint_fail(capture->err, STINT_TOO_LARGE,
                         "the environment has more than %d variables or %zu KiB", CAPTURE_COUNT_MAX,
                         CAPTURE_BYTES_MAX >> 10);
        return stint_fix(capture->err, STINT_TOO_LARGE, "--export NONE or --export NAME,NAME");
    }
    return json_object_set_new(capture->env, key, text) == 0 ? 0 : -ENOMEM;
}

static int capture_all(struct capture *capture)
{
    for (char **at = capture->environ_; at && *at; at++) {
        char name[256];
        size_t length = strcspn(*at, "=");
        if ((*at)[length] != '=' || !name_is_valid(*at, length))
            continue;
        (void)snprintf(name, sizeof(name), "%.*s", (int)length, *at);
        if (matches(name, login_names, STINT_ARRAY_SIZE(login_names), 0))
            continue;
        if (environment_is_secret(name)) {
            size_t used = strlen(capture->secrets);
            (void)snprintf(capture->secrets + used, sizeof(capture->secrets) - used, "%s%s",
                           used ? ", " : "", name);
            capture->secret_count++;
            continue;
        }
        int r = capture_put(capture, *at, length, *at + length + 1);
        if (r != 0)
            return r;
    }
    return 0;
}

/* `NAME=VALUE`, or `NAME` of the caller's. */
static int capture_one(struct capture *capture, const char *item, const char *where)
{
    size_t length = strcspn(item, "=");
    if (!name_is_valid(item, length)) {
        (void)stint_fail(capture->err, STINT_INVALID, "%s %.60s: not a variable's name", where,
                         item);
        return stint_fix(capture->err, STINT_INVALID, "NAME=VALUE with letters, digits and _");
    }
    if (item[length] == '=')
        return capture_put(capture, item, length, item + length + 1);
    const char *value = value_of(capture->environ_, item, length);
    if (value)
        return capture_put(capture, item, length, value);
    (void)stint_fail(capture->err, STINT_INVALID, "%s %.60s: no such variable here", where, item);
    return stint_fix(capture->err, STINT_INVALID, "%s=VALUE", item);
}

/* `ALL`, `NONE`, or names, with ALL perhaps among them (sbatch(1) --export). */
static int capture_export(struct capture *capture, const char *text, const char *where)
{
    char *list = strdup(text);
    char *rest = list;
    int r = list ? 0 : -ENOMEM;
    for (char *item; r == 0 && (item = strsep(&rest, ",")) != NULL;) {
        if (strcasecmp(item, "ALL") == 0)
            r = capture_all(capture);
        else if (strcasecmp(item, "NONE") != 0 && strcasecmp(item, "NIL") != 0 && *item)
            r = capture_one(capture, item, where);
    }
    free(list);
    return r;
}

static int capture_items(struct capture *capture, const struct settings *settings)
{
    for (int source = SOURCE_SLURM; source <= SOURCE_COMMAND_LINE; source++)
        for (size_t i = 0; i < settings->item_count; i++) {
            const struct setting_item *item = &settings->items[i];
            if (item->id != SET_ENV || (int)item->value.source != source)
                continue;
            int r = capture_one(capture, item->value.text, item->value.where);
            if (r != 0)
                return r;
        }
    return 0;
}

int environment_capture(const struct settings *settings, char **environ_, const struct notes *notes,
                        json_t **ret_env, struct stint_error *err)
{
    struct capture capture = { json_object(), environ_, 0, 0, "", err };
    const struct setting_value *export_ = &settings->values[SET_EXPORT];
    if (!capture.env)
        return -ENOMEM;
    int r = export_->text ? capture_export(&capture, export_->text, export_->where)
                          : capture_all(&capture);
    if (r == 0)
        r = capture_items(&capture, settings);
    if (r != 0) {
        json_decref(capture.env);
        return r;
    }
    if (capture.secret_count > 0)
        note_send(notes, NOTE_WARNING,
                  "not passed on, because requests are kept on disk: %s; --env NAME passes one on",
                  capture.secrets);
    *ret_env = capture.env;
    return 0;
}
