package harness

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/attnbench/attnbench/kernels"
)

// checkDecode computes queries one at a time on the keys so far, as a decoder
// does token by token.
func checkDecode(pr *prober) error {
	p := pr.c.Problem
	m := p.Mask
	grows := m.Causal || m.Window != nil && m.Window.Right == 0 && m.Sinks == 0
	if !grows || m.KeyLens != nil || m.Blocks != nil || m.Packing != nil || p.PageSize > 0 {
		return inapplicable("only a mask that looks back, without lengths, blocks or pages, grows key by key")
	}
	s, err := pr.baseSlack()
	if err != nil {
		return err
	}
	for _, i := range decodeSteps(p.QLen) {
		one := p
		if one.QLen, one.KVLen = 1, p.Position(i)+1; one.KVLen <= 0 {
			continue
		}
		got, want := step(p, &pr.base, i)
		if err := pr.run(one, &got, pr.opts.Threads); err != nil {
			return err
		}
		what := fmt.Sprintf("query %d decoded after %d keys", i, one.KVLen)
		if err := near(what, one, &got, &want, 0, s.plus(s)); err != nil {
			return err
		}
	}
	return nil
}

// step returns the operands of one query on the keys up to its own, and its
// part of the outputs of t.
func step(p kernels.Problem, t *kernels.Tensors, i int) (got, want kernels.Tensors) {
	keys := p.Position(i) + 1
	got = kernels.Tensors{
		Q: rowsOf(t.Q, i, 1), K: rowsOf(t.K, 0, keys), V: rowsOf(t.V, 0, keys),
		LSE: make([]float32, p.Batch*p.Heads), SinkLogits: t.SinkLogits,
	}
	want.O, want.LSE = rowsOf(t.O, i, 1), make([]float32, p.Batch*p.Heads)
	got.O = want.O.As(p.DType, 0)
	for n := range t.LSE[:len(t.LSE)/p.QLen] {
		want.LSE[n] = t.LSE[n*p.QLen+i]
	}
	return got, want
}

// decodeSteps returns at most 32 of n queries, all or the edges and a choice.
func decodeSteps(n int) []int {
	steps := edgeQueries(n)
	for _, i := range rand.New(rand.NewPCG(1, 2)).Perm(n) {
		if len(steps) < 32 && !slices.Contains(steps, i) {
			steps = append(steps, i)
		}
	}
	return steps
}

// checkSplit computes the first and the last keys apart and merges the results
// by their lse.
func checkSplit(pr *prober) error {
	if OmitsLSE(pr.kernel) {
		return inapplicable(noLSE)
	}
	p := pr.c.Problem
	m := p.Mask
	m.Causal = false
	if m.String() != "full" || p.SinkLogits || p.ALiBi || p.PageSize > 0 || p.KVLen < 2 {
		return inapplicable("only full and causal attention to two keys or more, without sinks, biases or pages, splits into two problems of its kind")
	}
	at := min(p.KVLen/2|1, p.KVLen-1)
	if p.KVDType == kernels.Int8 {
		if at = max(1, p.KVLen/2/kernels.BlockKeys) * kernels.BlockKeys; at >= p.KVLen {
			return inapplicable("the keys of one block share a scale and can't be told apart")
		}
	}
	first, slackFirst, err := pr.part(kernels.Interval{Lo: 0, Hi: at})
	if err != nil {
		return err
	}
	last, slackLast, err := pr.part(kernels.Interval{Lo: at, Hi: p.KVLen})
	if err != nil {
		return err
	}
	s, err := pr.baseSlack()
	if err != nil {
		return err
	}
	merged, apart := merge(p, &first, &last)
	s = s.plus(slack{
		max(slackFirst.o, slackLast.o) + apart*(slackFirst.lse+slackLast.lse)/4,
		max(slackFirst.lse, slackLast.lse),
	})
	return near(fmt.Sprintf("keys split at %d and merged", at), p, &merged, &pr.base, 0, s)
}

// part runs the problem on some of its keys only. A causal mask then ends as
// many keys after the diagonal as are missing at the end.
func (pr *prober) part(keys kernels.Interval) (kernels.Tensors, slack, error) {
	p, t := pr.c.Problem, outputsOf(pr.c.Problem, pr.base)
	if p.Mask.Causal {
		p.Mask = kernels.Mask{Window: &kernels.Window{Left: -1, Right: p.KVLen - keys.Hi}}
	}
	p.KVLen = keys.Len()
	t.K, t.V = rowsOf(t.K, keys.Lo, keys.Len()), rowsOf(t.V, keys.Lo, keys.Len())
	s, err := pr.slackRun(p, &t)
	return t, s, err
}

// merge joins two results on disjoint keys, O = Σ exp(lse_s − lse)·O_s with lse
// the log-sum-exp of both, and returns the largest difference between their
// elements of O: an error of the weights, which are w and 1−w and move by
// w(1−w) ≤ 1/4 of an error in lse, weighs so much.
func merge(p kernels.Problem, a, b *kernels.Tensors) (merged kernels.Tensors, apart float64) {
	merged = kernels.Tensors{O: a.O.As(kernels.Float32, 0), LSE: make([]float32, len(a.LSE))}
	x, y := make([]float32, p.HeadDim), make([]float32, p.HeadDim)
	for n := range merged.LSE {
		batch, head, query := n/p.QLen/p.Heads, n/p.QLen%p.Heads, n%p.QLen
		la, lb := float64(a.LSE[n]), float64(b.LSE[n])
		m := math.Max(la, lb)
		if math.IsInf(m, -1) {
			merged.LSE[n] = float32(m)
			continue
		}
		lse := m + math.Log(math.Exp(la-m)+math.Exp(lb-m))
		merged.LSE[n] = float32(lse)
		oa, ob := a.O.ReadRow(x, batch, head, query), b.O.ReadRow(y, batch, head, query)
		for d, o := range merged.O.Row(batch, head, query) {
			o = float32(math.Exp(la-lse)*float64(oa[d]) + math.Exp(lb-lse)*float64(ob[d]))
			merged.O.Row(batch, head, query)[d] = o
			apart = math.Max(apart, math.Abs(float64(oa[d])-float64(ob[d])))
		}
	}
	return merged, apart
}
