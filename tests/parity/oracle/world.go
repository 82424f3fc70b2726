package main

import (
	"fmt"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// world is what the plugins see of nodes and placed pods. It is never changed: a world without one of
// its pods is another one, that shares the other nodes.
type world struct {
	snapshot   *cache.Snapshot
	nodes      []fwk.NodeInfo
	affine     []fwk.NodeInfo
	antiAffine []fwk.NodeInfo
	index      map[string]int
	// claims counts the pods that use a claim. Those of the pod that is missing are in gone.
	claims map[string]int
	gone   sets.Set[string]
}

var (
	_ fwk.SharedLister      = &world{}
	_ fwk.NodeInfoLister    = &world{}
	_ fwk.StorageInfoLister = &world{}
)

// newWorld leaves to kube-scheduler what its snapshot makes of nodes and pods, but keeps the order of
// the case: the snapshot's is that of a Go map.
func newWorld(c *Case) (*world, error) {
	w := &world{
		snapshot: cache.NewSnapshot(c.Pods, c.Nodes),
		nodes:    make([]fwk.NodeInfo, len(c.Nodes)),
		index:    make(map[string]int, len(c.Nodes)),
		claims:   map[string]int{},
	}
	for i, node := range c.Nodes {
		info, err := w.snapshot.Get(node.Name)
		if err != nil {
			return nil, err
		}
		w.nodes[i], w.index[node.Name] = info, i
	}
	for _, pod := range c.Pods {
		for claim := range claimsOf(pod) {
			w.claims[claim]++
		}
	}
	w.findAffine()
	return w, nil
}

// without builds the pod's node anew. NodeInfo.RemovePod frees a host port even where another pod on
// the node has it, too.
func (w *world) without(pod *v1.Pod) *world {
	i := w.index[pod.Spec.NodeName]
	full := w.nodes[i].(*framework.NodeInfo)
	rest := framework.NewNodeInfo()
	for _, other := range full.GetPods() {
		if other.GetPod() != pod {
			rest.AddPodInfo(other)
		}
	}
	rest.SetNode(full.Node())
	rest.ImageStates = full.ImageStates
	left := *w
	left.gone = claimsOf(pod)
	left.nodes = append([]fwk.NodeInfo{}, w.nodes...)
	left.nodes[i] = rest
	left.findAffine()
	return &left
}

func (w *world) findAffine() {
	w.affine, w.antiAffine = nil, nil
	for _, info := range w.nodes {
		if len(info.GetPodsWithAffinity()) > 0 {
			w.affine = append(w.affine, info)
		}
		if len(info.GetPodsWithRequiredAntiAffinity()) > 0 {
			w.antiAffine = append(w.antiAffine, info)
		}
	}
}

func claimsOf(pod *v1.Pod) sets.Set[string] {
	var claims sets.Set[string]
	for _, volume := range pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		if claims == nil {
			claims = sets.New[string]()
		}
		claims.Insert(framework.GetNamespacedName(pod.Namespace, volume.PersistentVolumeClaim.ClaimName))
	}
	return claims
}

func (w *world) NodeInfos() fwk.NodeInfoLister           { return w }
func (w *world) StorageInfos() fwk.StorageInfoLister     { return w }
func (w *world) PodGroupStates() fwk.PodGroupStateLister { return w.snapshot.PodGroupStates() }

func (w *world) List() ([]fwk.NodeInfo, error) { return w.nodes, nil }

func (w *world) HavePodsWithAffinityList() ([]fwk.NodeInfo, error) { return w.affine, nil }

func (w *world) HavePodsWithRequiredAntiAffinityList() ([]fwk.NodeInfo, error) {
	return w.antiAffine, nil
}

func (w *world) Get(name string) (fwk.NodeInfo, error) {
	if i, ok := w.index[name]; ok {
		return w.nodes[i], nil
	}
	return nil, fmt.Errorf("nodeinfo not found for node name %q", name) // The snapshot's words.
}

func (w *world) IsPVCUsedByPods(key string) bool {
	users := w.claims[key]
	if w.gone.Has(key) {
		users--
	}
	return users > 0
}
