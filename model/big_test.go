package model

import (
	"os"
	"testing"
	"time"

	"github.com/attnbench/attnbench/kernels"
)

// TestBig loads the model that testdata/random_model.py writes, when told where
// it is, and tells what each phase of a long pass takes. Nothing depends on how
// long that is.
func TestBig(t *testing.T) {
	folder := os.Getenv("ATTNBENCH_BIG_MODEL")
	if folder == "" {
		t.Skip("ATTNBENCH_BIG_MODEL does not name the folder of a large model")
	}
	var m Model
	for range 3 {
		start := time.Now()
		m = mustLoad(t, os.DirFS(folder))
		t.Logf("%d parameters in %v", m.Shape().Parameters, time.Since(start).Round(time.Millisecond))
	}
	ids := make([]int, 1024)
	for i := range ids {
		ids[i] = i * 31 % m.Shape().Vocab
	}
	for range 3 {
		took := make(map[Phase]time.Duration)
		start := time.Now()
		_, err := m.Forward(t.Context(), Input{IDs: ids}, Options{
			Kernels: []kernels.Kernel{kernel(t, "flash")},
			OnPhase: func(s Span) { took[s.Phase] += s.Elapsed },
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d tokens in %v: %v", len(ids), time.Since(start).Round(time.Millisecond), took)
	}
}
