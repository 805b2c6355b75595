/*
 * ONNX Runtime as a kernel of attnbench: its operators MultiHeadAttention, for
 * full attention, and GroupQueryAttention, for causal. See docs/peers.md.
 *
 * The operators take [batch, seq, heads*dim], so that heads are stated as a batch
 * (--batch 8 --heads 1) and nothing is copied but what the operators copy
 * themselves. They return no lse.
 */
#include "attnbench.h"

#include <onnxruntime_c_api.h>
#include <stdlib.h>
#include <string.h>

enum { API = 17, INPUTS = 7, OUTPUTS = 3 };

static const OrtApi *ort;
static OrtEnv *env;

/* A model of one node, written as the protocol buffer that ONNX is. */
typedef struct {
    uint8_t data[2048];
    size_t len;
} message;

static void put(message *m, const void *data, size_t len) {
    memcpy(m->data + m->len, data, len);
    m->len += len;
}

static void varint(message *m, uint64_t x) {
    for (; x >= 128; x >>= 7) put(m, &(uint8_t){x | 128}, 1);
    put(m, &(uint8_t){x}, 1);
}

static void integer(message *m, int field, uint64_t x) {
    varint(m, field << 3);
    varint(m, x);
}

static void number(message *m, int field, float x) {
    varint(m, field << 3 | 5);
    put(m, &x, sizeof x);
}

static void bytes(message *m, int field, const void *data, size_t len) {
    varint(m, field << 3 | 2);
    varint(m, len);
    put(m, data, len);
}

static void text(message *m, int field, const char *s) { bytes(m, field, s, strlen(s)); }
static void nest(message *m, int field, const message *inner) { bytes(m, field, inner->data, inner->len); }

static void attribute(message *node, const char *name, int type, int64_t i, float f) {
    message a = {.len = 0};
    text(&a, 1, name);
    if (type == 1) number(&a, 2, f);
    else integer(&a, 3, i);
    integer(&a, 20, type);
    nest(node, 5, &a);
}

/* An operand of the node: its name, type and shape. */
typedef struct {
    const char *name;
    ONNXTensorElementDataType type;
    int dims;
    int64_t dim[4];
} operand;

static void value(message *graph, int field, const operand *x) {
    message shape = {.len = 0}, tensor = {.len = 0}, type = {.len = 0}, info = {.len = 0};
    for (int i = 0; i < x->dims; i++) {
        message d = {.len = 0};
        integer(&d, 1, x->dim[i]);
        nest(&shape, 1, &d);
    }
    integer(&tensor, 1, x->type);
    nest(&tensor, 2, &shape);
    nest(&type, 1, &tensor);
    text(&info, 1, x->name);
    nest(&info, 2, &type);
    nest(graph, field, &info);
}

typedef struct {
    int ins, outs;
    operand in[INPUTS], out[OUTPUTS];
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtValue *from[INPUTS], *to[OUTPUTS];
    float *present; /* K and V, which GroupQueryAttention copies */
    int64_t present_len;
    int32_t *lengths, total;
} plan;

static void describe(plan *pl, const attnbench_problem *p) {
    const ONNXTensorElementDataType f = ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, i = ONNX_TENSOR_ELEMENT_DATA_TYPE_INT32;
    const int64_t b = p->batch, d = p->head_dim;
    const operand in[INPUTS] = {
        {"q", f, 3, {b, p->q_len, d}},       {"k", f, 3, {b, p->kv_len, d}},     {"v", f, 3, {b, p->kv_len, d}},
        {"past_k", f, 4, {b, 1, 0, d}},      {"past_v", f, 4, {b, 1, 0, d}},     {"lengths", i, 1, {b}}, {"total", i, 1, {1}},
    };
    const operand out[OUTPUTS] = {
        {"o", f, 3, {b, p->q_len, d}}, {"present_k", f, 4, {b, 1, p->kv_len, d}}, {"present_v", f, 4, {b, 1, p->kv_len, d}},
    };
    memcpy(pl->in, in, sizeof in);
    memcpy(pl->out, out, sizeof out);
    pl->ins = p->causal ? INPUTS : 3;
    pl->outs = p->causal ? OUTPUTS : 1;
}

