/* Vectors computed with other programs (Python's hashlib and OpenSSL) for the five entries
 * `{"n":0}` … `{"n":4}` and the key of RFC 8032 §7.1, test 1. */
#ifndef TEST_RECORD_VECTORS_H
#define TEST_RECORD_VECTORS_H

#include <string.h>

#include "stint/digest.h"

#define VECTOR_COUNT 5

static const char *const vector_roots[VECTOR_COUNT + 1] = {
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "f94070abfd2da0bf72902eb13a808e794f954d9e2745c682a158f6ed0d4ac036",
    "3badc80537f029e1bb77280dc85203cf2ed9748dc8f571230fcba5c326c91068",
    "2cfef7627597e00b564975774ad728ef210706759fca6d64138c6dfc1cbf2cda",
    "bd0070acbdc679a24cf44615841483fbfcc18aba00ae4dbe2a0c54af26cbd9fa",
    "87d50c5ea4b4e9c66a6350dc9cf80c85641a6dc2d4e86fbeeedca752fa4cdb4c",
};

/* Inclusion of entry 2 in the tree of 5, and consistency of 3 with 5. */
static const char *const vector_inclusion[] = {
    "d74a2d1f2af1c1cad6c5e8a86fc869162e7d1ea01e729abff17851d10948f994",
    "3badc80537f029e1bb77280dc85203cf2ed9748dc8f571230fcba5c326c91068",
    "67cbf349d6b4e4caf430a96751ca532214414c2f8c9f7c567abbc3e52f2df391",
};
static const char *const vector_consistency[] = {
    "3d1de776df086c1ae9f7049d2bb0c0475ad14185f987e064e8d10dcb2db4a322",
    "d74a2d1f2af1c1cad6c5e8a86fc869162e7d1ea01e729abff17851d10948f994",
    "3badc80537f029e1bb77280dc85203cf2ed9748dc8f571230fcba5c326c91068",
    "67cbf349d6b4e4caf430a96751ca532214414c2f8c9f7c567abbc3e52f2df391",
};

static const uint8_t vector_seed[32] = {
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
};

static const char vector_vkey[] =
    "stint.example/lab+5a1ed5d3+AddamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";

static const char vector_note[] =
    "stint.example/lab\n5\nh9UMXqS06cZqY1DcnPgMhWQabcLU6G++7tynUvpM20w=\n\n"
    "\xe2\x80\x94 stint.example/lab "
    "Wh7V04RzOYB0MW9/88IIANc/BjDjzpdsOie4IfsSebPdUNLrvP2ju7T9LswtEIjS7kiO9jOthzFHy8D43QbQ0OqaxgY="
    "\n";

#endif
