/* Owns: the Merkle tree. Level 0 has the leaves; level l has the root of each complete subtree of
 * 2^l leaves, so it has size >> l nodes, and truncating the tree is only saying so. */
#include "stint/merkle.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stint/auto.h"

struct stint_merkle_tree {
    uint64_t size;
    struct stint_sha256 *levels[STINT_MERKLE_LEVELS];
    uint64_t capacities[STINT_MERKLE_LEVELS];
};

/* ---- hashing */

void stint_merkle_leaf(const void *entry, size_t length, struct stint_sha256 *ret_leaf)
{
    /* Entries are small: one copy is cheaper than a stream. Larger input goes through one. */
    unsigned char bytes[1024];
    struct stint_sha256_stream *stream;
    if (length < sizeof(bytes)) {
        bytes[0] = 0;
        if (length > 0)
            memcpy(bytes + 1, entry, length);
        stint_sha256(bytes, length + 1, ret_leaf);
        return;
    }
    if (stint_sha256_stream_new(&stream) != 0)
        abort(); /* out of memory for a few hundred bytes */
    stint_sha256_stream_add(stream, "", 1);
    stint_sha256_stream_add(stream, entry, length);
    stint_sha256_stream_end(stream, ret_leaf);
}

void stint_merkle_node(const struct stint_sha256 *left, const struct stint_sha256 *right,
                       struct stint_sha256 *ret_node)
{
    unsigned char bytes[1 + 2 * STINT_SHA256_BYTES];
    bytes[0] = 1;
    memcpy(bytes + 1, left->bytes, STINT_SHA256_BYTES);
    memcpy(bytes + 1 + STINT_SHA256_BYTES, right->bytes, STINT_SHA256_BYTES);
    stint_sha256(bytes, sizeof(bytes), ret_node);
}

static bool is_equal(const struct stint_sha256 *a, const struct stint_sha256 *b)
{
    return memcmp(a->bytes, b->bytes, STINT_SHA256_BYTES) == 0;
}

/* ---- the right edge */

void stint_merkle_range_append(struct stint_merkle_range *range, const struct stint_sha256 *leaf)
{
    struct stint_sha256 node = *leaf;
    unsigned level = 0;
    /* As in counting: each set bit is a subtree that this one completes. */
    for (; range->size >> level & 1; level++)
        stint_merkle_node(&range->nodes[level], &node, &node);
    assert(level < STINT_MERKLE_LEVELS);
    range->nodes[level] = node;
    range->size++;
}

void stint_merkle_range_root(const struct stint_merkle_range *range, struct stint_sha256 *ret_root)
{
    struct stint_sha256 root;
    bool has_root = false;
    stint_sha256(NULL, 0, &root);
    for (unsigned level = 0; level < STINT_MERKLE_LEVELS && range->size >> level; level++) {
        if (!(range->size >> level & 1))
            continue;
        if (has_root)
            stint_merkle_node(&range->nodes[level], &root, &root);
        else
            root = range->nodes[level];
        has_root = true;
    }
    *ret_root = root;
}

/* ---- the tree */

int stint_merkle_tree_new(struct stint_merkle_tree **ret_tree)
{
    struct stint_merkle_tree *tree = calloc(1, sizeof(*tree));
    if (!tree)
        return -ENOMEM;
    *ret_tree = tree;
    return 0;
}

struct stint_merkle_tree *stint_merkle_tree_free(struct stint_merkle_tree *tree)
{
    if (!tree)
        return NULL;
    for (size_t i = 0; i < STINT_ARRAY_SIZE(tree->levels); i++)
        free(tree->levels[i]);
    free(tree);
    return NULL;
}

uint64_t stint_merkle_tree_size(const struct stint_merkle_tree *tree)
{
    return tree->size;
}

