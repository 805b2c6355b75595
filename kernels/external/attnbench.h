/*
 * attnbench.h: the interface between attnbench and an attention kernel in a
 * shared library. C99 and C++; nothing else is needed to build one:
 *
 *     cc -O3 -march=native -shared -fPIC -o libmine.so mine.c
 *     attnbench run --load ./libmine.so --kernel mine,flash
 *
 * A library exports one function, attnbench_kernels, which returns a table of
 * kernels. A kernel makes a plan for a problem; a plan is bound to operands and
 * run. What attnbench asks for, in this order:
 *
 *     supports(problem)                                   any number of times
 *     plan(problem, threads) ─▶ isa, workspace            once
 *         bind(operands) ─▶ run ─▶ run … ─▶ elapsed, fetch     any number of times
 *     close                                               once
 *
 * What is computed, for every batch element b, query head h and query i, with
 * g = h·kv_heads/heads the head of K and V, over the keys j that i may see:
 *
 *     S[j] = scale · Q[b,h,i]·K[b,g,j]
 *     S[j] = softcap · tanh(S[j]/softcap)          where softcap is not 0
 *     S[j] = S[j] − alibi[h]·|position(i) − j|     where alibi is not NULL
 *     O[b,h,i]   = Σ exp(S[j])·V[b,g,j] / (Σ exp(S[j]) + exp(sink_logits[h]))
 *     lse[b,h,i] = ln Σ exp(S[j])
 *
 * where exp(sink_logits[h]) is 0 without sink logits. Sums are accumulated in
 * float32 or better. And:
 *
 *   - Causal is aligned at the end: query i is at position i + kv_len − q_len on
 *     the key axis, and sees no key behind it.
 *   - A row that sees no key has O = 0 and lse = −infinity.
 *   - A key or value that no query of a row may see never enters its arithmetic:
 *     a NaN in it changes nothing. (So a weight of 0 is no mask: 0·NaN is NaN.)
 *     A NaN or infinity that is seen comes out as IEEE arithmetic has it.
 *   - Neither the number of threads nor what else is in the batch changes a
 *     result by a bit.
 *   - A kernel never computes something else than what it was asked for. What it
 *     does not do, it says in supports.
 *
 * attnbench verify holds a kernel to all of this.
 *
 * Threads. A library makes its own, as many as plan says, the caller's among
 * them; run returns when all work is done. Calls for one plan come one at a time;
 * several plans may exist, and supports may be called at any time. A call may
 * come from another thread than the one before. Threads that attnbench makes
 * have little stack on some systems: keep large arrays on the heap.
 *
 * Calls return ATTNBENCH_OK, or say why not in the text of size bytes that they
 * are given. They must not end the process, raise a C++ exception out of the
 * library, write to standard output (that is where records go), or leave the
 * thread's floating-point modes changed (rounding, flushing of denormals).
 *
 * All pointers are aligned as their types want it and no more. Every structure
 * begins with its size, so that fields can be added at its end: what a size does
 * not reach is not there.
 */
#ifndef ATTNBENCH_H
#define ATTNBENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The version that this file states. It changes when a field does. */
#define ATTNBENCH_ABI 1

/* What calls return. */
enum {
    ATTNBENCH_OK = 0,
    ATTNBENCH_UNSUPPORTED = 1, /* this problem is skipped, and no failure */
    ATTNBENCH_ERROR = 2        /* so is anything else */
};

/* Types of elements. */
enum {
    ATTNBENCH_FLOAT32 = 0,
    ATTNBENCH_FLOAT16 = 1,  /* IEEE 754 binary16 */
    ATTNBENCH_BFLOAT16 = 2, /* the upper half of a binary32 */
    ATTNBENCH_INT8 = 3      /* of K and V: a signed byte times a scale; see attnbench_scale */
};

/* The keys lo ≤ j < hi. */
typedef struct attnbench_interval {
    int64_t lo, hi;
} attnbench_interval;

/*
 * One attention call. What plan is given stays valid, and as it is, until close;
 * what supports and rounds_weights are given, until they return.
 */
