package value

import "iter"

// indexFrom is the length from which a Map keeps an index; below it a scan is as fast and costs no memory.
const indexFrom = 12

// Entry is one key with its value.
type Entry struct {
	Key   string
	Value any
}

// Map maps strings to values and keeps the order in which keys were first set. The zero Map is empty and ready to use.
// Reading is safe from many goroutines, changing is not.
type Map struct {
	entries []Entry
	index   map[string]int
	literal bool
}

// NewMap returns an empty map with room for n entries.
func NewMap(n int) *Map {
	if n <= 0 {
		return &Map{}
	}
	return &Map{entries: make([]Entry, 0, n)}
}

// NewLiteral is NewMap for a map written in an expression; only its class name differs.
func NewLiteral(n int) *Map {
	m := NewMap(n)
	m.literal = true
	return m
}

// MapOf builds a map from entries; a later entry replaces an earlier one of the same key.
func MapOf(entries ...Entry) *Map {
	m := NewMap(len(entries))
	for _, e := range entries {
		m.Set(e.Key, e.Value)
	}
	return m
}

// Len is the number of entries. A nil map has none.
func (m *Map) Len() int {
	if m == nil {
		return 0
	}
	return len(m.entries)
}

// At returns the i-th entry; i must be in [0, Len).
func (m *Map) At(i int) (string, any) {
	e := m.entries[i]
	return e.Key, e.Value
}

// Get returns the value of key and whether the key is there; a value may be null.
func (m *Map) Get(key string) (any, bool) {
	if i := m.find(key); i >= 0 {
		return m.entries[i].Value, true
	}
	return nil, false
}

// Has reports whether the key is there.
func (m *Map) Has(key string) bool { return m.find(key) >= 0 }

func (m *Map) find(key string) int {
	if m == nil {
		return -1
	}
	if m.index != nil {
		if i, ok := m.index[key]; ok {
			return i
		}
		return -1
	}
	for i := range m.entries {
		if m.entries[i].Key == key {
			return i
		}
	}
	return -1
}

// Set puts value under key; a key that is there keeps its place.
func (m *Map) Set(key string, value any) {
	if i := m.find(key); i >= 0 {
		m.entries[i].Value = value
		return
	}
	m.entries = append(m.entries, Entry{key, value})
	switch {
	case m.index != nil:
		m.index[key] = len(m.entries) - 1
	case len(m.entries) >= indexFrom:
		m.reindex()
	}
}

// Delete removes key and reports whether it was there. It takes time linear in the size of the map.
func (m *Map) Delete(key string) bool {
	i := m.find(key)
	if i < 0 {
		return false
	}
	m.entries = append(m.entries[:i], m.entries[i+1:]...)
	if m.index != nil {
		m.reindex()
	}
	return true
}

func (m *Map) reindex() {
	m.index = make(map[string]int, len(m.entries)+len(m.entries)/2)
	for i := range m.entries {
		m.index[m.entries[i].Key] = i
	}
}

// Keys returns the keys in order.
func (m *Map) Keys() []string {
	keys := make([]string, m.Len())
	for i := range keys {
		keys[i] = m.entries[i].Key
	}
	return keys
}

// All yields the entries in order. The map must not be changed meanwhile.
func (m *Map) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for i := range m.Len() {
			if !yield(m.entries[i].Key, m.entries[i].Value) {
				return
			}
		}
	}
}

// Clone returns a copy that can be changed; the values themselves are shared.
func (m *Map) Clone() *Map {
	c := NewMap(m.Len())
	for k, v := range m.All() {
		c.Set(k, v)
	}
	return c
}

// MarshalJSON writes the map with its nulls.
func (m *Map) MarshalJSON() ([]byte, error) {
	if m == nil {
		return []byte("null"), nil
	}
	return AppendJSON(nil, m, JSONOptions{KeepNulls: true}), nil
}

// UnmarshalJSON replaces the contents of the map with those of a JSON object; null empties it.
func (m *Map) UnmarshalJSON(data []byte) error {
	v, err := ParseJSON(data)
	if err != nil {
		return err
	}
	*m = Map{}
	switch x := v.(type) {
	case nil:
	case *Map:
		*m = *x
	default:
		return &JSONError{Line: 1, Column: 1, Msg: "expected an object, found " + TypeName(v)}
	}
	return nil
}
