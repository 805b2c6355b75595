package kernels

import (
	"strings"
	"testing"
)

func TestBigBirdDrawsWhatItSays(t *testing.T) {
	const size, blocks, local, global, random = 16, 20, 2, 1, 3
	p := BigBird(size, size*blocks, local, global, random, 5)
	for q := range blocks {
		seen, drawn := 0, 0
		for _, run := range p.row(q * size) {
			for k := run.Lo / size; k*size < run.Hi; k++ {
				seen++
				if !within(q, k, local) && k >= global {
					drawn++
				}
			}
		}
		if q >= global && drawn != random || q < global && seen != blocks {
			t.Errorf("query block %d sees %d blocks, %d of them drawn", q, seen, drawn)
		}
	}
	again := BigBird(size, size*blocks, local, global, random, 5)
	other := BigBird(size, size*blocks, local, global, random, 6)
	same, differ := true, false
	for q := range blocks {
		for k := range blocks {
			sees := contains(p.rows[q], k*size)
			same = same && sees == contains(again.rows[q], k*size)
			differ = differ || sees != contains(other.rows[q], k*size)
		}
	}
	if !same || !differ {
		t.Errorf("the seed decides: same %v, differ %v", same, differ)
	}
}

func TestReadBlockPattern(t *testing.T) {
	p, err := ReadBlockPattern("mine", strings.NewReader("# two blocks\n1 0\n\n01 # diagonal\n"), 40)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pos, key int
		want     bool
	}{{0, 0, true}, {0, 20, false}, {19, 19, true}, {20, 19, false}, {39, 39, true}} {
		if got := contains(p.row(c.pos), c.key); got != c.want {
			t.Errorf("position %d sees key %d: %v", c.pos, c.key, got)
		}
	}
	if got := (Mask{Blocks: p}).String(); got != "pattern:mine" {
		t.Errorf("name %q", got)
	}
	for _, bad := range []string{"", "# nothing", "10\n1", "1x\n01", "100\n010\n001"} {
		if _, err := ReadBlockPattern("bad", strings.NewReader(bad), 40); err == nil {
			t.Errorf("%q: accepted", bad)
		}
	}
}