typedef struct attnbench_problem {
    size_t size; /* of this structure */

    int64_t batch;
    int64_t heads;    /* of Q and O */
    int64_t kv_heads; /* of K and V; divides heads */
    int64_t q_len;
    int64_t kv_len;
    int64_t head_dim; /* 1 to 256 */

    int64_t dtype;     /* of Q and O: float32, float16 or bfloat16 */
    int64_t kv_dtype;  /* of K and V */
    int64_t page_size; /* keys a page of K and V; 0: they are not paged */

    double scale;       /* multiplies Q·K */
    double softcap;     /* 0: none */
    const float *alibi; /* [heads] slopes; NULL: none */
    int64_t sink_logits; /* 1: the operands have some */

    /*
     * The mask by its parts, for a kernel that knows some kinds of mask and
     * refuses the others. A query sees what all parts allow; but the first sinks
     * keys of its sequence it sees whatever window and pattern say, where
     * causal and key_lens allow them.
     */
    int64_t causal;                    /* 1: no key behind the query's position */
    int64_t window_left, window_right; /* keys to each side of the position; −1: all */
    int64_t sinks;
    const int64_t *key_lens; /* [batch] keys that are no padding; NULL: kv_len of each */
    int64_t packed;          /* above 1: so many sequences end to end in each batch element; see rows */
    int64_t block_size;      /* above 0: a pattern of blocks of so many keys; see rows */

    /*
     * The mask by its rows, for every kernel: query i of batch element b sees the
     * intervals first[r] … first[r] + count[r] − 1, sorted, disjoint and not
     * empty, with r = b·batch_rows + i; see attnbench_visible. position[i] is the
     * query's place on the key axis, in packed sequences too. In plan alone, and
     * for kernels with the flag ATTNBENCH_ROWS; NULL otherwise. They are memory,
     * 16 bytes a query and more, and count as the plan's workspace.
     */
    const attnbench_interval *intervals;
    const int64_t *first, *count;
    int64_t batch_rows; /* 0: all batch elements have the same rows */
    const int64_t *position; /* [q_len] */
} attnbench_problem;

/*
 * A view of [batch, heads, len, dim] elements: element d of row i is data[o + d],
 * o = b·batch_stride + h·head_stride + i·row_stride. Strides are in elements, and
 * rows are contiguous; between them there may be anything, which is not to be
 * read, and in O not to be written.
 *
 * Of a paged tensor, row i is row i % page_size of page p = pages[b·n + i/page_size],
 * n = ceil(len/page_size), and o = p·batch_stride + h·head_stride + (i % page_size)·row_stride.
 */
typedef struct attnbench_tensor {
    size_t size; /* of this structure */

    void *data;
    int64_t dtype;
    int64_t batch, heads, len, dim;
    int64_t batch_stride, head_stride, row_stride;

    int64_t page_size; /* 0: not paged */
    const int32_t *pages;

    const float *scales; /* of int8: one for each 64 rows of a head; see attnbench_scale */
    int64_t scale_stride;
} attnbench_tensor;

/*
 * Operands, valid until the next bind, or close. What Q, K, V and the sink logits
 * hold may change between runs: copy it in run and not in bind, unless it is a
 * device that bind uploads to. O overlaps no other operand.
 */
typedef struct attnbench_operands {
    size_t size; /* of this structure */

    const attnbench_tensor *q, *k, *v;
    const attnbench_tensor *o;
    float *lse;               /* [batch, heads, q_len]; NULL: not wanted */
    const float *sink_logits; /* [heads]; NULL without */
} attnbench_operands;

/* Flags of a kernel. */
enum {
    ATTNBENCH_ROWS = 1,  /* plan wants the mask by its rows */
    ATTNBENCH_NO_LSE = 2 /* the kernel has no lse: none is wanted, and none is checked */
};

