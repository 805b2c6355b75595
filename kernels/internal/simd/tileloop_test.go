package simd

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// A tileLoop is flash attention of one head in its plainest form, full or
// causal, to show what the primitives reach in it. Keys are packed in chunks;
// a block of rows meets a chunk with one product, one softmax and another.
type tileLoop struct {
	f          *Funcs
	n, dim     int
	causal     bool
	q, k, v, o []float32 // [n, dim]
	kp, vp, qs []float32
	rowMax     []float32
	rowSum     []float32
	scale      []float32
	s          [2][]float32 // the scores of this block and of the next
	st         [2]State

	// lap is called after each piece of the work, where times are taken.
	lap func()
}

const tileLD = chunk + 16 // rows of S do not collide in the first-level cache

func newTileLoop(f *Funcs, n, dim int, causal bool) *tileLoop {
	l := &tileLoop{f: f, n: n, dim: dim, causal: causal, lap: func() {}}
	next := normal(uint64(n))
	for _, x := range []*[]float32{&l.q, &l.k, &l.v} {
		*x = aligned(n * dim)
		for i := range *x {
			(*x)[i] = next()
		}
	}
	l.o, l.qs = aligned(n*dim), aligned(n*dim)
	l.kp, l.vp = aligned(f.PackedLen(dim, chunk)), aligned(f.PackedLen(chunk, dim))
	l.rowMax, l.rowSum, l.scale = make([]float32, n), make([]float32, n), make([]float32, n)
	l.s = [2][]float32{aligned(MaxRows * tileLD), aligned(MaxRows * tileLD)}
	return l
}

func (l *tileLoop) run() {
	f, d := l.f, l.dim
	for i := range l.n {
		l.rowMax[i], l.rowSum[i] = negInf, 0
		l.scale[i] = float32(math.Log2E / math.Sqrt(float64(d)))
	}
	f.Scale(l.qs, d, l.q, d, l.n, d, l.scale)
	for lo := 0; lo < l.n; lo += chunk {
		keys := min(chunk, l.n-lo)
		f.PackTransposed(l.kp, l.k[lo*d:], d, keys, d, 1)
		f.Pack(l.vp, l.v[lo*d:], d, keys, d)
		l.lap()
		l.chunk(lo, keys)
	}
	for i, sum := range l.rowSum {
		l.scale[i] = 1 / sum
	}
	f.Scale(l.o, d, l.o, d, l.n, d, l.scale)
	l.lap()
}

// chunk takes the scores of a block before the block in front of it attends:
// nothing waits for a row's maximum that way.
func (l *tileLoop) chunk(lo, keys int) {
	at := 0
	if l.causal {
		at = lo / l.f.Rows * l.f.Rows
	}
	seen := l.scores(at, lo, keys)
	for ; at < l.n; at += l.f.Rows {
		next := 0
		l.s[0], l.s[1], l.st[0], l.st[1] = l.s[1], l.s[0], l.st[1], l.st[0]
		if at+l.f.Rows < l.n {
			next = l.scores(at+l.f.Rows, lo, keys)
		}
		st := &l.st[1]
		st.RowMax, st.RowSum = l.rowMax[at:], l.rowSum[at:]
		l.f.Attend(l.o[at*l.dim:], l.dim, l.s[1], tileLD, l.f.Packed(l.vp, keys), min(l.f.Rows, l.n-at), seen, l.dim, st)
		seen = next
		if at/l.f.Rows%16 == 15 {
			l.lap()
		}
	}
	l.lap()
}

