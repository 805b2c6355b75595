package command

import (
	"strings"
	"testing"

	"github.com/attnbench/attnbench/harness"
)

func TestParseShard(t *testing.T) {
	slurm := map[string]string{"SLURM_ARRAY_TASK_ID": "14", "SLURM_ARRAY_TASK_COUNT": "4", "SLURM_ARRAY_TASK_MIN": "10", "SLURM_ARRAY_TASK_STEP": "2"}
	plain := map[string]string{"SLURM_ARRAY_TASK_ID": "0", "SLURM_ARRAY_TASK_COUNT": "3"}
	kubernetes := map[string]string{"JOB_COMPLETION_INDEX": "0"}
	for _, x := range []struct {
		text string
		env  map[string]string
		want shard
		err  string
	}{
		{"", slurm, shard{}, ""}, // only where it is asked for
		{"2/3", slurm, shard{2, 3}, ""},
		{"auto", slurm, shard{3, 4}, ""},
		{"auto", plain, shard{1, 3}, ""},
		{"auto/8", kubernetes, shard{1, 8}, ""},
		{"auto", kubernetes, shard{}, "want"},
		{"auto", nil, shard{}, "neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX"},
		{"auto/2", slurm, shard{}, "no shard 3 of 2"},
		{"auto", map[string]string{"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MIN": "1", "SLURM_ARRAY_TASK_COUNT": "3"}, shard{}, "no shard 5 of 3"},
		{"auto", map[string]string{"SLURM_ARRAY_TASK_ID": "x", "SLURM_ARRAY_TASK_COUNT": "3"}, shard{}, `SLURM_ARRAY_TASK_ID is "x"`},
		{"auto", map[string]string{"SLURM_ARRAY_TASK_ID": "1"}, shard{}, "an array of 0"},
		{"0/3", nil, shard{}, "no shard 0 of 3"},
		{"4/3", nil, shard{}, "no shard 4 of 3"},
		{"3", nil, shard{}, "no index and count"},
		{"a/b", nil, shard{}, "no index and count"},
		{"1/b", nil, shard{}, `count "b"`},
		{"1/99999999", nil, shard{}, "no shard"},
	} {
		got, err := parseShard(x.text, func(k string) string { return x.env[k] })
		if x.err == "" && (err != nil || got != x.want) {
			t.Errorf("%q: %v, error %v; want %v", x.text, got, err, x.want)
		}
		if x.err != "" && (err == nil || !strings.Contains(err.Error(), x.err) || !strings.HasPrefix(err.Error(), "--shard ")) {
			t.Errorf("%q: error %v, want one with %q", x.text, err, x.err)
		}
	}
}

// Every case is in exactly one shard, none is empty, and none has much more
// work than another.
func TestShardsCover(t *testing.T) {
	in, err := harness.LookupInput("normal", 1)
	if err != nil {
		t.Fatal(err)
	}
	cases, err := harness.Sweep{Lengths: []int{64, 128, 256, 512, 1024}, Masks: []string{"causal", "full"}, Inputs: []harness.Input{in}}.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for count := 1; count <= len(cases); count++ {
		seen := map[string]int{}
		for index := 1; index <= count; index++ {
			mine := shard{index, count}.pick(cases)
			if len(mine) == 0 {
				t.Errorf("shard %d/%d is empty", index, count)
			}
			for _, c := range mine {
				seen[c.Name("k", "i")]++
			}
		}
		if len(seen) != len(cases) {
			t.Errorf("%d shards have %d of %d cases", count, len(seen), len(cases))
		}
		for name, n := range seen {
			if n != 1 {
				t.Errorf("%d shards: %s is in %d of them", count, name, n)
			}
		}
	}
	if err := (shard{1, 11}).check(len(cases)); err == nil {
		t.Errorf("11 shards of %d cases are let pass", len(cases))
	}
}
