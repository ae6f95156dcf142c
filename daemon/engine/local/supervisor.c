/* Owns: one run, from its folder to its last process. A supervisor is a fork of the launcher; it
 * outlives the launcher and the daemon, and needs neither: what it knows is in its memory, what the
 * others must know is in the run's record.
 *
 * 1. Nothing runs before the folder was made exclusively, with a record in it that has its final
 *    size on the disk.
 * 2. The record says `ended` only when no process of the run is left.
 * 3. The supervisor exits only after the record says `ended`; whoever sees it gone with a record
 *    that still says `started` may call the run lost.
 * 4. The record reaches the disk without the daemon. Nobody waits for that: until it has, a loss of
 *    power shows a run that was interrupted, which is what the daemon's store shows as well.
 *
 *   running ──walltime over, cancel──→ ending ──grace over──→ killing ──last process gone──→ (end)
 *      └─────────first process exits──────────────────────────────↗
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "launcher.h"

/* Between two rounds of killing what would not go. */
#define KILL_AGAIN_MS 50
#define NEVER         UINT64_MAX
#define LOCK_WAIT_MS  20 /* another supervisor at the same work; a launcher keeps it */

enum phase { PHASE_RUNNING = 1, PHASE_ENDING, PHASE_KILLING };

static struct run {
    struct stint_run_key key;
    enum phase phase;
    pid_t main;
    int record_fd;
    bool has_timer;
    timer_t timer;
    bool early_sent;
    bool suspended;
    uint64_t walltime_ms;
    uint64_t kill_at;
    uint64_t suspended_since;
    uint64_t rusage_cpu_ms;
    uint64_t rusage_peak_bytes;
    struct wire_record record;
    bool has_cgroup;
    struct cgroup_run cgroup;
} run = { .record_fd = -1 };

/* What the supervisor waits for; all blocked, none ever handled. */
static sigset_t awaited;

void supervisor_settle(void)
{
    (void)setsid();
    sigset_t all;
    sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    signals_reset();
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGALRM);
    sigaddset(&awaited, CONTROL_SIGNAL);
}

static _Noreturn void refuse(const struct request *request, int code, const char *text)
{
    struct wire_message answer;
    spare_drop(launcher.spare);
    wire_message_init(&answer, WIRE_STARTED, wire_message_key(&request->message));
    answer.code = code;
    text_add(answer.text, sizeof(answer.text), text);
    request_answer(&answer, -1);
    _exit(0);
}

static void record_begin(struct stint_run_key key)
{
    struct wire_record *record = &run.record;
    record->job = key.job;
    record->task = key.task;
    record->attempt = key.attempt;
    record->state = WIRE_RECORD_STARTED;
    record->uid = launcher.body.head->uid;
    record->supervisor = getpid();
    record->supervisor_ticks = process_ticks(getpid());
    memcpy(record->boot_id, launcher.boot_id, sizeof(record->boot_id));
    record->started_ms = clock_wall_ms();
    record->started_boot_ms = clock_boot_ms();
}

/* -EEXIST: the run was started before. A spare that cannot be had is no reason not to run. */
static int folder_begin(int *ret_folder_fd)
{
    uint64_t spare = launcher.spare;
    launcher.spare = 0;
    int r = spare ? spare_use(spare, &run.record, ret_folder_fd, &run.record_fd) : -ENOENT;
    if (r == 0 || r == -EEXIST)
        return r;
    if ((r = run_folder_make(run.key, ret_folder_fd)) != 0)
        return r;
    if ((r = run_record_make(*ret_folder_fd, &run.record, &run.record_fd)) != 0)
        run_folder_remove(run.key);
    return r;
}

/* Steps of a start, in order; each says what failed. */
static int start_fail(int code, const char *what)
{
    if (code != 0 && !run.record.text[0]) {
        const char *why = strerrordesc_np(-code);
        text_add(run.record.text, sizeof(run.record.text), what);
        text_add(run.record.text, sizeof(run.record.text), ": ");
        text_add(run.record.text, sizeof(run.record.text), why ? why : "refused");
    }
    return code;
}

/* Binds the supervisor, which the job inherits: so a list that is not this machine's is known
 * before the job runs. A cpuset beside it keeps the job from undoing it. */
static bool cores_bind(const struct wire_body *body)
{
    unsigned long mask[STINT_RUN_CORE_MAX / (8 * sizeof(unsigned long))];
    memset(mask, 0, sizeof(mask));
    for (uint32_t i = 0; i < body->head->core_count; i++)
        if (body->cores[i] < STINT_RUN_CORE_MAX)
            mask[body->cores[i] / (8 * sizeof(long))] |= 1UL << body->cores[i] % (8 * sizeof(long));
    return sched_setaffinity(0, sizeof(mask), (const cpu_set_t *)(const void *)mask) == 0;
}

