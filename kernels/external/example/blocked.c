/*
 * Online softmax (arXiv:1805.02867) over tiles of keys, for a block of queries at
 * a time (FlashAttention-2, arXiv:2307.08691), in plain C: the compiler makes the
 * vectors. Every mask, element type and option; float16 where the compiler has it.
 *
 *     cc -O3 -march=native -fopenmp -shared -fPIC -o libblocked.so blocked.c -lm
 *
 * -DFAULT=1 and so on make it wrong, each in one way: a check that does not find
 * it is none.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include "attnbench.h"

#ifndef FAULT
#define FAULT 0
#endif
enum {
    MASK_OFF_BY_ONE = 1, /* the last key that a query sees is hidden from it */
    SCALE_MISSING,
    LAST_ROW_DROPPED,
    BESIDE_OUTPUT, /* a zero behind every row of O, which with some layouts is a gap */
    NOT_RESCALED,  /* sums keep the maximum of the first tile */
    LSE_OF_BASE_2,
    WEIGHTS_OF_ZERO, /* what is hidden from a query is multiplied by 0 */
    BOUND_TOO_EARLY, /* Q is read when it is bound */
    NEIGHBOURS_HEAD, /* K of the head beside, where there are several */
    BY_THREADS       /* the number of threads is in the result */
};

enum { ROWS = 16, KEYS = 64, WIDTH = 256 };

/* What a thread works with. */
typedef struct {
    float q[ROWS][WIDTH], acc[ROWS][WIDTH];
    float k[WIDTH][KEYS]; /* by columns */
    float v[KEYS][WIDTH];
    float s[ROWS][KEYS];
    float max[ROWS], sum[ROWS];
} scratch;

typedef struct {
    const attnbench_problem *p;
    const attnbench_operands *x;
    int64_t threads;
    scratch *scratch; /* [threads] */
    float early;
} plan;

