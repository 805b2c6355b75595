package external

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unsafe"
)

// reasonSize is the room that a library has to say why not.
const reasonSize = 512

// clean makes one line of what C wrote up to its terminator, or to the end where
// it wrote none.
func clean(text []byte) string {
	if end := bytes.IndexByte(text, 0); end >= 0 {
		text = text[:end]
	}
	line := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(string(text), "?"))
	return strings.Join(strings.Fields(line), " ")
}

// readText returns a text of at most so many bytes that C holds.
func readText(addr uintptr, most int) (string, error) {
	if addr == 0 {
		return "", nil
	}
	var text []byte
	for i := range most + 1 {
		b := *(*byte)(unsafe.Add(pointer(addr), i))
		if b == 0 {
			return clean(text), nil
		}
		text = append(text, b)
	}
	return "", fmt.Errorf("%q…: longer than %d bytes", clean(text), most)
}
