// hopper.cc: what compute capability 9.0 adds: barriers in shared memory that count
// arrivals, and products of a warpgroup with operands in shared memory.

#include <cmath>
#include <limits>

#include "fibers.h"

namespace emulation {

namespace {

Phases *find(const void *at)
{
	Machine &m = machine();
	auto found = m.phases.find(at);
	if (found == m.phases.end() || (found->second.made == m.shared.now() && found->second.maker != m.running)) {
		fail(m.running, CUDA_ERROR_LAUNCH_FAILED, "phase barrier at shared byte %td used before a barrier has shown it made",
			(const char *)at - m.shared.bytes());
		return nullptr;
	}
	return &found->second;
}

void count(const void *at, const Clock &clock)
{
	Phases &p = machine().phases[at];
	join(p.gathered, clock);
	if (--p.missing == 0) {
		p.shown = p.gathered;
		p.missing = p.arrivals;
		p.ended++;
	}
}

} // namespace

void makePhases(const void *at, int arrivals)
{
	Machine &m = machine();
	m.order.use();
	m.shared.use(m.running, at, 8, 8, true);
	m.phases[at] = Phases{arrivals, arrivals, 0, m.running, m.shared.now(), {}, {}};
}

void arrive(const void *at)
{
	if (find(at))
		count(at, machine().order.show(machine().running));
}

void arriveCopies(const void *at)
{
	Machine &m = machine();
	Fiber &f = fiber();
	if (!find(at))
		return;
	f.arrivals.push_back({at, f.copied + f.copies.size(), m.order.show(m.running)});
	if (settings().eagerCopies)
		endCopies(m.running, f.copies.size());
	else
		deliverArrivals(m.running);
}

void deliverArrivals(int thread)
{
	Fiber &f = machine().fibers[thread];
	while (!f.arrivals.empty() && f.arrivals[0].copies <= f.copied) {
		const Arrival a = f.arrivals[0];
		f.arrivals.erase(f.arrivals.begin());
		count(a.at, a.clock);
	}
}

bool finishSomeCopies()
{
	Machine &m = machine();
	bool pending = false;
	for (unsigned t = 0; t < m.threads; t++) {
		const Fiber &f = m.fibers[t];
		if (f.arrivals.empty())
			continue;
		pending = true;
		if (m.random.below(2))
			endCopies(t, f.arrivals[0].copies - f.copied);
	}
	return pending;
}

bool phaseEnded(int thread)
{
	Machine &m = machine();
	const Fiber &f = m.fibers[thread];
	return (int)(m.phases[f.phaseAt].ended & 1) != f.parity;
}

void awaitPhase(const void *at, int parity)
{
	Machine &m = machine();
	if (!find(at))
		return;
	fiber().phaseAt = at;
	fiber().parity = parity;
	if (!phaseEnded(m.running))
		pause(atPhase);
	m.order.learn(m.running, m.phases[at].shown);
	fiber().proxyFenced = false;
}

void proxyFence() { fiber().proxyFenced = true; }

// Products. They read shared memory when they start; a GPU may do so until they are
// waited for, and who writes there before is found.

void fenceProducts() { fiber().registersFenced = true; }
void commitProducts() { fiber().batch++; }

void awaitProducts(unsigned groups)
{
	Machine &m = machine();
	Fiber &f = fiber();
	m.order.use();
	const unsigned ended = f.batch > groups ? f.batch - 1 - groups : 0;
	for (size_t i = 0; i < f.products.size();) {
		const Accumulator &a = f.products[i];
		if (a.batch > ended) {
			i++;
			continue;
		}
		memcpy(a.c, a.value.data(), a.value.size() * sizeof(float));
		f.products.erase(f.products.begin() + i);
		f.registersFenced = false; // from here on they may be touched
	}
	m.order.finished(m.running, ended);
}

void startProduct(const Product &p)
{
	Fiber &f = fiber();
	if (!f.registersFenced)
		fail(machine().running, CUDA_ERROR_LAUNCH_FAILED, "product on registers without a fence before it");
	f.product = p;
	pause(atGroup);
}

namespace {

// A Panels is an operand in shared memory, as its descriptor says: rows of 128 bytes
// of which pieces of 16 bytes change places with the address.
struct Panels {
	int first;
	size_t start, leading, stride;
	const Clock &common;
	uint32_t batch;

	Panels(int first, uint64_t d, const Clock &common, uint32_t batch)
		: first(first), start((d & 0x3fff) << 4), leading((d >> 16 & 0x3fff) << 4), stride((d >> 32 & 0x3fff) << 4), common(common),
		  batch(batch)
	{
		if (d >> 62 != 1 || (d >> 49 & 7) != 0)
			fail(first, CUDA_ERROR_LAUNCH_FAILED, "product with a descriptor that is not of a 128-byte swizzle");
	}

