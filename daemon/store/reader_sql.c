/* Owns: every question the store can be asked, as SQL. Columns are matched to rows by name, so a
 * query may name fewer than a table has. */
#include "reader.h"

/* clang-format off */
const char *const reader_sql[QUERY_COUNT] = {
    [QUERY_LIVE_JOBS] = "SELECT * FROM job INDEXED BY job_live WHERE end_ms = 0 ORDER BY id",
    [QUERY_LIVE_TASKS] =
        /* NOLINTNEXTLINE(bugprone-suspicious-missing-comma): long queries are joined literals */
        "SELECT task.* FROM job INDEXED BY job_live JOIN task ON task.job = job.id"
        " WHERE job.end_ms = 0 ORDER BY task.job, task.task",
    [QUERY_OPEN_RUNS] =
        "SELECT run.* FROM job INDEXED BY job_live JOIN run ON run.job = job.id"
        " WHERE job.end_ms = 0 AND run.end_ms = 0 ORDER BY run.job, run.task, run.attempt",
    [QUERY_INSTITUTIONS] = "SELECT * FROM institution ORDER BY id",
    [QUERY_PROJECTS] = "SELECT * FROM project ORDER BY id",
    [QUERY_USERS] = "SELECT * FROM user ORDER BY uid",
    [QUERY_MEMBERS] = "SELECT * FROM member ORDER BY project, uid",
    [QUERY_AWARDS] = "SELECT * FROM award ORDER BY id",
    [QUERY_QUOTAS] = "SELECT * FROM quota ORDER BY scope, scope_id, kind, period",
    [QUERY_SHARES] = "SELECT * FROM share ORDER BY scope, scope_id",
    [QUERY_ARTIFACTS] = "SELECT * FROM artifact ORDER BY rowid",
    [QUERY_WAIVERS] = "SELECT * FROM waiver ORDER BY id",
    [QUERY_ATTESTATIONS] = "SELECT * FROM attestation ORDER BY id",
    [QUERY_VERDICT_HEADS] =
        "SELECT id, digest, rules, rules_digest, result, reason, at_ms, names, heritage FROM verdict ORDER BY id",
    [QUERY_TOKENS] = "SELECT * FROM token ORDER BY created_ms, hash",
    [QUERY_RESERVATIONS] = "SELECT * FROM reservation ORDER BY id",
    [QUERY_NODE_STATES] = "SELECT * FROM node_state ORDER BY name",
    [QUERY_LEAVES] = "SELECT seq, at_ms, type, leaf FROM log_entry WHERE seq >= ?1 ORDER BY seq",
    [QUERY_POSTING_SUMS] = "SELECT account, award, amount_micro FROM posting",
    [QUERY_USAGE_SUMS] =
        "SELECT project, uid, gpu_milli, cpus, walltime_s, elapsed_ms, end_ms, hold_micro, charged_micro FROM run"
        " WHERE start_ms >= ?1 AND (?2 = 0 OR start_ms < ?2)",
    /* A run that held nothing, because it never began or was lost, used nothing. */
    [QUERY_USES] =
        "SELECT run.project, run.uid, run.cpus, run.gpu_milli, run.memory_bytes, job.gpu_type, run.start_ms, run.end_ms,"
        " run.resource"
        " FROM run LEFT JOIN job ON job.id = run.job WHERE run.end_ms > ?1 AND run.elapsed_ms > 0",
    [QUERY_JOB] = "SELECT * FROM job WHERE id = ?1",
    [QUERY_RUN] = "SELECT * FROM run WHERE job = ?1 AND task = ?2 AND attempt = ?3",
    [QUERY_TASK] = "SELECT * FROM task WHERE job = ?1 AND task = ?2",
    [QUERY_SCRIPT] = "SELECT * FROM script WHERE sha256 = ?1",
    [QUERY_VERDICT] = "SELECT * FROM verdict WHERE id = ?1",
    [QUERY_DECISION] = "SELECT * FROM decision WHERE id = ?1",
    [QUERY_LOG_ENTRY] = "SELECT * FROM log_entry WHERE seq = ?1",
    [QUERY_LAST_CHECKPOINT] = "SELECT * FROM checkpoint ORDER BY size DESC LIMIT 1",
    [QUERY_PERSONAL] = "SELECT * FROM personal WHERE commitment = ?1",
    [QUERY_IDEMPOTENCY] = "SELECT * FROM idempotency WHERE uid = ?1 AND key = ?2",
    [QUERY_META] = "SELECT * FROM meta WHERE key = ?1",
    [QUERY_JOBS] =
        "SELECT * FROM job WHERE id < ?1 AND (?2 < 0 OR uid = ?2) AND (?3 = 0 OR project = ?3)"
        " AND (?4 IS NULL OR state = ?4) AND (?5 IS NULL OR outcome = ?5) AND (?6 IS NULL OR name = ?6)"
        " AND (?7 = 0 OR submit_ms >= ?7) AND (?8 = 0 OR submit_ms < ?8) ORDER BY id DESC LIMIT ?9",
    [QUERY_RUNS_OF] = "SELECT * FROM run WHERE job = ?1 ORDER BY task, attempt",
    [QUERY_TASKS_OF] = "SELECT * FROM task WHERE job = ?1 ORDER BY task",
    /* Each event names the one before it of the same job, and the job the last: newest first along
     * the chain, which the limit cuts, then turned round. */
    [QUERY_EVENTS_OF] =
        "WITH RECURSIVE chain(id) AS (SELECT last_event FROM job WHERE id = ?1 AND last_event IS NOT NULL"
        " UNION ALL SELECT event.previous_event FROM chain JOIN event ON event.id = chain.id"
        " WHERE event.previous_event IS NOT NULL LIMIT ?2)"
        " SELECT event.* FROM chain JOIN event ON event.id = chain.id ORDER BY event.id",
    [QUERY_EVENTS] = "SELECT * FROM event WHERE id > ?1 ORDER BY id LIMIT ?2",
    [QUERY_POSTINGS] = "SELECT * FROM posting WHERE id < ?2 AND (?1 = 0 OR award = ?1) ORDER BY id DESC LIMIT ?3",
    [QUERY_DECISIONS] = "SELECT * FROM decision WHERE id < ?1 ORDER BY id DESC LIMIT ?2",
    [QUERY_LOG_ENTRIES] = "SELECT * FROM log_entry WHERE seq >= ?1 ORDER BY seq LIMIT ?2",
    [QUERY_LOG_ENTRIES_OF] =
        "SELECT * FROM log_entry WHERE type = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3",
    [QUERY_PAST_RUNS] =
        "SELECT job, uid, project, walltime_s, elapsed_ms FROM run WHERE end_ms > 0"
        " AND outcome IN ('completed', 'failed', 'timeout', 'out-of-memory')"
        " ORDER BY job DESC, task DESC, attempt DESC LIMIT ?1",
    [QUERY_LIVE_ESTIMATES] =
        "SELECT estimate.* FROM job INDEXED BY job_live JOIN estimate ON estimate.job = job.id WHERE job.end_ms = 0",
    [QUERY_LIVE_WAITS] =
        "SELECT wait.* FROM job INDEXED BY job_live JOIN wait ON wait.job = job.id WHERE job.end_ms = 0"
        " AND wait.ready_ms > 0",
    [QUERY_TOLD_STARTS] = "SELECT start_ms, p50_ms, p90_ms FROM estimate WHERE start_ms >= ?1",
    [QUERY_TRANSCRIPT] =
        "SELECT * FROM transcript WHERE id >= ?1 AND (?2 = 0 OR at_ms < ?2) ORDER BY id LIMIT ?3",
    [QUERY_LAST_TRANSCRIPT] =
        "SELECT id, core, at_ms, start_count, chain FROM transcript WHERE id < ?1 ORDER BY id DESC LIMIT 1",
    [QUERY_TRANSCRIPT_HEAD] = "SELECT id, core, at_ms FROM transcript WHERE id >= ?1 ORDER BY id LIMIT 1",
    [QUERY_AUDIT] =
        "SELECT (SELECT count(*) FROM posting),"
        " (SELECT coalesce(sum(amount_micro), 0) FROM posting WHERE account = 3),"
        " (SELECT coalesce(sum(hold_micro), 0) FROM run WHERE end_ms = 0 AND award != 0),"
        " (SELECT count(*) FROM (SELECT award FROM posting WHERE account IN (2, 3, 4) GROUP BY award, account"
        "  HAVING sum(amount_micro) < 0))",
    [QUERY_AUDIT_UNBALANCED] =
        "SELECT count(*), min(bad) FROM (SELECT \"transaction\" AS bad FROM posting GROUP BY \"transaction\""
        " HAVING sum(amount_micro) != 0)",
};
/* clang-format on */
