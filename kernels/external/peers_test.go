package external

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/kernels"
)

// Peers that the tests need are named here; others are skipped where they are missing.
const requirePeers = "ATTNBENCH_REQUIRE_PEERS"

// onnxRuntime names the environment variable with two folders, of ONNX Runtime's C
// header and of its library, with a colon between.
const onnxRuntime = "ATTNBENCH_ONNXRUNTIME"

func TestOpenBLAS(t *testing.T) {
	probe := filepath.Join(t.TempDir(), "probe.c")
	if err := os.WriteFile(probe, []byte("#include <cblas.h>\nint main(void) { openblas_set_num_threads(1); }\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cc := compiler(t)
	if out, err := exec.Command(cc[0], append(cc[1:], "-o", probe+".out", probe, "-lopenblas")...).CombinedOutput(); err != nil {
		if strings.Contains(os.Getenv(requirePeers), "openblas") {
			t.Fatalf("no OpenBLAS, and %s wants it: %v\n%s", requirePeers, err, out)
		}
		t.Skipf("no OpenBLAS: %v", err)
	}
	holdPeer(t, only(t, library(t, "peers/openblas.c", append(native(), "-O3", "-fopenmp", "-lopenblas")...)), 2)
}

func TestONNXRuntime(t *testing.T) {
	include, lib, ok := strings.Cut(os.Getenv(onnxRuntime), ":")
	if !ok {
		t.Skipf("no ONNX Runtime: %s is not INCLUDE:LIB", onnxRuntime)
	}
	lib = filepath.Join(lib, "libonnxruntime.so.1")
	holdPeer(t, only(t, library(t, "peers/onnxruntime.c", "-I"+include, lib, "-Wl,-rpath,"+filepath.Dir(lib))), 1)
}

// holdPeer holds a peer against the oracle, on ordinary inputs: in what they do with
// NaN, peers differ.
func holdPeer(t *testing.T, k kernels.Kernel, heads int) {
	input := harness.Inputs(1)[0]
	for _, p := range []kernels.Problem{
		{Batch: 3, QLen: 1, KVLen: 1, HeadDim: 16},
		{Batch: 1, QLen: 300, KVLen: 300, HeadDim: 64},
		{Batch: 2, QLen: 300, KVLen: 300, HeadDim: 64, Mask: kernels.Mask{Causal: true}},
		{Batch: 2, QLen: 40, KVLen: 520, HeadDim: 96},
	} {
		p.Heads, p.KVHeads = heads, 1
		for _, threads := range []int{1, 2} {
			c := harness.Case{Problem: p, Input: input}
			v, err := harness.Verify(k, c, kernels.Options{Threads: threads}, harness.Sampling{})
			if err != nil || !v.Pass() {
				t.Errorf("%s, %d threads: %v, %v", c.Name(k.Name(), ""), threads, v, err)
			}
		}
	}
	p := kernels.Problem{Batch: 1, Heads: heads, KVHeads: 1, QLen: 8, KVLen: 8, HeadDim: 16, Softcap: 5}
	if err := k.Supports(p); err == nil {
		t.Error("a soft cap is not refused")
	}
}
