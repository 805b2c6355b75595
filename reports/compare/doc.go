// Package compare holds benchmark records against each other and decides
// whether code got slower.
//
// The way of the data is that of golang.org/x/perf/cmd/benchstat:
//
//  1. [New] parses a filter and four projections in benchstat's own syntax,
//     those of tables, rows, columns and what to ignore.
//  2. [Builder.ReadFiles] or [Builder.Add] puts every value of every record
//     into a cell. Any benchmark will do, not only those of this module.
//  3. [Builder.Report] summarises: medians with order-statistic intervals,
//     Mann-Whitney between the first column and each other one.
//  4. [Report.Judge] gives each row a verdict, and the gate its result.
//  5. [Report.Write] prints it as text, Markdown, CSV, JSON, HTML, JUnit XML or
//     GitHub annotations.
//
// Medians, intervals and p-values are computed by golang.org/x/perf/benchmath,
// so that they equal benchstat's. Added to them is the interval of the change
// itself: the Mann-Whitney test inverted, which is distribution-free as the
// test is.
//
// Opinion: a significant change need not matter, and a change that is not
// significant need not be absent. So a row is slower when the change is
// significant, and larger than what is allowed, and larger than what the same
// code shows on the same machine; it is the same when the interval excludes a
// slowdown beyond that; and it is ambiguous otherwise. A row that vanished is
// missing, and that fails too.
package compare