static float widen_bfloat16(uint16_t half) {
    uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint16_t narrow_bfloat16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    if (x != x) return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* Reads a row, widened. */
static void load(float *dst, const attnbench_tensor *t, int64_t b, int64_t h, int64_t i) {
    int64_t at = attnbench_offset(t, b, h, i), n = t->dim;
    switch (t->dtype) {
    case ATTNBENCH_FLOAT32: memcpy(dst, (const float *)t->data + at, (size_t)n * sizeof *dst); break;
    case ATTNBENCH_BFLOAT16:
        for (int64_t d = 0; d < n; d++) dst[d] = widen_bfloat16(((const uint16_t *)t->data)[at + d]);
        break;
    case ATTNBENCH_INT8: {
        float scale = attnbench_scale(t, b, h, i);
        for (int64_t d = 0; d < n; d++) dst[d] = scale * ((const int8_t *)t->data)[at + d];
        break;
    }
#ifdef __FLT16_MAX__
    case ATTNBENCH_FLOAT16:
        for (int64_t d = 0; d < n; d++) dst[d] = ((const _Float16 *)t->data)[at + d];
        break;
#endif
    }
}

/* Writes a row, rounded. */
static void store(const float *src, const attnbench_tensor *t, int64_t b, int64_t h, int64_t i) {
    int64_t at = attnbench_offset(t, b, h, i), n = t->dim;
    switch (t->dtype) {
    case ATTNBENCH_FLOAT32:
        memcpy((float *)t->data + at, src, (size_t)n * sizeof *src);
        if (FAULT == BESIDE_OUTPUT && i + 1 < t->len) ((float *)t->data)[at + n] = 0;
        break;
    case ATTNBENCH_BFLOAT16:
        for (int64_t d = 0; d < n; d++) ((uint16_t *)t->data)[at + d] = narrow_bfloat16(src[d]);
        break;
#ifdef __FLT16_MAX__
    case ATTNBENCH_FLOAT16:
        for (int64_t d = 0; d < n; d++) ((_Float16 *)t->data)[at + d] = (_Float16)src[d];
        break;
#endif
    }
}

/* exp(x) for x ≤ 0, and NaN of NaN: 2^n·2^f, f in [−½, ½]. Loops of it vectorise. */
static inline float exp_down(float x) {
    float y = x * 1.44269504f, n = nearbyintf(y < -126.0f ? -126.0f : y);
    float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts */
    float e = 1.98412698e-4f;
    e = e * r + 1.38888889e-3f;
    e = e * r + 8.33333333e-3f;
    e = e * r + 4.16666667e-2f;
    e = e * r + 1.66666667e-1f;
    e = e * r + 0.5f;
    e = e * r * r + r + 1;
    int32_t bits = ((int32_t)n + 127) << 23;
    float power;
    memcpy(&power, &bits, sizeof power);
    return y < -126.0f ? 0 : e * power; /* a comparison with NaN is false */
}

/* One tile of keys j0 ≤ j < j0+n, for the rows i0 ≤ i < i0+rows of a block. */
static void tile(const plan *pl, scratch *w, int64_t b, int64_t h, int64_t i0, int64_t rows, int64_t j0, int64_t n) {
    const attnbench_problem *p = pl->p;
    int64_t D = p->head_dim, head = h * p->kv_heads / p->heads;
    int64_t khead = FAULT == NEIGHBOURS_HEAD ? (head + 1) % p->kv_heads : head;
    char seen[KEYS] = {0};
    for (int64_t r = 0; r < rows; r++) {
        int64_t count;
        const attnbench_interval *list = attnbench_visible(p, b, i0 + r, &count);
        for (int64_t c = 0; c < count; c++)
            for (int64_t j = list[c].lo < j0 ? j0 : list[c].lo; j < list[c].hi && j < j0 + n; j++) seen[j - j0] = 1;
    }
    for (int64_t j = 0; j < KEYS; j++) {
        float k[WIDTH] = {0};
        if (j < n && seen[j]) { /* the others may hold anything */
            load(k, pl->x->k, b, khead, j0 + j);
            load(w->v[j], pl->x->v, b, head, j0 + j);
        }
        for (int64_t d = 0; d < D; d++) w->k[d][j] = k[d];
    }
    for (int64_t r = 0; r < rows; r++) {
        float *restrict s = w->s[r], *restrict acc = w->acc[r];
        int64_t count;
        const attnbench_interval *list = attnbench_visible(p, b, i0 + r, &count);
        memset(s, 0, KEYS * sizeof *s);
        for (int64_t d = 0; d < D; d++) {
            float q = w->q[r][d];
            for (int j = 0; j < KEYS; j++) s[j] += q * w->k[d][j];
        }
        if (p->softcap != 0)
            for (int j = 0; j < KEYS; j++) s[j] = (float)p->softcap * tanhf(s[j] / (float)p->softcap);
        if (p->alibi)
            for (int j = 0; j < KEYS; j++) s[j] -= p->alibi[h] * (float)llabs(p->position[i0 + r] - j0 - j);

        float max = w->max[r], part = 0;
        for (int64_t c = 0; c < count; c++)
            for (int64_t j = list[c].lo < j0 ? j0 : list[c].lo; j < list[c].hi && j < j0 + n; j++)
                if (s[j - j0] > max) max = s[j - j0];
        if (FAULT == NOT_RESCALED && w->max[r] > -INFINITY) max = w->max[r];
        if (w->sum[r] != 0 && max > w->max[r]) {
            float down = exp_down(w->max[r] - max);
            w->sum[r] *= down;
            for (int64_t d = 0; d < D; d++) acc[d] *= down;
        }
        w->max[r] = max;
        float weights[KEYS];
        for (int j = 0; j < KEYS; j++) weights[j] = exp_down(s[j] - max);
        for (int64_t c = 0; c < count; c++) {
            int64_t lo = list[c].lo < j0 ? j0 : list[c].lo, hi = list[c].hi < j0 + n ? list[c].hi : j0 + n;
            if (FAULT == MASK_OFF_BY_ONE && list[c].hi == hi && hi - list[c].lo > 1) hi--;
            for (int64_t j = lo; j < hi; j++) {
                float weight = weights[j - j0];
                const float *restrict v = w->v[j - j0];
                part += weight;
                for (int64_t d = 0; d < D; d++) acc[d] += weight * v[d];
            }
        }
        if (FAULT == WEIGHTS_OF_ZERO)
            for (int64_t j = 0; j < n; j++)
                for (int64_t d = 0; seen[j] && d < D; d++) acc[d] += 0 * w->v[j][d];
        w->sum[r] += part;
    }
}

/* The rows of a block that begins with query i0. */
static void block(const plan *pl, scratch *w, int64_t b, int64_t h, int64_t i0) {
    const attnbench_problem *p = pl->p;
    int64_t rows = p->q_len - i0 < ROWS ? p->q_len - i0 : ROWS, D = p->head_dim;
    float scale = FAULT == SCALE_MISSING ? 1 : (float)p->scale;
    int64_t lo = p->kv_len, hi = 0;
    for (int64_t r = 0; r < rows; r++) {
        int64_t count;
        const attnbench_interval *list = attnbench_visible(p, b, i0 + r, &count);
        if (count > 0 && list[0].lo < lo) lo = list[0].lo;
        if (count > 0 && list[count - 1].hi > hi) hi = list[count - 1].hi;
        load(w->q[r], pl->x->q, b, h, i0 + r);
        for (int64_t d = 0; d < D; d++) w->q[r][d] *= scale;
        memset(w->acc[r], 0, sizeof w->acc[r]);
        w->max[r] = -INFINITY;
        w->sum[r] = 0;
    }
    if (FAULT == BOUND_TOO_EARLY && i0 == 0) w->q[0][0] = pl->early * scale;
    for (int64_t j = lo / KEYS * KEYS; j < hi; j += KEYS)
        tile(pl, w, b, h, i0, rows, j, p->kv_len - j < KEYS ? p->kv_len - j : KEYS);
    for (int64_t r = 0; r < rows; r++) {
        float max = w->max[r], sum = w->sum[r], all = sum, up = 1;
        int64_t count;
        attnbench_visible(p, b, i0 + r, &count);
        if (p->sink_logits && count > 0) {
            float sink = pl->x->sink_logits[h], top = sink > max ? sink : max;
            up = expf(max - top);
            all = sum * up + expf(sink - top);
        }
        for (int64_t d = 0; count > 0 && d < D; d++) w->acc[r][d] = w->acc[r][d] * up / all;
        if (FAULT == LAST_ROW_DROPPED && i0 + r == p->q_len - 1 && p->q_len > 1) continue;
        if (FAULT == BY_THREADS) w->acc[r][0] *= 1 + 1e-7f * (float)pl->threads;
        store(w->acc[r], pl->x->o, b, h, i0 + r);
        float lse = count > 0 ? max + logf(sum) : -INFINITY;
        if (FAULT == LSE_OF_BASE_2) lse *= 1.44269504f;
        if (pl->x->lse) pl->x->lse[(b * p->heads + h) * p->q_len + i0 + r] = lse;
    }
}

static int run(void *v, char *why, size_t size) {
    const plan *pl = v;
    const attnbench_problem *p = pl->p;
    int64_t blocks = (p->q_len + ROWS - 1) / ROWS, items = p->batch * p->heads * blocks;
    (void)why, (void)size;
#pragma omp parallel for num_threads(pl->threads) schedule(dynamic)
    for (int64_t item = 0; item < items; item++) {
        int64_t head = item % (p->batch * p->heads), at = blocks - 1 - item / (p->batch * p->heads); /* the longest first */
#ifdef _OPENMP
        scratch *w = &pl->scratch[omp_get_thread_num()];
#else
        scratch *w = pl->scratch;
#endif
        block(pl, w, head / p->heads, head % p->heads, at * ROWS);
    }
    return ATTNBENCH_OK;
}

static int supports(const attnbench_problem *p, char *why, size_t size) {
#ifndef __FLT16_MAX__
    if (p->dtype == ATTNBENCH_FLOAT16 || p->kv_dtype == ATTNBENCH_FLOAT16)
        return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "the compiler that made it has no float16");
#endif
    (void)p, (void)why, (void)size;
    return ATTNBENCH_OK;
}

