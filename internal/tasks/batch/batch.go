// Package batch holds the two tasks that a ForEachItem runs besides its executions: the one that splits the items into
// batches, and the one that puts the outputs of the batches together. It has Sleep too, the other control task that is a job.
package batch

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/windhover-io/windhover/internal/backend"
	"github.com/windhover-io/windhover/internal/model"
	"github.com/windhover-io/windhover/internal/plugin"
	"github.com/windhover-io/windhover/sdk"
)

// Types lists the types of this package.
func Types(b backend.Backend) []plugin.Type {
	return []plugin.Type{
		{
			Name: "io.kestra.plugin.core.flow.Sleep", Category: plugin.Task, Title: "Wait for a while.",
			Description: "Waits within the task: a worker's thread is held meanwhile. To wait for long, Pause is better.",
			Examples: []plugin.Example{{Title: "Wait five seconds", YAML: `id: wait
type: io.kestra.plugin.core.flow.Sleep
duration: PT5S`}},
			New: func() any { return &Sleep{} },
		},
		{
			Name:     "io.kestra.plugin.core.flow.ForEachItem$ForEachItemSplit",
			Category: plugin.Task, Title: "The part of ForEachItem that splits the items.",
			New: func() any { return &Split{} }, Outputs: SplitOutput{},
		},
		{
			Name:     "io.kestra.plugin.core.flow.ForEachItem$ForEachItemMergeOutputs",
			Category: plugin.Task, Title: "The part of ForEachItem that puts the outputs together.",
			New: func() any { return &Merge{backend: b} }, Outputs: MergeOutput{},
		},
	}
}

// Sleep waits.
type Sleep struct {
	Duration sdk.Duration `json:"duration" required:"true" doc:"How long."`
}

// Run waits, or until it is told to stop.
func (t *Sleep) Run(ctx context.Context, run sdk.Run) (any, error) {
	run.Log(sdk.LevelInfo, "Waiting for %s", model.FormatDuration(time.Duration(t.Duration)))
	timer := time.NewTimer(time.Duration(t.Duration))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// Split splits a file into batches.
type Split struct {
	Items string `json:"items" required:"true" doc:"The URI of the file."`
	Batch Batch  `json:"batch" doc:"How large a batch is."`
}

// Batch says how large a batch is: by rows, by size, by the number of batches, or by a pattern in the rows.
type Batch struct {
	Rows         *int   `json:"rows" doc:"Rows of a batch; one unless something else is set."`
	Bytes        string `json:"bytes" doc:"The size of a batch, such as 10MB; rows are not cut."`
	Partitions   *int   `json:"partitions" doc:"The number of batches."`
	Separator    string `json:"separator" default:"\n" doc:"What rows end with."`
	RegexPattern string `json:"regexPattern" doc:"Rows with the same first group go into the same batch."`
}

// SplitOutput is what Split puts out.
type SplitOutput struct {
	Splits string `json:"splits" doc:"The URI of a file that lists the URIs of the batches."`
}

// batches is implemented by runs that pass the batches on to the executions that follow.
type batches interface{ Batches(files []string) }

// Run splits the file and stores each batch.
func (t *Split) Run(ctx context.Context, run sdk.Run) (any, error) {
	if !strings.HasPrefix(t.Items, "kestra://") && !strings.HasPrefix(t.Items, "nsfile://") {
		return nil, fmt.Errorf("items: %q is not the URI of a file in internal storage", t.Items)
	}
	r, err := run.Open(ctx, t.Items)
	if err != nil {
		return nil, fmt.Errorf("items: %w", err)
	}
	defer r.Close()
	uris, err := t.Files(ctx, run, r)
	if err != nil {
		return nil, err
	}
	list, err := run.Store(ctx, "splits.txt", strings.NewReader(strings.Join(uris, "\n")))
	if err != nil {
		return nil, err
	}
	if b, ok := run.(batches); ok {
		b.Batches(uris)
	}
	return SplitOutput{list}, nil
}

// Files splits what r gives as Batch says, stores each batch as a file and returns the URIs in order.
func (t *Split) Files(ctx context.Context, run sdk.Run, r io.Reader) ([]string, error) {
	b := t.Batch
	switch {
	case b.RegexPattern != "":
		re, err := regexp.Compile(b.RegexPattern)
		if err != nil {
			return nil, fmt.Errorf("batch.regexPattern: %w", err)
		}
		return t.byKey(ctx, run, r, func(row []byte, _ int) string {
			if m := re.FindSubmatch(row); len(m) > 1 {
				return string(m[1])
			}
			return ""
		})
	case b.Partitions != nil:
		if *b.Partitions < 1 {
			return nil, errors.New("batch.partitions: at least one is required")
		}
		return t.byKey(ctx, run, r, func(_ []byte, i int) string { return strconv.Itoa(i % *b.Partitions) })
	case b.Bytes != "":
		size, err := Bytes(b.Bytes)
		if err != nil {
			return nil, fmt.Errorf("batch.bytes: %w", err)
		}
		return t.inOrder(ctx, run, r, func(rows, bytes int) bool { return bytes >= size })
	}
	rows := 1
	if b.Rows != nil {
		rows = *b.Rows
	}
	if rows < 1 {
		return nil, errors.New("batch.rows: at least one is required")
	}
	return t.inOrder(ctx, run, r, func(n, _ int) bool { return n >= rows })
}

// inOrder puts rows into a batch until it is full; one batch is in memory at a time.
func (t *Split) inOrder(ctx context.Context, run sdk.Run, r io.Reader, full func(rows, bytes int) bool) ([]string, error) {
	var uris []string
	var batch bytes.Buffer
	rows := 0
	flush := func() error {
		if rows == 0 {
			return nil
		}
		uri, err := run.Store(ctx, fmt.Sprintf("batch-%d", len(uris)), bytes.NewReader(batch.Bytes()))
		if err != nil {
			return err
		}
		uris = append(uris, uri)
		batch.Reset()
		rows = 0
		return nil
	}
	err := t.each(r, func(row []byte, _ int) error {
		batch.Write(row)
		batch.WriteString(t.Batch.Separator)
		rows++
		if full(rows, batch.Len()) {
			return flush()
		}
		return nil
	})
	if err == nil {
		err = flush()
	}
	return uris, err
}

// byKey puts rows of the same key into the same batch, in the order in which the keys are first met. Rows without a key go
// nowhere.
func (t *Split) byKey(ctx context.Context, run sdk.Run, r io.Reader, key func([]byte, int) string) ([]string, error) {
	groups := map[string]*bytes.Buffer{}
	var order []string
	err := t.each(r, func(row []byte, i int) error {
		k := key(row, i)
		if k == "" {
			return nil
		}
		if groups[k] == nil {
			groups[k] = &bytes.Buffer{}
			order = append(order, k)
		}
		groups[k].Write(row)
		groups[k].WriteString(t.Batch.Separator)
		return nil
	})
	if err != nil {
		return nil, err
	}
	var uris []string
	for i, k := range order {
		uri, err := run.Store(ctx, fmt.Sprintf("batch-%d", i), groups[k])
		if err != nil {
			return nil, err
		}
		uris = append(uris, uri)
	}
	return uris, nil
}

// maxRow bounds one row, in bytes.
const maxRow = 64 << 20

// each reads the rows; an empty one at the end is none.
func (t *Split) each(r io.Reader, f func(row []byte, i int) error) error {
	sep := []byte(t.Batch.Separator)
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 64<<10), maxRow)
	s.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if i := bytes.Index(data, sep); i >= 0 {
			return i + len(sep), data[:i], nil
		}
		if atEOF && len(data) > 0 {
			return len(data), data, nil
		}
		return 0, nil, nil
	})
	i := 0
	for s.Scan() {
		if err := f(s.Bytes(), i); err != nil {
			return err
		}
		i++
	}
	return s.Err()
}

