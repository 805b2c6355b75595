package model

import "github.com/attnbench/attnbench/kernels"

// Work returns the floating-point operations of each phase of a pass over n
// tokens with logits of the last rows: two for each multiply-add with a weight, and those of the
// kernels' problems. Phases that do next to none are not in it, nor are the
// activations of the MLP and whatever BERT makes of its first token.
func Work(m Model, n, rows int) map[Phase]int64 {
	s := m.Shape()
	tokens, width := int64(n), int64(s.Width)
	queries, keys := int64(s.Heads*s.HeadDim), int64(s.KVHeads*s.HeadDim)
	layers := int64(s.Layers)
	work := map[Phase]int64{
		PhaseQKV:        2 * layers * tokens * width * (queries + 2*keys),
		PhaseProjection: 2 * layers * tokens * queries * width,
		PhaseMLP:        2 * layers * tokens * width * int64(s.Inner) * 2,
	}
	if s.Gated {
		work[PhaseMLP] += work[PhaseMLP] / 2
	}
	if !s.Headless {
		work[PhaseHead] = 2 * int64(rows) * width * int64(s.Vocab)
		if s.Family == "bert" { // its head has a layer of its own
			work[PhaseHead] += 2 * int64(rows) * width * width
		}
	}
	for i := range s.Layers {
		p := m.(family).problem(i, n, n)
		work[PhaseAttention] += p.FLOPs()
	}
	return work
}

// Problem returns the attention call of the first layer in a pass over n tokens.
func Problem(m Model, n int) kernels.Problem { return m.(family).problem(0, n, n) }
