package cuda

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

func scheduleProblem(t *testing.T, mask string, batch, heads, kvHeads, qLen, kvLen int) kernels.Problem {
	t.Helper()
	m, err := kernels.ParseMask(mask, kvLen)
	if err != nil {
		t.Fatal(err)
	}
	p := kernels.Problem{Batch: batch, Heads: heads, KVHeads: kvHeads, QLen: qLen, KVLen: kvLen, HeadDim: 64, Mask: m}
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	return p
}

// TestSchedule expands schedules to single pairs and wants what the intervals
// say, both as a list and as a table.
func TestSchedule(t *testing.T) {
	for _, shape := range [][5]int{{1, 1, 1, 1, 1}, {2, 4, 2, 70, 130}, {2, 6, 2, 64, 64}, {1, 8, 1, 1, 200}, {1, 3, 1, 130, 47}, {2, 2, 2, 65, 257}} {
		specs := []string{"full", "causal", "window:5:3", "causal+window:70:0+sinks:3", "blocks:16:1:3", "sinks:2+window:0"}
		if shape[0] == 2 {
			specs = append(specs, "keylens:0:40", fmt.Sprintf("causal+keylens:64:%d", min(shape[4], 128)))
		}
		for _, mask := range specs {
			p := scheduleProblem(t, mask, shape[0], shape[1], shape[2], shape[3], shape[4])
			for _, tileRows := range []int{simtRows, mmaRows} {
				t.Run(fmt.Sprintf("%s/%v/%d", mask, shape, tileRows), func(t *testing.T) { checkSchedule(t, p, newSchedule(&p, tileRows)) })
			}
		}
	}
}

func checkSchedule(t *testing.T, p kernels.Problem, s *schedule) {
	want := make(map[[3]int]bool) // batch, packed row, key
	for b := range s.batches {
		for row := range s.rows {
			for _, v := range p.AppendVisible(nil, b, row/p.Group()) {
				for j := v.Lo; j < v.Hi; j++ {
					want[[3]int{b, row, j}] = true
				}
			}
		}
	}
	table := s.table()
	found := 0
	for b := range s.batches {
		for i := range s.rowTiles {
			at := b*s.startStride() + i
			visited := map[int32]int32{}
			for n, x := range s.tiles[s.starts[at]:s.starts[at+1]] {
				if n > 0 && x.keys <= s.tiles[int(s.starts[at])+n-1].keys {
					t.Fatal("tiles out of order")
				}
				visited[x.keys] = x.bits
				found += checkTile(t, s, want, b, i, x)
			}
			for k := range s.keyTiles {
				bits, ok := visited[int32(k)]
				if got := table[(b*s.rowTiles+i)*s.keyTiles+k]; ok && got != bits || !ok && got != noneVisible {
					t.Errorf("table of tile %d %d %d is %d, list has %d, %v", b, i, k, got, bits, ok)
				}
			}
		}
	}
	if found != len(want) {
		t.Errorf("%d visible pairs in the schedule, want %d", found, len(want))
	}
}

// checkTile returns how many pairs of a tile are visible; it wants a record to
// be neither empty nor full, and its last word to be the union of the others.
func checkTile(t *testing.T, s *schedule, want map[[3]int]bool, batch, rowTile int, x tile) int {
	n, union := 0, uint64(0)
	record := int(x.bits) * (s.tileRows + 1)
	for r := range s.tileRows {
		row := rowTile*s.tileRows + r
		word := ^uint64(0)
		if x.bits != allVisible {
			word = s.bits[record+r]
			union |= word
		}
		for j := range tileKeys {
			visible := word>>j&1 == 1 && row < s.rows
			if visible != want[[3]int{batch, row, int(x.keys)*tileKeys + j}] {
				t.Fatalf("row %d, key %d: visible is %v", row, int(x.keys)*tileKeys+j, visible)
			}
			if visible {
				n++
			}
		}
	}
	if x.bits != allVisible && union != s.bits[record+s.tileRows] {
		t.Errorf("union of a record is %x, want %x", s.bits[record+s.tileRows], union)
	}
	if n == 0 || x.bits != allVisible && n == s.tileRows*tileKeys {
		t.Errorf("tile %d of row tile %d has %d pairs and bits %d", x.keys, rowTile, n, x.bits)
	}
	return n
}

// TestScheduleShares wants a causal diagonal to be one record.
func TestScheduleShares(t *testing.T) {
	p := scheduleProblem(t, "causal", 3, 4, 4, 1024, 1024)
	if s := newSchedule(&p, simtRows); len(s.bits) != simtRows+1 || s.batches != 1 || len(s.tiles) != 16*17/2 {
		t.Errorf("%d words of records, %d batches, %d tiles: want 65, 1, 136", len(s.bits), s.batches, len(s.tiles))
	}
}

// TestParts wants parts that depend on the longest row of tiles alone, and none
// in prefill.
func TestParts(t *testing.T) {
	for _, x := range []struct{ qLen, kvLen, want int }{{1, 64, 1}, {1, 256, 1}, {1, 257, 2}, {16, 4096, 16}, {1, 1 << 17, 64}, {65, 4096, 1}} {
		for _, batch := range []int{1, 7} {
			p := scheduleProblem(t, "full", batch, 1, 1, x.qLen, x.kvLen)
			if got := newSchedule(&p, simtRows).parts(); got != x.want {
				t.Errorf("qLen %d, kvLen %d, batch %d: %d parts, want %d", x.qLen, x.kvLen, batch, got, x.want)
			}
		}
	}
}

func TestSupports(t *testing.T) {
	good := scheduleProblem(t, "causal", 1, 2, 1, 4, 4)
	if err := supports(good); err != nil {
		t.Error(err)
	}
	for what, change := range map[string]func(p *kernels.Problem){
		"dtype":   func(p *kernels.Problem) { p.KVDType = kernels.BFloat16 },
		"int8":    func(p *kernels.Problem) { p.KVDType = kernels.Int8 },
		"pages":   func(p *kernels.Problem) { p.PageSize = 16 },
		"softcap": func(p *kernels.Problem) { p.Softcap = 1 },
		"grid":    func(p *kernels.Problem) { p.Batch = maxGridYZ + 1 },
	} {
		p := good
		if change(&p); supports(p) == nil {
			t.Errorf("%s: supported", what)
		}
	}
}

func BenchmarkSchedule(b *testing.B) {
	for _, mask := range []string{"full", "causal", "window:256", "blocks:64:2:4"} {
		b.Run("mask="+mask, func(b *testing.B) {
			m, err := kernels.ParseMask(mask, 16384)
			if err != nil {
				b.Fatal(err)
			}
			p := kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: 16384, KVLen: 16384, HeadDim: 64, Mask: m}
			for b.Loop() {
				newSchedule(&p, simtRows)
			}
		})
	}
}
