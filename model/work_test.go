package model

import (
	"os"
	"testing"
)

// TestWork counts by hand: 2 for each weight that a token meets, and 4·headDim
// for each pair of tokens that see each other.
func TestWork(t *testing.T) {
	const n, rows = 10, 3
	pairs := int64(n * (n + 1) / 2)
	for _, c := range []struct {
		folder string
		want   map[Phase]int64
	}{
		{"../testdata/opticks-1m", map[Phase]int64{ // 4 layers of width 128, 4 heads, vocabulary 256
			PhaseQKV: 4 * n * 2 * 128 * 384, PhaseAttention: 4 * 4 * pairs * 4 * 32, PhaseProjection: 4 * n * 2 * 128 * 128,
			PhaseMLP: 4 * n * 2 * 2 * 128 * 512, PhaseHead: rows * 2 * 128 * 256,
		}},
	} {
		m := mustLoad(t, os.DirFS(c.folder))
		got := Work(m, n, rows)
		if len(got) != len(c.want) {
			t.Errorf("%s: %v, want %v", c.folder, got, c.want)
		}
		for phase, want := range c.want {
			if got[phase] != want {
				t.Errorf("%s: %s %d, want %d", c.folder, phase, got[phase], want)
			}
		}
	}
}

// TestWorkCountsWeights: the work of a token, attention aside, is twice the
// weights of the matrices, whatever the family.
func TestWorkCountsWeights(t *testing.T) {
	for _, name := range []string{"tiny-untied", "tiny-bert", "tiny-llama", "tiny-llama-bf16", "opticks-1m"} {
		m := mustLoad(t, folder(t, name, nil))
		var weights int64
		for _, p := range matrices(m) {
			weights += int64(p.in * p.out)
		}
		var got int64
		for phase, work := range Work(m, 1, 1) {
			if phase != PhaseAttention {
				got += work
			}
		}
		if got != 2*weights {
			t.Errorf("%s: %d operations, want twice its %d weights", name, got, weights)
		}
	}
}

// matrices lists what a token is multiplied by.
func matrices(m Model) (list []projection) {
	switch m := m.(type) {
	case *gpt2:
		for _, l := range m.layers {
			list = append(list, l.qkv, l.proj, l.up, l.down)
		}
		return append(list, m.head)
	case *llama:
		for _, l := range m.layers {
			list = append(list, l.query, l.key, l.value, l.out, l.gate, l.up, l.down)
		}
		return append(list, m.head)
	case *bert:
		for _, l := range m.layers {
			list = append(list, l.query, l.key, l.value, l.out, l.up, l.down)
		}
		if m.masked != nil {
			list = append(list, m.masked.transform, m.masked.decoder)
		}
		return list
	}
	panic("unknown family")
}
