package reports

import "strings"

// A Remark is a comment "# key: value" in a file of records, in which attnbench
// says where they come from.
type Remark struct{ Key, Value string }

// Remarks follows the remarks of a file. One holds until another of its key, for
// merged records state only what changes.
type Remarks struct {
	rest string
	line int
	held []Remark
}

// NewRemarks returns those of a file's text.
func NewRemarks(text string) *Remarks { return &Remarks{rest: text} }

// Before returns the remarks that hold for a record at a line, which must not
// decrease from call to call. They are good until the next call.
func (r *Remarks) Before(line int) []Remark {
	for r.line < line && r.rest != "" {
		var text string
		text, r.rest, _ = strings.Cut(r.rest, "\n")
		r.line++
		r.read(text)
	}
	return r.held
}

func (r *Remarks) read(text string) {
	text, comment := strings.CutPrefix(text, "# ")
	key, value, ok := strings.Cut(text, ": ")
	if !comment || !ok || key == "" || strings.ContainsAny(key, " \t") {
		return
	}
	value = strings.TrimSpace(value)
	for i := range r.held {
		if r.held[i].Key == key {
			r.held[i].Value = value
			return
		}
	}
	r.held = append(r.held, Remark{key, value})
}
