// Package mask hides secrets in what people read: log lines, errors, outputs. A secret is recognised as it is, and in the
// forms that filters and encoders give it.
package mask

import (
	"slices"
	"strings"
	"sync"
)

// Stars is what stands in place of a secret.
const Stars = "******"

// Masker knows secrets. The zero Masker knows none. It is safe for concurrent use.
type Masker struct {
	mu    sync.RWMutex
	known map[string]bool
	forms dictionary
}

// Add makes secrets known. One of fewer than three bytes is left out: it would be found everywhere.
func (m *Masker) Add(secrets ...string) {
	for _, s := range secrets {
		if len(s) < shortest || m.Knows(s) {
			continue
		}
		forms := variants(s)
		m.mu.Lock()
		if m.known == nil {
			m.known = map[string]bool{}
		}
		m.known[s] = true
		for _, f := range forms {
			m.forms.add(f)
		}
		m.mu.Unlock()
	}
}

// Knows tells whether a secret is known.
func (m *Masker) Knows(secret string) bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.known[secret]
}

// Empty tells whether no secret is known.
func (m *Masker) Empty() bool {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return len(m.known) == 0
}

// find appends the places in s where secrets stand.
func (m *Masker) find(spans []span, s string) []span {
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.forms.find(spans, s)
}

// Book keeps the secrets that a process knows: those of the installation (the embedded Masker), which are hidden
// everywhere, and those that were revealed to one execution, which are hidden in whatever comes of that execution. The zero
// Book is empty.
type Book struct {
	Masker

	mu    sync.RWMutex
	of    map[string]*Masker
	order []string // of the executions, by when they became known
}

// maxExecutions is how many executions a Book remembers secrets of; the one that has been known the longest is forgotten
// first. Executions without secrets of their own do not count.
const maxExecutions = 4096

// Of hides the secrets of the installation and of one execution; with "", those of the installation only.
func (b *Book) Of(execution string) Hider { return Hider{b, execution} }

func (b *Book) execution(id string) *Masker {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.of[id]
}

// open returns the secrets of an execution, which may be none as yet.
func (b *Book) open(id string) *Masker {
	b.mu.Lock()
	defer b.mu.Unlock()
	if m := b.of[id]; m != nil {
		return m
	}
	if b.of == nil {
		b.of = map[string]*Masker{}
	}
	if len(b.order) == maxExecutions {
		delete(b.of, b.order[0])
		b.order = slices.Delete(b.order, 0, 1)
	}
	m := &Masker{}
	b.of[id] = m
	b.order = append(b.order, id)
	return m
}

// A Hider hides what a Book knows in what comes of one execution.
type Hider struct {
	book      *Book
	execution string
}

// Add makes secrets of the execution known.
func (h Hider) Add(secrets ...string) {
	for _, s := range secrets {
		switch {
		case h.execution == "":
			h.book.Add(s)
		case len(s) >= shortest && !h.book.Knows(s):
			h.book.open(h.execution).Add(s)
		}
	}
}

// Empty tells whether there is nothing to hide.
func (h Hider) Empty() bool { return h.book.Empty() && h.book.execution(h.execution) == nil }

// Replace returns s with every known secret hidden.
func (h Hider) Replace(s string) string {
	spans := h.find(s)
	if len(spans) == 0 {
		return s
	}
	var out strings.Builder
	at := 0
	for _, p := range spans {
		out.WriteString(s[at:p.from])
		out.WriteString(Stars)
		at = p.to
	}
	out.WriteString(s[at:])
	return out.String()
}

// find returns the places in s where secrets stand, in their order; those that overlap are one.
func (h Hider) find(s string) []span {
	spans := h.book.find(nil, s)
	if own := h.book.execution(h.execution); own != nil {
		spans = own.find(spans, s)
	}
	return joined(spans)
}
