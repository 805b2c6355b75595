// Package kerneltest is the conformance suite that every kernel's test calls:
// one table of problems over every kernel, held against the float64 oracle by
// the two-error rule of package harness, and the invariances that the contract
// promises bit for bit.
//
//	func TestConformance(t *testing.T) { kerneltest.Run(t, kernel{}) }
//
// Beside it stands [Benchmark], for `go test -bench`.
package kerneltest