typedef struct attnbench_kernel {
    size_t size; /* of this structure: sizeof(attnbench_kernel) */

    const char *name;        /* up to 40 of a-z 0-9 . _ -, the first a letter or digit */
    const char *description; /* one line for listings; may be NULL */
    uint64_t flags;

    /*
     * Whether the kernel computes a problem: ATTNBENCH_OK, or
     * ATTNBENCH_UNSUPPORTED with what is missing in why. It is called often and
     * allocates nothing that it keeps. May be NULL: everything.
     */
    int (*supports)(const attnbench_problem *problem, char *why, size_t size);

    /*
     * Allocates all that run needs, and stores in *plan what the other calls are
     * to be given. ATTNBENCH_UNSUPPORTED where there is no room for it.
     */
    int (*plan)(const attnbench_problem *problem, int64_t threads, void **plan, char *why, size_t size);

    /* Takes the operands. A device uploads here. */
    int (*bind)(void *plan, const attnbench_operands *operands, char *why, size_t size);

    /* Computes O, and lse where it is wanted. This is what is timed. */
    int (*run)(void *plan, char *why, size_t size);

    /* Releases the plan. */
    void (*close)(void *plan);

    /* All below may be NULL. */

    /* The bytes that a plan holds beyond inputs and outputs. NULL: none. */
    int64_t (*workspace)(void *plan);

    /*
     * The instruction set that run uses, as records name it, and whose measured
     * peak it is held against: one of attnbench list, such as avx2 or avx512, or
     * any other name, which has no measured peak. NULL: the best that multiplies
     * floats on the machine.
     */
    const char *(*isa)(void *plan);

    /* 1 where weights are rounded to the type of V before they meet it, as tensor
     * cores want it: the allowed error grows by what that costs. NULL: never. */
    int (*rounds_weights)(const attnbench_problem *problem);

    /* A device brings O and lse back. */
    int (*fetch)(void *plan, char *why, size_t size);

    /* The nanoseconds of the last run by a device's own events; negative where
     * they can't be had. NULL: the clock around run. */
    int64_t (*elapsed)(void *plan);
} attnbench_kernel;

/*
 * Returns the kernels of the library, with NULL behind the last one, or NULL if
 * it does not speak this version. The table and all in it stay as they are until
 * the process ends; it may be made in the call, for the processor that is there.
 */
#define ATTNBENCH_EXPORT __attribute__((visibility("default")))
ATTNBENCH_EXPORT const attnbench_kernel *const *attnbench_kernels(uint32_t abi);

/* The intervals of keys that a query sees, and how many there are. */
static inline const attnbench_interval *attnbench_visible(const attnbench_problem *p, int64_t batch, int64_t query, int64_t *count) {
    int64_t row = batch * p->batch_rows + query;
    *count = p->count[row];
    return p->intervals + p->first[row];
}

/* The index in data of the first element of a row. */
static inline int64_t attnbench_offset(const attnbench_tensor *t, int64_t batch, int64_t head, int64_t i) {
    if (t->page_size > 0) {
        int64_t pages = (t->len + t->page_size - 1) / t->page_size;
        batch = t->pages[batch * pages + i / t->page_size];
        i %= t->page_size;
    }
    return batch * t->batch_stride + head * t->head_stride + i * t->row_stride;
}

/* What the bytes of a row of an int8 tensor are multiplied by. Blocks of 64 rows
 * that share a scale are counted from the first row, or from the first of a page. */
static inline float attnbench_scale(const attnbench_tensor *t, int64_t batch, int64_t head, int64_t i) {
    if (t->page_size > 0) {
        int64_t pages = (t->len + t->page_size - 1) / t->page_size;
        batch = t->pages[batch * pages + i / t->page_size];
        i %= t->page_size;
    }
    return t->scales[(batch * t->heads + head) * t->scale_stride + i / 64];
}

/* Copies a text into why and returns code: return attnbench_say(…). */
static inline int attnbench_say(int code, char *why, size_t size, const char *text) {
    size_t i = 0;
    for (; size > 0 && i + 1 < size && text[i] != 0; i++) why[i] = text[i];
    if (size > 0) why[i] = 0;
    return code;
}

#ifdef __cplusplus
}
#endif
#endif
