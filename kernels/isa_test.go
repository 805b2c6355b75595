package kernels

import (
	"slices"
	"testing"
)

func TestSelectISA(t *testing.T) {
	before := isas
	defer func() { isas = before }()
	isas = slices.Clone(isas[:1])
	RegisterISA(ISA{Name: "plain", Available: true})
	RegisterISA(ISA{Name: "slow", Available: true, Extends: "plain", ByName: true})
	RegisterISA(ISA{Name: "lacking", Extends: "plain"})
	for _, x := range []struct {
		name, want string
	}{{"", "plain"}, {"slow", "slow"}, {Generic, Generic}, {"lacking", ""}, {"none", ""}} {
		if got, err := SelectISA(x.name); got != x.want || (err == nil) != (x.want != "") {
			t.Errorf("SelectISA(%q) = %q, %v, want %q", x.name, got, err, x.want)
		}
	}
	for name, want := range map[string]string{"slow": "plain", "plain": "plain", Generic: Generic} {
		if got := Float32ISA(name); got != want {
			t.Errorf("Float32ISA(%q) = %q, want %q", name, got, want)
		}
	}
}
