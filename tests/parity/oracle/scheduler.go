package main

import (
	"context"
	"errors"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/events"
	"k8s.io/dynamic-resource-allocation/resourceslice/tracker"
	"k8s.io/klog/v2"
	configv1 "k8s.io/kube-scheduler/config/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	backend "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/dynamicresources"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/nodevolumelimits"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
	"k8s.io/kubernetes/pkg/scheduler/util/assumecache"
)

// scheduler is the default profile's plugins, over a world and objects that are exchanged from case to
// case: building one takes longer than answering a case of three nodes.
//
// Its informers never run. The plugins that judge read their stores and nothing else (VolumeBinding's
// caches, too, which only add what has been assumed), so the objects are put there by hand. What
// learns by events alone is dynamic resource allocation, of which cases have no objects.
type scheduler struct {
	framework framework.Framework
	informers informers.SharedInformerFactory
	view      *view
	nominator *nominator
}

// view is the world of the case at hand.
type view struct{ *world }

func newScheduler(ctx context.Context, client kubernetes.Interface) (*scheduler, error) {
	metrics.Register() // Without it some plugins find nil metrics.
	profile, err := defaultProfile()
	if err != nil {
		return nil, err
	}
	s := &scheduler{view: &view{}, nominator: &nominator{}}
	s.informers = informers.NewSharedInformerFactory(client, 0)
	dra, err := dynamicResources(ctx, s.informers)
	if err != nil {
		return nil, err
	}
	csi := nodevolumelimits.NewCSIManager(s.informers.Storage().V1().CSINodes().Lister())
	s.framework, err = frameworkruntime.NewFramework(ctx, plugins.NewInTreeRegistry(), profile,
		frameworkruntime.WithClientSet(client),
		frameworkruntime.WithInformerFactory(s.informers),
		frameworkruntime.WithSnapshotSharedLister(s.view),
		frameworkruntime.WithSharedDRAManager(dra),
		frameworkruntime.WithSharedCSIManager(csi),
		frameworkruntime.WithPodGroupManager(backend.New(ctx, nil, false)),
		frameworkruntime.WithPodNominator(s.nominator),
		frameworkruntime.WithWaitingPods(frameworkruntime.NewWaitingPodsMap()),
		frameworkruntime.WithPodsInPreBind(frameworkruntime.NewPodsInPreBindMap()),
		frameworkruntime.WithEventRecorder(&events.FakeRecorder{}),
		// Cases run side by side already.
		frameworkruntime.WithParallelism(1),
	)
	return s, err
}

func defaultProfile() (*config.KubeSchedulerProfile, error) {
	var versioned configv1.KubeSchedulerConfiguration
	scheme.Scheme.Default(&versioned)
	var settings config.KubeSchedulerConfiguration
	if err := scheme.Scheme.Convert(&versioned, &settings, nil); err != nil {
		return nil, err
	}
	return &settings.Profiles[0], nil
}

// dynamicResources follows New in pkg/scheduler/scheduler.go, where device taint rules are off.
func dynamicResources(ctx context.Context, factory informers.SharedInformerFactory) (fwk.SharedDRAManager, error) {
	resources := factory.Resource().V1()
	slices, err := tracker.StartTracker(ctx, tracker.Options{SliceInformer: resources.ResourceSlices()})
	if err != nil {
		return nil, err
	}
	claims := assumecache.NewAssumeCache(
		klog.FromContext(ctx), resources.ResourceClaims().Informer(), "ResourceClaim", "", nil)
	return dynamicresources.NewDRAManager(ctx, claims, slices, factory), nil
}

// see exchanges everything that the plugins know by that of the case.
func (s *scheduler) see(c *Case, w *world) error {
	s.view.world = w
	core, apps, storage := s.informers.Core().V1(), s.informers.Apps().V1(), s.informers.Storage().V1()
	return errors.Join(
		s.nominator.see(c.Nominated),
		replace(core.Namespaces().Informer(), c.Namespaces),
		replace(core.Services().Informer(), c.Services),
		replace(core.PersistentVolumes().Informer(), c.PersistentVolumes),
		replace(core.PersistentVolumeClaims().Informer(), c.PersistentVolumeClaims),
		replace(apps.ReplicaSets().Informer(), c.ReplicaSets),
		replace(apps.StatefulSets().Informer(), c.StatefulSets),
		replace(storage.StorageClasses().Informer(), c.StorageClasses),
		replace(storage.CSINodes().Informer(), c.CSINodes),
		replace(storage.CSIDrivers().Informer(), c.CSIDrivers),
		replace(storage.CSIStorageCapacities().Informer(), c.CSIStorageCapacities),
		replace(storage.VolumeAttachments().Informer(), c.VolumeAttachments),
	)
}

func replace[T any](informer cache.SharedIndexInformer, objects []T) error {
	items := make([]any, len(objects))
	for i, o := range objects {
		items[i] = o
	}
	return informer.GetIndexer().Replace(items, "")
}