static void plain_holds(uint8_t *hold)
{
    const struct wire_body_head *head = launcher.body.head;
    if (head->memory_bytes && hold[WIRE_HOLD_MEMORY] == STINT_HOLD_NONE)
        hold[WIRE_HOLD_MEMORY] = STINT_HOLD_PLAIN;
    /* RLIMIT_NPROC does not bind root. */
    if (head->process_max && hold[WIRE_HOLD_PROCESSES] == STINT_HOLD_NONE && head->uid != 0)
        hold[WIRE_HOLD_PROCESSES] = STINT_HOLD_PLAIN;
    if (head->core_count && !(head->flags & WIRE_BODY_CORES_FOREIGN)) {
        if (!cores_bind(&launcher.body))
            hold[WIRE_HOLD_CORES] = STINT_HOLD_NONE;
        else if (hold[WIRE_HOLD_CORES] == STINT_HOLD_NONE)
            hold[WIRE_HOLD_CORES] = STINT_HOLD_PLAIN;
    }
    for (int i = WIRE_HOLD_KILL; i <= WIRE_HOLD_CPU_TIME; i++)
        if (hold[i] == STINT_HOLD_NONE)
            hold[i] = STINT_HOLD_PLAIN;
}

/* A limit below this could be met by execve() itself, copying its words (at most 6 MiB). The kernel
 * then kills every process that has the child's memory (mm/oom_kill.c), which must not be ours. */
#define LENT_MEMORY_MIN (UINT64_C(16) << 20)

static bool may_lend_memory(void)
{
    uint64_t limit = launcher.body.head->memory_bytes;
    return process_can_lend() && (limit == 0 || limit >= LENT_MEMORY_MIN);
}

static void job_main(void *context)
{
    job_exec(context);
}

