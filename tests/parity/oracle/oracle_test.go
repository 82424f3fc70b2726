package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/util/workqueue"
)

func TestMain(m *testing.M) {
	becomeQuiet()
	os.Exit(m.Run())
}

func TestSurprises(t *testing.T) {
	judges := newPool()
	for _, s := range surprises {
		t.Run(s.says, func(t *testing.T) {
			if got := refusals(t, judges.answer(1, s.line())); !reflect.DeepEqual(got, s.refusals()) {
				t.Errorf("refused by %v, not by %v", got, s.refusals())
			}
		})
	}
}

// A shared scheduler whose informers' stores are filled by hand has nothing left of earlier cases, and
// lacks nothing that informers which ran would have told it.
func TestASharedSchedulerAnswersLikeOneOfTheCaseAlone(t *testing.T) {
	judges := newPool()
	for _, s := range surprises {
		alone := encoded(judgeAlone(t, s.line()))
		if shared := judges.answer(1, s.line()); !bytes.Equal(shared, alone) {
			t.Errorf("%s: shared %s, alone %s", s.says, shared, alone)
		}
	}
}

func TestAPortOfTwoPodsIsHeldByTheOther(t *testing.T) {
	line := fmt.Sprintf(`{"mode": "batch", "nodes": [%s], "pods": [%s, %s], "judge": ["default/q"]}`,
		node("n1", "a"), pod("q", "n1", "", port), pod("r", "n1", "", port))

	got := refusals(t, newPool().answer(1, []byte(line)))

	if got["default/q"] != "NodePorts" {
		t.Errorf("refused by %q", got["default/q"])
	}
}

func TestAClaimOfOnePodIsFreeForThePodThatHasIt(t *testing.T) {
	once := strings.Replace(fmt.Sprintf(boundClaim, `"pv.kubernetes.io/bind-completed": "yes"`),
		`"volumeName"`, `"accessModes": ["ReadWriteOncePod"], "volumeName"`, 1)
	for others, want := range map[string]string{
		"": "", ", " + pod("r", "n1", "", claim): "VolumeRestrictions",
	} {
		line := fmt.Sprintf(`{"mode": "batch", "nodes": [%s, %s], "pods": [%s%s], "judge": ["default/q"], %s}`,
			node("n1", "a"), node("n2", "b"), pod("q", "n2", "", claim), others, once)

		if got := refusals(t, newPool().answer(1, []byte(line)))["default/q"]; got != want {
			t.Errorf("refused by %q, not by %q", got, want)
		}
	}
}

func TestAnswersComeInOrderAndAFaultIsOneCaseAlone(t *testing.T) {
	var in, out bytes.Buffer
	for i := range 50 {
		fmt.Fprintf(&in, `{"id": "%d", "nodes": [%s], "pod": %s}`+"\n", i, node("n1", "a"), pod("p", "", "", ""))
		fmt.Fprintf(&in, `{"id": "typo %d", "nods": []}`+"\n{\n\n", i)
	}

	if err := serve(&in, &out); err != nil {
		t.Fatal(err)
	}

	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	for i := range 50 {
		want := fmt.Sprintf(`{"id":"%d","preFilter":null,"nodes":{"n1":{"ok":true}},"scores":null,"error":""}`, i)
		if lines[3*i] != want {
			t.Errorf("%s is not %s", lines[3*i], want)
		}
		if !strings.HasPrefix(lines[3*i+1], fmt.Sprintf(`{"id":"typo %d","error":"line`, i)) {
			t.Errorf("%s", lines[3*i+1])
		}
	}
}

func TestAPanicOfAPluginsGoroutineIsTheCasesError(t *testing.T) {
	seen, other := &panics{}, &panics{}
	ctx := context.WithValue(context.Background(), panicsKey{}, seen)

	workqueue.ParallelizeUntil(ctx, 1, 1, func(int) { panic("of a plugin") })

	if seen.seen() == nil || other.seen() != nil {
		t.Errorf("saw %v and %v", seen.seen(), other.seen())
	}
}

// refusals are the plugins that refuse, by node or by judged pod.
func refusals(t *testing.T, line []byte) map[string]string {
	var answer struct {
		PreFilter       *Rejection
		Nodes, Verdicts map[string]Verdict
		Error           string
	}
	if err := json.Unmarshal(line, &answer); err != nil || answer.Error != "" {
		t.Fatalf("%s: %v", line, err)
	}
	by := map[string]string{}
	if answer.PreFilter != nil {
		by[""] = answer.PreFilter.Plugin
	}
	for _, verdicts := range []map[string]Verdict{answer.Nodes, answer.Verdicts} {
		for name, verdict := range verdicts {
			if !verdict.OK {
				by[name] = verdict.Plugin
			}
		}
	}
	return by
}

// judgeAlone lets informers of the case's own run, over a client that has its objects.
func judgeAlone(t *testing.T, line []byte) *Answer {
	c, err := readCase(line)
	if err == nil {
		err = c.store()
	}
	if err != nil {
		t.Fatal(err)
	}
	var objects []runtime.Object
	objects = add(objects, c.Nodes)
	objects = add(objects, c.Pods)
	objects = add(objects, c.PersistentVolumes)
	objects = add(objects, c.PersistentVolumeClaims)
	objects = add(objects, c.StorageClasses)
	objects = add(objects, c.Namespaces)
	objects = add(objects, c.CSINodes)
	objects = add(objects, c.CSIDrivers)
	objects = add(objects, c.Services)
	objects = add(objects, c.ReplicaSets)
	s, err := newScheduler(t.Context(), fake.NewClientset(objects...))
	if err != nil {
		t.Fatal(err)
	}
	s.informers.StartWithContext(t.Context())
	if err := s.informers.WaitForCacheSyncWithContext(t.Context()).AsError(); err != nil {
		t.Fatal(err)
	}
	if s.view.world, err = newWorld(c); err != nil {
		t.Fatal(err)
	}
	if err := s.nominator.see(c.Nominated); err != nil {
		t.Fatal(err)
	}
	answer, err := s.everywhere(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func add[T runtime.Object](objects []runtime.Object, more []T) []runtime.Object {
	for _, o := range more {
		objects = append(objects, o)
	}
	return objects
}
