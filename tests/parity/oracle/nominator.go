package main

import (
	v1 "k8s.io/api/core/v1"
	"k8s.io/klog/v2"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// nominator has the nominated pods of a case in place of the scheduling queue's.
type nominator struct {
	onNode map[string][]fwk.PodInfo
}

var _ fwk.PodNominator = &nominator{}

func (n *nominator) see(all []Nominated) error {
	n.onNode = map[string][]fwk.PodInfo{}
	for _, nominated := range all {
		info, err := framework.NewPodInfo(nominated.Pod)
		if err != nil {
			return err
		}
		n.onNode[nominated.Node] = append(n.onNode[nominated.Node], info)
	}
	return nil
}

func (n *nominator) NominatedPodsForNode(name string) []fwk.PodInfo { return n.onNode[name] }

// The rest is preemption's, which is not asked.

func (n *nominator) AddNominatedPod(klog.Logger, fwk.PodInfo, *fwk.NominatingInfo) {}
func (n *nominator) DeleteNominatedPodIfExists(*v1.Pod)                            {}
func (n *nominator) UpdateNominatedPod(klog.Logger, *v1.Pod, fwk.PodInfo)          {}
