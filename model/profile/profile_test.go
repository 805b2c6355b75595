package profile

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/attnbench/attnbench/kernels"
	_ "github.com/attnbench/attnbench/kernels/all"
	"github.com/attnbench/attnbench/model"
)

func load(t *testing.T, name string) model.Model {
	t.Helper()
	m, err := model.Load(os.DirFS("../../testdata/" + name))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func flash(t *testing.T) kernels.Kernel {
	t.Helper()
	k, err := kernels.Get("flash")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func input(n int) model.Input {
	in := model.Input{IDs: make([]int, n)}
	for i := range in.IDs {
		in.IDs[i] = 32 + i*i%90
	}
	return in
}

// TestMeasure: as many samples as rounds, phases within the time by the clock, and the memory that can be counted by hand.
func TestMeasure(t *testing.T) {
	m := load(t, "opticks-1m")
	steps, checked := 0, 0
	cases := []Case{{Kernel: flash(t), Input: input(40), Last: 1}, {Kernel: flash(t), Input: input(300), Last: 1}, {Kernel: flash(t), Input: input(40)}}
	profiles, err := Measure(t.Context(), m, cases, Options{
		Rounds: 3, Seed: 1,
		Check:    func(p *Profile) error { checked++; return nil },
		Progress: func(done, total int) { steps++ },
	})
	if err != nil {
		t.Fatal(err)
	}
	if steps != 12 || checked != 3 {
		t.Errorf("%d steps and %d checks, want 12 and 3", steps, checked)
	}
	for i, p := range profiles {
		n := len(p.Input.IDs)
		if len(p.Samples) != 3 || p.Result.Len != n {
			t.Fatalf("%d tokens: %d samples, result of %d", n, len(p.Samples), p.Result.Len)
		}
		for _, s := range p.Samples {
			var sum time.Duration
			for _, d := range s.Phases {
				sum += d
			}
			if len(s.Phases) != len(model.Phases()) || sum <= 0 || sum > s.Elapsed {
				t.Errorf("%d tokens: %d phases take %v of %v", n, len(s.Phases), sum, s.Elapsed)
			}
		}
		if want := int64(2 * 4 * 4 * 128 * n); p.Memory.Cache != want {
			t.Errorf("%d tokens: cache of %d bytes, want %d", n, p.Memory.Cache, want)
		}
		// x, norm, attn, branch, 3·qkv and 4·inner, each [n, 128] of float32
		if least := int64(4 * 128 * n * 11); p.Memory.Buffers < least || p.Memory.Buffers > 2*least+1<<20 {
			t.Errorf("%d tokens: buffers of %d bytes, want a little more than %d", n, p.Memory.Buffers, least)
		}
		if rows := len(p.Result.Logits) / p.Result.Vocab; rows != []int{1, 1, 40}[i] {
			t.Errorf("case %d: logits of %d positions", i, rows)
		}
	}
}

func TestMeasureStops(t *testing.T) {
	m := load(t, "tiny-llama")
	one := []Case{{Kernel: flash(t), Input: model.Input{IDs: []int{1, 2, 3}}}}
	p, err := Measure(t.Context(), m, one, Options{Rounds: 9, More: func(round int) bool { return round < 4 }})
	if err != nil || len(p[0].Samples) != 4 {
		t.Errorf("%v: %d samples, want 4", err, len(p[0].Samples))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Measure(ctx, m, one, Options{Rounds: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: error %v", err)
	}
	bad := errors.New("bad")
	p, err = Measure(t.Context(), m, one, Options{Rounds: 1, Check: func(*Profile) error { return bad }})
	if err != nil || p[0].Failed != bad || p[0].Samples != nil {
		t.Errorf("error %v, %v of the check, samples %v", err, p[0].Failed, p[0].Samples)
	}
	one[0].Input.IDs = nil
	if _, err := Measure(t.Context(), m, one, Options{Rounds: 1}); err == nil {
		t.Error("no tokens: no error")
	}
}

// TestMeasureBERT: a model that reads both ways has no cache.
func TestMeasureBERT(t *testing.T) {
	p, err := Measure(t.Context(), load(t, "tiny-bert"), []Case{{Kernel: flash(t), Input: model.Input{IDs: []int{1, 2, 3}, TokenTypes: []int{0, 1, 1}}}}, Options{Rounds: 1})
	if err != nil || p[0].Memory.Cache != 0 || p[0].Memory.Buffers == 0 {
		t.Errorf("error %v, memory %+v", err, p[0].Memory)
	}
}