static int make(const attnbench_problem *p, int64_t threads, void **out, char *why, size_t size) {
    plan *pl = calloc(1, sizeof *pl);
    if (pl) pl->scratch = calloc((size_t)threads, sizeof *pl->scratch);
    if (!pl || !pl->scratch) {
        free(pl);
        return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "out of memory");
    }
    pl->p = p;
    pl->threads = threads;
    *out = pl;
    return ATTNBENCH_OK;
}

static int bind(void *v, const attnbench_operands *x, char *why, size_t size) {
    plan *pl = v;
    (void)why, (void)size;
    pl->x = x;
    if (x->q->dtype == ATTNBENCH_FLOAT32) pl->early = *(const float *)x->q->data;
    return ATTNBENCH_OK;
}

static int64_t workspace(void *v) { return (int64_t)sizeof(plan) + ((plan *)v)->threads * (int64_t)sizeof(scratch); }

/* What the compiler was allowed to use. */
static const char *isa(void *v) {
    (void)v;
#if defined __AVX512F__
    return "avx512";
#elif defined __AVX2__ && defined __FMA__
    return "avx2";
#else
    return "generic";
#endif
}

static void release(void *v) {
    free(((plan *)v)->scratch);
    free(v);
}

static const attnbench_kernel kernel = {
    .size = sizeof kernel,
    .name = "blocked",
    .description = "online softmax over tiles of keys, plain C",
    .flags = ATTNBENCH_ROWS,
    .supports = supports,
    .plan = make,
    .bind = bind,
    .run = run,
    .close = release,
    .workspace = workspace,
    .isa = isa,
};

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) {
    static const attnbench_kernel *const all[] = {&kernel, NULL};
    return abi == ATTNBENCH_ABI ? all : NULL;
}
