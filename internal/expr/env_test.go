package expr

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/windhover-io/windhover/internal/value"
)

// testEnv is a world of constants. Functions that it does not know fail.
type testEnv struct {
	vars    *value.Map
	zone    *time.Location
	secrets map[string]string
	asked   []string // what was asked, in order
}

func (e *testEnv) Var(name string) (any, bool) { return e.vars.Get(name) }
func (e *testEnv) Names() []string             { return e.vars.Keys() }
func (e *testEnv) Location() *time.Location    { return e.zone }

func (e *testEnv) Call(name string, args Args) (any, error) {
	question := name
	for _, a := range args {
		question += fmt.Sprintf(" %s=%v", a.Name, a.Value)
	}
	e.asked = append(e.asked, question)
	text := func(name string) string {
		v, _ := args.Get(name)
		s, _ := v.(string)
		return s
	}
	switch name {
	case "now":
		return value.Instant{T: time.Date(2026, 11, 23, 1, 2, 3, 456789000, time.UTC)}, nil
	case "uuid":
		return "6ba7b810-9dad-11d1-80b4-00c04fd430c8", nil
	case "id":
		return "5CirGHGOMKtaB4jFrDzVRo", nil
	case "ksuid":
		return "0ujtsYcgvSTl8PAuAdqWYSMnLOv", nil
	case "nanoId":
		n, _ := args.Get("length")
		return strings.Repeat(text("alphabet")[:1], int(n.(int64))), nil
	case "randomBytes":
		return "twelve bytes", nil
	case "randomPort":
		return int32(49152), nil
	case "randomInt":
		lower, _ := args.Get("lower")
		return lower, nil
	case "secret":
		return e.secret(text("key"), args)
	case "kv":
		if v, _ := args.Get("errorOnMissing"); v == false {
			return nil, nil
		}
		return nil, errors.New("there is no key " + text("key"))
	case "fileURI":
		path := strings.TrimPrefix(text("path"), "/")
		if strings.Contains(path, "..") {
			return nil, errors.New("the path leaves the namespace")
		}
		return "kestra:///io/kestra/tests/_files/" + path, nil
	}
	return nil, errors.New("not in this test")
}

func (e *testEnv) secret(key string, args Args) (any, error) {
	s, ok := e.secrets[strings.ToUpper(key)]
	if _, sub := args.Get("subkey"); !ok || sub {
		return nil, errors.New("there is no secret " + key)
	}
	if full, _ := args.Get("full"); full == true {
		return value.MapOf(value.Entry{Key: "value", Value: s}), nil
	}
	return s, nil
}

// newEnv makes an Env of JSON variables.
func newEnv(t testing.TB, variables string) *testEnv {
	t.Helper()
	v, err := value.ParseJSON([]byte(variables))
	if err != nil {
		t.Fatal(err)
	}
	return &testEnv{
		vars:    v.(*value.Map),
		zone:    time.UTC,
		secrets: map[string]string{"PASSWORD": "passwd", "MY_SECRET": "secretValue", "WEBHOOK_KEY": "secretKey"},
	}
}

// render evaluates a text with variables given as JSON.
func render(t testing.TB, src, variables string) (string, error) {
	t.Helper()
	tpl, err := Parse(src)
	if err != nil {
		return "", err
	}
	return tpl.Render(newEnv(t, variables), Limits{})
}
