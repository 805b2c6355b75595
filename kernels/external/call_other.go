//go:build !((linux || darwin) && (amd64 || arm64) && !android && !ios && !static)

package external

import (
	"errors"
	"fmt"
	"runtime"
)

func open(string) (uintptr, error) {
	return 0, fmt.Errorf("this attnbench loads no libraries, for it was built for %s/%s or with the tag static: %w", runtime.GOOS, runtime.GOARCH, errors.ErrUnsupported)
}

func symbol(uintptr, string) (uintptr, error) { panic("external: no library") }

func call(uintptr, ...uintptr) uintptr { panic("external: no library") }
