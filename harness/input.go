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
var groups = []group{
	{"all", InputNames()},
	{"adversarial", InputNames()[tame:]},
}

type group struct {
	name    string
	members []string
}

// InputGroups returns the names that stand for several families: "all", and
// "adversarial" for those that are made to break kernels.
func InputGroups() []string {
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = g.name
	}
	return names
}

// ExpandInputs replaces the names of groups by those of their families. Other
// names stay as they are.
func ExpandInputs(names []string) []string {
	var list []string
	for _, name := range names {
		i := slices.IndexFunc(groups, func(g group) bool { return g.name == name })
		if i < 0 {
			list = append(list, name)
		} else {
			list = append(list, groups[i].members...)
		}
	}
	return list
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
	if t.DType == kernels.Int8 {
		fillBlocks(t, fill)
		return
	}
	buf := make([]float32, t.Dim)
	for b := range t.Batch {
		for h := range t.Heads {
			for i := range t.Len {
				fillRow(t, b, h, i, buf, fill)
			}
		}
	}
}

// fillBlocks is fillRows by blocks, each of which gets the scale that it needs.
func fillBlocks(t *kernels.Tensor, fill func(row []float32)) {
	buf := make([]float32, kernels.BlockKeys*t.Dim)
	for b := range t.Batch {
		for h := range t.Heads {
			for i := 0; i < t.Len; {
				block := t.Block(i).Intersect(kernels.Interval{Hi: t.Len})
				for ; i < block.Hi; i++ {
					fill(t.ReadRow(buf[(i-block.Lo)*t.Dim:], b, h, i))
				}
				t.WriteRows(buf, b, h, block)
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
