// Package reports turns benchmark records into what a person reads: the
// summary table of one run and its scaling report.
//
// The way of the data is
//
//  1. [Read] or [Set.Add] take benchfmt results whose names follow
//     "Attention/kernel=…/isa=…/mask=…/batch=…/heads=…/kvheads=…/qlen=…/kvlen=…/dim=…-threads"
//     and pool their samples into a [Set]: one [Series] for each kernel and
//     shape, one [Point] for each length n in it.
//  2. [WriteSummary] prints medians with their intervals, one row a kernel
//     and length.
//  3. [Scale] fits one metric of one series: the exponent of its growth and
//     the law a + b·n + c·n². [Crossovers] compares the kernels of one shape.
//     [WriteScaling] prints both.
//
// The package reads records only; it never runs a kernel and knows no harness.
//
// The statistics are opinionated as golang.org/x/perf/benchmath is: medians,
// order-statistic intervals of the median, Mann-Whitney, and the percentile
// bootstrap for everything that is derived from several lengths. The bootstrap
// draws again from the samples of each length, so its intervals speak of the
// noise of this machine in this run. They do not speak of a law that bends:
// the exponent of a curve that is linear at its start and quadratic at its end
// is a number between 1 and 2 that depends on the lengths chosen. That is why
// the law a + b·n + c·n² stands beside it.
//
// What was not measured, or can't be derived, is "unavailable" with a reason
// below the table, and never 0.
package reports
