package expr

import (
	"errors"
	"fmt"

	"github.com/windhover-io/windhover/internal/value"
)

// worldFunction describes a function that the Env answers.
type worldFunction struct {
	name     string
	params   []string
	required int      // that many of the first parameters must be given
	texts    []string // parameters that must be strings where they are given and not null
	bools    []string // the same for booleans
}

// worldList has all functions that are answered by the Env with the arguments as bound. now, randomInt, nanoId and
// encrypt are not among them: those check or format here and ask only for what they cannot know.
var worldList = []worldFunction{
	{name: "errorLogs", params: []string{}},
	{name: "fileExists", params: []string{"path", "namespace"}, required: 1, texts: []string{"path", "namespace"}},
	{name: "fileSize", params: []string{"path", "namespace"}, required: 1, texts: []string{"path", "namespace"}},
	{name: "fileURI", params: []string{"path", "namespace", "version", "revision"}, required: 1, texts: []string{"path", "namespace"}},
	{name: "http", params: []string{"uri", "method", "query", "body", "contentType", "headers", "options", "accept"}, required: 1, texts: []string{"uri", "method", "contentType", "accept"}},
	{name: "id", params: nil},
	{name: "isFileEmpty", params: []string{"path", "namespace"}, required: 1, texts: []string{"path", "namespace"}},
	{name: "ksuid", params: nil},
	{name: "kv", params: []string{"key", "namespace", "errorOnMissing"}, required: 1, texts: []string{"key", "namespace"}, bools: []string{"errorOnMissing"}},
	{name: "randomPort", params: nil},
	{name: "read", params: []string{"path", "namespace", "version", "revision"}, required: 1, texts: []string{"path", "namespace"}},
	{name: "secret", params: []string{"key", "namespace", "subkey", "full"}, required: 1, texts: []string{"key", "namespace", "subkey"}, bools: []string{"full"}},
	{name: "subflow", params: []string{"namespace", "id", "inputs", "revision", "labels", "timeout"}, required: 2, texts: []string{"namespace", "id"}},
	{name: "uuid", params: nil},
}

func worldFunctions() []function {
	list := []function{
		{name: "encrypt", params: []string{"key", "plaintext"}, world: true, call: encrypt},
		{name: "nanoId", params: []string{"length", "alphabet"}, world: true, call: nanoID},
		{name: "now", params: dateParams, world: true, call: now},
		{name: "randomInt", params: []string{"lower", "upper"}, world: true, call: randomInt},
	}
	for _, w := range worldList {
		list = append(list, function{name: w.name, params: w.params, world: true, call: w.call})
	}
	return list
}

// ErrNoEnv is the error of a function that needs the world where there is no Env.
var ErrNoEnv = errors.New("not available here")

// ask puts a question to the Env.
func (c *invocation) ask(name string, args Args) (any, error) {
	if c.st.env == nil {
		return nil, ErrNoEnv
	}
	v, err := c.st.env.Call(name, args)
	return value.Normalize(v), err
}

func (w worldFunction) call(c *invocation) (any, error) {
	var args Args
	for i, name := range w.params {
		v, given := c.arg(i)
		if !given {
			if i < w.required {
				return nil, fmt.Errorf("the argument %q is required", name)
			}
			continue
		}
		if err := w.check(name, v, i < w.required); err != nil {
			return nil, err
		}
		args = append(args, Arg{name, v})
	}
	return c.ask(w.name, args)
}

func (w worldFunction) check(name string, v any, required bool) error {
	wrong := func(kinds []string, is bool, expected string) error {
		for _, k := range kinds {
			if k == name && !is && (v != nil || required) {
				return fmt.Errorf("the argument %q must be %s, found %s", name, expected, value.TypeName(v))
			}
		}
		return nil
	}
	_, isText := v.(string)
	_, isBool := v.(bool)
	return errors.Join(wrong(w.texts, isText, "a string"), wrong(w.bools, isBool, "a boolean"))
}

func encrypt(c *invocation) (any, error) {
	return cryptText(c, func(key, text string) (any, error) {
		if _, err := newGCM(key); err != nil {
			return nil, err
		}
		v, err := c.ask("randomBytes", Args{{"length", int64(NonceSize)}})
		if err != nil {
			return nil, err
		}
		nonce, _ := v.(string)
		return Encrypt(key, text, []byte(nonce))
	})
}

// randomInt asks for a number from lower up to, but without, upper; where both are equal it is that.
func randomInt(c *invocation) (any, error) {
	lower, err := c.integer(0)
	if err != nil {
		return nil, err
	}
	upper, err := c.integer(1)
	switch {
	case err != nil:
		return nil, err
	case lower > upper:
		return nil, fmt.Errorf("lower (%d) is greater than upper (%d)", lower, upper)
	case lower == upper:
		return value.Int(lower), nil
	}
	return c.ask("randomInt", Args{{"lower", lower}, {"upper", upper}})
}

const (
	nanoIDLength   = 21
	nanoIDAlphabet = "0123456789_abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	maxNanoID      = 10_000
)

// nanoID asks for so many random characters of an alphabet. A length that is no number counts as not given.
func nanoID(c *invocation) (any, error) {
	length := int64(nanoIDLength)
	if n, ok := value.AsInt(c.optional(0)); ok {
		length = n
	}
	alphabet, err := c.textOr(1, nanoIDAlphabet)
	switch {
	case err != nil:
		return nil, err
	case length < 0 || length > maxNanoID:
		return nil, fmt.Errorf("the length must be between 0 and %d, found %d", maxNanoID, length)
	case length == 0:
		return "", nil
	case alphabet == "":
		return nil, errors.New("the alphabet is empty")
	}
	return c.ask("nanoId", Args{{"length", length}, {"alphabet", alphabet}})
}
