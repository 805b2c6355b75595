package faults

import "github.com/attnbench/attnbench/kernels"

// maskFaults see too much or too little.
var maskFaults = []Fault{
	sees("top-left", "the causal diagonal starts at the first key, whatever the lengths", func(p kernels.Problem, b, i int) []int {
		p.QLen = p.KVLen
		return visibleKeys(p, b, i)
	}),
	sees("mask-late", "the whole mask is one key late: a query sees its successor", func(p kernels.Problem, b, i int) []int {
		if p.Mask.Packing != nil {
			return visibleKeys(p, b, min(i+1, p.QLen-1))
		}
		return visibleKeys(p, b, i+1)
	}),
	sees("diagonal-lost", "causal means before itself, not up to itself", func(p kernels.Problem, b, i int) []int {
		if p.Mask.Causal {
			return upTo(visibleKeys(p, b, i), p.Position(i))
		}
		return visibleKeys(p, b, i)
	}),
	sees("mask-ignored", "every key is visible", masked(func(m *kernels.Mask) { *m = kernels.Mask{} })),
	sees("causal-ignored", "the future is visible", masked(func(m *kernels.Mask) { m.Causal = false })),
	sees("window-left-wide", "the window has a key more on the left", window(1, 0)),
	sees("window-left-narrow", "the window has a key less on the left", window(-1, 0)),
	sees("window-right-wide", "the window has a key more on the right", window(0, 1)),
	sees("window-right-narrow", "the window has a key less on the right", window(0, -1)),
	sees("window-right-clipped", "the window's right side ends with the tile after the query's", masked(func(m *kernels.Mask) {
		if m.Window != nil {
			m.Window.Right = min(m.Window.Right, 2*tileKV)
		}
	})),
	sees("sinks-ignored", "leading keys fall out of the window", masked(func(m *kernels.Mask) { m.Sinks = 0 })),
	sees("sinks-leak", "leading keys are visible before their time and past the key lengths", sinksLeak),
	sees("keylens-ignored", "padding is attended to", masked(func(m *kernels.Mask) { m.KeyLens = nil })),
	sees("keylens-of-first", "every batch element has the first one's length", func(p kernels.Problem, b, i int) []int {
		return visibleKeys(p, 0, i)
	}),
	sees("packing-ignored", "packed sequences see each other", masked(func(m *kernels.Mask) { m.Packing = nil })),
	sees("blocks-ignored", "the block pattern is full attention", masked(func(m *kernels.Mask) { m.Blocks = nil })),
	sees("blocks-late", "a query has the pattern of the block after its own", func(p kernels.Problem, b, i int) []int {
		if p.Mask.Blocks != nil {
			i += p.Mask.Blocks.Size()
		}
		return visibleKeys(p, b, i)
	}),
	sees("last-key-dropped", "the loop over keys ends one early", func(p kernels.Problem, b, i int) []int {
		keys := visibleKeys(p, b, i)
		return keys[:max(0, len(keys)-1)]
	}),
	sees("remainder-dropped", "keys after the last whole tile are left out", func(p kernels.Problem, b, i int) []int {
		keys := visibleKeys(p, b, i)
		if whole := len(keys) / tileKV * tileKV; whole > 0 {
			return keys[:whole]
		}
		return keys
	}),
	sees("decode-remainder", "with one query, a remainder of five keys is taken for four", func(p kernels.Problem, b, i int) []int {
		keys := visibleKeys(p, b, i)
		if p.QLen == 1 && len(keys)%tileKV == 5 {
			return keys[:len(keys)-1]
		}
		return keys
	}),
}

// sees plants a fault in what a query sees.
func sees(name, wrong string, keys func(p kernels.Problem, batch, query int) []int) Fault {
	return plant(name, wrong, func(k *kernel) { k.keys = keys })
}

// masked sees by a changed mask.
func masked(change func(m *kernels.Mask)) func(p kernels.Problem, batch, query int) []int {
	return func(p kernels.Problem, b, i int) []int {
		if w := p.Mask.Window; w != nil {
			own := *w
			p.Mask.Window = &own
		}
		change(&p.Mask)
		return visibleKeys(p, b, i)
	}
}

// window sees by a window whose bounded sides are so much wider.
func window(left, right int) func(p kernels.Problem, batch, query int) []int {
	return masked(func(m *kernels.Mask) {
		if w := m.Window; w != nil {
			w.Left, w.Right = widen(w.Left, left), widen(w.Right, right)
		}
	})
}

func widen(side, by int) int {
	if side < 0 {
		return side
	}
	return max(0, side+by)
}

// sinksLeak lets the sinks override causality and key lengths.
func sinksLeak(p kernels.Problem, b, i int) []int {
	var keys []int
	for j := range min(p.Mask.Sinks, p.KVLen) {
		keys = append(keys, j)
	}
	for _, j := range visibleKeys(p, b, i) {
		if j >= p.Mask.Sinks {
			keys = append(keys, j)
		}
	}
	return keys
}

// upTo returns the keys before end.
func upTo(keys []int, end int) []int {
	for n, j := range keys {
		if j >= end {
			return keys[:n]
		}
	}
	return keys
}
