package main

import (
	"context"
	"errors"
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // Their defaults and conversions.
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	podregistry "k8s.io/kubernetes/pkg/registry/core/pod"
)

// object is any of the objects of a case.
type object interface {
	comparable
	metav1.Object
	runtime.Object
}

// store makes the objects of a case what the API server would have stored: in a namespace, with a UID
// (namespace/name, or the name alone, where the case has none: owners of a claim are known by it) and
// all defaults, matchLabelKeys merged into the selectors of their terms, and without the fields of
// features that are off. It does not validate. What admission plugins and controllers would have added
// is the case's to say: tolerations of unready nodes, the priority of a class, the taint of an
// unschedulable node, the phase Available of a volume, a node's zone among a bound pod's labels.
func (c *Case) store() error {
	if err := errors.Join(
		storeAll("nodes", false, c.Nodes),
		storeAll("namespaces", false, c.Namespaces),
		storeAll("services", true, c.Services),
		storeAll("replicaSets", true, c.ReplicaSets),
		storeAll("statefulSets", true, c.StatefulSets),
		storeAll("persistentVolumes", false, c.PersistentVolumes),
		storeAll("persistentVolumeClaims", true, c.PersistentVolumeClaims),
		storeAll("storageClasses", false, c.StorageClasses),
		storeAll("csiNodes", false, c.CSINodes),
		storeAll("csiDrivers", false, c.CSIDrivers),
		storeAll("csiStorageCapacities", true, c.CSIStorageCapacities),
		storeAll("volumeAttachments", false, c.VolumeAttachments),
	); err != nil {
		return err
	}
	return c.storePods()
}

// storePods leaves of the placed pods those that kube-scheduler sees: its informer does not list
// finished ones, and its snapshot has none whose node is unknown.
func (c *Case) storePods() error {
	all := append([]*v1.Pod{}, c.Pods...)
	if c.Pod != nil {
		all = append(all, c.Pod)
	}
	for _, nominated := range c.Nominated {
		all = append(all, nominated.Pod)
	}
	if err := storeAll("pods", true, all); err != nil {
		return err
	}
	for _, pod := range all {
		if err := create(pod); err != nil {
			return fmt.Errorf("pod %s/%s: %w", pod.Namespace, pod.Name, err)
		}
	}
	known := sets.New[string]()
	for _, node := range c.Nodes {
		known.Insert(node.Name)
	}
	var placed []*v1.Pod
	for _, pod := range c.Pods {
		finished := pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed
		if !finished && known.Has(pod.Spec.NodeName) {
			placed = append(placed, pod)
		}
	}
	c.Pods = placed
	if c.Pod != nil && !c.KeepNodeName {
		c.Pod.Spec.NodeName = ""
	}
	for _, nominated := range c.Nominated {
		nominated.Pod.Spec.NodeName = ""
	}
	return nil
}

func storeAll[T object](list string, namespaced bool, objects []T) error {
	var missing T
	seen := sets.New[string]()
	for i, o := range objects {
		if o == missing || o.GetName() == "" {
			return fmt.Errorf("%s[%d]: has no metadata.name", list, i)
		}
		key := o.GetName()
		if namespaced {
			if o.GetNamespace() == "" {
				o.SetNamespace(metav1.NamespaceDefault)
			}
			key = o.GetNamespace() + "/" + key
		}
		if seen.Has(key) {
			return fmt.Errorf("%s[%d]: %s is there twice", list, i, key)
		}
		seen.Insert(key)
		if o.GetUID() == "" {
			o.SetUID(types.UID(key))
		}
		legacyscheme.Scheme.Default(o)
	}
	return nil
}

// create does to the pod's spec what the API server does when a pod is created. The strategy resets
// the status, too, but a placed pod has got its own since.
func create(pod *v1.Pod) error {
	internal, created := &core.Pod{}, &v1.Pod{}
	if err := legacyscheme.Scheme.Convert(pod, internal, nil); err != nil {
		return err
	}
	podregistry.Strategy.PrepareForCreate(context.Background(), internal)
	if err := legacyscheme.Scheme.Convert(internal, created, nil); err != nil {
		return err
	}
	pod.Spec = created.Spec
	return nil
}
