/* The smallest kernel that does every mask: two passes over what a query sees,
 * one thread, float32. cc -O2 -shared -fPIC -o libminimal.so minimal.c -lm */
#include <math.h>
#include <stdlib.h>
#include "attnbench.h"

typedef struct { const attnbench_problem *p; const attnbench_operands *x; } plan;

static int supports(const attnbench_problem *p, char *why, size_t size) {
    if (p->dtype != ATTNBENCH_FLOAT32 || p->kv_dtype != ATTNBENCH_FLOAT32)
        return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "float32 only");
    if (p->softcap != 0 || p->alibi || p->sink_logits)
        return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no soft cap, ALiBi or sink logits");
    return ATTNBENCH_OK;
}

static int make(const attnbench_problem *p, int64_t threads, void **out, char *why, size_t size) {
    plan *pl = calloc(1, sizeof *pl);
    if (!pl) return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "out of memory");
    (void)threads;
    pl->p = p;
    *out = pl;
    return ATTNBENCH_OK;
}

static int bind(void *v, const attnbench_operands *x, char *why, size_t size) {
    (void)why, (void)size;
    ((plan *)v)->x = x;
    return ATTNBENCH_OK;
}

static const float *at(const attnbench_tensor *t, int64_t b, int64_t h, int64_t i) { return (const float *)t->data + attnbench_offset(t, b, h, i); }

static float logit(const plan *pl, int64_t b, int64_t h, int64_t i, int64_t j) {
    const attnbench_problem *p = pl->p;
    const float *q = at(pl->x->q, b, h, i), *k = at(pl->x->k, b, h * p->kv_heads / p->heads, j);
    float dot = 0;
    for (int64_t d = 0; d < p->head_dim; d++) dot += q[d] * k[d];
    return (float)p->scale * dot;
}

static void row(const plan *pl, int64_t b, int64_t h, int64_t i) {
    const attnbench_problem *p = pl->p;
    int64_t n, D = p->head_dim;
    const attnbench_interval *seen = attnbench_visible(p, b, i, &n);
    float max = -INFINITY, sum = 0, *o = (float *)at(pl->x->o, b, h, i);
    for (int64_t s = 0; s < n; s++)
        for (int64_t j = seen[s].lo; j < seen[s].hi; j++) max = fmaxf(max, logit(pl, b, h, i, j));
    for (int64_t d = 0; d < D; d++) o[d] = 0;
    for (int64_t s = 0; s < n; s++)
        for (int64_t j = seen[s].lo; j < seen[s].hi; j++) {
            const float *v = at(pl->x->v, b, h * p->kv_heads / p->heads, j);
            float w = expf(logit(pl, b, h, i, j) - max);
            sum += w;
            for (int64_t d = 0; d < D; d++) o[d] += w * v[d];
        }
    for (int64_t d = 0; n > 0 && d < D; d++) o[d] /= sum;
    if (pl->x->lse) pl->x->lse[(b * p->heads + h) * p->q_len + i] = max + logf(sum);
}

static int run(void *v, char *why, size_t size) {
    const plan *pl = v;
    (void)why, (void)size;
    for (int64_t b = 0; b < pl->p->batch; b++)
        for (int64_t h = 0; h < pl->p->heads; h++)
            for (int64_t i = 0; i < pl->p->q_len; i++) row(pl, b, h, i);
    return ATTNBENCH_OK;
}

static const attnbench_kernel kernel = {
    .size = sizeof kernel, .name = "minimal", .description = "two passes over what a query sees", .flags = ATTNBENCH_ROWS,
    .supports = supports, .plan = make, .bind = bind, .run = run, .close = free,
};

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) {
    static const attnbench_kernel *const all[] = {&kernel, NULL};
    return abi == ATTNBENCH_ABI ? all : NULL;
}