var sizePattern = regexp.MustCompile(`^(?i)\s*(\d+)\s*(B|KB|MB|GB|TB)?\s*$`)

// Bytes reads a size such as 10MB; units are powers of 1024.
func Bytes(s string) (int, error) {
	m := sizePattern.FindStringSubmatch(s)
	if m == nil {
		return 0, fmt.Errorf("%q is not a size such as 10MB", s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil || n == 0 {
		return 0, fmt.Errorf("%q is not a size", s)
	}
	shift := map[string]int{"": 0, "B": 0, "KB": 10, "MB": 20, "GB": 30, "TB": 40}[strings.ToUpper(m[2])]
	if n > 1<<(62-shift) {
		return 0, fmt.Errorf("%q is too large", s)
	}
	return n << shift, nil
}

// Merge puts the outputs of the batches together.
type Merge struct {
	Wait    bool `json:"wait" default:"true" doc:"Whether the executions have ended; else there is nothing to put together."`
	backend backend.Backend
}

// MergeOutput is what Merge puts out.
type MergeOutput struct {
	SubflowOutputs *string `json:"subflowOutputs" doc:"The URI of a file with the outputs of each execution on a line; absent if none has outputs."`
}

// Run reads the outputs of the executions that the task before this one has started.
func (t *Merge) Run(ctx context.Context, run sdk.Run) (any, error) {
	if !t.Wait {
		return nil, nil
	}
	info := run.Info()
	runs, err := t.backend.Executions().TaskRuns(ctx, info.Tenant, info.ExecutionID)
	if err != nil {
		return nil, err
	}
	id := strings.TrimSuffix(info.TaskID, "_merge") + "_items"
	for _, r := range runs {
		if r.TaskID == id && r.ParentID == info.ParentTaskRunID {
			return t.merge(ctx, run, r)
		}
	}
	return nil, errors.New("the executions of the batches were not found")
}

func (t *Merge) merge(ctx context.Context, run sdk.Run, items *model.TaskRun) (any, error) {
	var all bytes.Buffer
	for i := range items.Engine.Batches {
		e, err := t.backend.Executions().Get(ctx, items.Tenant, items.BatchID(i))
		if errors.Is(err, backend.ErrNotFound) || errors.Is(err, backend.ErrGone) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, err
		}
		if len(e.Outputs) > 0 {
			all.Write(e.Outputs)
			all.WriteByte('\n')
		}
	}
	if all.Len() == 0 {
		return nil, nil
	}
	uri, err := run.Store(ctx, "outputs.ion", &all)
	if err != nil {
		return nil, err
	}
	return MergeOutput{&uri}, nil
}
