// Package model is the reference transformer: GPT-2 (Radford et al., "Language
// Models are Unsupervised Multitask Learners", 2019) with learned positions,
// layer norm before each sublayer, the tanh GELU and a tied head, in float32.
// Its attention is not its own: every layer runs the [kernels.Kernel] that the
// caller names, on strided views of the fused projection.
//
// The way through:
//
//  1. [Load] reads a folder as Hugging Face writes it: config.json and
//     model.safetensors. Whatever would change the mathematics and is not
//     implemented is refused by name.
//  2. [Model.Tokenizer] gives the tokenizer that goes with the vocabulary.
//  3. [Model.Forward] turns token ids into the logits of every position, and
//     keeps each layer's Q, K and V when asked, so that kernels can be verified
//     and measured on inputs that a model really makes.
//
// The package is written to be read beside the paper and held against other
// implementations; the kernels are what is to be fast.
package model
