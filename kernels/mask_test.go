package kernels

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// sees is visibility spelled out pair by pair, as an oracle for the intervals.
func sees(p Problem, batch, i, j int) bool {
	m, pos, first := p.Mask, i+p.KVLen-p.QLen, 0
	if m.Packing != nil {
		for s, end := range m.Packing.Q[1:] {
			if i < end && i >= m.Packing.Q[s] {
				if j < m.Packing.K[s] || j >= m.Packing.K[s+1] {
					return false
				}
				first, pos = m.Packing.K[s], m.Packing.K[s+1]-(end-i)
			}
		}
	}
	if m.KeyLens != nil && j >= m.KeyLens[batch] {
		return false
	}
	if m.Causal && j > pos {
		return false
	}
	if j < first+m.Sinks {
		return true
	}
	if w := m.Window; w != nil && (w.Left >= 0 && j < pos-w.Left || w.Right >= 0 && j > pos+w.Right) {
		return false
	}
	if b := m.Blocks; b != nil {
		if pos < 0 || pos >= p.KVLen {
			return false
		}
		q, k := pos/b.size, j/b.size
		if n := numbersOf(b.name); !strings.HasPrefix(b.name, "blocks") {
			return k-q < n[1] && q-k < n[1] || q < n[2] || k < n[2] || len(n) > 3 && contains(b.rows[q], j)
		}
		var size, local, stride int
		if n, _ := fmt.Sscanf(b.name, "blocks:%d:%d:%d", &size, &local, &stride); n < 2 {
			panic(b.name)
		}
		return k-q < local && q-k < local || stride > 0 && k%stride == 0
	}
	return true
}

func testMasks(kvLen int) []string {
	return []string{
		"full", "causal", "window:0", "window:3", "window:-1:2", "window:2:5", "sinks:2",
		"causal+sinks:4", "window:2+sinks:3", "causal+window:4:4+sinks:1", "sinks:1000",
		"blocks:16:1", "blocks:16:1:3", "causal+blocks:16:2:4", "causal+window:20+sinks:2+blocks:16:1:2",
		"longformer:16:1:1", "causal+longformer:16:2:1", "bigbird:16:1:1:2:7", "packed:10", "causal+packed:5:17", "causal+window:3+sinks:2+packed:9:20:4", "blocks:16:1+packed:30",
		fmt.Sprintf("keylens:%d:0", kvLen/2), fmt.Sprintf("causal+window:5+sinks:2+keylens:%d:%d", kvLen, kvLen-kvLen/3),
	}
}

func forEachMask(t *testing.T, f func(t *testing.T, p Problem)) {
	for _, lens := range [][2]int{{1, 1}, {7, 7}, {5, 64}, {64, 50}, {33, 70}, {1, 97}} {
		for _, spec := range testMasks(lens[1]) {
			m, err := ParseMask(spec, lens[1])
			if err != nil {
				t.Fatal(err)
			}
			if m.Packing != nil {
				m.Packing.Q = PackedBy(lens[0], 3, 7).Q
				for len(m.Packing.Q) < len(m.Packing.K) { // sequences without queries
					m.Packing.Q = append(m.Packing.Q, lens[0])
				}
				for len(m.Packing.K) < len(m.Packing.Q) { // and without keys
					m.Packing.K = append(slices.Clone(m.Packing.K), lens[1])
				}
			}
			p := Problem{Batch: 2, Heads: 4, KVHeads: 2, QLen: lens[0], KVLen: lens[1], HeadDim: 8, Mask: m}
			t.Run(fmt.Sprintf("mask=%s/qlen=%d/kvlen=%d", spec, lens[0], lens[1]), func(t *testing.T) {
				if err := p.Validate(); err != nil {
					t.Fatal(err)
				}
				f(t, p)
			})
		}
	}
}

func TestVisibleAgainstPairs(t *testing.T) {
	forEachMask(t, func(t *testing.T, p Problem) {
		pairs := int64(0)
		anyone := map[[2]int]bool{}
		for b := range p.Batch {
			for i := range p.QLen {
				row := p.AppendVisible(nil, b, i)
				checkSorted(t, row)
				for j := range p.KVLen {
					want := sees(p, b, i, j)
					if got := contains(row, j); got != want {
						t.Fatalf("batch %d query %d key %d: visible %v, want %v (%v)", b, i, j, got, want, row)
					}
					if want {
						pairs++
						anyone[[2]int{b, j}] = true
					}
				}
			}
			for j := range p.KVLen {
				if got := contains(p.VisibleKeys(b), j); got != anyone[[2]int{b, j}] {
					t.Fatalf("batch %d key %d: visible to anyone %v", b, j, got)
				}
			}
		}
		if got := p.Pairs(); got != pairs*int64(p.Heads) {
			t.Errorf("Pairs %d, want %d", got, pairs*int64(p.Heads))
		}
		if got := p.FLOPs(); got != 4*8*pairs*4 {
			t.Errorf("FLOPs %d", got)
		}
		if got, want := p.CompulsoryBytes(), int64(2*2*4*p.QLen+2*2*len(anyone))*8*4; got != want {
			t.Errorf("CompulsoryBytes %d, want %d", got, want)
		}
	})
}

