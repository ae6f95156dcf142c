/* Owns: errors as the world sees them, application/problem+json (RFC 9457). */
#include "api_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int problem_status(int code)
{
    switch (code) {
    case -ENOMEM:
    case -EPIPE:
    case -EAGAIN:
        return 503;
    case -EACCES:
    case -EPERM:
        return 403;
    case -ENOENT:
        return 404;
    default:
        return stint_refusal_http_status(code);
    }
}

static const char *problem_title(int code)
{
    static const char *const titles[] = { "The daemon failed",
#define X(name, wire, http, status, help) help,
                                          STINT_REFUSALS(X)
#undef X
    };
    return code > 0 && code < STINT_REFUSAL_COUNT ? titles[code] : titles[0];
}

void problem_write(struct stint_buffer *out, int status, const struct stint_error *err,
                   enum stint_reason_code reason, const char *also, int64_t decision)
{
    char type[96];
    const char *code =
        reason != STINT_REASON_NONE ? stint_reason_name(reason) : stint_refusal_name(err->code);
    (void)snprintf(type, sizeof(type), "/problems#%s", code);
    stint_json_object(out);
    stint_json_kv_text(out, "type", type);
    stint_json_kv_text(out, "title", problem_title(err->code));
    stint_json_kv_int(out, "status", status);
    stint_json_kv_text(out, "detail", err->text[0] ? err->text : strerror(-err->code));
    stint_json_kv_text(out, "code", code);
    stint_json_key(out, "params");
    stint_json_object(out);
    if (reason != STINT_REASON_NONE)
        stint_json_kv_text(out, "class", stint_reason_class_name(stint_reason_class(reason)));
    if (err->params[0])
        stint_json_raw(out, err->params, strlen(err->params));
    stint_json_object_end(out);
    stint_json_kv_text(out, "fix", err->fix[0] ? err->fix : NULL);
    stint_json_key(out, "also");
    if (also && *also)
        stint_json_raw(out, also, strlen(also));
    else
        stint_json_raw(out, "[]", 2);
    if (decision > 0)
        stint_json_kv_int(out, "decision", decision);
    stint_json_object_end(out);
}
