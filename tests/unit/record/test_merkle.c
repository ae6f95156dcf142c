/* The tree must be the one that every other implementation of RFC 6962 computes, and a proof must
 * hold for exactly what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "stint/auto.h"
#include "stint/merkle.h"
#include "vectors.h"

#define LEAF_MAX 130

static void leaf_of(unsigned n, struct stint_sha256 *ret_leaf)
{
    char entry[16];
    int length = snprintf(entry, sizeof(entry), "{\"n\":%u}", n);
    stint_merkle_leaf(entry, (size_t)length, ret_leaf);
}

static struct stint_merkle_tree *tree_of(unsigned count)
{
    struct stint_merkle_tree *tree;
    assert_int_equal(stint_merkle_tree_new(&tree), 0);
    for (unsigned i = 0; i < count; i++) {
        struct stint_sha256 leaf;
        leaf_of(i, &leaf);
        assert_int_equal(stint_merkle_tree_append(tree, &leaf), 0);
    }
    return tree;
}

static void assert_hex(const struct stint_sha256 *digest, const char *hex)
{
    char text[STINT_SHA256_HEX];
    assert_string_equal(stint_sha256_hex(digest, text), hex);
}

static void roots_are_those_of_the_vectors(void **state)
{
    (void)state;
    struct stint_merkle_tree *tree = tree_of(VECTOR_COUNT);
    struct stint_merkle_range range = { 0 };
    struct stint_sha256 root;
    struct stint_sha256 leaf;
    for (unsigned size = 0; size <= VECTOR_COUNT; size++) {
        stint_merkle_tree_root(tree, size, &root);
        assert_hex(&root, vector_roots[size]);
        stint_merkle_range_root(&range, &root);
        assert_hex(&root, vector_roots[size]);
        leaf_of(size, &leaf);
        stint_merkle_range_append(&range, &leaf);
    }
    stint_merkle_tree_free(tree);
}

static void proofs_are_those_of_the_vectors(void **state)
{
    (void)state;
    struct stint_merkle_tree *tree = tree_of(VECTOR_COUNT);
    struct stint_merkle_proof proof;
    stint_merkle_tree_inclusion(tree, 2, 5, &proof);
    assert_int_equal(proof.count, STINT_ARRAY_SIZE(vector_inclusion));
    for (size_t i = 0; i < proof.count; i++)
        assert_hex(&proof.hashes[i], vector_inclusion[i]);
    stint_merkle_tree_consistency(tree, 3, 5, &proof);
    assert_int_equal(proof.count, STINT_ARRAY_SIZE(vector_consistency));
    for (size_t i = 0; i < proof.count; i++)
        assert_hex(&proof.hashes[i], vector_consistency[i]);
    stint_merkle_tree_free(tree);
}

/* Every size up to LEAF_MAX, every leaf: the proof holds, and not for another leaf, index or root.
 */
static void every_inclusion_proof_holds_and_only_for_its_leaf(void **state)
{
    (void)state;
    struct stint_merkle_tree *tree = tree_of(LEAF_MAX);
    for (unsigned size = 1; size <= LEAF_MAX; size++)
        for (unsigned index = 0; index < size; index++) {
            struct stint_merkle_proof proof;
            struct stint_sha256 root;
            struct stint_sha256 leaf;
            struct stint_sha256 other;
            stint_merkle_tree_inclusion(tree, index, size, &proof);
            stint_merkle_tree_root(tree, size, &root);
            leaf_of(index, &leaf);
            leaf_of(index + 1, &other);
            assert_true(stint_merkle_verify_inclusion(&leaf, index, size, &proof, &root));
            assert_false(stint_merkle_verify_inclusion(&other, index, size, &proof, &root));
            assert_false(stint_merkle_verify_inclusion(&leaf, index, size, &proof, &other));
            assert_false(stint_merkle_verify_inclusion(&leaf, index + size, size, &proof, &root));
            if (index > 0)
                assert_false(stint_merkle_verify_inclusion(&leaf, index - 1, size, &proof, &root));
        }
    stint_merkle_tree_free(tree);
}

