/* Why a job does not run: INTERFACE §5's stable tokens, one table. A token is never translated and
 * never renamed. */
#ifndef STINT_REASON_H
#define STINT_REASON_H

#include <stdint.h>

/* The order is the order of headlines: the first class that applies wins (users.md §2.3). */
#define STINT_REASON_CLASSES(X)                                                                    \
    X(STINT_CLASS_NEVER, "never")                                                                  \
    X(STINT_CLASS_REFUSED, "refused")                                                              \
    X(STINT_CLASS_NEW, "new")                                                                      \
    X(STINT_CLASS_BLOCKED, "blocked")                                                              \
    X(STINT_CLASS_LIMITED, "limited")                                                              \
    X(STINT_CLASS_WAITING, "waiting")

enum stint_reason_class {
    STINT_CLASS_NONE = 0,
#define X(name, wire) name,
    STINT_REASON_CLASSES(X)
#undef X
        STINT_REASON_CLASS_COUNT
};

/* token, class. Within a class the order is the order of headlines. */
#define STINT_REASONS(X)                                                                           \
    X(NoSuchResource, STINT_CLASS_NEVER)                                                           \
    X(ExceedsMachine, STINT_CLASS_NEVER)                                                           \
    X(ExceedsMaxWalltime, STINT_CLASS_NEVER)                                                       \
    X(ArtifactMissing, STINT_CLASS_REFUSED)                                                        \
    X(ArtifactChanged, STINT_CLASS_REFUSED)                                                        \
    X(EvaluationFailed, STINT_CLASS_REFUSED)                                                       \
    X(PolicyForbids, STINT_CLASS_REFUSED)                                                          \
    X(ModelNotOpen, STINT_CLASS_REFUSED)                                                           \
    X(DataNotOpen, STINT_CLASS_REFUSED)                                                            \
    X(CodeNotOpen, STINT_CLASS_REFUSED)                                                            \
    X(LicenceUnknown, STINT_CLASS_REFUSED)                                                         \
    X(EvidenceMissing, STINT_CLASS_REFUSED)                                                        \
    X(NotEvaluatedYet, STINT_CLASS_NEW)                                                            \
    X(NotReviewedYet, STINT_CLASS_NEW)                                                             \
    X(ProjectSuspended, STINT_CLASS_BLOCKED)                                                       \
    X(UserSuspended, STINT_CLASS_BLOCKED)                                                          \
    X(HeldByAdmin, STINT_CLASS_BLOCKED)                                                            \
    X(HeldByUser, STINT_CLASS_BLOCKED)                                                             \
    X(DependencyFailed, STINT_CLASS_BLOCKED)                                                       \
    X(DependencyWaiting, STINT_CLASS_BLOCKED)                                                      \
    X(BeforeBeginTime, STINT_CLASS_BLOCKED)                                                        \
    X(NoAward, STINT_CLASS_BLOCKED)                                                                \
    X(AwardExpired, STINT_CLASS_BLOCKED)                                                           \
    X(AwardNotStarted, STINT_CLASS_BLOCKED)                                                        \
    X(BalanceExhausted, STINT_CLASS_BLOCKED)                                                       \
    X(BalanceHeld, STINT_CLASS_BLOCKED)                                                            \
    X(SiteGpuLimit, STINT_CLASS_LIMITED)                                                           \
    X(SiteCoreLimit, STINT_CLASS_LIMITED)                                                          \
    X(SiteMemoryLimit, STINT_CLASS_LIMITED)                                                        \
    X(SiteJobLimit, STINT_CLASS_LIMITED)                                                           \
    X(InstitutionGpuLimit, STINT_CLASS_LIMITED)                                                    \
    X(InstitutionCoreLimit, STINT_CLASS_LIMITED)                                                   \
    X(InstitutionMemoryLimit, STINT_CLASS_LIMITED)                                                 \
    X(InstitutionJobLimit, STINT_CLASS_LIMITED)                                                    \
    X(ProjectGpuLimit, STINT_CLASS_LIMITED)                                                        \
    X(ProjectCoreLimit, STINT_CLASS_LIMITED)                                                       \
    X(ProjectMemoryLimit, STINT_CLASS_LIMITED)                                                     \
    X(ProjectJobLimit, STINT_CLASS_LIMITED)                                                        \
    X(UserGpuLimit, STINT_CLASS_LIMITED)                                                           \
    X(UserCoreLimit, STINT_CLASS_LIMITED)                                                          \
    X(UserMemoryLimit, STINT_CLASS_LIMITED)                                                        \
    X(UserJobLimit, STINT_CLASS_LIMITED)                                                           \
    X(PeriodLimit, STINT_CLASS_LIMITED)                                                            \
    X(ArrayLimit, STINT_CLASS_LIMITED)                                                             \
    X(EngineAway, STINT_CLASS_WAITING)                                                             \
    X(NodeDown, STINT_CLASS_WAITING)                                                               \
    X(NodeDraining, STINT_CLASS_WAITING)                                                           \
    X(Preempting, STINT_CLASS_WAITING)                                                             \
    X(Fragmented, STINT_CLASS_WAITING)                                                             \
    X(Reserved, STINT_CLASS_WAITING)                                                               \
    X(Capacity, STINT_CLASS_WAITING)                                                               \
    X(Priority, STINT_CLASS_WAITING)

