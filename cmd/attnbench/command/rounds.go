package command

import (
	"errors"
	"time"
)

// errLimit ends a measurement early that is complete all the same: it ends
// between two rounds, so that every case has as many samples as the others.
var errLimit = errors.New("the time limit was reached; a longer --limit gives more samples")

// rounds decides after which round of samples the time is up. There is always
// one: a slow machine gets few samples, not none.
type rounds struct {
	count int // rounds asked for
	limit time.Duration
	start time.Time // of the whole measurement, preparation included

	first, size int // the step of the first sample; the samples of a round
	begun       time.Time
}

// begin takes note of the step before the first sample, and reports true for
// that one only.
func (r *rounds) begin(done, total int, now time.Time) bool {
	if r.size != 0 {
		return false
	}
	r.first, r.size, r.begun = done, max(1, (total-done)/r.count), now
	return true
}

// over reports whether the time is up before a step: between two rounds, when
// another one of average length would pass the limit.
func (r *rounds) over(done int, now time.Time) bool {
	taken := (done - r.first) / r.size
	if taken == 0 || (done-r.first)%r.size != 0 {
		return false
	}
	another := now.Sub(r.begun) / time.Duration(taken)
	return now.Sub(r.start)+another > r.limit
}
