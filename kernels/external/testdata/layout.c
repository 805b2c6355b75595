/* Says how large each structure of attnbench.h is and where its fields are. */
#include <stdio.h>
#include "attnbench.h"

static char text[4096];
static size_t length;

static void line(const char *name, size_t value) { length += (size_t)snprintf(text + length, sizeof text - length, "%s %zu\n", name, value); }

#define SIZE(type) line(#type, sizeof(attnbench_##type))
#define FIELD(type, field) line(#type "." #field, offsetof(attnbench_##type, field))

ATTNBENCH_EXPORT const char *layout(void) {
    SIZE(interval);
    FIELD(interval, lo);
    FIELD(interval, hi);

    SIZE(problem);
    FIELD(problem, size);
    FIELD(problem, batch);
    FIELD(problem, heads);
    FIELD(problem, kv_heads);
    FIELD(problem, q_len);
    FIELD(problem, kv_len);
    FIELD(problem, head_dim);
    FIELD(problem, dtype);
    FIELD(problem, kv_dtype);
    FIELD(problem, page_size);
    FIELD(problem, scale);
    FIELD(problem, softcap);
    FIELD(problem, alibi);
    FIELD(problem, sink_logits);
    FIELD(problem, causal);
    FIELD(problem, window_left);
    FIELD(problem, window_right);
    FIELD(problem, sinks);
    FIELD(problem, key_lens);
    FIELD(problem, packed);
    FIELD(problem, block_size);
    FIELD(problem, intervals);
    FIELD(problem, first);
    FIELD(problem, count);
    FIELD(problem, batch_rows);
    FIELD(problem, position);

    SIZE(tensor);
    FIELD(tensor, size);
    FIELD(tensor, data);
    FIELD(tensor, dtype);
    FIELD(tensor, batch);
    FIELD(tensor, heads);
    FIELD(tensor, len);
    FIELD(tensor, dim);
    FIELD(tensor, batch_stride);
    FIELD(tensor, head_stride);
    FIELD(tensor, row_stride);
    FIELD(tensor, page_size);
    FIELD(tensor, pages);
    FIELD(tensor, scales);
    FIELD(tensor, scale_stride);

    SIZE(operands);
    FIELD(operands, size);
    FIELD(operands, q);
    FIELD(operands, k);
    FIELD(operands, v);
    FIELD(operands, o);
    FIELD(operands, lse);
    FIELD(operands, sink_logits);

    SIZE(kernel);
    FIELD(kernel, size);
    FIELD(kernel, name);
    FIELD(kernel, description);
    FIELD(kernel, flags);
    FIELD(kernel, supports);
    FIELD(kernel, plan);
    FIELD(kernel, bind);
    FIELD(kernel, run);
    FIELD(kernel, close);
    FIELD(kernel, workspace);
    FIELD(kernel, isa);
    FIELD(kernel, rounds_weights);
    FIELD(kernel, fetch);
    FIELD(kernel, elapsed);

    line("ABI", ATTNBENCH_ABI);
    line("OK", ATTNBENCH_OK);
    line("UNSUPPORTED", ATTNBENCH_UNSUPPORTED);
    line("ROWS", ATTNBENCH_ROWS);
    line("NO_LSE", ATTNBENCH_NO_LSE);
    line("FLOAT32", ATTNBENCH_FLOAT32);
    line("FLOAT16", ATTNBENCH_FLOAT16);
    line("BFLOAT16", ATTNBENCH_BFLOAT16);
    line("INT8", ATTNBENCH_INT8);
    return text;
}
