/*
 * Attention as a numerical library has it: S = Q·Kᵀ and O = P·V by the sgemm of
 * OpenBLAS, for 256 queries of a head at a time, and the softmax between them. A
 * peer to hold kernels against, though not equivalent on every input: what a causal
 * mask hides has a weight of 0 in the product, so a NaN or an infinity in it comes
 * out, and attnbench verify says so.
 *
 *     cc -O3 -march=native -fopenmp -shared -fPIC -o libopenblas-attention.so openblas.c -lopenblas -lm
 *
 * Debian has it in libopenblas-dev. It keeps to one thread, and OpenMP to as many as
 * are asked for. Where OPENBLAS_CORETYPE is set it is not the fastest.
 */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include "attnbench.h"

/* Of cblas.h. */
enum { ROW_MAJOR = 101, PLAIN = 111, TRANSPOSED = 112 };
void cblas_sgemm(int order, int transA, int transB, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                 float beta, float *c, int ldc);
void openblas_set_num_threads(int n);

enum { ROWS = 256 };

typedef struct {
    const attnbench_problem *p;
    const attnbench_operands *x;
    int64_t threads;
    float *scores; /* [threads, ROWS, kv_len] */
} plan;

static int supports(const attnbench_problem *p, char *why, size_t size) {
    const char *missing = NULL;
    if (p->dtype != ATTNBENCH_FLOAT32 || p->kv_dtype != ATTNBENCH_FLOAT32) missing = "float32 only";
    if (p->page_size) missing = "no pages";
    if (p->softcap != 0 || p->alibi || p->sink_logits) missing = "no soft cap, ALiBi or sink logits";
    if (p->window_left >= 0 || p->window_right >= 0 || p->sinks || p->key_lens || p->packed || p->block_size)
        missing = "full and causal masks only";
    return missing ? attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, missing) : ATTNBENCH_OK;
}

static int make(const attnbench_problem *p, int64_t threads, void **out, char *why, size_t size) {
    plan *pl = *out = calloc(1, sizeof *pl);
    if (pl) pl->scores = malloc((size_t)(threads * ROWS * p->kv_len) * sizeof(float));
    if (!pl || !pl->scores) {
        free(pl);
        return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "out of memory");
    }
    pl->p = p;
    pl->threads = threads;
    openblas_set_num_threads(1);
    return ATTNBENCH_OK;
}

static int bind(void *v, const attnbench_operands *x, char *why, size_t size) {
    (void)why, (void)size;
    ((plan *)v)->x = x;
    return ATTNBENCH_OK;
}

/* exp of x ≤ 0 in a form that compilers make vectors of. */
static inline float exp_down(float x) {
    union { int32_t bits; float value; } power;
    x = x < -87.0f ? -87.0f : x; /* and a NaN stays one */
    float n = rintf(x * 1.44269504f), r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
    power.bits = ((int32_t)n + 127) << 23;
    return power.value * (1 + r + r * r * (0.5f + r * (1.66666667e-1f + r * (4.16666667e-2f + r * (8.33333333e-3f + r * 1.38888889e-3f)))));
}

static float *row(const attnbench_tensor *t, int64_t b, int64_t h, int64_t i) { return (float *)t->data + attnbench_offset(t, b, h, i); }

/* The rows i0 ≤ i < i0+rows of a head, and the first n keys, which the last sees. */
static void block(const plan *pl, float *s, int64_t b, int64_t h, int64_t i0, int64_t rows) {
    const attnbench_problem *p = pl->p;
    const attnbench_operands *x = pl->x;
    int64_t g = h * p->kv_heads / p->heads, D = p->head_dim, before = p->kv_len - p->q_len + 1;
    int64_t n = p->causal ? i0 + rows - 1 + before : p->kv_len;
    if (n > 0)
        cblas_sgemm(ROW_MAJOR, PLAIN, TRANSPOSED, (int)rows, (int)n, (int)D, (float)p->scale, row(x->q, b, h, i0), (int)x->q->row_stride,
                    row(x->k, b, g, 0), (int)x->k->row_stride, 0, s, (int)p->kv_len);
    for (int64_t r = 0; r < rows; r++) {
        int64_t seen = p->causal ? i0 + r + before : p->kv_len;
        float *w = s + r * p->kv_len, max = -INFINITY, sum = 0;
#pragma omp simd reduction(max : max)
        for (int64_t j = 0; j < seen; j++) max = w[j] > max ? w[j] : max;
#pragma omp simd reduction(+ : sum)
        for (int64_t j = 0; j < seen; j++) sum += w[j] = exp_down(w[j] - max);
        for (int64_t j = 0; j < seen; j++) w[j] *= 1 / sum;
        for (int64_t j = seen < 0 ? 0 : seen; j < n; j++) w[j] = 0;
        if (x->lse) x->lse[(b * p->heads + h) * p->q_len + i0 + r] = seen > 0 ? max + logf(sum) : -INFINITY;
    }
    if (n > 0)
        cblas_sgemm(ROW_MAJOR, PLAIN, PLAIN, (int)rows, (int)D, (int)n, 1, s, (int)p->kv_len, row(x->v, b, g, 0), (int)x->v->row_stride, 0,
                    row(x->o, b, h, i0), (int)x->o->row_stride);
    for (int64_t r = 0; n <= 0 && r < rows; r++)
        for (int64_t d = 0; d < D; d++) row(x->o, b, h, i0 + r)[d] = 0;
}

static int run(void *v, char *why, size_t size) {
    const plan *pl = v;
    const attnbench_problem *p = pl->p;
    int64_t blocks = (p->q_len + ROWS - 1) / ROWS, heads = p->batch * p->heads;
    (void)why, (void)size;
#pragma omp parallel for num_threads(pl->threads) schedule(dynamic)
    for (int64_t item = 0; item < heads * blocks; item++) {
        int64_t head = item % heads, i0 = (blocks - 1 - item / heads) * ROWS; /* the longest first */
        block(pl, pl->scores + omp_get_thread_num() * ROWS * p->kv_len, head / p->heads, head % p->heads, i0,
              p->q_len - i0 < ROWS ? p->q_len - i0 : ROWS);
    }
    return ATTNBENCH_OK;
}

static int64_t workspace(void *v) { return ((plan *)v)->threads * ROWS * ((plan *)v)->p->kv_len * (int64_t)sizeof(float); }

static void release(void *v) {
    free(((plan *)v)->scores);
    free(v);
}

static const attnbench_kernel kernel = {
    .size = sizeof kernel,
    .name = "openblas",
    .description = "sgemm of OpenBLAS over 256 queries, softmax between",
    .supports = supports,
    .plan = make,
    .bind = bind,
    .run = run,
    .close = release,
    .workspace = workspace,
};

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) {
    static const attnbench_kernel *const all[] = {&kernel, NULL};
    return abi == ATTNBENCH_ABI ? all : NULL;
}
