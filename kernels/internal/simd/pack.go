package simd

// PackedLen is how many floats a packed matrix of depth × cols takes.
func (f *Funcs) PackedLen(depth, cols int) int {
	return (cols + f.Cols - 1) / f.Cols * f.Cols * depth
}

// Pack copies src, a row-major matrix of depth × cols like V or a weight of
// [in, out], into panels:
//
//	dst[(j/Cols)*depth*Cols + k*Cols + j%Cols] = src[k*lds+j]
//
// The last panel is filled up with zeros; dst holds [Funcs.PackedLen] floats
// and is read fastest when aligned to 64 bytes.
func (f *Funcs) Pack(dst, src []float32, lds, depth, cols int) {
	if depth < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(src, lds, depth, cols) || len(dst) < f.PackedLen(depth, cols) {
		panic(errShort)
	}
	if depth == 0 {
		return
	}
	for j := 0; j < cols; j += f.Cols {
		f.pack(dst[j*depth:], src[j:], lds, depth, min(f.Cols, cols-j))
	}
}

// PackTransposed packs a multiple of the transpose of src, a row-major matrix of
// cols × depth like K or a weight of [out, in]:
//
//	dst[(j/Cols)*depth*Cols + k*Cols + j%Cols] = alpha * src[j*lds+k]
//
// It fills up and aligns as [Funcs.Pack] does.
func (f *Funcs) PackTransposed(dst, src []float32, lds, cols, depth int, alpha float32) {
	if depth < 0 || cols < 0 {
		panic(errShape)
	}
	if !spans(src, lds, cols, depth) || len(dst) < f.PackedLen(depth, cols) {
		panic(errShort)
	}
	if depth == 0 {
		return
	}
	for j := 0; j < cols; j += f.Cols {
		f.packTransposed(dst[j*depth:], src[j*lds:], lds, min(f.Cols, cols-j), depth, alpha)
	}
}

// packGeneric packs one panel.
func packGeneric(dst, src []float32, lds, depth, cols int) {
	for k := range depth {
		row := dst[k*genericCols:][:genericCols]
		clear(row[copy(row, src[k*lds:][:cols]):])
	}
}

// packTransposedGeneric packs one panel.
func packTransposedGeneric(dst, src []float32, lds, cols, depth int, alpha float32) {
	for k := range depth {
		row := dst[k*genericCols:][:genericCols]
		clear(row[cols:])
		for j := range cols {
			row[j] = alpha * src[j*lds+k]
		}
	}
}
