package flash

import (
	"fmt"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// TestReadFetchesOnce walks through the keys as attend does: each one but the
// first must be fetched once, before it is read, wherever its page lies.
func TestReadFetchesOnce(t *testing.T) {
	for _, pageSize := range []int{0, 16, 48, 64, 96, 1000} {
		for _, dtype := range []kernels.DType{kernels.Float32, kernels.BFloat16} {
			for _, heads := range []int{2, 16} {
				p := kernels.Problem{
					Batch: 2, Heads: heads, KVHeads: 2, QLen: 1, KVLen: 1501, HeadDim: 96,
					KVDType: dtype, PageSize: pageSize,
				}
				t.Run(fmt.Sprintf("page=%d/%v/heads=%d", pageSize, dtype, heads), func(t *testing.T) { readFetchesOnce(t, p) })
			}
		}
	}
}

func readFetchesOnce(t *testing.T, p kernels.Problem) {
	plan, err := kernel{}.Plan(p, kernels.Options{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	defer plan.Close()
	if err := plan.Bind(kernels.NewTensors(p)); err != nil {
		t.Fatal(err)
	}
	d := plan.(*decoder)
	first, rowBytes := d.ahead, p.HeadDim*int(p.KVDType.Size())
	if p.PageSize > 0 {
		first = d.aheadPages * p.PageSize
	}
	if first*rowBytes < nearBytes {
		t.Errorf("%d keys ahead: too few", first)
	}
	for item := range p.Batch * p.KVHeads {
		batch, head := item/p.KVHeads, item%p.KVHeads
		fetched := map[int]int{}
		for key := 0; key < p.KVLen; {
			at, n, next, _ := d.read(&d.V, batch, head, key, min(key/stretchKeys*stretchKeys+stretchKeys, p.KVLen))
			if want := d.V.Offset(batch, head, key); n < 1 || at != want {
				t.Fatalf("batch %d, head %d: key %d and %d more lie at %d, want %d", batch, head, key, n-1, at, want)
			}
			for i := 0; i < n && next >= 0; i++ {
				fetched[next+i*d.V.RowStride]++
			}
			key += n
		}
		for key := range p.KVLen {
			want := 1
			if key < first {
				want = 0
			}
			if got := fetched[d.V.Offset(batch, head, key)]; got != want {
				t.Fatalf("batch %d, head %d: key %d is fetched %d times, want %d", batch, head, key, got, want)
			}
		}
	}
}

// Every split is computed once, and workers that take items by turns have neighbours.
func TestSplitOrder(t *testing.T) {
	for splits := range 20 {
		for workers := 1; workers < 6; workers++ {
			d, seen, last := &decoder{splits: splits, workers: make([]stream, workers)}, map[int]bool{}, make([]int, workers)
			for i := range splits {
				split := d.split(i)
				if split < 0 || split >= splits || seen[split] {
					t.Fatalf("%d splits, %d workers: item %d is split %d", splits, workers, i, split)
				}
				if i >= workers && split != last[i%workers]+1 {
					t.Fatalf("%d splits, %d workers: split %d follows %d", splits, workers, split, last[i%workers])
				}
				seen[split], last[i%workers] = true, split
			}
		}
	}
}
