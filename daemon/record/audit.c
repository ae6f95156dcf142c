/* Owns: what anyone can check without the daemon: a whole log against its signed heads, and one
 * entry against an offline proof. Every byte is hostile. */
#include <errno.h>
#include <string.h>

#include "base64.h"
#include "stint/record.h"

static int compare_root(const struct stint_log_audit *audit, const struct stint_checkpoint *head,
                        const char *which, struct stint_error *err)
{
    struct stint_sha256 root;
    stint_merkle_range_root(&audit->range, &root);
    if (memcmp(&root, &head->root, sizeof(root)) == 0)
        return 0;
    return stint_fail(err, STINT_UNTRUSTED,
                      "the %llu entries are not those of the %s head: an entry was changed",
                      (unsigned long long)head->size, which);
}

static int compare_old(const struct stint_log_audit *audit, struct stint_error *err)
{
    if (!audit->has_old || audit->range.size != audit->old.size)
        return 0;
    return compare_root(audit, &audit->old, "earlier", err);
}

int stint_log_audit_begin(struct stint_log_audit *audit, const struct stint_vkey *vkey,
                          const char *note, size_t length, const char *old_note, size_t old_length,
                          struct stint_error *err)
{
    memset(audit, 0, sizeof(*audit));
    int r = stint_checkpoint_verify(note, length, vkey, &audit->head, err);
    if (r != 0 || !old_note)
        return r;
    audit->has_old = true;
    r = stint_checkpoint_verify(old_note, old_length, vkey, &audit->old, err);
    if (r == 0 && audit->old.size > audit->head.size)
        r = stint_fail(err, STINT_UNTRUSTED, "the log shrank: %llu entries were signed, now %llu",
                       (unsigned long long)audit->old.size, (unsigned long long)audit->head.size);
    return r == 0 ? compare_old(audit, err) : r;
}

int stint_log_audit_add(struct stint_log_audit *audit, const void *entry, size_t length,
                        struct stint_error *err)
{
    struct stint_log_entry parsed;
    struct stint_sha256 leaf;
    if (audit->range.size >= audit->head.size)
        return stint_fail(err, STINT_UNTRUSTED, "more entries than the %llu of the head",
                          (unsigned long long)audit->head.size);
    int r = stint_log_entry_parse(entry, length, &parsed, err);
    if (r != 0)
        return r;
    if (parsed.seq != audit->range.size)
        return stint_fail(err, STINT_UNTRUSTED, "entry %llu says that it is %llu",
                          (unsigned long long)audit->range.size, (unsigned long long)parsed.seq);
    stint_merkle_leaf(entry, length, &leaf);
    stint_merkle_range_append(&audit->range, &leaf);
    return compare_old(audit, err);
}

int stint_log_audit_end(struct stint_log_audit *audit, struct stint_error *err)
{
    if (audit->range.size != audit->head.size)
        return stint_fail(err, STINT_UNTRUSTED, "%llu entries of the %llu of the head",
                          (unsigned long long)audit->range.size,
                          (unsigned long long)audit->head.size);
    return compare_root(audit, &audit->head, "signed", err);
}

/* ---- offline proofs (C2SP tlog-proof) */

struct proof_reader {
    const char *at;
    size_t left;
};

static bool next_line(struct proof_reader *reader, const char **ret_line, size_t *ret_length)
{
    const char *end = reader->left ? memchr(reader->at, '\n', reader->left) : NULL;
    if (!end)
        return false;
    *ret_line = reader->at;
    *ret_length = (size_t)(end - reader->at);
    reader->left -= *ret_length + 1;
    reader->at = end + 1;
    return true;
}

static bool has_prefix(const char *line, size_t length, const char *prefix)
{
    return length >= strlen(prefix) && memcmp(line, prefix, strlen(prefix)) == 0;
}

/* Decimal, without a leading zero, below 2^62. */
static bool read_index(const char *digits, size_t length, uint64_t *ret_index)
{
    uint64_t index = 0;
    if (length == 0 || length > 19 || (length > 1 && digits[0] == '0'))
        return false;
    for (size_t i = 0; i < length; i++) {
        if (digits[i] < '0' || digits[i] > '9')
            return false;
        index = index * 10 + (uint64_t)(digits[i] - '0');
    }
    *ret_index = index;
    return index < UINT64_C(1) << 62;
}

static int bad_proof(const char *why, struct stint_error *err)
{
    return stint_fail(err, STINT_UNTRUSTED, "not a proof of an entry: %s", why);
}

static int read_head(struct proof_reader *reader, uint64_t *ret_index, struct stint_error *err)
{
    static const char magic[] = "c2sp.org/tlog-proof@v1";
    static const char index[] = "index ";
    const char *line;
    size_t length;
    if (!next_line(reader, &line, &length) || length != sizeof(magic) - 1 ||
        memcmp(line, magic, length) != 0)
        return bad_proof("its first line", err);
    if (!next_line(reader, &line, &length))
        return bad_proof("no index", err);
    if (has_prefix(line, length, "extra ") && !next_line(reader, &line, &length))
        return bad_proof("no index", err);
    if (!has_prefix(line, length, index) ||
        !read_index(line + sizeof(index) - 1, length - (sizeof(index) - 1), ret_index))
        return bad_proof("no index", err);
    return 0;
}

static int read_hashes(struct proof_reader *reader, struct stint_merkle_proof *ret_path,
                       struct stint_error *err)
{
    const char *line;
    size_t length;
    ret_path->count = 0;
    while (next_line(reader, &line, &length)) {
        if (length == 0)
            return 0;
        if (ret_path->count == STINT_MERKLE_PROOF_MAX ||
            !base64_take(line, length, ret_path->hashes[ret_path->count].bytes, STINT_SHA256_BYTES))
            return bad_proof("a line that is no hash", err);
        ret_path->count++;
    }
    return bad_proof("no checkpoint", err);
}

int stint_log_check_proof(const char *proof, size_t proof_length, const struct stint_vkey *vkey,
                          const void *entry, size_t length, uint64_t *ret_index,
                          struct stint_error *err)
{
    struct proof_reader reader = { proof, proof_length };
    struct stint_merkle_proof path;
    struct stint_checkpoint head;
    struct stint_sha256 leaf;
    uint64_t index = 0;
    int r = read_head(&reader, &index, err);
    if (r == 0)
        r = read_hashes(&reader, &path, err);
    if (r == 0)
        r = stint_checkpoint_verify(reader.at, reader.left, vkey, &head, err);
    if (r != 0)
        return r;
    stint_merkle_leaf(entry, length, &leaf);
    if (!stint_merkle_verify_inclusion(&leaf, index, head.size, &path, &head.root))
        return stint_fail(err, STINT_UNTRUSTED, "the log of that head does not have this entry");
    *ret_index = index;
    return 0;
}
