/* The Merkle tree of the public log: RFC 6962 hashing with SHA-256. A leaf is SHA-256(0x00 ||
 * entry), a node SHA-256(0x01 || left || right), the empty tree SHA-256(""). Knows no file and no
 * store. Source: RFC 6962 §2.1; the algorithms of verification are RFC 9162 §2.1.3 and §2.1.4. */
#ifndef STINT_MERKLE_H
#define STINT_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stint/digest.h"

#define STINT_MERKLE_LEVELS 63 /* a tree has fewer than 2^62 leaves */
/* Most hashes of one proof: a consistency proof has at most one more than the tree is high. */
#define STINT_MERKLE_PROOF_MAX 64

void stint_merkle_leaf(const void *entry, size_t length, struct stint_sha256 *ret_leaf);
void stint_merkle_node(const struct stint_sha256 *left, const struct stint_sha256 *right,
                       struct stint_sha256 *ret_node);

/**
 * struct stint_merkle_range - a tree's right edge: enough to append and to know the root
 * @size: leaves; @nodes: [level] is the root of the complete subtree of 2^level leaves, where bit
 * level of @size is set. Zero-initialise for the empty tree. 2 KiB, nothing to free.
 */
struct stint_merkle_range {
    uint64_t size;
    struct stint_sha256 nodes[STINT_MERKLE_LEVELS];
};
void stint_merkle_range_append(struct stint_merkle_range *range, const struct stint_sha256 *leaf);
void stint_merkle_range_root(const struct stint_merkle_range *range, struct stint_sha256 *ret_root);

/**
 * struct stint_merkle_tree - every node of every complete subtree, so that the root at any earlier
 * size and each proof cost O(log n). 64 bytes a leaf.
 */
struct stint_merkle_tree;
int stint_merkle_tree_new(struct stint_merkle_tree **ret_tree); /* 0 or -ENOMEM */
struct stint_merkle_tree *stint_merkle_tree_free(struct stint_merkle_tree *tree);
uint64_t stint_merkle_tree_size(const struct stint_merkle_tree *tree);
/* 0 or -ENOMEM: then the tree is as it was. Amortised O(1). */
int stint_merkle_tree_append(struct stint_merkle_tree *tree, const struct stint_sha256 *leaf);
/* Back to an earlier, smaller size. */
void stint_merkle_tree_truncate(struct stint_merkle_tree *tree, uint64_t size);
/* The root when the tree had @size leaves, 0..size of the tree. */
void stint_merkle_tree_root(const struct stint_merkle_tree *tree, uint64_t size,
                            struct stint_sha256 *ret_root);

/**
 * struct stint_merkle_proof - hashes in the order the verifier takes them, the leaf's side first
 */
struct stint_merkle_proof {
    size_t count;
    struct stint_sha256 hashes[STINT_MERKLE_PROOF_MAX];
};
/* That leaf @index is in the tree of @size leaves; @index < @size <= size of the tree. */
void stint_merkle_tree_inclusion(const struct stint_merkle_tree *tree, uint64_t index,
                                 uint64_t size, struct stint_merkle_proof *ret_proof);
/* That the tree of @old_size leaves is a prefix of that of @size; 0 < @old_size <= @size. Empty
 * when they are equal. */
void stint_merkle_tree_consistency(const struct stint_merkle_tree *tree, uint64_t old_size,
                                   uint64_t size, struct stint_merkle_proof *ret_proof);

/* What anyone can check. Any input is safe; false for what does not hold. */
bool stint_merkle_verify_inclusion(const struct stint_sha256 *leaf, uint64_t index, uint64_t size,
                                   const struct stint_merkle_proof *proof,
                                   const struct stint_sha256 *root);
bool stint_merkle_verify_consistency(uint64_t old_size, const struct stint_sha256 *old_root,
                                     uint64_t size, const struct stint_sha256 *root,
                                     const struct stint_merkle_proof *proof);

#endif
