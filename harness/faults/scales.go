package faults

import "github.com/attnbench/attnbench/kernels"

// scaleFaults read bytes wrong, or multiply them by the wrong scale.
var scaleFaults = []Fault{
	scalesOf("scale-of-neighbour", "a block of int8 keys has the scale of the block before", func(x *kernels.Tensor, b, h, i int) float32 {
		return *x.Scale(b, h, max(0, x.Block(i).Lo-1))
	}),
	scalesOf("scale-of-first-block", "all blocks of a head have the scale of its first", func(x *kernels.Tensor, b, h, _ int) float32 {
		return *x.Scale(b, h, 0)
	}),
	scalesOf("scale-of-first-head", "every head has the scales of the first", func(x *kernels.Tensor, b, _, i int) float32 {
		return *x.Scale(b, 0, i)
	}),
	binds("scales-of-keys", "V is multiplied by the scales of K", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		t.V.Scales, t.V.ScaleStride = t.K.Scales, t.K.ScaleStride
		return t
	}),
	binds("sign-lost", "bytes have a magnitude and no sign", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, func(x kernels.Tensor) kernels.Tensor {
			x.Int8 = append([]int8(nil), x.Int8...)
			for i, y := range x.Int8 {
				x.Int8[i] = max(y, -y)
			}
			return x
		})
	}),
	binds("scale-squared", "K is multiplied by its scale as it is widened, and its scores again", func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		t.K = t.K.Clone()
		for i, s := range t.K.Scales {
			t.K.Scales[i] = s * s
		}
		return t
	}),
}

// scalesOf plants a fault in what scale the block of a key has.
func scalesOf(name, wrong string, scale func(x *kernels.Tensor, b, h, i int) float32) Fault {
	return binds(name, wrong, func(_ kernels.Problem, t kernels.Tensors) kernels.Tensors {
		return eachOperand(t, func(x kernels.Tensor) kernels.Tensor {
			if x.DType != kernels.Int8 {
				return x
			}
			y := x.Clone()
			for b := range x.Batch {
				for h := range x.Heads {
					for i := range x.Len {
						*y.Scale(b, h, i) = scale(&x, b, h, i)
					}
				}
			}
			return y
		})
	})
}
