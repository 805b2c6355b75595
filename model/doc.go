// Package model is the reference transformer, in float32. Its attention is not
// its own: every layer runs the [kernels.Kernel] that the caller names, on
// strided views of the projections.
//
// The way through:
//
//  1. [Load] reads a folder as Hugging Face writes it: config.json and
//     model.safetensors. Whatever would change the mathematics and is not
//     implemented is refused by name.
//  2. Package tokenizer reads the tokenizer of the same folder.
//  3. [Model] has Forward, which turns token ids into the logits of every
//     position, and keeps or shows each layer's Q, K and V when asked, so that
//     kernels can be verified and measured on inputs that a model really makes.
//  4. A [Generator] also has Step, which goes on from the tokens in a [Cache].
//  5. Options.OnPhase tells how long each [Phase] of a pass took.
//
// Each family is a file that reads in the order of its paper; pass.go has what
// they share. The kernels are what is to be fast.
package model
