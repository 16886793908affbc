// Package world answers the functions of the expression language that touch the world: kv, secret, read, http, uuid, …
// Workers and executors call it on behalf of an execution.
package world

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/google/uuid"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/engine"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

// Caller says on whose behalf a function is called.
type Caller struct {
	Tenant, Namespace, FlowID, ExecutionID string
	// Secret is told every secret that is revealed, so that it is masked. It may be nil.
	Secret func(...string)
	// Errors is how many lines of level ERROR the execution's log has to have, and Unwritten are those beyond.
	Errors    int
	Unwritten []model.LogEntry
}

// World answers functions.
type World struct {
	Backend backend.Backend
	Storage storage.Storage
	Secrets Secrets
	HTTP    Fetch
	// Now is the clock; nil is the system's.
	Now func() time.Time
}

// Secrets finds secrets.
type Secrets interface {
	// Secret returns the secret of that name that the namespace may read, or an error that says that there is none.
	Secret(ctx context.Context, tenant, namespace, key string) (string, error)
}

// Call answers a function. Unknown names are an error: the expression language and this package disagree.
func (w *World) Call(ctx context.Context, c Caller, name string, args expr.Args) (any, error) {
	f, ok := functions[name]
	if !ok && name == "subflow" { // see package launch
		return nil, errors.New("subflow() is for the inputs of a flow, and not for its tasks")
	}
	if !ok {
		return nil, fmt.Errorf("%s() is not available here", name)
	}
	return f(w, ctx, c, args)
}

type function func(w *World, ctx context.Context, c Caller, args expr.Args) (any, error)

var functions = map[string]function{
	"now":         (*World).now,
	"uuid":        func(*World, context.Context, Caller, expr.Args) (any, error) { return uuid.NewString(), nil },
	"id":          func(*World, context.Context, Caller, expr.Args) (any, error) { return model.NewID(), nil },
	"ksuid":       (*World).ksuid,
	"randomInt":   (*World).randomInt,
	"randomBytes": (*World).randomBytes,
	"nanoId":      (*World).nanoID,
	"randomPort":  (*World).randomPort,
	"kv":          (*World).kv,
	"secret":      (*World).secret,
	"read":        (*World).read,
	"fileURI":     (*World).fileURI,
	"fileSize":    (*World).fileSize,
	"fileExists":  (*World).fileExists,
	"isFileEmpty": (*World).isFileEmpty,
	"errorLogs":   (*World).errorLogs,
	"http":        (*World).http,

	engine.CallStore: (*World).storeOutputs, // not a function of the language
}

func (w *World) clock() time.Time {
	if w.Now != nil {
		return w.Now()
	}
	return time.Now().UTC()
}

// now is asked without arguments: the expression language formats.
func (w *World) now(context.Context, Caller, expr.Args) (any, error) {
	return value.Instant{T: w.clock()}, nil
}

// text returns an argument that is a string, "" if it was not given.
func text(args expr.Args, name string) string {
	v, _ := args.Get(name)
	if v == nil {
		return ""
	}
	return value.Print(v)
}

func number(args expr.Args, name string) int64 {
	v, _ := args.Get(name)
	n, _ := value.AsInt(v)
	return n
}

// ksuidEpoch is where the time within a KSUID counts from.
const ksuidEpoch = 1_400_000_000

// ksuid draws a K-sortable id: 4 bytes of time and 16 of chance, in 27 characters of base 62.
func (w *World) ksuid(context.Context, Caller, expr.Args) (any, error) {
	var b [20]byte
	binary.BigEndian.PutUint32(b[:4], uint32(w.clock().Unix()-ksuidEpoch))
	_, _ = rand.Read(b[4:])
	return base62(b[:], 27), nil
}

const digits62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// base62 writes a big-endian number with a fixed number of digits.
func base62(b []byte, length int) string {
	n := append([]byte(nil), b...)
	out := make([]byte, length)
	for i := length - 1; i >= 0; i-- {
		rem := 0
		for j := range n {
			acc := rem<<8 | int(n[j])
			n[j], rem = byte(acc/62), acc%62
		}
		out[i] = digits62[rem]
	}
	return string(out)
}

// randomInt draws from lower up to, but without, upper.
func (w *World) randomInt(_ context.Context, _ Caller, args expr.Args) (any, error) {
	lower, upper := number(args, "lower"), number(args, "upper")
	if upper <= lower {
		return value.Int(lower), nil
	}
	return value.Int(lower + int64(random()%uint64(upper-lower))), nil
}

func random() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:])
	return binary.LittleEndian.Uint64(b[:])
}

func (w *World) randomBytes(_ context.Context, _ Caller, args expr.Args) (any, error) {
	b := make([]byte, min(max(number(args, "length"), 0), 1<<16))
	_, _ = rand.Read(b)
	return string(b), nil
}

func (w *World) nanoID(_ context.Context, _ Caller, args expr.Args) (any, error) {
	alphabet, n := []rune(text(args, "alphabet")), number(args, "length")
	out := make([]rune, n)
	for i := range out {
		out[i] = alphabet[random()%uint64(len(alphabet))]
	}
	return string(out), nil
}

// randomPort finds a port that nobody listens on now.
func (w *World) randomPort(ctx context.Context, _ Caller, _ expr.Args) (any, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer func() { _ = l.Close() }()
	return value.Int(int64(l.Addr().(*net.TCPAddr).Port)), nil
}
