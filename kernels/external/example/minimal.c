/* The smallest kernel that does every mask: two passes over what a query sees, on
 * one thread. cc -O2 -shared -fPIC -o libminimal.so minimal.c -lm */
#include <math.h>
#include <stdlib.h>
#include "attnbench.h"

typedef struct { const attnbench_problem *p; const attnbench_operands *x; } plan;

static int supports(const attnbench_problem *p, char *why, size_t size) {
    if (p->dtype != ATTNBENCH_FLOAT32 || p->kv_dtype != ATTNBENCH_FLOAT32) return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "float32 only");
    if (p->softcap || p->alibi || p->sink_logits) return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no soft cap, ALiBi or sink logits");
    return ATTNBENCH_OK;
}

static int make(const attnbench_problem *p, int64_t threads, void **out, char *why, size_t size) {
    plan *pl = *out = calloc(1, sizeof *pl);
    if (!pl) return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "out of memory");
    pl->p = p;
    return (void)threads, ATTNBENCH_OK;
}

static int bind(void *v, const attnbench_operands *x, char *why, size_t size) {
    ((plan *)v)->x = x;
    return (void)why, (void)size, ATTNBENCH_OK;
}

static float *row(const attnbench_tensor *t, int64_t b, int64_t h, int64_t i) { return (float *)t->data + attnbench_offset(t, b, h, i); }
static int run(void *v, char *why, size_t size) {
    const attnbench_problem *p = ((plan *)v)->p;
    const attnbench_operands *x = ((plan *)v)->x;
    for (int64_t at = 0; at < p->batch * p->heads * p->q_len; at++) {
        int64_t b = at / p->q_len / p->heads, h = at / p->q_len % p->heads, i = at % p->q_len, g = h * p->kv_heads / p->heads, n;
        const attnbench_interval *seen = attnbench_visible(p, b, i, &n);
        float max = -INFINITY, sum = 0, *q = row(x->q, b, h, i), *o = row(x->o, b, h, i);
        for (int64_t d = 0; d < p->head_dim; d++) o[d] = 0;
        for (int pass = 0; pass < 2; pass++)
            for (int64_t s = 0; s < n; s++)
                for (int64_t j = seen[s].lo; j < seen[s].hi; j++) {
                    float dot = 0, *k = row(x->k, b, g, j), *v = row(x->v, b, g, j);
                    for (int64_t d = 0; d < p->head_dim; d++) dot += q[d] * k[d];
                    float logit = (float)p->scale * dot, w = expf(logit - max);
                    if (pass == 0) max = fmaxf(max, logit);
                    for (int64_t d = 0; pass == 1 && d < p->head_dim; d++) o[d] += w * v[d];
                    if (pass == 1) sum += w;
                }
        for (int64_t d = 0; n > 0 && d < p->head_dim; d++) o[d] /= sum;
        if (x->lse) x->lse[at] = max + logf(sum);
    }
    return (void)why, (void)size, ATTNBENCH_OK;
}

static const attnbench_kernel kernel = {
    .size = sizeof kernel, .name = "minimal", .description = "two passes over what a query sees", .flags = ATTNBENCH_ROWS,
    .supports = supports, .plan = make, .bind = bind, .run = run, .close = free,
};

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) {
    static const attnbench_kernel *const all[] = {&kernel, NULL};
    return abi == ATTNBENCH_ABI ? all : NULL;
}
