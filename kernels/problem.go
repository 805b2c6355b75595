package kernels

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
)

// MaxHeadDim is the widest head a Problem may have.
const MaxHeadDim = 256

// A Problem states one attention call: for every batch element b, query head h
// and query i,
//
//	S[j] = Scale · Q[b,h,i]·K[b,h·KVHeads/Heads,j]   for every visible key j
//	S[j] = Softcap · tanh(S[j]/Softcap)              with a soft cap
//	S[j] = S[j] − slope(h)·|position(i) − j|         with ALiBi
//	O[b,h,i] = Σ_j exp(S[j])·V[b,h·KVHeads/Heads,j] / (Σ_j exp(S[j]) + exp(sink[h]))
//	lse[b,h,i] = ln Σ_j exp(S[j])
//
// where exp(sink[h]) is 0 without sink logits.
//
// The shapes are Q, O [Batch, Heads, QLen, HeadDim], K, V [Batch, KVHeads,
// KVLen, HeadDim] and lse [Batch, Heads, QLen].
type Problem struct {
	Batch   int
	Heads   int // query heads
	KVHeads int // key and value heads; divides Heads (GQA, arXiv:2305.13245)
	QLen    int
	KVLen   int
	HeadDim int
	Mask    Mask
	Scale   float64 // multiplies Q·K; 0 means 1/√HeadDim

	DType    DType // of Q and O; not Int8
	KVDType  DType // of K and V
	PageSize int   // keys a page of a paged K and V (arXiv:2309.06180); 0 means not paged

	Softcap    float64 // bounds the scores to ±Softcap (Gemma 2, arXiv:2408.00118); 0 means none
	ALiBi      bool    // linear distance biases (arXiv:2108.12409)
	SinkLogits bool    // a learned logit a head joins the softmax's sum; see Tensors.SinkLogits
}

// Validate reports every violation in one error, or nil.
func (p Problem) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, dim := range []struct {
		name  string
		value int
	}{{"batch", p.Batch}, {"heads", p.Heads}, {"kvHeads", p.KVHeads}, {"qLen", p.QLen}, {"kvLen", p.KVLen}, {"headDim", p.HeadDim}} {
		if dim.value <= 0 {
			add("%s %d: must be positive", dim.name, dim.value)
		}
	}
	if p.HeadDim > MaxHeadDim {
		add("headDim %d: must be at most %d", p.HeadDim, MaxHeadDim)
	}
	if p.Heads > 0 && p.KVHeads > 0 && p.Heads%p.KVHeads != 0 {
		add("heads %d: must be a multiple of kvHeads %d", p.Heads, p.KVHeads)
	}
	if math.IsNaN(p.Scale) || math.IsInf(p.Scale, 0) || p.Scale < 0 {
		add("scale %v: must be finite and positive, or 0 for 1/√headDim", p.Scale)
	}
	if math.IsNaN(p.Softcap) || math.IsInf(p.Softcap, 0) || p.Softcap < 0 {
		add("softcap %v: must be finite and positive, or 0 for none", p.Softcap)
	}
	for _, t := range []DType{p.DType, p.KVDType} {
		if int(t) >= len(dtypeNames) {
			add("%v: unknown element type", t)
		}
	}
	if p.DType == Int8 {
		add("Q and O of %v: must be float32, float16 or bfloat16; only K and V may be %[1]v", p.DType)
	}
	if p.PageSize < 0 {
		add("pageSize %d: must be positive, or 0 for no pages", p.PageSize)
	}
	if len(errs) == 0 {
		errs = append(errs, p.checkSize(), p.Mask.validate(p))
	}
	return errors.Join(errs...)
}

// maxTensorBytes bounds the bytes of Q, K, V and O together, so that a hostile
// size is refused before anything is allocated.
const maxTensorBytes = 1 << 40

func (p Problem) checkSize() error {
	q, okQ := product(p.Batch, p.Heads, p.QLen, p.HeadDim, int(p.DType.Size()))
	kv, okKV := product(p.Batch, p.KVHeads, p.KVLen, p.HeadDim, int(p.KVDType.Size()))
	if !okQ || !okKV || q > maxTensorBytes || kv > maxTensorBytes || 2*(q+kv) > maxTensorBytes {
		return fmt.Errorf("tensors of %.3g bytes: must be at most %d", p.tensorBytes(), int64(maxTensorBytes))
	}
	return nil
}

// tensorBytes is the size of Q, K, V and O as a float, which cannot overflow.
func (p Problem) tensorBytes() float64 {
	q := float64(p.Heads) * float64(p.QLen) * float64(p.DType.Size())
	kv := float64(p.KVHeads) * float64(p.KVLen) * float64(p.KVDType.Size())
	return 2 * float64(p.Batch) * float64(p.HeadDim) * (q + kv)
}

// product multiplies non-negative factors and reports whether it fits int64.
func product(factors ...int) (int64, bool) {
	n := uint64(1)
	for _, f := range factors {
		hi, lo := bits.Mul64(n, uint64(f))
		if hi != 0 || lo > math.MaxInt64 {
			return 0, false
		}
		n = lo
	}
	return int64(n), true
}

// EffectiveScale returns the factor that multiplies Q·K.
func (p Problem) EffectiveScale() float64 {
	if p.Scale != 0 {
		return p.Scale
	}
	return 1 / math.Sqrt(float64(p.HeadDim))
}

// Group returns how many query heads share one key head.
func (p Problem) Group() int { return p.Heads / p.KVHeads }

// Position returns the place of a query on the key axis: the last query of a
// sequence is aligned with its last key. It lies before the sequence's first
// key for queries that have none.
func (p Problem) Position(query int) int {
	_, pos := p.Mask.locate(query, p.QLen, p.KVLen)
	return pos
}

// ALiBiSlope returns the slope of a query head: the powers of 2^(−8/n) for n
// heads, n a power of two; for other counts those of the power of two below,
// then every other one of the power above, as the paper's authors have it.
func (p Problem) ALiBiSlope(head int) float64 {
	n := 1 << (bits.Len(uint(p.Heads)) - 1)
	if head < n {
		return math.Exp2(-8 * float64(head+1) / float64(n))
	}
	return math.Exp2(-8 * float64(2*(head-n)+1) / float64(2*n))
}

// AppendVisible appends to dst the key intervals that a query of a batch
// element may see, sorted, disjoint, not adjacent and not empty.
func (p Problem) AppendVisible(dst []Interval, batch, query int) []Interval {
	seq, pos := p.Mask.locate(query, p.QLen, p.KVLen)
	return p.Mask.appendVisible(dst, batch, seq, pos)
}
