package cuda

import (
	"embed"
	"fmt"
	"regexp"
	"strings"
)

// ptx holds the compiled kernels, a module a source file. `make ptx` writes
// them and CI fails where they are not what the sources compile to.
//
//go:embed ptx/*.ptx
var ptx embed.FS

// moduleText returns the PTX of a source file, by its name without suffix.
func moduleText(module string) (string, error) {
	text, err := ptx.ReadFile("ptx/" + module + ".ptx")
	return string(text), err
}

var paramType = regexp.MustCompile(`\.param\s+(\.\w+)`)

// signature returns the types of a kernel's parameters, such as .u64.
func signature(text, name string) ([]string, error) {
	_, rest, found := strings.Cut(text, ".entry "+name+"(")
	list, _, closed := strings.Cut(rest, ")")
	if !found || !closed {
		return nil, fmt.Errorf("no kernel %s in the PTX", name)
	}
	var types []string
	for _, m := range paramType.FindAllStringSubmatch(list, -1) {
		types = append(types, m[1])
	}
	return types, nil
}