func TestRowsClassAgainstPairs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	forEachMask(t, func(t *testing.T, p Problem) {
		rows := NewRows(&p, p.QLen)
		before := rows.Bytes()
		for range 50 {
			b := rng.IntN(p.Batch)
			q := Interval{rng.IntN(p.QLen), p.QLen}
			q.Hi = q.Lo + 1 + rng.IntN(p.QLen-q.Lo)
			k := Interval{rng.IntN(p.KVLen), p.KVLen}
			k.Hi = k.Lo + 1 + rng.IntN(p.KVLen-k.Lo)
			rows.Reset(b, q)
			checkSorted(t, rows.Union())
			for j := range p.KVLen {
				if got, want := contains(rows.Union(), j), classByPairs(p, b, q, Interval{j, j + 1}) != Empty; got != want {
					t.Fatalf("batch %d queries %v key %d: in union %v, want %v", b, q, j, got, want)
				}
			}
			checkSorted(t, rows.Common())
			for j := range p.KVLen {
				if got, want := contains(rows.Common(), j), classByPairs(p, b, q, Interval{j, j + 1}) == Full; got != want {
					t.Fatalf("batch %d queries %v key %d: common %v, want %v", b, q, j, got, want)
				}
			}
			if got, want := rows.Class(k), classByPairs(p, b, q, k); got != want {
				t.Fatalf("batch %d tile %v×%v: class %d, want %d", b, q, k, got, want)
			}
		}
		if rows.Bytes() != before {
			t.Errorf("Rows grew from %d to %d bytes", before, rows.Bytes())
		}
	})
}

func classByPairs(p Problem, b int, q, k Interval) TileClass {
	n := 0
	for i := q.Lo; i < q.Hi; i++ {
		for j := k.Lo; j < k.Hi; j++ {
			if sees(p, b, i, j) {
				n++
			}
		}
	}
	switch n {
	case 0:
		return Empty
	case q.Len() * k.Len():
		return Full
	}
	return Partial
}

func numbersOf(name string) []int {
	_, n, err := parseMaskPart(name)
	if err != nil {
		panic(err)
	}
	return n
}

func contains(row []Interval, j int) bool {
	for _, v := range row {
		if v.Lo <= j && j < v.Hi {
			return true
		}
	}
	return false
}

func checkSorted(t *testing.T, row []Interval) {
	for n, v := range row {
		if v.Len() == 0 || n > 0 && row[n-1].Hi >= v.Lo {
			t.Fatalf("intervals %v: not sorted, disjoint and apart", row)
		}
	}
}

func TestMaskStringRoundTrip(t *testing.T) {
	for _, spec := range testMasks(64) {
		m, err := ParseMask(spec, 64)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseMask(m.String(), 64)
		if err != nil {
			t.Fatal(err)
		}
		if m.String() != spec || again.String() != spec {
			t.Errorf("%q became %q, then %q", spec, m, again)
		}
	}
}

func TestParseMaskRefuses(t *testing.T) {
	for _, spec := range []string{
		"", "Causal", "causal+", "causal:1", "window", "window:", "window:x", "window:-2", "window:1:2:3",
		"sinks:-1", "sinks", "keylens", "blocks:8:1", "blocks:16:0", "blocks:16", "blocks:16:-1:2",
		"causal+causal", "full+causal", "longformer:16:1", "bigbird:16:1:1", "bigbird:16:0:0:0", "blocks:16:1+longformer:16:1:1", "packed", "packed:0", "packed:3:-1", "window:99999999999999999999",
	} {
		_, err := ParseMask(spec, 64)
		if err == nil {
			t.Errorf("%q was accepted", spec)
		} else if !strings.Contains(err.Error(), fmt.Sprintf("%q", spec)) || !strings.Contains(err.Error(), "window:L[:R]") {
			t.Errorf("%q: error names neither value nor grammar: %v", spec, err)
		}
	}
}
