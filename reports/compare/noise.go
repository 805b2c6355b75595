package compare

import (
	"fmt"
	"math"
	"slices"
)

// Noise is how much the same code differs from itself on this machine, from
// one run of it to the next.
type Noise struct {
	rows   map[noiseKey]float64 // the largest difference seen, as a share
	pooled map[string]float64   // by unit
	all    map[string][]float64 // by unit, for pooling
}

type noiseKey struct{ config, row, unit string }

// tail is the normal quantile of a two-sided 95%; madScale turns the median of
// absolute normal deviates into their standard deviation.
const (
	tail     = 1.96
	madScale = 1.4826
)

// NewNoise takes it from a report whose columns are runs of the same code.
//
// A row's floor is the larger of two: the difference that it showed itself, and
// what the differences of all rows of the unit say together, 1.96 times their
// robust standard deviation. One run against another gives each row a single
// draw, which may by luck be 0; all rows together do not have that luck.
func NewNoise(r *Report) (*Noise, error) {
	if len(r.Cols) < 2 {
		return nil, fmt.Errorf("%w: noise needs two runs of the same code", ErrNothing)
	}
	n := &Noise{map[noiseKey]float64{}, map[string]float64{}, map[string][]float64{}}
	for _, t := range r.Tables {
		for _, row := range t.Rows {
			n.add(t, row)
		}
	}
	for unit, list := range n.all {
		slices.Sort(list)
		n.pooled[unit] = tail * madScale * list[len(list)/2]
	}
	return n, nil
}

func (n *Noise) add(t *Table, row *Row) {
	for _, c := range row.Changes {
		if c == nil || !(c.Ratio > 0) {
			continue
		}
		d := math.Abs(math.Log(c.Ratio))
		key := noiseKey{configText(t.Config), row.Name, t.Unit}
		n.rows[key] = max(n.rows[key], d)
		n.all[t.Unit] = append(n.all[t.Unit], d)
	}
}

// floor returns the share of the base that the same code differs by, and
// whether it is known. A row that the noise runs lack has that of its unit.
func (n *Noise) floor(t *Table, row *Row) (float64, bool) {
	if n == nil {
		return 0, false
	}
	pooled, ok := n.pooled[t.Unit]
	return math.Expm1(max(pooled, n.rows[noiseKey{configText(t.Config), row.Name, t.Unit}])), ok
}
