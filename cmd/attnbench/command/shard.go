package command

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/attnbench/attnbench/harness"
	"github.com/attnbench/attnbench/reports"
)

// A shard is one of several runs that measure a sweep together. The zero shard
// is the whole.
type shard struct{ index, count int } // index from 1

func (s shard) String() string { return fmt.Sprintf("%d/%d", s.index, s.count) }

// maxShards is far above any cluster's array; more is a slip of the finger.
const maxShards = 1 << 20

// shardForms states what parseShard reads.
const shardForms = "I/N with I in 1..N; auto in an array of Slurm; auto/N in one of Kubernetes"

// parseShard reads a flag's value. The environment tells the index where the
// value is auto.
func parseShard(text string, env func(string) string) (shard, error) {
	if text == "" {
		return shard{}, nil
	}
	s, err := readShard(text, env)
	if err != nil {
		return shard{}, fmt.Errorf("--shard %q: %w; want %s", text, err, shardForms)
	}
	if s.count < 1 || s.count > maxShards || s.index < 1 || s.index > s.count {
		return shard{}, fmt.Errorf("--shard %q: there is no shard %d of %d; want %s", text, s.index, s.count, shardForms)
	}
	return s, nil
}

func readShard(text string, env func(string) string) (shard, error) {
	first, rest, split := strings.Cut(text, "/")
	if first != "auto" {
		index, err := strconv.Atoi(first)
		if err != nil || !split {
			return shard{}, fmt.Errorf("no index and count")
		}
		count, err := strconv.Atoi(rest)
		if err != nil {
			return shard{}, fmt.Errorf("count %q is not a number", rest)
		}
		return shard{index, count}, nil
	}
	s, err := shardOf(env)
	if err != nil {
		return shard{}, err
	}
	if split {
		if s.count, err = strconv.Atoi(rest); err != nil {
			return shard{}, fmt.Errorf("count %q is not a number", rest)
		}
	}
	if s.count == 0 {
		return shard{}, fmt.Errorf("JOB_COMPLETION_INDEX comes without a count: give it as auto/N")
	}
	return s, nil
}

// shardOf reads what a scheduler tells its tasks. Slurm's indices begin where the
// array does and keep its step; those of Kubernetes begin at 0.
func shardOf(env func(string) string) (shard, error) {
	var failure error
	number := func(name string, otherwise int) int {
		text := env(name)
		if text == "" {
			return otherwise
		}
		n, err := strconv.Atoi(text)
		if err != nil && failure == nil {
			failure = fmt.Errorf("%s is %q, which is not a number", name, text)
		}
		return n
	}
	switch {
	case env("SLURM_ARRAY_TASK_ID") != "":
		id, least, step := number("SLURM_ARRAY_TASK_ID", 0), number("SLURM_ARRAY_TASK_MIN", 0), number("SLURM_ARRAY_TASK_STEP", 1)
		count := number("SLURM_ARRAY_TASK_COUNT", 0)
		if failure == nil && (step < 1 || (id-least)%step != 0 || count < 1) {
			failure = fmt.Errorf("task %d of an array of %d from %d in steps of %d: want an even array, such as --array=0-7", id, count, least, step)
		}
		if failure != nil {
			return shard{}, failure
		}
		return shard{(id-least)/step + 1, count}, nil
	case env("JOB_COMPLETION_INDEX") != "":
		return shard{index: number("JOB_COMPLETION_INDEX", 0) + 1}, failure
	}
	return shard{}, fmt.Errorf("neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX is set")
}

// check refuses a shard that no case would be left for, in every shard alike: an
// array that is too large should fail whole.
func (s shard) check(cases int) error {
	if s.count > cases {
		return fmt.Errorf("--shard %v: the sweep has %s, want at most as many shards", s, reports.Count(cases, "case"))
	}
	return nil
}

// pick returns the shard's cases in their order. All kernels of a case stay
// together, so that what is compared ran on one machine. The costliest cases are
// dealt out first, each to the shard that has the least work so far.
func (s shard) pick(cases []harness.Case) []harness.Case {
	if s.count == 0 {
		return cases
	}
	order := make([]int, len(cases))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(min(1, max(-1, cases[b].Problem.FLOPs()-cases[a].Problem.FLOPs())))
	})
	work := make([]int64, s.count)
	var mine []int
	for _, i := range order {
		to := slices.Index(work, slices.Min(work))
		work[to] += max(1, cases[i].Problem.FLOPs())
		if to == s.index-1 {
			mine = append(mine, i)
		}
	}
	slices.Sort(mine)
	picked := make([]harness.Case, len(mine))
	for i, at := range mine {
		picked[i] = cases[at]
	}
	return picked
}
