package history

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Find returns the place of a commit by its name, by an unambiguous start of
// its name, or by the name of its file.
func (h *History) Find(name string) (int, error) {
	var hits []int
	for i, c := range h.Commits {
		if c.Name == name || slices.Contains(c.Files, name) {
			return i, nil
		}
		if len(name) >= 4 && strings.HasPrefix(c.Name, name) {
			hits = append(hits, i)
		}
	}
	switch len(hits) {
	case 1:
		return hits[0], nil
	case 0:
		return 0, fmt.Errorf("commit %q: none of the %d that were measured, from %s to %s",
			name, len(h.Commits), h.Commits[0].Short(), h.Commits[len(h.Commits)-1].Short())
	}
	return 0, fmt.Errorf("commit %q: %d of those that were measured start so", name, len(hits))
}

// At returns the place of the last commit that is not younger than a time.
func (h *History) At(t time.Time) (int, error) {
	at := -1
	for i, c := range h.Commits {
		if c.Time.IsZero() {
			return 0, fmt.Errorf("time %s: the records of %s have no commit-time", t.Format(time.RFC3339), strings.Join(c.Files, ", "))
		}
		if !c.Time.After(t) {
			at = i
		}
	}
	if at < 0 {
		return 0, fmt.Errorf("time %s: every commit that was measured is younger", t.Format(time.RFC3339))
	}
	return at, nil
}

// Since returns the changes for the worse that began after a commit and have
// not been made good: of tracks whose last level is worse than their level at
// that commit, by more than the least effect.
func (h *History) Since(commit int) []Change {
	var out []Change
	for _, t := range h.Tracks {
		var later []Change
		for _, c := range t.Changes {
			if c.First > commit {
				later = append(later, c)
			}
		}
		if len(later) == 0 {
			continue
		}
		whole := later[len(later)-1]
		whole.Before = later[0].Before
		if !whole.Worse() || size(Found{Before: whole.Before, From: whole.From}) < h.Options.MinEffect {
			continue
		}
		out = append(out, slices.DeleteFunc(later, func(c Change) bool { return !c.Worse() })...)
	}
	slices.SortStableFunc(out, func(a, b Change) int { return a.First - b.First })
	return out
}
