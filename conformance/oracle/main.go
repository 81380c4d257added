// Command oracle answers what upstream's own Go libraries say, so that tests can compare.
//
// One request is one JSON object a line on standard input, {"id": 1, "op": "...", "args": {...}}; its answer is one
// line on standard output, {"id": 1, "result": ...} or {"id": 1, "error": "text"}. Answers come in the order of the
// requests. A request never ends the program: what panics answers with an error. README.md lists the operations.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"k8s.io/klog/v2"
)

// requestLimit is the length in bytes of the longest line that is read.
const requestLimit = 64 << 20

// operation answers one request. What it returns is encoded as JSON.
type operation func(args json.RawMessage) (any, error)

// operations by name; each domain's file adds its own.
var operations = map[string]operation{}

type request struct {
	ID   json.RawMessage `json:"id"`
	Op   string          `json:"op"`
	Args json.RawMessage `json:"args"`
}

type response struct {
	ID     json.RawMessage `json:"id"`
	Result any             `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// op adapts a function with typed arguments.
func op[A any](run func(args A) (any, error)) operation {
	return func(raw json.RawMessage) (any, error) {
		var args A
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&args); err != nil {
			return nil, fmt.Errorf("oracle: bad arguments: %w", err)
		}
		return run(args)
	}
}

func answer(line []byte) (reply response) {
	var ask request
	reply.ID = json.RawMessage("null")
	defer func() {
		if cause := recover(); cause != nil {
			reply.Result = nil
			reply.Error = fmt.Sprintf("oracle: panic: %v\n%s", cause, debug.Stack())
		}
	}()
	if err := json.Unmarshal(line, &ask); err != nil {
		reply.Error = "oracle: bad request: " + err.Error()
		return reply
	}
	if ask.ID != nil {
		reply.ID = ask.ID
	}
	run, known := operations[ask.Op]
	if !known {
		reply.Error = "oracle: unknown operation " + ask.Op
		return reply
	}
	result, err := run(ask.Args)
	if err != nil {
		reply.Error = err.Error()
		return reply
	}
	// Encoded here, so that what cannot be encoded is this request's error.
	text, err := encode(result)
	if err != nil {
		reply.Error = "oracle: cannot encode the result: " + err.Error()
		return reply
	}
	reply.Result = json.RawMessage(text)
	return reply
}

// encode is JSON without the escapes for HTML.
func encode(value any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimRight(text.Bytes(), "\n"), err
}

func serve(in io.Reader, out io.Writer) error {
	reader := bufio.NewReaderSize(in, 1<<20)
	writer := bufio.NewWriterSize(out, 1<<20)
	for {
		line, err := readLine(reader)
		if len(bytes.TrimSpace(line)) > 0 {
			text, failed := encode(timed(line))
			if failed != nil {
				return failed
			}
			writer.Write(text)
			writer.WriteByte('\n')
		}
		// Answers wait for company only while more requests are at hand.
		if err != nil || reader.Buffered() == 0 {
			if failed := writer.Flush(); failed != nil {
				return failed
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func readLine(reader *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := reader.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > requestLimit {
			return nil, fmt.Errorf("a request of more than %d bytes", requestLimit)
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

// texts lists the messages of errors.
func texts[E error](errs []E) []string {
	list := make([]string, 0, len(errs))
	for _, err := range errs {
		list = append(list, err.Error())
	}
	return list
}

// quiet turns off the logs of the libraries; they go to standard error otherwise.
func quiet() {
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	_ = flags.Parse(strings.Fields("-logtostderr=false -alsologtostderr=false -stderrthreshold=FATAL"))
	klog.SetOutput(io.Discard)
}

func main() {
	quiet()
	boundMemory()
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}
