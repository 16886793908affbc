package expr

import (
	"strings"
	"sync"
)

// Cache keeps parsed templates by their text. It is safe for concurrent use and bounded: once half of its size was
// filled since the last change of generations, what was not used meanwhile is dropped. The zero Cache is not usable.
type Cache struct {
	// Recursive has what an evaluation gives evaluated again until it no longer changes, as older installations want it. It
	// is set before the first use.
	Recursive bool

	half int
	mu   sync.RWMutex
	// Two generations stand in for a list ordered by use, which every look-up would have to write to.
	young, old map[string]*Template
}

// NewCache returns a cache for up to size templates.
func NewCache(size int) *Cache {
	return &Cache{half: max(1, size/2), young: map[string]*Template{}}
}

// maxCached is the longest text that is kept, in bytes.
const maxCached = 64 << 10

// Parse is Parse by way of the cache. Errors are not kept.
func (c *Cache) Parse(src string) (*Template, error) { return c.get(src, parse) }

func (c *Cache) get(src string, parse func(string, *Cache) (*Template, error)) (*Template, error) {
	c.mu.RLock()
	t := c.young[src]
	old := c.old[src]
	c.mu.RUnlock()
	if t != nil {
		return t, nil
	}
	if t = old; t == nil {
		var err error
		if t, err = parse(src, c); err != nil {
			return nil, err
		}
		if len(src) > maxCached {
			return t, nil
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= c.half {
		c.young, c.old = map[string]*Template{}, c.young
	}
	c.young[src] = t
	return t, nil
}

// Len is the number of templates kept.
func (c *Cache) Len() int {
	c.mu.RLock()
	defer c.mu.RUnlock()
	n := len(c.young)
	for src := range c.old {
		if c.young[src] == nil {
			n++
		}
	}
	return n
}

// Render evaluates a text to text, once unless Recursive is set. A text without a brace is returned as it is.
func (c *Cache) Render(src string, env Env, lim Limits) (string, error) {
	if strings.IndexByte(src, '{') < 0 {
		return src, nil
	}
	t, err := c.Parse(src)
	switch {
	case err != nil:
		return "", err
	case c.Recursive:
		return t.RenderRecursive(env, lim)
	}
	return t.Render(env, lim)
}

// Eval evaluates a text to a value, as Template.Eval does; with Recursive, a text that comes of it again. A text without a
// brace is that text.
func (c *Cache) Eval(src string, env Env, lim Limits) (any, error) {
	if strings.IndexByte(src, '{') < 0 {
		return src, nil
	}
	t, err := c.Parse(src)
	switch {
	case err != nil:
		return nil, err
	case c.Recursive:
		return c.evalRecursive(t, env, lim)
	}
	return t.Eval(env, lim)
}

func (c *Cache) evalRecursive(t *Template, env Env, lim Limits) (any, error) {
	passes := lim.withDefaults().Passes
	for range passes {
		v, err := t.eval(env, lim)
		text, isText := v.(string)
		switch {
		case err != nil || !isText:
			return v, err
		case text == t.src || strings.IndexByte(text, '{') < 0:
			return stripRaw(text), nil
		}
		if t, err = c.Parse(text); err != nil {
			return nil, err
		}
	}
	return nil, errUnstable(passes)
}

// RenderValue evaluates every text in a value to text: strings in lists and maps, keys included (of two keys that become
// equal the first counts). Numbers, booleans and null are kept, the order of maps too. The limits hold for all together.
func (c *Cache) RenderValue(v any, env Env, lim Limits) (any, error) {
	st := &state{env: env, run: &run{lim: lim.withDefaults(), cache: c}}
	return st.renderValue(v, func(text string) (any, error) {
		if strings.IndexByte(text, '{') < 0 {
			return text, nil
		}
		t, err := c.Parse(text)
		switch {
		case err != nil:
			return nil, err
		case c.Recursive:
			return (&state{tmpl: t, env: env, run: st.run}).renderRecursive(t)
		}
		return t.render(env, st.run, nil)
	})
}
