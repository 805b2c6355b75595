package tokenizer

import (
	"container/heap"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe is byte-pair encoding (Sennrich et al., arXiv:1508.07909): a word begins as
// its characters, and the pair that was learned first is joined, the leftmost of
// equals, until none is left.
type bpe struct {
	ids      map[string]int
	ranks    map[[2]string]int // of each merge: when it was learned
	whole    bool              // a word that is a token stays whole (ignore_merges)
	unknown  int               // the id of a character that there is no token for, or −1
	fuse     bool              // unknown characters beside each other are one token
	fallback bool              // first its bytes are tried, as <0x0A>
}

var _ wordModel = (*bpe)(nil)

// A piece is a part of a word, linked to its neighbours by their indexes.
type piece struct {
	text       string
	prev, next int // −1 at the ends
}

// A joint is a pair that may be joined: the pieces as they were when it was seen.
type joint struct {
	rank, left int
	text       string // of both
	right      int
}

// joints is a heap: learned first, then leftmost.
type joints []joint

func (j joints) Len() int { return len(j) }
func (j joints) Less(a, b int) bool {
	return j[a].rank < j[b].rank || j[a].rank == j[b].rank && j[a].left < j[b].left
}
func (j joints) Swap(a, b int) { j[a], j[b] = j[b], j[a] }
func (j *joints) Push(x any)   { *j = append(*j, x.(joint)) }
func (j *joints) Pop() any {
	last := len(*j) - 1
	x := (*j)[last]
	*j = (*j)[:last]
	return x
}

func (b *bpe) append(ids []int, word string) ([]int, error) {
	if id, ok := b.ids[word]; ok && b.whole {
		return append(ids, id), nil
	}
	unknown := false // the token before was an unknown one
	for _, text := range b.join(word) {
		if id, ok := b.ids[text]; ok {
			ids, unknown = append(ids, id), false
			continue
		}
		if bytes := b.bytes(text); bytes != nil {
			ids, unknown = append(ids, bytes...), false
			continue
		}
		if b.unknown < 0 {
			return nil, fmt.Errorf("no token for %q, and none for what is unknown", text)
		}
		if !unknown || !b.fuse {
			ids = append(ids, b.unknown)
		}
		unknown = true
	}
	return ids, nil
}

// bytes returns the tokens of the bytes of text, or nil when they are not all
// there.
func (b *bpe) bytes(text string) []int {
	if !b.fallback {
		return nil
	}
	var ids []int
	for i := range len(text) {
		id, ok := b.ids[fmt.Sprintf("<0x%02X>", text[i])]
		if !ok {
			return nil
		}
		ids = append(ids, id)
	}
	return ids
}

// join cuts a word into pieces that no merge joins.
func (b *bpe) join(word string) []string {
	pieces := characters(word)
	var queue joints
	see := func(left int) {
		if left < 0 || pieces[left].next < 0 {
			return
		}
		right := pieces[left].next
		x, y := pieces[left].text, pieces[right].text
		if rank, ok := b.ranks[[2]string{x, y}]; ok {
			heap.Push(&queue, joint{rank, left, x + y, right})
		}
	}
	for i := range pieces {
		see(i)
	}
	for queue.Len() > 0 {
		j := heap.Pop(&queue).(joint)
		left, right := &pieces[j.left], &pieces[j.right]
		if left.next != j.right || len(left.text)+len(right.text) != len(j.text) || left.text == "" || right.text == "" {
			continue // one of the two has been joined since
		}
		left.text, left.next = j.text, right.next
		right.text = ""
		if left.next >= 0 {
			pieces[left.next].prev = j.left
		}
		see(left.prev)
		see(j.left)
	}
	var list []string
	for i := 0; i >= 0; i = pieces[i].next {
		list = append(list, pieces[i].text)
	}
	return list
}

// characters links the characters of a word, which is not empty.
func characters(word string) []piece {
	pieces := make([]piece, 0, utf8.RuneCountInString(word))
	for i := 0; i < len(word); {
		_, size := utf8.DecodeRuneInString(word[i:])
		n := len(pieces)
		pieces = append(pieces, piece{word[i : i+size], n - 1, n + 1})
		i += size
	}
	pieces[len(pieces)-1].next = -1
	return pieces
}

// newBPE checks a vocabulary and its merges, "a b" each, first learned first.
func newBPE(ids map[string]int, merges [][2]string) (*bpe, error) {
	if len(ids) == 0 {
		return nil, errors.New("no vocab")
	}
	b := &bpe{ids: ids, ranks: make(map[[2]string]int, len(merges)), unknown: -1}
	for i, m := range merges {
		for _, part := range []string{m[0], m[1], m[0] + m[1]} {
			if _, ok := ids[part]; !ok {
				return nil, fmt.Errorf("merge %d of %q and %q: %q must be in the vocabulary", i, cut(m[0]), cut(m[1]), cut(part))
			}
		}
		if _, ok := b.ranks[m]; ok {
			return nil, fmt.Errorf("merge %d of %q and %q: is there twice", i, cut(m[0]), cut(m[1]))
		}
		b.ranks[m] = i
	}
	return b, nil
}

// parseMerge splits "a b".
func parseMerge(line string) (m [2]string, ok bool) {
	a, b, found := strings.Cut(line, " ")
	return [2]string{a, b}, found && a != "" && b != "" && !strings.Contains(b, " ")
}
