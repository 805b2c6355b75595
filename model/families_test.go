package model

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/attnbench/attnbench/kernels"
)

// A variant is a model whose config.json was changed, and what
// testdata/families.py computed with it in float64.
type variantGolden struct {
	Changes map[string]any
	Cases   []familyCase
}

type familyCase struct {
	IDs, Mask, Types, Positions []int
	Logits                      [][]float64
	Pooled, Sentence            []float32
}

func (c familyCase) input() Input { return Input{IDs: c.IDs, TokenTypes: c.Types, Mask: c.Mask} }

// distance returns the largest difference from what was computed.
func (c familyCase) distance(r *Result) float64 {
	d := golden{Positions: c.Positions, Logits: c.Logits}.distance(r)
	return max(d, furthest(c.Pooled, r.Pooled), furthest(c.Sentence, r.NextSentence))
}

var familyModels = []string{"tiny-bert", "tiny-bert-f16", "tiny-llama", "tiny-llama-bf16"}

func familyGoldens(t *testing.T, name string) []variantGolden {
	t.Helper()
	data, err := os.ReadFile("../testdata/goldens/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var list []variantGolden
	if err := json.Unmarshal(data, &list); err != nil {
		t.Fatal(err)
	}
	for _, v := range list {
		for _, c := range v.Cases {
			if len(c.Positions) == 0 || len(c.Positions) != len(c.Logits) {
				t.Fatalf("%s: golden of %d positions and %d rows", name, len(c.Positions), len(c.Logits))
			}
		}
	}
	return list
}

// folder returns a model's folder with changes to its config; a nil value
// removes the field.
func folder(t *testing.T, name string, changes map[string]any) fstest.MapFS {
	t.Helper()
	fsys := fstest.MapFS{}
	entries, err := os.ReadDir("../testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		data, err := os.ReadFile("../testdata/" + name + "/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		fsys[e.Name()] = &fstest.MapFile{Data: data}
	}
	config := map[string]any{}
	if err := json.Unmarshal(fsys[configFile].Data, &config); err != nil {
		t.Fatal(err)
	}
	maps.Copy(config, changes)
	maps.DeleteFunc(config, func(_ string, value any) bool { return value == nil })
	data, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	fsys[configFile] = &fstest.MapFile{Data: data}
	return fsys
}

func mustLoad(t *testing.T, fsys fs.FS) Model {
	t.Helper()
	m, err := Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestFamilyGoldens: every kernel gives every family's logits, padded or not.
func TestFamilyGoldens(t *testing.T) {
	for _, name := range familyModels {
		for _, v := range familyGoldens(t, name) {
			m := mustLoad(t, folder(t, name, v.Changes))
			for _, k := range kernels.All() {
				t.Run(fmt.Sprintf("model=%s/%v/kernel=%s", name, v.Changes, k.Name()), func(t *testing.T) {
					for i, c := range v.Cases {
						r, err := m.Forward(t.Context(), c.input(), Options{Kernels: []kernels.Kernel{k}, Threads: 1 + i%3})
						if err != nil {
							t.Fatal(err)
						}
						if d := c.distance(r); d > tolerance {
							t.Errorf("case %d of %d tokens: off by %.2g, tolerance is %g", i, len(c.IDs), d, tolerance)
						}
					}
				})
			}
		}
	}
}

// A familyFault is a classic mistake, planted in a sound model.
type familyFault[M Model] struct {
	name  string
	plant func(m M)
}

// checkFaults wants each fault to push what a model computes far beyond the
// tolerance, on the model as it is.
func checkFaults[M Model](t *testing.T, models []string, faults []familyFault[M]) {
	t.Helper()
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			worst := 0.0
			for _, name := range models {
				m := mustLoad(t, folder(t, name, nil)).(M)
				fault.plant(m)
				for _, c := range familyGoldens(t, name)[0].Cases {
					r, err := m.Forward(t.Context(), c.input(), Options{Kernels: []kernels.Kernel{kernel(t, "naive")}})
					if err != nil {
						t.Fatal(err)
					}
					worst = max(worst, c.distance(r))
				}
			}
			if t.Logf("moves by %.2g", worst); worst <= 2*tolerance {
				t.Errorf("moves by %.2g only", worst)
			}
		})
	}
}

func checkRefused(t *testing.T, name string, list []refusal) {
	t.Helper()
	for _, c := range list {
		_, err := Load(folder(t, name, c.changes))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%v: error %v: want %q in it", c.changes, err, c.want)
		}
	}
}

// A refusal is a change to a config, and what its error must say.
type refusal struct {
	changes map[string]any
	want    string
}
