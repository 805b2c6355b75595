package simd

// fmasPerRound is how many vectors one round of [Funcs.FMA] multiplies and
// adds: twelve sums, twice, which is more than two pipes of latency four need.
const fmasPerRound = 24

// FMA runs rounds of independent multiply-adds that stay in registers, and
// returns how many floating-point operations they were: the machine's limit
// for one thread is that over the time.
func (f *Funcs) FMA(rounds int) (flops int64) {
	rounds = max(rounds, 0)
	f.fma(rounds)
	return int64(rounds) * fmasPerRound * int64(f.Width) * 2
}

// Read loads x and does nothing with it, and returns how many bytes those
// were: the read bandwidth for one thread is that over the time, if x is much
// larger than the caches.
func (f *Funcs) Read(x []float32) (bytes int64) {
	round := 16 * f.Width
	n := len(x) / round * round
	if n > 0 {
		f.read(x[:n])
	}
	return int64(n) * 4
}

// sink keeps the generic loops from being optimised away.
var sink [2]float32

func fmaGeneric(rounds int) {
	x, y := sink[0], sink[1]
	var s0, s1, s2, s3, s4, s5 float32
	for range 4 * rounds {
		s0 += x * y
		s1 += x * y
		s2 += x * y
		s3 += x * y
		s4 += x * y
		s5 += x * y
	}
	if s0+s1+s2+s3+s4+s5 != 0 {
		panic("simd: zero times zero is not zero")
	}
}

func readGeneric(x []float32) {
	var s0, s1, s2, s3 float32
	for len(x) >= 4 {
		s0 += x[0]
		s1 += x[1]
		s2 += x[2]
		s3 += x[3]
		x = x[4:]
	}
	if s := s0 + s1 + s2 + s3; s == 0x1p-149 {
		sink[0] = 0
	}
}
