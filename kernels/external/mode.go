package external

import "math"

// Variables, so that the processor computes with them and not the compiler.
var (
	tiny       float32 = math.SmallestNonzeroFloat32
	one, seven float32 = 1, 7
	three, ten float32 = 3, 10
)

// modeIntact reports whether this thread rounds to nearest and keeps denormals, as
// Go has it. 1/3 is rounded up, and 7/10 down.
func modeIntact() bool {
	const third, sevenTenths float32 = 1. / 3, 7. / 10
	return tiny*one != 0 && one/three == third && seven/ten == sevenTenths
}
