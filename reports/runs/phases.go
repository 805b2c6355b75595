package runs

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/perf/benchfmt"

	"github.com/attnbench/attnbench/reports"
)

// A Peak is a limit of the machine as a Peak record states it.
type Peak struct {
	Resource, ISA string
	Threads       int
	Value         float64 // the best of its records, in FLOP/s or B/s
}

// Model is the base name of the records of a whole forward pass.
const Model = "Model"

// A Phase holds the times of one part of a model's forward pass. Its records
// have a key "phase" in their name, and their number of tokens as "n", "qlen"
// or "kvlen". Those of the whole pass are of base name [Model] without a phase.
type Phase struct {
	Pass
	Phase   string    // "" for the whole pass
	Samples []float64 // seconds
}

// A Pass is the forward pass that a phase belongs to.
type Pass struct {
	Model       string // what else the name says, as it says it
	Kernel, ISA string
	Threads, N  int
}

type pair struct{ key, value string }

// A name is that of a benchmark taken apart.
type name struct {
	base    string
	parts   []pair
	threads int
}

func parse(n benchfmt.Name) name {
	base, split := n.Parts()
	out := name{base: string(base), threads: 1}
	for _, p := range split {
		if s, ok := strings.CutPrefix(string(p), "-"); ok {
			out.threads, _ = strconv.Atoi(s) // Parts only splits off digits
			continue
		}
		key, value, _ := strings.Cut(strings.TrimPrefix(string(p), "/"), "=")
		out.parts = append(out.parts, pair{key, value})
	}
	return out
}

// take removes a part and returns its value.
func (n *name) take(keys ...string) (string, bool) {
	value, found := "", false
	n.parts = slices.DeleteFunc(n.parts, func(p pair) bool {
		hit := slices.Contains(keys, p.key)
		if hit && !found {
			value, found = p.value, true
		}
		return hit
	})
	return value, found
}

// addPhase takes a record whose name has a phase, or that is of a whole pass.
func (r *Run) addPhase(rec *benchfmt.Result) (ok bool, err error) {
	n := parse(rec.Name)
	phase, ok := n.take("phase")
	seconds, timed := rec.Value(reports.Time)
	if !timed || !ok && n.base != Model {
		return false, nil
	}
	length, _ := n.take("n", "qlen", "kvlen")
	tokens, err := strconv.Atoi(length)
	if err != nil || tokens <= 0 {
		return false, fmt.Errorf("benchmark %q: lacks a positive n", rec.Name)
	}
	pass := Pass{N: tokens, Threads: n.threads}
	pass.Kernel, _ = n.take("kernel")
	pass.ISA, _ = n.take("isa")
	pass.Model = n.base
	for _, p := range n.parts {
		pass.Model += " " + p.key + "=" + p.value
	}
	r.phase(pass, phase).Samples = append(r.phase(pass, phase).Samples, seconds)
	return true, nil
}

func (r *Run) phase(pass Pass, phase string) *Phase {
	for i := range r.Phases {
		if p := &r.Phases[i]; p.Pass == pass && p.Phase == phase {
			return p
		}
	}
	r.Phases = append(r.Phases, Phase{Pass: pass, Phase: phase})
	return &r.Phases[len(r.Phases)-1]
}

// Compare orders passes by model, kernel, ISA, threads and length.
func (p Pass) Compare(q Pass) int {
	return cmp.Or(cmp.Compare(p.Model, q.Model), cmp.Compare(p.Kernel, q.Kernel), cmp.Compare(p.ISA, q.ISA),
		cmp.Compare(p.Threads, q.Threads), cmp.Compare(p.N, q.N))
}

func (r *Run) addPeak(rec *benchfmt.Result) {
	n := parse(rec.Name)
	peak := Peak{Threads: n.threads}
	peak.Resource, _ = n.take("resource")
	peak.ISA, _ = n.take("isa")
	if bytes, ok := n.take("bytes"); ok {
		peak.Resource += " of " + bytes + " bytes"
	}
	for _, v := range rec.Values {
		if v.Unit == reports.Rate || v.Unit == "B/s" {
			peak.Value = v.Value
		}
	}
	if !(peak.Value > 0) {
		return
	}
	for i := range r.Peaks {
		if p := &r.Peaks[i]; p.Resource == peak.Resource && p.ISA == peak.ISA && p.Threads == peak.Threads {
			p.Value = max(p.Value, peak.Value)
			return
		}
	}
	r.Peaks = append(r.Peaks, peak)
}

// Bandwidth returns what can be read from memory in B/s with a number of
// threads: as a Peak record says, or else a remark of the run.
func (r *Run) Bandwidth(threads int) (float64, bool) {
	for _, p := range r.Peaks {
		if p.Resource == "read" && p.Threads == threads {
			return p.Value, true
		}
	}
	best := 0.0
	for _, f := range r.Facts {
		if f.Key != "peak-read" {
			continue
		}
		for _, v := range f.Values {
			if x, err := strconv.ParseFloat(strings.TrimSuffix(v, " B/s"), 64); err == nil && !math.IsInf(x, 0) {
				best = max(best, x)
			}
		}
	}
	return best, best > 0
}
