package simd

// Panels is a matrix B of depth × cols floats, cut into panels of
// [Funcs.Cols] columns:
//
//	B[k][j] = Data[(j/Cols)*Panel + k*LD + j%Cols]
//
// A packed matrix has LD = Cols and its panels apart ([Funcs.Packed]); a
// row-major one can be used where it lies ([Funcs.InPlace]).
//
// Note: it is no larger than four words because the compiler keeps larger
// structs in memory. It copies them by vectors, each from where two numbers have
// just been written one by one; such a load waits until all that came before it
// has retired, and the products of the block in front are among that.
type Panels struct {
	Data      []float32
	LD, Panel int32
}

// Packed is a matrix of depth rows that [Funcs.Pack] or
// [Funcs.PackTransposed] wrote.
func (f *Funcs) Packed(data []float32, depth int) Panels {
	return Panels{Data: data, LD: int32(f.Cols), Panel: apart(depth * f.Cols)}
}

// InPlace is a row-major matrix with rows ld floats apart.
func (f *Funcs) InPlace(data []float32, ld int) Panels {
	return Panels{Data: data, LD: apart(ld), Panel: int32(f.Cols)}
}

// apart is a distance as a [Panels] holds it.
func apart(n int) int32 {
	if int(int32(n)) != n {
		panic(errApart)
	}
	return int32(n)
}

// Mul computes C = A·B for a block of at most f.Rows rows:
//
//	for i := range rows {
//		for j := range cols {
//			c[i*ldc+j] = 0
//			for k := range depth {
//				c[i*ldc+j] += a[i*lda+k] * B[k][j]
//			}
//		}
//	}
//
// The sum runs in the order of k, each step fused where the instruction set
// has it. Only rows × cols of C are written, and only depth × cols of B read.
// C must not overlap A or B.
func (f *Funcs) Mul(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int) {
	if f.checkProduct(c, ldc, a, lda, b, rows, depth, cols) {
		f.mul(c, ldc, a, lda, b, rows, depth, cols, nil)
	}
}

// MulAdd computes C += A·B, as [Funcs.Mul] does C = A·B: each sum starts from
// what C holds.
func (f *Funcs) MulAdd(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int) {
	if f.checkProduct(c, ldc, a, lda, b, rows, depth, cols) {
		f.mul(c, ldc, a, lda, b, rows, depth, cols, ones[:])
	}
}

// A Seen says which columns of a product count: of row i those from Lo[i] up to
// Hi[i], which may be none.
type Seen struct {
	Lo, Hi   [MaxRows]int32
	from, to int32 // the columns that count in all rows
}

// settle works out what all rows have in common.
func (s *Seen) settle(rows int) {
	s.from, s.to = s.Lo[0], s.Hi[0]
	for i := range rows {
		s.from, s.to = max(s.from, s.Lo[i]), min(s.to, s.Hi[i])
	}
}

// columns is where assembly finds a Seen, or nil.
func (s *Seen) columns() *int32 {
	if s == nil {
		return nil
	}
	return &s.Lo[0]
}

// MulMax computes C = A·B, overwrites with −Inf what does not count where a
// Seen says so, and finds the largest of each row, −Inf where there is none:
//
//	rowMax[i] = max(C[i][0], …, C[i][cols-1])
//
// NaN is passed over.
func (f *Funcs) MulMax(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int, rowMax []float32, seen *Seen) {
	if cols <= 0 {
		f.RowMax(c, ldc, rows, 0, rowMax)
		return
	}
	if len(rowMax) < rows {
		panic(errShort)
	}
	if f.checkProduct(c, ldc, a, lda, b, rows, depth, cols) {
		if seen != nil {
			seen.settle(rows)
		}
		block := f.mulMaxes[rows-1]
		if block == nil {
			mulMaxGeneric(c, ldc, a, lda, b, rows, depth, cols, rowMax, seen)
			return
		}
		block(&c[0], ldc, first(a), lda, first(b.Data), int(b.LD), int(b.Panel), depth, cols, &rowMax[0], seen.columns())
	}
}

// A mulFunc is a product in assembly of a fixed number of rows, and a mulMaxFunc
// one that finds their maxima.
//
// Note: they are called from where operands were checked, with nothing in
// between. The scheduler's stock of multiply-adds lasts for some 50 cycles, and
// a function that only passes on so many arguments takes half of that.
type (
	mulFunc    func(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, beta *float32)
	mulMaxFunc func(c *float32, ldc int, a *float32, lda int, b *float32, ldb, panel, depth, cols int, rowMax *float32, seen *int32)
)

// mul computes C = beta·C + A·B of operands that were checked, or C = A·B where
// beta is nil.
func (f *Funcs) mul(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int, beta []float32) {
	block := f.muls[rows-1]
	if block == nil {
		mulGeneric(c, ldc, a, lda, b, rows, depth, cols, beta)
		return
	}
	block(&c[0], ldc, first(a), lda, first(b.Data), int(b.LD), int(b.Panel), depth, cols, first(beta))
}

