// Go: goroutines, GOMAXPROCS = 1. The same as ../rust/src/lib.rs, in Go.
package main

import (
	"flag"
	"fmt"
	"os"
	"runtime"
	"sort"
	"sync/atomic"
	"time"
)

const (
	loops  = 4
	kept   = 1 << 16
	nobody = loops
)

// All of it is written by one thread at a time, and read when that does not matter any more.
var (
	owner           int64 = nobody
	since, last     [loops + 1]int64
	changes         int64
	stretches, gaps [kept]int64
	wrong           int64
	start           = time.Now()
	turns           = uint64(1000)
)

func now() int64 { return int64(time.Since(start)) }

// About a microsecond of arithmetic, whose result is known.
//
//go:noinline
func compute(turns uint64) uint64 {
	sum := uint64(0)
	for turn := uint64(0); turn < turns; turn++ {
		sum += turn
	}
	return sum
}

func endless(me int64) {
	for {
		if compute(turns) != turns*(turns-1)/2 {
			wrong++
		}
		if before := atomic.LoadInt64(&owner); before != me {
			came := now()
			change := atomic.AddInt64(&changes, 1) - 1
			if before != nobody && change < kept {
				left := last[before]
				gaps[change] = came - left
				stretches[change] = left - since[before]
			}
			since[me] = came
			atomic.StoreInt64(&owner, me)
		}
		last[me] = now()
	}
}

func quantiles(samples []int64) string {
	if len(samples) < 2 {
		return "none"
	}
	sorted := append([]int64(nil), samples[1:]...)
	sort.Slice(sorted, func(a, b int) bool { return sorted[a] < sorted[b] })
	at := func(share float64) float64 {
		return float64(sorted[int(float64(len(sorted))*share)]) / 1000
	}
	return fmt.Sprintf("p50 %.0f us, p99 %.0f us", at(0.5), at(0.99))
}

func main() {
	seconds := flag.Float64("seconds", 10, "how long")
	flag.Parse()
	runtime.GOMAXPROCS(1)
	for me := int64(0); me < loops; me++ {
		go endless(me)
	}
	time.Sleep(time.Duration(*seconds * 1e9))
	count := atomic.LoadInt64(&changes)
	used := count
	if used > kept {
		used = kept
	}
	fmt.Printf("Go (%s): %d changes of %d loops in %.1f s, %d wrong results; stretch %s; from one to the next %s\n",
		runtime.Version(), count, loops, *seconds, wrong,
		quantiles(stretches[:used]), quantiles(gaps[:used]))
	os.Exit(0)
}
