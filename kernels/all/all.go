// Package all registers every kernel that ships with attnbench.
package all

import (
	_ "github.com/attnbench/attnbench/kernels/flash"
	_ "github.com/attnbench/attnbench/kernels/naive"
	_ "github.com/attnbench/attnbench/kernels/sparse"
	_ "github.com/attnbench/attnbench/kernels/tiled"
)
