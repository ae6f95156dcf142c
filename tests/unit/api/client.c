/* The fixture and the client; see the header. */
#include "client.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "fake_rooms.h"
#include "stint/machine.h"
#include "stint/record.h"

static int64_t fixed_now(void)
{
    return 1795629600000;
}

static void no_pass(void *context)
{
    (void)context;
}

static int sink_entry(void *context, uint64_t seq, int64_t at_ms, const char *type,
                      const char *entry, size_t length, const struct stint_sha256 *leaf,
                      struct stint_error *err)
{
    (void)context, (void)seq, (void)at_ms, (void)type, (void)entry, (void)length, (void)leaf;
    (void)err;
    return 0;
}

static int sink_checkpoint(void *context, uint64_t size, const struct stint_sha256 *root,
                           const char *note, int64_t at_ms, struct stint_error *err)
{
    (void)context, (void)size, (void)root, (void)note, (void)at_ms, (void)err;
    return 0;
}

static int sink_personal(void *context, const struct stint_sha256 *commitment,
                         const uint8_t salt[STINT_LOG_SALT_BYTES], const char *value,
                         struct stint_error *err)
{
    (void)context, (void)commitment, (void)salt, (void)value, (void)err;
    return 0;
}

/* Effects of the record, run one after the other by record_settle(). */
static struct {
    void (*fn)(void *context, int status);
    void *context;
} sink_effects[16];
static size_t sink_effect_count;

static int sink_after(void *context, void (*fn)(void *fn_context, int status), void *fn_context,
                      struct stint_error *err)
{
    (void)context, (void)err;
    assert_true(sink_effect_count < 16);
    sink_effects[sink_effect_count].fn = fn;
    sink_effects[sink_effect_count++].context = fn_context;
    return 0;
}

static void record_up(struct fixture *f)
{
    static const uint8_t seed[STINT_ED25519_KEY_BYTES] = { 1 };
    struct stint_record_options options = {
        .sink = { sink_entry, sink_checkpoint, sink_personal, sink_after, NULL },
        .now_wall_ms = fixed_now,
    };
    struct stint_log_draft draft = { .type = "genesis", .role = "daemon", .prev = -1 };
    assert_int_equal(stint_signer_from_seed("test.example/log", seed, &f->signer, NULL), 0);
    options.signer = f->signer;
    assert_int_equal(stint_record_new(&options, &f->record, NULL), 0);
    stint_record_load_begin(f->record);
    assert_int_equal(stint_record_load_end(f->record, NULL, NULL), 0);
    assert_int_equal(stint_record_append(f->record, &draft, NULL, NULL), 0);
    for (size_t i = 0; i < sink_effect_count; i++)
        sink_effects[i].fn(sink_effects[i].context, 0);
    sink_effect_count = 0;
}

int fixture_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct stint_error err = { 0 };
    (void)snprintf(f->folder, sizeof(f->folder), "/tmp/stint-test-api-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    (void)uv_loop_init(&f->loop);
    fake.loop = &f->loop;
    fake_reset();
    stint_config_defaults(false, &f->config);
    (void)snprintf(f->config.socket, sizeof(f->config.socket), "%s/s", f->folder);
    (void)snprintf(f->config.listen, sizeof(f->config.listen), "127.0.0.1:0");
    (void)snprintf(f->config.state, sizeof(f->config.state), "/" SEED "/state");
    (void)snprintf(f->config.site, sizeof(f->config.site), "<Lab>");
    assert_int_equal(stint_machine_new_flat(4, &f->machine, NULL), 0);
    record_up(f);
    f->resources = (struct stint_resources){
        .count = 1, .list = { { .name = "local", .machine = f->machine, .policy = "stint" } }
    };
    static const struct stint_policy_shown policy = { "{\"unknown\":\"strict\"}", "sha256:0" };
    struct stint_api_options options = { .loop = &f->loop,
                                         .policy = &policy,
                                         .config = &f->config,
                                         .resources = &f->resources,
                                         .record = f->record,
                                         .now_wall_ms = fixed_now,
                                         .now_boot_ms = fixed_now,
                                         .pass_wanted = no_pass };
    if (stint_api_new(&options, &f->api, &err) != 0)
        fail_msg("%s", err.text);
    *state = f;
    return 0;
}

