//go:build (linux || darwin) && (amd64 || arm64) && !android && !ios && !static

package external

import "github.com/ebitengine/purego"

// open loads the library of a path.
func open(path string) (handle uintptr, err error) {
	return purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
}

// symbol returns the address of what a library exports.
func symbol(handle uintptr, name string) (uintptr, error) { return purego.Dlsym(handle, name) }

// call calls a C function with integers and pointers.
func call(fn uintptr, args ...uintptr) uintptr {
	result, _, _ := purego.SyscallN(fn, args...)
	return result
}
