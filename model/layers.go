package model

import "math"

// A norm is layer normalisation over the width, with scale and shift.
type norm struct {
	weight, bias []float32 // [width]
}

// apply computes, for each row of x [rows, width],
//
//	dst[i] = (x[i] − mean(x)) / √(var(x) + epsilon) · weight[i] + bias[i]
//
// with the moments in float64. dst may be x.
func (n *norm) apply(dst, x []float32, epsilon float64) {
	width := len(n.weight)
	for ; len(x) >= width; dst, x = dst[width:], x[width:] {
		mean, variance := moments(x[:width])
		scale := 1 / math.Sqrt(variance+epsilon)
		for i, v := range x[:width] {
			dst[i] = float32((float64(v)-mean)*scale)*n.weight[i] + n.bias[i]
		}
	}
}

// An rmsNorm is root mean square normalisation (arXiv:1910.07467): scale, but
// neither shift nor mean.
type rmsNorm struct{ weight []float32 } // [width]

// apply computes, for each row of x [rows, width],
//
//	dst[i] = x[i] / √(mean(x²) + epsilon) · weight[i]
//
// with the mean in float64. dst may be x.
func (n *rmsNorm) apply(dst, x []float32, epsilon float64) {
	width := len(n.weight)
	for ; len(x) >= width; dst, x = dst[width:], x[width:] {
		sum := 0.0
		for _, v := range x[:width] {
			sum += float64(v) * float64(v)
		}
		scale := 1 / math.Sqrt(sum/float64(width)+epsilon)
		for i, v := range x[:width] {
			dst[i] = float32(float64(v)*scale) * n.weight[i]
		}
	}
}

// moments returns the mean and the population variance of x.
func moments(x []float32) (mean, variance float64) {
	for _, v := range x {
		mean += float64(v)
	}
	mean /= float64(len(x))
	for _, v := range x {
		variance += (float64(v) - mean) * (float64(v) - mean)
	}
	return mean, variance / float64(len(x))
}

// add adds y to x.
func add(x, y []float32) {
	for i, v := range y {
		x[i] += v
	}
}
