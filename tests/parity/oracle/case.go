package main

import (
	"encoding/json"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	kjson "sigs.k8s.io/json"
)

// Case is a line of the input. Its fields are described in main.go.
type Case struct {
	ID           string      `json:"id"`
	Mode         string      `json:"mode"`
	Nodes        []*v1.Node  `json:"nodes"`
	Pods         []*v1.Pod   `json:"pods"`
	Pod          *v1.Pod     `json:"pod"`
	KeepNodeName bool        `json:"keepNodeName"`
	Score        bool        `json:"score"`
	Nominated    []Nominated `json:"nominated"`
	Judge        []string    `json:"judge"`

	Namespaces             []*v1.Namespace                 `json:"namespaces"`
	Services               []*v1.Service                   `json:"services"`
	ReplicaSets            []*appsv1.ReplicaSet            `json:"replicaSets"`
	StatefulSets           []*appsv1.StatefulSet           `json:"statefulSets"`
	PersistentVolumes      []*v1.PersistentVolume          `json:"persistentVolumes"`
	PersistentVolumeClaims []*v1.PersistentVolumeClaim     `json:"persistentVolumeClaims"`
	StorageClasses         []*storagev1.StorageClass       `json:"storageClasses"`
	CSINodes               []*storagev1.CSINode            `json:"csiNodes"`
	CSIDrivers             []*storagev1.CSIDriver          `json:"csiDrivers"`
	CSIStorageCapacities   []*storagev1.CSIStorageCapacity `json:"csiStorageCapacities"`
	VolumeAttachments      []*storagev1.VolumeAttachment   `json:"volumeAttachments"`
}

// Nominated is a pod that waits for the node on which preemption made room for it.
type Nominated struct {
	Pod  *v1.Pod `json:"pod"`
	Node string  `json:"node"`
}

const (
	single = ""
	batch  = "batch"
)

// Verdict has a Rejection where it is not ok.
type Verdict struct {
	OK bool `json:"ok"`
	*Rejection
}

// Rejection is a framework.Status that is not a success.
type Rejection struct {
	Plugin  string   `json:"plugin"`
	Code    string   `json:"code"`
	Reasons []string `json:"reasons"`
}

// Answer is the answer to a case with no mode.
type Answer struct {
	ID        string                      `json:"id"`
	PreFilter *Rejection                  `json:"preFilter"`
	Nodes     map[string]Verdict          `json:"nodes"`
	Scores    map[string]map[string]int64 `json:"scores"`
	Error     string                      `json:"error"`
}

// BatchAnswer is the answer to a case of mode batch.
type BatchAnswer struct {
	ID       string             `json:"id"`
	Verdicts map[string]Verdict `json:"verdicts"`
	Error    string             `json:"error"`
}

// Failure is the answer to a case that has none.
type Failure struct {
	ID    string `json:"id"`
	Error string `json:"error"`
}

// readCase reads as the API server does, with strict field validation. The case it returns beside an
// error has what could be read of its id.
func readCase(line []byte) (*Case, error) {
	c := &Case{}
	strict, err := kjson.UnmarshalStrict(line, c)
	if err == nil {
		err = errors.Join(strict...)
	}
	if err != nil {
		var named struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(line, &named)
		return &Case{ID: named.ID}, err
	}
	return c, c.complete()
}

func (c *Case) complete() error {
	switch {
	case c.Mode == single && c.Pod == nil:
		return errors.New("pod: missing, and a case with no mode judges one")
	case c.Mode == single && len(c.Judge) > 0:
		return errors.New("judge: belongs to mode batch")
	case c.Mode == batch && (c.Pod != nil || c.Score || c.KeepNodeName):
		return errors.New("pod, score and keepNodeName: mode batch has none of them")
	case c.Mode != single && c.Mode != batch:
		return fmt.Errorf("mode: %q is neither absent nor batch", c.Mode)
	}
	return nil
}
