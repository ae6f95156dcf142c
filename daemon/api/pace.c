/* Owns: how often one caller may ask over TCP, and how often a token may be wrong. Only the clock
 * of the loop is read. A token has 256 random bits, so that nobody finds one by trying; the bound
 * is for the work of looking, and so that the operator hears of it. */
#include "api_private.h"

#include "stint/log.h"

#define TOLD_EVERY_MS 60000

bool pace_take(struct pace *pace, uint64_t per_s, uint64_t at_once, uint64_t now_ms)
{
    uint64_t full = at_once * 1000;
    uint64_t passed_ms = now_ms - pace->at_ms;
    if (pace->at_ms == 0 || passed_ms >= full / per_s)
        pace->milli = full;
    else if (full - pace->milli <= passed_ms * per_s)
        pace->milli = full;
    else
        pace->milli += passed_ms * per_s;
    pace->at_ms = now_ms;
    if (pace->milli < 1000)
        return false;
    pace->milli -= 1000;
    return true;
}

static size_t place_of(uid_t uid)
{
    return uid == (uid_t)-1 ? PACE_PLACES : uid % PACE_PLACES;
}

int pace_ask(struct stint_api *api, uid_t uid, struct stint_error *err)
{
    uint64_t per_s = (uint64_t)api->config->requests_per_s;
    uint64_t now_ms = uv_now(api->options.loop) + 1; /* 0 is never */
    if (per_s == 0 || pace_take(&api->paces.asked[place_of(uid)], per_s, per_s, now_ms))
        return 0;
    (void)stint_fail(err, STINT_TOO_OFTEN, "%s more than %llu requests in a second",
                     uid == (uid_t)-1 ? "all who have no token sent together" : "your tokens sent",
                     (unsigned long long)per_s);
    return stint_fix(err, STINT_TOO_OFTEN, "wait a second; %s",
                     uid == (uid_t)-1 ? "a token or the Unix socket has its own measure"
                                      : "the operator's bound is requests_per_s in stint.conf");
}

int pace_wrong_token(struct stint_api *api, uid_t peer, struct stint_error *err)
{
    struct paces *paces = &api->paces;
    uint64_t now_ms = uv_now(api->options.loop) + 1;
    if (pace_take(&paces->wrong[place_of(peer)], PACE_WRONG_PER_S, PACE_WRONG_AT_ONCE, now_ms))
        return err->code;
    if (paces->told_ms == 0 || now_ms - paces->told_ms >= TOLD_EVERY_MS) {
        paces->told_ms = now_ms;
        stint_log(STINT_LOG_WARNING, "wrong-tokens", "from=%s uid=%lld cure=\"%s\"",
                  peer == (uid_t)-1 ? "tcp" : "socket", peer == (uid_t)-1 ? -1LL : (long long)peer,
                  "somebody tries tokens that are none; see who connects, or at the proxy's log");
    }
    (void)stint_fail(err, STINT_TOO_OFTEN,
                     "too many tokens that are not known here came from there");
    return stint_fix(err, STINT_TOO_OFTEN, "one a second is looked at; a good one always is");
}
