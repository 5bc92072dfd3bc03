package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// A small heap is collected all the time, which was a fifth of what it took to explain
// 5,000 workloads. So it may grow to five times what is in use, and beyond roomForGarbage
// to twice as much, as usual.
const (
	roomForGarbage  = 256 << 20 // bytes
	seldom, asUsual = 400, 100  // percent of what is in use
	smallHeap       = roomForGarbage * 100 / (100 + seldom)
)

// collectSeldom has garbage collected seldom while the heap is small.
var collectSeldom = sync.OnceFunc(func() { adjust(struct{}{}) })

// adjust says how often to collect garbage, and does so again after each collection.
func adjust(struct{}) {
	debug.SetGCPercent(percent(heapInUse()))
	runtime.AddCleanup(new([]byte), adjust, struct{}{})
}

func percent(inUse uint64) int {
	if inUse > smallHeap {
		return asUsual
	}
	return seldom
}

// heapInUse is what the last collection left.
func heapInUse() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