static int level_reserve(struct stint_merkle_tree *tree, unsigned level, uint64_t count)
{
    uint64_t capacity = tree->capacities[level];
    if (count <= capacity)
        return 0;
    capacity = capacity ? 2 * capacity : 16;
    struct stint_sha256 *nodes =
        realloc(tree->levels[level], (size_t)capacity * sizeof(struct stint_sha256));
    if (!nodes)
        return -ENOMEM;
    tree->levels[level] = nodes;
    tree->capacities[level] = capacity;
    return 0;
}

int stint_merkle_tree_append(struct stint_merkle_tree *tree, const struct stint_sha256 *leaf)
{
    uint64_t size = tree->size + 1;
    unsigned top = (unsigned)__builtin_ctzll(size);
    assert(top < STINT_MERKLE_LEVELS);
    for (unsigned level = 0; level <= top; level++)
        if (level_reserve(tree, level, size >> level) != 0)
            return -ENOMEM;
    tree->levels[0][tree->size] = *leaf;
    for (unsigned level = 1; level <= top; level++) {
        uint64_t at = (size >> level) - 1;
        stint_merkle_node(&tree->levels[level - 1][2 * at], &tree->levels[level - 1][2 * at + 1],
                          &tree->levels[level][at]);
    }
    tree->size = size;
    return 0;
}

void stint_merkle_tree_truncate(struct stint_merkle_tree *tree, uint64_t size)
{
    assert(size <= tree->size);
    tree->size = size;
}

/* Largest power of two below @count, which is at least 2. */
static uint64_t split(uint64_t count)
{
    return UINT64_C(1) << (63 - __builtin_clzll(count - 1));
}

/* Root of the leaves [@begin, @end), where @begin is a multiple of a power of two not below their
 * number: RFC 6962's MTH, complete subtrees looked up. Depth is the tree's height. */
static void range_hash(const struct stint_merkle_tree *tree, uint64_t begin, uint64_t end,
                       struct stint_sha256 *ret_hash)
{
    uint64_t count = end - begin;
    if ((count & (count - 1)) == 0) {
        unsigned level = (unsigned)__builtin_ctzll(count);
        *ret_hash = tree->levels[level][begin >> level];
        return;
    }
    struct stint_sha256 left;
    struct stint_sha256 right;
    uint64_t middle = begin + split(count);
    range_hash(tree, begin, middle, &left);
    range_hash(tree, middle, end, &right);
    stint_merkle_node(&left, &right, ret_hash);
}

void stint_merkle_tree_root(const struct stint_merkle_tree *tree, uint64_t size,
                            struct stint_sha256 *ret_root)
{
    assert(size <= tree->size);
    if (size == 0)
        stint_sha256(NULL, 0, ret_root);
    else
        range_hash(tree, 0, size, ret_root);
}

static void proof_add(struct stint_merkle_proof *proof, const struct stint_merkle_tree *tree,
                      uint64_t begin, uint64_t end)
{
    assert(proof->count < STINT_MERKLE_PROOF_MAX);
    range_hash(tree, begin, end, &proof->hashes[proof->count++]);
}

/* The siblings on the way from leaf @index up to the root of [@begin, @end). */
static void path(const struct stint_merkle_tree *tree, uint64_t index, uint64_t begin, uint64_t end,
                 struct stint_merkle_proof *proof)
{
    if (end - begin == 1)
        return;
    uint64_t middle = begin + split(end - begin);
    if (index < middle) {
        path(tree, index, begin, middle, proof);
        proof_add(proof, tree, middle, end);
    } else {
        path(tree, index, middle, end, proof);
        proof_add(proof, tree, begin, middle);
    }
}

void stint_merkle_tree_inclusion(const struct stint_merkle_tree *tree, uint64_t index,
                                 uint64_t size, struct stint_merkle_proof *ret_proof)
{
    assert(index < size && size <= tree->size);
    ret_proof->count = 0;
    path(tree, index, 0, size, ret_proof);
}