enum stint_reason_code {
    STINT_REASON_NONE = 0,
#define X(token, cls) STINT_REASON_##token,
    STINT_REASONS(X)
#undef X
        STINT_REASON_COUNT
};

/* "ProjectGpuLimit"; "" for STINT_REASON_NONE. */
static inline __attribute__((unused)) const char *stint_reason_name(enum stint_reason_code code)
{
    static const char *const names[] = { "",
#define X(token, cls) #token,
                                         STINT_REASONS(X)
#undef X
    };
    return (unsigned)code < STINT_REASON_COUNT ? names[code] : "";
}

static inline __attribute__((unused)) enum stint_reason_class stint_reason_class(
    enum stint_reason_code code)
{
    static const unsigned char classes[] = { STINT_CLASS_NONE,
#define X(token, cls) cls,
                                             STINT_REASONS(X)
#undef X
    };
    return (enum stint_reason_class)((unsigned)code < STINT_REASON_COUNT ? classes[code] : 0);
}

static inline __attribute__((unused)) const char *stint_reason_class_name(enum stint_reason_class c)
{
    static const char *const names[] = { "",
#define X(name, wire) wire,
                                         STINT_REASON_CLASSES(X)
#undef X
    };
    return (unsigned)c < STINT_REASON_CLASS_COUNT ? names[c] : "";
}

/**
 * struct stint_reason - one true statement of why a job waits, with its figures
 * @code: the token; STINT_REASON_NONE when nothing stands in the way
 * @asked: what the job asks of the named thing (GPUs in thousandths, cores, bytes, jobs, millionths
 * of a unit), 0 if it does not apply
 * @used: how much of it is taken or held now
 * @held: of @used, what running jobs hold of a budget or a period's hours and may give back
 * @kept: of Capacity, cores that are free and kept for GPUs that are free
 * @limit: the ceiling, or the size of the machine; 0 if it does not apply
 * @until_ms: wall clock (ms since the epoch) at which it is known to end, 0 if unknown
 * @account: index of the account (limit owner) in the core that judged, UINT32_MAX if it does not
 * apply
 * @reservation: of Reserved, the operator's reservation that is in the way, as the core was told
 * its number; 0 when it is room that was promised to another job
 * @what: which limit of that account: enum stint_limit of stint/scheduler.h plus 1; of a reason of
 * class waiting, which thing is short: STINT_LIMIT_GPU_MILLI, _CORES or _MEMORY, plus 1; 0 if it
 * does not apply
 */
struct stint_reason {
    enum stint_reason_code code;
    uint32_t account;
    uint32_t reservation;
    int64_t asked;
    int64_t used;
    int64_t limit;
    int64_t until_ms;
    uint32_t what;
    int64_t held;
    int64_t kept;
};

#endif
