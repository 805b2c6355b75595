package command

import (
	"slices"
	"strings"
	"testing"
)

func TestParseLengths(t *testing.T) {
	for spec, want := range map[string][]int{
		"1":                {1},
		"128,256":          {128, 256},
		"256,128,256":      {128, 256},
		"128..1024x2":      {128, 256, 512, 1024},
		"100..1000x3":      {100, 300, 900},
		"7..7x2":           {7},
		"64,128..512x4,96": {64, 96, 128, 512},
	} {
		got, err := parseLengths("n", spec)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: got %v, %v, want %v", spec, got, err, want)
		}
	}
}

func TestParseLengthsRefuses(t *testing.T) {
	for spec, want := range map[string]string{
		"":                      `"" is not a number`,
		"0":                     "length 0 must be in 1..16777216",
		"-5":                    "length -5 must be",
		"128,":                  `"" is not a number`,
		"1e3":                   `"1e3" is not a number`,
		"99999999999999999999":  "is not a number",
		"16777217":              "length 16777217 must be",
		"128..1024":             `"128..1024" has no factor`,
		"128..1024x1":           `factor "1" must be a number of at least 2`,
		"128..1024xx":           `factor "x" must be`,
		"1024..128x2":           `"1024..128x2" runs downwards`,
		"0..128x2":              "length 0 must be",
		"1..x2":                 `"" is not a number`,
		"9223372036854775807":   "must be in 1..16777216",
		"1..16777216x999999999": "",
	} {
		_, err := parseLengths("n", spec)
		if want == "" {
			if err != nil {
				t.Errorf("%s: error %v, want none", spec, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "--n") {
			t.Errorf("%s: error %v, want one with %q", spec, err, want)
		}
	}
}