/* RFC 6962 §2.1.2, SUBPROOF: @is_whole says that [@begin, @old) is a tree the verifier knows. */
static void subproof(const struct stint_merkle_tree *tree, uint64_t old, uint64_t begin,
                     uint64_t end, bool is_whole, struct stint_merkle_proof *proof)
{
    if (old == end) {
        if (!is_whole)
            proof_add(proof, tree, begin, end);
        return;
    }
    uint64_t middle = begin + split(end - begin);
    if (old <= middle) {
        subproof(tree, old, begin, middle, is_whole, proof);
        proof_add(proof, tree, middle, end);
    } else {
        subproof(tree, old, middle, end, false, proof);
        proof_add(proof, tree, begin, middle);
    }
}

void stint_merkle_tree_consistency(const struct stint_merkle_tree *tree, uint64_t old_size,
                                   uint64_t size, struct stint_merkle_proof *ret_proof)
{
    assert(old_size > 0 && old_size <= size && size <= tree->size);
    ret_proof->count = 0;
    subproof(tree, old_size, 0, size, true, ret_proof);
}

/* ---- verification; RFC 9162 §2.1.3.2 and §2.1.4.2 */

bool stint_merkle_verify_inclusion(const struct stint_sha256 *leaf, uint64_t index, uint64_t size,
                                   const struct stint_merkle_proof *proof,
                                   const struct stint_sha256 *root)
{
    struct stint_sha256 hash = *leaf;
    uint64_t at = index;
    uint64_t last = size - 1;
    if (index >= size || proof->count > STINT_MERKLE_PROOF_MAX)
        return false;
    for (size_t i = 0; i < proof->count; i++) {
        if (last == 0)
            return false;
        if ((at & 1) || at == last) {
            stint_merkle_node(&proof->hashes[i], &hash, &hash);
            while (!(at & 1) && at != 0) {
                at >>= 1;
                last >>= 1;
            }
        } else {
            stint_merkle_node(&hash, &proof->hashes[i], &hash);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && is_equal(&hash, root);
}

/* One step of the walk from the old tree's last leaf: both roots take the hash on the left, or only
 * the new one takes it on the right. */
static void consistency_step(const struct stint_sha256 *hash, uint64_t *at, uint64_t *last,
                             struct stint_sha256 *old_hash, struct stint_sha256 *new_hash)
{
    if ((*at & 1) || *at == *last) {
        stint_merkle_node(hash, old_hash, old_hash);
        stint_merkle_node(hash, new_hash, new_hash);
        while (!(*at & 1) && *at != 0) {
            *at >>= 1;
            *last >>= 1;
        }
    } else {
        stint_merkle_node(new_hash, hash, new_hash);
    }
    *at >>= 1;
    *last >>= 1;
}

bool stint_merkle_verify_consistency(uint64_t old_size, const struct stint_sha256 *old_root,
                                     uint64_t size, const struct stint_sha256 *root,
                                     const struct stint_merkle_proof *proof)
{
    if (old_size == 0 || old_size > size || proof->count > STINT_MERKLE_PROOF_MAX)
        return false;
    if (old_size == size)
        return proof->count == 0 && is_equal(old_root, root);
    uint64_t at = old_size - 1;
    uint64_t last = size - 1;
    while (at & 1) {
        at >>= 1;
        last >>= 1;
    }
    /* An old tree that is one complete subtree of the new is not repeated in the proof. */
    bool is_subtree = (old_size & (old_size - 1)) == 0;
    if (!is_subtree && proof->count == 0)
        return false;
    struct stint_sha256 old_hash = is_subtree ? *old_root : proof->hashes[0];
    struct stint_sha256 new_hash = old_hash;
    for (size_t i = is_subtree ? 0 : 1; i < proof->count; i++) {
        if (last == 0)
            return false;
        consistency_step(&proof->hashes[i], &at, &last, &old_hash, &new_hash);
    }
    return last == 0 && is_equal(&old_hash, old_root) && is_equal(&new_hash, root);
}