int fixture_down(void **state)
{
    struct fixture *f = *state;
    f->api = stint_api_free(f->api);
    while (uv_run(&f->loop, UV_RUN_NOWAIT) != 0)
        ;
    assert_int_equal(uv_loop_close(&f->loop), 0); /* nothing is left open */
    (void)stint_record_free(f->record);
    (void)stint_signer_free(f->signer);
    (void)stint_machine_free(f->machine);
    assert_int_equal(rmdir(f->folder), 0); /* the socket is gone too */
    free(f);
    return 0;
}

int client_connect(struct fixture *f, bool is_unix)
{
    struct sockaddr_un path = { .sun_family = AF_UNIX };
    struct sockaddr_in tcp = { .sin_family = AF_INET };
    unsigned port = 0;
    int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)snprintf(path.sun_path, sizeof(path.sun_path), "%.100s", f->config.socket);
    (void)sscanf(stint_api_url(f->api), "http://127.0.0.1:%u/", &port);
    tcp.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    tcp.sin_port = htons((uint16_t)port);
    int r = is_unix ? connect(fd, (struct sockaddr *)&path, sizeof(path))
                    : connect(fd, (struct sockaddr *)&tcp, sizeof(tcp));
    if (r == 0)
        return fd;
    close(fd);
    return -1;
}

void fixture_turn(struct fixture *f)
{
    for (int i = 0; i < 8; i++)
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
}

static time_t seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

bool client_until(struct fixture *f, int fd, const char *text, char *got, size_t size)
{
    size_t length = strlen(got);
    time_t end = seconds_now() + 10;
    while (seconds_now() < end) {
        struct pollfd ready = { .fd = fd, .events = POLLIN };
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        if (poll(&ready, 1, 2) <= 0)
            continue;
        ssize_t n = recv(fd, got + length, size - length - 1, MSG_DONTWAIT);
        if (n <= 0)
            return text == NULL;
        length += (size_t)n;
        got[length] = '\0';
        if (text && strstr(got, text))
            return true;
    }
    return false;
}

void client_send(struct fixture *f, int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t n = send(fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        (void)uv_run(&f->loop, UV_RUN_NOWAIT);
        if (n < 0 && errno != EAGAIN)
            return; /* it refused to read more */
        if (n > 0) {
            bytes += n;
            length -= (size_t)n;
        }
    }
}

const char *ask(struct fixture *f, bool is_unix, const char *method, const char *path,
                const char *headers, const char *body)
{
    static char answer[1 << 20];
    static char head[8192];
    int fd = client_connect(f, is_unix);
    assert_true(fd >= 0);
    int length =
        snprintf(head, sizeof(head),
                 "%s %s HTTP/1.1\r\n%sConnection: close\r\n%sContent-Length: %zu\r\n\r\n", method,
                 path, headers && strstr(headers, "Host:") ? "" : "Host: localhost\r\n",
                 headers ? headers : "", body ? strlen(body) : 0);
    answer[0] = '\0';
    client_send(f, fd, head, (size_t)length);
    if (body)
        client_send(f, fd, body, strlen(body));
    if (!client_until(f, fd, NULL, answer, sizeof(answer)))
        fail_msg("%s %s: no end of the answer: %.200s", method, path, answer);
    close(fd);
    fixture_turn(f);
    return answer;
}

int answer_status(const char *answer)
{
    return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

const char *answer_body(const char *answer)
{
    const char *body = strstr(answer, "\r\n\r\n");
    return body ? body + 4 : "";
}
