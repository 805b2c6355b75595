//go:build cuda

package cuda

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/attnbench/attnbench/kernels/kerneltest"
)

// testDevice returns the device, or skips; where one is required it fails.
func testDevice(t *testing.T) *device {
	t.Helper()
	d, err := openDevice()
	if err == nil {
		return d
	}
	if slices.Contains(strings.Split(os.Getenv(kerneltest.RequireISA), ","), "device") {
		t.Fatal(err)
	}
	t.Skip(err)
	return nil
}
