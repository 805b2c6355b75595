// machine.cc: blocks, warps and fibers, and the warp operations.

#include "machine.h"

#include <sys/mman.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "fibers.h"

#if defined(__x86_64__) && !defined(ATTNBENCH_UCONTEXT)
asm(R"(
.text
.globl attnbenchSwitch
.hidden attnbenchSwitch
.type attnbenchSwitch, @function
attnbenchSwitch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
.size attnbenchSwitch, .-attnbenchSwitch
)");
#endif

namespace emulation {

namespace {

Machine *const theMachine = new Machine; // outlives every static destructor

std::map<std::string, Kernel> &kernels()
{
	static auto *k = new std::map<std::string, Kernel>;
	return *k;
}

} // namespace

Machine &machine() { return *theMachine; }

void registerKernel(const Kernel &k) { kernels()[k.name] = k; }

const Kernel *findKernel(const std::string &name)
{
	auto at = kernels().find(name);
	return at == kernels().end() ? nullptr : &at->second;
}

// fail ends the launch with the first fault. From a fiber it does not return.
void fail(int thread, CUresult code, const char *format, ...)
{
	Machine &m = machine();
	if (m.fault.code == CUDA_SUCCESS) {
		char text[256], where[256];
		va_list args;
		va_start(args, format);
		vsnprintf(text, sizeof text, format, args);
		va_end(args);
		snprintf(where, sizeof where, "%s: block (%u,%u,%u) thread %d: ", m.kernel->name, m.at.x, m.at.y, m.at.z, thread);
		m.fault = {code, std::string(where) + text};
	}
	if (m.running >= 0) {
		Context abandoned;
		switchTo(abandoned, m.scheduler);
	}
}

int threadIndex() { return machine().running; }
Dim blockIndex() { return machine().at; }
Dim gridSize() { return machine().grid; }
char *sharedMemory() { return machine().shared.bytes(); }
Slot &mySlot() { return fiber().slot; }

void pause(State state)
{
	Machine &m = machine();
	Fiber &f = fiber();
	f.state = state;
	switchTo(f.context, m.scheduler);
}

namespace {

void fiberMain()
{
	Machine &m = machine();
	m.kernel->call(m.kernel->function, m.params);
	if (!fiber().copies.empty())
		fail(m.running, CUDA_ERROR_LAUNCH_FAILED, "ended with asynchronous copies under way");
	if (!fiber().products.empty())
		fail(m.running, CUDA_ERROR_LAUNCH_FAILED, "ended with products under way");
	pause(done);
	abort();
}

} // namespace

void blockBarrier() { pause(atBlock); }

void warpOperation(Operation op)
{
	fiber().slot.op = op;
	pause(atWarp);
}

void useShared(const void *p, size_t bytes, size_t align, bool write)
{
	Machine &m = machine();
	m.shared.use(m.running, p, bytes, align, write);
}

void globalFault(const void *p, size_t bytes, size_t align, bool write)
{
	if ((uintptr_t)p % align)
		fail(threadIndex(), CUDA_ERROR_MISALIGNED_ADDRESS, "global address %p is not aligned to %zu bytes", p, align);
	fail(threadIndex(), CUDA_ERROR_ILLEGAL_ADDRESS, "%s of %zu bytes at %p outside of every allocation",
		write ? "write" : "read", bytes, p);
}

// Asynchronous copies. Until its thread waits for it, a copy's destination belongs
// to the copy; the data arrive at once (eager) or at the wait (deferred), the two
// ends of what a GPU may do.

void copyAsync(void *dst, const void *src, bool wanted)
{
	Machine &m = machine();
	useGlobal(src, wanted ? 16 : 1, 16, false);
	m.shared.beginCopy(m.running, dst, 16);
	AsyncCopy copy{(char *)dst, (const char *)src, wanted, fiber().group};
	if (settings().eagerCopies)
		wanted ? memcpy(dst, src, 16) : memset(dst, 0, 16);
	fiber().copies.push_back(copy);
}

void commitCopies() { fiber().group++; }

void endCopies(int thread, size_t n)
{
	Machine &m = machine();
	Fiber &f = m.fibers[thread];
	for (size_t i = 0; i < n; i++) {
		const AsyncCopy &c = f.copies[i];
		if (!settings().eagerCopies)
			c.wanted ? memcpy(c.dst, c.src, 16) : memset(c.dst, 0, 16);
		m.shared.endCopy(thread, c.dst, 16, f.copied + i < f.shown());
	}
	f.copies.erase(f.copies.begin(), f.copies.begin() + n);
	f.copied += n;
	deliverArrivals(thread);
}

void waitCopies(unsigned groups)
{
	const Fiber &f = fiber();
	size_t finished = 0;
	while (finished < f.copies.size() && f.copies[finished].group + groups < f.group)
		finished++;
	endCopies(machine().running, finished);
}

namespace {

// Warp operations. They run when all lanes have come.

struct Lanes {
	int first; // thread of lane 0
	Slot &operator[](int lane) const { return machine().fibers[first + lane].slot; }
};

void shuffles(const Lanes &lanes, Operation op)
{
	uint32_t in[warpSize], any = 0;
	for (int i = 0; i < warpSize; i++)
		any |= (in[i] = lanes[i].words[0]);
	for (int i = 0; i < warpSize; i++) {
		const int from = op == opShuffleXor ? i ^ lanes[i].immediate : lanes[i].immediate;
		if (op == opAny)
			lanes[i].words[0] = any != 0;
		else
			lanes[i].words[0] = in[from % warpSize];
	}
}

// matrices is ldmatrix.x4: lane l names row l%8 of matrix l/8 and gets two elements
// of row l/4 of each, or of column l/4 when transposed.
void matrices(const Lanes &lanes, bool transposed)
{
	Machine &m = machine();
	uint16_t rows[4][8][8];
	for (int l = 0; l < warpSize; l++) {
		m.shared.use(lanes.first + l, lanes[l].address, 16, 16, false);
		if (m.fault.code)
			return;
		memcpy(rows[l / 8][l % 8], lanes[l].address, 16);
	}
	for (int l = 0; l < warpSize; l++)
		for (int n = 0; n < 4; n++) {
			const int r = l / 4, c = l % 4 * 2;
			const uint16_t lo = transposed ? rows[n][c][r] : rows[n][r][c];
			const uint16_t hi = transposed ? rows[n][c + 1][r] : rows[n][r][c + 1];
			lanes[l].words[n] = lo | (uint32_t)hi << 16;
		}
}

// multiply is mma.m16n8k16 with the fragments that the PTX manual draws: with
// g = lane/4, t = lane%4, register i of A holds rows g + 8·(i%2) and columns
// 2t + 8·(i/2) and the next, register i of B rows 2t + 8·i and the next of column
// g, and those of C rows g + 8·(i/2), column 2t + i%2.
void multiply(const Lanes &lanes, Operation op)
{
	float a[16][16], b[16][8];
	for (int l = 0; l < warpSize; l++) {
		const int g = l / 4, t = l % 4;
		for (int i = 0; i < 4; i++)
			for (int half = 0; half < 2; half++)
				a[g + 8 * (i % 2)][2 * t + 8 * (i / 2) + half] = element(op == opMultiplyF16, lanes[l].words[4 + i] >> 16 * half);
		for (int i = 0; i < 2; i++)
			for (int half = 0; half < 2; half++)
				b[2 * t + 8 * i + half][g] = element(op == opMultiplyF16, lanes[l].words[8 + i] >> 16 * half);
	}
	for (int l = 0; l < warpSize; l++)
		for (int i = 0; i < 4; i++) {
			const int row = l / 4 + 8 * (i / 2), column = l % 4 * 2 + i % 2;
			float c;
			memcpy(&c, &lanes[l].words[i], sizeof c);
			double sum = c;
			for (int k = 0; k < 16; k++)
				sum += (double)a[row][k] * b[k][column];
			c = truncated(sum);
			memcpy(&lanes[l].words[i], &c, sizeof c);
		}
}

void operate(int firstThread)
{
	const Lanes lanes{firstThread};
	const Operation op = lanes[0].op;
	for (int l = 0; l < warpSize; l++)
		if (lanes[l].op != op)
			return fail(firstThread + l, CUDA_ERROR_LAUNCH_FAILED, "lanes of a warp at different operations");
	switch (op) {
	case opShuffleXor:
	case opShuffle:
	case opAny:
		shuffles(lanes, op);
		break;
	case opMatrices:
	case opMatricesT:
		matrices(lanes, op == opMatricesT);
		break;
	case opMultiplyBF16:
	case opMultiplyF16:
		multiply(lanes, op);
	}
}

// The scheduler.

// resume lets a thread run until it waits or ends.
void resume(int thread)
{
	Machine &m = machine();
	m.running = thread;
	switchTo(m.scheduler, m.fibers[thread].context);
	m.running = -1;
}

bool all(int first, int n, State state)
{
	for (int i = first; i < first + n; i++)
		if (machine().fibers[i].state != state)
			return false;
	return true;
}

void setAll(int first, int n, State state)
{
	for (int i = first; i < first + n; i++)
		machine().fibers[i].state = state;
}

// runWarp lets the lanes run until all wait for more than their warp. It returns
// whether any ran.
bool runWarp(int first)
{
	Machine &m = machine();
	bool ran = false;
	for (;;) {
		const int start = m.random.below(warpSize), step = 1 + 2 * m.random.below(warpSize / 2); // odd: visits all
		for (int i = 0; i < warpSize; i++) {
			const int thread = first + (start + i * step) % warpSize;
			if (m.fibers[thread].state == atPhase && phaseEnded(thread))
				m.fibers[thread].state = ready;
			if (m.fibers[thread].state != ready)
				continue;
			ran = true;
			resume(thread);
			if (m.fault.code)
				return true;
		}
		if (!all(first, warpSize, atWarp))
			return ran;
		operate(first);
		setAll(first, warpSize, ready);
		if (m.fault.code)
			return true;
	}
}

void runBlock()
{
	Machine &m = machine();
	m.shared.beginBlock(m.sharedBytes);
	m.order.begin();
	m.phases.clear();
	for (unsigned t = 0; t < m.threads; t++) {
		Fiber &f = m.fibers[t];
		f.begin();
		prepare(f.context, m.stacks + t * stackBytes, stackBytes, fiberMain);
	}
	const int warps = m.threads / warpSize;
	while (!m.fault.code && !all(0, m.threads, done)) {
		bool ran = false;
		const int start = m.random.below(warps), step = m.random.below(2) ? 1 : warps - 1;
		for (int i = 0; i < warps && !m.fault.code; i++)
			ran |= runWarp((start + i * step) % warps * warpSize);
		for (unsigned g = 0; g + groupSize <= m.threads && !m.fault.code; g += groupSize)
			if (all(g, groupSize, atGroup)) {
				product(g);
				setAll(g, groupSize, ready);
				ran = true;
			}
		if (m.fault.code)
			return;
		if (all(0, m.threads, atBlock)) {
			m.shared.barrier();
			m.order.barrier();
			setAll(0, m.threads, ready);
		} else if (!ran && !finishSomeCopies()) {
			fail(-1, CUDA_ERROR_LAUNCH_FAILED, "deadlock: some threads wait where others do not come");
		}
	}
}

} // namespace

Fault launch(const Kernel &k, Dim grid, Dim block, size_t sharedBytes, void **params)
{
	Machine &m = machine();
	static uint64_t launches;
	m.kernel = &k;
	m.params = params;
	m.grid = grid;
	m.block = block;
	m.threads = block.x;
	m.sharedBytes = sharedBytes;
	m.running = -1;
	m.fault = {};
	m.shared.forget();
	m.order.resize(m.threads);
	m.random = Random(settings().seed + ++launches * 1000003);
	if (!m.stacks) {
		m.fibers.resize(maxThreads);
		m.stacks = (char *)mmap(nullptr, maxThreads * stackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (m.stacks == MAP_FAILED)
			abort();
	}
	const uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
	std::vector<uint32_t> order(blocks);
	for (uint64_t i = 0; i < blocks; i++) { // a random permutation, grown from inside
		const uint64_t j = m.random.next() % (i + 1);
		order[i] = order[j];
		order[j] = i;
	}
	for (uint64_t i = 0; i < blocks && !m.fault.code; i++) {
		m.at = {order[i] % grid.x, order[i] / grid.x % grid.y, order[i] / grid.x / grid.y};
		runBlock();
	}
	return m.fault;
}

} // namespace emulation
