package budget

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"sync"

	"github.com/attnbench/attnbench/kernels"
	"github.com/attnbench/attnbench/model"
)

// A Head tells where the attention of one head goes.
type Head struct {
	Layer, Head int

	Mass []float64 // share that flows to each segment, mean over the queries
	Last []float64 // the same of the last token alone, which the next is read from

	Entropy     float64 // of a query's weights in bits, mean over the queries
	LastEntropy float64

	First  float64 // share that flows to the first key
	Sink   int     // the key that draws most; see [SinkShare]
	Pull   float64 // mean share that it gets of the queries that see it
	IsSink bool    // Pull is above SinkShare

	Map Map
}

// SinkShare is the mean share above which a key is a sink (Gu et al., "When
// Attention Sink Emerges in Language Models", arXiv:2410.10781, who take 0.3).
// Keys that fewer than a quarter of the queries see are left out: of the last
// token's own key any weight would count.
const SinkShare = 0.3

// A Map is the weights of one head, queries by keys, put together in bins.
type Map struct {
	Side int // bins along each axis; bin b has the tokens from b·n/Side on

	// Cells has, for each pair of bins [Side, Side], the share of the queries' attention that the
	// keys get: mean over the queries, sum over the keys.
	Cells []float32
}

// An Attention tells where the attention of a whole model goes.
type Attention struct {
	Heads   []Head      // by layer, then by head
	Uniform []float64   // what each segment would get of a head that weighs all visible keys alike
	Flow    [][]float64 // [from segment][to segment]: mean over all heads and the queries of one
	Bits    float64     // entropy of such a head
}

// mapCells bounds the maps of all heads together.
const mapCells = 24 << 20

// mapSide returns how many bins a map has: one a token, or one for as many tokens
// as the bound wants.
func mapSide(tokens, heads int) int {
	most := max(1, int(math.Sqrt(float64(mapCells/heads))))
	width := (tokens + most - 1) / most
	return (tokens + width - 1) / width
}

// Look evaluates the attention of every head on a text. The pass itself runs on
// the kernel; the weights, which no fast kernel shows, are computed beside it from
// the same queries and keys.
func Look(ctx context.Context, m model.Model, t *Text, k kernels.Kernel, threads int) (*Attention, error) {
	if threads == 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	s := m.Shape()
	a := &Attention{Heads: make([]Head, s.Layers*s.Heads)}
	l := &looker{text: t, side: mapSide(len(t.IDs), s.Layers*s.Heads), a: a}
	_, err := m.Forward(ctx, model.Input{IDs: t.IDs}, model.Options{
		Kernels: []kernels.Kernel{k}, Threads: threads, Last: 1,
		OnAttention: func(layer int, call model.Attention) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return l.layer(layer, call, threads)
		},
	})
	if err != nil {
		return nil, err
	}
	l.finish()
	return a, nil
}

// A looker evaluates the layers as they come.
type looker struct {
	text *Text
	side int
	a    *Attention
	mu   sync.Mutex
	flow [][]float64 // sums over heads and queries
}

func (l *looker) layer(layer int, call model.Attention, threads int) error {
	p := call.Problem
	if p.Softcap != 0 || p.ALiBi || p.SinkLogits {
		return fmt.Errorf("attention of layer %d: its scores are not evaluated with a soft cap, biases or sink logits", layer)
	}
	if layer == 0 {
		l.uniform(p)
	}
	var heads sync.WaitGroup
	next := make(chan int)
	for range min(threads, p.Heads) {
		heads.Go(func() {
			for h := range next {
				l.a.Heads[layer*p.Heads+h] = l.head(layer, h, call)
			}
		})
	}
	for h := range p.Heads {
		next <- h
	}
	close(next)
	heads.Wait()
	return nil
}

// uniform fills what a head would do that weighs all visible keys alike.
func (l *looker) uniform(p kernels.Problem) {
	segments := len(l.text.Segments)
	l.a.Uniform, l.flow = make([]float64, segments), make([][]float64, segments)
	for i := range l.flow {
		l.flow[i] = make([]float64, segments)
	}
	for i := range p.QLen {
		seen := visible(p, i)
		for _, j := range seen {
			l.a.Uniform[l.text.Owner[j]] += 1 / float64(len(seen)) / float64(p.QLen)
		}
		l.a.Bits += math.Log2(float64(len(seen))) / float64(p.QLen)
	}
}