static int program_start(void)
{
    static struct job_failure own;
    bool lends = may_lend_memory();
    struct job_failure *failure = &own;
    own.code = 0;
    if (!lends)
        failure =
            mmap(NULL, sizeof(*failure), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (failure == MAP_FAILED)
        return start_fail(-errno, "no memory");
    struct job_start start = { .key = run.key,
                               .parent = run.record.supervisor,
                               .cgroup = &run.cgroup,
                               .hold = run.record.hold,
                               .failure = failure };
    run.record.started_ms = clock_wall_ms();
    run.record.started_boot_ms = clock_boot_ms();
    pid_t pid =
        process_run(lends, cgroup_run_clone_fd(&launcher.cgroups, &run.cgroup), job_main, &start);
    if (lends)
        (void)prctl(PR_SET_DUMPABLE,
                    1); /* undone by the change of user: our memory is ours again */
    if (pid < 0)
        return start_fail(pid, "cannot fork the job");
    if (failure->code) {
        (void)waitpid(pid, NULL, 0);
        text_add(run.record.text, sizeof(run.record.text), failure->text);
        run.record.exit_status = failure->exit_status;
        return failure->code;
    }
    run.main = pid;
    return 0;
}

static int run_start(int folder_fd)
{
    int job_fd = -1;
    int r = 0;
    if (launcher.body.script &&
        (r = run_script_write(folder_fd, launcher.body.script, launcher.body.head->script_length)))
        return start_fail(r, "cannot write the script");
    if ((r = job_folder_open(run.key, true, &job_fd)) != 0)
        return start_fail(r, "cannot make the job's own folder");
    close(job_fd);
    if ((r = cgroup_run_make(&launcher.cgroups, run.key, &launcher.body, &run.cgroup,
                             run.record.hold)) != 0)
        return start_fail(r, "cannot make the job's control group");
    run.has_cgroup = true;
    plain_holds(run.record.hold);
    return program_start();
}

static void started_tell(void)
{
    struct wire_message answer;
    wire_message_init(&answer, WIRE_STARTED, run.key);
    answer.value = (uint64_t)getpid();
    answer.value2 = run.record.started_boot_ms;
    answer.at_ms = run.record.started_ms;
    memcpy(answer.hold, run.record.hold, sizeof(answer.hold));
    request_answer(&answer, -1);
    close(launcher.socket);
    launcher.socket = -1;
}

/* The clock of the walltime: CLOCK_BOOTTIME since the start, time suspended left out. */
static uint64_t run_clock(uint64_t now)
{
    uint64_t suspended = run.record.suspended_ms;
    if (run.suspended)
        suspended += now - run.suspended_since;
    return now - run.record.started_boot_ms - suspended;
}

static uint64_t deadline_next(uint64_t now)
{
    const struct wire_body_head *head = launcher.body.head;
    switch (run.phase) {
    case PHASE_KILLING:
        return now + KILL_AGAIN_MS;
    case PHASE_ENDING:
        return run.kill_at;
    case PHASE_RUNNING:
        break;
    }
    if (!run.walltime_ms || run.suspended)
        return NEVER;
    uint64_t left = run.walltime_ms;
    if (head->early_signal && !run.early_sent)
        left = head->early_ms < left ? left - head->early_ms : 0;
    uint64_t passed = run_clock(now);
    left = left > passed ? left - passed : 0;
    return left < NEVER - now ? now + left : NEVER;
}

static void timer_arm(uint64_t at)
{
    struct itimerspec when = { { 0, 0 }, { 0, 0 } };
    if (at == NEVER && !run.has_timer)
        return;
    if (!run.has_timer) {
        struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
        int id = 0;
        if (syscall(SYS_timer_create, CLOCK_BOOTTIME, &event, &id) != 0)
            return;
        run.timer = (timer_t)(intptr_t)id;
        run.has_timer = true;
    }
    if (at != NEVER) {
        when.it_value.tv_sec = (time_t)(at / 1000);
        when.it_value.tv_nsec = (long)(at % 1000) * 1000000 + 1;
    }
    (void)syscall(SYS_timer_settime, (int)(intptr_t)run.timer, TIMER_ABSTIME, &when, NULL);
}

/* To the job's process group, which exists while its leader is not reaped, and to our own children:
 * both names are certain. A process that left its group while its parent lives is met by the kill.
 */
static void group_signal(int signal_number)
{
    if (run.main)
        (void)kill(-run.main, signal_number);
    (void)children_signal(signal_number, false);
}

static void run_freeze(bool frozen)
{
    uint64_t now = clock_boot_ms();
    if (run.suspended == frozen)
        return;
    if (!cgroup_run_freeze(&launcher.cgroups, &run.cgroup, frozen))
        group_signal(frozen ? SIGSTOP : SIGCONT);
    if (frozen)
        run.suspended_since = now;
    else
        run.record.suspended_ms += now - run.suspended_since;
    run.suspended = frozen;
}

static void run_kill(void)
{
    run_freeze(false);
    run.phase = PHASE_KILLING;
    (void)cgroup_run_kill(&launcher.cgroups, &run.cgroup);
    (void)children_signal(SIGKILL, false);
}

static void run_end_begin(uint32_t flag)
{
    uint64_t now = clock_boot_ms();
    if (run.phase != PHASE_RUNNING)
        return;
    run.record.flags |= flag;
    run.phase = PHASE_ENDING;
    run.kill_at = now + launcher.body.head->grace_ms;
    if (launcher.body.head->grace_ms == 0) {
        run_kill();
        return;
    }
    group_signal(SIGTERM);
    run_freeze(false);
    group_signal(SIGCONT); /* a job that stopped itself could not end */
}

static void deadlines_meet(void)
{
    const struct wire_body_head *head = launcher.body.head;
    uint64_t now = clock_boot_ms();
    if (run.phase == PHASE_KILLING || (run.phase == PHASE_ENDING && now >= run.kill_at)) {
        run_kill();
        return;
    }
    if (run.phase != PHASE_RUNNING || !run.walltime_ms || run.suspended)
        return;
    uint64_t passed = run_clock(now);
    if (passed >= run.walltime_ms) {
        run_end_begin(WIRE_RECORD_TIMED_OUT);
    } else if (head->early_signal && !run.early_sent &&
               passed + head->early_ms >= run.walltime_ms) {
        run.early_sent = true;
        (void)kill(-run.main, (int)head->early_signal);
    }
}

static void control(uint64_t word)
{
    uint64_t value = word & WIRE_OP_VALUE;
    if (run.phase == PHASE_KILLING)
        return;
    switch ((enum wire_op)(word >> WIRE_OP_SHIFT)) {
    case WIRE_OP_CANCEL:
        run_end_begin(WIRE_RECORD_CANCELLED);
        break;
    case WIRE_OP_SIGNAL:
        if (value >= 1 && value <= 64 && run.main)
            (void)kill(-run.main, (int)value);
        break;
    case WIRE_OP_SUSPEND:
        if (run.phase == PHASE_RUNNING)
            run_freeze(true);
        break;
    case WIRE_OP_RESUME:
        run_freeze(false);
        break;
    case WIRE_OP_WALLTIME:
        run.walltime_ms = value;
        run.early_sent = false;
        break;
    case WIRE_OP_COUNT:
        break;
    }
}

static void usage_add(const struct rusage *usage)
{
    uint64_t us = (uint64_t)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 +
                  (uint64_t)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec);
    uint64_t bytes = (uint64_t)usage->ru_maxrss * 1024;
    run.rusage_cpu_ms += (us + 500) / 1000;
    if (bytes > run.rusage_peak_bytes)
        run.rusage_peak_bytes = bytes;
}