// scores puts those of the block at row at into s[0] and returns how many keys
// it sees.
func (l *tileLoop) scores(at, lo, keys int) int {
	f, d := l.f, l.dim
	rows, s, st := min(f.Rows, l.n-at), l.s[0], &l.st[0]
	if l.causal {
		keys = min(keys, at+rows-lo)
	}
	if !l.causal || at+1-lo >= keys {
		f.MulMax(s, tileLD, l.qs[at*d:], d, f.Packed(l.kp, d), rows, d, keys, st.Max[:], nil)
		return keys
	}
	f.Mul(s, tileLD, l.qs[at*d:], d, f.Packed(l.kp, d), rows, d, keys)
	for i := range rows {
		for j := max(0, at+i+1-lo); j < keys; j++ {
			s[i*tileLD+j] = negInf
		}
	}
	f.RowMax(s, tileLD, rows, keys, st.Max[:])
	return keys
}

func (l *tileLoop) flops() float64 {
	if l.causal {
		return 2 * float64(l.n) * float64(l.n+1) * float64(l.dim)
	}
	return 4 * float64(l.n) * float64(l.n) * float64(l.dim)
}

func TestTileLoop(t *testing.T) {
	eachVariant(t, func(t *testing.T, f *Funcs) {
		for _, n := range []int{1, 5, 77, 515, 1030} {
			for _, dim := range []int{15, 64, 128} {
				for _, causal := range []bool{false, true} {
					l := newTileLoop(f, n, dim, causal)
					l.run()
					l.check(t)
				}
			}
		}
	})
}

// check holds some rows against float64.
func (l *tileLoop) check(t *testing.T) {
	t.Helper()
	for i := 0; i < l.n; i += 1 + l.n/7 {
		keys := l.n
		if l.causal {
			keys = i + 1
		}
		p, sum := make([]float64, keys), 0.0
		for j := range p {
			for c := range l.dim {
				p[j] += float64(l.q[i*l.dim+c]) * float64(l.k[j*l.dim+c])
			}
			p[j] = math.Exp(p[j] / math.Sqrt(float64(l.dim)))
			sum += p[j]
		}
		for c := range l.dim {
			want := 0.0
			for j := range p {
				want += p[j] / sum * float64(l.v[j*l.dim+c])
			}
			if got := l.o[i*l.dim+c]; math.Abs(float64(got)-want) > 2e-6 {
				t.Fatalf("n=%d/dim=%d/causal=%v: element %d,%d is %g, want %g", l.n, l.dim, l.causal, i, c, got, want)
			}
		}
	}
}

// bestPieces adds up the least time of each piece of the work over the runs:
// on a busy machine no run is free of interruptions, but each piece has one
// that is.
type bestPieces struct {
	best []time.Duration
	next int
	last time.Time
}

func (p *bestPieces) start() { p.next, p.last = 0, time.Now() }

func (p *bestPieces) lap() {
	now := time.Now()
	if p.next == len(p.best) {
		p.best = append(p.best, now.Sub(p.last))
	}
	p.best[p.next] = min(p.best[p.next], now.Sub(p.last))
	p.next++
	p.last = time.Now()
}

func (p *bestPieces) seconds() float64 {
	sum := 0.0
	for _, d := range p.best {
		sum += d.Seconds()
	}
	return sum
}

// BenchmarkTileLoop also reports the rate of the undisturbed pieces, and its
// share of that of undisturbed multiply-adds.
func BenchmarkTileLoop(b *testing.B) {
	eachBench(b, func(b *testing.B, f *Funcs) {
		for _, dim := range []int{64, 128} {
			for _, causal := range []bool{false, true} {
				for _, n := range []int{512, 2048, 4096} {
					b.Run(fmt.Sprintf("dim=%d/causal=%v/n=%d", dim, causal, n), func(b *testing.B) {
						l := newTileLoop(f, n, dim, causal)
						var work, peak bestPieces
						l.lap = work.lap
						for b.Loop() {
							peak.start()
							f.FMA(2000)
							peak.lap()
							work.start()
							l.run()
						}
						report(b, int(l.flops()))
						rate := l.flops() / work.seconds()
						b.ReportMetric(rate, "best-FLOP/s")
						b.ReportMetric(rate/(float64(f.FMA(2000))/peak.seconds()), "best/peak")
					})
				}
			}
		}
	})
}