// first is the address of x[0], or nil where there is none.
func first[T any](x []T) *T {
	if len(x) == 0 {
		return nil
	}
	return &x[0]
}

var ones = func() (x [MaxRows]float32) {
	for i := range x {
		x[i] = 1
	}
	return x
}()

// What the methods panic with.
const (
	errShort = "simd: operand too short"
	errShape = "simd: negative size, or more rows than a block has"
	errApart = "simd: rows or panels more than 2^31 floats apart"
)

// checkProduct reports whether there is anything to do.

func (f *Funcs) checkProduct(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int) bool {
	if rows < 0 || rows > f.Rows || depth < 0 || cols < 0 {
		panic(errShape)
	}
	if rows == 0 || cols == 0 {
		return false
	}
	if !spans(c, ldc, rows, cols) || !spans(a, lda, rows, depth) || !f.spans(b, depth, cols) {
		panic(errShort)
	}
	return true
}

// spans tells whether x holds rows × cols elements, rows ld apart.
func spans[T any](x []T, ld, rows, cols int) bool {
	return rows == 0 || cols == 0 || ld >= 0 && len(x) >= (rows-1)*ld+cols
}

func (f *Funcs) spans(b Panels, depth, cols int) bool {
	last := (cols - 1) / f.Cols
	return depth == 0 || cols == 0 ||
		b.LD >= 0 && b.Panel >= 0 && len(b.Data) >= last*int(b.Panel)+(depth-1)*int(b.LD)+cols-last*f.Cols
}

// genericRows and genericCols are the shape of the generic block: as tall as
// is asked for, and as wide as one panel.
const genericRows, genericCols = 4, 3

// mulGeneric is the twin of the assembly: C = beta·C + A·B with a factor a
// row, or C = A·B where beta is nil.
//
// Note: two rows by three columns at a time. The compiler computes the products
// before it adds any; with more of them than six, sums go through memory and
// the rate halves (2×4, 4×2, 3×3 and 1×8 were tried on amd64).
func mulGeneric(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int, beta []float32) {
	for i := range rows {
		row := c[i*ldc:][:cols]
		for j := range row {
			if beta == nil {
				row[j] = 0
			} else {
				row[j] *= beta[i]
			}
		}
	}
	for j := 0; j < cols && depth > 0; j += genericCols {
		p := b.Data[j/genericCols*int(b.Panel):]
		n := min(genericCols, cols-j)
		i := 0
		for ; n == genericCols && i+2 <= rows; i += 2 {
			addBlock(c[i*ldc+j:], ldc, a[i*lda:], lda, p, int(b.LD), depth)
		}
		for ; i < rows; i++ {
			addRow(c[i*ldc+j:][:n], a[i*lda:][:depth], p, int(b.LD))
		}
	}
}

// addBlock adds a product of two rows and three columns.
func addBlock(c []float32, ldc int, a []float32, lda int, b []float32, ldb, depth int) {
	c0, c1 := (*[3]float32)(c), (*[3]float32)(c[ldc:])
	s00, s01, s02 := c0[0], c0[1], c0[2]
	s10, s11, s12 := c1[0], c1[1], c1[2]
	a0 := a[:depth]
	a1 := a[lda:][:len(a0)]
	at := 0
	for k, x := range a0 {
		y, r := a1[k], (*[3]float32)(b[at:])
		at += ldb
		s00 += x * r[0]
		s10 += y * r[0]
		s01 += x * r[1]
		s11 += y * r[1]
		s02 += x * r[2]
		s12 += y * r[2]
	}
	*c0 = [3]float32{s00, s01, s02}
	*c1 = [3]float32{s10, s11, s12}
}

// addRow adds a product of one row and at most a panel's width.
func addRow(c, a, b []float32, ldb int) {
	for j := range c {
		s := c[j]
		for k, x := range a {
			s += x * b[k*ldb+j]
		}
		c[j] = s
	}
}

func mulMaxGeneric(c []float32, ldc int, a []float32, lda int, b Panels, rows, depth, cols int, rowMax []float32, seen *Seen) {
	mulGeneric(c, ldc, a, lda, b, rows, depth, cols, nil)
	hideGeneric(c, ldc, rows, cols, seen)
	rowMaxGeneric(c, ldc, rows, cols, rowMax)
}

func hideGeneric(c []float32, ldc, rows, cols int, seen *Seen) {
	for i := 0; i < rows && seen != nil; i++ {
		for j := range c[i*ldc:][:cols] {
			if int32(j) < seen.Lo[i] || int32(j) >= seen.Hi[i] {
				c[i*ldc+j] = negInf
			}
		}
	}
}
