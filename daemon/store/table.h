/* The tables as the code sees them: for each column its name, its member in the row struct and what
 * may be done with it. From this one description come the statements that write a row, the way a
 * row is copied into a batch, the way a result becomes a row again, and the JSON of the journal. */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/buffer.h"
#include "stint/store_rows.h"

#define TABLE_COLUMN_MAX 40

enum table_id {
    TABLE_EVENT = 0,
    TABLE_JOB,
    TABLE_TASK,
    TABLE_RUN,
    TABLE_SCRIPT,
    TABLE_INSTITUTION,
    TABLE_PROJECT,
    TABLE_USER,
    TABLE_MEMBER,
    TABLE_AWARD,
    TABLE_POSTING,
    TABLE_QUOTA,
    TABLE_SHARE,
    TABLE_ARTIFACT,
    TABLE_VERDICT,
    TABLE_ATTESTATION,
    TABLE_WAIVER,
    TABLE_DECISION,
    TABLE_LOG_ENTRY,
    TABLE_CHECKPOINT,
    TABLE_PERSONAL,
    TABLE_IDEMPOTENCY,
    TABLE_TOKEN,
    TABLE_NODE_STATE,
    TABLE_RESERVATION,
    TABLE_META,
    TABLE_TRANSCRIPT,
    TABLE_ESTIMATE,
    TABLE_WAIT,
    TABLE_COUNT
};

enum column_type {
    COLUMN_INT = 1, /* int64_t */
    COLUMN_UINT,    /* uint64_t below 2^63 */
    COLUMN_UINT32,
    COLUMN_BOOL,
    COLUMN_TEXT, /* const char * */
    COLUMN_BLOB  /* struct stint_bytes */
};

enum column_flag {
    COLUMN_KEY = 1,
    COLUMN_CHANGES = 2,   /* written by a change, see store_rows.h */
    COLUMN_JSON = 4,      /* a text that is JSON: nested, not quoted, in the journal */
    COLUMN_READ_ONLY = 8, /* kept by the statements themselves */
};

/* What happens when the key is there already. */
enum table_conflict { CONFLICT_FAILS = 0, CONFLICT_KEEPS, CONFLICT_REPLACES };

struct column {
    const char *name;
    uint16_t offset;
    uint8_t type;
    uint8_t flags;
};

struct table {
    const char *name;
    const struct column *columns;
    uint8_t column_count;
    uint8_t conflict;
    uint16_t row_size;
};

extern const struct table store_tables[TABLE_COUNT];

/* Memory for a row of any table. */
union any_row {
    struct stint_event_row event;
    struct stint_job_row job;
    struct stint_task_row task;
    struct stint_run_row run;
    struct stint_script_row script;
    struct stint_institution_row institution;
    struct stint_project_row project;
    struct stint_user_row user;
    struct stint_member_row member;
    struct stint_award_row award;
    struct stint_posting_row posting;
    struct stint_quota_row quota;
    struct stint_share_row share;
    struct stint_artifact_row artifact;
    struct stint_verdict_row verdict;
    struct stint_attestation_row attestation;
    struct stint_waiver_row waiver;
    struct stint_decision_row decision;
    struct stint_log_entry_row log_entry;
    struct stint_checkpoint_row checkpoint;
    struct stint_personal_row personal;
    struct stint_idempotency_row idempotency;
    struct stint_token_row token;
    struct stint_node_state_row node_state;
    struct stint_reservation_row reservation;
    struct stint_meta_row meta;
    struct stint_transcript_row transcript;
    struct stint_estimate_row estimate;
    struct stint_wait_row wait;
};

/* One value on its way between a row, a batch and SQLite. Text and blob are borrowed. */
struct value {
    enum column_type type; /* COLUMN_INT, COLUMN_TEXT or COLUMN_BLOB */
    bool is_null;
    int64_t integer;
    const void *data;
    size_t length;
};

void column_get(const struct column *column, const void *row, struct value *ret_value);
void column_set(const struct column *column, void *row, const struct value *value);

/* The columns a statement binds, in order. An insert binds all that may be written; a change those
 * that change, then the key. */
enum table_selection { SELECT_INSERT = 0, SELECT_CHANGE };
size_t table_select(const struct table *table, enum table_selection selection,
                    const struct column *columns[TABLE_COLUMN_MAX]);

/* SQL of the insert or of the change, appended. Both have for `job` one more parameter, behind the
 * selection's: the id of the event that they belong to. */
void table_insert_sql(const struct table *table, struct stint_buffer *sql);
void table_change_sql(const struct table *table, struct stint_buffer *sql);

/* The row as a JSON object: the key, and of the selection what is not NULL or 0. */
void table_row_json(const struct table *table, const void *row, enum table_selection selection,
                    struct stint_buffer *json);

#endif