static void model(message *m, const plan *pl, const attnbench_problem *p) {
    message node = {.len = 0}, graph = {.len = 0}, onnx = {.len = 0}, microsoft = {.len = 0};
    for (int i = 0; i < pl->ins; i++) text(&node, 1, pl->in[i].name);
    for (int i = 0; i < pl->outs; i++) text(&node, 2, pl->out[i].name);
    text(&node, 4, p->causal ? "GroupQueryAttention" : "MultiHeadAttention");
    attribute(&node, "num_heads", 2, 1, 0);
    if (p->causal) attribute(&node, "kv_num_heads", 2, 1, 0);
    attribute(&node, "scale", 1, 0, (float)p->scale);
    text(&node, 7, "com.microsoft");
    nest(&graph, 1, &node);
    text(&graph, 2, "attention");
    for (int i = 0; i < pl->ins; i++) value(&graph, 11, &pl->in[i]);
    for (int i = 0; i < pl->outs; i++) value(&graph, 12, &pl->out[i]);
    text(&onnx, 1, "");
    integer(&onnx, 2, 17);
    text(&microsoft, 1, "com.microsoft");
    integer(&microsoft, 2, 1);
    integer(m, 1, 8);
    nest(m, 7, &graph);
    nest(m, 8, &onnx);
    nest(m, 8, &microsoft);
}

/* Says what ONNX Runtime says, and releases it. */
static int report(OrtStatus *status, char *why, size_t size) {
    if (status == NULL) return ATTNBENCH_OK;
    int code = attnbench_say(ATTNBENCH_ERROR, why, size, ort->GetErrorMessage(status));
    ort->ReleaseStatus(status);
    return code;
}

static int supports(const attnbench_problem *p, char *why, size_t size) {
    const char *missing = NULL;
    if (p->dtype != ATTNBENCH_FLOAT32 || p->kv_dtype != ATTNBENCH_FLOAT32 || p->page_size) missing = "only float32, not paged";
    if (p->softcap != 0 || p->alibi || p->sink_logits) missing = "no softcap, ALiBi or sink logits";
    if (p->window_left >= 0 || p->window_right >= 0 || p->sinks || p->key_lens || p->packed > 1 || p->block_size) missing = "only full and causal";
    if (p->causal && p->q_len != p->kv_len) missing = "causal with another number of queries than keys";
    if (p->heads != 1) missing = "several heads: state them as a batch";
    return missing ? attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, missing) : ATTNBENCH_OK;
}

static void release(void *x) {
    plan *pl = x;
    for (int i = 0; i < INPUTS; i++)
        if (pl->from[i]) ort->ReleaseValue(pl->from[i]);
    for (int i = 0; i < OUTPUTS; i++)
        if (pl->to[i]) ort->ReleaseValue(pl->to[i]);
    if (pl->memory) ort->ReleaseMemoryInfo(pl->memory);
    if (pl->session) ort->ReleaseSession(pl->session);
    free(pl->present);
    free(pl->lengths);
    free(pl);
}

static OrtStatus *open_session(plan *pl, const message *m, int64_t threads) {
    OrtSessionOptions *options;
    OrtStatus *status = ort->CreateSessionOptions(&options);
    if (status) return status;
    status = ort->SetIntraOpNumThreads(options, (int)threads);
    if (!status) status = ort->CreateSessionFromArray(env, m->data, m->len, options, &pl->session);
    if (!status) status = ort->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &pl->memory);
    ort->ReleaseSessionOptions(options);
    return status;
}

