/* What the daemon and its launcher say to each other, and what a supervisor leaves on disk. Pure:
 * bytes in, structs out; linked into the daemon and into the launcher, which takes everything it
 * reads as hostile (invariant 11).
 *
 * A message is one fixed struct over an inherited SOCK_SEQPACKET pair. What is large (a command,
 * its environment, a script) travels beside it in a sealed memfd, so that no message is ever too
 * long for the socket and nobody can change it while it is read. Both ends are of one build; a
 * version guards against a launcher left over from another. */
#ifndef STINT_ENGINE_WIRE_H
#define STINT_ENGINE_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/engine.h"
#include "stint/key.h"

#define WIRE_MAGIC     UINT32_C(0x314e5453) /* "STN1" */
#define WIRE_VERSION   1
#define WIRE_FD_MAX    4
#define WIRE_SOCKET_FD 3 /* where the launcher finds its socket … */
#define WIRE_STATE_FD  4 /* … and the state folder */

enum wire_kind {
    WIRE_NO_KIND = 0,
    /* The daemon asks. */
    WIRE_START,   /* fd: body */
    WIRE_CONTROL, /* value: enum wire_op, value2: its argument */
    WIRE_FORGET,
    WIRE_CLEAN, /* kill and remove what a lost run left */
    WIRE_OPEN,  /* fd: body; value: enum stint_run_stream */
    WIRE_TOOL,  /* fds: body, standard input, standard output, optional extra */
    /* The launcher and its forks answer. */
    WIRE_HELLO,   /* hold[], value: WIRE_HELLO_* bits, value2: min_uid */
    WIRE_FORKED,  /* fd: pidfd; value: pid; or code */
    WIRE_STARTED, /* by the supervisor; value: its pid, value2: CLOCK_BOOTTIME ms; or code, text */
    WIRE_DONE,    /* code; after WIRE_CLEAN */
    WIRE_OPENED,  /* fd, or code */
    WIRE_TOOL_ENDED, /* code; value: wait status */
    WIRE_KIND_COUNT
};

enum wire_op {
    WIRE_OP_CANCEL = 1,
    WIRE_OP_SIGNAL,
    WIRE_OP_SUSPEND,
    WIRE_OP_RESUME,
    WIRE_OP_WALLTIME,
    WIRE_OP_COUNT
};
/* A control reaches the supervisor as the value of a queued signal: op << 56 | argument. */
#define WIRE_OP_SHIFT 56
#define WIRE_OP_VALUE ((UINT64_C(1) << WIRE_OP_SHIFT) - 1)

#define WIRE_HELLO_SEPARATE_USERS 1u
#define WIRE_HELLO_ROOT_ALLOWED   2u
#define WIRE_HELLO_TOOL           4u

enum wire_hold {
    WIRE_HOLD_MEMORY,
    WIRE_HOLD_PROCESSES,
    WIRE_HOLD_CORES,
    WIRE_HOLD_KILL,
    WIRE_HOLD_FREEZE,
    WIRE_HOLD_CPU_TIME,
    WIRE_HOLD_COUNT = 8
};

struct wire_message {
    uint32_t magic;
    uint16_t version;
    uint16_t kind;
    uint64_t id; /* of an open, a tool or a forget; 0 otherwise */
    uint64_t job;
    uint32_t task;
    uint32_t attempt;
    int32_t code;
    uint32_t pad;
    uint64_t value;
    uint64_t value2;
    int64_t at_ms;
    uint8_t hold[WIRE_HOLD_COUNT];
    char text[STINT_RUN_TEXT_MAX];
};

/* 0, or -EPROTO: wrong length, magic, version, kind, or a key that cannot be. Bounds the text. */
int wire_message_check(struct wire_message *message, size_t length);
void wire_message_init(struct wire_message *message, enum wire_kind kind, struct stint_run_key key);
struct stint_run_key wire_message_key(const struct wire_message *message);

/*
 * The body of a start, an open or a tool:
 *   struct wire_body_head | uint32_t groups[] | uint32_t cores[] | strings | script
 * strings, each with its NUL: workdir, stdout path, stderr path ("" for none), argv…, env…
 */
struct wire_body_head {
    uint32_t magic;
    uint32_t length; /* of the whole body */
    uint32_t uid;
    uint32_t gid;
    uint32_t umask;
    uint32_t flags;
    uint64_t walltime_ms;
    uint64_t grace_ms;
    uint64_t early_ms;
    uint64_t memory_bytes;
    uint32_t process_max;
    uint32_t early_signal;
    uint32_t group_count;
    uint32_t core_count;
    uint32_t argument_count;
    uint32_t env_count;
    uint32_t strings_length;
    uint32_t script_length;
};
#define WIRE_BODY_HAS_SCRIPT    1u
#define WIRE_BODY_CORES_FOREIGN 2u
#define WIRE_BODY_FLAGS         3u

