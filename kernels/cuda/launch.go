//go:build cuda

package cuda

import (
	"fmt"
	"math"
	"unsafe"

	"gorgonia.org/cu"
)

// A launch is one kernel with everything it is launched with.
type launch struct {
	name   string
	fn     cu.Function
	grid   [3]int
	block  int
	shared int
	slots  []uint64
	params []unsafe.Pointer // to the slots, as gorgonia.org/cu wants them: 8 bytes each
}

// newLaunch finds a kernel and lays out its arguments: device pointers,
// integers of 32 bits and floats.
func newLaunch(d *device, module, name string, grid [3]int, block, shared int, args ...any) (*launch, error) {
	fn, err := d.function(module, name, shared)
	if err != nil {
		return nil, err
	}
	text, err := moduleText(module)
	if err != nil {
		return nil, err
	}
	types, err := signature(text, name)
	if err != nil {
		return nil, err
	}
	if len(types) != len(args) {
		return nil, fmt.Errorf("%s: %d arguments: the PTX has %d parameters", name, len(args), len(types))
	}
	l := &launch{name: name, fn: fn, grid: grid, block: block, shared: shared, slots: make([]uint64, len(args))}
	for i, arg := range args {
		if l.slots[i], err = slot(arg, types[i]); err != nil {
			return nil, fmt.Errorf("%s: argument %d: %w", name, i, err)
		}
		l.params = append(l.params, unsafe.Pointer(&l.slots[i]))
	}
	return l, nil
}

// slot returns an argument as the 8 bytes of which a parameter of the type reads
// the first.
func slot(arg any, paramType string) (uint64, error) {
	switch x := arg.(type) {
	case cu.DevicePtr:
		return uint64(x), wantType(paramType, ".u64")
	case float32:
		return uint64(math.Float32bits(x)), wantType(paramType, ".f32")
	case int:
		if x != int(int32(x)) {
			return 0, unsupportedf("%d: does not fit 32 bits", x)
		}
		return uint64(uint32(x)), wantType(paramType, ".u32")
	}
	return 0, fmt.Errorf("%T: no kernel takes it", arg)
}

func wantType(got, want string) error {
	if got != want {
		return fmt.Errorf("the PTX has a parameter of type %s: must be %s", got, want)
	}
	return nil
}

// run launches and does not wait.
func (l *launch) run() error {
	err := l.fn.Launch(l.grid[0], l.grid[1], l.grid[2], l.block, 1, 1, l.shared, cu.Stream{}, l.params)
	if err != nil {
		return driverError("launch "+l.name, err)
	}
	return nil
}
