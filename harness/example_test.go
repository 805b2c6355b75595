package harness_test

import (
	"context"
	"fmt"
	"time"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/naive"
)

// A kernel is held against the oracle on an input that makes softmax hard.
func ExampleVerify() {
	kernel, err := kernels.Get("naive")
	if err != nil {
		panic(err)
	}
	input, err := harness.LookupInput("large", 1)
	if err != nil {
		panic(err)
	}
	c := harness.Case{
		Problem: kernels.Problem{
			Batch: 1, Heads: 4, KVHeads: 2, QLen: 50, KVLen: 80, HeadDim: 32,
			Mask: kernels.Mask{Causal: true},
		},
		Input: input,
	}
	verdict, err := harness.Verify(kernel, c, kernels.Options{}, harness.Sampling{})
	if err != nil {
		panic(err)
	}
	fmt.Println(verdict.Pass(), verdict.RowsChecked, "rows")
	// Output: true 200 rows
}

// A sweep of two lengths is measured and would be written by harness.Write.
func ExampleMeasurement() {
	input, err := harness.LookupInput("normal", 1)
	if err != nil {
		panic(err)
	}
	kernel, err := kernels.Get("naive")
	if err != nil {
		panic(err)
	}
	cases, err := harness.Sweep{Lengths: []int{16, 32}, Heads: 2, Inputs: []harness.Input{input}}.Cases()
	if err != nil {
		panic(err)
	}
	results, err := harness.Measurement{
		Kernels: []kernels.Kernel{kernel}, Cases: cases, Count: 3, BenchTime: time.Microsecond, Seed: 1,
	}.Run(context.Background())
	if err != nil {
		panic(err)
	}
	for _, r := range results {
		fmt.Println(r.Name(), len(r.Samples), r.Failed())
	}
	// Output:
	// Attention/kernel=naive/isa=generic/mask=causal/batch=1/heads=2/kvheads=2/qlen=16/kvlen=16/dim=64 3 <nil>
	// Attention/kernel=naive/isa=generic/mask=causal/batch=1/heads=2/kvheads=2/qlen=32/kvlen=32/dim=64 3 <nil>
}
