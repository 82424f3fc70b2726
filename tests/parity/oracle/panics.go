package main

import (
	"context"
	"fmt"
	"io"
	"sync"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
)

// panics are those of one case. The plugins' goroutines report theirs by the context.
type panics struct {
	mutex sync.Mutex
	first error
}

type panicsKey struct{}

func (p *panics) catch() {
	if fault := recover(); fault != nil {
		p.add(fault)
	}
}

func (p *panics) add(fault any) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.first == nil {
		p.first = fmt.Errorf("panic: %v", fault)
	}
}

func (p *panics) seen() error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.first
}

// becomeQuiet keeps the scheduler's log off standard error, and its panics from ending the program.
func becomeQuiet() {
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)
	utilruntime.ReallyCrash = false
	utilruntime.PanicHandlers = []func(context.Context, any){func(ctx context.Context, fault any) {
		if p, ok := ctx.Value(panicsKey{}).(*panics); ok {
			p.add(fault)
		}
	}}
}
