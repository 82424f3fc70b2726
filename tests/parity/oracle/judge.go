package main

import (
	"context"
	"fmt"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// judgement is one pod's scheduling cycle up to the choice of a node.
type judgement struct {
	scheduler *scheduler
	pod       *v1.Pod
	state     fwk.CycleState
	// reach is nil where PreFilter plugins left all nodes, and narrowing are those that did not.
	reach     *fwk.PreFilterResult
	narrowing sets.Set[string]
}

// begin runs the PreFilter plugins. A rejection holds for all nodes.
func (s *scheduler) begin(ctx context.Context, pod *v1.Pod) (*judgement, *Rejection) {
	state := framework.NewCycleState()
	reach, status, narrowing := s.framework.RunPreFilterPlugins(ctx, state, pod)
	if !status.IsSuccess() {
		rejection := rejected(status)
		if rejection.Plugin == "" {
			// Several plugins left nodes, but no node is left by all.
			rejection.Plugin = strings.Join(sets.List(narrowing), ",")
		}
		return nil, rejection
	}
	return &judgement{s, pod, state, reach, narrowing}, nil
}

// on runs the Filter plugins.
func (j *judgement) on(ctx context.Context, node fwk.NodeInfo) Verdict {
	if !j.reach.AllNodes() && !j.reach.NodeNames.Has(node.Node().Name) {
		names := sets.List(j.narrowing)
		return Verdict{Rejection: &Rejection{
			Plugin: strings.Join(names, ","),
			Code:   fwk.UnschedulableAndUnresolvable.String(),
			// From findNodesThatFitPod in pkg/scheduler/schedule_one.go.
			Reasons: []string{fmt.Sprintf("node(s) didn't satisfy plugin(s) %v", names)},
		}}
	}
	// With no nominated pods it runs the plugins once.
	status := j.scheduler.framework.RunFilterPluginsWithNominatedPods(ctx, j.state, j.pod, node)
	if status.IsSuccess() {
		return Verdict{OK: true}
	}
	return Verdict{Rejection: rejected(status)}
}

// scores runs the PreScore and Score plugins. Unlike kube-scheduler it scores a single feasible node.
func (j *judgement) scores(ctx context.Context, feasible []fwk.NodeInfo) (map[string]map[string]int64, error) {
	status := j.scheduler.framework.RunPreScorePlugins(ctx, j.state, j.pod, feasible)
	if !status.IsSuccess() {
		return nil, status.AsError()
	}
	scored, status := j.scheduler.framework.RunScorePlugins(ctx, j.state, j.pod, feasible)
	if !status.IsSuccess() {
		return nil, status.AsError()
	}
	scores := make(map[string]map[string]int64, len(scored))
	for _, node := range scored {
		plugins := make(map[string]int64, len(node.Scores))
		for _, plugin := range node.Scores {
			plugins[plugin.Name] = plugin.Score
		}
		scores[node.Name] = plugins
	}
	return scores, nil
}

func rejected(status *fwk.Status) *Rejection {
	return &Rejection{status.Plugin(), status.Code().String(), status.Reasons()}
}

// everywhere judges the case's pod on every node.
func (s *scheduler) everywhere(ctx context.Context, c *Case) (*Answer, error) {
	answer := &Answer{ID: c.ID, Nodes: map[string]Verdict{}}
	pod, rejection := s.begin(ctx, c.Pod)
	if rejection != nil {
		answer.PreFilter = rejection
		return answer, nil
	}
	var feasible []fwk.NodeInfo
	for _, node := range s.view.nodes {
		verdict := pod.on(ctx, node)
		answer.Nodes[node.Node().Name] = verdict
		if verdict.OK {
			feasible = append(feasible, node)
		}
	}
	if !c.Score || len(feasible) == 0 {
		return answer, nil
	}
	var err error
	answer.Scores, err = pod.scores(ctx, feasible)
	return answer, err
}

// inPlace judges a placed pod on its node as if it were pending still.
func (s *scheduler) inPlace(ctx context.Context, w *world, pod *v1.Pod) Verdict {
	s.view.world = w.without(pod)
	pending := *pod
	pending.Spec.NodeName = ""
	pending.Status = v1.PodStatus{Phase: v1.PodPending}
	judged, rejection := s.begin(ctx, &pending)
	if rejection != nil {
		return Verdict{Rejection: rejection}
	}
	return judged.on(ctx, s.view.nodes[w.index[pod.Spec.NodeName]])
}
