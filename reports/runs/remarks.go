package runs

import "strings"

type pair struct{ key, value string }

// remarks follows the comments "# key: value" of a file. A remark holds until
// another of its key, for merged records state only what changes.
type remarks struct {
	rest string
	line int
	held []pair
}

// before returns the remarks that hold for a record at a line, which must not
// decrease from call to call.
func (r *remarks) before(line int) []pair {
	for r.line < line && r.rest != "" {
		var text string
		text, r.rest, _ = strings.Cut(r.rest, "\n")
		r.line++
		r.read(text)
	}
	return r.held
}

func (r *remarks) read(text string) {
	text, comment := strings.CutPrefix(text, "# ")
	key, value, ok := strings.Cut(text, ": ")
	if !comment || !ok || key == "" || strings.ContainsAny(key, " \t") {
		return
	}
	value = strings.TrimSpace(value)
	for i := range r.held {
		if r.held[i].key == key {
			r.held[i].value = value
			return
		}
	}
	r.held = append(r.held, pair{key, value})
}
