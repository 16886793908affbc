package world

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/expr"
	"github.com/windhover-io/windhover/internal/expr/ion"
	"github.com/windhover-io/windhover/internal/kv"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
)

// kv reads the key-value store: of the flow's namespace or those above it, or of another namespace.
func (w *World) kv(ctx context.Context, c Caller, args expr.Args) (any, error) {
	key, namespace := text(args, "key"), text(args, "namespace")
	store := kv.New(w.Backend.Documents())
	var e *kv.Entry
	var err error
	if namespace == "" || namespace == c.Namespace {
		e, err = store.Inherited(ctx, c.Tenant, c.Namespace, key)
		namespace = c.Namespace
	} else {
		e, err = store.Get(ctx, c.Tenant, namespace, key)
	}
	if errors.Is(err, backend.ErrNotFound) {
		if missing, given := args.Get("errorOnMissing"); given && missing == false {
			return nil, nil
		}
		return nil, fmt.Errorf("the key '%s' does not exist in the namespace '%s'", key, namespace)
	}
	if err != nil {
		return nil, err
	}
	return e.Value, nil
}

// secret reveals a secret; with a subkey, a member of a secret that is a JSON object.
func (w *World) secret(ctx context.Context, c Caller, args expr.Args) (any, error) {
	namespace := text(args, "namespace")
	if namespace == "" {
		namespace = c.Namespace
	}
	plain, err := w.Secrets.Secret(ctx, c.Tenant, namespace, text(args, "key"))
	if err != nil {
		return nil, err
	}
	if c.Secret != nil {
		c.Secret(plain)
	}
	subkey := text(args, "subkey")
	if subkey == "" {
		return plain, nil
	}
	v, err := value.ParseJSON([]byte(plain))
	m, ok := v.(*value.Map)
	if err != nil || !ok {
		return nil, fmt.Errorf("the secret '%s' is not a JSON object, so it has no subkey", text(args, "key"))
	}
	sub, ok := m.Get(subkey)
	if !ok {
		return nil, fmt.Errorf("the secret '%s' has no subkey '%s'", text(args, "key"), subkey)
	}
	if s := value.Print(sub); c.Secret != nil {
		c.Secret(s)
	}
	return sub, nil
}

// maxRead bounds what read() returns, in bytes: it becomes text within an expression.
const maxRead = 16 << 20

// locate resolves a path argument: a URI of internal storage that this execution may read, or a namespace file.
func (w *World) locate(c Caller, args expr.Args) (storage.URI, error) {
	path, namespace := text(args, "path"), text(args, "namespace")
	if namespace == "" {
		namespace = c.Namespace
	}
	switch {
	case strings.HasPrefix(path, "kestra://"):
		uri, err := storage.Parse(c.Tenant, path)
		if err != nil {
			return uri, err
		}
		if !strings.Contains(uri.Path(), "/executions/") {
			return uri, fmt.Errorf("unable to read the file '%s' as it is not an execution file", path)
		}
		return uri, nil
	case strings.HasPrefix(path, "nsfile://"):
		path = strings.TrimPrefix(path, "nsfile://")
	case strings.HasPrefix(path, "file://"):
		return storage.URI{}, fmt.Errorf("reading '%s' is not allowed: files of the host cannot be read", path)
	}
	return storage.NamespaceFile(c.Tenant, namespace, path, 1)
}

// revision is the place of the revision of a namespace file that a call asks for; without one it is the newest.
func (w *World) revision(ctx context.Context, file storage.URI, args expr.Args) (storage.URI, error) {
	asked := text(args, "revision")
	if asked == "" {
		asked = text(args, "version")
	}
	if asked == "" {
		return file, nil
	}
	n, err := strconv.Atoi(asked)
	if err != nil || n < 1 {
		return file, fmt.Errorf("%q is not the number of a revision", asked)
	}
	return storage.Revision(ctx, w.Storage, file, n)
}

