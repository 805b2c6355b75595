package harness

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
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
	{"uneven", fillUneven},
	{"large", fillLarge},
	{"denormal", fillDenormal},
	{"hidden", fillHidden},
	{"nan", fillNaN},
	{"inf", fillInf},
}

// tame is how many of the families are ordinary; those after them are made to
// break kernels.
const tame = 2

// groups are names for several families.
var groups = map[string][]string{
	"all":         InputNames(),
	"adversarial": InputNames()[tame:],
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

// LookupInputs returns the synthetic families of names, each once, seeded. A
// name may be that of a group: "adversarial" is every family that is made to
// break kernels, "all" is every family.
func LookupInputs(names []string, seed uint64) ([]Input, error) {
	var list []Input
	for _, name := range names {
		members, isGroup := groups[name]
		if !isGroup {
			members = []string{name}
		}
		for _, member := range members {
			in, err := LookupInput(member, seed)
			if err != nil {
				return nil, fmt.Errorf("%w, or adversarial or all for several", err)
			}
			if !slices.Contains(list, in) {
				list = append(list, in)
			}
		}
	}
	return list, nil
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
