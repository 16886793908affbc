package expr

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/windhover-io/windhover/internal/value"
)

func TestCacheKeepsWhatIsUsed(t *testing.T) {
	c := NewCache(4)
	often, err := c.Parse("{{ often }}")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if _, err := c.Parse(fmt.Sprintf("{{ v%d }}", i)); err != nil {
			t.Fatal(err)
		}
		if again, _ := c.Parse("{{ often }}"); again != often {
			t.Fatalf("the template that is used all the time was dropped after %d others", i)
		}
		if n := c.Len(); n > 4 {
			t.Fatalf("the cache of 4 holds %d", n)
		}
	}
}

func TestCacheLeavesOut(t *testing.T) {
	c := NewCache(4)
	for _, src := range []string{"{{ broken", "no brace", "{{ a }}" + strings.Repeat("x", maxCached)} {
		_, _ = c.Eval(src, newEnv(t, `{"a": 1}`), Limits{})
	}
	if n := c.Len(); n != 0 {
		t.Errorf("%d templates were kept, expected none of what is broken, plain or too long", n)
	}
}

// TestConcurrentUse is of worth under the race detector.
func TestConcurrentUse(t *testing.T) {
	c := NewCache(8)
	env := newEnv(t, sample)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 200 {
				src := fmt.Sprintf("{%% set q = %d %%}{%% for x in list %%}{{ q + x }}{%% endfor %%}{{ render(template) }}{{ instant | date('full', locale='de') }}{{ user | jq('.id') }}", (g+i)%20)
				got, err := c.Render(src, env, Limits{})
				q := (g + i) % 20
				if want := fmt.Sprintf("%d%d%dhi Ada", q+4, q+5, q+6); err != nil || !strings.HasPrefix(got, want) {
					t.Errorf("gave %q (%v), expected %s…", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}

// TestCacheRecursive evaluates what comes of an expression again, as installations with recursive rendering have it.
func TestCacheRecursive(t *testing.T) {
	c := NewCache(16)
	env := newEnv(t, `{"v": "{{ w }}!", "w": "{{ n }}", "n": 7, "only": "{{ w }}", "loop": "{{ loop }} ", "raw": "{% raw %}{{ n }}{% endraw %}"}`)
	for _, recursive := range []bool{false, true} {
		c.Recursive = recursive
		for _, test := range []struct {
			src         string
			once, fully any
		}{
			{"a {{ v }}", "a {{ w }}!", "a 7!"},
			{"{{ only }}", "{{ w }}", int32(7)},
			{"{{ raw }}", "{{ n }}", "{{ n }}"},
			{"plain", "plain", "plain"},
		} {
			want := test.once
			if recursive {
				want = test.fully
			}
			if got, err := c.Eval(test.src, env, Limits{}); err != nil || got != want {
				t.Errorf("Eval of %s gave %#v (%v), expected %#v", test.src, got, err, want)
			}
			text, err := c.Render(test.src, env, Limits{})
			if want := value.Print(want); err != nil || text != want {
				t.Errorf("Render of %s gave %q (%v), expected %q", test.src, text, err, want)
			}
			list, err := c.RenderValue([]any{test.src}, env, Limits{})
			if d := cmp.Diff([]any{value.Print(want)}, list); err != nil || d != "" {
				t.Errorf("RenderValue of %s (%v): %s", test.src, err, d)
			}
		}
	}
	if v, err := c.Eval("{{ loop }}", env, Limits{}); err == nil {
		t.Errorf("a text that always changes gave %v", v)
	}
}
