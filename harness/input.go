package harness

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strings"

	"github.com/attnbench/attnbench/kernels"
)

// An Input fills the operands of a problem.
type Input interface {
	// Name is what records and tables call it.
	Name() string

	// Fill writes Q, K and V of t, which fits p. It is deterministic.
	Fill(p kernels.Problem, t *kernels.Tensors) error
}

// families are the synthetic inputs, in the order in which they are listed.
// Each stresses something that the others leave alone.
var families = []struct {
	name string
	fill func(p kernels.Problem, t *kernels.Tensors, r *rand.Rand)
}{
	{"normal", fillNormal},
	{"uniform", fillUniform},
	{"constant", fillConstant},
	{"dominant", fillDominant},
	{"outliers", fillOutliers},
	{"large", fillLarge},
	{"denormal", fillDenormal},
}

// InputNames returns the names of the synthetic families.
func InputNames() []string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.name
	}
	return names
}

// Inputs returns every synthetic family, seeded.
func Inputs(seed uint64) []Input {
	list := make([]Input, len(families))
	for i := range families {
		list[i] = synthetic{family: i, seed: seed}
	}
	return list
}

// LookupInput returns the synthetic family of a name, seeded; its error lists
// the names there are.
func LookupInput(name string, seed uint64) (Input, error) {
	for i, f := range families {
		if f.name == name {
			return synthetic{family: i, seed: seed}, nil
		}
	}
	return nil, fmt.Errorf("input %q: want one of %s", name, strings.Join(InputNames(), ", "))
}

type synthetic struct {
	family int
	seed   uint64
}

func (s synthetic) Name() string { return families[s.family].name }

func (s synthetic) Fill(p kernels.Problem, t *kernels.Tensors) error {
	if err := t.Check(p); err != nil {
		return fmt.Errorf("input %s: %w", s.Name(), err)
	}
	h := fnv.New64a()
	h.Write([]byte(s.Name()))
	r := rand.New(rand.NewPCG(s.seed, h.Sum64()))
	families[s.family].fill(p, t, r)
	for i := range t.SinkLogits {
		t.SinkLogits[i] = float32(2 * r.NormFloat64())
	}
	return nil
}

// fillRows calls fill for every row of t.
func fillRows(t *kernels.Tensor, fill func(row []float32)) {
	buf := make([]float32, t.Dim)
	for b := range t.Batch {
		for h := range t.Heads {
			for i := range t.Len {
				fillRow(t, b, h, i, buf, fill)
			}
		}
	}
}

// fillRow lets fill change one row of t, whatever its element type.
func fillRow(t *kernels.Tensor, b, h, i int, buf []float32, fill func(row []float32)) {
	row := t.ReadRow(buf, b, h, i)
	fill(row)
	if t.DType != kernels.Float32 {
		t.WriteRow(row, b, h, i)
	}
}

// fillWith sets every element of t to a value of next.
func fillWith(t *kernels.Tensor, next func() float64) {
	fillRows(t, func(row []float32) {
		for i := range row {
			row[i] = float32(next())
		}
	})
}

// fillNormal draws from N(0, 1): logits of about that size too.
func fillNormal(_ kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	for _, x := range []*kernels.Tensor{&t.Q, &t.K, &t.V} {
		fillWith(x, r.NormFloat64)
	}
}

// fillUniform draws from [−1, 1).
func fillUniform(_ kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	for _, x := range []*kernels.Tensor{&t.Q, &t.K, &t.V} {
		fillWith(x, func() float64 { return 2*r.Float64() - 1 })
	}
}

// fillConstant makes every logit the same, so that O is the plain mean of the
// visible values: a key too few or too many shows at once.
func fillConstant(_ kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillWith(&t.Q, func() float64 { return 0.5 })
	fillWith(&t.K, func() float64 { return 0.5 })
	fillWith(&t.V, r.NormFloat64)
}

// fillDominant gives each key head one key, at a random place, whose logit is
// about 40 above all others: an online softmax must rescale there, and what
// lies before it must vanish without a trace.
func fillDominant(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	lean := 1 / math.Sqrt(p.EffectiveScale()*float64(p.HeadDim))
	fillRows(&t.Q, func(row []float32) {
		for i := range row {
			row[i] = float32(lean) * (1 + row[i]/4)
		}
	})
	for b := range p.Batch {
		for h := range p.KVHeads {
			fillRow(&t.K, b, h, r.IntN(p.KVLen), make([]float32, p.HeadDim), func(row []float32) {
				for i := range row {
					row[i] += float32(40 * lean)
				}
			})
		}
	}
}

// fillOutliers makes a few channels of Q, K and V much larger than the rest,
// as trained transformers do.
func fillOutliers(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	for _, x := range []*kernels.Tensor{&t.Q, &t.K, &t.V} {
		for range 1 + p.HeadDim/32 {
			channel, gain := r.IntN(p.HeadDim), float32(10+20*r.Float64())
			fillRows(x, func(row []float32) { row[channel] *= gain })
		}
	}
}

// fillLarge spreads the logits to about ±1e4, where one float32 ulp is 1e-3
// and every exponential but one underflows.
func fillLarge(p kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	fillNormal(p, t, r)
	gain := float32(math.Sqrt(2500 / (p.EffectiveScale() * math.Sqrt(float64(p.HeadDim)))))
	for _, x := range []*kernels.Tensor{&t.Q, &t.K} {
		fillRows(x, func(row []float32) {
			for i := range row {
				row[i] *= gain
			}
		})
	}
}

// fillDenormal makes half of Q's and K's elements and all of V's subnormal.
func fillDenormal(_ kernels.Problem, t *kernels.Tensors, r *rand.Rand) {
	tiny := func() float64 { return (2*r.Float64() - 1) * 0x1p-126 }
	mixed := func() float64 {
		if r.IntN(2) == 0 {
			return tiny()
		}
		return r.NormFloat64()
	}
	fillWith(&t.Q, mixed)
	fillWith(&t.K, mixed)
	fillWith(&t.V, tiny)
}
