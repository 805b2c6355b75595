/* A library that is wrong in the way that HOW names, or sound where it is SOUND:
 * it then writes zeros. */
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#include "attnbench.h"

enum {
    SOUND,
    OTHER_VERSION, NO_KERNELS, NO_END, BAD_ADDRESS,
    SIZE_SMALL, SIZE_LARGE, LATER_FLAGS,
    NAME_NULL, NAME_EMPTY, NAME_SPACE, NAME_ENDLESS, DESCRIPTION_ENDLESS, TAKEN,
    NO_PLAN, NO_BIND, NO_RUN, NO_CLOSE,
    PLAN_REFUSES, PLAN_FAILS, PLAN_SILENT, REASON_ENDLESS, REASON_RAW,
    WORKSPACE_NEGATIVE, ISA_SPACE, ISA_LACKING, ISA_OTHER,
    BIND_FAILS, RUN_FAILS, FETCH_FAILS, ROUNDING_LEFT,
    ONLY_REQUIRED, TIMED, TIMELESS, WITHOUT_LSE
};

static int closed; /* how often */

static int refuse(const attnbench_problem *p, char *why, size_t size) {
    return p->q_len == 13 ? attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "13 brings bad luck") : ATTNBENCH_OK;
}

static int plan(const attnbench_problem *p, int64_t threads, void **plan, char *why, size_t size) {
    (void)threads;
    switch ((int)HOW) {
    case PLAN_REFUSES: return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no room");
    case PLAN_FAILS: return attnbench_say(ATTNBENCH_ERROR, why, size, "out of order");
    case PLAN_SILENT: return -5;
    case REASON_ENDLESS: memset(why, 'x', size); return ATTNBENCH_ERROR;
    case REASON_RAW: return attnbench_say(ATTNBENCH_ERROR, why, size, "two\nlines \033[31m \xff");
    }
    *plan = (void *)p;
    return ATTNBENCH_OK;
}

static int bind(void *plan, const attnbench_operands *x, char *why, size_t size) {
    (void)plan;
    return HOW == BIND_FAILS && x->lse ? attnbench_say(ATTNBENCH_ERROR, why, size, "tied up") : ATTNBENCH_OK;
}

static int run(void *plan, char *why, size_t size) {
    (void)plan;
    if (HOW == ROUNDING_LEFT) fesetround(FE_UPWARD);
    return HOW == RUN_FAILS ? attnbench_say(ATTNBENCH_ERROR, why, size, "stumbled") : ATTNBENCH_OK;
}

static int fetch(void *plan, char *why, size_t size) {
    (void)plan;
    return HOW == FETCH_FAILS ? attnbench_say(ATTNBENCH_ERROR, why, size, "lost on the way") : ATTNBENCH_OK;
}

static void release(void *plan) {
    (void)plan;
    closed++;
}

static int64_t workspace(void *plan) {
    (void)plan;
    return HOW == WORKSPACE_NEGATIVE ? -1 : 100 + closed;
}

static const char *isa(void *plan) {
    (void)plan;
    return HOW == ISA_SPACE ? "avx 2" : HOW == ISA_LACKING ? LACKING : HOW == ISA_OTHER ? "vax" : "generic";
}

static int64_t elapsed(void *plan) {
    (void)plan;
    return HOW == TIMED ? 1234 : -1;
}

#ifndef WITHOUT_ENTRY
static char endless[1000];

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) {
    static attnbench_kernel k;
    static const attnbench_kernel *all[3000];
    memset(endless, 'e', sizeof endless);
    k = (attnbench_kernel){
        .size = HOW == SIZE_SMALL ? 16 : HOW == SIZE_LARGE ? 1 << 20 : HOW == ONLY_REQUIRED ? offsetof(attnbench_kernel, workspace) : sizeof k,
        .name = HOW == NAME_NULL ? NULL : HOW == NAME_EMPTY ? "" : HOW == NAME_SPACE ? "my kernel" : HOW == NAME_ENDLESS ? endless : HOW == TAKEN ? "flash" : "zeros",
        .description = HOW == DESCRIPTION_ENDLESS ? endless : "zeros \t and\nno more",
        .flags = HOW == LATER_FLAGS ? 12 : HOW == WITHOUT_LSE ? ATTNBENCH_NO_LSE : 0,
        .supports = refuse,
        .plan = HOW == NO_PLAN ? NULL : plan,
        .bind = HOW == NO_BIND ? NULL : bind,
        .run = HOW == NO_RUN ? NULL : run,
        .close = HOW == NO_CLOSE ? NULL : release,
        .workspace = workspace,
        .isa = isa,
        .fetch = fetch,
        .elapsed = HOW == TIMED || HOW == TIMELESS ? elapsed : NULL,
    };
    if (HOW == OTHER_VERSION || abi != ATTNBENCH_ABI) return NULL;
    if (HOW != NO_KERNELS) all[0] = HOW == BAD_ADDRESS ? (const attnbench_kernel *)(uintptr_t)0x123456789000 : &k;
    for (int i = 1; HOW == NO_END && i < 3000; i++) all[i] = &k;
    return all;
}
#endif
