package inproc

import "sync"

// signal wakes goroutines that wait for something guarded by a mutex, which the caller holds. It costs nothing while
// nobody waits.
type signal struct{ ch chan struct{} }

// wait returns a channel that the next fire closes.
func (s *signal) wait() <-chan struct{} {
	if s.ch == nil {
		s.ch = make(chan struct{})
	}
	return s.ch
}

func (s *signal) fire() {
	if s.ch != nil {
		close(s.ch)
		s.ch = nil
	}
}

// stream is a queue without bound whose values come out of a channel, so that who pushes never waits.
type stream[T any] struct {
	mu    sync.Mutex
	queue []T
	more  signal
}

func (s *stream[T]) push(v T) {
	s.mu.Lock()
	s.queue = append(s.queue, v)
	s.more.fire()
	s.mu.Unlock()
}

// pump sends what is pushed until one of the stops is closed; then it closes out.
func (s *stream[T]) pump(out chan<- T, stop1, stop2 <-chan struct{}) {
	defer close(out)
	for {
		s.mu.Lock()
		queue := s.queue
		s.queue = nil
		var more <-chan struct{}
		if len(queue) == 0 {
			more = s.more.wait()
		}
		s.mu.Unlock()
		for _, v := range queue {
			select {
			case out <- v:
			case <-stop1:
				return
			case <-stop2:
				return
			}
		}
		if more == nil {
			continue
		}
		select {
		case <-more:
		case <-stop1:
			return
		case <-stop2:
			return
		}
	}
}
