package budget

import (
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
	"github.com/attnbench/attnbench/model"
	"github.com/attnbench/attnbench/model/profile"
	"github.com/attnbench/attnbench/model/tokenizer"
)

func load(t *testing.T, name string) model.Model {
	t.Helper()
	m, err := model.Load(os.DirFS("../../testdata/" + name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func kernel(t *testing.T, name string) kernels.Kernel {
	t.Helper()
	k, err := kernels.Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-5 }

// framed puts 1 before and 2, 3 after the bytes of a text.
type framed struct{ tokenizer.Bytes }

func (f framed) Encode(text string) ([]int, error) {
	ids, err := f.Bytes.Encode(text)
	return append(append([]int{1}, ids...), 2, 3), err
}

func TestNewText(t *testing.T) {
	const prompt = "system: be brief\ndocument\nquestion?"
	parts := []Part{{"question", "question?\n"}, {"system", "system: be brief"}}
	for _, c := range []struct {
		enc  Encoder
		want string
	}{
		{tokenizer.Bytes{}, "system 16, rest 10, question 9"},
		{framed{}, "special 3, system 16, rest 10, question 9"},
	} {
		text, err := NewText(c.enc, prompt, parts)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for s, name := range text.Segments {
			got = append(got, fmt.Sprint(name, " ", text.Len(s)))
		}
		if strings.Join(got, ", ") != c.want {
			t.Errorf("segments %v, want %s", got, c.want)
		}
		whole, _ := c.enc.Encode(prompt)
		if !slices.Equal(whole, text.IDs) {
			t.Errorf("ids %v, want %v", text.IDs, whole)
		}
	}
	text, _ := NewText(tokenizer.Bytes{}, prompt, parts)
	if got := text.Without(0); string(bytesOf(got)) != "\ndocument\nquestion?" {
		t.Errorf("without the first: %q", bytesOf(got))
	}
	text.Cut(20)
	if len(text.Segments) != 2 || text.Len(0) != 16 || text.Len(1) != 4 {
		t.Errorf("cut to 20: %v", text)
	}
}

func bytesOf(ids []int) (b []byte) {
	for _, id := range ids {
		b = append(b, byte(id))
	}
	return b
}

func TestNewTextQuarters(t *testing.T) {
	for n, want := range map[int]int{1: 1, 3: 3, 4: 4, 11: 4} {
		text, err := NewText(tokenizer.Bytes{}, strings.Repeat("x", n), nil)
		if err != nil || len(text.Segments) != want {
			t.Fatalf("%d tokens: %v, error %v", n, text, err)
		}
		total := 0
		for s := range text.Segments {
			if text.Len(s) < n/4 || text.Len(s) == 0 {
				t.Errorf("%d tokens: segment %d has %d", n, s, text.Len(s))
			}
			total += text.Len(s)
		}
		if total != n || !slices.IsSorted(text.Owner) {
			t.Errorf("%d tokens: owners %v", n, text.Owner)
		}
	}
}

func TestNewTextErrors(t *testing.T) {
	for _, c := range []struct {
		parts []Part
		want  string
	}{
		{[]Part{{"a", "none of it"}}, `segment "a": its text is 0 times in the prompt`},
		{[]Part{{"a", "one"}}, `segment "a": its text is 2 times`},
		{[]Part{{"a", ""}}, `segment "a": is empty`},
		{[]Part{{"a", "\n"}}, `segment "a": is empty`},
		{[]Part{{"rest", "two"}}, `segment "rest": want another name`},
		{[]Part{{"a", "two"}, {"a", "three"}}, `segment "a": is named twice`},
		{[]Part{{"a", "two thr"}, {"b", "three"}}, `segments "a" and "b": overlap`},
	} {
		_, err := NewText(tokenizer.Bytes{}, "one two three one", c.parts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: error %v, want %q in it", c.parts, err, c.want)
		}
	}
}

// TestLookAgainstTheKernel: the weights give the output that the kernel gives,
// in grouped heads and sliding windows too.
func TestLookAgainstTheKernel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, p := range []kernels.Problem{
		{Batch: 1, Heads: 4, KVHeads: 2, QLen: 33, KVLen: 33, HeadDim: 15, Mask: kernels.Mask{Causal: true}},
		{Batch: 1, Heads: 2, KVHeads: 2, QLen: 20, KVLen: 20, HeadDim: 8, Scale: 0.7},
		{Batch: 1, Heads: 2, KVHeads: 1, QLen: 20, KVLen: 20, HeadDim: 8, Mask: kernels.Mask{Causal: true, Window: &kernels.Window{Left: 4, Right: -1}}},
	} {
		call := model.Attention{Problem: p, Q: kernels.NewTensor(1, p.Heads, p.QLen, p.HeadDim),
			K: kernels.NewTensor(1, p.KVHeads, p.KVLen, p.HeadDim), V: kernels.NewTensor(1, p.KVHeads, p.KVLen, p.HeadDim)}
		for _, x := range [][]float32{call.Q.Float32, call.K.Float32, call.V.Float32} {
			for i := range x {
				x[i] = float32(2 * r.NormFloat64())
			}
		}
		o := kernels.NewTensor(1, p.Heads, p.QLen, p.HeadDim)
		plan, err := kernel(t, "naive").Plan(p, kernels.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := plan.Bind(kernels.Tensors{Q: call.Q, K: call.K, V: call.V, O: o}); err != nil {
			t.Fatal(err)
		}
		if err := plan.Run(); err != nil {
			t.Fatal(err)
		}
		plan.Close()
		for head := range p.Heads {
			w := newWeights(call, head)
			for i := range p.QLen {
				row, entropy := w.row(i)
				want, h := make([]float64, p.HeadDim), 0.0
				for _, j := range w.keys {
					h -= row[j] * math.Log2(row[j])
					for d, v := range call.V.Row(0, head/p.Group(), j) {
						want[d] += row[j] * float64(v)
					}
				}
				for d, got := range o.Row(0, head, i) {
					if !near(float64(got), want[d]) {
						t.Fatalf("%v: head %d, query %d: %v, want %v", p.Mask, head, i, got, want[d])
					}
				}
				if !near(h, entropy) {
					t.Fatalf("entropy %v, want %v", entropy, h)
				}
			}
		}
	}
}

// TestLook: shares add up to 1 everywhere, and the maps say the same as the
// masses.
func TestLook(t *testing.T) {
	for _, name := range []string{"opticks-1m", "tiny-llama", "tiny-bert"} {
		m := load(t, name)
		text := &Text{Segments: []string{"a", "b"}}
		for i := range min(50, m.Shape().Context) {
			text.IDs, text.Owner = append(text.IDs, i*i%m.Shape().Vocab), append(text.Owner, i/10%2)
		}
		a, err := Look(t.Context(), m, text, kernel(t, "flash"), 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Heads) != m.Shape().Layers*m.Shape().Heads || !near(a.Uniform[0]+a.Uniform[1], 1) {
			t.Errorf("%s: %d heads, uniform %v", name, len(a.Heads), a.Uniform)
		}
		n := len(text.IDs)
		for i, h := range a.Heads {
			if h.Layer != i/m.Shape().Heads || h.Head != i%m.Shape().Heads {
				t.Fatalf("%s: place %d has layer %d, head %d", name, i, h.Layer, h.Head)
			}
			if !near(h.Mass[0]+h.Mass[1], 1) || !near(h.Last[0]+h.Last[1], 1) || h.Entropy < 0 || h.Entropy > math.Log2(float64(n)) || h.Pull < 0 || h.Pull > 1.000001 {
				t.Errorf("%s: %+v", name, h)
			}
			if h.Map.Side != n {
				t.Fatalf("%s: map of %d for %d tokens", name, h.Map.Side, n)
			}
			mass := make([]float64, 2)
			for q := range n {
				for k := range n {
					mass[text.Owner[k]] += float64(h.Map.Cells[q*n+k]) / float64(n)
				}
			}
			if !near(mass[0], h.Mass[0]) || !near(mass[1], h.Mass[1]) {
				t.Errorf("%s: the map has %v, want %v", name, mass, h.Mass)
			}
		}
		for from, row := range a.Flow {
			if !near(row[0]+row[1], 1) {
				t.Errorf("%s: flow from %d: %v", name, from, row)
			}
		}
	}
}

// TestLookSeesASink plants one: a key that every query of a head likes.
func TestLookSeesASink(t *testing.T) {
	const n, sink = 40, 3
	p := kernels.Problem{Batch: 1, Heads: 1, KVHeads: 1, QLen: n, KVLen: n, HeadDim: 2, Mask: kernels.Mask{Causal: true}}
	call := model.Attention{Problem: p, Q: kernels.NewTensor(1, 1, n, 2), K: kernels.NewTensor(1, 1, n, 2), V: kernels.NewTensor(1, 1, n, 2)}
	for i := range n {
		call.Q.Row(0, 0, i)[0] = 5
	}
	l := &looker{text: &Text{IDs: make([]int, n), Owner: make([]int, n), Segments: []string{"all"}}, side: 7, a: &Attention{Heads: make([]Head, 1)}}
	if err := l.layer(0, call, 1); err != nil {
		t.Fatal(err)
	}
	if h := l.a.Heads[0]; h.IsSink || !near(h.Entropy, l.a.Bits) {
		t.Errorf("all keys alike: %+v, want %v bits", h, l.a.Bits)
	}
	call.K.Row(0, 0, sink)[0] = 2
	if err := l.layer(0, call, 1); err != nil {
		t.Fatal(err)
	}
	if h := l.a.Heads[0]; !h.IsSink || h.Sink != sink || h.Pull < 0.9 {
		t.Errorf("sink %d at %.2g, want %d", h.Sink, h.Pull, sink)
	}
	call.Problem.ALiBi = true
	if err := l.layer(0, call, 1); err == nil {
		t.Error("ALiBi: no error")
	}
}

// TestGrowth finds the laws that made the times, and covers what lies beyond.
func TestGrowth(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	attention := func(n float64) float64 { return 1e-5 + 2e-6*n + 3e-9*n*n }
	rest := func(n float64) float64 { return 2e-4 + 8e-6*n }
	var profiles []profile.Profile
	for _, n := range []int{100, 200, 400, 600, 800, 1000} {
		p := profile.Profile{Case: profile.Case{Input: model.Input{IDs: make([]int, n)}}, Memory: profile.Memory{Cache: int64(100 * n), Buffers: int64(50 * n), Workspace: int64(3 * n * n)}}
		for range 9 {
			noise := func(s float64) time.Duration { return time.Duration(1e9 * s * (1 + 0.02*r.NormFloat64())) }
			p.Samples = append(p.Samples, profile.Sample{Phases: map[model.Phase]time.Duration{
				model.PhaseAttention: noise(attention(float64(n))), model.PhaseMLP: noise(rest(float64(n)) / 2), model.PhaseQKV: noise(rest(float64(n)) / 2),
			}})
		}
		profiles = append(profiles, p)
	}
	g, err := FitGrowth(profiles, Median, 1)
	if err != nil {
		t.Fatal(err)
	}
	if c := g.Attention.Law.C; math.Abs(c/3e-9-1) > 0.2 {
		t.Errorf("attention grows with %v·n², want 3e-9", c)
	}
	if b := g.Rest.Law.B; math.Abs(b/8e-6-1) > 0.1 {
		t.Errorf("the rest grows with %v·n, want 8e-6", b)
	}
	for _, n := range []int{2000, 4000} {
		want, got := attention(float64(n))+rest(float64(n)), g.Predict(n)
		if math.Abs(got.Value/want-1) > 0.15 || got.Lo > want || got.Hi < want || got.Lo > got.Value || got.Hi < got.Value {
			t.Errorf("%d tokens: %+v, want %v", n, got, want)
		}
	}
	// 3e-9·n² − 6e-6·n − 1.9e-4 = 0
	if want := 2031.2; math.Abs(g.Overtakes.Value/want-1) > 0.2 || g.Overtakes.Lo > want || g.Overtakes.Hi < want {
		t.Errorf("overtakes at %+v, want %v", g.Overtakes, want)
	}
	if want := 150*5000.0 + 3*5000*5000; !near(g.Memory(5000)/want, 1) {
		t.Errorf("memory of 5000 tokens %v, want %v", g.Memory(5000), want)
	}
	if _, err := FitGrowth(profiles[:3], Fastest, 1); err == nil || !strings.Contains(err.Error(), "3 lengths") {
		t.Errorf("three lengths: error %v", err)
	}
	profiles[2].Samples = nil
	if _, err := FitGrowth(profiles, Median, 1); err == nil || !strings.Contains(err.Error(), "400 tokens: no samples") {
		t.Errorf("no samples: error %v", err)
	}
}

func TestOvertakes(t *testing.T) {
	for _, c := range []struct {
		a, r [3]float64
		want float64
	}{
		{[3]float64{0, 0, 1}, [3]float64{0, 10, 0}, 10},
		{[3]float64{0, 0, 1}, [3]float64{24, 10, 0}, 12},
		{[3]float64{0, 1, 0}, [3]float64{0, 2, 0}, math.Inf(1)},
		{[3]float64{0, 3, 0}, [3]float64{8, 1, 0}, 4},
		{[3]float64{5, 3, 1}, [3]float64{1, 1, 0}, 0},
		{[3]float64{0, 3, 0}, [3]float64{0, 3, 0}, 0},
		{[3]float64{9, 9, 0}, [3]float64{0, 0, 1}, math.Inf(1)},
	} {
		law := func(t [3]float64) (l struct{ A, B, C float64 }) { l.A, l.B, l.C = t[0], t[1], t[2]; return }
		if got := overtakes(law(c.a), law(c.r)); got != c.want {
			t.Errorf("%v over %v: from %v, want %v", c.a, c.r, got, c.want)
		}
	}
}

// TestMeasure: what is timed is the text, its beginnings, and what is left.
func TestMeasure(t *testing.T) {
	text, _ := NewText(tokenizer.Bytes{}, strings.Repeat("abcdefgh ", 9), []Part{{"most", strings.Repeat("abcdefgh ", 9)[3:]}})
	c, err := Measure(t.Context(), load(t, "opticks-1m"), text, []int{5, 50}, kernel(t, "tiled"), profile.Options{Rounds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if Cases(text, []int{5, 50}) != 5 {
		t.Errorf("%d cases, want 5", Cases(text, []int{5, 50}))
	}
	lens := []int{len(c.Whole.Input.IDs), len(c.Lengths[0].Input.IDs), len(c.Lengths[1].Input.IDs), len(c.Without[0].Input.IDs), len(c.Without[1].Input.IDs)}
	if !slices.Equal(lens, []int{81, 5, 50, 78, 3}) || len(c.Without[1].Samples) != 2 {
		t.Errorf("lengths %v", lens)
	}
	one, _ := NewText(tokenizer.Bytes{}, "abc", []Part{{"all", "abc"}})
	if c, err = Measure(t.Context(), load(t, "opticks-1m"), one, nil, kernel(t, "tiled"), profile.Options{Rounds: 1}); err != nil || len(c.Without[0].Samples) != 0 {
		t.Errorf("nothing left: %v, error %v", c.Without, err)
	}
}

func TestMapSide(t *testing.T) {
	for _, c := range []struct{ tokens, heads, want int }{
		{1, 144, 1}, {1024, 16, 1024}, {1024, 144, 342}, {2048, 16, 1024}, {100, 1 << 30, 1},
	} {
		if got := mapSide(c.tokens, c.heads); got != c.want {
			t.Errorf("%d tokens, %d heads: %d bins, want %d", c.tokens, c.heads, got, c.want)
		}
	}
}

// TestFastest: disturbances that only ever add time leave the laws alone.
func TestFastest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	var profiles []profile.Profile
	for _, n := range []int{100, 200, 400, 600, 800, 1000} {
		p := profile.Profile{Case: profile.Case{Input: model.Input{IDs: make([]int, n)}}}
		for range 20 {
			busy := func(s float64) time.Duration { return time.Duration(1e9 * s * (1 + max(0, 2*r.NormFloat64()))) }
			p.Samples = append(p.Samples, profile.Sample{Phases: map[model.Phase]time.Duration{
				model.PhaseAttention: busy(1e-9 * float64(n*n)), model.PhaseMLP: busy(1e-5 * float64(n))}})
		}
		profiles = append(profiles, p)
	}
	g, err := FitGrowth(profiles, Fastest, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := 1e-9*2000*2000 + 1e-5*2000; math.Abs(g.Predict(2000).Value/want-1) > 0.02 {
		t.Errorf("2000 tokens: %+v, want %v", g.Predict(2000), want)
	}
}
