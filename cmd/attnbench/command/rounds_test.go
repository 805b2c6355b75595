package command

import (
	"testing"
	"time"
)

func TestRoundsEndBetweenRounds(t *testing.T) {
	start := time.Unix(0, 0)
	r := rounds{count: 10, limit: 30 * time.Second, start: start}
	begun := start.Add(10 * time.Second)
	if !r.begin(8, 88, begun) || r.begin(9, 88, begun) {
		t.Fatal("the first sample is not the first, or not the only first")
	}
	for _, test := range []struct {
		done    int
		seconds int
		want    bool
	}{
		{8, 1000, false},  // the first round is always taken
		{15, 1000, false}, // and finished
		{16, 1000, true},
		{16, 19, false},
		{16, 21, true}, // a round takes 11 s: another would end at 32 s
		{40, 22, false},
		{43, 1000, false},
		{48, 26, false},
		{48, 27, true},
	} {
		if got := r.over(test.done, start.Add(time.Duration(test.seconds)*time.Second)); got != test.want {
			t.Errorf("over(%d) after %d s = %v, want %v", test.done, test.seconds, got, test.want)
		}
	}
}
