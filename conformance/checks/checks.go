// Package checks is how the Go programs of the suites tell what they found: one JSON line for each check on standard
// output, {"check": "...", "ok": true, "detail": "..."}, as harness/checks.ts reads it.
package checks

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	// runLimit ends a program that hangs.
	runLimit = 18 * time.Minute
	// Patience is how long one thing may take on a slow machine.
	Patience = 5 * time.Minute
)

var (
	printing sync.Mutex
	failures int
)

// Report prints one check: it holds when err is nil.
func Report(check string, err error) {
	line := map[string]any{"check": check, "ok": err == nil}
	if err != nil {
		line["detail"] = err.Error()
	}
	printing.Lock()
	defer printing.Unlock()
	if err != nil {
		failures++
	}
	write(line)
}

// Emit prints a line that is no check.
func Emit(line any) {
	printing.Lock()
	defer printing.Unlock()
	write(line)
}

func write(line any) {
	text, _ := json.Marshal(line)
	fmt.Println(string(text))
}

// Exit ends the program: with 0 when all checks held, with 1 otherwise.
func Exit() {
	printing.Lock()
	if failures > 0 {
		os.Exit(1)
	}
	os.Exit(0)
}

// InEach runs a program's checks in several API endpoints side by side, and ends the program. run gets the index of an endpoint and
// the path of its kubeconfig, and returns why it could not begin.
func InEach(kubeconfigs []string, run func(ctx context.Context, index int, kubeconfig string) error) {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	var running sync.WaitGroup
	for index, path := range kubeconfigs {
		running.Go(func() {
			if err := run(ctx, index, path); err != nil {
				Report(path, err)
			}
		})
	}
	running.Wait()
	Exit()
}

// Eventually waits until condition answers nil, at most as long as patience.
func Eventually(ctx context.Context, patience time.Duration, condition func() error) error {
	end := time.Now().Add(patience)
	for {
		err := condition()
		if err == nil {
			return nil
		}
		if time.Now().After(end) || ctx.Err() != nil {
			return fmt.Errorf("not within %s: %w", patience, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