// visible lists the keys that a query sees.
func visible(p kernels.Problem, query int) []int {
	var keys []int
	for _, r := range p.AppendVisible(nil, 0, query) {
		for j := r.Lo; j < r.Hi; j++ {
			keys = append(keys, j)
		}
	}
	return keys
}

// head evaluates one head: P = softmax(scale·Q·Kᵀ) over the visible keys.
func (l *looker) head(layer, head int, call model.Attention) Head {
	p, segments := call.Problem, len(l.text.Segments)
	n := p.QLen
	h := Head{Layer: layer, Head: head, Mass: make([]float64, segments)}
	h.Map = Map{Side: l.side, Cells: make([]float32, l.side*l.side)}
	pull, seenBy := make([]float64, p.KVLen), make([]int, p.KVLen)
	flow := make([]float64, segments*segments)
	inBin := make([]float64, l.side)
	w, mass := newWeights(call, head), make([]float64, segments)
	for i := range n {
		row, entropy := w.row(i)
		clear(mass)
		bin := i * l.side / n
		cells := h.Map.Cells[bin*l.side:]
		inBin[bin]++
		for _, j := range w.keys {
			mass[l.text.Owner[j]] += row[j]
			pull[j] += row[j]
			seenBy[j]++
			cells[j*l.side/n] += float32(row[j])
		}
		h.Entropy += entropy / float64(n)
		for s, share := range mass {
			h.Mass[s] += share / float64(n)
			flow[l.text.Owner[i]*segments+s] += share
		}
		h.Last, h.LastEntropy = mass, entropy
	}
	for b, queries := range inBin {
		for c := range l.side {
			h.Map.Cells[b*l.side+c] /= float32(queries)
		}
	}
	h.First = pull[0] / float64(max(1, seenBy[0]))
	for j, sum := range pull {
		if 4*seenBy[j] >= n && sum/float64(seenBy[j]) > h.Pull {
			h.Sink, h.Pull = j, sum/float64(seenBy[j])
		}
	}
	h.IsSink = h.Pull > SinkShare
	l.add(flow)
	return h
}

// add adds a head's flow to that of all.
func (l *looker) add(flow []float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, row := range l.flow {
		for j := range row {
			row[j] += flow[i*len(row)+j]
		}
	}
}

// finish turns the sums of the flow into means.
func (l *looker) finish() {
	for i, row := range l.flow {
		for j := range row {
			row[j] /= float64(l.text.Len(i) * len(l.a.Heads))
		}
	}
	l.a.Flow = l.flow
}

// weights evaluates the rows of P of one head.
type weights struct {
	p      kernels.Problem
	q, k   kernels.Tensor
	head   int
	keys   []int     // those that the last row sees
	values []float64 // its weights, by key; others are stale
}

func newWeights(call model.Attention, head int) *weights {
	return &weights{p: call.Problem, q: call.Q, k: call.K, head: head, values: make([]float64, call.Problem.KVLen)}
}

// row returns the weights of a query by key, of which those in keys count, and
// their entropy in bits.
func (w *weights) row(query int) (weights []float64, entropy float64) {
	w.keys = w.keys[:0]
	q, scale := w.q.Row(0, w.head, query), w.p.EffectiveScale()
	kvHead := w.head / w.p.Group()
	top := math.Inf(-1)
	for _, r := range w.p.AppendVisible(nil, 0, query) {
		for j := r.Lo; j < r.Hi; j++ {
			s := scale * dot(q, w.k.Row(0, kvHead, j))
			w.values[j], w.keys, top = s, append(w.keys, j), max(top, s)
		}
	}
	// With e = exp(s − top) and Σ their sum, −Σ p·ln p = ln Σ − Σ e·(s − top)/Σ.
	sum, moment := 0.0, 0.0
	for _, j := range w.keys {
		below := w.values[j] - top
		e := math.Exp(below)
		w.values[j] = e
		sum, moment = sum+e, moment+e*below
	}
	for _, j := range w.keys {
		w.values[j] /= sum
	}
	return w.values, max(0, (math.Log(sum)-moment/sum)/math.Ln2)
}

// dot returns the inner product, summed in float64.
func dot(a, b []float32) float64 {
	b = b[:len(a)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(a); i += 4 {
		s0 += float64(a[i]) * float64(b[i])
		s1 += float64(a[i+1]) * float64(b[i+1])
		s2 += float64(a[i+2]) * float64(b[i+2])
		s3 += float64(a[i+3]) * float64(b[i+3])
	}
	for ; i < len(a); i++ {
		s0 += float64(a[i]) * float64(b[i])
	}
	return s0 + s1 + s2 + s3
}
