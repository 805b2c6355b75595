// Package cuda computes attention on an NVIDIA GPU, through the CUDA driver:
//
//	cuda-naive  three textbook kernels over a score matrix in global memory
//	cuda-tiled  two passes over the keys through shared memory
//	cuda-flash  one pass with online softmax (FlashAttention-2, arXiv:2307.08691);
//	            float16 and bfloat16 on tensor cores, on compute capability 9.0 by
//	            warpgroups (FlashAttention-3, arXiv:2407.08608)
//
// The kernels are CUDA C++ in src, compiled to the PTX in ptx, which is embedded
// and which the driver compiles for the device it finds: any of compute
// capability 8.0 or later.
//
// A mask reaches the device as a schedule of tiles, 64 or 128 query rows by 64 keys:
// which are visited, and for those that are partly visible one word of bits a
// row. So the kernels know no kinds of mask, and do every one.
//
// What talks to the driver is behind the build tag cuda, for it needs cgo and
// gorgonia.org/cu; package kernels/all imports it under that tag only. Without
// the tag this package holds the schedule, the PTX and their tests. docs/gpu.md
// says how to build with it, and what has run on which hardware.
package cuda
