// Package history follows benchmarks over commits and finds where they
// changed.
//
// The way of the data is
//
//  1. [New] takes files of records, one or more a commit, and puts the commits
//     in order.
//  2. A [Track] is one metric of one kernel at one length: a level for each
//     commit that has it, the median of that commit's samples.
//  3. [Detect] splits the levels where their distribution changes: E-divisive
//     of Matteson and James, "A Nonparametric Approach for Multiple Change
//     Point Analysis of Multivariate Data", arXiv:1306.4933, each split held
//     against random permutations.
//  4. [History.WriteText] prints the changes, each with the commit where it
//     began. [History.Since] finds those for the worse after a commit, for CI.
//
// One level a commit and not one a sample: the samples of a commit share the
// state that the machine was in, so that they tell one commit from another
// even when the code is the same.
package history
