package worker

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/windhover-io/windhover/internal/storage"
	"github.com/windhover-io/windhover/internal/value"
	"github.com/windhover-io/windhover/sdk"
)

// cacheEntry is the name of the outputs within the archive that keeps them.
const cacheEntry = "outputs.json"

// cached tells whether the task keeps its outputs for the next time (taskCache).
func (rc *run) cached() bool { return rc.task.Cache != nil && rc.task.Cache.Enabled }

// recall takes the outputs that an earlier run of the task with the same properties has left, if they are not too old.
// Whatever is wrong with the cache is told in the log and the task runs.
func (rc *run) recall(ctx context.Context) (json.RawMessage, bool) {
	at, err := rc.cacheFile()
	if err != nil {
		return nil, false // the task itself says better what is wrong with its properties
	}
	obj, err := rc.w.cfg.Storage.Get(ctx, at)
	if err != nil {
		if !errors.Is(err, storage.ErrNotFound) {
			rc.Log(sdk.LevelWarn, "the cache of the task cannot be read: %v", err)
		}
		return nil, false
	}
	defer obj.Close()
	if ttl := rc.task.Cache.TTL; ttl > 0 && time.Since(obj.Modified) > ttl {
		return nil, false // what the task puts out now takes its place
	}
	outputs, err := unpack(obj)
	if err != nil {
		rc.Log(sdk.LevelWarn, "the cache of the task cannot be read: %v", err)
		return nil, false
	}
	rc.Log(sdk.LevelInfo, "Skipping task execution for task '%s' as there is an existing cache entry for it", rc.task.ID)
	return outputs, true
}

// remember keeps the outputs for the next time.
func (rc *run) remember(ctx context.Context, outputs json.RawMessage) {
	at, err := rc.cacheFile()
	if err == nil {
		var archive []byte
		if archive, err = pack(outputs); err == nil {
			err = rc.w.cfg.Storage.Put(ctx, at, bytes.NewReader(archive), nil)
		}
		if err == nil {
			err = rc.sweep(ctx, at)
		}
	}
	if err != nil {
		rc.Log(sdk.LevelWarn, "the outputs cannot be kept for the next time: %v", err)
		return
	}
	rc.Log(sdk.LevelInfo, "Uploading a cache entry for task '%s'", rc.task.ID)
}

// cacheFile is where the outputs of the task with its properties as they are now are kept: below its flow, by what the
// properties come to and by the value of the loop around it.
func (rc *run) cacheFile() (storage.URI, error) {
	if rc.cacheKey == "" {
		props, err := rc.w.cfg.Templates.RenderValue(rc.task.Props, rc, rc.w.cfg.Limits)
		if err != nil {
			return storage.URI{}, err
		}
		text := value.AppendJSON([]byte(rc.task.ID+" "+rc.task.Type+" "), props, value.JSONOptions{KeepNulls: true})
		sum := sha256.Sum256(text)
		rc.cacheKey = hex.EncodeToString(sum[:])
	}
	t, key := rc.taskRun, rc.cacheKey
	if t.Value != nil {
		key += " " + *t.Value
	}
	return storage.Flow{Tenant: t.Tenant, Namespace: t.Namespace, ID: t.FlowID}.CacheFile(t.TaskID, key)
}

// sweepCaches is how often, at most, the cache of a task is searched for entries that are too old.
const sweepCaches = time.Hour

// sweep deletes what is too old in the cache of the task: entries that nobody asks for again would stay for ever.
func (rc *run) sweep(ctx context.Context, at storage.URI) error {
	ttl, dir := rc.task.Cache.TTL, at.Parent().Parent()
	if last, ok := rc.w.swept.Load(dir); ttl <= 0 || ok && time.Since(last.(time.Time)) < sweepCaches {
		return nil
	}
	rc.w.swept.Store(dir, time.Now())
	entries, err := rc.w.cfg.Storage.List(ctx, dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		entry, err := dir.Join(e.Name, at.Name())
		if err != nil {
			return err
		}
		if a, err := rc.w.cfg.Storage.Stat(ctx, entry); err == nil && time.Since(a.Modified) > ttl {
			if _, err := rc.w.cfg.Storage.Delete(ctx, entry.Parent()); err != nil {
				return err
			}
		}
	}
	return nil
}

func pack(outputs json.RawMessage) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(cacheEntry)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(outputs); err != nil {
		return nil, err
	}
	err = z.Close()
	return b.Bytes(), err
}

func unpack(r io.Reader) (json.RawMessage, error) {
	archive, err := io.ReadAll(io.LimitReader(r, maxOutputs))
	if err != nil {
		return nil, err
	}
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	f, err := z.Open(cacheEntry)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	outputs, err := io.ReadAll(io.LimitReader(f, maxOutputs))
	if err == nil && len(outputs) > 0 && !json.Valid(outputs) {
		err = fmt.Errorf("%s is not JSON", cacheEntry)
	}
	return outputs, err
}