func (w *World) read(ctx context.Context, c Caller, args expr.Args) (any, error) {
	uri, err := w.locate(c, args)
	if err != nil {
		return nil, err
	}
	if uri, err = w.revision(ctx, uri, args); err != nil {
		return nil, err
	}
	obj, err := w.Storage.Get(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("file '%s' was not found: %w", text(args, "path"), err)
	}
	defer obj.Close()
	b, err := io.ReadAll(io.LimitReader(obj, maxRead+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxRead:
		return nil, fmt.Errorf("file '%s' has more than the %d bytes that read() returns", text(args, "path"), maxRead)
	case !utf8.Valid(b):
		return strings.ToValidUTF8(string(b), "�"), nil
	}
	return string(b), nil
}

func (w *World) fileURI(ctx context.Context, c Caller, args expr.Args) (any, error) {
	namespace := text(args, "namespace")
	if namespace == "" {
		namespace = c.Namespace
	}
	uri, err := storage.NamespaceFile(c.Tenant, namespace, text(args, "path"), 1)
	if err != nil {
		return nil, err
	}
	if uri, err = w.revision(ctx, uri, args); err != nil {
		return nil, err
	}
	return uri.String(), nil
}

func (w *World) fileSize(ctx context.Context, c Caller, args expr.Args) (any, error) {
	uri, err := w.locate(c, args)
	if err != nil {
		return nil, err
	}
	a, err := w.Storage.Stat(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("file '%s' was not found: %w", text(args, "path"), err)
	}
	return a.Size, nil
}

func (w *World) fileExists(ctx context.Context, c Caller, args expr.Args) (any, error) {
	uri, err := w.locate(c, args)
	if err != nil {
		return nil, err
	}
	return storage.Exists(ctx, w.Storage, uri)
}

func (w *World) isFileEmpty(ctx context.Context, c Caller, args expr.Args) (any, error) {
	size, err := w.fileSize(ctx, c, args)
	return size == int64(0), err
}

// storeOutputs keeps outputs as a file of the task run that asks, and answers its URI. Asked again it writes the same file.
func (w *World) storeOutputs(ctx context.Context, c Caller, args expr.Args) (any, error) {
	e := storage.Execution{Flow: storage.Flow{Tenant: c.Tenant, Namespace: c.Namespace, ID: c.FlowID}, ID: c.ExecutionID}
	dir, err := e.TaskDir(text(args, "task"), text(args, "taskRun"))
	if err != nil {
		return nil, err
	}
	uri, err := dir.Join(text(args, "name"))
	if err != nil {
		return nil, err
	}
	v, _ := args.Get("value")
	return uri.String(), w.Storage.Put(ctx, uri, bytes.NewReader(append(ion.Append(nil, v), '\n')), nil)
}

const (
	// maxErrors is how many lines errorLogs() lists at most.
	maxErrors = 1000
	// errorWait bounds how long it waits for lines that are being written.
	errorWait = 2 * time.Second
)

// errorLogs lists the ERROR lines of the execution. Lines are written beside the commits, so that the newest may take a
// moment to be found.
func (w *World) errorLogs(ctx context.Context, c Caller, _ expr.Args) (any, error) {
	q := backend.Query{Tenant: c.Tenant, Page: 1, Size: maxErrors, Sort: []backend.Sort{{By: "timestamp"}}, NoTotal: true, Filters: []backend.Filter{
		{Field: backend.FieldExecutionID, Op: backend.OpEquals, Value: c.ExecutionID},
		{Field: backend.FieldLevel, Op: backend.OpGreaterEq, Value: model.LevelError.String()},
	}}
	waited := time.Duration(0)
	for wait := time.Millisecond; ; wait *= 2 {
		page, err := w.Backend.Logs().Search(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(page.Results) >= min(c.Errors, maxErrors) || waited > errorWait {
			return logMaps(append(page.Results, c.Unwritten...)), nil
		}
		select {
		case <-time.After(wait):
			waited += wait
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func logMaps(lines []model.LogEntry) []any {
	out := make([]any, 0, len(lines))
	for _, l := range lines {
		m := value.NewMap(11)
		m.Set("tenantId", l.Tenant)
		m.Set("namespace", l.Namespace)
		m.Set("flowId", l.FlowID)
		m.Set("taskId", l.TaskID)
		m.Set("executionId", l.ExecutionID)
		m.Set("taskRunId", l.TaskRunID)
		if l.Attempt != nil {
			m.Set("attemptNumber", value.Int(int64(*l.Attempt)))
		}
		m.Set("timestamp", value.Instant{T: l.Timestamp})
		m.Set("level", l.Level.String())
		m.Set("thread", l.Thread)
		m.Set("message", l.Message)
		out = append(out, m)
	}
	return out
}
