package main

import (
	"context"
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	// heapGoal in bytes: beyond it the collector works all the time.
	heapGoal = 1 << 30
	// heapGrowth in percent before the next collection: most of what requests make is gone when they are answered.
	heapGrowth = 400
	// heapLimit in bytes: a request that needs more ends the program. Some functions of CEL make texts of any length at once, and
	// nothing can stop them from within.
	heapLimit = 3 << 30
	// dataLimit in bytes is the kernel's, for what grows faster than the watch on the heap looks.
	dataLimit = 6 << 30
	// requestTime is how long one request may evaluate; after it, CEL is interrupted.
	requestTime = 2 * time.Minute
	heapChecks  = 50 * time.Millisecond
)

// background is the context of the request that is being answered.
var background = context.Background()

// answering is the beginning of that request's line.
var answering atomic.Pointer[string]

// shownLength is how many bytes of a request are told when it is too much.
const shownLength = 2_000

// timed answers a request with a deadline.
func timed(line []byte) response {
	text := string(line[:min(len(line), shownLength)])
	answering.Store(&text)
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	background = ctx
	defer cancel()
	return answer(line)
}

// boundMemory sees to it that no request makes this program grow without end.
func boundMemory() {
	debug.SetMemoryLimit(heapGoal)
	debug.SetGCPercent(heapGrowth)
	_ = syscall.Setrlimit(syscall.RLIMIT_DATA, &syscall.Rlimit{Cur: dataLimit, Max: dataLimit})
	go func() {
		heap := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		for range time.Tick(heapChecks) {
			metrics.Read(heap)
			if used := heap[0].Value.Uint64(); used > heapLimit {
				fmt.Fprintf(os.Stderr, "oracle: %d bytes of memory for one request: %s\n", used, *answering.Load())
				os.Exit(3)
			}
		}
	}()
}