static int new_plan(const attnbench_problem *p, int64_t threads, void **out, char *why, size_t size) {
    plan *pl = calloc(1, sizeof *pl);
    message m = {.len = 0};
    if (pl == NULL) return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no memory");
    describe(pl, p);
    model(&m, pl, p);
    if (p->causal) {
        pl->total = (int32_t)p->kv_len;
        pl->present_len = p->batch * p->kv_len * p->head_dim;
        pl->present = malloc(2 * pl->present_len * sizeof(float));
        pl->lengths = malloc(p->batch * sizeof(int32_t));
        if (!pl->present || !pl->lengths) {
            release(pl);
            return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "no memory");
        }
        for (int64_t b = 0; b < p->batch; b++) pl->lengths[b] = pl->total - 1;
    }
    int code = report(open_session(pl, &m, threads), why, size);
    if (code != ATTNBENCH_OK) release(pl);
    else *out = pl;
    return code;
}

/* Makes a value of memory that is there. */
static OrtStatus *wrap(const plan *pl, const operand *x, void *data, OrtValue **value) {
    size_t bytes = 4;
    for (int i = 0; i < x->dims; i++) bytes *= x->dim[i];
    if (*value) ort->ReleaseValue(*value);
    *value = NULL;
    return ort->CreateTensorWithDataAsOrtValue(pl->memory, data, bytes, x->dim, x->dims, x->type, value);
}

static int bind(void *x, const attnbench_operands *operands, char *why, size_t size) {
    plan *pl = x;
    static float none;
    const attnbench_tensor *tensors[] = {operands->q, operands->k, operands->v, operands->o};
    for (int i = 0; i < 4; i++)
        if (tensors[i]->row_stride != tensors[i]->dim || tensors[i]->batch_stride != tensors[i]->len * tensors[i]->dim)
            return attnbench_say(ATTNBENCH_UNSUPPORTED, why, size, "operands that are not contiguous");
    void *from[INPUTS] = {operands->q->data, operands->k->data, operands->v->data, &none, &none, pl->lengths, &pl->total};
    void *to[OUTPUTS] = {operands->o->data, pl->present, pl->present + pl->present_len};
    OrtStatus *status = NULL;
    for (int i = 0; i < pl->ins && !status; i++) status = wrap(pl, &pl->in[i], from[i], &pl->from[i]);
    for (int i = 0; i < pl->outs && !status; i++) status = wrap(pl, &pl->out[i], to[i], &pl->to[i]);
    return report(status, why, size);
}

static int run(void *x, char *why, size_t size) {
    plan *pl = x;
    const char *in[INPUTS], *out[OUTPUTS];
    for (int i = 0; i < pl->ins; i++) in[i] = pl->in[i].name;
    for (int i = 0; i < pl->outs; i++) out[i] = pl->out[i].name;
    return report(ort->Run(pl->session, NULL, in, (const OrtValue *const *)pl->from, pl->ins, out, pl->outs, pl->to), why, size);
}

/* Note: what the session allocates for itself can't be asked for. */
static int64_t workspace(void *x) {
    plan *pl = x;
    return 2 * pl->present_len * (int64_t)sizeof(float);
}

static const attnbench_kernel kernel = {
    .size = sizeof kernel,
    .name = "onnxruntime",
    .description = "ONNX Runtime's MultiHeadAttention and GroupQueryAttention",
    .flags = ATTNBENCH_NO_LSE,
    .supports = supports,
    .plan = new_plan,
    .bind = bind,
    .run = run,
    .close = release,
    .workspace = workspace,
};

static const attnbench_kernel *const kernels[] = {&kernel, NULL};

const attnbench_kernel *const *attnbench_kernels(uint32_t abi) {
    if (abi != ATTNBENCH_ABI) return NULL;
    if (env == NULL) {
        ort = OrtGetApiBase()->GetApi(API);
        if (ort == NULL || ort->CreateEnv(ORT_LOGGING_LEVEL_ERROR, "attnbench", &env) != NULL) return NULL;
    }
    return kernels;
}
