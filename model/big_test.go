package model

import (
	"os"
	"testing"
	"time"
)

// TestBig loads the model that testdata/random_model.py writes, when told where
// it is. Nothing depends on how long it takes.
func TestBig(t *testing.T) {
	folder := os.Getenv("ATTNBENCH_BIG_MODEL")
	if folder == "" {
		t.Skip("ATTNBENCH_BIG_MODEL does not name the folder of a large model")
	}
	for range 4 {
		start := time.Now()
		m := mustLoad(t, os.DirFS(folder))
		t.Logf("%d parameters in %v", m.Shape().Parameters, time.Since(start).Round(time.Millisecond))
	}
}
