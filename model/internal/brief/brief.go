// Package brief bounds what a hostile file can put into an error message.
package brief

import (
	"fmt"
	"strings"
)

// Quote quotes the beginning of s.
func Quote(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return fmt.Sprintf("%q", s)
}

// List prints the first elements of a list.
func List(list []int64) string {
	const most = 8
	if len(list) > most {
		return fmt.Sprintf("%v… (%d elements)", list[:most], len(list))
	}
	return fmt.Sprint(list)
}

// Text is the beginning of s as it stands, on one line.
func Text(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.Join(strings.Fields(s), " ")
}