static void every_consistency_proof_holds_and_only_for_its_roots(void **state)
{
    (void)state;
    struct stint_merkle_tree *tree = tree_of(LEAF_MAX);
    for (unsigned size = 1; size <= LEAF_MAX; size++)
        for (unsigned old = 1; old <= size; old++) {
            struct stint_merkle_proof proof;
            struct stint_sha256 root;
            struct stint_sha256 before;
            struct stint_sha256 wrong;
            stint_merkle_tree_consistency(tree, old, size, &proof);
            stint_merkle_tree_root(tree, size, &root);
            stint_merkle_tree_root(tree, old, &before);
            stint_merkle_tree_root(tree, old - 1, &wrong);
            assert_true(stint_merkle_verify_consistency(old, &before, size, &root, &proof));
            assert_false(stint_merkle_verify_consistency(old, &wrong, size, &root, &proof));
            assert_false(stint_merkle_verify_consistency(old, &before, size, &wrong, &proof));
            if (proof.count > 0) {
                proof.count--;
                assert_false(stint_merkle_verify_consistency(old, &before, size, &root, &proof));
                proof.count++;
                proof.hashes[0].bytes[0] ^= 1;
                assert_false(stint_merkle_verify_consistency(old, &before, size, &root, &proof));
            }
        }
    stint_merkle_tree_free(tree);
}

static void proofs_of_impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct stint_merkle_proof proof = { .count = STINT_MERKLE_PROOF_MAX };
    struct stint_sha256 root = { { 0 } };
    assert_false(stint_merkle_verify_inclusion(&root, 0, 0, &proof, &root));
    assert_false(stint_merkle_verify_inclusion(&root, 5, 5, &proof, &root));
    assert_false(stint_merkle_verify_inclusion(&root, UINT64_MAX - 1, UINT64_MAX, &proof, &root));
    assert_false(stint_merkle_verify_consistency(0, &root, 5, &root, &proof));
    assert_false(stint_merkle_verify_consistency(6, &root, 5, &root, &proof));
    assert_false(stint_merkle_verify_consistency(5, &root, UINT64_MAX, &root, &proof));
    proof.count = 0;
    assert_false(stint_merkle_verify_consistency(3, &root, 5, &root, &proof));
}

static void truncated_tree_grows_again_another_way(void **state)
{
    (void)state;
    struct stint_merkle_tree *tree = tree_of(20);
    struct stint_sha256 leaf;
    struct stint_sha256 root;
    stint_merkle_tree_truncate(tree, 3);
    for (unsigned i = 3; i < VECTOR_COUNT; i++) {
        leaf_of(i, &leaf);
        assert_int_equal(stint_merkle_tree_append(tree, &leaf), 0);
    }
    stint_merkle_tree_root(tree, VECTOR_COUNT, &root);
    assert_hex(&root, vector_roots[VECTOR_COUNT]);
    stint_merkle_tree_free(tree);
}

static void long_and_short_entries_hash_alike(void **state)
{
    (void)state;
    /* Around the bound where the leaf goes through a stream. */
    for (size_t length = 1020; length < 1030; length++) {
        unsigned char bytes[1031];
        struct stint_sha256 leaf;
        struct stint_sha256 plain;
        memset(bytes, 'x', sizeof(bytes));
        bytes[0] = 0;
        stint_merkle_leaf(bytes + 1, length, &leaf);
        stint_sha256(bytes, length + 1, &plain);
        assert_memory_equal(&leaf, &plain, sizeof(leaf));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_those_of_the_vectors),
        cmocka_unit_test(proofs_are_those_of_the_vectors),
        cmocka_unit_test(every_inclusion_proof_holds_and_only_for_its_leaf),
        cmocka_unit_test(every_consistency_proof_holds_and_only_for_its_roots),
        cmocka_unit_test(proofs_of_impossible_sizes_are_refused),
        cmocka_unit_test(truncated_tree_grows_again_another_way),
        cmocka_unit_test(long_and_short_entries_hash_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
