package external

import (
	"errors"
	"fmt"
	"runtime"

	"github.com/attnbench/attnbench/kernels"
)

// A kernel is one of a library. It is used by its pointer, for kernels are
// compared.
type kernel struct {
	library  *Library
	name     string
	describe string
	table
}

func (k *kernel) Name() string { return k.name }

// Describe is the library's own description, and which library that is.
func (k *kernel) Describe() string {
	if k.describe == "" {
		return "from " + k.library.String()
	}
	return fmt.Sprintf("%s (%v)", k.describe, k.library)
}

// errMode is what a call is blamed for that no other kernel can cure.
var errMode = errors.New("left the thread's rounding or its handling of denormals changed; results after it count for nothing")

// call calls a function of the library that returns a code and writes the reason
// to why, which is among the arguments.
func (k *kernel) call(step string, fn uintptr, why *[reasonSize]byte, args ...uintptr) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	why[0] = 0
	code := int32(call(fn, args...))
	switch {
	case !modeIntact():
		return fmt.Errorf("%s: %s: %w", k.name, step, errMode)
	case code == ok:
		return nil
	}
	reason := clean(why[:])
	if reason == "" {
		reason = "no reason given"
	}
	if code == unsupported {
		return refusal{fmt.Sprintf("%s: %s", k.name, reason)}
	}
	return fmt.Errorf("%s: %s of %s: %s (code %d)", k.name, step, k.library.Name, reason, code)
}

// A refusal wraps errors.ErrUnsupported without its text.
type refusal struct{ text string }

func (r refusal) Error() string { return r.text }
func (r refusal) Unwrap() error { return errors.ErrUnsupported }

// Supports asks the library.
func (k *kernel) Supports(p kernels.Problem) error {
	if err := p.Validate(); err != nil {
		return fmt.Errorf("%s: %w", k.name, err)
	}
	if k.supports == 0 {
		return nil
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	why := new([reasonSize]byte)
	return k.call("supports", k.supports, why, address(&pins, newProblem(&p, &pins)), address(&pins, &why[0]), reasonSize)
}

// RoundsWeights asks the library, of halves.
func (k *kernel) RoundsWeights(p kernels.Problem, _ kernels.Options) bool {
	if k.roundsWeights == 0 || !p.KVDType.Half() || p.Validate() != nil {
		return false
	}
	var pins runtime.Pinner
	defer pins.Unpin()
	return int32(call(k.roundsWeights, address(&pins, newProblem(&p, &pins)))) != 0
}

// OmitsLSE is what the kernel's flags say.
func (k *kernel) OmitsLSE() bool { return k.flags&flagNoLSE != 0 }