static void main_ended(int status)
{
    run.main = 0;
    if (WIFSIGNALED(status))
        run.record.term_signal = WTERMSIG(status);
    else
        run.record.exit_status = WEXITSTATUS(status);
}

/* Takes every child that has ended; orphans of the job come to us (subreaper). False when no child
 * is left. */
static bool children_reap(void)
{
    struct rusage usage;
    int status = 0;
    for (;;) {
        pid_t pid = wait4(-1, &status, WNOHANG, &usage);
        if (pid == 0)
            return true;
        if (pid < 0 && errno == EINTR)
            continue;
        if (pid < 0)
            return false;
        usage_add(&usage);
        if (pid == run.main)
            main_ended(status);
    }
}

static void run_watch(void)
{
    siginfo_t info;
    while (children_reap()) {
        if (!run.main && run.phase != PHASE_KILLING) {
            run_kill(); /* the job is its first process; what that left is not to run on unseen */
            continue;
        }
        timer_arm(deadline_next(clock_boot_ms()));
        int signal_number = sigwaitinfo(&awaited, &info);
        if (signal_number == CONTROL_SIGNAL && info.si_code == SI_QUEUE)
            control((uint64_t)(uintptr_t)info.si_value.sival_ptr);
        else if (signal_number == SIGALRM)
            deadlines_meet();
        if (signal_number == CONTROL_SIGNAL)
            deadlines_meet();
    }
}

static void run_record_end(int start_code)
{
    struct wire_record *record = &run.record;
    bool oom_killed = false;
    uint64_t now = clock_boot_ms();
    record->state = WIRE_RECORD_ENDED;
    record->ended_ms = clock_wall_ms();
    if (start_code != 0) {
        record->flags |= WIRE_RECORD_START_FAILED;
        record->start_code = start_code;
    } else {
        record->elapsed_ms = run_clock(now);
        record->cpu_ms = run.rusage_cpu_ms;
        record->peak_memory_bytes = run.rusage_peak_bytes;
        cgroup_run_usage(&launcher.cgroups, &run.cgroup, &record->cpu_ms,
                         &record->peak_memory_bytes, &oom_killed);
        if (oom_killed)
            record->flags |= WIRE_RECORD_OOM_KILLED;
    }
    /* There is nobody to tell of a disk that fails here; the run is then found lost. */
    (void)run_record_write(run.record_fd, record);
}

/* Its stack; the supervisor's memory is its own too, and is there until both are gone. */
#define AFTER_STACK_BYTES 16384
static _Alignas(16) char after_stack[AFTER_STACK_BYTES];

/* The instance's folders go with the last run if the launcher is gone; if not, with the launcher.
 */
static bool traces_clear(void)
{
    if (run.record_fd >= 0)
        (void)fdatasync(run.record_fd); /* of a disk that fails there is nobody to tell */
    if (run.has_cgroup)
        cgroup_run_remove(&launcher.cgroups, &run.cgroup);
    bool is_led = getppid() == launcher.pid;
    /* A state folder that was removed has no lock, and no launcher ever again. */
    if (!is_led && lock_take(LOCK_WAIT_MS) != -EBUSY)
        cgroups_leave(&launcher.cgroups);
    return is_led;
}

static int after_run(void *unused)
{
    (void)unused;
    (void)traces_clear();
    return 0;
}

bool supervisor_clear(void)
{
    bool is_led = traces_clear();
    if (run.record_fd >= 0)
        close(run.record_fd);
    memset(&run, 0, sizeof(run));
    run.record_fd = -1;
    body_release();
    return is_led;
}

/* The last act, without a seat: a child takes the record to the disk and clears up, so that whoever
 * waits for the supervisor's end, and for its cores, need not wait for that too. It shares our
 * memory and costs no copy; we touch nothing any more. */
static _Noreturn void run_exit(void)
{
    if (seat_is_there())
        _exit(0);
    if (clone(after_run, after_stack + sizeof(after_stack), CLONE_VM, NULL) < 0)
        (void)after_run(NULL);
    _exit(0);
}

void supervisor_run(struct request *request)
{
    int folder_fd = -1;
    run.key = wire_message_key(&request->message);
    run.phase = PHASE_RUNNING;
    (void)prctl(PR_SET_NAME, "stint-run");
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1);
    int r = request_body(request->fds[0]);
    if (r != 0)
        refuse(request, r, r == -EPERM ? "this launcher never runs jobs of that user" : "bad body");
    close(request->fds[0]);
    request->fds[0] = -1;
    record_begin(run.key);
    if ((r = folder_begin(&folder_fd)) != 0)
        refuse(request, r, "cannot make the run's folder and its record");
    run.walltime_ms = launcher.body.head->walltime_ms;
    r = run_start(folder_fd);
    close(folder_fd);
    if (r == 0) {
        started_tell();
        run_watch();
    }
    run_record_end(r);
    run_exit();
}
