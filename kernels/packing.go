package kernels

import (
	"fmt"
	"sort"
)

// A Packing lays sequences of different lengths end to end on the query and
// key axes of each batch element (varlen), so that no padding is computed: a
// query sees keys of its own sequence only, and the other parts of a Mask
// apply within it.
type Packing struct {
	Q, K []int // cumulative lengths: 0, n1, n1+n2, …, qLen or kvLen
}

// PackedBy returns a packing of length keys, and as many queries, into
// sequences of the given lengths; the last length repeats until all are used,
// and the last sequence may be shorter.
func PackedBy(length int, lens ...int) *Packing {
	ends := []int{0}
	for i, at := 0, 0; at < length; i++ {
		at += min(length-at, lens[min(i, len(lens)-1)])
		ends = append(ends, at)
	}
	return &Packing{Q: ends, K: ends}
}

// locate returns the keys of a query's sequence and its place among them.
func (k *Packing) locate(query int) (seq Interval, pos int) {
	s := sort.SearchInts(k.Q, query+1) - 1
	seq = Interval{k.K[s], k.K[s+1]}
	return seq, query - k.Q[s+1] + seq.Hi
}

func (k *Packing) validate(p Problem) error {
	if len(k.Q) != len(k.K) || len(k.Q) < 2 {
		return fmt.Errorf("mask: packing with %d and %d cumulative lengths: must be equally many, at least 2", len(k.Q), len(k.K))
	}
	for _, side := range []struct {
		name string
		ends []int
		want int
	}{{"query", k.Q, p.QLen}, {"key", k.K, p.KVLen}} {
		last := len(side.ends) - 1
		if side.ends[0] != 0 || side.ends[last] != side.want || !sort.IntsAreSorted(side.ends) {
			return fmt.Errorf("mask: packing's cumulative %s lengths from %d to %d: must rise from 0 to %d",
				side.name, side.ends[0], side.ends[last], side.want)
		}
	}
	return nil
}

// String returns the name that ParseMask reads, by the lengths of the keys.
func (k *Packing) String() string {
	var lens []int
	for i := range len(k.K) - 1 {
		lens = append(lens, k.K[i+1]-k.K[i])
	}
	if n := len(lens); n > 1 && lens[n-1] <= lens[n-2] {
		lens = lens[:n-1] // the length before it repeats
	}
	for n := len(lens); n > 1 && lens[n-1] == lens[n-2]; n-- {
		lens = lens[:n-1]
	}
	return "packed" + joinInts(lens)
}
