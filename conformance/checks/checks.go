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
