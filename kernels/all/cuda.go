//go:build cuda

package all

import _ "github.com/attnbench/attnbench/kernels/cuda"
