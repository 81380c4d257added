package main

import (
	"os"
	"runtime/pprof"
	"time"
)

func init() {
	if name := os.Getenv("ORACLE_PROF"); name != "" {
		f, _ := os.Create(name)
		pprof.StartCPUProfile(f)
		go func() { time.Sleep(20 * time.Second); pprof.StopCPUProfile(); f.Close() }()
	}
}
