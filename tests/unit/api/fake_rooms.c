/* Fakes of the rooms below; see the header. */
#include "fake_rooms.h"

#include <string.h>
#include <unistd.h>

#include "stint/calendar.h"
#include "stint/engine.h"
#include "stint/token.h"

struct fake fake;

void fake_reset(void)
{
    struct uv_loop_s *loop = fake.loop;
    memset(&fake, 0, sizeof(fake));
    fake.loop = loop;
}

/* ---- engine: the output is a file with a known text ---- */

void stint_engine_report(struct stint_engine *engine, struct stint_engine_report *ret_report)
{
    (void)engine;
    memset(ret_report, 0, sizeof(*ret_report));
}

int stint_engine_open_output(struct stint_engine *engine, struct stint_run_key key,
                             const struct stint_run_owner *owner, enum stint_run_stream stream,
                             const char *path, stint_engine_open_fn done, void *context,
                             struct stint_error *err)
{
    char name[] = "/tmp/stint-test-output-XXXXXX";
    (void)engine;
    (void)key;
    (void)owner;
    (void)stream;
    (void)path;
    (void)err;
    if (fake.output_fault) {
        done(context, fake.output_fault);
        return 0;
    }
    int fd = mkstemp(name);
    (void)unlink(name);
    ssize_t n = write(fd, "hello output\n", 13);
    (void)n;
    done(context, fd);
    return 0;
}

/* ---- tokens: nobody has one ---- */

int stint_token_scopes_parse(const char *text, stint_token_scopes *ret_scopes,
                             struct stint_error *err)
{
    (void)text, (void)err;
    *ret_scopes = 0;
    return 0;
}

char *stint_token_scopes_format(stint_token_scopes scopes, char *text, size_t size)
{
    (void)scopes;
    (void)snprintf(text, size, "read");
    return text;
}

bool stint_token_allows(stint_token_scopes scopes, bool is_write, bool is_operators,
                        const char *place)
{
    (void)scopes, (void)is_write, (void)is_operators, (void)place;
    return false;
}

int stint_ledger_token_create(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *user, const char *name, stint_token_scopes scopes,
                              int64_t until_ms, char *ret_token, char *ret_id,
                              struct stint_error *err)
{
    (void)name, (void)scopes, (void)until_ms;
    *ret_token = *ret_id = '\0';
    return stint_ledger_project_suspend(ledger, act, user, false, err);
}

int stint_ledger_token_revoke(struct stint_ledger *ledger, const struct stint_act *act,
                              const char *id, struct stint_error *err)
{
    return stint_ledger_project_suspend(ledger, act, id, true, err);
}

int stint_ledger_token_find(struct stint_ledger *ledger, const char *token,
                            struct stint_token_view *ret_view, struct stint_error *err)
{
    (void)ledger;
    *ret_view = (struct stint_token_view){ .scopes = 1u << STINT_TOKEN_READ };
    if (strcmp(token, FAKE_TOKEN) == 0)
        return 0;
    return stint_fail(err, STINT_NOT_LOGGED_IN, "no such token");
}

void stint_ledger_each_token(struct stint_ledger *ledger,
                             bool (*fn)(void *context, const struct stint_token_view *view),
                             void *context)
{
    (void)ledger, (void)fn, (void)context;
}

/* ---- calendar ---- */

void stint_calendar_node(const struct stint_calendar *calendar, uint32_t resource, uint32_t node,
                         struct stint_node_view *ret_view)
{
    (void)calendar, (void)resource;
    (void)node;
    *ret_view = (struct stint_node_view){ STINT_NODE_DRAINING, "new <fan>", 1779710400000 };
}

static struct stint_reservation_view fake_reservation(void)
{
    static uint64_t cores[1] = { 3 };
    static int64_t memory[1] = { 1 << 20 };
    static struct stint_grant kept = {
        .core_count = 2, .cores = cores, .numa_memory = memory, .memory_bytes = 1 << 20
    };
    static const struct stint_allocation allocation = { 1, &kept };
    return (struct stint_reservation_view){ .id = 7,
                                            .name = "node0",
                                            .scope = "project",
                                            .holder = "<nlp>",
                                            .reason = "a <course>",
                                            .from_ms = 1779710400000,
                                            .until_ms = 1779714000000,
                                            .window_from_ms = 1779710400000,
                                            .window_until_ms = 1779714000000,
                                            .is_active = true,
                                            .allocation = &allocation };
}

void stint_calendar_each_reservation(const struct stint_calendar *calendar,
                                     bool (*fn)(void *context,
                                                const struct stint_reservation_view *view),
                                     void *context)
{
    struct stint_reservation_view view = fake_reservation();
    (void)calendar;
    (void)fn(context, &view);
}

bool stint_calendar_reservation(const struct stint_calendar *calendar, uint32_t id,
                                struct stint_reservation_view *ret_view)
{
    (void)calendar;
    *ret_view = fake_reservation();
    ret_view->is_active = id == 7;
    return id <= 8;
}

int stint_calendar_reserve(struct stint_calendar *calendar, const struct stint_act *act,
                           const struct stint_reservation_new *reservation,
                           struct stint_reservation_view *ret_view, struct stint_error *err)
{
    (void)calendar;
    *ret_view = fake_reservation();
    return stint_ledger_project_suspend(NULL, act, reservation->name, false, err);
}

int stint_calendar_unreserve(struct stint_calendar *calendar, const struct stint_act *act,
                             const char *name, struct stint_error *err)
{
    (void)calendar;
    return stint_ledger_project_suspend(NULL, act, name, false, err);
}

int stint_calendar_drain(struct stint_calendar *calendar, const struct stint_act *act,
                         const char *resource, const char *node, struct stint_error *err)
{
    (void)calendar, (void)resource;
    return stint_ledger_project_suspend(NULL, act, node, true, err);
}

int stint_calendar_resume(struct stint_calendar *calendar, const struct stint_act *act,
                          const char *resource, const char *node, struct stint_error *err)
{
    (void)calendar, (void)resource;
    return stint_ledger_project_suspend(NULL, act, node, false, err);
}