/* A body taken apart: pointers into its bytes, arrays in the reader's storage. */
struct wire_body {
    const struct wire_body_head *head;
    const uint32_t *groups;
    const uint32_t *cores;
    char *workdir; /* "" for none; never written through */
    char *stdout_path;
    char *stderr_path;
    char *argv[STINT_RUN_ARGUMENT_MAX +
               2];                    /* NULL-terminated; [0] is left free for a script's path */
    char *env[STINT_RUN_ENV_MAX + 1]; /* NULL-terminated */
    const char *script;
};

/**
 * wire_body_read() - take apart @length hostile bytes
 * @bytes: 8-aligned, unchanging, alive as long as @body
 * @body: some 64 KiB: static storage. argv's words begin at argv[1]
 * Return: 0 or -EPROTO, -E2BIG. O(length).
 */
int wire_body_read(const void *bytes, size_t length, struct wire_body *body);

/* What a body is written from; see struct stint_run_start. */
struct wire_body_source {
    struct wire_body_head head; /* counts and lengths are filled in */
    const uint32_t *groups;
    const uint32_t *cores;
    const char *workdir;
    const char *stdout_path;
    const char *stderr_path;
    const char *const *argv; /* NULL-terminated, may be NULL */
    const char *const *env;
    const char *script;
};

/* Bytes the body takes, or 0 when a bound is broken. Fills in head. */
size_t wire_body_measure(struct wire_body_source *source);
/* Writes exactly that many. */
void wire_body_write(const struct wire_body_source *source, void *bytes);

/*
 * The exit record, `record` in a run's folder: on the disk at its final size before the job's
 * program is executed (new and synced, or an earlier run's), overwritten in place when the run has
 * ended, so that neither a full disk nor a crash leaves a run without one.
 */
#define WIRE_RECORD_MAGIC  UINT32_C(0x52545353) /* "SSTR" */
#define WIRE_RECORD_BYTES  512
#define WIRE_BOOT_ID_BYTES 40 /* 36 digits and a NUL, padded */
enum wire_record_state { WIRE_RECORD_STARTED = 1, WIRE_RECORD_ENDED = 2, WIRE_RECORD_LOST = 3 };
#define WIRE_RECORD_TIMED_OUT    1u
#define WIRE_RECORD_CANCELLED    2u
#define WIRE_RECORD_OOM_KILLED   4u
#define WIRE_RECORD_START_FAILED 8u

struct wire_record {
    uint32_t magic;
    uint32_t version;
    uint64_t checksum; /* FNV-1a of the record with 0 here: against torn writes, not forgers */
    uint64_t job;
    uint32_t task;
    uint32_t attempt;
    uint32_t state;
    uint32_t flags;
    uint32_t uid;
    int32_t supervisor;
    uint64_t supervisor_ticks; /* field 22 of /proc/PID/stat: clock ticks since boot */
    char boot_id[WIRE_BOOT_ID_BYTES];
    int64_t started_ms;
    int64_t ended_ms;
    uint64_t started_boot_ms;
    uint64_t elapsed_ms;
    uint64_t suspended_ms;
    uint64_t cpu_ms;
    uint64_t peak_memory_bytes;
    int32_t exit_status;
    int32_t term_signal;
    int32_t start_code;
    uint32_t pad;
    uint8_t hold[WIRE_HOLD_COUNT];
    char text[STINT_RUN_TEXT_MAX];
    uint8_t reserved[176];
};

void wire_record_seal(struct wire_record *record); /* magic, version, checksum */
/* 0, or -EBADMSG: wrong length, magic, checksum, state, or another run's. */
int wire_record_check(const struct wire_record *record, size_t length, struct stint_run_key key);

/* Field 22 of the @length bytes of /proc/PID/stat, or 0. The name in field 2 may hold anything. */
uint64_t wire_stat_ticks(const char *stat, size_t length);

/* "41_7.1" and back; the reader takes exactly what the writer writes. */
bool wire_key_read(const char *text, struct stint_run_key *ret_key);
/* Decimal digits of @value at @text, NUL-terminated; returns the end. Needs 21 bytes. */
char *wire_decimal(char *text, uint64_t value);
/* Name of a run's folder, and of a job's own folder ("41" or "41_7"). Both need STINT_RUN_KEY_TEXT.
 */
char *wire_run_name(struct stint_run_key key, char *text);
char *wire_job_name(struct stint_run_key key, char *text);

#endif
