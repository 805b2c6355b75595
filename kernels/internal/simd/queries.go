package simd

// Queries are the few rows of Q of a decode step, scaled and laid out as
// [Funcs.Dots] of one variant takes them: row by row, or by octets.
//
// An octet is eight rows, the last padded with zeros: of two columns at a
// time, those of each row in turn.
type Queries struct {
	x           []float32
	rows, depth int
	octets      bool
}

const (
	octetRows = 8
	octetCols = 2
)

// StreamRows is for how many rows a processor waits for keys most of the time,
// whatever it does with them: they are read in order, by rows.
const StreamRows = 2

// QueriesLen returns how many floats so many rows take.
func (f *Funcs) QueriesLen(rows, depth int) int {
	if f.takesOctets(rows) {
		return (rows + octetRows - 1) / octetRows * octetLen(depth)
	}
	return rows * depth
}

// NewQueries lays out rows of depth columns in room for [Funcs.QueriesLen]
// floats. They are zeros until they are set.
func (f *Funcs) NewQueries(room []float32, rows, depth int) Queries {
	if rows < 0 || depth < 0 {
		panic(errShape)
	}
	n := f.QueriesLen(rows, depth)
	if len(room) < n {
		panic(errShort)
	}
	clear(room[:n])
	return Queries{x: room[:n], rows: rows, depth: depth, octets: f.takesOctets(rows)}
}

func (f *Funcs) takesOctets(rows int) bool { return f.octets != nil && rows > StreamRows }

// octetLen is the floats of an octet.
func octetLen(depth int) int { return (depth + octetCols - 1) / octetCols * octetCols * octetRows }

// Set makes row i of Q alpha·row.
func (q *Queries) Set(i int, row []float32, alpha float32) {
	if i < 0 || i >= q.rows || len(row) < q.depth {
		panic(errShort)
	}
	row = row[:q.depth]
	if !q.octets {
		to := q.x[i*q.depth:][:q.depth]
		for c, x := range row {
			to[c] = alpha * x
		}
		return
	}
	at := i/octetRows*octetLen(q.depth) + i%octetRows*octetCols
	for c, x := range row {
		q.x[at+c/octetCols*octetCols*octetRows+c%octetCols] = alpha * x
	}
}