	// pair returns two elements, the one at a column of a row and its neighbour.
	uint32_t pair(int row, int column) const
	{
		const size_t at = start + column / 64 * leading + row / 8 * stride + row % 8 * 128 + column % 64 * 2;
		return machine().shared.useProduct(first, at ^ (at >> 3 & 0x70), common, batch);
	}
};

constexpr int maxColumns = 256;

struct Operands {
	float a[64][16], b[16][maxColumns];
};

void readA(Operands &o, int first, const Product &p, const Clock &common, uint32_t batch)
{
	Machine &m = machine();
	if (p.fragment) { // four A of mma.m16n8k16, a warp each
		for (int t = 0; t < groupSize; t++)
			for (int i = 0; i < 4; i++)
				for (int half = 0; half < 2; half++)
					o.a[t / 32 * 16 + t % 32 / 4 + 8 * (i % 2)][t % 4 * 2 + 8 * (i / 2) + half] =
						element(p.half, m.fibers[first + t].product.a[i] >> 16 * half);
		return;
	}
	const Panels panels(first, p.aDescriptor, common, batch);
	for (int r = 0; r < 64; r++)
		for (int k = 0; k < 16; k += 2) {
			const uint32_t x = panels.pair(r, k);
			o.a[r][k] = element(p.half, x);
			o.a[r][k + 1] = element(p.half, x >> 16);
		}
}

void readB(Operands &o, int first, const Product &p, const Clock &common, uint32_t batch)
{
	const Panels panels(first, p.bDescriptor, common, batch);
	const int rows = p.transposed ? 16 : p.columns, columns = p.transposed ? p.columns : 16; // as they lie
	for (int r = 0; r < rows; r++)
		for (int c = 0; c < columns; c += 2) {
			const uint32_t x = panels.pair(r, c);
			for (int half = 0; half < 2; half++)
				(p.transposed ? o.b[r][c + half] : o.b[c + half][r]) = element(p.half, x >> 16 * half);
		}
}

// accumulator returns the C of a thread's product, begun where it is the first on it.
Accumulator &accumulator(Fiber &f)
{
	const Product &p = f.product;
	for (Accumulator &a : f.products)
		if (a.c == p.c)
			return a;
	f.products.push_back({p.c, 0, std::vector<float>(p.c, p.c + p.columns / 2)});
	for (int i = 0; i < p.columns / 2; i++)
		p.c[i] = std::numeric_limits<float>::quiet_NaN();
	return f.products.back();
}

bool alike(const Product &a, const Product &b)
{
	return a.half == b.half && a.columns == b.columns && a.add == b.add && a.fragment == b.fragment &&
		a.aDescriptor == b.aDescriptor && a.bDescriptor == b.bDescriptor && a.transposed == b.transposed;
}

} // namespace

// product is wgmma.mma_async.m64nNk16. C lies as that of mma.m16n8k16, a warp 16
// rows and 8 columns in 4 registers.
void product(int first)
{
	Machine &m = machine();
	const Product &p = m.fibers[first].product;
	m.order.use();
	for (int t = first; t < first + groupSize; t++) {
		const Fiber &f = m.fibers[t];
		if (!alike(f.product, p) || f.batch != m.fibers[first].batch)
			return fail(t, CUDA_ERROR_LAUNCH_FAILED, "threads of a warpgroup at different products");
		if (!f.proxyFenced)
			return fail(t, CUDA_ERROR_LAUNCH_FAILED, "product without a proxy fence after the barrier before it");
	}
	static Operands o;
	const Clock common = m.order.common(first);
	const uint32_t batch = m.fibers[first].batch;
	readA(o, first, p, common, batch);
	readB(o, first, p, common, batch);
	if (m.fault.code)
		return;
	for (int r = 0; r < 64; r++) {
		double sums[maxColumns] = {};
		for (int k = 0; k < 16; k++)
			for (int n = 0; n < p.columns; n++)
				sums[n] += (double)o.a[r][k] * o.b[k][n];
		for (int lane = 0; lane < 4; lane++) {
			Accumulator &a = accumulator(m.fibers[first + r / 16 * 32 + r % 8 * 4 + lane]);
			a.batch = batch;
			for (int n = 2 * lane; n < p.columns; n += 8)
				for (int half = 0; half < 2; half++) {
					float &c = a.value[n / 8 * 4 + r % 16 / 8 * 2 + half];
					c = truncated((p.add ? (double)c : 0) + sums[n + half]);
				}
		}
	}
}

} // namespace emulation
