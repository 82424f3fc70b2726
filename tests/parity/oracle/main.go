// The oracle answers what kube-scheduler's own plugins say of a pod, with no API server: the PreFilter
// and Filter plugins of the default profile, at the version of k8s.io/kubernetes that go.mod names,
// with that version's feature gates.
//
// It reads one case a line from standard input, and writes one answer a line to standard output, in
// the order of the cases. Objects are plain Kubernetes JSON, as a user would write them: the oracle
// adds what the API server adds on their way in (stored.go says what, and what it does not). Unknown
// fields are refused, for a misspelt one would be answered with another case's verdict.
//
//	{"id": "x", "nodes": [], "pods": [], "pod": {}, "keepNodeName": false, "score": false,
//	 "nominated": [{"pod": {}, "node": "n1"}],
//	 "namespaces": [], "services": [], "replicaSets": [], "statefulSets": [],
//	 "persistentVolumes": [], "persistentVolumeClaims": [], "storageClasses": [],
//	 "csiNodes": [], "csiDrivers": [], "csiStorageCapacities": [], "volumeAttachments": []}
//
// asks about `pod` on every node, with `pods` where their spec.nodeName says they are, and is answered
//
//	{"id": "x", "preFilter": null, "scores": null, "error": "",
//	 "nodes": {"n1": {"ok": true},
//	           "n2": {"ok": false, "plugin": "NodeAffinity", "code": "UnschedulableAndUnresolvable",
//	                  "reasons": ["node(s) didn't match Pod's node affinity/selector"]}}}
//
// Where a PreFilter plugin refuses the pod everywhere, `preFilter` has plugin, code and reasons, and
// `nodes` is empty. A code "Error" is a fault, not a refusal: kube-scheduler would give up the whole
// attempt. Reasons for several extended resources come in no order. With "score" the feasible nodes
// have their weighted normalised scores, a plugin each; plugins that skip the pod have none.
//
//	{"id": "y", "mode": "batch", "nodes": [], "pods": [], "judge": ["ns/name"]}
//
// takes the same world, and asks about each named pod on the node that it is on, against all the
// others: {"id": "y", "verdicts": {"ns/name": {"ok": true}}, "error": ""}.
//
// A case that cannot be read, or that makes the scheduler panic, is answered with its id and an error.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"k8s.io/component-base/version"
)

// longestLine bounds a case. A batch of 5,000 nodes and 10,000 pods has about 20 MB.
const longestLine = 64 << 20

func main() {
	if strings.HasPrefix(version.Get().GitVersion, "v0.0.0") {
		// NodeDeclaredFeatures compares it with the versions of features.
		fmt.Fprintln(os.Stderr, "oracle: built without the version of Kubernetes. Build it with build.sh.")
		os.Exit(2)
	}
	becomeQuiet()
	if err := serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "oracle: %v\n", err)
		os.Exit(1)
	}
}

// question is a line on its way to its answer.
type question struct {
	number int
	line   []byte
	answer chan []byte
}

// serve answers the lines of in on out, in their order, and several at a time.
func serve(in io.Reader, out io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	asked := make(chan *question, 4*workers)
	answered := make(chan *question, 4*workers)
	judges := newPool()
	for range workers {
		go func() {
			for q := range asked {
				q.answer <- judges.answer(q.number, q.line)
			}
		}()
	}
	unread := make(chan error, 1)
	go func() {
		defer close(asked)
		defer close(answered)
		unread <- read(in, func(q *question) {
			answered <- q
			asked <- q
		})
	}()
	if err := write(out, answered); err != nil {
		return err
	}
	return <-unread
}

func read(in io.Reader, ask func(*question)) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 1<<20), longestLine)
	number := 0
	for lines.Scan() {
		number++
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		ask(&question{number, bytes.Clone(lines.Bytes()), make(chan []byte, 1)})
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d cannot be read: %w (a line has at most %d bytes)", number+1, err, longestLine)
	}
	return nil
}

// write lets no answer wait in its buffer while there is none to follow, so that a caller may ask one
// case at a time.
func write(out io.Writer, answered <-chan *question) error {
	buffer := bufio.NewWriterSize(out, 1<<20)
	for q := range answered {
		buffer.Write(append(<-q.answer, '\n'))
		if len(answered) > 0 {
			continue
		}
		if err := buffer.Flush(); err != nil {
			return fmt.Errorf("an answer cannot be written: %w", err)
		}
	}
	return buffer.Flush()
}

func encoded(answer any) []byte {
	line, err := json.Marshal(answer)
	if err != nil {
		panic(err) // Answers are made of maps, strings and numbers.
	}
	return line
}
