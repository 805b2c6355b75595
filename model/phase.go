package model

import "time"

// A Phase is a part of the forward pass.
type Phase string

// The phases, in the order in which a pass meets them.
const (
	PhasePlan       Phase = "plan"       // the kernels' plans and the buffers
	PhaseEmbedding  Phase = "embedding"  // tokens, positions, token types
	PhaseNorm       Phase = "norm"       // every normalisation but the head's
	PhaseQKV        Phase = "qkv"        // the projections to Q, K and V, rotary positions included
	PhaseAttention  Phase = "attention"  // the kernel, and what brings K and V to it
	PhaseProjection Phase = "projection" // attention's output to the residual stream
	PhaseMLP        Phase = "mlp"
	PhaseHead       Phase = "head" // from the last layer to the logits
)

// Phases lists them.
func Phases() []Phase {
	return []Phase{PhasePlan, PhaseEmbedding, PhaseNorm, PhaseQKV, PhaseAttention, PhaseProjection, PhaseMLP, PhaseHead}
}

// A Span is one run of a phase. The spans of a pass follow each other without
// a gap, but for what hooks take.
type Span struct {
	Phase   Phase
	Layer   int // −1 outside the layers
	Elapsed time.Duration
}

// A stopwatch tells a hook what went by between laps.
type stopwatch struct {
	hook  func(Span)
	layer int
	since time.Time
}

func newStopwatch(hook func(Span)) stopwatch {
	return stopwatch{hook: hook, layer: -1, since: time.Now()}
}

// lap ends a phase.
func (s *stopwatch) lap(phase Phase) {
	if s.hook == nil {
		return
	}
	s.hook(Span{phase, s.layer, time.Since(s.since)})
	s.restart()
}

// restart leaves out what went by since the last lap.
func (s *stopwatch) restart() { s.since = time.Now() }
