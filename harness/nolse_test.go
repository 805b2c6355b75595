package harness

import (
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels"
)

// mute is a kernel that never writes lse, and says so or not.
type mute struct {
	fake
	says bool
}

func (m mute) OmitsLSE() bool { return m.says }

func (m mute) Plan(p kernels.Problem, opts kernels.Options) (kernels.Plan, error) {
	pl, err := m.fake.Plan(p, opts)
	return mutePlan{pl}, err
}

type mutePlan struct{ kernels.Plan }

func (m mutePlan) Bind(t kernels.Tensors) error {
	t.LSE = nil
	return m.Plan.Bind(t)
}

// A kernel that says that it returns no lse is held to its O alone.
func TestOmitsLSE(t *testing.T) {
	c := smallCases(t, 24)[0]
	c.Problem.Batch = 2
	v, err := Verify(mute{fake{name: "mute"}, false}, c, kernels.Options{}, Sampling{})
	if err != nil || v.Check != "unwritten" || !strings.Contains(v.Reason, "lse") {
		t.Errorf("a kernel that says nothing of it: %v, %v; want its lse unwritten", v, err)
	}
	k := mute{fake{name: "mute"}, true}
	if v, err = Verify(k, c, kernels.Options{}, Sampling{}); err != nil || !v.Pass() || v.LSEMaxErr != 0 {
		t.Errorf("%v, %v; want a pass", v, err)
	}
	k.online.dropLast = true
	if v, err = Verify(k, c, kernels.Options{}, Sampling{}); err != nil || v.Pass() {
		t.Errorf("a wrong O: %v, %v; want a failure", v, err)
	}
	k.online.dropLast = false
	results, err := CheckInvariances(k, c, kernels.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range results {
		skipped := r.Name == "without lse" || r.Name == "split keys"
		if r.Broken != "" || (r.Skipped != "") != skipped {
			t.Errorf("%s: broken %q, skipped %q", r.Name, r.Broken, r.Skipped)
		}
	}
}
