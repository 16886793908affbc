package docker

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/docker/go-units"
	"github.com/moby/moby/api/types/jsonstream"
	"github.com/moby/moby/client"

	"github.com/windhover-io/windhover/sdk"
)

// told is how often progress is told of.
const told = 10 * time.Second

// Pull pulls an image and tells in the log how that goes.
func (d *Daemon) Pull(ctx context.Context, run sdk.Run, at Connection, image string) error {
	auth, err := at.Auth(ctx, image)
	if err != nil {
		return err
	}
	run.Log(sdk.LevelInfo, "pulling the image %s", image)
	began := time.Now()
	stream, err := d.ImagePull(ctx, image, client.ImagePullOptions{RegistryAuth: auth})
	if err == nil {
		err = errors.Join(follow(run, "pulled", stream.JSONMessages(ctx)), stream.Close())
	}
	if err != nil {
		return fmt.Errorf("pulling the image %s: %w", image, d.Explain(err))
	}
	run.Log(sdk.LevelInfo, "pulled the image %s in %s", image, time.Since(began).Round(100*time.Millisecond))
	return nil
}

// Push pushes an image and tells in the log how that goes.
func (d *Daemon) Push(ctx context.Context, run sdk.Run, at Connection, image string) error {
	auth, err := at.Auth(ctx, image)
	if err != nil {
		return err
	}
	run.Log(sdk.LevelInfo, "pushing the image %s", image)
	stream, err := d.ImagePush(ctx, image, client.ImagePushOptions{RegistryAuth: auth})
	if err == nil {
		err = errors.Join(follow(run, "pushed", stream.JSONMessages(ctx)), stream.Close())
	}
	if err != nil {
		return fmt.Errorf("pushing the image %s: %w", image, d.Explain(err))
	}
	return nil
}

// follow logs every now and then how much of the layers has been moved, until the messages end or one is an error.
func follow(run sdk.Run, done string, messages iter.Seq2[jsonstream.Message, error]) error {
	layers, last := map[string]*jsonstream.Progress{}, time.Now()
	for m, err := range messages {
		switch {
		case err != nil:
			return err
		case m.Error != nil:
			return m.Error
		case m.Progress != nil && m.Progress.Total > 0 && (m.Status == "Downloading" || m.Status == "Pushing"):
			layers[m.ID] = m.Progress
		case layers[m.ID] != nil: // what follows is no transfer any more
			layers[m.ID].Current = layers[m.ID].Total
		}
		if time.Since(last) < told {
			continue
		}
		last = time.Now()
		var current, total int64
		for _, p := range layers {
			current, total = current+p.Current, total+p.Total
		}
		run.Log(sdk.LevelInfo, "%s %s of %s", done, units.HumanSize(float64(current)), units.HumanSize(float64(total)))
	}
	return nil
}
