package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes/fake"
	fwk "k8s.io/kube-scheduler/framework"
)

// pool lends schedulers: a case has one for itself, and a batch one for each core.
type pool struct {
	mutex sync.Mutex
	idle  []*scheduler
}

func newPool() *pool { return &pool{} }

func (p *pool) borrow() (*scheduler, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		return s, nil
	}
	// They live as long as the program does.
	return newScheduler(context.Background(), fake.NewClientset())
}

func (p *pool) giveBack(s *scheduler) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.idle = append(p.idle, s)
}

// answer never fails: what goes wrong is the answer.
func (p *pool) answer(number int, line []byte) []byte {
	c, err := readCase(line)
	if err != nil {
		return encoded(Failure{c.ID, fmt.Sprintf("line %d: %v", number, err)})
	}
	var answer any
	panics := &panics{}
	ctx := context.WithValue(context.Background(), panicsKey{}, panics)
	func() {
		defer panics.catch()
		if err = c.store(); err != nil {
			return
		}
		if c.Mode == batch {
			answer, err = p.batch(ctx, c)
		} else {
			answer, err = p.single(ctx, c)
		}
	}()
	if err = errors.Join(err, panics.seen()); err != nil {
		return encoded(Failure{c.ID, fmt.Sprintf("line %d: %v", number, err)})
	}
	return encoded(answer)
}

func (p *pool) single(ctx context.Context, c *Case) (*Answer, error) {
	w, err := newWorld(c)
	if err != nil {
		return nil, err
	}
	s, err := p.borrow()
	if err != nil {
		return nil, err
	}
	if err := s.see(c, w); err != nil {
		return nil, err
	}
	answer, err := s.everywhere(ctx, c)
	// Not where it panics: who knows in what state it is then.
	p.giveBack(s)
	return answer, err
}

// batch judges each named pod where it is, against all the others.
func (p *pool) batch(ctx context.Context, c *Case) (*BatchAnswer, error) {
	w, err := newWorld(c)
	if err != nil {
		return nil, err
	}
	pods := make(map[string]*v1.Pod, len(c.Pods))
	for _, pod := range c.Pods {
		pods[pod.Namespace+"/"+pod.Name] = pod
	}
	answer := &BatchAnswer{ID: c.ID, Verdicts: make(map[string]Verdict, len(c.Judge))}
	var judged []*v1.Pod
	for _, name := range c.Judge {
		if pods[name] != nil {
			judged = append(judged, pods[name])
			continue
		}
		answer.Verdicts[name] = Verdict{Rejection: &Rejection{
			Code:    fwk.Error.String(),
			Reasons: []string{"no such pod on a node of the case, or it has finished"},
		}}
	}
	verdicts, err := p.inPlace(ctx, c, w, judged)
	for i, pod := range judged {
		answer.Verdicts[pod.Namespace+"/"+pod.Name] = verdicts[i]
	}
	return answer, err
}

func (p *pool) inPlace(ctx context.Context, c *Case, w *world, pods []*v1.Pod) ([]Verdict, error) {
	verdicts := make([]Verdict, len(pods))
	workers := runtime.GOMAXPROCS(0)
	faults := make([]error, workers)
	var running sync.WaitGroup
	for worker := range workers {
		running.Go(func() {
			defer ctx.Value(panicsKey{}).(*panics).catch()
			s, err := p.borrow()
			if err == nil {
				err = s.see(c, w)
			}
			if err != nil {
				faults[worker] = err
				return
			}
			for i := worker; i < len(pods); i += workers {
				verdicts[i] = s.inPlace(ctx, w, pods[i])
			}
			p.giveBack(s)
		})
	}
	running.Wait()
	return verdicts, errors.Join(faults...)
}
