package cuda

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEntries wants every kernel that the driver side names, at every width.
func TestEntries(t *testing.T) {
	fused := slices.Concat(slices.Repeat([]string{".u64"}, 9), slices.Repeat([]string{".u32"}, 6), []string{".f32"})
	for _, w := range widths {
		for _, e := range []struct {
			module, name string
			want         []string
		}{
			{"tiled", fmt.Sprintf("tiled_f32_d%d", w), fused},
			{"flash", fmt.Sprintf("flash_f32_d%d", w), fused},
			{"flash_half", fmt.Sprintf("flash_bf16_d%d", w), fused},
			{"flash_wgmma", fmt.Sprintf("flash_wgmma_f16_d%d", width(w, wgmmaWidths)), fused},
			{"merge", fmt.Sprintf("merge_f16_d%d", w), []string{".u64", ".u32", ".u32", ".u64", ".u64"}},
		} {
			text, err := moduleText(e.module)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := signature(text, e.name); err != nil || !slices.Equal(got, e.want) {
				t.Errorf("%s: parameters %v, %v, want %v", e.name, got, err, e.want)
			}
		}
	}
}

// TestTarget wants PTX that the oldest driver and device named in docs read, and of
// what is for compute capability 9.0 alone that which device.wgmma asks for.
func TestTarget(t *testing.T) {
	files, err := ptx.ReadDir("ptx")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	plain := regexp.MustCompile(`(?m)^\.version 7\.0\n\.target sm_80\n\.address_size 64$`)
	hopper := regexp.MustCompile(`(?m)^\.version 8\.0\n\.target sm_90a\n\.address_size 64$`)
	for _, f := range files {
		header := plain
		if strings.HasSuffix(f.Name(), "_wgmma.ptx") {
			header = hopper
		}
		text, err := ptx.ReadFile("ptx/" + f.Name())
		if err != nil || !header.Match(text) {
			t.Errorf("%s: does not match %v (%v)", f.Name(), header, err)
		}
	}
}
