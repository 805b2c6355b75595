/*
 * Attention by the matrix products of OpenBLAS, as a kernel of attnbench: for
 * blocks of 256 queries, S = Q·Kᵀ, softmax, O = P·V. See docs/peers.md.
 */
#include "attnbench.h"

#include <cblas.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

enum { BLOCK = 256 };

void openblas_set_num_threads(int threads);

typedef struct {
    attnbench_problem p;
    attnbench_tensor q, k, v, o;
    float *lse;
    int threads;
    int64_t stride; /* between rows of S */
    float *s;       /* [threads, BLOCK, stride] */
} plan;

static int supports(const attnbench_problem *p, char *why, size_t size) {
    const char *missing = NULL;
    if (p->dtype != ATTNBENCH_FLOAT32 || p->kv_dtype != ATTNBENCH_FLOAT32 || p->page_size) missing = "only float32, not paged";
    if (p->softcap != 0 || p->alibi || p->sink_logits) missing = "no softcap, ALiBi or sink logits";
    if (p->window_left >= 0 || p->window_right >= 0 || p->sinks || p->key_lens || p->packed > 1 || p->block_size) missing = "only full and causal";
    return missing ? attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, missing) : ATTNBENCH_OK;
}

static int64_t workspace(void *x) {
    const plan *pl = x;
    return pl->threads * BLOCK * pl->stride * (int64_t)sizeof(float);
}

static void release(void *x) {
    free(((plan *)x)->s);
    free(x);
}

static int new_plan(const attnbench_problem *p, int64_t threads, void **out, char *why, size_t size) {
    plan *pl = calloc(1, sizeof *pl);
    if (pl == NULL) return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no memory");
    openblas_set_num_threads(1); /* blocks are what runs in parallel */
    pl->p = *p;
    pl->threads = (int)threads;
    pl->stride = (p->kv_len + 15) / 16 * 16;
    pl->s = aligned_alloc(64, workspace(pl));
    if (pl->s == NULL) {
        release(pl);
        return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no memory");
    }
    *out = pl;
    return ATTNBENCH_OK;
}

static int bind(void *x, const attnbench_operands *operands, char *why, size_t size) {
    plan *pl = x;
    (void)why, (void)size;
    pl->q = *operands->q;
    pl->k = *operands->k;
    pl->v = *operands->v;
    pl->o = *operands->o;
    pl->lse = operands->lse;
    return ATTNBENCH_OK;
}

/* e^x for x ≤ 0: 2^n times a polynomial of the rest, in a form that compilers make vectors of. */
static inline float exponential(float x) {
    union {
        int32_t i;
        float f;
    } power;
    x *= 1.44269504f;
    if (x < -126) x = -126;
    float n = rintf(x), f = x - n;
    power.i = ((int32_t)n + 127) << 23;
    return power.f * (1 + f * (0.6931472f + f * (0.2402265f + f * (0.05550411f + f * (0.009618129f + f * (0.001333356f + f * 0.000154035f))))));
}

/* Turns a row of n scores, of which the first seen count, into weights, and
 * returns their sum. */
static float softmax(float *s, int64_t seen, int64_t n, float *most) {
    float m = -INFINITY, sum = 0;
    for (int64_t j = 0; j < seen; j++) m = s[j] > m ? s[j] : m;
    for (int64_t j = 0; j < seen; j++) {
        s[j] = exponential(s[j] - m);
        sum += s[j];
    }
    for (int64_t j = seen; j < n; j++) s[j] = 0;
    *most = m;
    return sum;
}

static int64_t clamp(int64_t x, int64_t most) { return x < 0 ? 0 : x > most ? most : x; }

static float *row(const attnbench_tensor *t, int64_t b, int64_t h, int64_t i) { return (float *)t->data + attnbench_offset(t, b, h, i); }

static void block(plan *pl, int64_t b, int64_t h, int64_t first) {
    const attnbench_problem *p = &pl->p;
    const int64_t g = h * p->kv_heads / p->heads, n = clamp(p->q_len - first, BLOCK), position = first + p->kv_len - p->q_len;
    const int64_t keys = p->causal ? clamp(position + n, p->kv_len) : p->kv_len;
    float *s = pl->s + omp_get_thread_num() * BLOCK * pl->stride, *o = row(&pl->o, b, h, first), inverse[BLOCK];
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, keys, p->head_dim, (float)p->scale, row(&pl->q, b, h, first), pl->q.row_stride,
                row(&pl->k, b, g, 0), pl->k.row_stride, 0, s, pl->stride);
    for (int64_t i = 0; i < n; i++) {
        int64_t seen = p->causal ? clamp(position + i + 1, keys) : keys;
        float most, sum = softmax(s + i * pl->stride, seen, keys, &most);
        inverse[i] = seen > 0 ? 1 / sum : 0;
        if (pl->lse) pl->lse[(b * p->heads + h) * p->q_len + first + i] = seen > 0 ? most + logf(sum) : -INFINITY;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, n, p->head_dim, keys, 1, s, pl->stride, row(&pl->v, b, g, 0), pl->v.row_stride, 0, o,
                pl->o.row_stride);
    for (int64_t i = 0; i < n; i++)
        for (int64_t d = 0; d < p->head_dim; d++) o[i * pl->o.row_stride + d] *= inverse[i];
}

static int run(void *x, char *why, size_t size) {
    plan *pl = x;
    (void)why, (void)size;
    const int64_t heads = pl->p.batch * pl->p.heads, blocks = (pl->p.q_len + BLOCK - 1) / BLOCK;
#pragma omp parallel for schedule(dynamic, 1) num_threads(pl->threads)
    for (int64_t i = 0; i < heads * blocks; i++) /* the last block of queries first: under a causal mask it has most to do */
        block(pl, i % heads / pl->p.heads, i % pl->p.heads, (blocks - 1 - i / heads) * BLOCK);
    return ATTNBENCH_OK;
}

static const attnbench_kernel kernel = {
    .size = sizeof kernel,
    .name = "openblas",
    .description = "OpenBLAS's sgemm on blocks of 256 queries, softmax between",
    .supports = supports,
    .plan = new_plan,
    .bind = bind,
    .run = run,
    .close = release,
    .workspace = workspace,
};

static const attnbench_kernel *const kernels[] = {&kernel, NULL};

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) { return abi == ATTNBENCH_ABI ? kernels : NULL; }
